"""Wrong numbers by residuals in units of what the model cannot know."""

from __future__ import annotations

from math import ceil
from numbers import Integral
from typing import Any, Literal

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Folds, Target, out_of_sample
from sknoisy._evidence._splits import DEFAULT_FOLDS, make_splits
from sknoisy._typing import Array, ArrayLike, Contamination, CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.noise_model._wide_normal import typical_size, wide_normal_posterior
from sknoisy.threshold._base import flag_top


class Veracity(BaseDetector):
    """Wrong numbers by out-of-sample residuals over the uncertainty of the prediction.

    1. The share of wrong numbers is searched: with the share k of rows of the largest residuals
       left out of training, how well is all of y predicted (R²)? First on the grid `rates`, then
       on `n_fine` points on either side of the best. When leaving out nothing is at least as good,
       the share is 0.
    2. The rows are predicted by models trained without that share.
    3. The residual is divided by two uncertainties: the epistemic, how much predictions differ
       between models trained on different halves of the rows, and the aleatoric, how large a
       residual is expected to be by a second model of the same kind, fitted to the residuals.

    With `contamination="own"` the searched share is flagged: the rows with the highest scores,
    which need not be those that were left out.

    Number of fits: `cv * (len(rates) + m + 3) + 2 * n_boot`, where m is `2 * n_fine`, or `n_fine`
    when the best of `rates` is the first or the last of them: 80 or 65 at the defaults. Forests
    are cross-fitted, too, since bags cannot leave rows out.

    Parameters
    ----------
    estimator : estimator object, default=None
        Regressor that makes the predictions. None means the one a treatment wraps; alone, a random
        forest of 200 trees, behind an encoder for a DataFrame. A fast one is advisable.
    uncertainty : {"sum", "geometric"} or None, default="sum"
        What the absolute residual is divided by: the sum of the two uncertainties, the square root
        of their product, or nothing, in which case neither is estimated.
    aleatoric : {"constant", "local"} or None, default="constant"
        "constant": the second model is fitted to the residuals, and the standard deviation of its
        out-of-sample predictions is that of all rows. "local": it is fitted to the squared
        residuals, without the share left out, and the root of its prediction is each row's own.
        None leaves this part out, with `uncertainty="sum"`. A model that only takes positive
        targets needs "local" or None.
    rates : array-like of floats in (0, 0.5], default=(0.01, 0.05, 0.10, 0.15, 0.20)
        Shares of wrong rows to try; the highest is the most that can be found. An empty one means
        no search, and nothing is left out of training: then give `contamination`.
    n_fine : int >= 0, default=3
        Number of further shares to try between the best of `rates` and each neighbour.
    n_boot : int >= 0, default=5
        Number of repeats of two-fold cross-fitting that the epistemic part is estimated from.
        0 leaves this part out, with `uncertainty="sum"`.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions. "own"
        is the searched share. The search is made in any case, since predictions come from models
        without that share.
    cv : int, splitter, iterable or None, default=None
        Folds of the predictions. None means 5. With an integer and without groups, folds are made
        of the rows that are kept, and a row left out is predicted by all models; otherwise rows
        are taken out of the training parts and each is predicted where it is tested.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Absolute residual over its uncertainty, in units of the median of that ratio; NaN for a row
        that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given number is wrong. With "own": that of the wider of two normals
        about zero, one of right and one of wrong numbers, the latter with the share `noise_rate_`;
        0 when that is 0.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The out-of-sample prediction.
    veracity_ : ndarray of shape (n,)
        `exp(-noise_score_)`, from 0 (wrong) to 1 (right).
    noise_rate_ : float
        The searched share of wrong rows, among those that are judged and not trusted.
    r2_ : dict of float to float
        For each share that was tried, in that order, R² on all rows.
    residual_ : ndarray of shape (n,)
        Given minus predicted, in units of y.
    epistemic_, aleatoric_ : ndarray of shape (n,)
        The uncertainties, in units of y; 0 where a part was left out.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Residual : One set of residuals over a robust scale, in 5 fits.

    References
    ----------
    H. Zhou, J. Mueller, M. Kumar, J.-L. Wang, J. Lei: "Detecting errors in a numerical response
    via any regression model", arXiv:2305.16583, 2023.

    Notes
    -----
    The defaults rank and flag as the authors' library, cleanlab 2.9, does. As there, the
    "constant" aleatoric part is a single number, and the epistemic part comes from two-fold
    repeats; in the paper's experiments the former is of each row ("local") and the latter comes
    from subsamples of 80 %. Adapted here: sample weights reach every fit and R²; trusted rows are
    never left out; a floor keeps scores finite where an uncertainty is zero.

    The searched share is a guess, and more often too high than too low: where leaving out rows
    hardly changes the predictions, chance decides between the shares. A linear model on normal
    errors, with nothing wrong in them, often ends between 0.1 and 0.2. `noise_proba_` is more
    cautious than `noise_mask_`, since most rows of such a share are no worse than others; so is
    `Residual`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.detection import Veracity
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.normal(size=200)
    >>> y[[5, 50]] += [10, -20]
    >>> detector = Veracity(LinearRegression(), random_state=0).fit(X, y)
    >>> np.sort(np.argsort(detector.veracity_)[:2]).tolist()
    [5, 50]
    >>> bool(detector.noise_mask_[[5, 50]].all())
    True
    """

    _task = "regression"
    _assumes = "the prediction is better without the wrong rows; errors exceed its uncertainty"
    _auto = "count"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "uncertainty": [StrOptions({"sum", "geometric"}), None],
        "aleatoric": [StrOptions({"constant", "local"}), None],
        "rates": ["array-like"],
        "n_fine": [Interval(Integral, 0, None, closed="left")],
        "n_boot": [Interval(Integral, 0, None, closed="left")],
    }

    veracity_: Array
    noise_rate_: float
    r2_: Any
    residual_: Array
    epistemic_: Array
    aleatoric_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        uncertainty: Literal["sum", "geometric"] | None = "sum",
        aleatoric: Literal["constant", "local"] | None = "constant",
        rates: ArrayLike = (0.01, 0.05, 0.10, 0.15, 0.20),
        n_fine: int = 3,
        n_boot: int = 5,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.uncertainty = uncertainty
        self.aleatoric = aleatoric
        self.rates = rates
        self.n_fine = n_fine
        self.n_boot = n_boot
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ------------------------------------------------------------------ the method

    def _find(self, evidence):
        rates = self._checked_rates()
        draw = check_random_state(self.random_state).randint
        first, final, residuals = draw(2**31 - 1, size=3)
        search = draw(2**31 - 1, size=len(rates) + 2 * self.n_fine)
        halves = draw(2**31 - 1, size=self.n_boot)

        y = evidence.target.y.astype(float)
        predicted = self._predict(evidence, first)
        size = np.abs(y - predicted)
        free = ~np.isnan(size) & ~evidence.trusted  # the rows that may be left out
        order = np.argsort(np.where(free, size, -1.0), kind="stable")
        rate, r2 = self._search(evidence, predicted, order, free.sum(), rates, search)
        keep = order[: len(y) - _count(rate, free.sum())]

        predicted = self._predict(evidence, final, keep=keep)
        residual = y - predicted
        epistemic, aleatoric = np.zeros(len(y)), np.zeros(len(y))
        if self.uncertainty is not None:
            repeats = [self._predict(evidence, seed, cv=2) for seed in halves]
            epistemic = np.std([*repeats, predicted], axis=0)
            aleatoric = self._aleatoric(evidence, residual, keep, residuals)
        score = self._ratio(np.abs(residual), epistemic, aleatoric)

        judged = np.flatnonzero(~np.isnan(score) & ~evidence.trusted)
        noise_proba, mask = np.zeros(len(y)), np.zeros(len(y), dtype=bool)
        if rate > 0:
            noise_proba[judged] = wide_normal_posterior(score[judged], rate=rate)
            mask[judged] = flag_top(score[judged], _count(rate, len(judged)))
        return Finding(
            score=score,
            suggestion=predicted,
            noise_proba=noise_proba,
            mask=mask,
            attributes={
                "veracity_": np.exp(-score),
                "noise_rate_": rate,
                "r2_": r2,
                "residual_": residual,
                "epistemic_": epistemic,
                "aleatoric_": aleatoric,
            },
        )

    def _search(self, evidence, predicted, order, n_free, rates, seeds):
        """The best share, and R² by share; `order` has the most suspect rows last."""
        n = evidence.n_rows
        n_folds = DEFAULT_FOLDS if self.cv is None else self.cv
        n_least = int(n_folds) if isinstance(n_folds, Integral) else 2
        r2 = {0.0: _r2(evidence, predicted)}
        seeds = iter(seeds)

        def best_of(candidates):
            for rate, seed in zip(candidates, seeds, strict=False):
                keep = order[: n - _count(rate, n_free)]
                r2[rate] = -np.inf
                if n_least <= len(keep) < n:
                    r2[rate] = _r2(evidence, self._predict(evidence, seed, keep=keep))
            return max(candidates, key=r2.get)

        if not rates:
            return 0.0, r2
        best = best_of(rates)
        fine = []
        for low, high in zip(rates[:-1], rates[1:], strict=True):
            if best in (low, high):
                fine += np.linspace(low, high, self.n_fine + 1, endpoint=False)[1:].tolist()
        if fine:
            finest = best_of(fine)
            best = finest if r2[finest] >= r2[best] else best
        return (best if r2[best] > r2[0.0] else 0.0), r2

    def _predict(self, evidence, seed, *, keep=None, cv=None):
        """Out-of-sample predictions of all rows by models fitted on rows of `keep` only."""
        target = evidence.target
        keep = np.arange(len(target.y)) if keep is None else keep
        out = np.setdiff1d(np.arange(len(target.y)), keep)
        cv = self.cv if cv is None else cv
        if evidence.together is None and (cv is None or isinstance(cv, Integral)):
            [folds] = make_splits(cv, None, Target(y=target.y[keep]), random_state=seed)
            splits = [(keep[train], np.concatenate([keep[test], out])) for train, test in folds]
        else:
            [folds] = evidence.splits(cv, random_state=seed)
            splits = [(train[~np.isin(train, out)], test) for train, test in folds]
        return out_of_sample(
            self._model(evidence),
            evidence,
            cv=Folds(splits),
            random_state=None if self.random_state is None else int(seed),
            n_jobs=self.n_jobs,
        ).values

    def _aleatoric(self, evidence, residual, keep, seed):
        """Usual size of the residual, by a model of the residuals."""
        if self.aleatoric is None:
            return np.zeros(len(residual))
        judged = ~np.isnan(residual)
        local = self.aleatoric == "local"
        of_residuals = evidence.replaced(
            y=np.where(judged, residual**2 if local else residual, 0.0)
        )
        try:
            expected = self._predict(
                of_residuals, seed, keep=keep[judged[keep]] if local else np.flatnonzero(judged)
            )
        except Exception as error:
            error.add_note(
                f"Veracity was fitting the model to residuals. If it needs positive targets, set "
                f"aleatoric={None if local else 'local'!r}."
            )
            raise
        if local:
            return np.sqrt(np.abs(expected))
        return np.full(len(residual), np.std(expected[judged]) if judged.any() else 0.0)

    def _ratio(self, size, epistemic, aleatoric):
        """Residual over uncertainty, in units of its median."""
        usual = typical_size(size)
        if self.uncertainty is None:
            return size / usual
        if self.uncertainty == "geometric":
            # a factor near zero must not outdo the other: neither is below 1 % of the residuals
            unknown = np.sqrt(np.maximum(epistemic, 0.01 * usual))
            unknown *= np.sqrt(np.maximum(aleatoric, 0.01 * usual))
        else:
            unknown = epistemic + aleatoric + 1e-9 * usual
        ratio = size / unknown
        return ratio / typical_size(ratio)

    def _checked_rates(self):
        rates = np.asarray(self.rates, dtype=float).reshape(-1)
        wrong = rates[~((rates > 0) & (rates <= 0.5))]
        if len(wrong):
            raise ValueError(f"rates must be shares in (0, 0.5], got {wrong[0]}.")
        return np.unique(rates).tolist()

    def _reason(self, row):
        return (
            f"predicted {self.y_suggested_[row]:.6g}: off by {self.residual_[row]:+.4g}, "
            f"{self.noise_score_[row]:.1f} times the usual"
            + ("" if self.uncertainty is None else ", relative to its uncertainty")
        )


def _count(rate, n):
    """Smallest number of rows that is at least the share `rate` of `n`."""
    return ceil(round(rate * n, 9))


def _r2(evidence, predicted):
    """R² on the rows that are judged; -inf where it does not exist."""
    judged = ~np.isnan(predicted)
    weight = evidence.inputs.sample_weight
    if judged.sum() < 2 or (weight is not None and not weight[judged].any()):
        return -np.inf
    weight = None if weight is None else weight[judged]
    return float(r2_score(evidence.target.y[judged], predicted[judged], sample_weight=weight))
