"""The model of detectors that watch the training, when none is given."""

from __future__ import annotations

from scipy.sparse import issparse
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from sknoisy._evidence._table import behind_encoder


def staged_model(evidence):
    """Gradient boosting: it trains in stages and takes what most tables hold.

    The trees are small, lest the first of them know all rows by heart. Half of the columns are
    tried at each split, so that two seeds give two models. With histograms the leaves are small
    where there are few rows, since with the usual 20 nothing is learnt there.
    """
    labels, X = evidence.task == "classification", evidence.inputs.X
    if issparse(X):  # there are no histograms of these
        kind = GradientBoostingClassifier if labels else GradientBoostingRegressor
        return kind(max_depth=2, max_features=0.5)
    kind = HistGradientBoostingClassifier if labels else HistGradientBoostingRegressor
    smallest = max(1, min(20, evidence.n_rows // 20))
    model = kind(
        max_leaf_nodes=4, max_features=0.5, min_samples_leaf=smallest, early_stopping=False
    )
    return behind_encoder(model, X)
