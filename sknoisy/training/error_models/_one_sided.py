"""Numbers whose errors go one way: boosting that trusts the other side."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import fit_model, take_rows
from sknoisy._evidence._failures import explain
from sknoisy._evidence._fitting import seeded_clone, take_params
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._progress import whole_fit
from sknoisy._typing import ArrayLike, BoolArray, Estimator, FloatArray, MatrixLike, RandomStateLike
from sknoisy._wrapper import WrappedRegressor, predicted_column
from sknoisy.training._base import PARAMETERS, open_evidence
from sknoisy.training.error_models._right_errors import RightErrors

HALF_NORMAL_MEAN = np.sqrt(2.0 / np.pi)  # mean size of a normal error of spread one
LEAST_SHARE = 0.02  # of rows above the curve, in whose name the others are spoken for
LEAST_TRUSTED = 10  # rows that set the level
HELD_OUT = 10  # one row in so many, for early stopping


class OneSidedRegressor(WrappedRegressor):
    """Boosting of any regressor where wrong numbers are always too low (or always too high).

    A sensor that misses part of what it measures writes down too little, never too much. So rows
    above the curve are right, and those below may be anything: they count as rows without a number.
    With a loss whose slope below the curve does not depend on the number (the absolute error), and
    the squared error above it, the slope of the loss on right numbers follows from those above, and
    from all rows as such: `one_sided_gradient`. Each stage fits the regressor to that.

    The loss does not say where the curve lies, only what shape it has: for any height there is a
    unit of the squared error in which that height is best. Something else has to say it.

    - `pi_up` a number: the paper's loss, in units of half the standard deviation of y. `pi_up` is
      the share of right numbers above the curve that is best under that loss, not above their mean:
      the smaller the errors of right numbers, the larger it must be. The larger it is, the higher
      the curve. Search it where there are right numbers to score on: one-sided ones always speak
      for a lower curve.
    - "auto", with at least 10 `trusted` rows: their residuals have mean zero.
    - "auto" without: residuals of right rows, at least half of all, are normal about the curve, and
      those of the others a mixture of two normals below. The less that is so (tails that are heavy
      or cut off, errors smaller than four times the spread of right numbers), the worse is the
      level, which may then end too high; where nothing is wrong, by up to a third of the spread.

    In all cases errors are taken to be as frequent in one place as in another: where they are not,
    the curve is too low where there are many. Rows above the curve are all taken for right ones.

    Number of fits: `n_estimators`, or fewer with early stopping.

    Parameters
    ----------
    estimator : estimator object
        The regressor to boost: a linear one, or shallow trees. What fits each row exactly, as deep
        trees do, follows the errors.
    side : {"lower", "upper"}, default="lower"
        Which way errors go: wrong numbers are lower than right ones, or higher.
    pi_up : {"auto"} or float in (0, 1), default="auto"
        What sets the level of the curve; see above. (For `side="upper"`, all is upside down.)
    n_estimators : int >= 1, default=100
        Stages, at most.
    learning_rate : float in (0, 1], default=0.1
        Share of each stage that is added.
    n_iter_no_change : int >= 1 or None, default=None
        A tenth of the rows is held out, and boosting stops when so many stages have not lowered the
        loss of these, and goes back to the best. None means all stages, on all rows.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` reaches the regressor: as its own (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight. Without `sample_weight`, no weights
        are needed.
    random_state : int, RandomState instance or None, default=None
        Seeds the held-out rows and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : regressor
        The sum of the stages: `start`, `models`, and `predict`.
    n_estimators_ : int
        Stages in the sum.
    unit_ : float
        Unit of the loss in the last stage: the usual size of right errors ("auto"), or half the
        standard deviation of y.
    upper_share_ : float
        Share of the rows that lie on the trusted side of the curve.
    noise_proba_ : ndarray of shape (n,)
        Probability that a number is wrong, by the mixture; zero for trusted rows.
    noise_mask_ : ndarray of shape (n,) of bool
        Where that is above one half.
    n_features_in_, feature_names_in_
        Of the regressor, where it has them.

    See Also
    --------
    RobustLossRegressor : For errors that go both ways.

    References
    ----------
    T. Katsuki, T. Osogami: "Regression with Sensor Data Containing Incomplete Observations", ICML,
    2023. There a network descends the gradient, and `pi_up` is tuned; here each stage of any
    regressor is fitted to it, and "auto" sets the level.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.training.error_models import OneSidedRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2))
    >>> right = X @ [1.0, 2.0]
    >>> y = right + 0.3 * rng.normal(size=500)
    >>> y[rng.random(500) < 0.3] -= 4.0
    >>> plain = LinearRegression().fit(X, y).predict(X)
    >>> model = OneSidedRegressor(LinearRegression()).fit(X, y)
    >>> bool(np.mean(plain - right) < -1.0)
    True
    >>> bool(np.abs(np.mean(model.predict(X) - right)) < 0.1)
    True
    """

    __metadata_request__fit = {"groups": True, "trusted": True}  # noqa: RUF012
    _parameter_constraints: dict = {
        **{name: PARAMETERS[name] for name in ("estimator", "weight_strategy", "random_state")},
        "side": [StrOptions({"lower", "upper"})],
        "pi_up": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="neither")],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, 1, closed="right")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
    }

    n_estimators_: int
    unit_: float
    upper_share_: float
    noise_proba_: FloatArray
    noise_mask_: BoolArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        side: Literal["lower", "upper"] = "lower",
        pi_up: Literal["auto"] | float = "auto",
        n_estimators: int = 100,
        learning_rate: float = 0.1,
        n_iter_no_change: int | None = None,
        weight_strategy: Literal["native", "resample"] = "native",
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.side = side
        self.pi_up = pi_up
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.n_iter_no_change = n_iter_no_change
        self.weight_strategy = weight_strategy
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Boost the regressor.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the regressor takes; it is only row-indexed here.
        y : array-like of shape (n,)
            Given numbers.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, in every stage and in all that is counted.
        groups : array-like of shape (n,), default=None
            Rows of one group are held out together for early stopping. So are copies of a row.
        trusted : array-like of shape (n,) of bool, default=None
            Rows known to be right: with `pi_up="auto"` they set the level, if there are 10.
        **fit_params : dict
            Further parameters of the regressor's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        evidence = open_evidence(
            self,
            X,
            y,
            "regression",
            sample_weight=sample_weight,
            groups=groups,
            trusted=trusted,
            fit_params=fit_params,
        )
        with whole_fit(self, X, y):
            sign = 1.0 if self.side == "lower" else -1.0
            train, held_out = self._parts(evidence)
            boosting = _Boosting(self, evidence, sign, train, held_out)
            boosting.run()
            fitted = boosting.attributes()
            # Only now, when nothing can fail any more, is this object changed.
            replace_fitted(self, fitted | model_attributes(fitted["estimator_"].models[0]))
        return self

    def _parts(self, evidence):
        """(rows to learn from, rows held out for early stopping)."""
        n = evidence.n_rows
        if self.n_iter_no_change is None or n < 2:
            return np.arange(n), np.arange(0)
        [folds] = evidence.splits(min(HELD_OUT, n), random_state=self._seed())
        return folds[0]


class _Boosting:
    """The stages of one fit, on numbers of which the wrong ones are too low."""

    def __init__(self, how, evidence, sign, train, held_out):
        self.how, self.evidence, self.sign = how, evidence, sign
        self.train, self.held_out = train, held_out
        self.y = sign * evidence.target.y.astype(float)
        given = evidence.inputs.sample_weight
        self.weight = np.ones(len(self.y)) if given is None else given
        self.start = np.average(self.y[train], weights=self.weight[train])
        self.spread = np.sqrt(self._mean((self.y - self.start) ** 2, train))
        self.law, self.models = RightErrors(), []
        self.unit = self.spread / 2.0 or 1.0

    def run(self):
        rng = None if self.how.random_state is None else check_random_state(self.how._seed())
        X = self.evidence.inputs.X
        X_train = take_rows(X, self.train) if len(self.held_out) else X
        now = np.full(len(self.y), self.start)
        best, best_stage = now, 0
        for stage in range(1, self.how.n_estimators + 1):
            target = self._target(now)
            seed = None if rng is None else int(rng.randint(2**31 - 1))
            model = self._fit(X_train, self.sign * target[self.train], seed, stage)
            self.models.append(model)
            now = now + self.how.learning_rate * self.sign * predicted_column(model, X)
            if len(self.held_out):
                if self._held_out_loss(now) < self._held_out_loss(best):
                    best, best_stage = now, stage
                elif stage - best_stage >= self.how.n_iter_no_change:
                    break
        if len(self.held_out):
            now, self.models = best, self.models[: max(best_stage, 1)]
        self.now = now

    def _target(self, now):
        """What a stage learns, in units of y."""
        residual, rows = self.y - now, self.train
        if self.how.pi_up != "auto":
            return self.unit * one_sided_gradient(
                residual / self.unit, self.how.pi_up, self.weight, rows
            )
        self.law.update(residual[rows], self.weight[rows])
        level, spread = self.law.means[0], self.law.spreads[0]
        self.unit = HALF_NORMAL_MEAN * spread
        trusted = rows[self.evidence.trusted[rows] & (self.weight[rows] > 0)]
        if len(trusted) >= LEAST_TRUSTED:
            level = self._mean(residual, trusted)
        target = self.unit * one_sided_gradient(residual / self.unit, 0.5, self.weight, rows)
        return target - self._mean(target, rows) + level

    def _fit(self, X, target, seed, stage):
        inputs, rows = self.evidence.inputs, self.train
        weight = None if inputs.sample_weight is None else self.weight[rows]
        try:
            return fit_model(
                seeded_clone(self.how.estimator, seed),
                X,
                target,
                weight,
                take_params(inputs.fit_params, rows, len(self.y)),
                weight_strategy=self.how.weight_strategy,
                random_state=seed,
            )
        except Exception as error:
            explain(error, self.how.estimator, f"in stage {stage}", inputs.y, target)
            raise

    def _held_out_loss(self, now):
        pi_up = 0.5 if self.how.pi_up == "auto" else self.how.pi_up
        y, now = self.y / self.unit, now / self.unit
        return one_sided_risk(y, now, pi_up, self.weight, self.held_out)

    def _mean(self, values, rows):
        return np.average(values[rows], weights=self.weight[rows])

    def attributes(self):
        residual = self.y - self.now
        proba = RightErrors().update(residual, self.weight).wrong_proba
        proba = np.where(self.evidence.trusted, 0.0, proba)
        rate = self.how.learning_rate
        return {
            "estimator_": SumOfStages(self.sign * self.start, self.models, rate),
            "n_estimators_": len(self.models),
            "unit_": float(self.unit),
            "upper_share_": float(np.average(residual > 0, weights=self.weight)),
            "noise_proba_": proba,
            "noise_mask_": proba > 0.5,
        }


class SumOfStages(RegressorMixin, BaseEstimator):
    """A constant and a share of each of some fitted regressors."""

    def __init__(self, start, models, learning_rate):
        self.start = start
        self.models = models
        self.learning_rate = learning_rate

    def predict(self, X, **params):
        total = sum(predicted_column(model, X, params) for model in self.models)
        return self.start + self.learning_rate * total

    def __sklearn_is_fitted__(self):
        return True


def one_sided_gradient(residual, pi_up, weight, rows):
    """Downhill direction of the loss on right numbers, by given ones that are right or too low.

    The loss is half the square of a residual above the curve, and the size of one below: its slope
    there is the same whatever the number is. So the part of the right rows below is what all rows
    have, less what `pi_up` of them would have above: -1 + pi_up / P(above) * [above] * (r + 1).

    Parameters
    ----------
    residual : ndarray of shape (n,)
        Given minus predicted, in the unit of the loss.
    pi_up : float in (0, 1)
        Share of right numbers above the curve.
    weight : ndarray of shape (n,)
    rows : ndarray of int
        Rows by which the share above the curve is counted.

    Returns
    -------
    ndarray of shape (n,)
    """
    above = residual > 0
    share = max(np.average(above[rows], weights=weight[rows]), LEAST_SHARE)
    return -1.0 + pi_up / share * above * (residual + 1.0)


def one_sided_risk(y, predicted, pi_up, weight, rows):
    """Mean of that loss on right numbers, but for what does not depend on the predictions."""
    residual, weight = (y - predicted)[rows], weight[rows]
    above = weight * (residual > 0)
    if not above.any():
        return np.inf
    upper = np.average(0.5 * residual**2 + residual, weights=above)
    return np.average(predicted[rows], weights=weight) + pi_up * upper
