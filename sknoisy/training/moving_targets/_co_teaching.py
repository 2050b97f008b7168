"""The loop of co-teaching: each peer is fitted to the rows that the other one has chosen."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sknoisy._typing import CVLike, Estimator, RandomStateLike, SettableTransformer
from sknoisy.detection._base import CV
from sknoisy.threshold import NoiseCount
from sknoisy.training._base import BaseTraining
from sknoisy.training._means import mean_of
from sknoisy.training.moving_targets._rounds import Rounds
from sknoisy.training.moving_targets._truncation import draw_shares, truncated
from sknoisy.treatment._treated import Treated, fit_treated

KEPT = 5  # rows of each class at least, for the class must not vanish
MOST = 0.5  # of the rows are wrong at most, where nobody says how many


class _Peer:
    """One of the two: its folds, its model, and what it says of rows that it has not seen."""

    def __init__(self, owner, evidence, seed):
        self.owner, self.evidence, self.seed = owner, evidence, seed
        self._folds = Rounds(evidence, owner.cv, random_state=seed, n_jobs=owner.n_jobs)

    def use(self, share):
        """See this share of the features from now on."""
        params, owner = self.evidence.inputs.fit_params, self.owner
        self.share = share
        self.model, params = truncated(owner.estimator, share, owner.compress, owner._task, params)
        self.rows = self.evidence.replaced(fit_params=params)
        self.rounds = self._folds.with_params(params)

    def judge(self, targets, kept):
        return self.rounds.answer(self.model, targets, kept)

    def last_fit(self, kept):
        """The model, fitted to the rows that are left."""
        rows = None if kept.all() else np.flatnonzero(kept)
        treated = Treated.of(self.evidence, rows, noise_mask=~kept)
        return fit_treated(
            self.model,
            self.rows,
            treated,
            weight_strategy=self.owner.weight_strategy,
            purpose="to the rows that its peer has chosen",
            random_state=self.seed,
        )


class CoTeaching(BaseTraining):
    """Base class: a subclass says what losses are."""

    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "noise_rate": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
        "compress": [
            StrOptions({"importance", "pca"}),
            HasMethods(["fit", "transform", "set_params"]),
            None,
        ],
        "n_draws": [Interval(Integral, 0, None, closed="left")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "n_gradual": [Interval(Integral, 1, None, closed="left")],
        "cv": CV,
    }

    def __init__(
        self,
        estimator: Estimator,
        *,
        noise_rate: Literal["auto"] | float = "auto",
        compress: Literal["importance", "pca"] | SettableTransformer | None = "importance",
        n_draws: int = 4,
        n_rounds: int = 5,
        n_gradual: int = 3,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.noise_rate = noise_rate
        self.compress = compress
        self.n_draws = n_draws
        self.n_rounds = n_rounds
        self.n_gradual = n_gradual
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _train(self, evidence):
        seed = self._seed()
        rng = check_random_state(seed)
        seeds = [None if seed is None else (seed + i) % (2**31 - 1) for i in (0, 1)]
        peers = [_Peer(self, evidence, own) for own in seeds]
        said = [self._chosen_share(peer, rng, evidence) for peer in peers]
        rate = self._rate(np.mean(said, axis=0), evidence)
        kept, said, curve = self._teach(peers, said, rate, evidence)
        models = [peer.last_fit(rows) for peer, rows in zip(peers, kept, strict=True)]
        return Treated(
            rows=None,
            y=evidence.target.y,
            sample_weight=None,
            noise_mask=~(kept[0] | kept[1]),
            model=mean_of(models, evidence.target),
            attributes={
                "estimators_": models,
                "kept_": np.column_stack(kept),
                "feature_shares_": np.array([peer.share for peer in peers]),
                "noise_rate_": float(rate),
                "loss_curve_": np.array(curve),
                "n_iter_": len(curve),
                **self._trace(np.mean(said, axis=0)),
            },
        )

    def _teach(self, peers, said, rate, evidence):
        """(rows of each peer, what both say in the last round, losses of these rows)."""
        targets, curve = self._targets(evidence), []
        for number in range(1, self.n_rounds + 1):
            losses = [self._loss(answer, evidence) for answer in said[::-1]]  # those of the peer
            keep = 1.0 - rate * min(number / self.n_gradual, 1.0)
            kept = [small_losses(loss, keep, evidence) for loss in losses]
            curve.append([_mean_of(*pair) for pair in zip(losses, kept, strict=True)])
            if rate == 0 or number == self.n_rounds:
                return kept, said, curve
            said = [peer.judge(targets, rows) for peer, rows in zip(peers, kept, strict=True)]

    def _chosen_share(self, peer, rng, evidence):
        """What a peer says at the share of features with which it is right most; it keeps that.

        It must be right more often, or closer, than with all by a standard error.
        """
        shares = [1.0] if self.compress is None else draw_shares(self.n_draws, rng)
        targets, best, least = self._targets(evidence), None, np.inf
        for share in shares:
            peer.use(share)
            answer = peer.judge(targets, None)
            misses = self._misses(answer, evidence)
            seen = np.isfinite(misses)
            if best is None:
                best, all_misses = (share, answer), misses
            elif seen.any():
                more = (misses - all_misses)[seen & np.isfinite(all_misses)]
                error = more.std() / np.sqrt(max(len(more), 1))
                if more.mean() < min(-error, least):
                    best, least = (share, answer), more.mean()
        peer.use(best[0])
        return best[1]

    def _rate(self, said, evidence):
        if self.noise_rate != "auto":
            return self.noise_rate
        judged = np.isfinite(said if said.ndim == 1 else said.sum(axis=1))
        if not judged.any():
            return 0.0
        loss = self._loss(said, evidence)
        count = NoiseCount().fit(loss, evidence.target.y, predicted=said, trusted=evidence.trusted)
        return min(count.noise_rate_, MOST)

    def _trace(self, said):
        return {}


def small_losses(loss, keep, evidence):
    """(n,) mask of the rows of the smallest losses, whose weights are the share `keep` of all.

    Rows without a loss are kept, trusted ones are, and `KEPT` of each class.
    """
    weight, n = evidence.inputs.sample_weight, evidence.n_rows
    weight = np.ones(n) if weight is None else weight
    judged = np.isfinite(loss)
    order = np.flatnonzero(judged)[np.argsort(loss[judged], kind="stable")]
    below = np.cumsum(weight[order])
    kept = ~judged | evidence.trusted
    if len(order):
        kept[order[below <= keep * below[-1] * (1 + 1e-9)]] = True
    codes = evidence.target.codes if evidence.target.is_labels else np.zeros(n, dtype=int)
    weighty = order[weight[order] > 0]
    for k in np.unique(codes):
        kept[weighty[codes[weighty] == k][:KEPT]] = True
    return kept


def _mean_of(loss, rows):
    seen = rows & np.isfinite(loss)
    return loss[seen].mean() if seen.any() else np.nan
