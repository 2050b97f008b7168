"""Which rows to label next, or to learn from, as a surrogate model sees them."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._evidence._fitting import IsModel
from sknoisy._typing import ArrayLike, CVLike, Estimator, FloatArray, IntArray, RandomStateLike
from sknoisy.weak_labels._folds import quiet_folds
from sknoisy.weak_labels.unlabelled._base import BasePartlyLabelled
from sknoisy.weak_labels.unlabelled._selection import (
    draw,
    inclusion_proba,
    n_to_select,
    predicted_proba,
)

SMALLEST_DOUBT = 1e-4  # what is less in doubt than this counts as this much


class SurrogateSelector(BasePartlyLabelled):
    """Chooses rows by how unsure a surrogate model is of them.

    Of many rows only some can be labelled, or learnt from. A surrogate, which may be weak or
    trained on few labels, says how much the label of a row is in doubt, and rows are drawn in
    proportion to a power of that. They are *not* weighted back afterwards, though the draw is
    biased: where the surrogate is any good, weights would cost more than they mend, and a model
    of well-chosen rows can be as good as one of all rows, or better.

    - Some rows of y have no label: the surrogate learns from those that have one, and the rows
      without are chosen from. `sample_indices_` are those to label next; the estimator is fitted
      to the labels there are.
    - All rows have a label: the surrogate judges rows out of sample, all rows are chosen from, and
      the estimator is fitted to those chosen.

    Number of fits: 2, or `cv` + 1 where all rows have a label.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap.
    n_select : int >= 1 or float in (0, 1), default=0.1
        How many rows to choose, or which share of those to choose from.
    alpha : float, default=0.5
        Power of the doubt. Above 0 rows in doubt are preferred, below 0 sure ones; 0 chooses at
        random. With few labels at hand sure rows can be the better choice.
    surrogate : estimator object, default=None
        Says what is in doubt. None means `estimator`. A fitted one in
        `sklearn.frozen.FrozenEstimator` is used as it is.
    unlabelled : int, str or None, default=-1
        The value of y that stands for no label. Missing values (NaN, None, NA) and
        empty texts always do. None means that no other value does.
    cv : int, splitter or iterable, default=5
        Folds of the surrogate where all rows have a label.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the draw, the folds and any `random_state` that the models leave at None.

    Attributes
    ----------
    estimator_ : estimator object
        The classifier, fitted to the labelled rows, or to the chosen ones where all have a label.
    classes_ : ndarray of shape (K,)
        All classes.
    sample_indices_ : ndarray of int
        The chosen rows, ascending.
    selection_proba_ : ndarray of shape (n,)
        Probability by which each row was drawn; 0 for a row that was not to be chosen.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    selection_proba : The formula, for a surrogate of any kind.
    RobustActiveDistillation : Where a teacher labels the chosen rows.

    Notes
    -----
    Where all rows have a label, `alpha` and `n_select` can be searched for by `GridSearchCV`.

    References
    ----------
    G. Kolossov, A. Montanari, P. Tandon: "Towards a statistical theory of data selection under
    weak supervision", ICLR, 2024 (there for two classes, with p (1 - p); for several it is here
    half of the Gini index, 1 - sum of p**2, which is the same for two. Rows are drawn by
    systematic sampling, so that their number is the wanted one).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels import SurrogateSelector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 2))
    >>> y = np.where(np.arange(1000) < 50, X[:, 0] > 0, -1)
    >>> selector = SurrogateSelector(LogisticRegression(), n_select=100, alpha=1, random_state=0)
    >>> chosen = selector.fit(X, y).sample_indices_
    >>> len(chosen), bool(abs(X[chosen, 0]).mean() < 0.7 * abs(X[:, 0]).mean())
    (100, True)
    """

    _parameter_constraints: dict = {
        **BasePartlyLabelled._parameter_constraints,
        "n_select": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
        "alpha": [Interval(Real, None, None, closed="neither")],
        "surrogate": [IsModel(), None],
    }

    sample_indices_: IntArray
    selection_proba_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        n_select: int | float = 0.1,
        alpha: float = 0.5,
        surrogate: Estimator | None = None,
        unlabelled: int | str | None = -1,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_select = n_select
        self.alpha = alpha
        self.surrogate = surrogate
        self.unlabelled = unlabelled
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn(self, rows, labels):
        n, soft = len(labels.codes), labels.one_hot
        surrogate = self.estimator if self.surrogate is None else self.surrogate
        all_known = labels.is_labelled.all()
        pool = np.arange(n) if all_known else np.flatnonzero(~labels.is_labelled)
        if all_known:
            folds = quiet_folds(rows, labels.codes, self.cv)
            judged = rows.out_of_sample(surrogate, soft, folds)
        else:
            judged = predicted_proba(rows.fit(surrogate, soft), rows, pool)
        proba = np.zeros(n)
        proba[pool] = selection_proba(judged, n_to_select(self.n_select, len(pool)), self.alpha)
        chosen = draw(proba, rows.random_state)
        if all_known:
            chosen = _with_every_class(chosen, labels.codes)
            soft = np.where(np.isin(np.arange(n), chosen)[:, None], soft, 0.0)
        return soft, {"sample_indices_": chosen, "selection_proba_": proba}


def selection_proba(label_proba: ArrayLike, n_select: int, alpha: float = 0.5) -> FloatArray:
    """Probability to draw each row, in proportion to a power of how much its label is in doubt.

    Parameters
    ----------
    label_proba : array-like of shape (n, K)
        Class probabilities by a surrogate model. A row of NaN counts as wholly in doubt.
    n_select : int
        How many rows are to be drawn.
    alpha : float, default=0.5
        Power of the doubt `1 - sum(p**2)`, which for two classes is `2 p (1 - p)`. Above 0 rows in
        doubt are preferred, below 0 sure ones.

    Returns
    -------
    ndarray of shape (n,)
        Probabilities, at most 1, that sum to `n_select`.

    Examples
    --------
    >>> from sknoisy.weak_labels import selection_proba
    >>> selection_proba([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]], n_select=1, alpha=1).round(2).tolist()
    [0.74, 0.26, 0.0]
    """
    label_proba = np.asarray(label_proba, dtype=float)
    doubt = 1.0 - (label_proba**2).sum(axis=1)
    doubt[np.isnan(doubt)] = 1.0 - 1.0 / label_proba.shape[1]
    return inclusion_proba(np.maximum(doubt, SMALLEST_DOUBT) ** alpha, n_select)


def _with_every_class(chosen, codes):
    """The chosen rows, and the first row of a class that none of them has."""
    gone = np.setdiff1d(codes, codes[chosen])
    first = [np.flatnonzero(codes == k)[0] for k in gone]
    return np.sort(np.concatenate([chosen, np.array(first, dtype=chosen.dtype)]))
