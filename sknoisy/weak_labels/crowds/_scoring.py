"""How good predictions are, where only the answers of a crowd are known."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_consistent_length

from sknoisy._evidence._arrays import as_numpy
from sknoisy._evidence._evidence import check_weight
from sknoisy._evidence._target import positions
from sknoisy._typing import ArrayLike, Estimator, MatrixLike
from sknoisy.weak_labels.crowds._dawid_skene import DawidSkene


def crowd_accuracy_score(
    votes: ArrayLike,
    y_pred: ArrayLike,
    *,
    aggregator: Estimator | None = None,
    missing: Any = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Expected accuracy of predictions, where only answers of a crowd are known.

    The aggregator is fitted to these answers alone, and the probabilities that it gives the
    predicted classes are averaged. A row without an answer does not count. The score tells which of
    two classifiers is better; the less certain the answers, the nearer it is to chance, and the
    further below the accuracy.

    Parameters
    ----------
    votes : array-like or DataFrame of shape (n, m)
        One column per annotator, with blanks.
    y_pred : array-like of shape (n,)
        Predicted labels.
    aggregator : aggregator object, default=None
        None means `DawidSkene()`.
    missing : object, default=None
        A value of `votes` that is a blank, besides NaN, None, pd.NA and empty texts.
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float

    Examples
    --------
    >>> from sknoisy.weak_labels import MajorityVote, crowd_accuracy_score
    >>> votes = [["a", "a", "b"], ["b", "b", "b"], ["a", "a", "a"]]
    >>> round(crowd_accuracy_score(votes, ["a", "b", "b"], aggregator=MajorityVote()), 3)
    0.556
    """
    aggregator = DawidSkene() if aggregator is None else clone(aggregator)
    aggregator.set_params(missing=missing, allow_empty=True).fit(votes)
    read = aggregator._read_new(votes)
    check_consistent_length(votes, y_pred)
    return expected_score(read, aggregator.label_proba_, y_pred, sample_weight)


def crowd_accuracy_scorer(estimator: Any, X: MatrixLike, votes: ArrayLike) -> float:
    """`crowd_accuracy_score` as a scorer, for `scoring` of GridSearchCV and the like.

    The blank of a `CrowdClassifier` (`missing`), also of one in a Pipeline, is that of its votes.

    Parameters
    ----------
    estimator : fitted classifier
    X : container of n rows
    votes : array-like or DataFrame of shape (n, m)

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV, KFold
    >>> from sknoisy.weak_labels import (
    ...     CrowdClassifier, DawidSkene, MajorityVote, crowd_accuracy_scorer)
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> votes = np.where(rng.random((200, 3)) < 0.8, y[:, None], 1 - y[:, None])
    >>> search = GridSearchCV(
    ...     CrowdClassifier(LogisticRegression(), random_state=0),
    ...     {"estimator__C": [1e-4, 1.0], "n_rounds": [0, 1]},
    ...     scoring=crowd_accuracy_scorer,
    ...     cv=KFold(3, shuffle=True, random_state=0),
    ... )
    >>> bool(search.fit(X, votes).best_score_ > 0.7)
    True
    """
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    missing = getattr(last, "missing", None)
    said = as_numpy(estimator.predict(X), "what it predicts")
    return crowd_accuracy_score(votes, said, missing=missing)


def expected_score(votes, posterior, predicted, sample_weight=None):
    """Mean probability of the predicted classes, over the rows with an answer."""
    codes = positions(as_numpy(predicted, "what it predicts"), votes.classes)
    chosen = np.where(codes >= 0, posterior[np.arange(len(codes)), codes], 0.0)
    weight = np.ones(len(codes))
    if sample_weight is not None:
        weight = check_weight(sample_weight, len(codes))
    return float(np.average(chosen, weights=weight * (votes.per_row > 0)))


def has_one_column(y):
    """Whether these are values, one for each row, and not a table of answers."""
    shape = y.shape if hasattr(y, "shape") else np.asarray(y, dtype=object).shape
    return len(shape) == 1
