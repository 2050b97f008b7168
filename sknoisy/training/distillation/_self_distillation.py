"""A model that is fitted again, to what it has learnt itself mixed with what it was given."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Folds
from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._soft_fit import SoftRows
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining
from sknoisy.training.distillation._mixing import optimal_mixing
from sknoisy.training.distillation._soft import keep_classes, treated_as
from sknoisy.training.distillation._students import (
    Students,
    folds_of,
    given_targets,
    held_out_loss,
    held_out_misses,
    judged_rows,
)
from sknoisy.treatment._treated import Treated

MOST = 10.0  # share of the teacher, where it is found by the closed form
MEMORY = 0.2  # of the error on rows held out: one that errs less on its own has them by heart
LEAST_GAIN = 1e-4  # of the loss on rows held out
MIN_PROBA = 1e-3  # soft labels less likely than this are left out


@dataclass
class _Distilled:
    """What distillation came to: the targets of the last fit, and its trace."""

    target: np.ndarray
    mixing: list
    curve: list
    teacher: str

    def attributes(self):
        return {
            "mixing_": np.array(self.mixing, dtype=float),
            "loss_curve_": np.array(self.curve, dtype=float),
            "n_iter_": len(self.mixing),
            "teacher_": self.teacher,
        }


@dataclass
class _Try:
    """A share of the teacher, and what its students say and teach."""

    share: float
    held: np.ndarray
    taught: list
    loss: float
    misses: float


class _SelfDistillation(BaseTraining):
    """The loop: teach, find out how much of the teacher is best, and teach again."""

    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "mixing": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left"), "array-like"],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "teacher": [StrOptions({"auto", "in_sample", "out_of_sample"})],
        "cv": CV,
    }

    def __init__(
        self,
        estimator,
        *,
        mixing="auto",
        n_steps=1,
        teacher="auto",
        cv=5,
        weight_strategy="native",
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.mixing = mixing
        self.n_steps = n_steps
        self.teacher = teacher
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _distil(self, evidence):
        """`_Distilled`; the given targets where nothing is gained by it."""
        if isinstance(self.mixing, Real):
            return self._fixed(evidence)
        return self._searched(evidence, self._grid())

    def _grid(self):
        """Shares of the teacher to choose among; None means by the closed form."""
        if isinstance(self.mixing, str):
            return None
        grid = np.asarray(self.mixing, dtype=float)
        if grid.ndim != 1 or not len(grid) or not (np.isfinite(grid) & (grid >= 0)).all():
            raise ValueError(
                f'mixing must be "auto", a number or a list of numbers, none below zero; got '
                f"{self.mixing!r:.80}."
            )
        return grid

    def _fixed(self, evidence):
        """`n_steps` times with one share; nothing is held out."""
        given = given_targets(evidence)
        teacher = self.teacher
        if teacher == "auto":
            folds = folds_of(evidence, self.cv, self._seed())
            teacher = self._first(evidence, folds, given)[0] if folds else "in_sample"
        students, target = self._students(evidence, Folds(), teacher), given
        for _ in range(self.n_steps):
            taught = students.say_of_all(target)
            target = self._mixed(evidence, given, taught, self.mixing)
        return _Distilled(target, [self.mixing] * self.n_steps, [], teacher)

    def _searched(self, evidence, grid):
        """Step by step with the share that is best on rows held out, until none is better."""
        given = given_targets(evidence)
        folds = folds_of(evidence, self.cv, self._seed())
        if not folds:
            return _Distilled(given, [], [], "in_sample")
        teacher, students, plain, taught = self._first(evidence, folds, given)
        target, mixing, curve = given, [], [held_out_loss(plain, evidence, folds)]
        for left in reversed(range(self.n_steps)):
            tries = self._tries(students, given, plain, taught, grid, teach=left > 0)
            better = [one for one in tries if one.loss < curve[-1] * (1 - LEAST_GAIN)]
            if not better:
                break
            best = min(better, key=lambda one: (one.misses, one.loss))
            target = self._mixed(evidence, given, taught[-1], best.share)
            taught = best.taught
            mixing.append(best.share)
            curve.append(best.loss)
        return _Distilled(target, mixing, curve, teacher)

    def _first(self, evidence, folds, given):
        """(how rows are taught, `Students`, what the plain model says of rows held out, taught)."""
        teacher = "in_sample" if self.teacher == "auto" else self.teacher
        students = self._students(evidence, folds, teacher)
        targets = [given] * len(students.parts)
        plain, taught = students.say(targets)
        if self.teacher == "auto":
            own = held_out_loss(taught[-1], evidence, [])
            if own < MEMORY * held_out_loss(plain, evidence, folds):
                teacher = "out_of_sample"
                students = self._students(evidence, folds, teacher)
                _, taught = students.say(targets, hold_out=False)
        return teacher, students, plain, taught

    def _tries(self, students, given, plain, taught, grid, teach):
        """What becomes of each share of the teacher that is in question."""
        evidence, folds = students.evidence, students.folds

        def tried(share):
            targets = [self._mixed(evidence, given, one, share) for one in taught]
            held, new = students.say(targets, teach=teach)
            return _Try(
                share,
                held,
                new,
                held_out_loss(held, evidence, folds),
                held_out_misses(held, evidence, folds),
            )

        if grid is not None:
            return [tried(share) for share in grid]
        tries = [tried(1.0)]
        held = tries[0].held
        at = judged_rows(plain, evidence, folds) & judged_rows(held, evidence, folds)
        weight = evidence.inputs.sample_weight
        weight = None if weight is None else weight[at]
        share = min(max(optimal_mixing(plain[at], held[at], given[at], weight), 0.0), MOST)
        return tries if share in (0.0, 1.0) else [*tries, tried(share)]

    def _students(self, evidence, folds, teacher):
        return Students(
            self.estimator,
            evidence,
            folds,
            out_of_sample=teacher == "out_of_sample",
            min_proba=MIN_PROBA,
            random_state=self._seed(),
            n_jobs=self.n_jobs,
        )

    def _mixed(self, evidence, given, taught, share):
        """Targets of a student; rows that are trusted, or that nobody has judged, keep theirs."""
        known = np.isfinite(taught.reshape(len(taught), -1)).all(axis=1) & ~evidence.trusted
        out = given.copy()
        out[known] = (1 - share) * given[known] + share * taught[known]
        return out


class SelfDistillationRegressor(WrappedRegressor, _SelfDistillation):
    """Regressor that is fitted again, to its own predictions mixed with the given numbers.

    A student is fitted to ``(1 - mixing) * y + mixing * teacher``, where the teacher is the same
    model fitted to y. Where the errors in y are large, the best `mixing` is above one: the student
    goes beyond its teacher, away from the given numbers. With `n_steps` the student becomes
    the teacher of another, whose targets are mixed with y again.

    What a student of ridge, or of any model that is linear in its targets, says of other rows is a
    straight line in `mixing`, so that its squared error on rows held out is a quadratic, and its
    minimum a closed form (`optimal_mixing`). That is what "auto" takes, within 0 and 10, after one
    fit with `mixing` one. Each step is then judged as it is, on the rows held out, and taken only
    if it gains, so that a model that is not linear in its targets will do as well.

    The papers' teachers speak of the rows that they were fitted to. One that has them by heart has
    nothing to teach, and is replaced by models that have not seen the row ("out_of_sample").

    Number of fits: with "auto" 3 * `cv` + 2 (17), and 2 * `cv` + 2 more for each further step; with
    a list `cv` + 2, and up to `cv` + 1 for each entry in each step. Whenever something is taught
    out of sample, up to 3 * `cv` + 3 more. With one number, `n_steps` + 1 (out of sample: 3 *
    `n_steps` + 1), and `cv` + 1 more for `teacher="auto"`.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any.
    mixing : "auto", float >= 0 or list of such, default="auto"
        Share of the teacher: zero is the plain model, one leaves the given numbers out, and above
        one these count negatively. Of a list, the best on rows held out is taken in each step.
    n_steps : int >= 1, default=1
        Distillations, at most; all of them where `mixing` is one number.
    teacher : {"auto", "in_sample", "out_of_sample"}, default="auto"
        "auto" teaches in sample, unless the squared error of the plain model on the rows it has
        seen is less than a fifth of that on rows held out.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds that hold rows out; None means 5.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` reaches the model: as such (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to `target_`.
    target_ : ndarray of shape (n,)
        Numbers of the last fit; a trusted row keeps its own.
    mixing_ : ndarray of shape (`n_iter_`,)
        Share of the teacher in each step; empty where the plain model is best on rows held out.
    loss_curve_ : ndarray
        Mean squared error on rows held out, of the plain model and after each step; empty where
        `mixing` is one number.
    n_iter_ : int
        Distillations.
    teacher_ : {"in_sample", "out_of_sample"}
        How rows were taught.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: every row is moved a little, and none is singled out.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    SelfDistillationClassifier : For labels.
    optimal_ridge_mixing : The best share for ridge, where truth and noise are known.
    estimated_ridge_mixing : The same from data.
    distilled_kernel_ridge : Any number of steps of kernel ridge without a refit.

    Notes
    -----
    Copies of rows, and rows of one group, are held out together. Wild numbers (1000 times too
    large, say) rule a squared error, also the one by which `mixing` is chosen: filter them first.

    References
    ----------
    R. Das, S. Sanghavi: "Understanding Self-Distillation in the Presence of Label Noise", ICML,
    2023 (one step, and `mixing` above one; there for ridge with known noise, or by a grid).

    K. Borup, L. N. Andersen: "Even your Teacher Needs Guidance: Ground-Truth Targets Dampen
    Regularization Imposed by Self-Distillation", NeurIPS, 2021 (more steps, and the closed form on
    validation rows; there for kernel ridge, with `mixing` of at most one; here by cross-fitting).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy.training.distillation import SelfDistillationRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = rng.randn(120, 60)
    >>> y = X[:, :5].sum(axis=1) + 3 * rng.randn(120)
    >>> model = SelfDistillationRegressor(Ridge(alpha=10), random_state=0).fit(X, y)
    >>> bool(model.mixing_[0] > 1)
    True
    """

    _task = "regression"

    def _train(self, evidence):
        found = self._distil(evidence)
        plain = not found.mixing or not any(found.mixing)
        return Treated(
            rows=None,
            y=evidence.target.y if plain else found.target,
            sample_weight=evidence.inputs.sample_weight,
            noise_mask=np.zeros(evidence.n_rows, dtype=bool),
            attributes={"target_": found.target, **found.attributes()},
        )


class SelfDistillationClassifier(WrappedClassifier, _SelfDistillation):
    """Classifier that is fitted again, to its own probabilities mixed with the given labels.

    A student is fitted to soft labels ``(1 - mixing) * given + mixing * teacher``, where the
    teacher is the same model fitted to the given labels. Where many labels are wrong, the best
    `mixing` is above one: the student goes beyond its teacher, away from the given label. With
    `n_steps` the student becomes the teacher of another, whose targets are mixed with the given
    labels again.

    A `mixing` above one gives labels a negative share of the loss. Few models take negative
    weights, so that what would be negative is cut to zero, and the rest is rescaled: a label that
    the teacher finds less likely than ``1 - 1 / mixing`` is replaced, and nothing is unlearnt.
    ``negative="weight"`` is as in the papers, for models to which weights are factors of a
    cross-entropy of linear scores, `LogisticRegression` above all: its loss stays convex. There it
    gains most, the more so the less the model is regularised.

    How much is best is found on rows held out. "auto" takes the minimum of the quadratic that the
    squared error of the probabilities (the Brier score) of a linear student would be
    (`optimal_mixing`), within 0 and 10, or one. Only shares that gain in the Brier score count, and
    of these the one is taken that agrees most often with the given labels. These are noisy, but
    where any other class is as likely a mistake, who agrees more with them is right more often.

    The papers' teachers speak of the rows that they were fitted to. One that has them by heart has
    nothing to teach, and is replaced by models that have not seen the row ("out_of_sample").

    Number of fits: with "auto" 3 * `cv` + 2 (17), and 2 * `cv` + 2 more for each further step; with
    a list `cv` + 2, and up to `cv` + 1 for each entry in each step. Whenever something is taught
    out of sample, up to 3 * `cv` + 3 more. With one number, `n_steps` + 1 (out of sample: 3 *
    `n_steps` + 1), and `cv` + 1 more for `teacher="auto"`.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any that takes weights (see `weight_strategy`).
    mixing : "auto", float >= 0 or list of such, default="auto"
        Share of the teacher: zero is the plain model, one leaves the given labels out, and above
        one these count negatively. Of a list, the best on rows held out is taken in each step.
    negative : {"cut", "weight"}, default="cut"
        What becomes of negative shares of a label.
    n_steps : int >= 1, default=1
        Distillations, at most; all of them where `mixing` is one number.
    teacher : {"auto", "in_sample", "out_of_sample"}, default="auto"
        "auto" teaches in sample, unless the Brier score of the plain model on the rows it has seen
        is less than a fifth of that on rows held out.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds that hold rows out; None means 5.
    weight_strategy : {"native", "resample"}, default="native"
        How soft labels and `sample_weight` reach the model: as its `sample_weight` (an error when
        it takes none), or by repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to `label_proba_`.
    classes_ : ndarray of shape (K,)
    label_proba_ : ndarray of shape (n, K)
        Soft labels of the last fit, with negative shares if they are weights; a trusted row keeps
        its label. Where a class would vanish, its five likeliest rows keep theirs.
    mixing_ : ndarray of shape (`n_iter_`,)
        Share of the teacher in each step; empty where the plain model is best on rows held out.
    loss_curve_ : ndarray
        Brier score on rows held out, of the plain model and after each step; empty where `mixing`
        is one number.
    n_iter_ : int
        Distillations.
    teacher_ : {"in_sample", "out_of_sample"}
        How rows were taught.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows whose given label is not the likeliest in `label_proba_`.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    SelfDistillationRegressor : For numbers.

    References
    ----------
    R. Das, S. Sanghavi: "Understanding Self-Distillation in the Presence of Label Noise", ICML,
    2023 (one step, and `mixing` above one; there the last layer of networks, and a grid).

    K. Borup, L. N. Andersen: "Even your Teacher Needs Guidance: Ground-Truth Targets Dampen
    Regularization Imposed by Self-Distillation", NeurIPS, 2021 (more steps, and the closed form on
    validation rows; there with `mixing` of at most one; here by cross-fitting).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.training.distillation import SelfDistillationClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> noisy, _ = symmetric_noise(y[:600], rate=0.4, random_state=0)
    >>> plain = LogisticRegression(max_iter=300)
    >>> model = SelfDistillationClassifier(plain, mixing=1.0).fit(X[:600] / 16, noisy)
    >>> scores = [m.score(X[600:] / 16, y[600:]) for m in (model, plain.fit(X[:600] / 16, noisy))]
    >>> bool(scores[0] > scores[1] + 0.02)
    True
    """

    _task = "classification"
    _parameter_constraints: dict = {
        **_SelfDistillation._parameter_constraints,
        "negative": [StrOptions({"cut", "weight"})],
    }

    def __init__(
        self,
        estimator,
        *,
        mixing="auto",
        negative="cut",
        n_steps=1,
        teacher="auto",
        cv=5,
        weight_strategy="native",
        n_jobs=None,
        random_state=None,
    ):
        super().__init__(
            estimator,
            mixing=mixing,
            n_steps=n_steps,
            teacher=teacher,
            cv=cv,
            weight_strategy=weight_strategy,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        self.negative = negative

    def _check_before_training(self, **own):
        check_takes_weights(self.estimator, self.weight_strategy, "soft labels are weights of rows")
        if self.negative == "weight" and self.weight_strategy == "resample":
            raise ValueError(
                'negative="weight" gives the model negative weights, and rows cannot be drawn by '
                'them: set weight_strategy="native", or negative="cut".'
            )

    def _train(self, evidence):
        found = self._distil(evidence)
        rows = SoftRows.of(evidence, min_proba=MIN_PROBA)
        return treated_as(found.target, rows, evidence, found.attributes())

    def _mixed(self, evidence, given, taught, share):
        out = super()._mixed(evidence, given, taught, share)
        if self.negative == "cut":
            out = np.maximum(out, 0.0)
            out /= out.sum(axis=1, keepdims=True)
        return keep_classes(out, given, evidence.inputs.sample_weight)
