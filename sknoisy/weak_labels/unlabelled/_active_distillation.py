"""Which rows a teacher that errs should label for a student."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence._fitting import IsModel
from sknoisy._typing import (
    Array,
    ArrayLike,
    CVLike,
    Estimator,
    FloatArray,
    IntArray,
    RandomStateLike,
)
from sknoisy.weak_labels._folds import quiet_folds
from sknoisy.weak_labels.unlabelled._base import BasePartlyLabelled
from sknoisy.weak_labels.unlabelled._selection import (
    draw,
    inclusion_proba,
    n_to_select,
    predicted_proba,
)

SMALLEST_GAIN = 1e-6


class RobustActiveDistillation(BasePartlyLabelled):
    """Chooses the rows that a teacher labels for a student, who then learns from them.

    A teacher is a large model, an expert or a language model: better than the student, slow or
    dear, and not always right. What is to gain from a row is 1 minus the student's margin, and
    nothing if the teacher is wrong. To take the rows of highest gain is to take those where
    teachers err most. So rows are drawn by probabilities that maximise the gain in the worst case,
    in which the `n_wrong_` wrong labels are those that cost the most. This has a closed form: the
    `n_support_` rows of highest gain are drawn in proportion to 1 / gain, and no other. The more
    the teacher errs, the more rows are among them.

    The student is fitted to the labelled rows and to what the teacher says of the chosen ones.
    With an expert, take `sample_indices_` as the rows to label next.

    Number of fits: 2 of the student; of a teacher that is not fitted yet 1, and `cv` more to know
    how often it errs.

    Parameters
    ----------
    estimator : estimator object
        The student. It needs weights where the teacher's labels are soft, or
        `weight_strategy="resample"`.
    teacher : estimator object
        A classifier. It is fitted to the labelled rows; one in `sklearn.frozen.FrozenEstimator` is
        used as it is.
    n_select : int >= 1 or float in (0, 1), default=0.1
        How many of the unlabelled rows the teacher labels, or which share.
    teacher_error : float in [0, 1) or "auto", default="auto"
        Share of the teacher's labels that are wrong. "auto": as among the labelled rows, out of
        sample where the teacher is fitted here.
    soft : bool, default=False
        Whether the student learns the teacher's probabilities, or the likeliest label.
    unlabelled : int, str or None, default=-1
        The value of y that stands for no label. Missing values (NaN, None, NA) and
        empty texts always do. None means that no other value does.
    cv : int, splitter or iterable, default=5
        Folds to find out how often the teacher errs.
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
        The student, fitted to the labelled and the chosen rows.
    teacher_ : estimator object
        The fitted teacher.
    classes_ : ndarray of shape (K,)
        All classes.
    sample_indices_ : ndarray of int
        The rows that the teacher labelled, ascending.
    selection_proba_ : ndarray of shape (n,)
        Probability by which each row was drawn; 0 for a labelled row.
    y_suggested_ : ndarray of shape (n,)
        The label, else what the teacher says; for rows that were not chosen what the student said
        before.
    n_wrong_ : int
        How many labels of all unlabelled rows the teacher is taken to have wrong.
    n_support_ : int
        How many rows could have been drawn.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    robust_sampling_proba : The formula.
    SurrogateSelector : Without a teacher.

    References
    ----------
    C. Baykal, K. Trinh, F. Iliopoulos, G. Menghani, E. Vee: "Robust Active Distillation", ICLR,
    2023 (rows are drawn there in several rounds, here in one: fit again with the new labels for
    the next. Several rows are drawn at once by systematic sampling, with probabilities of 1 at
    most).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels import RobustActiveDistillation
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 3))
    >>> y = np.where(np.arange(500) < 60, X[:, 0] > 0, -1)
    >>> teacher = RandomForestClassifier(20, random_state=0)
    >>> model = RobustActiveDistillation(LogisticRegression(), teacher, n_select=50, random_state=0)
    >>> len(model.fit(X, y).sample_indices_)
    50
    """

    _parameter_constraints: dict = {
        **BasePartlyLabelled._parameter_constraints,
        "teacher": [IsModel()],
        "n_select": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
        "teacher_error": [Interval(Real, 0, 1, closed="left"), StrOptions({"auto"})],
        "soft": ["boolean"],
    }

    teacher_: Any
    sample_indices_: IntArray
    selection_proba_: FloatArray
    y_suggested_: Array
    n_wrong_: int
    n_support_: int

    def __init__(
        self,
        estimator: Estimator,
        teacher: Estimator,
        *,
        n_select: int | float = 0.1,
        teacher_error: Literal["auto"] | float = "auto",
        soft: bool = False,
        unlabelled: int | str | None = -1,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.teacher = teacher
        self.n_select = n_select
        self.teacher_error = teacher_error
        self.soft = soft
        self.unlabelled = unlabelled
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn(self, rows, labels):
        known, proba = labels.is_labelled, labels.one_hot
        pool = np.flatnonzero(~known)
        codes = labels.codes.copy()
        selection = np.zeros(len(codes))
        teacher = rows.fit(self.teacher, proba)
        chosen, n_wrong, n_support = pool, 0, 0
        if len(pool):
            said = predicted_proba(rows.fit(self.estimator, proba), rows, pool)
            codes[pool] = said.argmax(axis=1)
            second, first = np.partition(said, -2, axis=1)[:, -2:].T
            n_wrong = round(self._error(rows, labels) * len(pool))
            n_select = n_to_select(self.n_select, len(pool))
            selection[pool] = robust_sampling_proba(1.0 - (first - second), n_wrong, n_select)
            n_support = int((selection > 0).sum())
            chosen = draw(selection, rows.random_state)
            taught = predicted_proba(teacher, rows, chosen)
            codes[chosen] = taught.argmax(axis=1)
            proba[chosen] = taught if self.soft else np.eye(proba.shape[1])[codes[chosen]]
        attributes = {
            "teacher_": teacher,
            "sample_indices_": chosen,
            "selection_proba_": selection,
            "y_suggested_": labels.classes[codes],
            "n_wrong_": n_wrong,
            "n_support_": n_support,
        }
        return proba, attributes

    def _error(self, rows, labels):
        if self.teacher_error != "auto":
            return self.teacher_error
        known = np.flatnonzero(labels.is_labelled)
        if isinstance(self.teacher, FrozenEstimator):
            said = predicted_proba(self.teacher, rows, known)
        else:
            folds = quiet_folds(rows, labels.codes, self.cv)
            said = rows.out_of_sample(self.teacher, labels.one_hot, folds)[known]
        judged = ~np.isnan(said).any(axis=1)
        if not judged.any():
            return 0.0
        return float((said[judged].argmax(axis=1) != labels.codes[known[judged]]).mean())


def robust_sampling_proba(gain: ArrayLike, n_wrong: int, n_select: int = 1) -> FloatArray:
    """Probability to draw each row that maximises the gain if the worst labels are wrong.

    A row gains `gain`, or nothing if its label is one of `n_wrong` wrong ones. For one row to draw
    the maximin solution has the k rows of highest gain in proportion to 1 / gain, where k
    maximises `(k - n_wrong) / sum(1 / gain)`.

    Parameters
    ----------
    gain : array-like of shape (n,)
        Not negative.
    n_wrong : int
    n_select : int, default=1
        How many rows are to be drawn. No probability is above 1, and k is no less than this.

    Returns
    -------
    ndarray of shape (n,)
        Probabilities that sum to `n_select`.

    Examples
    --------
    >>> from sknoisy.weak_labels import robust_sampling_proba
    >>> robust_sampling_proba([1.0, 0.5, 0.4, 0.01], n_wrong=0).round(2).tolist()
    [1.0, 0.0, 0.0, 0.0]
    >>> robust_sampling_proba([1.0, 0.5, 0.4, 0.01], n_wrong=1).round(2).tolist()
    [0.18, 0.36, 0.45, 0.0]
    """
    gain = np.maximum(np.asarray(gain, dtype=float), SMALLEST_GAIN)
    order = np.argsort(-gain, kind="stable")
    cost = 1.0 / gain[order]
    k = np.arange(1, len(gain) + 1)
    worth = np.where(k >= n_select, (k - n_wrong) / np.cumsum(cost), -np.inf)
    best = worth.argmax() + 1
    score = np.zeros(len(gain))
    score[order[:best]] = cost[:best]
    return inclusion_proba(score, n_select)
