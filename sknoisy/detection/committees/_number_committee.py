"""Wrong numbers by a committee of unlike robust models and a mixture of ways to be wrong."""

from __future__ import annotations

import warnings
from numbers import Integral

import numpy as np
from scipy.special import expit
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import Interval

from sknoisy._evidence import TableEncoder
from sknoisy._evidence._arrays import as_numpy
from sknoisy._typing import Array, BoolArray, Contamination, Estimator, FloatArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.committees._number_members import CommitteeOfNumbers, stack, typical
from sknoisy.detection.committees._number_mixture import KINDS, judge_numbers
from sknoisy.noise_model._wide_normal import price_of_two

MIN_ROWS = 30
LEAST_RATE = 0.02  # that another round is made for


class NumberCommittee(BaseDetector):
    """Wrong numbers by a committee of unlike models, whatever the wrapped model is.

    1. *Committee.* Robust members predict each row out of sample: a kernel machine, a random
       forest and extra trees, boosting, a linear model, the median of 11 neighbours. The squared
       errors of trees, boosting and the linear model see targets winsorised around the kernel
       machine's predictions. Stacking in Huber's loss says who is worth listening to.
    2. *Scale.* A forest of the log absolute residuals gives each row's usual error.
    3. *Posterior.* The residual over its scale is a mixture: right, by a skewed Student t with
       its parameters fitted, or wrong in one of several ways: like a value of another row, ten
       times too large or too small, too low, too high. For targets that are never negative, the
       t may be one of their square root or logarithm, where that explains them better. Wild
       numbers, further from median and prediction than any in 100 sets of a t with 3 degrees of
       freedom, are wrong, and count as no further off than that: they hide no other error.
    4. *The right to act.* `noise_proba_` is next to nothing everywhere unless the mixture explains
       the data better, by more than `price_`, than the best skewed t without noise, with tails no
       heavier than 3 degrees of freedom.
    5. *Another round*, in which rows count by their probability of being right, where the first
       sees at least 2 % of noise.

    Number of fits, each round: 5 kernel machines, 5 boosting, 5 linear and 5 neighbour models on
    4/5 of the rows, and 3 forests out of bag (5 times 3 with groups). `estimator` is not fitted;
    only the earlier steps of a Pipeline are, once.

    Parameters
    ----------
    estimator : estimator object, default=None
        The regressor whose view of X the committee shares: when it is a Pipeline, its steps before
        the last encode X. None means the one a treatment wraps. Otherwise numbers are taken as
        they are, columns of a DataFrame are encoded (missing numbers: median and an indicator;
        texts: one-hot), texts become TF-IDF; missing values in an array are treated as those of a
        DataFrame if `estimator` takes them, else they are an error. Where X cannot become numbers,
        the committee is `estimator` alone, judged by 5 folds (a forest out of bag) in one round,
        with a warning.
    n_rounds : int >= 1, default=2
        The most rounds.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto": those more likely wrong than right.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds folds and members.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Log odds of being wrong, if there is noise at all. NaN for all rows, which are then kept,
        when fewer than 30 rows or a constant y leave nothing to judge by.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given number is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The committee's out-of-sample prediction.
    scale_ : ndarray of shape (n,)
        Usual size of its error, as a standard deviation, in units of y.
    kind_ : ndarray of shape (n,) of str
        The likeliest way in which the row is wrong, if it is.
    noise_rate_ : float
        Mean of `noise_proba_` over the rows that are not trusted.
    committee_ : dict of str to float
        Members and their weights.
    gain_, price_ : float
        Log likelihood won by allowing for noise, and what it has to exceed: log n + 0.005 n,
        infinite when more than a fifth of the targets are the same.
    conditional_proba_ : ndarray of shape (n,)
        Probability that the given number is wrong, if there is noise at all: before question 4.
    n_rounds_ : int
        Rounds made.
    wild_ : ndarray of shape (n,) of bool
        Numbers that are wrong whatever question 4 says, see "Posterior".
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Residual : The wrapped model's own residuals, in 5 fits.

    Notes
    -----
    Beyond 4,000 rows the kernel machine is Huber's regression on 100 Nystroem features, and
    boosting sees columns in 255 quantiles; beyond 10,000, trees see 10,000 rows each. Sparse
    features, and more than 300 columns, reach all but the linear member as 50 principal
    directions, and there is no boosting.

    What it cannot do: see errors smaller than what the committee cannot predict; tell a wrong
    value from a rare right one (a heavy tail that no feature explains); judge a target of which
    more than a fifth is one value, zero for instance: nothing is flagged then by "auto".

    References
    ----------
    C. E. Brodley, M. A. Friedl: "Identifying mislabeled training data", Journal of Artificial
    Intelligence Research 11, 1999 (committees of unlike models, out of sample; here of numbers,
    and weighted).

    L. Breiman: "Stacked regressions", Machine Learning 24, 1996 (non-negative weights of members;
    here in Huber's loss).

    P. J. Huber: "Robust estimation of a location parameter", Annals of Mathematical Statistics 35,
    1964.

    V. J. Hodge, J. Austin: "A survey of outlier detection methodologies", Artificial Intelligence
    Review 22, 2004; G. E. P. Box, G. C. Tiao: "A Bayesian approach to some outlier problems",
    Biometrika 55, 1968 (a mixture of right and wrong; here with a dictionary of ways to be wrong).

    C. Fernandez, M. F. J. Steel: "On Bayesian modeling of fat tails and skewness", Journal of the
    American Statistical Association 93, 1998 (the skewed Student t).

    G. Schwarz: "Estimating the dimension of a model", Annals of Statistics 6, 1978 (log n as the
    price of two more parameters; the 0.005 n on top was set on four data sets).

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sknoisy.datasets import decimal_noise
    >>> from sknoisy.detection import NumberCommittee
    >>> X, y = make_friedman1(300, noise=0.5, random_state=0)
    >>> y_noisy, wrong = decimal_noise(y, rate=0.2, random_state=0)
    >>> detector = NumberCommittee(random_state=0).fit(X, y_noisy)
    >>> bool(detector.noise_proba_[wrong].mean() > 0.5 > detector.noise_proba_[~wrong].mean())
    True
    >>> bool(NumberCommittee(random_state=0).fit(X, y).noise_mask_.any())
    False
    """

    _task = "regression"
    _assumes = "errors are larger than what unlike models cannot predict; few values repeat"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
    }

    scale_: Array
    kind_: Array
    noise_rate_: float
    committee_: dict[str, float]
    gain_: float
    price_: float
    conditional_proba_: FloatArray
    n_rounds_: int
    wild_: BoolArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_rounds: int = 2,
        contamination: Contamination = "auto",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_rounds = n_rounds
        self.contamination = contamination
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ------------------------------------------------------------------ the method

    def _find(self, evidence):
        if self.estimator is not None:
            self._model(evidence)  # for its checks
        rng = check_random_state(self.random_state)
        features = self._features(evidence)
        y = evidence.target.y.astype(float)
        if len(y) < MIN_ROWS or np.ptp(y) == 0:
            return _nothing(len(y))
        centre = np.median(y)
        unit = typical(np.abs(y - centre))
        centred = (y - centre) / unit
        if features is None:
            rounds = self._estimator_alone(evidence, centred, centre, unit, rng)
        else:
            rounds = self._rounds(evidence, centred, features, rng)
        weight = np.ones(len(y))
        n_rounds = 0
        while n_rounds < self.n_rounds:
            n_rounds += 1
            predicted, scale, members = rounds(weight)
            predicted, scale = predicted * unit + centre, scale * unit
            verdict = judge_numbers(
                y, predicted, scale, evidence.trusted, evidence.inputs.sample_weight
            )
            weight = 1 - verdict.proba
            unsure = verdict.proba[~evidence.trusted]
            if features is None or len(unsure) == 0 or unsure.mean() < LEAST_RATE:
                break
        proven = verdict.proba * expit(verdict.gain - verdict.price)
        proven[verdict.wild] = 1.0
        return Finding(
            score=verdict.log_odds,
            suggestion=predicted,
            noise_proba=proven,
            mask=proven > 0.5,
            attributes={
                "conditional_proba_": verdict.proba,
                "scale_": scale,
                "kind_": np.array(KINDS)[verdict.kind],
                "noise_rate_": float(proven[~evidence.trusted].mean()) if len(unsure) else 0.0,
                "committee_": members,
                "gain_": float(verdict.gain),
                "price_": float(verdict.price),
                "n_rounds_": n_rounds,
                "wild_": verdict.wild,
            },
        )

    def _rounds(self, evidence, y, features, rng):
        """weight -> (predicted, scale, weights of the members), all in units of `y`."""
        [splits] = evidence.splits(random_state=rng)
        committee = CommitteeOfNumbers(features, y, evidence, splits, self.n_jobs, rng)

        def once(weight):
            answers = committee.predictions(weight)
            values = np.column_stack(list(answers.values()))
            share = stack(values, y, committee.total(weight), evidence.trusted)
            predicted = values @ share
            scale = committee.scale(predicted, values.std(axis=1), weight)
            return predicted, scale, dict(zip(answers, share.tolist(), strict=True))

        return once

    def _estimator_alone(self, evidence, y, centre, unit, rng):
        """The same of one model alone, for features that only it understands."""
        values = evidence.sober_responses(
            self._model(evidence), n_jobs=self.n_jobs, random_state=int(rng.randint(2**31 - 1))
        ).values
        predicted = (values - centre) / unit
        predicted += np.median(y - predicted)  # gross values pull the whole of a model to one side
        scale = np.full(len(y), typical(np.abs(y - predicted)))
        return lambda weight: (predicted, scale, {"estimator": 1.0})

    def _features(self, evidence):
        """X as numbers; None where only a model understands it."""
        X, model = evidence.inputs.X, self.estimator
        if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "fiub":
            raise ValueError(
                f"Expected 2D array, got 1D array of shape {X.shape} instead. Reshape X by "
                "X.reshape(-1, 1) if it has one feature."
            )
        try:
            return evidence.features(model)
        except (ValueError, TypeError, AttributeError):  # the last for lists of no texts
            if isinstance(model, Pipeline) and len(model.steps) > 1:
                X, model = clone(model[:-1]).fit_transform(X, evidence.target.y), model[-1]
            try:
                numbers = as_numpy(X, "X").astype(float)
            except (TypeError, ValueError):
                warnings.warn(
                    "X cannot be turned into numbers, so suspect rows are found by "
                    f"{type(self._model(evidence)).__name__} alone and not by a committee. Give X "
                    "as a DataFrame, or wrap a Pipeline whose first steps encode it.",
                    UserWarning,
                    stacklevel=2,
                )
                return None
            takes_nan = model is not None and get_tags(model).input_tags.allow_nan
            if not takes_nan or numbers.ndim != 2:
                raise
            return TableEncoder().fit_transform(numbers)

    def _reason(self, row):
        off = float(self._target.y[row]) - float(self.y_suggested_[row])
        reason = (
            f"predicted {self.y_suggested_[row]:.6g}: off by {off:+.4g}, "
            f"{abs(off) / self.scale_[row]:.1f} times the usual {self.scale_[row]:.4g}"
        )
        return f"{reason}; {self.kind_[row]}" if self.noise_score_[row] > 0 else reason


def _nothing(n):
    """The finding when there is nothing to judge by."""
    return Finding(
        score=np.full(n, np.nan),
        noise_proba=np.zeros(n),
        mask=np.zeros(n, dtype=bool),
        attributes={
            "conditional_proba_": np.zeros(n),
            "scale_": np.full(n, np.nan),
            "kind_": np.full(n, ""),
            "noise_rate_": 0.0,
            "committee_": {},
            "gain_": 0.0,
            "price_": float(price_of_two(n)),
            "n_rounds_": 0,
            "wild_": np.zeros(n, dtype=bool),
        },
    )
