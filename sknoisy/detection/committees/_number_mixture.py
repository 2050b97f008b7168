"""Right or wrong? A mixture of one clean law and several ways in which a number can be wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from sknoisy._evidence.numbers._forms import forms_for
from sknoisy._evidence.numbers._wild import MAD_TO_SD, surely_off, wild_numbers
from sknoisy.noise_model._wide_normal import price_of_two

ANOTHER_ROWS, TEN_TIMES, TENTH, TOO_LOW, TOO_HIGH = KINDS = (
    "like another row's value",
    "ten times too large, like a misplaced decimal point",
    "ten times too small, like a misplaced decimal point",
    "too low",
    "too high",
)
LEAST_DF = (
    3.0  # tails of numbers that are right are no heavier; without it noise would pass as tail
)
SIZES = (1.0, 2.0, 4.0)  # of errors of any size, in standard deviations of y
ONE_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0)  # of errors that all have about one size
# Share of rows with one and the same value, beyond which noise is never proven.
MOST_COMMON = 0.2
PRICE_OF_ONE_SIZE = 10.0  # log likelihood that errors of one size must be worth


@dataclass
class Verdict:
    """What the mixture says.

    Attributes
    ----------
    proba : ndarray of shape (n,)
        P(wrong), if there is noise at all; 0 in trusted rows.
    log_odds : ndarray of shape (n,)
        Of being wrong, trusted or not.
    kind : ndarray of shape (n,) of int
        Likeliest way of being wrong: position in `KINDS`.
    gain : float
        Log likelihood above that of the best explanation without noise.
    price : float
        What the gain must exceed for the noise to be proven.
    wild : ndarray of shape (n,) of bool
        Numbers that no clean law could have made; wrong, whatever the gain.
    """

    proba: np.ndarray
    log_odds: np.ndarray
    kind: np.ndarray
    gain: float
    price: float
    wild: np.ndarray


def judge_numbers(y, predicted, scale, trusted, weight=None):
    """`Verdict` on given numbers, from out-of-sample predictions and the usual size of errors.

    Wild numbers (see `surely_off`) are wrong, and for all else no further off than those need be:
    left as they are, a clean law with heavy tails would explain them better than any error of some
    size.

    The clean law is one of y, or of its square root or logarithm where these explain the data
    better without any noise: what is skewed is not wrong. Then expectation maximisation; the best
    of two starts and two dictionaries, with and without errors of one size, is kept.
    """
    n, limit = len(y), surely_off(len(y))
    wild = wild_numbers(y, predicted, trusted=trusted, weight=weight, off=limit)
    wild &= np.abs(y - predicted) > limit * scale  # where all errors are large, large is not wild
    y = np.where(wild, pulled_to(y, predicted, limit), y)
    price = price_of_two(n)
    forms = forms_for(y)
    views = [View(form, y, predicted, scale) for form in forms]
    # in another form the errors may well be all of one size
    views += [View(form, y, predicted, scale, constant=True) for form in forms[1:]]
    plain = np.array([log_lik_without_noise(view.z) + view.log_slope for view in views])
    bonus = np.where(np.arange(len(views)) == 0, price, 0.0)  # another form must be worth it
    view = views[int(np.argmax(plain + bonus))]
    runs = [
        _maximise(view, trusted, start, one_size)
        for start in (0.05, 0.3)
        for one_size in (False, True)
    ]
    _, log_lik, verdict = max(runs, key=lambda run: run[0])
    verdict.gain = log_lik + view.log_slope + np.log(view.scale).sum() - plain.max()
    # a law with a density says nothing of values that are often exactly the same
    verdict.price = np.inf if commonest_share(y) > MOST_COMMON else price
    verdict.wild, verdict.proba[wild] = wild, 1.0
    return verdict


def pulled_to(y, predicted, limit):
    """Numbers no further from their prediction than `limit` times the usual residual."""
    residual = y - predicted
    bound = limit * MAD_TO_SD * np.median(np.abs(residual - np.median(residual)))
    return predicted + np.clip(residual, -bound, bound)


def commonest_share(y):
    """Share of the rows that have the commonest value."""
    return np.unique(y, return_counts=True)[1].max() / len(y)


# --------------------------------------------------------------------------- the form of y


class View:
    """The numbers, their predictions and scales in one form of y."""

    def __init__(self, form, y, predicted, scale, constant=False):
        self.function, self.log_slope_at, lowest = form
        self.given = y
        predicted = np.maximum(predicted, lowest)
        self.y, self.predicted = self.function(y), self.function(predicted)
        self.scale = scale * np.exp(self.log_slope_at(predicted))
        if constant:
            usual = MAD_TO_SD * np.median(np.abs(self.y - self.predicted))
            self.scale = np.full(len(y), usual or np.median(self.scale))
        self.z = (self.y - self.predicted) / self.scale
        # log likelihoods in this form become ones of y by this
        self.log_slope = self.log_slope_at(y).sum() - np.log(self.scale).sum()

    def log_misplaced(self, factor, law):
        """Log density, in this form, of numbers that are `factor` times the right ones."""
        right = self.given / factor
        z = (self.function(right) - self.predicted) / self.scale
        slope = self.log_slope_at(right) - self.log_slope_at(self.given) - np.log(factor)
        return log_clean(z, law) - np.log(self.scale) + slope


# --------------------------------------------------------------------------- the clean law


def log_clean(z, law):
    """Two-piece Student t; law: location, log scale left and right, log(df - 1.5)."""
    location, left, right, df = law[0], np.exp(law[1]), np.exp(law[2]), 1.5 + np.exp(law[3])
    u = z - location
    u = np.where(u < 0, u / left, u / right)
    const = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * np.log(df * np.pi)
    return np.log(2 / (left + right)) + const - 0.5 * (df + 1) * np.log1p(u * u / df)


def log_prior(law):
    """Weak pull, per row: no shift, no skew, df 5.5."""
    skew, tail = law[1] - law[2], law[3] - np.log(4.0)
    return -0.02 * skew**2 - 0.02 * tail**2 - 0.05 * law[0] ** 2


def fit_clean(z, weight, law):
    """Most probable law of rows that count by `weight`, searched from `law`."""

    def loss(law):
        return -(weight @ log_clean(z, law)) / weight.sum() - log_prior(law)

    options = {"maxiter": 60, "xatol": 1e-2, "fatol": 1e-5}
    law = optimize.minimize(loss, law, method="Nelder-Mead", options=options).x
    law[3] = np.clip(law[3], np.log(0.3), np.log(30))
    return law


def log_lik_without_noise(z):
    """Highest log likelihood of a clean law alone, with at least `LEAST_DF` degrees of freedom."""
    least, most = np.log(LEAST_DF - 1.5), np.log(1e3)  # beyond, it is normal, and gamma overflows

    def loss(law):
        return -log_clean(z, [*law[:3], np.clip(law[3], least, most)]).sum()

    starts = ([0.0, 0.0, 0.0, df] for df in (least, 2.0))
    options = {"maxiter": 300}
    return -min(
        optimize.minimize(loss, start, method="Nelder-Mead", options=options).fun
        for start in starts
    )


# --------------------------------------------------------------------------- the ways to be wrong


def ways_to_be_wrong(view, law, weight, one_size):
    """Log densities (n, k) of the given numbers, each wrong in one way; the kinds of the ways."""
    y, predicted, scale = view.y, view.predicted, view.scale
    spread = MAD_TO_SD * np.median(np.abs(y - np.median(y)))
    spread = max(spread, 1.5 * np.median(scale))
    ways = [(KINDS.index(ANOTHER_ROWS), _log_density(y, y[weight >= min(0.5, np.median(weight))]))]
    for kind, factor in ((TEN_TIMES, 10.0), (TENTH, 0.1)):
        ways.append((KINDS.index(kind), view.log_misplaced(factor, law)))
    residual = y - predicted
    low, high = (np.where(side, 0.0, -np.inf) for side in (residual < 0, residual >= 0))

    def both_ways(log_size):
        ways.append((KINDS.index(TOO_LOW), log_size + low))
        ways.append((KINDS.index(TOO_HIGH), log_size + high))

    for size in SIZES:  # half normals
        width = np.maximum(size * spread, 2 * scale)
        both_ways(np.log(2) + stats.norm.logpdf(residual, scale=width))
    if one_size:  # log normals
        log_size = np.log(np.maximum(np.abs(residual), 1e-3 * scale))
        for size in ONE_SIZES:
            centre = np.log(np.maximum(size * spread, 3 * scale))
            both_ways(stats.norm.logpdf(log_size, centre, 0.45) - log_size)
    return np.column_stack([density for _, density in ways]), np.array([kind for kind, _ in ways])


def _log_density(y, clean):
    """Kernel estimate of the density of `clean`, by 200 of its quantiles, at `y`."""
    centres = np.quantile(clean, (np.arange(200) + 0.5) / 200)
    spread = MAD_TO_SD * np.median(np.abs(clean - np.median(clean))) or clean.std() or 1.0
    width = 1.06 * spread * len(clean) ** -0.2
    grid = np.linspace(centres[0] - 3 * width, centres[-1] + 3 * width, 1000)
    log_grid = special.logsumexp(-0.5 * ((grid[:, None] - centres) / width) ** 2, axis=1)
    outside = np.maximum(np.maximum(grid[0] - y, y - grid[-1]), 0.0) / width
    return (
        np.interp(y, grid, log_grid)
        - 3 * outside
        - outside**2 / 2
        - np.log(200 * width * np.sqrt(2 * np.pi))
    )


# --------------------------------------------------------------------------- the mixture


def _maximise(view, trusted, start, one_size, *, max_iter=20, tol=2e-3):
    """(penalised log likelihood, log likelihood, `Verdict`) of one run."""
    z, n = view.z, len(view.z)
    right = np.where(trusted, 1.0, 1 - np.clip((np.abs(z) - 2.5) / 3, 0.01, 0.95))
    law, share = np.array([0.0, 0.0, 0.0, np.log(4.0)]), None
    for _ in range(max_iter):
        law = fit_clean(z, right, law)
        wrong, kinds = ways_to_be_wrong(view, law, right, one_size)
        density = np.column_stack([log_clean(z, law) - np.log(view.scale), wrong])
        if share is None:
            share = np.r_[1 - start, np.full(len(kinds), start / len(kinds))]
        for _ in range(3):
            parts = density + np.log(share)
            belongs = np.exp(parts - special.logsumexp(parts, axis=1, keepdims=True))
            belongs[trusted] = np.eye(1, len(share))
            total = belongs[~trusted].sum(axis=0)
            total[1:] = np.maximum(total[1:] - 1.0, 1e-6)  # a way must own more than one row
            total[0] = max(total[0], total[1:].sum())  # no more than half of the rows are wrong
            share = total / total.sum()
        before, right = right, belongs[:, 0]
        if np.abs(before - right).max() < tol:
            break
    parts = density + np.log(share)
    log_wrong = special.logsumexp(parts[:, 1:], axis=1)
    log_lik = np.where(trusted, density[:, 0], np.logaddexp(parts[:, 0], log_wrong)).sum()
    n_ways = (share[1:] * n > 1).sum()
    score = log_lik - 0.5 * np.log(n) * n_ways - PRICE_OF_ONE_SIZE * one_size
    by_kind = [special.logsumexp(parts[:, 1:][:, kinds == k], axis=1) for k in range(len(KINDS))]
    verdict = Verdict(
        proba=1 - right,
        log_odds=np.clip(log_wrong - parts[:, 0], -500, 500),
        kind=np.argmax(by_kind, axis=0),
        gain=np.nan,
        price=np.nan,
        wild=np.zeros(n, dtype=bool),
    )
    return score + n * log_prior(law), log_lik, verdict
