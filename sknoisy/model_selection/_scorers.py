"""Scorers for searches over noisy rows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import copy
from typing import Any, Literal, Self

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.metrics import check_scoring, make_scorer
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from sknoisy._notebook import NotebookView
from sknoisy._typing import ArrayLike, Detector, Estimator, Scorer
from sknoisy.detection import ConfidentLearning, Residual
from sknoisy.metrics import (
    corrected_accuracy,
    corrected_balanced_accuracy,
    corrected_log_loss,
    corrected_roc_auc,
)
from sknoisy.metrics._transition import check_two_classes, read_transition

METRICS = {
    "accuracy": (corrected_accuracy, {}),
    "balanced_accuracy": (corrected_balanced_accuracy, {}),
    "neg_log_loss": (
        corrected_log_loss,
        {"response_method": "predict_proba", "greater_is_better": False},
    ),
    "roc_auc": (corrected_roc_auc, {"response_method": ("decision_function", "predict_proba")}),
}
KEPT = 20  # splits whose weights are remembered


def corrected_scorer(
    scoring: Literal["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc"],
    transition: ArrayLike | Estimator,
    *,
    labels: ArrayLike | None = None,
) -> Scorer:
    """Scorer that corrects for noisy validation labels.

    Parameters
    ----------
    scoring : {"accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc"}
        Which score; see `corrected_accuracy` and its like for what is assumed.
    transition : array-like of shape (K, K), DataFrame, or estimator of `sknoisy.noise_model`
        P(given j | true i) in row i, column j; or a fitted estimator of it.
    labels : array-like of shape (K,), default=None
        Classes of the matrix, in its order (which need not be that of the estimator's `classes_`);
        needed where it is an array.

    Returns
    -------
    callable(estimator, X, y)

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from sknoisy.datasets import transition_noise
    >>> from sknoisy.model_selection import corrected_scorer
    >>> X, y = make_classification(2000, class_sep=3, flip_y=0, random_state=0)
    >>> T = np.array([[0.9, 0.1], [0.3, 0.7]])
    >>> z, _ = transition_noise(y, T, random_state=0)
    >>> scorer = corrected_scorer("accuracy", T, labels=[0, 1])
    >>> noisy = cross_val_score(LogisticRegression(), X, z).mean()
    >>> corrected = cross_val_score(LogisticRegression(), X, z, scoring=scorer).mean()
    >>> bool(noisy < 0.85 < 0.95 < corrected)
    True
    """
    if not isinstance(scoring, str) or scoring not in METRICS:
        raise ValueError(f"scoring must be one of {', '.join(METRICS)}, got {scoring!r}.")
    if hasattr(transition, "fit"):
        check_is_fitted(transition)
        transition, labels = transition.transition_, transition.classes_
    if labels is None and not isinstance(transition, pd.DataFrame):
        raise ValueError(
            "labels say which classes the rows and columns of transition are: give them, or a "
            "DataFrame whose index and columns have their names."
        )
    matrix, labels = read_transition(transition, labels)
    if scoring == "roc_auc":
        check_two_classes(labels)
    # probabilities and scores of an estimator are in the order of its sorted classes
    order = np.argsort(labels)
    metric, how = METRICS[scoring]
    return make_scorer(metric, transition=matrix[np.ix_(order, order)], labels=labels[order], **how)


class TrustWeightedScorer(NotebookView, BaseEstimator):
    """Scorer that weighs each validation row by the probability that its target is right.

    A detector judges the validation rows, among themselves, so that no candidate has a say in it.
    It does so once for each split, however many candidates there are (in each process).

    It knows nothing of how labels are wrong, and so serves where `corrected_scorer` does not: noise
    that depends on the features, numbers. What the detector's model takes for wrong, though, counts
    for less, and candidates that agree with that model are favoured.

    Parameters
    ----------
    scoring : str or callable, default=None
        A scorer that takes `sample_weight`; None means the estimator's `score`.
    detector : detector object, default=None
        None means `ConfidentLearning(bounded=True)` for classifiers and `Residual` for regressors.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.detection import ConfidentLearning
    >>> from sknoisy.model_selection import TrustWeightedScorer
    >>> X, y = make_classification(600, random_state=0)
    >>> z, _ = symmetric_noise(y, 0.2, random_state=0)
    >>> scorer = TrustWeightedScorer("accuracy", ConfidentLearning(LogisticRegression()))
    >>> search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1]}, scoring=scorer, cv=3)
    >>> bool(search.fit(X, z).best_score_ > 0.85)  # on noisy labels 0.75
    True
    """

    _parameter_constraints: dict = {
        "scoring": [str, callable, None],
        "detector": [HasMethods(["fit"]), None],
    }

    def __init__(
        self, scoring: str | Callable[..., Any] | None = None, detector: Detector | None = None
    ) -> None:
        self.scoring = scoring
        self.detector = detector

    def __call__(self, estimator, X, y):
        """Weighted score of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator
        X, y
            Validation rows.

        Returns
        -------
        float
        """
        self._validate_params()
        weight = self._trust(estimator, X, y)
        if self.scoring is None:
            return float(estimator.score(X, y, sample_weight=weight))
        scorer = check_scoring(estimator, self.scoring)
        if "sample_weight" not in inspect.signature(scorer).parameters and not hasattr(
            scorer, "_score_func"
        ):
            raise TypeError(f"scoring={self.scoring!r} takes no sample_weight: make_scorer does.")
        return float(scorer(estimator, X, y, sample_weight=weight))

    def _trust(self, estimator, X, y):
        key = joblib.hash((X, np.asarray(y)))
        known = self.__dict__.setdefault("_known", {})
        if key not in known:
            detector = self.detector
            if detector is None:
                detector = (
                    Residual(random_state=0)
                    if is_regressor(estimator)
                    else ConfidentLearning(bounded=True, random_state=0)
                )
            if len(known) >= KEPT:
                known.pop(next(iter(known)))
            judge = clone(detector).fit(X, y)
            if not hasattr(judge, "noise_proba_"):
                raise TypeError(
                    f"detector of TrustWeightedScorer must say how likely each row is wrong "
                    f"(noise_proba_), and {type(judge).__name__} does not: take one of "
                    "sknoisy.detection."
                )
            known[key] = 1.0 - judge.noise_proba_
        return known[key]

    def set_params(self, **params: Any) -> Self:
        """Set parameters; what a detector of before has said is forgotten.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : object
        """
        self.__dict__.pop("_known", None)
        return super().set_params(**params)

    def __getstate__(self):
        state = copy(super().__getstate__())
        state.pop("_known", None)  # jobs and files need no copy of it
        return state
