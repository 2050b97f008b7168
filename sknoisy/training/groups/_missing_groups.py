"""Weights that make y independent of a group that is known in some rows only."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Evidence, Folds
from sknoisy._evidence._fitting import IsModel, check_takes_weights
from sknoisy._typing import Array, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.detection._base import CV
from sknoisy.training.groups._base import GroupTraining, base_weight
from sknoisy.training.groups._membership import (
    admissible,
    doubly_robust_membership,
    group_shares,
    share_of,
)
from sknoisy.treatment._treated import Treated

MOST_PRODUCTS = 1000  # columns of products of features with y


class _MissingGroupReweighting(GroupTraining):
    """Two models of the groups out of sample, and the weights that they give."""

    _missing = "unknown"
    _parameter_constraints: dict = {
        **GroupTraining._parameter_constraints,
        "group_model": [IsModel(), None],
        "missing_model": [IsModel(), None],
        "method": [StrOptions({"doubly_robust", "inverse_propensity"})],
        "min_propensity": [Interval(Real, 0, 1, closed="neither")],
        "max_weight": [Interval(Real, 1, None, closed="left")],
        "cv": CV,
    }
    _parameter_constraints.pop("by_label")

    def _check_before_training(self, given):
        super()._check_before_training(given)
        check_takes_weights(self.estimator, self.weight_strategy, "groups are weighed")

    def _train_groups(self, evidence, groups):
        base, n_groups = base_weight(evidence), len(groups.names)
        observed, strata = groups.codes >= 0, self._strata(evidence.target)
        proba, propensity = self._nuisance(evidence, groups, observed)
        one_hot = np.where(observed[:, None], np.eye(n_groups)[groups.codes], 0.0)
        if self.method == "inverse_propensity":
            member = one_hot / propensity[:, None]
        else:
            member = doubly_robust_membership(one_hot, observed, proba, propensity)
        share = group_shares(member, strata, base)
        balance = np.minimum(share @ share_of(strata, base) / share.T, self.max_weight)
        balanced = member * balance[strata]
        weight = admissible(balanced.sum(axis=1), strata, base)
        return Treated.of(
            evidence,
            weight=weight,
            attributes={
                "groups_": groups.names,
                "group_proba_": proba,
                "observed_proba_": propensity,
                "group_share_": share,
                "membership_": member,
                "balanced_membership_": balanced,
                "sample_weight_": weight,
            },
        )

    def _nuisance(self, evidence, groups, observed):
        """P(group | x, y) and P(group is known | x, y), by models that have not seen the row."""
        n_groups, n = len(groups.names), evidence.n_rows
        share = groups.sizes(base_weight(evidence)).astype(float)
        proba = np.tile(share / share.sum(), (n, 1))
        propensity = np.full(n, np.average(observed, weights=base_weight(evidence)))
        if n_groups < 2 and observed.all():
            return proba, propensity
        features = beside_y(evidence.features(self.estimator), evidence.target)
        folds = self._folds(evidence, groups)
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}

        def responses(model, codes, unseen=None):
            rows = Evidence(
                features,
                codes,
                task="classification",
                sample_weight=evidence.inputs.sample_weight,
                copies=evidence.copies,
                weight_strategy=self.weight_strategy,
            )
            model = LogisticRegression(max_iter=1000) if model is None else model
            return rows.responses(model, cv=Folds(folds), unseen=unseen, **how).values

        if n_groups > 1:
            codes = np.where(observed, groups.codes, np.argmax(share))
            said = responses(self.group_model, codes, ~observed)
            proba = np.where(np.isfinite(said), np.clip(said, 0.0, 1.0), proba)
        if not observed.all():
            said = responses(self.missing_model, observed.astype(int))[:, 1]
            propensity = np.where(np.isfinite(said), said, propensity)
        return proba, np.clip(propensity, self.min_propensity, 1.0)


class MissingGroupReweightingClassifier(WrappedClassifier, _MissingGroupReweighting):
    """Classifier fitted as if the label had nothing to do with a group, known in some rows only.

    Where a group goes with the label, a model learns to tell the group instead. Weights of
    ``p(z) / p(z | y)`` make the two independent; but the group z of many rows is not known, and
    those in which it is known are not like the others: what holds among them need not hold in
    all. So two models say how likely each group is, and how likely it is that the group of such a
    row is known, both given x and y, out of sample. From them comes the membership of each row in
    each group: of a known row its group divided by how likely it was to be known, minus what the
    first model would have said, plus that of any row. Sums over such rows are right when either of
    the models is (doubly robust), if whether a group is known depends on x and y alone.

    The paper learns a representation with a penalty: the discrepancy (MMD) between what a network
    makes of the groups under these weights. Here the weights themselves are what any model is
    fitted with; they may be negative for a row whose group comes as a surprise, and are then zero,
    while those of the same class are scaled to the same sum. The discrepancy is
    :func:`~sknoisy.metrics.group_mmd`, by which to choose among fitted models:
    ``group_mmd(predictions of the rows, model.balanced_membership_)``.

    Number of fits: 1, plus `cv` (5) of each of the two models of the groups.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any that takes weights (see `weight_strategy`).
    by : str, callable or None, default=None
        What tells the group of each row where `fit` gets no `groups`: a column of X, or
        ``callable(X) -> (n,)``. None, NaN and NA mean that it is not known. The model sees the
        column as well, unless a step before it drops it.
    group_model : classifier or None, default=None
        Tells the group. It sees the features as numbers (those of a Pipeline behind its first
        steps), the label, and products of both. None means `LogisticRegression`.
    missing_model : classifier or None, default=None
        Tells whether the group is known, from the same columns. None means `LogisticRegression`.
    method : {"doubly_robust", "inverse_propensity"}, default="doubly_robust"
        The second does without the first model: only rows of a known group have a weight.
    min_propensity : float in (0, 1), default=0.02
        No row counts as less likely to be known.
    max_weight : float >= 1, default=20.0
        Bound of ``p(z) / p(z | y)``.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds of the two models. A number makes folds with their share of each group and class.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that the models leave at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted with the weights.
    classes_ : ndarray of shape (K,)
    groups_ : ndarray of shape (R,)
        Names of the groups.
    group_proba_ : ndarray of shape (n, R)
        P(group | x, y) of the first model.
    observed_proba_ : ndarray of shape (n,)
        P(group is known | x, y) of the second.
    membership_ : ndarray of shape (n, R)
        In each group; of sum one in each row (`method="doubly_robust"`), and possibly negative.
    balanced_membership_ : ndarray of shape (n, R)
        The same times ``p(z) / p(z | y)``: for sums over rows in which y has nothing to do with z.
    group_share_ : ndarray of shape (R, K)
        P(group | class).
    sample_weight_ : ndarray of shape (n,)
        The computed weights, of mean one in each class. `sample_weight` given to `fit` comes on
        top.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: no row is taken to be wrong.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    MissingGroupReweightingRegressor : For numbers.
    sknoisy.metrics.group_mmd : What is left of the groups in the predictions.

    References
    ----------
    M. Goldstein, J.-H. Jacobsen, O. Chau, A. Saporta, A. Puli, R. Ranganath, A. C. Miller:
    "Learning Invariant Representations with Missing Data", CLeaR, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.datasets import make_spurious
    >>> from sknoisy.training.groups import MissingGroupReweightingClassifier
    >>> X, y, groups = make_spurious(2000, minority=0.1, random_state=0)
    >>> z = np.array(["left", "right"], dtype=object)[groups % 2]
    >>> z[np.random.RandomState(0).rand(2000) < 0.5] = None
    >>> model = MissingGroupReweightingClassifier(LogisticRegression(), random_state=0)
    >>> weight = model.fit(X, y, groups=z).sample_weight_
    >>> spurious = X[:, 1]
    >>> def difference(weight):
    ...     one, two = (np.average(spurious[y == k], weights=weight[y == k]) for k in (1, 0))
    ...     return one - two
    >>> bool(abs(difference(weight)) < 0.2 * abs(difference(np.ones(2000))))
    True
    """

    _task = "classification"

    group_proba_: FloatArray
    observed_proba_: FloatArray
    membership_: Array
    balanced_membership_: Array
    group_share_: FloatArray
    sample_weight_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        by: str | Callable[..., Any] | None = None,
        group_model: Estimator | None = None,
        missing_model: Estimator | None = None,
        method: Literal["doubly_robust", "inverse_propensity"] = "doubly_robust",
        min_propensity: float = 0.02,
        max_weight: float = 20.0,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.by = by
        self.group_model = group_model
        self.missing_model = missing_model
        self.method = method
        self.min_propensity = min_propensity
        self.max_weight = max_weight
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _strata(self, target):
        return target.codes


class MissingGroupReweightingRegressor(WrappedRegressor, _MissingGroupReweighting):
    """Regressor fitted as if y had nothing to do with a group, known in some rows only.

    As `MissingGroupReweightingClassifier`, with ranges of y between quantiles for classes.

    Number of fits: 1, plus `cv` (5) of each of the two models of the groups.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any that takes weights (see `weight_strategy`).
    by : str, callable or None, default=None
        What tells the group of each row where `fit` gets no `groups`: a column of X, or
        ``callable(X) -> (n,)``. None, NaN and NA mean that it is not known. The model sees the
        column as well, unless a step before it drops it.
    n_bins : int >= 1, default=10
        Ranges of y, with as many rows each.
    group_model : classifier or None, default=None
        Tells the group. It sees the features as numbers (those of a Pipeline behind its first
        steps), the number, and products of both. None means `LogisticRegression`.
    missing_model : classifier or None, default=None
        Tells whether the group is known, from the same columns. None means `LogisticRegression`.
    method : {"doubly_robust", "inverse_propensity"}, default="doubly_robust"
        The second does without the first model: only rows of a known group have a weight.
    min_propensity : float in (0, 1), default=0.02
        No row counts as less likely to be known.
    max_weight : float >= 1, default=20.0
        Bound of ``p(z) / p(z | y)``.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds of the two models. A number makes folds with their share of each group.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that the models leave at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted with the weights.
    groups_ : ndarray of shape (R,)
        Names of the groups.
    group_proba_ : ndarray of shape (n, R)
        P(group | x, y) of the first model.
    observed_proba_ : ndarray of shape (n,)
        P(group is known | x, y) of the second.
    membership_ : ndarray of shape (n, R)
        In each group; of sum one in each row (`method="doubly_robust"`), and possibly negative.
    balanced_membership_ : ndarray of shape (n, R)
        The same times ``p(z) / p(z | y)``: for sums over rows in which y has nothing to do with z.
    group_share_ : ndarray of shape (R, B)
        P(group | range of y).
    sample_weight_ : ndarray of shape (n,)
        The computed weights, of mean one in each range. `sample_weight` given to `fit` comes on
        top.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: no row is taken to be wrong.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    References
    ----------
    M. Goldstein, J.-H. Jacobsen, O. Chau, A. Saporta, A. Puli, R. Ranganath, A. C. Miller:
    "Learning Invariant Representations with Missing Data", CLeaR, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy.training.groups import MissingGroupReweightingRegressor
    >>> rng = np.random.RandomState(0)
    >>> y = rng.normal(size=1500)
    >>> z = (rng.rand(1500) < 1 / (1 + np.exp(-2 * y))).astype(float)  # goes with y
    >>> X = np.column_stack([y + rng.normal(size=1500), z + 0.3 * rng.normal(size=1500)])
    >>> z[rng.rand(1500) < 0.4] = np.nan
    >>> model = MissingGroupReweightingRegressor(Ridge(), random_state=0).fit(X, y, groups=z)
    >>> plain = Ridge().fit(X, y)
    >>> bool(abs(model.estimator_.coef_[1]) < 0.3 * abs(plain.coef_[1]))
    True
    """

    _task = "regression"
    _parameter_constraints: dict = {
        **_MissingGroupReweighting._parameter_constraints,
        "n_bins": [Interval(Integral, 1, None, closed="left")],
    }

    group_proba_: FloatArray
    observed_proba_: FloatArray
    membership_: Array
    balanced_membership_: Array
    group_share_: FloatArray
    sample_weight_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        by: str | Callable[..., Any] | None = None,
        n_bins: int = 10,
        group_model: Estimator | None = None,
        missing_model: Estimator | None = None,
        method: Literal["doubly_robust", "inverse_propensity"] = "doubly_robust",
        min_propensity: float = 0.02,
        max_weight: float = 20.0,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.by = by
        self.n_bins = n_bins
        self.group_model = group_model
        self.missing_model = missing_model
        self.method = method
        self.min_propensity = min_propensity
        self.max_weight = max_weight
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _strata(self, target):
        edges = np.quantile(target.y, np.linspace(0, 1, self.n_bins + 1)[1:-1])
        return np.unique(np.searchsorted(edges, target.y), return_inverse=True)[1].ravel()


def beside_y(features, target):
    """Columns of the features, of y, and of their products."""
    if target.is_labels:
        columns = np.eye(len(target.classes))[target.codes][:, 1:]
    else:
        columns = ((target.y - target.y.mean()) / (target.y.std() or 1.0))[:, None]
    parts = [features, columns]
    if features.shape[1] * columns.shape[1] <= MOST_PRODUCTS:
        multiply = features.multiply if sparse.issparse(features) else features.__mul__
        parts += [multiply(column[:, None]) for column in columns.T]
    return sparse.hstack(parts).tocsr() if sparse.issparse(features) else np.hstack(parts)
