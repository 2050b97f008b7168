"""Scaled errors as a mixture of two normals about zero, of right and of wrong numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import laplace, norm, spearmanr, t

from sknoisy._evidence.numbers._forms import forms_for, kinds_of_numbers
from sknoisy._evidence.numbers._wild import MAD_TO_SD, surely_off, wild_numbers

GOES_WITH = 0.25  # rank correlation of size and prediction, from which the scale is a local one
MIN_LOCAL = 100
LEAN = 0.15  # of the middle half of residuals, from which each side has a scale
STARTS = (0.05, 0.2, 0.4)  # shares of wrong numbers from which the mixture is sought


def typical_size(size):
    """Median of absolute values; where that is zero the mean, and 1 where all are zero."""
    size = size[~np.isnan(size)]
    if len(size) == 0:
        return 1.0
    typical = np.median(size)
    if typical <= 1e-12 * size.max():
        typical = size.mean()
    return typical if typical > 0 else 1.0


def judge_residuals(residual, y, *, trusted=None, weight=None):
    """(size, scale, P(wrong)) of residuals: over their usual size, that, and by the mixture.

    - Each of `kinds_of_numbers` has a median and a usual size of its own. Rows that share a number
      are not judged by how far it is from the prediction: where many are 0, nobody can foretell
      which.
    - Numbers that are never negative are judged by their square roots or logarithms, where one law
      explains these better: what is skewed is not wrong. The scale is then what the residual in
      units of y is its size times.
    - Where the size of the residuals goes with the prediction, it is that of the nearest ones.
    - Where the middle half of the residuals leans to one side, each side is judged by itself.
    - What is surely off (see `surely_off`) is wrong, if it is also far out of y, and for the
      mixture no further off than that, lest a few such numbers say how wide it is.

    NaN stays, with P(wrong) 0.
    """
    kinds = kinds_of_numbers(y)
    kinds[np.isnan(residual)] = -1
    size, scale = np.full(len(y), np.nan), np.full(len(y), np.nan)
    proba = np.zeros(len(y))
    limit = surely_off((kinds == 0).sum())
    wild = wild_numbers(y, y - residual, trusted=trusted, weight=weight, off=limit)
    for kind in np.unique(kinds[kinds >= 0]):
        rows = np.flatnonzero(kinds == kind)
        predicted = y[rows] - residual[rows]
        form = best_form(y[rows], predicted) if kind == 0 else forms_for(y[rows])[0]
        argument = np.maximum(predicted, form.lowest)
        slope = np.exp(form.log_slope(argument))
        away = form.function(y[rows]) - form.function(argument)
        away -= np.median(away)
        unit = np.ones(len(rows))
        if len(rows) >= MIN_LOCAL:
            if abs(np.nan_to_num(spearmanr(np.abs(away), predicted)[0])) > GOES_WITH:
                unit = local_scale(np.abs(away), predicted, min(100, len(rows) // 4))
        sides = [away > 0, away <= 0] if leans(away) else [np.ones(len(away), dtype=bool)]
        for side in sides:
            part = rows[side]
            ratio = np.abs(away[side]) / unit[side]
            usual = MAD_TO_SD * typical_size(ratio) * unit[side]
            size[part] = np.abs(away[side]) / usual
            scale[part] = usual / slope[side]
            if kind == 0:
                proba[part] = wide_normal_posterior(np.where(wild[part], limit, size[part]))
    proba[wild] = 1.0
    return size, scale, proba


def best_form(y, predicted):
    """The form of y in which one law, of tails no heavier than usual, explains it best.

    Another form than y itself must be worth log(n) and 0.005 n of log likelihood.
    """
    forms, likely = forms_for(y), []
    for form in forms:
        away = form.function(y) - form.function(np.maximum(predicted, form.lowest))
        away = away - np.median(away)
        spread = scale_of_t(away, 3)
        if not spread > 0:
            return forms[0]
        likely.append(t.logpdf(away, 3, 0, spread).sum() + form.log_slope(y).sum())
    likely[0] += price_of_two(len(y))
    return forms[int(np.argmax(likely))]


def price_of_two(n):
    """Log likelihood that two parameters more must be worth.

    log(n) by theory, and 0.005 n, since no real errors follow a law exactly.
    """
    return np.log(n) + 0.005 * n


def leans(away):
    """Whether the quartiles are unlike far from the median, by more than chance (Bowley)."""
    low, middle, high = np.quantile(away, [0.25, 0.5, 0.75])
    if not high > low:
        return False
    lean = abs(high + low - 2 * middle) / (high - low)
    return bool(lean > max(LEAN, 4.0 / np.sqrt(len(away))))


def wide_normal_posterior(score, *, rate=None, max_iter=500, tol=1e-6):
    """P(wrong) for absolute scaled errors: that of the wider of two normals about zero.

    Parameters
    ----------
    score : ndarray of shape (n,)
        Absolute errors in comparable units; NaN was not judged.
    rate : float in (0, 1], default=None
        Share of the wider normal. None means that it is estimated, and that the answer is 0 for
        all rows when one law with tails no heavier than those of Student's t with 3 degrees of
        freedom explains the scores nearly as well, or the spreads are within a factor of 2.
    max_iter : int, default=500
        Most rounds of expectation-maximisation.
    tol : float, default=1e-6
        Stop when no probability changes by more.

    Returns
    -------
    ndarray of shape (n,)
        Rises with the score; 0 for a row that was not judged.
    """
    judged, proba = ~np.isnan(score), np.zeros(len(score))
    proba[judged] = _mixture_of_two(score[judged], rate, max_iter, tol)
    return proba


def wide_normal_law(score, count):
    """(share, narrow, wide) of the two normals, of scores each of which `count` rows have.

    None when one law explains them nearly as well, as in `wide_normal_posterior`.
    """
    if count.sum() < 10:
        return None
    fits = [_expectation_maximisation(score, start, None, 500, 1e-6, count) for start in STARTS]
    laws = [law for _, law in filter(None, fits)]
    if not laws:
        return None
    law = max(laws, key=lambda law: _log_likelihood(score, *law, count))
    return law if _worth_it(score, *law, count) else None


def posterior_by_law(score, share, narrow, wide):
    """P(wrong) of absolute scaled errors, by two normals of which the wider has that share."""
    log_ratio = norm.logpdf(score, 0, wide) - norm.logpdf(score, 0, narrow)
    return expit(log_ratio + logit(share))


def _mixture_of_two(score, rate, max_iter, tol):
    """`wide_normal_posterior` where all rows were judged."""
    n = len(score)
    if n < 10 and rate is None:
        return np.zeros(n)
    if rate is not None and np.ceil(round(rate * n, 9)) >= n:
        return np.full(n, rate)
    starts = STARTS if rate is None else (rate,)
    fits = [_expectation_maximisation(score, s, rate, max_iter, tol) for s in starts]
    fits = [fit for fit in fits if fit is not None]
    if not fits:  # they cannot be told apart
        return np.full(n, 0.0 if rate is None else rate)
    proba, law = max(fits, key=lambda fit: _log_likelihood(score, *fit[1]))
    if rate is None and not _worth_it(score, *law):
        return np.zeros(n)
    return proba


def _expectation_maximisation(score, start, rate, max_iter, tol, count=None):
    """(posterior of the wider one, (share, narrow, wide)), or None where the two become one.

    With `count`, each score is that of so many rows.
    """
    narrow, wide = _first_guess(score, start, count)
    share, proba = start, np.full(len(score), start)
    for _ in range(max_iter):
        if not narrow * (1 + 1e-6) < wide:
            return None
        narrow = max(narrow, 1e-6 * wide)
        old, proba = proba, posterior_by_law(score, share, narrow, wide)
        if np.abs(proba - old).max() < tol:
            break
        if rate is None:
            share = np.clip(_mean(proba, count), 1e-6, 0.5)
        of_wide, of_narrow = proba, 1 - proba
        if count is not None:
            of_wide, of_narrow = count * proba, count * (1 - proba)
        wide = np.sqrt(of_wide @ score**2 / (of_wide.sum() + 1e-12))
        narrow = np.sqrt(of_narrow @ score**2 / (of_narrow.sum() + 1e-12))
    return proba, (share, max(narrow, 1e-12 * wide), wide)


def _first_guess(score, start, count):
    """Spreads of the least scores and of the largest ones, of which there is a share `start`."""
    square = np.sort(score) ** 2
    n = len(score) if count is None else count.sum()
    n_wide = max(1, int(np.ceil(round(start * n, 9))))
    if count is None:
        return np.sqrt([square[:-n_wide].mean(), square[-n_wide:].mean()])
    count = count[np.argsort(score)]
    of_narrow = np.clip(n - n_wide - (np.cumsum(count) - count), 0, count)
    of_wide = count - of_narrow
    return np.sqrt([of_narrow @ square / of_narrow.sum(), of_wide @ square / of_wide.sum()])


def _mean(values, count):
    return values.mean() if count is None else count @ values / count.sum()


def _sum(values, count):
    return values.sum() if count is None else count @ values


def _log_likelihood(score, share, narrow, wide, count=None):
    each = np.logaddexp(
        np.log(share) + norm.logpdf(score, 0, wide),
        np.log1p(-share) + norm.logpdf(score, 0, narrow),
    )
    return _sum(each, count)


def _worth_it(score, share, narrow, wide, count=None):
    """Whether two normals explain the scores clearly better than any one law of right numbers.

    Right numbers may have heavy tails, so the rivals are a normal, a Laplace, and Student's t with
    3 degrees of freedom or more.
    """
    two = _log_likelihood(score, share, narrow, wide, count)
    rivals = [
        norm.logpdf(score, 0, np.sqrt(_mean(score**2, count))),
        laplace.logpdf(score, 0, _mean(score, count)),
        *(t.logpdf(score, df, 0, scale_of_t(score, df, count)) for df in (3, 5, 10)),
    ]
    n = len(score) if count is None else count.sum()
    best = max(_sum(each, count) for each in rivals)
    return two - best > price_of_two(n) and wide >= 2 * narrow


def scale_of_t(score, df, count=None, n_iter=30):
    square = score**2
    var = _mean(square, count)
    if var == 0:
        return 0.0
    for _ in range(n_iter):  # expectation-maximisation: t is a normal of random spread
        var = _mean((df + 1) / (df + square / var) * square, count)
    return np.sqrt(var)


def local_scale(size, position, n_local):
    """Running robust scale of `size` over the `n_local` nearest rows by `position`."""
    order = np.argsort(position, kind="stable")
    medians = pd.Series(size[order]).rolling(n_local, center=True).median().bfill().ffill()
    scale = np.empty(len(size))
    scale[order] = MAD_TO_SD * medians
    # where most local residuals are (nearly) zero, a small one is no reason for suspicion
    return np.maximum(scale, 0.1 * MAD_TO_SD * typical_size(size))
