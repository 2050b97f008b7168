"""Transition matrices of regions or groups, drawn towards the one of all rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sknoisy._evidence._fitting import seeded_clone
from sknoisy._evidence._regions import read_regions
from sknoisy._typing import Array, Clusterer, Estimator, FloatArray, IntArray, RandomStateLike
from sknoisy.exceptions import NothingKnownWarning
from sknoisy.noise_model._anchor_transition import AnchorTransition
from sknoisy.noise_model._annotator_transition import AnnotatorTransition
from sknoisy.noise_model._transition import (
    BaseTransition,
    counted_rows,
    true_frequency,
    weights,
)


class RegionTransition(BaseTransition):
    """One transition matrix for each region or group of rows, and one for all.

    Labels of one source, one kind of patient or one corner of the features may be wrong in another
    way than the rest. Here any estimator of a matrix is asked about all rows, and about those of
    each region. What it says of a region is drawn towards what it says of all, for each class as
    far as differences between the regions are no more than chance; a region of which nothing is
    known has the matrix of all. `TransitionClassifier` corrects each row by the matrix of its
    region.

    Number of fits: those of the estimator of the matrix, once; regions share its predictions.

    Parameters
    ----------
    transition : estimator object, default=None
        Estimator of `sknoisy.noise_model` that reads one label a row. None means
        `AnchorTransition()`.
    by : str, callable or clusterer object, default=None
        What regions are: a column of X, if that is a DataFrame; a function of X that gives a label
        to each row; or a clusterer of the features as numbers (see the features of detectors).
        None means `KMeans(4)`.
    shrinkage : "auto" or float >= 0, default="auto"
        Rows of all regions that a class is taken to have in each region besides its own. "auto":
        as many as make the mean squared error least, by how much the regions differ and by the
        standard errors (empirical Bayes).
    random_state : int, RandomState instance or None, default=None
        Seeds the clusterer and `transition`, where they have no seed.

    Attributes
    ----------
    transition_ : ndarray of shape (K, K)
        The matrix of all rows.
    transitions_ : ndarray of shape (R, K, K)
        The matrix of each region.
    regions_ : ndarray of shape (R,)
        Names of the regions, in the order in which they come.
    region_ : ndarray of shape (n,) of int
        Which region a row is of.
    own_share_ : ndarray of shape (R, K)
        How much of each row of a matrix is the region's own: 0 if it is that of all.
    transition_error_ : ndarray of shape (K, K)
        Standard errors of the matrix of all rows.
    class_prior_ : ndarray of shape (K,)
        Frequencies of the true classes.
    class_priors_ : ndarray of shape (R, K)
        The same in each region.
    noise_rate_ : float
        Share of wrong labels.
    classes_ : ndarray of shape (K,)
        All classes of y.
    n_features_in_, feature_names_in_
        Of X, where it has such things.

    See Also
    --------
    sknoisy.training.correction.TransitionClassifier : Trains with the matrices.

    References
    ----------
    B. Efron, C. Morris: "Data analysis using Stein's estimator and its generalizations", Journal of
    the American Statistical Association, 1975 (the share of a region's own; here for the rows of a
    matrix, by the mean over the entries).

    Examples
    --------
    Two hospitals, of which one takes four in ten of the ill for healthy:

    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.noise_model import RegionTransition
    >>> X, y = make_blobs(2000, centers=[[0, 0], [5, 0]], random_state=0)
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame(X, columns=["a", "b"]).assign(hospital=rng.integers(0, 2, 2000))
    >>> missed = (table["hospital"] == 1) & (y == 1) & (rng.random(2000) < 0.4)
    >>> found = RegionTransition(by="hospital", random_state=0).fit(table, np.where(missed, 0, y))
    >>> of_first, of_second = found.transitions_[np.argsort(found.regions_)]
    >>> bool(of_first[1, 0] < 0.1 < 0.3 < of_second[1, 0])
    True
    """

    _parameter_constraints: dict = {
        "transition": [HasMethods(["fit"]), None],
        "by": [str, callable, HasMethods(["fit_predict"]), None],
        "shrinkage": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    transitions_: FloatArray
    regions_: Array
    region_: IntArray
    own_share_: FloatArray
    class_priors_: Array
    n_features_in_: int
    feature_names_in_: Array

    def __init__(
        self,
        transition: Estimator | None = None,
        *,
        by: str | Callable[..., Any] | Clusterer | None = None,
        shrinkage: Literal["auto"] | float = "auto",
        random_state: RandomStateLike = None,
    ) -> None:
        self.transition = transition
        self.by = by
        self.shrinkage = shrinkage
        self.random_state = random_state

    @property
    def estimator(self) -> Any:
        """The model that makes the evidence, if the estimator of the matrix has one of its own."""
        return getattr(self.transition, "estimator", None)

    def _base(self):
        return AnchorTransition() if self.transition is None else self.transition

    def _with_estimator(self, estimator):
        base = self._base()
        if not isinstance(base, BaseTransition):
            return clone(self)
        return clone(self).set_params(transition=base._with_estimator(estimator))

    def _estimate(self, evidence):
        base = clone(self._base())
        if not isinstance(base, BaseTransition) or isinstance(
            base, RegionTransition | AnnotatorTransition
        ):
            raise TypeError(
                "transition must be an estimator of sknoisy.noise_model that reads one label a "
                f"row, got {type(base).__name__}."
            )
        # one seed for all, so that the regions ask what has been answered already
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = int(check_random_state(seed).randint(2**31 - 1))
        params = base.get_params(deep=False)
        if "random_state" in params and params["random_state"] is None:
            base.set_params(random_state=seed)
        base._validate_params()
        region, names = self._regions(evidence, seed)
        whole = base._estimate(evidence)
        frequency = self._given_frequency(evidence)
        prior = whole.class_prior
        prior = true_frequency(whole.transition, frequency) if prior is None else prior
        found, error, n_rows = [], [], []
        for r in range(len(names)):
            part = PartOfRows(evidence, region == r)
            one = _estimate_if_known(base, part)
            found.append(whole.transition if one is None else one.transition)
            size = weights(evidence)[counted_rows(part)].sum()
            given = self._given_frequency(part)
            n_rows.append(size * true_frequency(found[-1], given))
            error.append(
                np.full(len(prior), np.inf) if one is None else _row_error(one, n_rows[-1])
            )
        found, error, n_rows = np.array(found), np.array(error), np.array(n_rows)
        if self.shrinkage == "auto":
            share = own_share(found, error, whole.transition, n_rows)
        else:
            total = n_rows + self.shrinkage
            share = np.divide(n_rows, total, out=np.zeros_like(n_rows), where=total > 0)
            share = np.where(np.isfinite(error), share, 0.0)
        mixed = share[:, :, None] * found + (1.0 - share[:, :, None]) * whole.transition
        priors = [
            true_frequency(mixed[r], self._given_frequency(PartOfRows(evidence, region == r)))
            for r in range(len(names))
        ]
        whole.class_prior = prior
        whole.attributes |= {
            "transitions_": mixed,
            "regions_": names,
            "region_": region,
            "own_share_": share,
            "class_priors_": np.array(priors),
        }
        return whole

    def _regions(self, evidence, seed):
        """((n,) number of the region of each row, their names)."""
        by = self.by
        if by is None or hasattr(by, "fit_predict"):
            clusterer = KMeans(4, n_init=10) if by is None else by
            Z = evidence.features(getattr(self._base(), "estimator", None))
            if by is None:
                distinct = np.unique(Z.toarray() if issparse(Z) else Z, axis=0)
                clusterer.set_params(n_clusters=min(4, len(distinct)))
            by = seeded_clone(clusterer, seed).fit_predict(Z)
        return read_regions(by, evidence.inputs.X)


class PartOfRows:
    """Evidence of all rows, of which only some are counted."""

    def __init__(self, evidence, counted):
        self._evidence, self.counted = evidence, counted

    def __getattr__(self, name):
        return getattr(self._evidence, name)


def _estimate_if_known(base, part):
    """What the method says of a part of the rows, or None if that is nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", NothingKnownWarning)
        try:
            return base._estimate(part)
        except (NothingKnownWarning, ValueError):
            return None


def _row_error(found, n_rows):
    """(K,) squared standard error of each row of a matrix; of shares, where it is not known."""
    if found is None:
        return np.full(len(n_rows), np.inf)
    T = found.transition
    counted = (T * (1.0 - T)).sum(axis=1) / np.maximum(n_rows, 1e-300)
    known = (found.error**2).sum(axis=1)
    error = np.where(np.isnan(known), counted, known)
    for name in ("n_anchors_", "n_trusted_"):
        if name in found.attributes:  # a class that nothing was learnt of
            error = np.where(found.attributes[name] == 0, np.inf, error)
    return error


# ---------------------------------------------------------------------- the paper


def own_share(found, error, whole, n_rows):
    """(R, K) how much of each row of each matrix is its own, by empirical Bayes.

    Parameters
    ----------
    found : ndarray of shape (R, K, K)
        What was found in each region.
    error : ndarray of shape (R, K)
        Squared standard errors of the rows; infinite where nothing is known.
    whole : ndarray of shape (K, K)
    n_rows : ndarray of shape (R, K)
        Rows of each region and true class, by which regions are averaged.

    Returns
    -------
    ndarray of shape (R, K)
    """
    known = np.isfinite(error)
    noise = np.where(known, error, 0.0)
    excess = ((found - whole) ** 2).sum(axis=2) - noise
    weight = np.where(known, n_rows, 0.0)
    total = weight.sum(axis=0)
    between = np.divide(
        (weight * excess).sum(axis=0), total, out=np.zeros_like(total), where=total > 0
    )
    between = np.maximum(between, 0.0)
    both = between + noise
    return np.where(known, np.divide(between, both, out=np.zeros_like(both), where=both > 0), 0.0)
