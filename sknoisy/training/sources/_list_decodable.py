"""A short list of regressors, one of them right, where few of the batches are."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.utils._param_validation import HasMethods, Interval

from sknoisy._typing import Array, CVLike, Estimator, FitTransformer, FloatArray, RandomStateLike
from sknoisy._wrapper import WrappedRegressor
from sknoisy.training.sources._base import (
    BaseSources,
    Sources,
    best_on_trusted,
    warn_of_single_rows,
)
from sknoisy.training.sources._batches import NEVER
from sknoisy.training.sources._multifilter import BatchRows, are_alike, candidates, concentrate

WIDEST = 30  # directions of the features that gradients are taken in
FLAT = 1e-10  # share of the largest variance under which a direction is none


class ListDecodableRegressor(WrappedRegressor, BaseSources):
    """Regressor for batches of which perhaps less than half are genuine, and the others anything.

    With less than half of the batches genuine the others may have a regression of their own, and no
    method can know which is the true one. But a short list can be made, of which one candidate is
    near the truth; a handful of trusted rows then tell which. Without them the candidate that most
    batches agree with predicts.

    A regression is fitted to all batches, and each batch's mean gradient at it is looked at, with
    large residuals clipped. Batches of one regression have mean gradients that differ by chance
    only. Where they differ more, along the direction in which they do so most, either outlying
    batches lose weight, or the batches are parted in two overlapping halves, and each goes on.
    What is left with enough weight is a candidate. It then keeps the share `alpha` of the batches
    with the least loss, and others that are no outliers among them.

    From the paper are the clipped gradients, the two tests (mean absolute residuals first), the
    soft weights, and splits in which the squares of the parts' weights sum to no more than that of
    the whole (so at most 4 / alpha ** 2 candidates of a filter). Adapted: its constants, which are
    made for proofs, are replaced by how much the rows of a batch differ among themselves. The
    filter is asked again about batches that no candidate explains. Candidates with nearly the same
    batches are one. And the filter works with a linear regression on the features as uncorrelated
    numbers (their 30 widest directions), whatever the estimator; clones of that are then fitted to
    the batches of each candidate, and the batches chosen anew by their losses, out of sample. Where
    the truth is far from linear, give a `basis`.

    Batches must be large enough to tell one regression from another: some 3 / alpha rows, more
    where a linear one explains little. Sources that the filter cannot tell apart stay one
    candidate; `SubjectiveLearningRegressor`, which costs more fits, may still part them.

    Number of fits: `cv` (3) times K in each of `max_iter` (3) rounds at most, and K.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap.
    alpha : float in (0, 1], default=0.3
        Share of the batches that is genuine, at least.
    by : str, callable or None, default=None
        The batch of each row: a column of X, or `callable(X) -> (n,)`. None means `groups` of
        `fit`; without these each row is a batch, and a warning says that so nothing can be told
        apart: the plain model is the only candidate.
    basis : transformer or None, default=None
        Makes features of the (numeric, standardised) features, in which the truth is closer to
        linear: `PolynomialFeatures`, `SplineTransformer`, `Nystroem`, ...
    max_iter : int >= 0, default=3
        Rounds in which clones of the estimator choose the batches anew, at most.
    cv : int >= 2, splitter, iterable or None, default=3
        Folds, which must not part a batch; a splitter gets the batches as groups. None means 5.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` of `fit` reaches the model: as its own (an error when it takes none), or
        by repeating and leaving out rows in proportion to weight. The method itself needs none.
    n_jobs : int or None, default=None
        Jobs of the folds and clones.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` and `basis` leave at None.

    Attributes
    ----------
    estimator_ : estimator object
        The candidate that predicts: that of least loss on the trusted rows, if there are any, else
        the first.
    estimators_ : list of K estimators
        The candidates, that of the largest support first. `predict_all` asks all of them.
    chosen_ : int
        Which of them predicts.
    support_ : ndarray of shape (K,)
        Share of the batches that fit this candidate better than any other.
    batches_ : ndarray of shape (B,)
        Names of the batches.
    batch_weight_ : ndarray of shape (K, B)
        One for the batches that a candidate was fitted to, zero for others.
    batch_loss_ : ndarray of shape (K, B)
        Mean squared error of each batch by clones of each candidate that have not seen it.
    n_iter_ : int
        Rounds in which clones chose.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows of the batches that the candidate that predicts was not fitted to.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    SubjectiveLearningRegressor : Where each batch follows one of few functions.

    References
    ----------
    A. Das, A. Jain, W. Kong, R. Sen: "Efficient List-Decodable Regression using Batches", ICML,
    2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.training.sources import ListDecodableRegressor
    >>> rng = np.random.RandomState(0)
    >>> X, batch = rng.randn(900, 3), np.arange(900) % 60
    >>> coefs = np.array([[1.0, 2.0, 3.0], [-2.0, 1.0, 0.0], [3.0, -1.0, -2.0]])
    >>> y = (X * coefs[batch % 3]).sum(axis=1) + 0.3 * rng.randn(900)
    >>> trusted = np.isin(np.arange(900), [0, 3, 6, 9])  # whose batches are of the first kind
    >>> model = ListDecodableRegressor(LinearRegression(), random_state=0)
    >>> model.fit(X, y, groups=batch, trusted=trusted).estimator_.coef_.round(1)
    array([1., 2., 3.])
    >>> len(model.estimators_)
    3
    """

    _task = "regression"
    _parameter_constraints: dict = {
        **BaseSources._parameter_constraints,
        "alpha": [Interval(Real, 0, 1, closed="right")],
        "basis": [HasMethods(["fit_transform"]), None],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
    }

    support_: Array
    batch_weight_: FloatArray
    batch_loss_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        alpha: float = 0.3,
        by: str | Callable[..., Any] | None = None,
        basis: FitTransformer | None = None,
        max_iter: int = 3,
        cv: CVLike | None = 3,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.by = by
        self.basis = basis
        self.max_iter = max_iter
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, batches):
        member = np.ones((1, batches.n_batches), dtype=bool)
        row_loss, n_iter = np.zeros((batches.evidence.n_rows, 1)), 1
        if batches.are_rows:
            warn_of_single_rows(type(self).__name__)
        elif batches.folds:
            member = candidates(self._batch_rows(batches), self.alpha)
            member, row_loss, n_iter = self._with_estimator(batches, member)
        loss = batches.mean(row_loss)
        support = np.bincount(loss.argmin(axis=1), minlength=len(member)) / len(loss)
        within = np.where(member, loss.T, 0.0).sum(axis=1) / member.sum(axis=1)
        order = np.lexsort((within, -support))  # of equal support, the one that fits better
        by_trust = best_on_trusted(row_loss[:, order], batches)
        return Sources(
            member[order],
            0 if by_trust is None else by_trust,
            {
                "support_": support[order],
                "batch_weight_": member[order].astype(float),
                "batch_loss_": loss.T[order],
                "n_iter_": n_iter,
            },
        )

    def _batch_rows(self, batches):
        """The rows as uncorrelated numbers in units, and a column of ones."""
        evidence = batches.evidence
        Z = evidence.features(self.estimator)
        if self.basis is not None:
            basis = clone(self.basis)
            if "random_state" in basis.get_params() and basis.random_state is None:
                basis.set_params(random_state=self._seed())
            Z = basis.fit_transform(Z)
        Z = uncorrelated(Z, self._seed())
        y = np.asarray(evidence.target.y, dtype=float)
        y = (y - np.median(y)) / (y.std() or 1.0)
        Z = np.column_stack([np.ones(len(Z)), Z])
        return BatchRows(Z, y, batches.batch, batches.weight)

    def _with_estimator(self, batches, member):
        """The batches of each candidate when clones judge them, losses (n, K) of rows, rounds."""
        least = max(1, int(np.ceil(self.alpha * np.count_nonzero(batches.size))))
        row_loss = batches.losses(member)
        for number in range(self.max_iter):
            new = distinct(chosen_batches(batches.mean(row_loss), member, least))
            if np.array_equal(new, member):
                return member, row_loss, number + 1
            member = new
            row_loss = batches.losses(member)
        return member, row_loss, self.max_iter


def uncorrelated(Z, random_state=None):
    """(n, d) the widest directions of features, of variance one."""
    if issparse(Z) and Z.shape[1] <= WIDEST:
        Z = Z.toarray()
    elif issparse(Z):
        Z = TruncatedSVD(WIDEST, random_state=random_state).fit_transform(Z)
    if not np.ptp(Z, axis=0).any():
        return np.zeros((len(Z), 0))
    Z = PCA(min(WIDEST, *Z.shape), random_state=random_state).fit_transform(Z)
    variance = Z.var(axis=0)
    wide = variance > FLAT * max(variance.max(), FLAT)
    return Z[:, wide] / np.sqrt(variance[wide])


def chosen_batches(loss, member, least):
    """(K, B): the batches that each candidate is fitted to next.

    The `least` many that fit it best, and of the others those that are no outliers among them and
    fit no other candidate better.

    Parameters
    ----------
    loss : ndarray of shape (B, K)
    member : ndarray of shape (K, B) of bool
        The batches until now; they stay where some batch could not be judged.
    least : int
    """
    best = loss.argmin(axis=1)
    new = member.copy()
    for k in np.flatnonzero((loss < NEVER).all(axis=0)):
        order = np.argsort(loss[:, k], kind="stable")
        new[k] = concentrate(loss[:, k], least) & (best == k)
        new[k, order[:least]] = True
    return new


def distinct(member):
    """The candidates without those that have nearly the same batches as an earlier one."""
    kept = []
    for mine in member:
        if not any(are_alike(mine, other) for other in kept):
            kept.append(mine)
    return np.array(kept)
