"""Weights that make many untrusted rows serve like few trusted ones."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_matrix, hstack, issparse
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining, has_trusted, times
from sknoisy.treatment._treated import Treated

LEAST = 1e-6  # so that no class vanishes
SURE = 1e-3  # least probability in a logarithm: one row must not rule a linear model


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
            weight = self._weights(evidence) + LEAST
            weight = np.minimum(weight / weight[~trusted].mean(), self.max_weight)
            weight[trusted] = np.maximum(weight[trusted], 1.0)
        given = evidence.inputs.sample_weight
        plain = given is None and (weight == 1.0).all()
        return Treated(
            rows=None,
            y=evidence.target.y,
            sample_weight=None if plain else times(weight, evidence),
            noise_mask=weight < 0.5,
            attributes={"sample_weight_": weight},
        )

    def _weights(self, evidence):
        """(n,) density of trusted rows over that of the others, by what a model says of them."""
        views, trusted = self._views(evidence), evidence.trusted
        judge = LogisticRegression(class_weight="balanced", max_iter=1000)
        judge.fit(views, trusted, sample_weight=evidence.inputs.sample_weight)
        # balanced classes: the odds are the ratio itself
        return np.exp(np.clip(judge.decision_function(views), -20, 20))

    def _said(self, evidence):
        """What the model says of rows that it has not seen."""
        how = {"cv": self.cv, "random_state": self._seed(), "n_jobs": self.n_jobs}
        return evidence.responses(self.estimator, **how).values


class TrustedWeightClassifier(WrappedClassifier, _TrustedWeights):
    """Classifier in which untrusted rows weigh as much as trusted ones make likely.

    - "density": how much likelier a row is among the trusted ones than among the others, judged by
      what a model says of it that has not seen it (the loss of its label, and which label it is): a
      logistic regression tells trusted from untrusted rows, and its odds are the weights. Right
      labels outweigh wrong ones, and where trusted rows have other shares of classes, these are
      adopted.
    - "bilevel": weights under which a step of training lowers the loss of the trusted rows most: a
      linear model of the features is trained by gradient steps, and in each step a row weighs by
      how far its own gradient points the way of theirs, none if it points the other way. Its
      weights, the mean of all steps, are those of the wrapped model.

    Number of fits: "density" `cv` (5; 1 out of bag for a forest), "bilevel" a linear model in
    `n_steps` steps; plus 1.

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

    def __init__(
        self,
        estimator,
        *,
        method="density",
        max_weight=10.0,
        n_steps=100,
        cv=5,
        weight_strategy="native",
        n_jobs=None,
        random_state=None,
    ):
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
        return gradient_weights(Z, wanted, evidence.trusted, base, self.n_steps)

    def _views(self, evidence):
        codes, n_classes = evidence.target.codes, len(evidence.target.classes)
        said = np.log(np.maximum(self._said(evidence), SURE))
        said = np.where(np.isnan(said), -np.log(n_classes), said)
        rows, others = np.arange(len(codes)), said.copy()
        own = said[rows, codes]
        others[rows, codes] = -np.inf
        return np.column_stack([own, own - others.max(axis=1), np.eye(n_classes)[codes]])


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

    def __init__(
        self,
        estimator,
        *,
        max_weight=10.0,
        cv=5,
        weight_strategy="native",
        n_jobs=None,
        random_state=None,
    ):
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
        return np.column_stack([np.log1p(size), bounded, np.sign(residual) * bounded])


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
