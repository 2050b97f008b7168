"""Any loss for any model: refits with the weights that the loss gives."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Folds
from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining, times
from sknoisy.training.losses._base import LabelLoss, NumberLoss, Round, one_hot
from sknoisy.training.losses._labels import GeneralizedCrossEntropy
from sknoisy.training.losses._numbers import TukeyLoss
from sknoisy.treatment._treated import Treated

KEPT = 5  # rows of each class that keep their weight where the class would vanish
LEAST_ROWS = 10  # with a weight, for a fit to numbers
LIGHT = 0.01  # weight of the others where there are fewer
NORMAL_MAD = 0.6744897501960817  # of a standard normal
MIN_PROBA = 0.01  # soft labels less likely than this are left out


class _RobustLoss(BaseTraining):
    """The loop: judge the rows, ask the loss for weights, and fit again."""

    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "cv": CV,
    }

    def _chosen_loss(self):
        return self._default() if self.loss is None else self.loss

    def _check_before_training(self, **own):
        loss = self._chosen_loss()
        loss._validate_params()
        if not loss.only_leaves_out:
            why = f"{type(loss).__name__} is realised by weights of the rows"
            check_takes_weights(self.estimator, self.weight_strategy, why)

    def _loop(self, evidence, start, judge, answer):
        """Weights or soft targets when they change no more, scaled; loss curve; rounds.

        `judge(now)` says of rows what models make of them that were fitted to `now` of others, and
        `answer(said, state)` gives (losses, what the loss makes of the rows) of those judged.
        """
        given = evidence.inputs.sample_weight
        base = np.ones(evidence.n_rows) if given is None else given
        now, raw, curve = start, start.copy(), []
        for number in range(self.max_iter):
            judged, said = judge(now)
            if not base[judged].any():  # a single class, a single row
                return now, curve, number
            state = Round(number, raw[judged], base[judged])
            losses, new = answer(said, judged, state)
            self._check_answer(new, state.before.shape)
            curve.append(self._chosen_loss().objective(losses, base[judged]))
            if not (_total(new) * base[judged]).any():  # no row has anything left to ask for
                return now, curve, number + 1
            raw = raw.copy()
            raw[judged] = new
            scaled = self._admissible(raw, judged, start, evidence, base)
            change = np.average(_total(np.abs(scaled - now)), weights=base)
            now = scaled
            if change <= self.tol:
                return now, curve, number + 1
        warnings.warn(
            f"The weights still change by {change:.2g} of their mean after max_iter={self.max_iter}"
            f" rounds (tol={self.tol:g}): raise max_iter, or tol.",
            ConvergenceWarning,
            stacklevel=5,
        )
        return now, curve, self.max_iter

    def _check_answer(self, new, shape):
        name = type(self._chosen_loss()).__name__
        if np.shape(new) != shape:
            raise ValueError(
                f"{name} gives an array of shape {np.shape(new)} where one of shape {shape} is "
                "needed: one weight for each row."
            )
        odd = np.flatnonzero(~np.isfinite(_total(new)) | (_total(np.minimum(new, 0)) < 0))
        if len(odd):
            raise ValueError(
                f"{name} gives {np.asarray(new)[odd[0]]} as weight of a row ({len(odd)} such rows):"
                " weights must be finite, and not negative."
            )

    def _admissible(self, raw, judged, start, evidence, base):
        """Of mean weight one; rows that nobody judged weigh one, trusted ones at least that.

        Where a loss only leaves rows out, the others weigh one.
        """
        total = _total(raw)
        if self._chosen_loss().only_leaves_out:
            mean = total[judged].max()
        else:
            mean = np.average(total[judged], weights=base[judged])
        out = raw / mean
        out[~judged] = start[~judged]
        sure = evidence.trusted
        weight = np.maximum(total[sure] / mean, 1.0)
        out[sure] = start[sure] * (weight[:, None] if start.ndim == 2 else weight)
        return out


class RobustLossClassifier(WrappedClassifier, _RobustLoss):
    """Classifier that is fitted to a loss which forgives, whatever its own loss is.

    The slope of a robust loss is that of cross-entropy times a weight, small where the given label
    is unlikely. So the model is fitted again and again, each time with the weights (some losses:
    with the soft labels) that the loss gives at the probabilities of the fit before, until they
    change no more. A fixed point is a stationary point of the loss for a model that minimises
    cross-entropy; for other models it is the same idea.

    The papers take these weights at the probabilities of the network that is being trained. Here
    they come from models that have not seen the row: a flexible model agrees with every label it
    has seen. Rows that nobody can judge, such as the only one of a class, weigh one; where a class
    would vanish, its five most likely rows weigh one at least.

    Number of fits: `cv` (5) in each of `n_iter_` rounds, plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any that takes weights (see `weight_strategy`). `TrimmedLoss` needs
        none.
    loss : LabelLoss, default=None
        None means `GeneralizedCrossEntropy()`. Its parameters are found by searches as `loss__q`
        and the like.
    max_iter : int >= 1, default=10
        Rounds, at most; a `ConvergenceWarning` says when they were too few. A model that jumps, as
        trees do, may go on changing a little: this is then the number of rounds.
    tol : float >= 0, default=0.02
        The weights, of mean one, have converged when their mean change is no larger.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the model judges rows that it has not seen, the same in each round; None
        means 5.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted with the last weights.
    classes_ : ndarray of shape (K,)
    sample_weight_ : ndarray of shape (n,)
        The computed weights, of mean one (`TrimmedLoss`: zero or one); trusted rows weigh at least
        one. `sample_weight` given to `fit` comes on top.
    label_proba_ : ndarray of shape (n, K)
        What the last fit was given: the share of each label in each row.
    loss_curve_ : ndarray of shape (`n_iter_`,)
        Mean loss of the rows out of sample, round by round; the first is that of the plain model.
    n_iter_ : int
    noise_mask_ : ndarray of shape (n,) of bool
        Rows whose given label weighs less than half of the mean; none, for a loss under which heavy
        rows are the hard ones.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    RobustLossRegressor : For numbers.
    LabelLoss : How to write a loss.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.training.losses import GeneralizedCrossEntropy, RobustLossClassifier
    >>> X, y = make_classification(400, class_sep=2.0, flip_y=0, random_state=0)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.3, random_state=0)
    >>> loss = GeneralizedCrossEntropy(q=0.7)
    >>> model = RobustLossClassifier(LogisticRegression(), loss=loss, random_state=0)
    >>> weight = model.fit(X, y_noisy).sample_weight_
    >>> bool(weight[wrong].mean() < 0.5 * weight[~wrong].mean())
    True
    """

    _task = "classification"
    _default = GeneralizedCrossEntropy
    _parameter_constraints: dict = {
        **_RobustLoss._parameter_constraints,
        "loss": [LabelLoss, None],
    }

    sample_weight_: FloatArray
    label_proba_: FloatArray
    loss_curve_: FloatArray
    n_iter_: int

    def __init__(
        self,
        estimator: Estimator,
        *,
        loss: LabelLoss | None = None,
        max_iter: int = 10,
        tol: float = 0.02,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.loss = loss
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _train(self, evidence):
        codes, classes = evidence.target.codes, evidence.target.classes
        loss = self._chosen_loss()
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
        rows = SoftRows.of(evidence, min_proba=MIN_PROBA, **how)
        folds = []
        if len(classes) > 1:
            [folds] = evidence.splits(self.cv, random_state=self._seed())
        given = one_hot(codes, len(classes))

        def judge(now):
            if not folds:
                return np.zeros(len(codes), dtype=bool), None
            proba = rows.out_of_sample(self.estimator, now, folds)
            judged = np.isfinite(proba).all(axis=1)
            for train, test in folds:  # nobody can judge a class that he has never seen
                judged[test] &= now[train].any(axis=0)[codes[test]]
            return judged, np.clip(proba, 0.0, 1.0)

        def answer(proba, judged, state):
            of, at = proba[judged], codes[judged]
            return loss.loss(of, at), loss.targets(of, at, state)

        soft, curve, n_iter = self._loop(evidence, given, judge, answer)
        total = soft.sum(axis=1)
        own = soft[np.arange(len(codes)), codes]
        return Treated.of_soft(
            evidence,
            soft,
            rows,
            noise_mask=(own < 0.5) & loss.doubts,
            attributes={
                "sample_weight_": total,
                "label_proba_": np.divide(
                    soft, total[:, None], out=given.copy(), where=total[:, None] > 0
                ),
                "loss_curve_": np.array(curve),
                "n_iter_": n_iter,
            },
        )

    def _admissible(self, raw, judged, start, evidence, base):
        out = super()._admissible(raw, judged, start, evidence, base)
        codes = evidence.target.codes
        for k in range(out.shape[1]):
            mine = np.flatnonzero(codes == k)
            n_kept = min(KEPT, len(mine))
            if out[:, k] @ base < 0.2 * n_kept * base.mean():
                kept = mine[np.argsort(-out[mine, k], kind="stable")[:n_kept]]
                out[kept] = start[kept]
        return out


class RobustLossRegressor(WrappedRegressor, _RobustLoss):
    """Regressor that is fitted to a loss which forgives, whatever its own loss is.

    Iterated least squares: the slope of a robust loss is the residual times a weight, small where
    the residual is large. So the model is fitted again and again, each time with the weights at the
    residuals of the fit before, until they change no more. A fixed point is a stationary point of
    the loss for a model that minimises squares; for other models it is the same idea.

    The field takes residuals of the rows that were fitted. Here they come from models that have not
    seen the row: a flexible model has no residual left where it has seen the number. Their scale is
    estimated anew in each round.

    Number of fits: `cv` (5) in each of `n_iter_` rounds, plus 1.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any that takes weights (see `weight_strategy`). `TrimmedLoss` needs
        none.
    loss : NumberLoss, default=None
        None means `TukeyLoss()`. Its parameters are found by searches as `loss__c` and the like.
    scale : {"mad", "iqr"} or float > 0, default="mad"
        In what unit the loss sees residuals: the median of their sizes over 0.674, or the range
        between their quartiles over 1.349 (both are the standard deviation of normal errors; the
        second allows for errors that are not centred), or a number in the unit of y.
    max_iter : int >= 1, default=10
        Rounds, at most; a `ConvergenceWarning` says when they were too few. A model that jumps, as
        trees do, may go on changing a little: this is then the number of rounds.
    tol : float >= 0, default=0.02
        The weights, of mean one, have converged when their mean change is no larger.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the model judges rows that it has not seen, the same in each round; None
        means 5.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted with the last weights.
    sample_weight_ : ndarray of shape (n,)
        The computed weights, of mean one (`TrimmedLoss`: zero or one); trusted rows weigh at least
        one. `sample_weight` given to `fit` comes on top.
    scale_ : float
        Unit of the residuals in the last round.
    loss_curve_ : ndarray of shape (`n_iter_`,)
        Mean loss of the rows out of sample, round by round, each in its own scale.
    n_iter_ : int
    noise_mask_ : ndarray of shape (n,) of bool
        Rows that weigh less than half of the mean; none, for a loss under which heavy rows are the
        hard ones.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    RobustLossClassifier : For labels.
    NumberLoss : How to write a loss.

    References
    ----------
    P. W. Holland, R. E. Welsch: "Robust regression using iteratively reweighted least-squares",
    Communications in Statistics 6, 1977 (there linear, and with the residuals of the fit).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.training.losses import RobustLossRegressor, TukeyLoss
    >>> X, y, coef = make_regression(200, 3, noise=1.0, coef=True, random_state=0)
    >>> y[::4] += 500
    >>> model = RobustLossRegressor(LinearRegression(), loss=TukeyLoss(), random_state=0).fit(X, y)
    >>> bool(np.abs(model.estimator_.coef_ - coef).max() < 1)
    True
    >>> model.noise_mask_[:5]
    array([ True, False, False, False,  True])
    """

    _task = "regression"
    _default = TukeyLoss
    _parameter_constraints: dict = {
        **_RobustLoss._parameter_constraints,
        "loss": [NumberLoss, None],
        "scale": [StrOptions({"mad", "iqr"}), Interval(Real, 0, None, closed="neither")],
    }

    sample_weight_: FloatArray
    scale_: float
    loss_curve_: FloatArray
    n_iter_: int

    def __init__(
        self,
        estimator: Estimator,
        *,
        loss: NumberLoss | None = None,
        scale: Literal["mad", "iqr"] | float = "mad",
        max_iter: int = 10,
        tol: float = 0.02,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.loss = loss
        self.scale = scale
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _train(self, evidence):
        y = evidence.target.y
        n, loss = len(y), self._chosen_loss()
        folds = []
        if n > 1:
            [folds] = evidence.splits(self.cv, random_state=self._seed())
        scales = [1.0 if isinstance(self.scale, str) else float(self.scale)]

        def judge(now):
            if not folds:
                return np.zeros(n, dtype=bool), None
            how = {"cv": Folds(folds), "random_state": self._seed(), "n_jobs": self.n_jobs}
            rows = evidence.replaced(sample_weight=self._weight(now, evidence))
            said = rows.responses(self.estimator, unseen=now == 0, **how).values
            return np.isfinite(said), y - said

        def answer(residual, judged, state):
            if isinstance(self.scale, str):
                scales.append(residual_scale(residual[judged], state.sample_weight, self.scale))
            scaled = residual[judged] / scales[-1]
            return loss.loss(scaled), loss.weights(scaled, state)

        weight, curve, n_iter = self._loop(evidence, np.ones(n), judge, answer)
        kept = np.flatnonzero(weight)
        last = self._weight(weight, evidence)
        every = len(kept) == n
        return Treated(
            rows=None if every else kept,
            y=y if every else y[kept],
            sample_weight=last if last is None or every else last[kept],
            noise_mask=(weight < 0.5) & loss.doubts,
            attributes={
                "sample_weight_": weight,
                "scale_": scales[-1],
                "loss_curve_": np.array(curve),
                "n_iter_": n_iter,
            },
        )

    def _admissible(self, raw, judged, start, evidence, base):
        out = super()._admissible(raw, judged, start, evidence, base)
        # a handful of rows is no training set, and some fold might have none of them
        return out if (out > 0).sum() >= LEAST_ROWS else np.maximum(out, LIGHT)

    def _weight(self, now, evidence):
        """What a fit is given; None where all rows that it sees weigh the same."""
        kept = now[now > 0]
        if evidence.inputs.sample_weight is None and np.ptp(kept) <= 1e-12 * kept.max():
            return None
        return times(now, evidence)


def residual_scale(residual, sample_weight, kind):
    """Standard deviation of normal errors by quantiles of the residuals.

    Parameters
    ----------
    residual, sample_weight : ndarray of shape (n,)
    kind : {"mad", "iqr"}

    Returns
    -------
    float
        Where more than half of the residuals are the same, their mean size; one if that is zero.
    """
    size = np.abs(residual)
    if kind == "mad":
        scale = _quantile(size, sample_weight, 0.5) / NORMAL_MAD
    else:
        low, high = (_quantile(residual, sample_weight, q) for q in (0.25, 0.75))
        scale = (high - low) / (2 * NORMAL_MAD)
    if scale > 1e-12 * size.max(initial=0.0):
        return float(scale)
    return float(np.average(size, weights=sample_weight)) or 1.0


def _quantile(values, weight, q):
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    return values[order][np.searchsorted(below, q * below[-1])]


def _total(array):
    """(n,) sums over the labels, where there are any."""
    return array.sum(axis=1) if np.ndim(array) == 2 else array
