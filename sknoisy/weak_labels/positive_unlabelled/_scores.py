"""Scores where no row is known to be negative."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

import numpy as np
from sklearn.metrics import make_scorer, roc_auc_score
from sklearn.utils.validation import check_consistent_length

from sknoisy._evidence._evidence import check_weight
from sknoisy._typing import ArrayLike, Scorer
from sknoisy.weak_labels.positive_unlabelled._labels import read_pu


def lee_liu_score(
    y: ArrayLike, y_pred: ArrayLike, *, positive: Any = None, sample_weight: ArrayLike | None = None
) -> float:
    """Recall squared over the share of rows predicted positive.

    It is proportional to precision times recall: it is high where F1 is high, and needs neither
    negatives nor the class prior. A classifier that says positive always has 1; the best possible
    value is 1 over the class prior.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labelled positives and unlabelled rows.
    y_pred : array-like of shape (n,)
        Predicted classes.
    positive : scalar, default=None
        The value that means positive. None: the larger of the two in `y`.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    float

    References
    ----------
    W. S. Lee, B. Liu: "Learning with Positive and Unlabeled Examples Using Weighted Logistic
    Regression", ICML 2003.

    Examples
    --------
    >>> from sknoisy.weak_labels.positive_unlabelled import lee_liu_score
    >>> lee_liu_score([1, 1, 0, 0, 0], [1, 1, 1, 0, 0])
    1.666...
    """
    recall, predicted = _recall_and_share(y, y_pred, positive, sample_weight)
    return float(recall**2 / predicted) if predicted else 0.0


def pu_precision_score(
    y: ArrayLike,
    y_pred: ArrayLike,
    *,
    class_prior: float,
    positive: Any = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Precision, from recall, the share of rows predicted positive and the class prior.

    Of all rows, class prior times recall are positives found; where labelled positives are a
    random part of the positives, recall is that on the labelled ones.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labelled positives and unlabelled rows.
    y_pred : array-like of shape (n,)
        Predicted classes.
    class_prior : float in (0, 1]
        Share of positives among all rows, labelled and unlabelled.
    positive : scalar, default=None
        The value that means positive. None: the larger of the two in `y`.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    float
        1 at most; 0 where nothing is predicted positive.

    Examples
    --------
    >>> from sknoisy.weak_labels.positive_unlabelled import pu_precision_score
    >>> pu_precision_score([1, 1, 0, 0, 0], [1, 1, 1, 0, 0], class_prior=0.4)
    0.666...
    """
    prior = _checked(class_prior)
    recall, predicted = _recall_and_share(y, y_pred, positive, sample_weight)
    return float(min(prior * recall / predicted, 1.0)) if predicted else 0.0


def pu_f1_score(
    y: ArrayLike,
    y_pred: ArrayLike,
    *,
    class_prior: float,
    positive: Any = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """F1, from recall, the share of rows predicted positive and the class prior.

    2 * prior * recall / (prior + share predicted positive).

    Parameters
    ----------
    y : array-like of shape (n,)
        Labelled positives and unlabelled rows.
    y_pred : array-like of shape (n,)
        Predicted classes.
    class_prior : float in (0, 1]
        Share of positives among all rows, labelled and unlabelled.
    positive : scalar, default=None
        The value that means positive. None: the larger of the two in `y`.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    float
        1 at most.

    Examples
    --------
    >>> from sknoisy.weak_labels.positive_unlabelled import pu_f1_score
    >>> pu_f1_score([1, 1, 0, 0, 0], [1, 1, 1, 0, 0], class_prior=0.4)
    0.8
    """
    prior = _checked(class_prior)
    recall, predicted = _recall_and_share(y, y_pred, positive, sample_weight)
    return float(min(2.0 * prior * recall / (prior + predicted), 1.0))


def pu_roc_auc_score(
    y: ArrayLike,
    y_score: ArrayLike,
    *,
    class_prior: float,
    positive: Any = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Area under the ROC curve, corrected for the positives among the unlabelled rows.

    Labelled against unlabelled rows it is a / 2 + (1 - a) AUC, with a the share of positives among
    the unlabelled rows.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labelled positives and unlabelled rows.
    y_score : array-like of shape (n,)
        Higher where a row is more likely positive.
    class_prior : float in (0, 1]
        Share of positives among all rows, labelled and unlabelled.
    positive : scalar, default=None
        The value that means positive. None: the larger of the two in `y`.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    float
        1 at most.

    References
    ----------
    A. Menon, B. van Rooyen, C. S. Ong, B. Williamson: "Learning from Corrupted Binary Labels via
    Class-Probability Estimation", ICML 2015.

    Examples
    --------
    >>> from sknoisy.weak_labels.positive_unlabelled import pu_roc_auc_score
    >>> pu_roc_auc_score([1, 1, 0, 0, 0], [0.9, 0.7, 0.8, 0.2, 0.1], class_prior=0.6)
    1.0
    """
    prior = _checked(class_prior)
    labels = read_pu(y, positive)
    share = np.average(labels.labelled, weights=sample_weight)
    if prior < share:
        raise ValueError(
            f"class_prior={prior:.4g} is less than the share of rows that are labelled positive, "
            f"{share:.4g}: it counts the positives among all rows, labelled or not."
        )
    hidden = (prior - share) / (1.0 - share)
    if hidden >= 1.0:
        raise ValueError(f"class_prior={prior:.4g} leaves no negative to rank a positive against.")
    area = roc_auc_score(labels.labelled, y_score, sample_weight=sample_weight)
    return float(min((area - hidden / 2.0) / (1.0 - hidden), 1.0))


def make_pu_scorer(
    score: Literal["f1", "precision", "roc_auc", "lee_liu"] = "f1",
    *,
    class_prior: float | None = None,
    positive: Any = None,
) -> Scorer:
    """Scorer for positive-unlabelled labels, for searches and cross-validation.

    Parameters
    ----------
    score : {"f1", "precision", "roc_auc", "lee_liu"}, default="f1"
        `pu_f1_score`, `pu_precision_score`, `pu_roc_auc_score` or `lee_liu_score`.
    class_prior : float in (0, 1], default=None
        Share of positives among all rows. One number for all that are compared: by priors of
        their own, those who take more rows for positives would seem better. Not for "lee_liu".
    positive : scalar, default=None
        The value that means positive. None: the larger of the two.

    Returns
    -------
    callable
        `scorer(estimator, X, y)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sknoisy.weak_labels.positive_unlabelled import ElkanNotoClassifier, make_pu_scorer
    >>> rng = np.random.default_rng(0)
    >>> y_true = rng.random(600) < 0.4
    >>> X = rng.normal(size=(600, 2)) + 2.0 * y_true[:, None]
    >>> y = (y_true & (rng.random(600) < 0.3)).astype(int)
    >>> search = GridSearchCV(
    ...     ElkanNotoClassifier(LogisticRegression(), random_state=0),
    ...     {"estimator__C": [0.01, 1.0]},
    ...     scoring=make_pu_scorer("f1", class_prior=0.4),
    ...     cv=3,
    ... )
    >>> search.fit(X, y).best_params_
    {'estimator__C': 1.0}
    """
    scores = {
        "f1": (pu_f1_score, "predict"),
        "precision": (pu_precision_score, "predict"),
        "roc_auc": (pu_roc_auc_score, ("decision_function", "predict_proba")),
        "lee_liu": (lee_liu_score, "predict"),
    }
    if score not in scores:
        raise ValueError(f"score={score!r} must be one of {', '.join(scores)}.")
    function, method = scores[score]
    if score == "lee_liu":
        return make_scorer(function, response_method=method, positive=positive)
    if class_prior is None:
        raise ValueError(
            f'score="{score}" needs class_prior, for instance that of ClassPrior; without it '
            'choose "lee_liu".'
        )
    return make_scorer(
        function, response_method=method, positive=positive, class_prior=_checked(class_prior)
    )


pu_f1_scorer = make_pu_scorer("lee_liu")


def _checked(class_prior):
    if not isinstance(class_prior, Real) or not 0 < class_prior <= 1:
        raise ValueError(f"class_prior={class_prior!r} must be a number in (0, 1].")
    return float(class_prior)


def _recall_and_share(y, y_pred, positive, sample_weight):
    """(recall on labelled positives, share of all rows predicted positive)."""
    labels = read_pu(y, positive)
    predicted = np.asarray(y_pred)
    check_consistent_length(labels.labelled, predicted)
    found = predicted == labels.positive
    weight = np.ones(len(found))
    if sample_weight is not None:
        weight = check_weight(sample_weight, len(found))
    recall = np.average(found[labels.labelled], weights=weight[labels.labelled])
    return recall, np.average(found, weights=weight)
