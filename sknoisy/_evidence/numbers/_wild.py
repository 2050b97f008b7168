"""Wild numbers: so far out that one of them bends every model it is fitted with."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
from scipy.stats import t as student

from sknoisy._evidence._cross_fit import out_of_sample
from sknoisy._evidence.numbers._forms import forms_for, kinds_of_numbers

FAR = 5.0  # from the median of y, in standard deviations by the median absolute deviation
OFF = 10.0  # from the prediction, in the same of the residuals
FARTHER_ON = 0.5  # of both, once a wild number is known
EXPLAINED = 0.5  # of the way from the median, below which a bent model explains nothing
WORSE = 1.2  # residuals over the spread of y, from which predictions are worse than a constant
BETTER = 0.5  # residuals without wild numbers over those with them, from which these bend
CHANCE = 0.01  # that tails of right numbers, in all rows, reach as far as one that is surely wild
HEAVIEST = 3  # degrees of freedom of these tails
MAX_ROUNDS = 10
MAD_TO_SD = 1.4826  # of normal numbers: standard deviation over median absolute deviation


def wild_numbers(y, predicted, *, trusted=None, weight=None, share=1.0, off=OFF):
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
    share : float in (0, 1], default=1
        Of the usual distances, beyond which a number is wild.
    off : float
        Distance from the prediction; see `surely_off`.
    """
    wild = np.zeros(len(y), dtype=bool)
    rows = _judged(y, predicted, weight)
    if len(rows) == 0:
        return wild
    wild[rows] = True
    for form in forms_for(y):
        away, residual = _in_form(form, y[rows], predicted[rows])
        spread = _spread(away)
        # predictions that are worse than the median of y are no measure of what is usual
        usual = max(min(_spread(residual), spread), 1e-6 * spread)
        # numbers of which more than half are the same have no spread, and are none of them far
        wild[rows] &= (np.abs(away) > share * FAR * spread) & (spread > 0)
        wild[rows] &= np.abs(residual) > share * off * usual
    return wild if trusted is None else wild & ~trusted


def _judged(y, predicted, weight):
    seen = ~np.isnan(predicted) & (kinds_of_numbers(y) == 0)
    return np.flatnonzero(seen if weight is None else seen & (weight > 0))


def _in_form(form, y, predicted):
    """How far numbers are from their median, and residuals from theirs."""
    number = form.function(y)
    residual = number - form.function(np.maximum(predicted, form.lowest))
    return number - np.median(number), residual - np.median(residual)


def _may_bend(y, predicted, trusted, weight):
    """Numbers far out that predictions do not explain, where these may be bent by them.

    Bent predictions are no measure of the residuals. So a number need not be far from its own, if
    less than half of its distance from the median is explained; nor be far out in all forms, if
    predictions are worse than a constant.
    """
    far = np.zeros(len(y), dtype=bool)
    rows = _judged(y, predicted, weight)
    if len(rows) == 0:
        return far
    each = []
    for form in forms_for(y):
        away, residual = _in_form(form, y[rows], predicted[rows])
        spread = _spread(away)
        is_far = (np.abs(away) > FAR * spread) & (spread > 0)
        each.append((is_far, is_far & (np.abs(residual) > EXPLAINED * np.abs(away))))
        if len(each) == 1 and _spread(residual) > WORSE * spread and each[0][1].any():
            break
    if np.all([unexplained for _, unexplained in each], axis=0).any():
        far[rows] = np.all([is_far for is_far, _ in each], axis=0)
    return far & ~trusted


def _usual_residual(y, predicted, weight):
    rows = _judged(y, predicted, weight)
    return _spread(_in_form(forms_for(y)[0], y[rows], predicted[rows])[1]) if len(rows) else 0.0


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
    rows. If these models call one wild, or have half of the usual residual, so are all that are
    half as far out, in rounds, at most 10, as long as the usual residual becomes smaller. No fit is
    added where no number is far out. A forest that is judged out of bag has 5 folds from the second
    pass on.
    """
    first = evidence.responses(estimator, **deepcopy(how))
    if evidence.target.is_labels:
        return first
    y = evidence.target.y.astype(float)
    trusted, weight = evidence.trusted, evidence.inputs.sample_weight
    wild = _may_bend(y, first.values, trusted, weight)
    if not wild.any():
        return first
    known = {"trusted": trusted, "weight": weight}
    best, usual, n_fits = first, _usual_residual(y, first.values, weight), first.n_fits
    for i in range(MAX_ROUNDS):
        answer = out_of_sample(estimator, evidence, unseen=wild, **deepcopy(how))
        n_fits += answer.n_fits
        before, now = usual, _usual_residual(y, answer.values, weight)
        if i == 0 and not (now < BETTER * before or wild_numbers(y, answer.values, **known).any()):
            break  # far from the rest, and bends nothing
        if i > 0 and not now < before:
            break
        best, usual, left_out = answer, now, wild
        wild = wild_numbers(y, answer.values, share=FARTHER_ON, **known)
        if np.array_equal(wild, left_out):
            break
    return replace(best, n_fits=n_fits)
