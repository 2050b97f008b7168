"""The Taylor variational loss, which needs no class prior."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal

from sklearn.utils._param_validation import Interval

from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._typing import CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.weak_labels.positive_unlabelled._base import BasePUClassifier
from sknoisy.weak_labels.positive_unlabelled._corrected import CorrectedModel
from sknoisy.weak_labels.positive_unlabelled._prior import estimate_class_prior, positive_link
from sknoisy.weak_labels.positive_unlabelled._variational import fit_variational, weighted_labels


class TaylorPUClassifier(BasePUClassifier):
    """Classifier for positive-unlabelled labels that is fitted without a class prior.

    The loss is - mean of log f(x) over labelled rows + T(mean of f(x) over unlabelled rows), with
    f the probability of being positive, and T the Taylor series of the logarithm. The logarithm
    alone would be the variational loss, whose gradient is huge where few rows are positive; a low
    order tames it. A model is fitted again and again, to weights that give its own log loss the
    gradient of this loss; f in the weights comes from models that have not seen the row.

    Number of fits: `cv` times the rounds, `max_iter` at most, plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    order : int >= 1 or None, default=2
        Of the Taylor series; 1 is a mean absolute error, None the logarithm itself. Low orders
        bear more rows that are labelled wrong, and let more rows be positive.
    calibrate : bool, default=True
        Whether `predict_proba` is corrected to a probability of being positive, by the label
        frequency that the out-of-sample f of the last round tell. f itself is near 1 for all rows
        that are more likely positive than others, which ranks them well, and is no probability
        where classes overlap. Not for models without `predict_proba`.
    momentum : float in [0, 1), default=0.5
        Share of what earlier rounds said in f.
    max_iter : int >= 1, default=6
        Rounds at most.
    tol : float >= 0, default=5e-3
        Rounds end when f of unlabelled rows changes less than this on average.
    positive : scalar, default=None
        The value of y that means positive. None: the larger of the two, which is 1 of (0, 1) and
        of (-1, 1), and True; of two texts the one that is not "no", "unlabelled", "not ..." or the
        like, else the later one in the alphabet, with a warning.
    cv : int >= 2 or splitter, default=5
        Folds by which rows are judged by models that have not seen them.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the fits in the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, with its correction if `calibrate`.
    classes_ : ndarray of shape (2,)
        The values of y; the unlabelled value is the negative class.
    sample_weight_ : ndarray of shape (n,)
        The computed weight of each training row in the last fit; their mean is 1.
    variational_proba_ : ndarray of shape (n,)
        f of each training row, by models that have not seen it.
    label_frequency_ : float
        Share of the positives that are labelled. Only with `calibrate`.
    n_iter_ : int
        Rounds.

    References
    ----------
    H. Zhao, X. Wang, J. Li, Y. Zhong: "Class Prior-Free Positive-Unlabeled Learning with Taylor
    Variational Loss for Hyperspectral Remote Sensing Imagery", ICCV 2023. Adapted: weights of rows
    in place of a gradient descent, the running mean of what was said in place of a model whose
    parameters are one, and the correction of probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels.positive_unlabelled import TaylorPUClassifier
    >>> rng = np.random.default_rng(0)
    >>> y_true = rng.random(1000) < 0.4
    >>> X = rng.normal(size=(1000, 2)) + 2.0 * y_true[:, None]
    >>> y = (y_true & (rng.random(1000) < 0.3)).astype(int)  # 1: labelled, 0: unlabelled
    >>> model = TaylorPUClassifier(LogisticRegression(), random_state=0).fit(X, y)
    >>> bool((model.predict(X) == y_true).mean() > 0.9)
    True
    """

    _parameter_constraints: dict = {
        **BasePUClassifier._parameter_constraints,
        "order": [Interval(Integral, 1, None, closed="left"), None],
        "calibrate": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    sample_weight_: FloatArray
    variational_proba_: FloatArray
    n_iter_: int

    def __init__(
        self,
        estimator: Estimator,
        *,
        order: int | None = 2,
        calibrate: bool = True,
        momentum: float = 0.5,
        max_iter: int = 6,
        tol: float = 5e-3,
        positive: Any = None,
        cv: int | CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.order = order
        self.calibrate = calibrate
        self.momentum = momentum
        self.max_iter = max_iter
        self.tol = tol
        self.positive = positive
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn_positives(self, rows, labels):
        check_takes_weights(self.estimator, self.weight_strategy, "the loss is made of weights")
        weight, f, n_iter = fit_variational(
            self.estimator,
            rows,
            labels,
            rows.folds(labels.codes, self.cv),
            order=self.order,
            momentum=self.momentum,
            max_iter=self.max_iter,
            tol=self.tol,
        )
        attributes = {"sample_weight_": weight, "variational_proba_": f, "n_iter_": n_iter}
        if self.calibrate:
            prior = estimate_class_prior(
                f,
                labels.labelled,
                sample_weight=rows.sample_weight,
                random_state=rows.random_state,
            )
            attributes["label_frequency_"] = prior.label_frequency
        return weighted_labels(labels, weight), attributes

    def _fit_last(self, rows, labels, soft_labels, attributes):
        model = super()._fit_last(rows, labels, soft_labels, attributes)
        if not self.calibrate or not hasattr(model, "predict_proba"):
            return model  # decision values are on another scale than f
        link = positive_link(
            attributes["variational_proba_"],
            labels.labelled,
            attributes["label_frequency_"],
            rows.sample_weight,
        )
        return CorrectedModel([model], labels.classes, labels.positive_at, link.of_proba)
