"""The share of rows without which the model does no worse."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sknoisy._evidence import Evidence, check_reusable, cross_fit, is_continuous
from sknoisy._evidence._arrays import explained
from sknoisy._evidence._fitting import IsModel
from sknoisy._progress import CallbackSupportMixin, whole_fit
from sknoisy._typing import (
    Array,
    ArrayLike,
    Estimator,
    FloatArray,
    MatrixLike,
    RandomStateLike,
    Splitter,
)
from sknoisy.threshold._base import BaseThreshold, flag_top
from sknoisy.threshold._fixed import FixedRate
from sknoisy.threshold._mixture import two_normals


class OneStandardError(CallbackSupportMixin, BaseThreshold):
    """Flag the largest share of rows without which the model predicts as well as it can.

    For each of `rates`, that share of the rows with the highest scores is left out of the training
    parts of a cross-validation, and the model is scored on the test parts. Of the shares whose mean
    score is within one standard error of the best, the largest is taken.

    The test parts are never filtered: a score on the rows that are left would rise with each row
    that a model finds hard, wrong or not. With `score_on="all"` they hold wrong rows too, so the
    default scores are such that right and wrong rows do not change places for them: accuracy, whose
    order of models is kept when labels are wrong at random, and the mean absolute error, in which a
    number far off counts less than in the squared one. Noise that is the same in training and test
    parts, by a rule, looks like truth to any of them; then only trusted rows can tell.

    A model that does well without half of its rows loses half of them here, all of them right,
    perhaps. That is what the strictest cut means; `choose="mildest"` is the opposite, the smallest
    share within one standard error of the best, which on clean data is nearly always 0.

    Number of fits: folds of `cv` times `rates`, 40 at the defaults, besides the detector's own;
    fewer when equal scores make shares the same.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor that is to do well. None means the one that the detector uses.
    rates : array-like of float in [0, 0.5], default=(0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
        Shares of the judged rows to try.
    choose : {"strictest", "best", "mildest"}, default="strictest"
        Which of the shares within one standard error of the best; "best" is that one itself.
    score_on : {"all", "trusted"}, default="all"
        Which rows of the test parts are scored: all of them, or those trusted in `fit`.
    scoring : str, callable or None, default=None
        Score of a fold, higher is better: a name known to scikit-learn or a callable with the
        signature `scorer(estimator, X, y)`. None means accuracy, for numbers the negative mean
        absolute error. Not weighted.
    cv : int, splitter or None, default=None
        Folds; None means 5. Integers are stratified for classes and keep groups together. The
        standard error is that of the mean over the folds.
    per_class : bool, default=False
        Flag the share in each class rather than in all rows. There is one share for all classes.
    per_group : bool, default=False
        Flag the share in each of the `groups` given to `fit`; with `per_class`, of each class in
        each group.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, which are the same for all shares, and any `random_state` that the
        estimator leaves at None.

    Attributes
    ----------
    noise_proba_ : ndarray of shape (n,)
        Probability that a row is wrong: the posterior between two normals, one fitted to the
        flagged share of the (transformed) scores and one to the rest, with that share as mean.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    rate_ : float
        The share that was taken.
    rates_, mean_scores_, standard_errors_ : ndarray of shape (n_rates,)
        All shares in rising order, with the mean score and its standard error.
    n_fits_ : int
        Number of models fitted.

    References
    ----------
    L. Breiman, J. Friedman, R. Olshen, C. Stone: "Classification and regression trees", Wadsworth,
    1984 (the rule of one standard error; here for the share that is left out).

    D. Ziegler, S. Nix, L. Chan, T. Bauman, P. Schmidt-Nielsen, T. Lin and others: "Adversarial
    training for high-stakes reliability", NeurIPS 2022 (a very strict filter costs little).

    A. Ghosh, H. Kumar, P. S. Sastry: "Robust loss functions under label noise for deep neural
    networks", AAAI 2017 (which losses keep the order of models).

    Notes
    -----
    The noise scores were made once, with all rows, test parts included. Which rows are left out of
    a training part was therefore decided with some knowledge of its test part, and the mean scores
    are a little too good; they are for comparing shares, not for reporting.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.threshold import OneStandardError
    >>> X = np.r_[np.linspace(-3, -1, 50), np.linspace(1, 3, 50)].reshape(-1, 1)
    >>> y = (X[:, 0] > 0).astype(int)
    >>> y[:10] = 1
    >>> score = np.abs(y - (X[:, 0] > 0)) + np.linspace(0, 0.1, 100)
    >>> threshold = OneStandardError(LogisticRegression(), rates=[0, 0.1], random_state=0)
    >>> threshold.fit(score, y, X=X).rate_
    0.1
    """

    _parameter_constraints: dict = {
        **BaseThreshold._parameter_constraints,
        "estimator": [IsModel(), None],
        "rates": ["array-like"],
        "choose": [StrOptions({"strictest", "best", "mildest"})],
        "score_on": [StrOptions({"all", "trusted"})],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods(["split"]), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    rate_: float
    rates_: Array
    mean_scores_: FloatArray
    standard_errors_: FloatArray
    n_fits_: int

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        rates: ArrayLike = (0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4),
        choose: Literal["strictest", "best", "mildest"] = "strictest",
        score_on: Literal["all", "trusted"] = "all",
        scoring: str | Callable[..., Any] | None = None,
        cv: int | Splitter | None = None,
        per_class: bool = False,
        per_group: bool = False,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.rates = rates
        self.choose = choose
        self.score_on = score_on
        self.scoring = scoring
        self.cv = cv
        self.per_class = per_class
        self.per_group = per_group
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        score: ArrayLike,
        y: ArrayLike | None = None,
        *,
        X: MatrixLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        evidence: Any = None,
        estimator: Estimator | None = None,
    ) -> Self:
        """Decide which rows are suspect.

        Parameters
        ----------
        score : array-like of shape (n,)
            Noise scores on any scale, higher is more suspect. NaN means not judged: such a row
            gets probability 0 and is not flagged.
        y : array-like of shape (n,)
            Given labels or numbers.
        X : {array-like, sparse matrix, DataFrame, list} with n rows, default=None
            Whatever the estimator takes. A detector passes `evidence` instead.
        sample_weight, groups : array-like of shape (n,), default=None
            For the fits and the folds, and for `per_group`.
        trusted : array-like of shape (n,) of bool, default=None
            Rows known to be right: they are never left out.
        evidence : Evidence, default=None
            The training set as a detector has it.
        estimator : estimator object, default=None
            The detector's own, used when the parameter `estimator` is None.

        Returns
        -------
        self : object
        """
        self._validate_params()
        model = estimator if self.estimator is None else self.estimator
        if model is None:
            raise ValueError("OneStandardError needs a model to score: set estimator.")
        if evidence is None:
            if X is None or y is None:
                raise ValueError("OneStandardError refits a model: pass X and y to fit.")
            evidence = Evidence(
                X,
                y,
                task=_task(model, y),
                sample_weight=sample_weight,
                groups=groups,
                trusted=trusted,
            )
        if self.per_class and not evidence.target.is_labels:
            raise ValueError(
                "OneStandardError(per_class=True) is for class labels, and here y holds numbers: "
                "set per_class=False."
            )
        score = self._check_score(score)
        seen = {"evidence": evidence, "model": model}
        with whole_fit(self, evidence.inputs.X, evidence.target.y):
            return self._fit(score, evidence.target.y, groups, evidence.trusted, seen)

    def _begin(self, seen):
        evidence = seen["evidence"]
        rates = self._check_rates()
        fixed = FixedRate(per_class=self.per_class, per_group=self.per_group)
        known = {"groups": seen["groups"], "trusted": seen["trusted"]}
        masks = [
            fixed.set_params(rate=float(rate))
            .fit(seen["score"], evidence.target.y, **known)
            .noise_mask_
            for rate in rates
        ]
        scores = self._score_without(masks, evidence, seen["model"])
        n_folds = scores.shape[1]
        means, errors = np.zeros(len(rates)), np.zeros(len(rates))
        if n_folds:  # with rows of one class there is nothing to predict, nor to be gained
            means = scores.mean(axis=1)
        if n_folds > 1:
            errors = scores.std(axis=1, ddof=1) / np.sqrt(n_folds)
        best = int(np.argmax(means))  # the smallest share of equally good ones
        good = np.flatnonzero(means >= means[best] - errors[best] - 1e-12) if n_folds else [0]
        pick = {"strictest": good[-1], "best": best, "mildest": good[0]}[self.choose]
        self.rate_ = float(rates[pick])
        self.rates_, self.mean_scores_, self.standard_errors_ = rates, means, errors

    def __sklearn_clone__(self):
        check_reusable(self.cv, type(self).__name__)
        return super().__sklearn_clone__()

    def _validate_params(self):
        check_reusable(self.cv, type(self).__name__)
        super()._validate_params()

    def _decide(self, score, part, seen):
        return two_normals(score, rate=self.rate_), flag_top(score, round(self.rate_ * len(score)))

    def _check_rates(self):
        rates = np.unique(np.asarray(self.rates, dtype=float))
        if rates.ndim != 1 or not len(rates) or not ((rates >= 0) & (rates <= 0.5)).all():
            raise ValueError(f"rates must be shares in [0, 0.5], got {self.rates!r}.")
        return rates

    def _score_without(self, masks, evidence, model):
        """(masks, folds): scores of the models that did not see the rows of a mask."""
        target, trusted = evidence.target, evidence.trusted
        if self.score_on == "trusted" and not trusted.any():
            raise ValueError(
                'OneStandardError(score_on="trusted") has no row to score on: pass trusted to fit.'
            )
        folds = evidence.splits(self.cv, random_state=self.random_state)
        folds = [fold for repeat in folds for fold in repeat]
        if self.score_on == "trusted":
            folds = [(train, test[trusted[test]]) for train, test in folds]
            folds = [(train, test) for train, test in folds if len(test)]
        unique, which = np.unique(np.array(masks), axis=0, return_inverse=True)
        splits = [(_left(train, mask, target), test) for mask in unique for train, test in folds]
        default = "accuracy" if target.is_labels else "neg_mean_absolute_error"
        scoring = default if self.scoring is None else self.scoring
        scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
        scores = cross_fit(
            model,
            evidence,
            splits,
            _Score(scorer, target.y),
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        self.n_fits_ = len(splits)
        return np.reshape(scores, (len(unique), len(folds)))[which.reshape(-1)]


class _Score:
    """The score of a fold."""

    def __init__(self, scorer, y):
        self.scorer = scorer
        self.y = y

    def __call__(self, model, X, rows):
        with explained(X, model):
            return float(self.scorer(model, X, self.y[rows]))


def _left(train, mask, target):
    """Training rows without those of the mask; a class that would be gone is kept whole."""
    left = train[~mask[train]]
    if target.is_labels:
        gone = np.setdiff1d(target.codes[train], target.codes[left])
        left = train[~mask[train] | np.isin(target.codes[train], gone)]
    return left


def _task(model, y):
    if is_classifier(model):
        return "classification"
    return "regression" if is_regressor(model) or is_continuous(y) else "classification"
