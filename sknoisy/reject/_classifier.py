"""A classifier that holds back what it does not know."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score
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
from sknoisy._wrapper import WrappedClassifier, scored
from sknoisy.reject._answers import LabelAnswers
from sknoisy.reject._base import BaseReject


class RejectClassifier(BaseReject, WrappedClassifier):
    """Classifier that does not answer where it would probably be wrong, or has seen nothing alike.

    Each row has a rejection score, and the rows above a threshold are rejected. The score comes
    from one or both of the two reasons for not answering:

    - *ambiguity*: one minus the largest probability (Chow's rule), or, by `rejector`, what a
      classifier has learnt of the wrapped model's errors in rows that it had not seen;
    - *novelty*: what an outlier detector says, fitted to the features of the training rows.

    The threshold is found on held-out rows: one of `cost`, `coverage` and `max_risk` says what for.
    The wrapped model stays as it is, and so do its probabilities: `predict_or_reject` gives its
    answers and a mask of those to hold back, and `predict` puts `reject_label` in their place if
    there is one.

    Takes k fits of the model for the held-out predictions and one on all rows; as many of the
    rejector and of the novelty detector where these are asked for. A `FrozenEstimator` is not
    fitted at all: the rows of `fit` must then be rows that it has not seen.

    Parameters
    ----------
    estimator : classifier
        Any, also a fitted one in `sklearn.frozen.FrozenEstimator`.
    by : {"ambiguity", "novelty", "both"}, default="ambiguity"
        Why a row is rejected. With "both", a row is rejected as novel beyond `novelty_threshold_`,
        and the threshold of ambiguity makes what is left meet the target.
    rejector : classifier or "forest", default=None
        Who says how ambiguous a row is. None: the wrapped model, by its probabilities or decision
        values. "forest": a random forest on the features as numbers (see Notes) and the wrapped
        model's response. A classifier of your own, with `predict_proba` and sample weights, gets X
        as it comes.
    novelty_detector : outlier detector, default=None
        With `score_samples`, which is higher for usual rows; `LocalOutlierFactor` needs
        `novelty=True`. It gets the features as numbers (see Notes). None: `IsolationForest`.
    cost : float > 0, default=None
        Cost of a rejected row, where a wrong answer costs 1: the threshold makes held-out rows cost
        least. With a rejector, it learns with this cost and its threshold is one half.
    coverage : float in (0, 1], default=None
        Share of new rows to answer at least. If none of the three is given, 0.9.
    max_risk : float in (0, 1), default=None
        Share of wrong answers among those given, at most, with probability `confidence` over the
        held-out rows. As many rows as possible are answered; none, with a warning, where the rows
        are too few or too hard.
    confidence : float in (0, 1), default=0.95
        Of `max_risk`.
    novelty_share : float in [0, 1), default=0.02
        With `by="both"`: share of rows like those of the training that are rejected as novel.
    reject_label : label, default=None
        What `predict` gives for a rejected row; no class of y. None: `predict` rejects nothing.
    holdout : float in (0, 0.5], default=None
        Share of the rows, one half, third, quarter and so on, that is kept from all fits and used
        for the threshold alone. What `coverage` and `max_risk` promise then holds exactly for
        independent rows; so it does without, for a frozen model that judges by its own response.
        None: each row is judged by models that were fitted to other folds, and the promise, made
        for these, is passed on to the model of all rows.
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
    estimator_ : classifier
        The fitted model.
    classes_ : ndarray of shape (K,)
    rejector_, novelty_detector_, encoder_ : object
        Where there are such; the last one turns rows into numbers.
    threshold_ : float
        Rows of a larger score are rejected.
    novelty_threshold_ : float
        With `by="both"`.
    coverage_, risk_ : float
        Share of the held-out rows that are answered, and share of wrong answers among these.
    held_out_score_, held_out_loss_ : ndarray of shape (n,)
        Rejection score of each row and whether its answer was wrong, by models that had not seen
        it; NaN for rows that were not held out.

    See Also
    --------
    RejectRegressor : The same for numbers.
    sknoisy.metrics.accuracy_reject_auc : How well scores tell what to reject.

    Notes
    -----
    *Features as numbers*: the steps before the last one of a wrapped Pipeline, but for those that
    look at labels; a table column by column, texts by TF-IDF, arrays standardised, in which nothing
    may be missing.

    The rejector minimises the error of an accepted row plus `cost` of a rejected one by weights:
    each row is once "accept", with the cost as weight, and once "reject", if its answer was wrong.
    The paper makes a convex surrogate of the same loss small; here the surrogate is that of the
    rejector you choose, which rejects under the condition that is best for the loss itself, a
    probability of error above `cost`. In place of rows set aside for the rejector, it learns from
    cross-fitted errors.

    In a Pipeline, the last step has the methods of its own:
    `pipe[-1].predict_or_reject(pipe[:-1].transform(X))`.

    With `max_risk`, thresholds are tested on held-out rows by exact binomial tests, from the
    strictest one on. This does not assume that the score is any good: with a bad one, less is
    answered. Sample weights that differ make effective numbers of rows of it, and the promise an
    approximation. Rows of groups are not independent, and there is no promise for them.

    `score` is the accuracy of the answers to all rows, rejected or not.

    References
    ----------
    K. Hendrickx, L. Perini, D. Van der Plas, W. Meert, J. Davis: "Machine Learning with a Reject
    Option: A survey", Machine Learning, 2024 (ambiguity and novelty; costs, coverage and risk).

    C. Mohri, D. Andor, E. Choi, M. Collins, A. Mao, Y. Zhong: "Learning to Reject with a Fixed
    Predictor: Application to Decontextualization", ICLR 2024 (the rejector).

    C. K. Chow: "On optimum recognition error and reject tradeoff", IEEE Transactions on Information
    Theory, 1970.

    Y. Geifman, R. El-Yaniv: "Selective Classification for Deep Neural Networks", NeurIPS 2017 (a
    bounded risk; here by a sequence of tests instead of a bisection).

    B. L. Wiens, A. Dmitrienko: "The fallback procedure for evaluating a single family of
    hypotheses", Journal of Biopharmaceutical Statistics, 2005 (the sequence).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.model_selection import train_test_split
    >>> from sknoisy.reject import RejectClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X, X_new, y, y_new = train_test_split(X, y, random_state=0)
    >>> forest = RandomForestClassifier(n_estimators=50, random_state=0)
    >>> model = RejectClassifier(forest, coverage=0.8, random_state=0).fit(X, y)
    >>> answers, rejected = model.predict_or_reject(X_new)
    >>> right = answers == y_new
    >>> bool(right[~rejected].mean() > right.mean())
    True
    >>> model.set_params(reject_label=-1).predict(X_new)[rejected][:3].tolist()
    [-1, -1, -1]
    """

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseReject._parameter_constraints,
        "rejector": [*BaseReject._parameter_constraints["rejector"], None],
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
        rejector: Literal["forest"] | ProbabilisticClassifier | None = None,
        novelty_detector: OutlierDetector | None = None,
        cost: float | None = None,
        coverage: float | None = None,
        max_risk: float | None = None,
        confidence: float = 0.95,
        novelty_share: float = 0.02,
        reject_label: Any = None,
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
        self.novelty_share = novelty_share
        self.reject_label = reject_label
        self.holdout = holdout
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _own_attributes(self, evidence):
        classes = evidence.target.classes
        if isinstance(self.estimator, FrozenEstimator):
            classes = getattr(self.estimator, "classes_", classes)
        self._check_reject_label(classes)
        return {"classes_": np.asarray(classes)}

    def _check_reject_label(self, classes):
        if self.reject_label is not None and self.reject_label in np.asarray(classes).tolist():
            raise ValueError(
                f"reject_label={self.reject_label!r} is a class of y, so that a rejected row would "
                "look like one of that class: choose another label."
            )

    def _answers(self, fitted, y=None):
        return LabelAnswers(fitted["classes_"], y)

    def predict(self, X: MatrixLike, **params: Any) -> Array:
        """The model's answers; `reject_label`, if there is one, for rejected rows.

        Parameters
        ----------
        X : as in `fit`
        **params : dict
            Passed to the model's `predict`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Of the dtype of y where `reject_label` is of the same kind, else of objects.
        """
        answers = super().predict(X, **params)
        if self.reject_label is None:
            return answers
        self._check_reject_label(self.classes_)
        _, rejected = self.predict_or_reject(X)
        answers = as_numpy(answers, "what it predicts")
        label = np.asarray(self.reject_label)
        same = answers.dtype.kind == label.dtype.kind
        out = answers.astype(np.result_type(answers, label) if same else object)
        out[rejected] = self.reject_label
        return out

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy of the answers to all rows, rejected or not.

        Parameters
        ----------
        X, y : as in `fit`
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        check_is_fitted(self)
        return scored(accuracy_score, y, super().predict(X), sample_weight)
