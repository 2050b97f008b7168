"""Wild numbers: so far out that one of them bends every model it is fitted with."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
from scipy.stats import t as student

from sknoisy._evidence._cross_fit import out_of_sample
from sknoisy._evidence._forms import forms_for, kinds_of_numbers

FAR = 5.0  # from the median of y, in standard deviations by the median absolute deviation
OFF = 10.0  # from the prediction, in the same of the residuals
FARTHER_ON = 0.5  # of both, once a wild number is known
EXPLAINED = 0.5  # of the way from the median, below which a bent model explains nothing
CHANCE = 0.01  # that tails of right numbers, in all rows, reach as far as one that is surely wild
HEAVIEST = 3  # degrees of freedom of these tails
MAX_ROUNDS = 10
MAD_TO_SD = 1.4826  # of normal numbers: standard deviation over median absolute deviation


def wild_numbers(y, predicted, *, trusted=None, weight=None, bent=False, share=1.0, off=OFF):
    """(n,) mask of the numbers that are far out of y, and far from what is predicted for them.

    Both by medians, in every form that y can take (itself, and if it is never negative its square
    root and logarithm, in which what is merely skewed is not far out). A number that three rows in
    ten share is not wild, whatever the others are.

    Parameters
    ----------
    y, predicted : ndarray of shape (n,)
        Given numbers and out-of-sample predictions; NaN was not judged and is not wild.
    trusted : ndarray of shape (n,) of bool, optional
        Rows that are right and so not wild.
    weight : ndarray of shape (n,), optional
        Rows of weight 0 bend nothing, and count for nothing.
    bent : bool
        Whether the predictions may be bent by wild numbers themselves. The residuals are then no
        good measure, and it is enough that less than half of a number's distance is explained.
    share : float in (0, 1], default=1
        Of the usual distances, beyond which a number is wild.
    off : float
        Distance from the prediction; see `surely_off`.
    """
    wild = np.zeros(len(y), dtype=bool)
    seen = ~np.isnan(predicted) & (kinds_of_numbers(y) == 0)
    if weight is not None:
        seen &= weight > 0
    rows = np.flatnonzero(seen)
    if len(rows) == 0:
        return wild
    wild[rows] = True
    for form in forms_for(y):
        number = form.function(y[rows])
        away = number - np.median(number)
        residual = number - form.function(np.maximum(predicted[rows], form.lowest))
        residual = residual - np.median(residual)
        spread = _spread(away)
        bound = np.full(len(rows), share * off * max(_spread(residual), 1e-6 * spread))
        if bent:
            bound = np.minimum(bound, EXPLAINED * np.abs(away))
        # numbers of which more than half are the same have no spread, and are none of them far
        wild[rows] &= (np.abs(away) > share * FAR * spread) & (spread > 0)
        wild[rows] &= np.abs(residual) > bound
    if trusted is not None:
        wild &= ~trusted
    return wild


def surely_off(n):
    """Distance, in standard deviations by the median absolute deviation, of no right number.

    Student's t with 3 degrees of freedom has one so far among n by a chance of 1 %.
    """
    unit = MAD_TO_SD * student.ppf(0.75, HEAVIEST)
    return max(OFF, student.isf(CHANCE / (2 * max(n, 1)), HEAVIEST) / unit)


def _spread(values):
    return MAD_TO_SD * np.median(np.abs(values))


def sober_responses(estimator, evidence, **how):
    """`Responses` as `out_of_sample` gives them; of numbers, by models that saw no wild ones.

    Where the first pass leaves a number that may be wild, the folds are fitted again without such
    rows. If these models call one wild, so are all that are half as far out, in rounds until the
    same rows are wild as before, and at most 10. No fit is added where no number is far out. A
    forest that is judged out of bag has 5 folds from the second pass on.
    """
    first = out_of_sample(estimator, evidence, **deepcopy(how))
    if evidence.target.is_labels:
        return first
    y = evidence.target.y.astype(float)
    rule = {"trusted": evidence.trusted, "weight": evidence.inputs.sample_weight}
    wild, n_fits = wild_numbers(y, first.values, bent=True, **rule), first.n_fits
    if not wild.any():
        return first
    done = []
    while len(done) < MAX_ROUNDS and not any(np.array_equal(wild, before) for before in done):
        done.append(wild)
        answer = out_of_sample(estimator, evidence, unseen=wild, **deepcopy(how))
        n_fits += answer.n_fits
        if not wild_numbers(y, answer.values, **rule).any():
            answer = first  # only far from the rest: nothing bends the first pass
            break
        wild = wild_numbers(y, answer.values, share=FARTHER_ON, **rule)
    return replace(answer, n_fits=n_fits)
