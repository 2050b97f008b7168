"""Weights that make many untrusted rows serve like few trusted ones."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix, hstack, issparse
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining, has_trusted
from sknoisy.treatment._treated import Treated

LEAST = 1e-6  # so that no class vanishes
SURE = 1e-3  # least probability in a logarithm: one row must not rule a linear model
RIDGES = (0.01, 0.1, 1.0, 10.0)  # C of the judge
SHARES = (0.0, 0.3, 1.0)  # units of what the judge knows of single classes: how far it may go
OTHERS = 30  # others for each trusted row, of which more tell the judge little


class _TrustedWeights(BaseTraining):
    """What both have in common."""

    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "max_weight": [Interval(Real, 1, None, closed="left")],
        "cv": CV,
    }

    def _check_before_training(self, **own):
        check_takes_weights(self.estimator, self.weight_strategy, "rows are weighed by trust")

    def _train(self, evidence):
        n, trusted = evidence.n_rows, evidence.trusted
        weight = np.ones(n)
        if has_trusted(evidence, type(self).__name__):
            weight = bounded_weight(self._weights(evidence), trusted, self.max_weight)
        return Treated.of(
            evidence,
            weight=None if (weight == 1.0).all() else weight,
            noise_mask=weight < 0.5,
            attributes={"sample_weight_": weight},
        )

    def _weights(self, evidence):
        """(n,) density of trusted rows over that of the others, by what a model says of them."""
        given = evidence.inputs.sample_weight
        return trust_odds(*self._views(evidence), evidence.trusted, given, self._seed())

    def _said(self, evidence):
        """What the model says of rows that it has not seen."""
        how = {"cv": self.cv, "random_state": self._seed(), "n_jobs": self.n_jobs}
        return evidence.responses(self.estimator, **how).values


class TrustedWeightClassifier(WrappedClassifier, _TrustedWeights):
    """Classifier in which untrusted rows weigh as much as trusted ones make likely.

    - "density": how much likelier a row is among the trusted ones than among the others, judged by
      what a model says of it that has not seen it (the loss of its label, which label it is, and,
      for each label, what is said of every class): a logistic regression tells trusted from
      untrusted rows, and its odds are the weights. Right labels outweigh wrong ones, also where one
      class is often taken for one other, and where trusted rows have other shares of classes, these
      are adopted. How far the regression may go is found by cross-validation: where trusted rows
      cannot be told from others, all rows weigh the same.
    - "bilevel": weights under which a step of training lowers the loss of the trusted rows most: a
      linear model of the features is trained by gradient steps, and in each step a row weighs by
      how far its own gradient points the way of theirs, none if it points the other way. Its
      weights, the mean of all steps, are those of the wrapped model, if trusted rows that are left
      out in turn are foretold better by models with them than without; else all rows weigh the
      same.

    Number of fits: "density" `cv` (5; 1 out of bag for a forest), "bilevel" 10, and a
    linear model in `n_steps` steps 6 times; plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any that takes weights (see `weight_strategy`).
    method : {"density", "bilevel"}, default="density"
    max_weight : float >= 1, default=10.0
        No untrusted row weighs more than this many times their mean.
    n_steps : int >= 1, default=100
        Of gradient descent, for "bilevel".
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the model judges rows that it has not seen, for "density".
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
        The wrapped model, fitted with the weights.
    classes_ : ndarray of shape (K,)
    sample_weight_ : ndarray of shape (n,)
        The computed weights, of mean one among the untrusted rows; trusted ones weigh at least
        one. `sample_weight` given to `fit` comes on top.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows that weigh less than half of the mean.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    PrototypeTriageClassifier : Keeps, relabels or drops.
    sknoisy.training.correction.TransitionClassifier : A transition matrix from trusted rows.

    References
    ----------
    T. Fang, N. Lu, G. Niu, M. Sugiyama: "Rethinking importance weighting for deep learning under
    distribution shift", NeurIPS, 2020 ("density": ratios of what a model says in place of the
    features; there alternating with the training of a network, and by kernel mean matching).

    M. Ren, W. Zeng, B. Yang, R. Urtasun: "Learning to reweight examples for robust deep learning",
    ICML, 2018 ("bilevel": one step of gradient in each batch; here of a linear model on all rows,
    whose weights go to any estimator).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.training.trusted import TrustedWeightClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> trusted = np.arange(len(y)) < 100
    >>> noisy, wrong = symmetric_noise(y, rate=0.4, random_state=0)
    >>> z = np.where(trusted, y, noisy)
    >>> model = TrustedWeightClassifier(LogisticRegression(C=0.01), random_state=0)
    >>> weight = model.fit(X, z, trusted=trusted).sample_weight_
    >>> bool(weight[wrong & ~trusted].mean() < 0.2 * weight[~wrong].mean())
    True
    """

    _task = "classification"
    _parameter_constraints: dict = {
        **_TrustedWeights._parameter_constraints,
        "method": [StrOptions({"density", "bilevel"})],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
    }

    sample_weight_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        method: Literal["density", "bilevel"] = "density",
        max_weight: float = 10.0,
        n_steps: int = 100,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.max_weight = max_weight
        self.n_steps = n_steps
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _weights(self, evidence):
        if self.method == "density":
            return super()._weights(evidence)
        Z = evidence.features(self.estimator)
        one = np.ones((evidence.n_rows, 1))
        Z = hstack([csr_matrix(Z), one]).tocsr() if issparse(Z) else np.hstack([Z, one])
        given = evidence.inputs.sample_weight
        base = np.ones(evidence.n_rows) if given is None else given
        wanted = np.eye(len(evidence.target.classes))[evidence.target.codes]
        if not self._is_borne_out(evidence, Z, wanted, base):
            return np.ones(evidence.n_rows)
        return gradient_weights(Z, wanted, evidence.trusted, base, self.n_steps)

    def _is_borne_out(self, evidence, Z, wanted, base):
        """Whether the model foretells trusted rows, left out in turn, better with the weights."""
        codes, trusted, gain = evidence.target.codes, evidence.trusted, 0.0
        n_folds = min(5, trusted.sum())
        if n_folds < 2:
            return False
        seed = self._seed()
        rows = SoftRows.of(evidence, random_state=seed, n_jobs=self.n_jobs)
        folds = KFold(n_folds, shuffle=True, random_state=seed)
        for _, at in folds.split(np.flatnonzero(trusted)):
            held = np.flatnonzero(trusted)[at]
            rest = np.setdiff1d(np.arange(len(codes)), held)
            of_rest = Z[rest], wanted[rest], trusted[rest], base[rest]
            weight = np.ones(len(codes))
            found = gradient_weights(*of_rest, self.n_steps)
            weight[rest] = bounded_weight(found, trusted[rest], self.max_weight)
            for sign, labels in ((1.0, wanted * weight[:, None]), (-1.0, wanted)):
                said = rows.out_of_sample(self.estimator, labels, [(rest, held)])
                right = said[held, codes[held]]
                gain += sign * (base[held] @ np.log(np.maximum(right, SURE)))
        return gain > 0

    def _views(self, evidence):
        codes, n_classes = evidence.target.codes, len(evidence.target.classes)
        said = np.log(np.maximum(self._said(evidence), SURE))
        said = np.where(np.isnan(said), -np.log(n_classes), said)
        rows, others = np.arange(len(codes)), said.copy()
        own = said[rows, codes]
        others[rows, codes] = -np.inf
        margin = own - others.max(axis=1)
        shared = np.column_stack([in_units(own), in_units(margin), np.eye(n_classes)[codes]])
        # for each label, what is said of each class: columns of a label are zero for the others
        said = in_units(said - said.mean(axis=1, keepdims=True))
        at = codes[:, None] * n_classes + np.arange(n_classes)
        starts = np.arange(len(codes) + 1) * n_classes
        single = csr_matrix((said.ravel(), at.ravel(), starts), (len(codes), n_classes**2))
        return shared, single


class TrustedWeightRegressor(WrappedRegressor, _TrustedWeights):
    """Regressor in which untrusted rows weigh as much as trusted ones make likely.

    A row weighs by how much likelier it is among the trusted ones than among the others, judged by
    its residual out of sample: a logistic regression on size and sign tells trusted rows from the
    others, and its odds are the weights.

    Number of fits: `cv` (5; 1 out of bag for a forest) plus 1.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any that takes weights (see `weight_strategy`).
    max_weight : float >= 1, default=10.0
        No untrusted row weighs more than this many times their mean.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the model judges rows that it has not seen.
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
        The wrapped model, fitted with the weights.
    sample_weight_ : ndarray of shape (n,)
        The computed weights, of mean one among the untrusted rows; trusted ones weigh at least one.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows that weigh less than half of the mean.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    References
    ----------
    T. Fang, N. Lu, G. Niu, M. Sugiyama: "Rethinking importance weighting for deep learning under
    distribution shift", NeurIPS, 2020 (ratios of what a model says; there of classes).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy.training.trusted import TrustedWeightRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> trusted = np.arange(len(y)) < 60
    >>> wrong = ~trusted & (np.arange(len(y)) % 4 == 0)
    >>> y[wrong] += 400
    >>> model = TrustedWeightRegressor(Ridge(), random_state=0).fit(X, y, trusted=trusted)
    >>> weight = model.sample_weight_
    >>> bool(weight[wrong].mean() < 0.2 * weight[~wrong].mean())
    True
    """

    _task = "regression"

    sample_weight_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        max_weight: float = 10.0,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.max_weight = max_weight
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _views(self, evidence):
        residual = evidence.target.y - self._said(evidence)
        residual = np.where(np.isnan(residual), np.nanmedian(residual), residual)
        # from where the trusted ones are, in their units: wrong ones have bent the model
        residual = residual - np.median(residual[evidence.trusted])
        size = np.abs(residual)
        size = size / (np.median(size[evidence.trusted]) or size.mean() or 1.0)
        bounded = size / (1.0 + size)  # a wild number says no more than that
        return np.column_stack([np.log1p(size), bounded, np.sign(residual) * bounded]), None


def in_units(values):
    """Values around their mean in units of their standard deviation, of each column alike."""
    return (values - values.mean(axis=0)) / (values.std() or 1.0)


def trust_odds(shared, single, trusted, weight=None, seed=None):
    """(n,) how much likelier a row is among trusted rows than among the others.

    The odds of a logistic regression that tells them apart, over those of the numbers of rows. Its
    ridge, and the unit of the columns of single classes, are those with the least log loss in
    cross-validation; without any better than chance, all odds are one.

    Parameters
    ----------
    shared : ndarray of shape (n, p)
        What is known of rows of all classes.
    single : sparse matrix of shape (n, q) or None
        What is known of those of single classes.
    trusted : ndarray of shape (n,) of bool
    weight : ndarray of shape (n,) or None
        Of the user.
    seed : int or None

    Returns
    -------
    ndarray of shape (n,)
    """
    rng, n = check_random_state(seed), len(trusted)
    some = rng.permutation(np.flatnonzero(~trusted))[: OTHERS * trusted.sum()]
    rows = np.sort(np.r_[np.flatnonzero(trusted), some])
    weight = np.ones(n) if weight is None else weight
    rows = rows[weight[rows] > 0]
    is_trusted, weight = trusted[rows], weight[rows] / weight[rows].mean()
    n_folds = min(5, is_trusted.sum(), (~is_trusted).sum())
    if n_folds < 2:  # nothing that was learnt could be borne out
        return np.ones(n)
    prior = weight[is_trusted].sum() / weight.sum()
    chance = np.log(prior / (1.0 - prior))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=rng.randint(2**31 - 1))
    folds = list(folds.split(rows, is_trusted))

    def log_odds(views, C, learn, judge):
        model = LogisticRegression(C=C, max_iter=1000)
        model.fit(views[rows[learn]], is_trusted[learn], sample_weight=weight[learn])
        return model.decision_function(views[judge])

    def loss(found):
        return np.average(np.logaddexp(0.0, np.where(is_trusted, -found, found)), weights=weight)

    best, least = None, loss(np.full(len(rows), chance))
    for share in (0.0,) if single is None else SHARES:
        views = shared if share == 0.0 else hstack([shared, share * single]).tocsr()
        for C in RIDGES:
            found = np.empty(len(rows))
            for learn, test in folds:
                found[test] = log_odds(views, C, learn, rows[test])
            if loss(found) < least:
                best, least = (views, C), loss(found)
    if best is None:
        return np.ones(n)
    odds = log_odds(*best, np.arange(len(rows)), np.arange(n))
    return np.exp(np.clip(odds - chance, -20, 20))


def bounded_weight(weight, trusted, max_weight):
    """Weights of mean one among the others, at most `max_weight`; of trusted rows at least one."""
    weight = weight + LEAST
    weight = np.minimum(weight / weight[~trusted].mean(), max_weight)
    weight[trusted] = np.maximum(weight[trusted], 1.0)
    return weight


def gradient_weights(Z, wanted, trusted, base, n_steps):
    """(n,) mean over the steps of max(0, <gradient of a row, that of the trusted>).

    The model is a softmax regression, trained with the weights of each step.

    Parameters
    ----------
    Z : array or sparse matrix of shape (n, d)
        Features, with a column of ones.
    wanted : ndarray of shape (n, K)
        One-hot labels.
    trusted : ndarray of shape (n,) of bool
    base : ndarray of shape (n,)
        Weights of the user.
    n_steps : int

    Returns
    -------
    ndarray of shape (n,)
        Of mean one, over all rows, in each step.
    """
    n, K = wanted.shape
    coef = np.zeros((Z.shape[1], K))
    squares = np.asarray(Z.multiply(Z).sum(axis=1)).ravel() if issparse(Z) else (Z**2).sum(axis=1)
    rate = 1.0 / squares.mean()  # one over a bound of the curvature
    total = np.zeros(n)
    share = base[trusted] / max(base[trusted].sum(), 1e-300)
    for _ in range(n_steps):
        error = softmax(Z @ coef, axis=1) - wanted
        wish = Z[trusted].T @ (error[trusted] * share[:, None])  # gradient of the trusted loss
        gain = np.maximum((error * (Z @ wish)).sum(axis=1), 0.0) * base
        if not gain.any():
            break
        weight = gain * (n / gain.sum())
        total += weight
        coef -= rate * (Z.T @ (error * weight[:, None])) / n
    return total / max(total.mean(), 1e-300) if total.any() else np.ones(n)
