"""Two regressors that choose each other's rows, each seeing only the features that say most."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknoisy._typing import BoolArray, FloatArray
from sknoisy._wrapper import WrappedRegressor
from sknoisy.training.moving_targets._co_teaching import CoTeaching


class CoTeachingRegressor(WrappedRegressor, CoTeaching):
    """Two regressors that choose each other's rows, and see only the features that say most.

    As `CoTeachingClassifier`, with squared errors for losses. A peer keeps the number of features
    with which its predictions are closest to the numbers, by their mean absolute error, of rows
    that it has not seen.

    The papers are about labels. Numbers have large errors without being wrong; with
    `noise_rate="auto"` none is left out unless errors are of two kinds, small and large ones.

    Number of fits: two times `cv` (5) for 1 + `n_draws` (4) and for `n_rounds` - 1 (4), plus 2: 92
    by default, 52 without `compress`, and 52 where nothing is to be left out.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any scikit-learn regressor, or a Pipeline that ends in one.
    noise_rate : "auto" or float in [0, 1), default="auto"
        Share of the rows that is left out in the end. "auto": what `NoiseCount` counts by what both
        say at first, at most a half.
    compress : {"importance", "pca"}, transformer or None, default="importance"
        In which order features are kept. "importance": columns, of any kind, by the F statistic of
        each by itself; a model that is told of columns by name or place needs None. "pca":
        principal components of the standardised columns (of sparse ones without centring). A
        transformer: one with a parameter `n_components`, fitted to the columns. None: all are kept.
    n_draws : int >= 0, default=4
        Numbers of features that each peer tries beside all.
    n_rounds : int >= 1, default=5
    n_gradual : int >= 1, default=3
        In round t, the share `noise_rate` times min(t / `n_gradual`, 1) is left out.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the peers judge rows; an integer makes other folds for each of them.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` reaches the model: as its own (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the draws and every `random_state` that `estimator` leaves at None; the two
        peers get different seeds.

    Attributes
    ----------
    estimator_ : estimator object
        Both models as one: the mean of what they say.
    estimators_ : list of two estimators
        With features left out, each is a Pipeline that does so before its last step.
    kept_ : ndarray of shape (n, 2) of bool
        Rows that each of the two was fitted to.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows that neither was fitted to.
    noise_rate_ : float
    feature_shares_ : ndarray of shape (2,)
        Share of the features that each of the two sees.
    loss_curve_ : ndarray of shape (`n_iter_`, 2)
        Mean loss of the rows that each is given next, by its peer, round by round.
    n_iter_ : int
        One where nothing is to be left out.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    CoTeachingClassifier : For labels.

    References
    ----------
    Y. Chen, S. X. Hu, X. Shen, C. Ai, J. A. K. Suykens: "Compressing Features for Learning with
    Noisy Labels", IEEE Transactions on Neural Networks and Learning Systems, 2022.

    B. Han, Q. Yao, X. Yu, G. Niu, M. Xu, W. Hu, I. Tsang, M. Sugiyama: "Co-teaching: Robust
    training of deep neural networks with extremely noisy labels", NeurIPS, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from sknoisy.training.moving_targets import CoTeachingRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = rng.randn(300, 3)
    >>> y = 3 * X[:, 0] + 0.5 * rng.randn(300)
    >>> y[::5] += 30
    >>> tree = DecisionTreeRegressor(min_samples_leaf=5)
    >>> model = CoTeachingRegressor(tree, noise_rate=0.2, n_draws=1, random_state=0)
    >>> model = model.fit(X, y)
    >>> bool(np.abs(model.predict(X) - 3 * X[:, 0]).mean() < 1)
    True
    """

    _task = "regression"

    estimators_: list[Any]
    kept_: BoolArray
    noise_rate_: float
    feature_shares_: FloatArray
    loss_curve_: FloatArray
    n_iter_: int

    def _targets(self, evidence):
        return evidence.target.y.astype(float)

    def _loss(self, said, evidence):
        return (evidence.target.y - said) ** 2

    def _misses(self, said, evidence):
        return np.abs(evidence.target.y - said)
