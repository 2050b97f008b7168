"""A few rows are known to be bad: find the others like them, and learn without."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from scipy.sparse import csr_matrix, hstack, issparse
from sklearn.base import is_classifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Evidence
from sknoisy._evidence._arrays import foreign_as_numpy
from sknoisy._evidence._evidence import check_trusted
from sknoisy._evidence._fitting import IsModel, check_takes_weights
from sknoisy._evidence._splits import DEFAULT_FOLDS
from sknoisy._typing import (
    Array,
    ArrayLike,
    CVLike,
    Estimator,
    FloatArray,
    MatrixLike,
    RandomStateLike,
)
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining
from sknoisy.treatment._treated import Treated

LEAST_FLAGGED = 2
LEAST_WEIGHT = 1e-3  # so that no class vanishes


class _CorrectiveUnlearning(BaseTraining):
    """What both have in common."""

    __metadata_request__fit = {"groups": True, "trusted": True, "flagged": True}  # noqa: RUF012
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "judge": [IsModel(), None],
        "threshold": [Interval(Real, 0, 1, closed="right")],
        "cv": CV,
    }

    def __init__(
        self,
        estimator: Estimator,
        *,
        judge: Estimator | None = None,
        action: Literal["drop", "reweight", "relabel"] = "drop",
        threshold: float = 0.5,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.judge = judge
        self.action = action
        self.threshold = threshold
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        flagged: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Find the rows that are like the flagged ones, and fit the estimator without them.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like of shape (n,)
            Given labels or numbers.
        flagged : array-like of shape (n,) of bool
            Rows that are known to be bad, two at least; of the others nothing is known.
        sample_weight : array-like of shape (n,), default=None
            Multiplied with any weight computed here, and passed to every fit.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in cross-fitting. So do copies of a row.
        trusted : array-like of shape (n,) of bool, default=None
            Rows known to be right.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        return self._fit(X, y, sample_weight, groups, trusted, fit_params, flagged=flagged)

    def _check_before_training(self, flagged):
        if self.judge is not None and not is_classifier(self.judge):
            raise TypeError(
                f"judge tells bad rows from others, so it must be a classifier, and "
                f"{type(self.judge).__name__} is none."
            )
        if self.action == "reweight":
            why = 'action="reweight" needs it'
            check_takes_weights(self.estimator, self.weight_strategy, why)

    def _train(self, evidence, flagged):
        flagged = _check_flagged(flagged, evidence, type(self).__name__)
        bad, frequency = np.zeros(evidence.n_rows), 1.0
        if flagged.any():
            bad, frequency = self._bad_proba(evidence, flagged)
        mask = bad > self.threshold
        mask |= flagged
        mask &= ~evidence.trusted
        mask = self._left(mask, bad, flagged, evidence)
        attributes = {"bad_proba_": bad, "label_frequency_": frequency}
        traced = {"noise_mask": mask, "attributes": attributes}
        if self.action == "reweight":
            attributes["sample_weight_"] = weight = np.maximum(1.0 - bad, LEAST_WEIGHT)
            return Treated.of(evidence, weight=weight if bad.any() else None, **traced)
        if self.action == "relabel":
            attributes["y_relabeled_"] = y = self._corrected(evidence, mask)
            return Treated(None, y, evidence.inputs.sample_weight, mask, attributes)
        attributes["sample_indices_"] = rows = np.flatnonzero(~mask)
        return Treated.of(evidence, rows if mask.any() else None, **traced)

    def _bad_proba(self, evidence, flagged):
        """((n,) probability that a row is bad, share of the bad rows that are flagged).

        `flagged` rows are the labelled positives, all others are unlabelled: with g(x, y) =
        P(flagged | x, y) and c the mean of g over flagged rows, P(bad | x, y, not flagged) =
        (1 - c) / c * g / (1 - g).
        """
        Z, target = evidence.features(self.estimator), evidence.target
        own = self._target_columns(target)
        Z = hstack([csr_matrix(Z), own]).tocsr() if issparse(Z) else np.hstack([Z, own])
        judge = self.judge
        if judge is None:
            judge = RandomForestClassifier(
                200, min_samples_leaf=3, max_features=0.5, n_jobs=self.n_jobs
            )
        question = Evidence(
            Z,
            flagged.astype(int),
            task="classification",
            groups=evidence.together,
        )
        folds = DEFAULT_FOLDS if self.cv is None else self.cv
        if isinstance(folds, Integral):
            folds = min(folds, int(flagged.sum()))
        how = {"cv": folds, "random_state": self._seed(), "n_jobs": self.n_jobs}
        g = question.responses(judge, **how).values[:, 1]
        g = np.where(np.isnan(g), flagged.mean(), g)
        frequency = float(np.clip(g[flagged].mean(), 1e-3, 1.0))
        ratio = (1.0 - frequency) / frequency
        bad = np.clip(ratio * g / np.maximum(1.0 - g, 1e-12), 0.0, 1.0)
        return np.where(flagged, 1.0, np.where(evidence.trusted, 0.0, bad)), frequency

    def _left(self, mask, bad, flagged, evidence):
        """`mask`, but for what must be left so that no class vanishes and no fit starves."""
        target = evidence.target
        kinds = target.codes if target.is_labels else np.zeros(evidence.n_rows, dtype=int)
        mask = mask.copy()
        for k in np.setdiff1d(kinds, kinds[~mask]):
            rows = np.flatnonzero((kinds == k) & ~flagged)
            if not len(rows):
                raise ValueError(
                    f"All rows of class {target.classes[k]!s} are flagged, and none is left to "
                    "learn it from."
                    if target.is_labels
                    else "All rows are flagged, and none is left to learn from."
                )
            mask[rows[bad[rows].argmin()]] = False
        return mask

    def _corrected(self, evidence, mask):
        """Targets in which bad ones are replaced by what a model of the others says."""
        [folds] = [[(np.flatnonzero(~mask), np.flatnonzero(mask))]]
        y = evidence.target.y.copy()
        if mask.any():
            how = {"cv": folds, "random_state": self._seed(), "n_jobs": self.n_jobs}
            said = evidence.responses(self.estimator, **how).values
            y = self._answers(evidence.target, said, mask, y)
        return y


def _check_flagged(flagged, evidence, owner):
    flagged = foreign_as_numpy(flagged, "flagged")
    if flagged is None or not np.any(flagged):
        warnings.warn(
            f"{owner} learns from rows that are known to be bad, and there are none, so this is "
            "the plain model: pass fit(X, y, flagged=mask).",
            UserWarning,
            stacklevel=5,
        )
        return np.zeros(evidence.n_rows, dtype=bool)
    try:
        flagged = check_trusted(flagged, evidence.n_rows)
    except ValueError as error:
        raise ValueError(str(error).replace("trusted", "flagged")) from error
    both = np.flatnonzero(flagged & evidence.trusted)
    if len(both):
        raise ValueError(f"Row {both[0]} is both flagged and trusted ({len(both)} such rows).")
    if flagged.sum() < LEAST_FLAGGED:
        raise ValueError(
            f"{int(flagged.sum())} row is flagged: at least {LEAST_FLAGGED} are needed, so that "
            "one can be judged by the others."
        )
    if flagged.all():
        raise ValueError("All rows are flagged, and none is left to learn from.")
    return flagged


DOC = """{what} that is cleaned of what is like a few rows known to be bad.

    Whoever finds some bad rows (a broken sensor, a careless annotator, poison) has rarely found all
    of them, and leaving out the known ones changes little. Here a judge learns to tell flagged rows
    from the others by features and target together; as the others hold bad ones, too, it learns
    from positives and unlabelled rows, and its probabilities are corrected for that. What is likely
    to be bad is dropped, weighed down or relabelled.

    Bad rows must have something in common that features and target show: a region, a source, a
    stamp, a pair of classes. Labels that are wrong at random have nothing; use a detector for them.

    Number of fits: `cv` of the judge (1 out of bag for a forest, which the default is), 1 of the
    wrapped model, and 1 more to relabel.

    Parameters
    ----------
    estimator : estimator object
        The {kind} to wrap.
    judge : classifier or None, default=None
        Tells flagged rows from others, by the features as numbers (see the features of detectors)
        and the target as further columns. None means a random forest.
    action : {{"drop", "reweight", "relabel"}}, default="drop"
        What is done about rows that are likely to be bad. "reweight": each row weighs by how likely
        it is to be good. "relabel": they get what a model of the other rows says of them.
    threshold : float in (0, 1], default=0.5
        Rows that are likelier to be bad than this are dropped or relabelled.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the judge judges rows that it has not seen.
    weight_strategy : {{"native", "resample"}}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that the models leave at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to what is left.{classes}
    bad_proba_ : ndarray of shape (n,)
        Probability that a row is bad; 1 for flagged rows, 0 for trusted ones.
    label_frequency_ : float
        Share of the bad rows that were flagged, by the judge.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows that count as bad.
    sample_indices_, sample_weight_, y_relabeled_ : ndarray
        Rows of the last fit, weights or targets, by `action`.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    References
    ----------
    S. Goel, A. Prabhu, P. Torr, P. Kumaraguru, A. Sanyal: "Corrective Machine Unlearning",
    Transactions on Machine Learning Research, 2024 (the setting: a part of the manipulated rows is
    known; the remedies there change the weights of a network).

    C. Elkan, K. Noto: "Learning classifiers from only positive and unlabeled data", KDD, 2008 (the
    correction).

    Examples
    --------
    {example}
    """


class CorrectiveUnlearningClassifier(WrappedClassifier, _CorrectiveUnlearning):
    __doc__ = DOC.format(
        what="Classifier",
        kind="classifier",
        classes="\n    classes_ : ndarray of shape (K,)",
        example=""">>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.training.poisoned import CorrectiveUnlearningClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> rng = np.random.default_rng(0)
    >>> bad = (y == 3) & (rng.random(len(y)) < 0.6)  # many a three was taken for an eight
    >>> z = np.where(bad, 8, y)
    >>> flagged = bad & (rng.random(len(y)) < 0.3)
    >>> model = CorrectiveUnlearningClassifier(LogisticRegression(C=0.01), random_state=0)
    >>> found = model.fit(X, z, flagged=flagged).noise_mask_
    >>> bool(found[bad & ~flagged].mean() > 0.6 > 0.02 > found[~bad].mean())
    True""",
    )
    _task = "classification"
    _parameter_constraints: dict = {
        **_CorrectiveUnlearning._parameter_constraints,
        "action": [StrOptions({"drop", "reweight", "relabel"})],
    }

    bad_proba_: FloatArray
    label_frequency_: float
    sample_indices_: Array
    sample_weight_: FloatArray
    y_relabeled_: Array

    def _target_columns(self, target):
        return np.eye(len(target.classes))[target.codes]

    def _answers(self, target, said, mask, y):
        known = mask & ~np.isnan(said).any(axis=1)
        y[known] = target.classes[said[known].argmax(axis=1)]
        return y


class CorrectiveUnlearningRegressor(WrappedRegressor, _CorrectiveUnlearning):
    __doc__ = DOC.format(
        what="Regressor",
        kind="regressor",
        classes="",
        example=""">>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy.training.poisoned import CorrectiveUnlearningRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> bad = X[:, 2] > 0.05  # a scale that broke under heavy people
    >>> z = np.where(bad, 20.0, y)
    >>> flagged = bad & (np.arange(len(y)) < 200)
    >>> model = CorrectiveUnlearningRegressor(Ridge(), random_state=0).fit(X, z, flagged=flagged)
    >>> bool(model.noise_mask_[bad].mean() > 0.9 and model.noise_mask_[~bad].mean() < 0.05)
    True""",
    )
    _task = "regression"
    _parameter_constraints: dict = CorrectiveUnlearningClassifier._parameter_constraints

    bad_proba_: FloatArray
    label_frequency_: float
    sample_indices_: Array
    sample_weight_: FloatArray
    y_relabeled_: Array

    def _target_columns(self, target):
        y = target.y.astype(float)
        middle = np.median(y)
        scale = np.median(np.abs(y - middle)) or y.std() or 1.0
        return ((y - middle) / scale)[:, None]

    def _answers(self, target, said, mask, y):
        known = mask & ~np.isnan(said)
        y = y.astype(float)
        y[known] = said[known]
        return y
