"""Numbers between those of near rows, as far as it helps."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.utils._param_validation import Interval

from sknoisy._evidence import Folds
from sknoisy._evidence._fitting import take_params
from sknoisy._typing import Array, CVLike, Estimator, FloatArray, IntArray, RandomStateLike
from sknoisy._wrapper import WrappedRegressor
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining
from sknoisy.training.mixing._mix_rows import mix_rows
from sknoisy.training.mixing._mixup import trace
from sknoisy.training.mixing._pairs import Pairs, beta_shares, mixed_numbers
from sknoisy.treatment._treated import Treated

EVIDENT = 2.0  # standard errors by which one way to mix must be better than another


class NeighborMixRegressor(WrappedRegressor, BaseTraining):
    """Regressor that mixes each row with near rows only, as many of them as held-out rows favour.

    A mixed row lies between a row and one of its k nearest, and so does its number; mixed rows are
    fitted beside the given ones. Where numbers run straight, neighbours may be many and far, and
    errors average out; where they bend, few or none are right. So each row has its own k:

    1. for every entry of `n_neighbors`, and for none, the model is fitted with all rows mixed in
       this way, fold by fold, and judged by the squared error of rows that it has not seen;
    2. a row takes the k that gains most at the `n_judges` rows nearest to it, if the mean gain is
       above its standard error, else none;
    3. these choices as a whole are judged in the same way. They are taken, or the best k for all
       where that is evidently better, if this gains evidently on the plain model: by more than two
       standard errors of the difference. Else no row is mixed.

    The paper learns the k of each row by reinforcement: a policy is rewarded by the loss on
    a validation set after training with its choices, again and again. Here all choices are tried on
    all rows at once, and a row is told the result around it: mixtures of near rows change a model
    near them. For a model that is not local, such as a linear one, this is a coarse guide.

    Number of fits: `cv` (5) for each entry of `n_neighbors` and twice more, plus 1.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; weights are needed only where `sample_weight` is given.
    n_neighbors : list of int >= 1, default=(4, 16, 64)
        From how many nearest rows a partner may be drawn; no mixing is always tried, too. Distances
        are those of the wrapped Pipeline's own steps, or of the columns in comparable units; copies
        of a row are none of its neighbours.
    alpha : float > 0, default=2.0
        Shares are drawn from Beta(alpha, alpha): near 0 or 1 for small values, near one half for
        large ones.
    n_mixed : int >= 1, default=4
        Mixtures of each row that is mixed at all.
    n_judges : int >= 2, default=100
        Rows around a row by which its k is chosen; trusted ones only, where there are any.
    swap_columns : list of str or int, default=None
        Names or places of columns that are to be swapped, not mixed, such as codes of categories;
        see `MixupRegressor` for what is mixed and what is not.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the model judges rows that it has not seen.
    weight_strategy : {"native", "resample"}, default="native"
        How a given `sample_weight` reaches the model: as such (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Draws pairs and folds, and seeds every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to the given and the mixed rows.
    n_neighbors_ : ndarray of shape (n,) of int
        From how many neighbours each row's partners were drawn; 0 for one that is not mixed.
    held_out_error_ : dict
        Mean squared error out of sample with each k for all rows, and with "own" choices.
    pairs_ : ndarray of shape (m, 2) of int
        The two rows of which each fitted row was made; twice the same for one that is as it came.
    share_ : ndarray of shape (m,)
        Of the first of them, at least one half.
    noise_mask_ : ndarray of shape (n,) of bool
        No row is suspected: all False.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    MixupRegressor : Mixes rows however far they are.

    References
    ----------
    S.-H. Hwang, S. E. Whang: "RegMix: Data Mixing Augmentation for Regression", arXiv:2106.03374,
    2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from sknoisy.training.mixing import NeighborMixRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = rng.uniform(size=(300, 1))
    >>> y = 3 * X[:, 0] + rng.normal(scale=0.5, size=300)
    >>> tree = DecisionTreeRegressor(min_samples_leaf=2)
    >>> model = NeighborMixRegressor(tree, random_state=0).fit(X, y)
    >>> error = model.held_out_error_
    >>> error[64] < error[0]
    True
    """

    _task = "regression"
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "n_neighbors": [list, tuple, np.ndarray],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "n_mixed": [Interval(Integral, 1, None, closed="left")],
        "n_judges": [Interval(Integral, 2, None, closed="left")],
        "swap_columns": [list, tuple, np.ndarray, None],
        "cv": CV,
    }

    n_neighbors_: IntArray
    held_out_error_: Any
    pairs_: IntArray
    share_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        n_neighbors: Sequence[int] | Array = (4, 16, 64),
        alpha: float = 2.0,
        n_mixed: int = 4,
        n_judges: int = 100,
        swap_columns: Sequence[str | int] | Array | None = None,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_neighbors = n_neighbors
        self.alpha = alpha
        self.n_mixed = n_mixed
        self.n_judges = n_judges
        self.swap_columns = swap_columns
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_before_training(self, **own):
        odd = [k for k in self.n_neighbors if not isinstance(k, (int, np.integer)) or k < 1]
        if odd or not len(self.n_neighbors):
            raise ValueError(
                f"n_neighbors must be a list of integers of 1 or more, got {self.n_neighbors!r}."
            )

    def _train(self, evidence):
        n = evidence.n_rows
        menu = np.unique(np.minimum(self.n_neighbors, max(n - 1, 1)))
        none = np.zeros(n, dtype=int)
        reach, errors = none, {}
        rows = None
        if n > 2:
            rows = _MixedRows(self, evidence, menu[-1])
            reach, errors = self._learned_reach(rows, menu, evidence)
        pairs = Pairs(*[np.empty(0, dtype=int)] * 2, np.empty(0))
        if reach.any():
            pairs = rows.pairs(reach)
        pairs = pairs.after(np.arange(n))
        mixed = reach.any()
        given = evidence.inputs.sample_weight
        return Treated(
            rows=pairs.first if mixed else None,
            y=mixed_numbers(pairs, evidence.target.y) if mixed else evidence.target.y,
            sample_weight=given if given is None or not mixed else given[pairs.first],
            noise_mask=np.zeros(n, dtype=bool),
            attributes={"n_neighbors_": reach, "held_out_error_": errors, **trace(pairs)},
            X=rows.mixed(pairs) if mixed else None,
        )

    def _learned_reach(self, rows, menu, evidence):
        """((n,) k of each row, mean held-out error of each choice)."""
        given = evidence.inputs.sample_weight
        judges = np.flatnonzero(evidence.trusted)
        judges = judges if len(judges) > 1 else np.arange(evidence.n_rows)
        weight = np.ones(len(judges)) if given is None else given[judges]
        choices = {int(k): np.full(evidence.n_rows, k) for k in (0, *menu)}
        losses = {k: rows.held_out(reach)[judges] for k, reach in choices.items()}
        near = rows.nearest(judges, self.n_judges)
        gains = np.column_stack([losses[0] - losses[int(k)] for k in menu])
        best, evident = best_gain(gains[near], weight[near])
        choices["own"] = np.where(evident, menu[best], 0)
        losses["own"] = rows.held_out(choices["own"])[judges]
        errors = {name: _weighted_mean(loss, weight) for name, loss in losses.items()}
        if not np.isfinite(errors[0]):  # nobody could be judged
            return choices[0], errors
        chosen, one_for_all = "own", min(menu.tolist(), key=errors.get)
        if _is_better(losses[one_for_all], losses["own"], weight):
            chosen = one_for_all
        if not _is_better(losses[chosen], losses[0], weight):
            chosen = 0
        return choices[chosen], errors


def _is_better(losses, other, weight):
    """Whether the mean of losses is lower by more than two standard errors of the difference."""
    return best_gain((other - losses)[None, :, None], weight[None], EVIDENT)[1][0]


class _MixedRows:
    """Rows, their neighbours, and what models make of them that were fitted to mixed ones."""

    def __init__(self, owner, evidence, n_neighbors):
        self.owner, self.evidence = owner, evidence
        n, seed = evidence.n_rows, owner._seed()
        rng = np.random.RandomState(seed)
        self.features = evidence.features(owner.estimator)
        near = evidence.neighbors(owner.estimator, n_neighbors=n_neighbors, n_jobs=owner.n_jobs)
        self.near = near.indices
        [self.folds] = evidence.splits(owner.cv, random_state=seed)
        self.first = np.tile(np.arange(n), owner.n_mixed)
        self.share = beta_shares(owner.alpha, len(self.first), rng)
        self.rank = rng.uniform(size=len(self.first))  # the same draws for each k
        self.cells = rng.randint(2**31 - 1)
        self.seed = seed

    def pairs(self, reach):
        """`Pairs` of each row with some of its `reach` (n,) nearest."""
        k = np.minimum(reach, self.near.shape[1])[self.first]
        at = np.minimum((self.rank * k).astype(int), np.maximum(k - 1, 0))
        kept = k > 0
        return Pairs(self.first, self.near[self.first, at], self.share).part(kept)

    def mixed(self, pairs):
        owner, X = self.owner, self.evidence.inputs.X
        how = {"swap_columns": owner.swap_columns, "random_state": self.cells}
        return mix_rows(X, pairs.first, pairs.second, pairs.share, **how)

    def held_out(self, reach):
        """(n,) squared errors by models that saw neither the row nor a mixture of it."""
        n, inputs = self.evidence.n_rows, self.evidence.inputs
        pairs = self.pairs(reach).after(np.arange(n))
        folds = []
        for train, test in self.folds:
            known = np.zeros(n, dtype=bool)
            known[train] = True
            folds.append((np.flatnonzero(known[pairs.first] & known[pairs.second]), test))
        given = inputs.sample_weight
        rows = self.evidence.replaced(
            X=self.mixed(pairs),
            y=mixed_numbers(pairs, inputs.y),
            sample_weight=None if given is None else given[pairs.first],
            fit_params=take_params(inputs.fit_params, pairs.first, n),
            groups=None,
            trusted=None,
            copies=None,
        )
        how = {"random_state": self.seed, "n_jobs": self.owner.n_jobs}
        said = rows.responses(self.owner.estimator, cv=Folds(folds), **how).values[:n]
        return (inputs.y - said) ** 2

    def nearest(self, judges, n_judges):
        """(n, k) positions in `judges` of those nearest to each row."""
        index = NearestNeighbors(n_neighbors=min(n_judges, len(judges)), n_jobs=self.owner.n_jobs)
        return index.fit(self.features[judges]).kneighbors(self.features, return_distance=False)


def best_gain(gains, weight, n_errors=1.0):
    """Which choice gains most, and whether its mean gain is above its standard error.

    Parameters
    ----------
    gains : ndarray of shape (n, k, q)
        Of q choices at k judges of each of n rows; NaN where a judge could not be judged.
    weight : ndarray of shape (n, k)
        Of the judges.
    n_errors : float, default=1.0
        How many standard errors it must be above.

    Returns
    -------
    best : ndarray of shape (n,) of int
    evident : ndarray of shape (n,) of bool
    """
    w = np.where(np.isfinite(gains).all(axis=2), weight, 0.0)[:, :, None]
    gains = np.where(w > 0, gains, 0.0)
    total = np.maximum(w.sum(axis=1), np.finfo(float).tiny)
    mean = (w * gains).sum(axis=1) / total
    error = np.sqrt((w**2 * (gains - mean[:, None]) ** 2).sum(axis=1)) / total
    best = mean.argmax(axis=1)
    rows = np.arange(len(best))
    return best, mean[rows, best] > n_errors * error[rows, best]


def _weighted_mean(loss, weight):
    judged = np.isfinite(loss)
    if not weight[judged].any():
        return np.nan
    return float(np.average(loss[judged], weights=weight[judged]))
