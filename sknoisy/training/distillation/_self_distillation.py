"""A model that is fitted again, to what it has learnt itself mixed with what it was given."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.utils._param_validation import StrOptions

from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import Array, ArrayLike, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.training.distillation._distil import MIN_PROBA, BaseSelfDistillation
from sknoisy.training.distillation._soft import keep_classes, treated_as
from sknoisy.treatment._treated import Treated


class SelfDistillationRegressor(WrappedRegressor, BaseSelfDistillation):
    """Regressor that is fitted again, to its own predictions mixed with the given numbers.

    A student is fitted to ``(1 - mixing) * y + mixing * teacher``, where the teacher is the same
    model fitted to y. Where the errors in y are large, the best `mixing` is above one: the student
    goes beyond its teacher, away from the given numbers. With `n_steps` the student becomes
    the teacher of another, whose targets are mixed with y again.

    What a student of ridge, or of any model that is linear in its targets, says of other rows is a
    straight line in `mixing`, so that its squared error on rows held out is a quadratic, and its
    minimum a closed form (`optimal_mixing`). That is what "auto" takes, within 0 and 100, after one
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

    target_: Array
    mixing_: FloatArray
    loss_curve_: FloatArray
    n_iter_: int
    teacher_: str

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


class SelfDistillationClassifier(WrappedClassifier, BaseSelfDistillation):
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
    (`optimal_mixing`), within 0 and 100, or one. Only shares that gain in the Brier score count,
    and of these the one is taken that agrees most often with the given labels. These are noisy, but
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
        **BaseSelfDistillation._parameter_constraints,
        "negative": [StrOptions({"cut", "weight"})],
    }

    label_proba_: FloatArray
    mixing_: FloatArray
    loss_curve_: FloatArray
    n_iter_: int
    teacher_: str

    def __init__(
        self,
        estimator: Estimator,
        *,
        mixing: Literal["auto"] | float | ArrayLike = "auto",
        negative: Literal["cut", "weight"] = "cut",
        n_steps: int = 1,
        teacher: Literal["auto", "in_sample", "out_of_sample"] = "auto",
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
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
