"""How many rows are positive: the label frequency and the class prior."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, check_random_state, get_tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length

from sknoisy._evidence._arrays import container
from sknoisy._evidence._evidence import check_groups, check_weight
from sknoisy._evidence._fitting import IsModel
from sknoisy._fitted import replace_fitted
from sknoisy._notebook import NotebookView
from sknoisy._progress import CallbackSupportMixin, whole_fit
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import (
    Array,
    ArrayLike,
    CVLike,
    Estimator,
    FloatArray,
    MatrixLike,
    RandomStateLike,
)
from sknoisy.detection._base import check_kind
from sknoisy.weak_labels.positive_unlabelled._labels import read_pu

METHODS = ("plateau", "best-bin", "elkan-noto")
N_BINS = 200
LEAST_BIN = 20  # rows of the smallest top that may tell the label frequency
SURE = 4.0  # standard errors by which the best bin must be better than a wider one
LEAST, MOST = 1e-6, 1 - 1e-6


@dataclass(frozen=True)
class Plateau:
    """P(positive; score) = expit(slope * score + offset), of which a constant share is labelled."""

    slope: float
    offset: float
    label_frequency: float

    def __call__(self, score):
        return expit(self.slope * score + self.offset)

    def of_proba(self, proba):
        """For a curve over logits: P(positive) from probabilities."""
        return self(safe_logit(proba))


@dataclass(frozen=True)
class PriorEstimate:
    """What is known of the share of positive rows.

    Attributes
    ----------
    class_prior : float
        Share of positives among all rows, labelled and unlabelled.
    standard_error : float
        Of `class_prior`, for the given scores: what another sample of rows would change.
    label_frequency : float
        Share of the positives that are labelled, c.
    unlabelled_prior : float
        Share of positives among the unlabelled rows.
    """

    class_prior: float
    standard_error: float
    label_frequency: float
    unlabelled_prior: float


def estimate_class_prior(
    labelled_proba: ArrayLike,
    labelled: ArrayLike,
    *,
    method: Literal["plateau", "best-bin", "elkan-noto"] = "plateau",
    sample_weight: ArrayLike | None = None,
    random_state: RandomStateLike = 0,
) -> PriorEstimate:
    """Share of positive rows, from scores of being labelled.

    All methods take it that positives are labelled at random, each with the same chance c (the
    label frequency): then P(labelled; x) = c P(positive; x), and the class prior is the share of
    labelled rows over c.

    - "plateau": the share of labelled rows rises with the score and levels off at c where all rows
      are positive. c times a logistic curve is fitted to it by maximum likelihood, over the
      logits of the ranks of the scores, so that the scale of the scores does not matter.
    - "best-bin": c is the share of labelled rows in a top part of the scores, the one with the
      highest lower bound. It needs rows that are surely positive, and no shape of the curve.
    - "elkan-noto": c is the mean score of labelled rows. The scores must be calibrated, and
      positives and negatives must not overlap: overlap makes the prior too large.

    Parameters
    ----------
    labelled_proba : array-like of shape (n,)
        Out-of-sample probabilities, or any score for the first two methods, of being labelled.
    labelled : array-like of shape (n,) of bool
        Which rows are labelled positive.
    method : {"plateau", "best-bin", "elkan-noto"}, default="plateau"
        See above.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows.
    random_state : int, RandomState instance or None, default=0
        Of the bootstrap for the standard error.

    Returns
    -------
    PriorEstimate
        With `class_prior`, `standard_error`, `label_frequency` and `unlabelled_prior`.

    References
    ----------
    C. Elkan, K. Noto: "Learning Classifiers from Only Positive and Unlabeled Data", KDD 2008.

    S. Garg, Y. Wu, A. Smola, S. Balakrishnan, Z. Lipton: "Mixture Proportion Estimation and PU
    Learning: A Modern Approach", NeurIPS 2021. Adapted: the bound is binomial, on the labelled
    share of all rows above a threshold.

    K. Jaskie, C. Elkan, A. Spanias: "A Modified Logistic Regression for Positive and Unlabeled
    Learning", Asilomar 2019. Adapted: in one dimension, the rank of a score of any model.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.weak_labels.positive_unlabelled import estimate_class_prior
    >>> rng = np.random.default_rng(0)
    >>> positive = rng.random(5000) < 0.4
    >>> score = rng.normal(size=5000) + 3 * positive
    >>> labelled = positive & (rng.random(5000) < 0.3)
    >>> bool(abs(estimate_class_prior(score, labelled).class_prior - 0.4) < 0.05)
    True
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} must be one of {', '.join(METHODS)}.")
    score = np.asarray(labelled_proba, dtype=float)
    labelled = np.asarray(labelled, dtype=bool)
    check_consistent_length(score, labelled)
    weight = (
        np.ones(len(score)) if sample_weight is None else check_weight(sample_weight, len(score))
    )
    known = np.isfinite(score) & (weight > 0)
    share = np.average(labelled, weights=weight)
    if not 0 < share < 1:
        raise ValueError("There must be rows that are labelled positive and rows that are not.")
    score, labelled, weight = score[known], labelled[known], weight[known]
    if not labelled.any():
        raise ValueError("No labelled row has a score: the class prior cannot be told.")
    if method == "elkan-noto":
        frequency, error = _mean_of_labelled(score, labelled, weight)
    elif method == "best-bin":
        frequency, error = best_bin(score, labelled, weight)
    else:
        frequency, error = _plateau_of_ranks(score, labelled, weight, random_state)
    frequency = float(np.clip(frequency, share, 1.0))
    return _estimate(share, frequency, error)


def _estimate(share, frequency, frequency_error):
    prior = share / frequency
    return PriorEstimate(
        class_prior=float(prior),
        standard_error=float(prior * frequency_error / frequency),
        label_frequency=float(frequency),
        unlabelled_prior=float((prior - share) / (1.0 - share)),
    )


def known_prior(class_prior, labelled, weight=None):
    """`PriorEstimate` of a class prior that the user knows."""
    share = np.average(labelled, weights=weight)
    if class_prior < share:
        raise ValueError(
            f"class_prior={class_prior:.4g} is less than the share of rows that are labelled "
            f"positive, {share:.4g}: it counts the positives among all rows, labelled or not."
        )
    return _estimate(share, share / class_prior, 0.0)


# --------------------------------------------------------------------------- label frequency


def _mean_of_labelled(score, labelled, weight):
    values, weight = score[labelled], weight[labelled]
    if (values < 0).any() or (values > 1).any():
        raise ValueError('method="elkan-noto" needs probabilities of being labelled, in [0, 1].')
    mean = np.average(values, weights=weight)
    variance = np.average((values - mean) ** 2, weights=weight)
    return mean, np.sqrt(variance * (weight**2).sum()) / weight.sum()


def best_bin(score, labelled, weight):
    """(label frequency, its standard error) in the top of the scores where it is surely highest."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))  # ties stay together
    total = weight[order].cumsum()[ends]
    of_labelled = (weight * labelled)[order].cumsum()[ends]
    size = total**2 / (weight[order] ** 2).cumsum()[ends]  # as many rows of equal weight
    rate = (of_labelled / total * size + 0.5) / (size + 1.0)
    error = np.sqrt(rate * (1.0 - rate) / (size + 1.0))
    wide = size >= min(LEAST_BIN, size[-1])
    at = np.where(wide, rate - SURE * error, -np.inf).argmax()
    return rate[at], error[at]


def _plateau_of_ranks(score, labelled, weight, random_state, n_draws=30):
    rank = np.interp(score, *_weighted_ranks(score, weight))
    x, positives, others = _bins(logit(rank), labelled, weight)
    size = weight.sum() ** 2 / (weight**2).sum()
    scale = size / weight.sum()  # counts of as many rows of equal weight
    positives, others = positives * scale, others * scale
    curve = fit_plateau(x, positives, others)
    rng = check_random_state(random_state)
    start = [curve]
    draws = [
        fit_plateau(x, rng.poisson(positives), rng.poisson(others), start=start).label_frequency
        for _ in range(n_draws)
    ]
    return curve.label_frequency, np.std(draws)


def _weighted_ranks(score, weight):
    """(distinct scores, their mid-ranks in (0, 1))."""
    values, at = np.unique(score, return_inverse=True)
    share = np.bincount(at, weights=weight)
    return values, np.clip((share.cumsum() - 0.5 * share) / share.sum(), 1e-6, 1 - 1e-6)


def _bins(x, labelled, weight):
    """(mean of x, weight of the labelled, weight of the others) in bins of about equal numbers."""
    order = np.argsort(x, kind="stable")
    n_bins = min(N_BINS, len(x))
    of = np.empty(len(x), dtype=int)
    of[order] = np.arange(len(x)) * n_bins // len(x)
    total = np.bincount(of, weights=weight, minlength=n_bins)
    positives = np.bincount(of, weights=weight * labelled, minlength=n_bins)
    kept = total > 0
    mean = np.bincount(of, weights=weight * x, minlength=n_bins)[kept] / total[kept]
    return mean, positives[kept], (total - positives)[kept]


def fit_plateau(x, positives, others, label_frequency=None, start=None):
    """The `Plateau` that explains best how many rows are labelled at each score.

    Parameters
    ----------
    x : ndarray of shape (m,)
        Scores.
    positives, others : ndarray of shape (m,)
        How many rows are labelled there, and how many are not.
    label_frequency : float, default=None
        Where it is known.
    start : list of Plateau, default=None
        Where to look first; by default several places.
    """
    total = positives + others
    n = max(total.sum(), 1.0)
    mean = np.average(x, weights=total) if total.any() else 0.0
    spread = np.sqrt(np.average((x - mean) ** 2, weights=total)) if total.any() else 1.0
    spread = spread or 1.0
    z = (x - mean) / spread
    is_known = label_frequency is not None
    fixed = np.clip(label_frequency, LEAST, MOST) if is_known else None

    def loss(theta):
        slope = np.exp(theta[0])
        h = expit(slope * z + theta[1])
        c = fixed if is_known else expit(theta[2])
        g = np.clip(c * h, 1e-12, 1 - 1e-12)
        value = -(positives @ np.log(g) + others @ np.log1p(-g)) / n + theta[0] ** 2 / n
        by_g = -(positives / g - others / (1.0 - g)) / n
        by_f = by_g * c * h * (1.0 - h)
        gradient = [by_f @ (slope * z) + 2.0 * theta[0] / n, by_f.sum()]
        if not is_known:
            gradient.append((by_g @ h) * c * (1.0 - c))
        return value, np.array(gradient)

    if start is None:
        starts = [(a, b, k) for a, b in ((0.0, 0.0), (1.0, -2.0)) for k in (-0.8, 0.8, 3.0)]
        starts = starts[::3] if is_known else starts
    else:
        starts = [
            (
                np.log(p.slope * spread),
                p.offset + p.slope * mean,
                logit(np.clip(p.label_frequency, LEAST, MOST)),
            )
            for p in start
        ]
    bounds = [(-5.0, 5.0), (-30.0, 30.0), (-9.0, 9.0)][: 2 if is_known else 3]
    found = [
        minimize(loss, s[: len(bounds)], jac=True, method="L-BFGS-B", bounds=bounds) for s in starts
    ]
    theta = min(found, key=lambda r: r.fun).x
    slope = np.exp(theta[0]) / spread
    return Plateau(
        slope=float(slope),
        offset=float(theta[1] - slope * mean),
        label_frequency=float(label_frequency if is_known else expit(theta[2])),
    )


def positive_link(labelled_proba, labelled, label_frequency, weight=None):
    """The `Plateau` over logits of scores, of a known label frequency.

    It makes a probability of being positive of a score of being labelled, calibrated or not.
    """
    known = np.isfinite(labelled_proba)
    weight = np.ones(known.sum()) if weight is None else weight[known]
    counts = _bins(safe_logit(labelled_proba[known]), labelled[known], weight)
    return fit_plateau(*counts, label_frequency=label_frequency)


def safe_logit(proba):
    return logit(np.clip(proba, LEAST, MOST))


# --------------------------------------------------------------------------- the estimator


class ClassPrior(CallbackSupportMixin, NotebookView, BaseEstimator):
    """Share of positives among rows of which some are labelled positive and the rest is not.

    The classifier learns who is labelled, and rows are scored by models that have not seen them;
    see `estimate_class_prior` for what is made of the scores. A class prior is known only as far
    as some rows are surely positive ("best-bin"), or as the share of labelled rows levels off
    ("plateau"), and only if positives are labelled at random.

    Number of fits: `cv`.

    Parameters
    ----------
    estimator : classifier
        Any scikit-learn classifier, or a Pipeline that ends in one. The better it ranks, the
        better the estimate.
    method : {"plateau", "best-bin", "elkan-noto"}, default="plateau"
        What is made of the scores; see `estimate_class_prior`.
    positive : scalar, default=None
        The value of y that means positive. None: the larger of the two.
    cv : int >= 2 or splitter, default=5
        Folds.
    weight_strategy : {"native", "resample"}, default="native"
        How weights given to `fit` reach a model: as its `sample_weight`, or by repeating and
        leaving out rows.
    n_jobs : int or None, default=None
        Jobs of the fits.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the models that have no seed, and the bootstrap.

    Attributes
    ----------
    class_prior_ : float
        Share of positives among all rows.
    standard_error_ : float
        Of `class_prior_`, for the scores at hand.
    label_frequency_ : float
        Share of the positives that are labelled.
    unlabelled_prior_ : float
        Share of positives among the unlabelled rows.
    labelled_proba_ : ndarray of shape (n,)
        Out-of-sample probability of each row of being labelled.
    classes_ : ndarray of shape (2,)
        The values of y.

    References
    ----------
    S. Garg, Y. Wu, A. Smola, S. Balakrishnan, Z. Lipton: "Mixture Proportion Estimation and PU
    Learning: A Modern Approach", NeurIPS 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels.positive_unlabelled import ClassPrior
    >>> rng = np.random.default_rng(0)
    >>> y_true = rng.random(2000) < 0.3
    >>> X = rng.normal(size=(2000, 2)) + 2.5 * y_true[:, None]
    >>> y = (y_true & (rng.random(2000) < 0.5)).astype(int)
    >>> prior = ClassPrior(LogisticRegression(), random_state=0).fit(X, y)
    >>> bool(abs(prior.class_prior_ - 0.3) < 0.05)
    True
    """

    _parameter_constraints: dict = {
        "estimator": [IsModel()],
        "method": [StrOptions(set(METHODS))],
        "positive": "no_validation",
        "cv": [Interval(Integral, 2, None, closed="left"), "cv_object"],
        "weight_strategy": [StrOptions({"native", "resample"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    class_prior_: float
    standard_error_: float
    label_frequency_: float
    unlabelled_prior_: float
    labelled_proba_: FloatArray
    classes_: Array

    def __init__(
        self,
        estimator: Estimator,
        *,
        method: Literal["plateau", "best-bin", "elkan-noto"] = "plateau",
        positive: Any = None,
        cv: int | CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.positive = positive
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Estimate the class prior.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes.
        y : array-like of shape (n,)
            One value for labelled positives, another one or blanks for unlabelled rows.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in the folds, and so do copies of a row.

        Returns
        -------
        self : object
        """
        self._validate_params()
        check_kind(self.estimator, "classification", type(self).__name__)
        X, labels = container(X), read_pu(y, self.positive)
        check_consistent_length(X, labels.labelled)
        n = len(labels.labelled)
        weight = None if sample_weight is None else check_weight(sample_weight, n)
        seed = None
        if self.random_state is not None:
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        labels.check_weight(weight)
        rows = SoftRows(
            X,
            labels.classes,
            sample_weight=weight,
            groups=None if groups is None else check_groups(groups, n),
            weight_strategy=self.weight_strategy,
            random_state=seed,
            n_jobs=self.n_jobs,
        )
        with whole_fit(self, X, y):
            score = labelled_scores(self.estimator, rows, labels, rows.folds(labels.codes, self.cv))
            estimate = estimate_class_prior(
                score, labels.labelled, method=self.method, sample_weight=weight, random_state=seed
            )
            fitted = {f"{name}_": value for name, value in vars(estimate).items()}
            fitted |= {"labelled_proba_": score, "classes_": labels.classes}
            if len(getattr(X, "shape", ())) == 2:
                fitted["n_features_in_"] = X.shape[1]
            replace_fitted(self, fitted)
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = deepcopy(inner.input_tags)
        tags.non_deterministic = inner.non_deterministic
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags


def labelled_scores(estimator, rows, labels, folds):
    """(n,) out-of-sample probability of being labelled."""
    given = labels.columns(labels.labelled.astype(float))
    return rows.out_of_sample(estimator, given, folds)[:, labels.positive_at]
