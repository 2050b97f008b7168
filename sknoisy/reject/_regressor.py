"""A regressor that holds back what it does not know."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sknoisy._evidence._arrays import as_numpy
from sknoisy._typing import (
    Array,
    ArrayLike,
    CVLike,
    Estimator,
    FloatArray,
    MatrixLike,
    OutlierDetector,
    ProbabilisticClassifier,
    RandomStateLike,
)
from sknoisy._wrapper import WrappedRegressor, scored
from sknoisy.reject._answers import NumberAnswers
from sknoisy.reject._base import BaseReject


class RejectRegressor(BaseReject, WrappedRegressor):
    """Regressor that does not answer where it is probably far off, or has seen nothing alike.

    Each row has a rejection score, and the rows above a threshold are rejected. The score comes
    from one or both of the two reasons for not answering:

    - *ambiguity*: what a classifier, the rejector, has learnt of the size of the wrapped model's
      errors in rows that it had not seen;
    - *novelty*: what an outlier detector says, fitted to the features of the training rows.

    The threshold is found on held-out rows: one of `cost`, `coverage` and `max_risk` says what for.
    `predict_or_reject` gives the model's answers and a mask of those to hold back, and `predict`
    puts `reject_value`, such as NaN, in their place if there is one.

    Takes k fits of the model for the held-out predictions and one on all rows, and as many of the
    rejector, of the novelty detector, or of both. A `FrozenEstimator` is not fitted at all: the
    rows of `fit` must then be rows that it has not seen.

    Parameters
    ----------
    estimator : regressor
        Any, also a fitted one in `sklearn.frozen.FrozenEstimator`.
    by : {"ambiguity", "novelty", "both"}, default="ambiguity"
        Why a row is rejected. With "both", a row is rejected as novel beyond `novelty_threshold_`,
        and the threshold of ambiguity makes what is left meet the target.
    rejector : classifier or "forest", default="forest"
        "forest": a random forest on the features as numbers and the wrapped model's answer. A
        classifier of your own, with `predict_proba` and sample weights, gets X as it comes.
    novelty_detector : outlier detector, default=None
        With `score_samples`, which is higher for usual rows; `LocalOutlierFactor` needs
        `novelty=True`. It gets the features as numbers. None: `IsolationForest`.
    cost : float > 0, default=None
        Cost of a rejected row, in units of the loss. The rejector learns with this cost, and its
        threshold is one half; for novelty, the threshold makes held-out rows cost least.
    coverage : float in (0, 1], default=None
        Share of new rows to answer at least. If none of the three is given, 0.9.
    max_risk : float in (0, 1), default=None
        Share of answers that are off by more than `tolerance`, among those given, at most, with
        probability `confidence` over the held-out rows.
    confidence : float in (0, 1), default=0.95
        Of `max_risk`.
    tolerance : float >= 0, default=None
        An answer that is off by more is wrong and costs 1, any other costs nothing. None: an answer
        costs its absolute error.
    novelty_share : float in [0, 1), default=0.02
        With `by="both"`: share of rows like those of the training that are rejected as novel.
    reject_value : float, default=None
        What `predict` gives for a rejected row, mostly NaN. None: `predict` rejects nothing.
    holdout : float in (0, 0.5], default=None
        Share of the rows, one half, third, quarter and so on, that is kept from all fits and used
        for the threshold alone. What `coverage` and `max_risk` promise then holds exactly for
        independent rows. None: each row is judged by models that were fitted to other folds, and
        the promise, made for these, is passed on to the model of all rows.
    cv : int, splitter or list of (train rows, test rows), default=None
        Folds; None means 5. Rows of one group and copies of a row stay together in an int's folds.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach models: as `sample_weight`, or by repeating and leaving out rows.
    n_jobs : int, default=None
        Folds fitted at a time; no effect on the result.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, and any `random_state` that a part leaves at None.

    Attributes
    ----------
    estimator_ : regressor
        The fitted model.
    rejector_, novelty_detector_, encoder_ : object
        Where there are such; the last one turns rows into numbers.
    threshold_ : float
        Rows of a larger score are rejected.
    novelty_threshold_ : float
        With `by="both"`.
    coverage_, risk_ : float
        Share of the held-out rows that are answered, and the mean loss of these answers.
    held_out_score_, held_out_loss_ : ndarray of shape (n,)
        Rejection score and loss of each row, by models that had not seen it; NaN for rows that were
        not held out.

    See Also
    --------
    RejectClassifier : The same for labels; its notes on the rejector and on `max_risk` hold here.
    sknoisy.metrics.risk_coverage_auc : How well scores tell what to reject.

    Notes
    -----
    The rejector's paper is about right and wrong answers. Here the loss of an answer, which need
    not be 0 or 1, is the weight of its row as one to reject, so that rows are rejected where the
    expected loss is larger than the cost.

    `score` is R2 of the answers to all rows, rejected or not.

    References
    ----------
    K. Hendrickx, L. Perini, D. Van der Plas, W. Meert, J. Davis: "Machine Learning with a Reject
    Option: A survey", Machine Learning, 2024.

    C. Mohri, D. Andor, E. Choi, M. Collins, A. Mao, Y. Zhong: "Learning to Reject with a Fixed
    Predictor: Application to Decontextualization", ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.reject import RejectRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, (400, 2))
    >>> y = X[:, 0] + rng.normal(0, np.where(X[:, 1] > 0, 1.0, 0.1))  # noisy where X[:, 1] > 0
    >>> model = RejectRegressor(LinearRegression(), coverage=0.5, random_state=0)
    >>> answers = model.fit(X, y).set_params(reject_value=np.nan).predict([[0.5, -0.5], [0.5, 0.5]])
    >>> np.isnan(answers).tolist()
    [False, True]
    """

    _task = "regression"
    _parameter_constraints: dict = {
        **BaseReject._parameter_constraints,
        "tolerance": [Interval(Real, 0, None, closed="left"), None],
        "reject_value": [Real, None],
    }

    rejector_: Any
    novelty_detector_: Any
    encoder_: Any
    threshold_: float
    novelty_threshold_: float
    coverage_: float
    risk_: float
    held_out_score_: FloatArray
    held_out_loss_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        by: Literal["ambiguity", "novelty", "both"] = "ambiguity",
        rejector: Literal["forest"] | ProbabilisticClassifier = "forest",
        novelty_detector: OutlierDetector | None = None,
        cost: float | None = None,
        coverage: float | None = None,
        max_risk: float | None = None,
        confidence: float = 0.95,
        tolerance: float | None = None,
        novelty_share: float = 0.02,
        reject_value: float | None = None,
        holdout: float | None = None,
        cv: CVLike | None = None,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.by = by
        self.rejector = rejector
        self.novelty_detector = novelty_detector
        self.cost = cost
        self.coverage = coverage
        self.max_risk = max_risk
        self.confidence = confidence
        self.tolerance = tolerance
        self.novelty_share = novelty_share
        self.reject_value = reject_value
        self.holdout = holdout
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _own_attributes(self, evidence):
        if self.max_risk is not None and self.tolerance is None:
            raise ValueError(
                "max_risk bounds the share of wrong answers: say with tolerance beyond which error "
                "a number is wrong."
            )
        return {}

    def _answers(self, fitted, y=None):
        return NumberAnswers(self.tolerance, y)

    def predict(self, X: MatrixLike, **params: Any) -> Array:
        """The model's answers; `reject_value`, if there is one, for rejected rows.

        Parameters
        ----------
        X : as in `fit`
        **params : dict
            Passed to the model's `predict`.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        answers = super().predict(X, **params)
        if self.reject_value is None:
            return answers
        _, rejected = self.predict_or_reject(X)
        return np.where(rejected, self.reject_value, as_numpy(answers, "what it predicts"))

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R2 of the answers to all rows, rejected or not.

        Parameters
        ----------
        X, y : as in `fit`
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        check_is_fitted(self)
        return scored(r2_score, y, super().predict(X), sample_weight)
