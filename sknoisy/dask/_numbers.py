"""By what wrong numbers of collections are told; the steps are those of `judge_residuals`.

A part is as in `_sober`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.stats import spearmanr, t

from sknoisy._evidence.numbers._wild import MAD_TO_SD, surely_off
from sknoisy.dask._base import samples
from sknoisy.dask._order import medians, quantiles, summed, tallies
from sknoisy.dask._partitions import task, together
from sknoisy.dask._sober import forms_of, residual_in, wild_rows
from sknoisy.noise_model._wide_normal import (
    GOES_WITH,
    LEAN,
    MIN_LOCAL,
    posterior_by_law,
    price_of_two,
    scale_of_t,
    wide_normal_law,
)

N_LEVELS = 50  # of the prediction, each of which has a usual residual of its own


@dataclass(frozen=True)
class Kind:
    """By what the rows of one kind are judged.

    Attributes
    ----------
    code : int
    form : int
        Of `forms_for` of the free rows.
    center : float
        Median of the residuals in this form.
    levels : tuple of two ndarray, or None
        Predictions, and the usual residual there.
    leans : bool
        Whether each side has a usual size of its own.
    usual : tuple of float
        As a standard deviation: of both sides, or of residuals above and below.
    laws : tuple
        (share, narrow, wide) of each side; None where no row is wrong.
    """

    code: int
    form: int
    center: float
    levels: tuple | None = None
    leans: bool = False
    usual: tuple = (1.0,)
    laws: tuple = (None,)

    def away(self, part, facts):
        """(rows, residuals in its form from their median, their unit)."""
        rows, away = _of_kind(part, facts, self.code, self.form)
        unit = np.ones(len(rows))
        if self.levels is not None:
            unit = np.interp(part[0][rows], *self.levels)
        return rows, away - self.center, unit

    def side(self, away):
        """Number of the side that each row is on."""
        return (away <= 0).astype(int) if self.leans else np.zeros(len(away), dtype=int)


def _of_kind(part, facts, code, form):
    predicted, y = part[:2]
    kinds = facts.kinds(y)
    kinds[np.isnan(predicted)] = -1
    rows = np.flatnonzero(kinds == code)
    form = forms_of(facts.free_ends)[form]
    return rows, residual_in(form, y[rows], predicted[rows])


def judge_kinds(parts, facts, spread):
    """(list of Kind, limit beyond which nothing is right, spread): how rows are to be judged."""
    n_kinds = len(facts.atoms) + 1
    [sizes] = summed(parts, _n_of_kinds, facts, n_kinds)
    limit = surely_off(sizes[0])
    found = []
    for code in np.flatnonzero(sizes):
        forms = range(len(forms_of(facts.free_ends))) if code == 0 else [0]
        asked = [(int(code), i) for i in forms]
        centers = medians(parts, partial(_residuals, facts), asked)
        form = _best_form(parts, facts, centers, sizes[0]) if code == 0 else 0
        kind = Kind(int(code), form, float(centers[form]))
        found.append(_usual(parts, facts, kind, sizes[code], (limit, spread)))
    return found, limit, spread


def _n_of_kinds(part, facts, n_kinds):
    return [np.bincount(facts.kinds(part[1])[~np.isnan(part[0])], minlength=n_kinds)]


def _residuals(facts, part, query):
    return _of_kind(part, facts, *query)[1]


def _best_form(parts, facts, centers, n):
    """As `best_form`, from counts of distances that agree to one part in 8192."""
    forms = range(len(centers))
    found = tallies(parts, partial(_from_center, facts, centers), forms)
    [slopes] = summed(parts, _log_slopes, facts)
    likely = []
    for (away, count), slope in zip(found, slopes, strict=True):
        spread = scale_of_t(away, 3, count)
        if not spread > 0:
            return 0
        likely.append(count @ t.logpdf(away, 3, 0, spread) + slope)
    likely[0] += price_of_two(n)
    return int(np.argmax(likely))


def _from_center(facts, centers, part, form):
    return np.abs(_of_kind(part, facts, 0, form)[1] - centers[form])


def _log_slopes(part, facts):
    y = part[1][_of_kind(part, facts, 0, 0)[0]]
    return [np.array([form.log_slope(y).sum() for form in forms_of(facts.free_ends)])]


def _usual(parts, facts, kind, n, known):
    """The kind, with its unit, its sides and their laws."""
    if n >= MIN_LOCAL:
        size, predicted = samples([task(_size_and_place)(p, facts, kind) for p in parts])
        if abs(np.nan_to_num(spearmanr(size, predicted)[0])) > GOES_WITH:
            kind = _with(kind, levels=_levels(parts, facts, kind, n))
    [[low, middle, high]] = quantiles(parts, partial(_signed, facts), [kind], [0.25, 0.5, 0.75])
    if high > low:
        lean = abs(high + low - 2 * middle) / (high - low)
        kind = _with(kind, leans=bool(lean > max(LEAN, 4.0 / np.sqrt(n))))
    sides = [(kind, side) for side in range(2 if kind.leans else 1)]
    usual = MAD_TO_SD * _typical(parts, partial(_ratio, facts), sides)
    kind, laws = _with(kind, usual=tuple(usual)), [None] * len(sides)
    if kind.code == 0:
        limit, spread = known
        scores = partial(_limited, facts, limit, spread)
        asked = [(kind, side) for side in range(len(sides))]
        laws = [wide_normal_law(*found) for found in tallies(parts, scores, asked)]
    return _with(kind, laws=tuple(laws))


def _with(kind, **changed):
    return Kind(**{**vars(kind), **changed})


def _size_and_place(part, facts, kind):
    rows, away, _ = kind.away(part, facts)
    return np.abs(away), part[0][rows]


def _levels(parts, facts, kind, n):
    """(predictions, usual residual there) at levels of the prediction that have as many rows."""
    n_levels = int(min(N_LEVELS, max(2, n // MIN_LOCAL)))
    shares = np.arange(1, n_levels) / n_levels
    places = partial(_places, facts)
    [bounds] = quantiles(parts, places, [(kind, None, None)], shares)
    bounds = np.r_[-np.inf, np.unique(bounds), np.inf]
    bins = [(kind, a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    middle = medians(parts, places, bins)
    size = MAD_TO_SD * medians(parts, partial(_sizes_within, facts), bins)
    filled = ~np.isnan(middle)
    [typical] = _typical(parts, partial(_sizes_within, facts), [(kind, -np.inf, np.inf)])
    return middle[filled], np.maximum(size[filled], 0.1 * MAD_TO_SD * typical)


def _places(facts, part, query):
    kind, above, to = query
    predicted = part[0][kind.away(part, facts)[0]]
    return predicted if above is None else predicted[(predicted > above) & (predicted <= to)]


def _sizes_within(facts, part, query):
    kind, above, to = query
    rows, away, _ = kind.away(part, facts)
    predicted = part[0][rows]
    return np.abs(away[(predicted > above) & (predicted <= to)])


def _signed(facts, part, kind):
    return kind.away(part, facts)[1]


def _ratio(facts, part, query):
    kind, side = query
    _, away, unit = kind.away(part, facts)
    return (np.abs(away) / unit)[kind.side(away) == side]


def _limited(facts, limit, spread, part, query):
    """Scores of one side, those of wild numbers no further off than the limit."""
    kind, side = query
    rows, away, unit = kind.away(part, facts)
    on_it = kind.side(away) == side
    score = (np.abs(away) / (kind.usual[side] * unit))[on_it]
    far = wild_rows(part, facts, spread, off=limit)[rows[on_it]]
    return np.where(far, limit, score)


def _typical(parts, values, queries):
    """As `typical_size`, for each query."""
    told = np.array(together([task(_extent)(part, values, queries) for part in parts]))
    most, (total, n) = told[..., 0].max(axis=0), told[..., 1:].sum(axis=0).T
    middle = np.nan_to_num(medians(parts, values, queries))
    typical = np.where(middle <= 1e-12 * most, total / np.maximum(n, 1), middle)
    return np.where(typical > 0, typical, 1.0)


def _extent(part, values, queries):
    each = [values(part, query) for query in queries]
    return [[v.max(initial=0.0), v.sum(), len(v)] for v in each]


# ---------------------------------------------------------------------- verdict


def verdict(part, facts, judge, share):
    """(noise_proba, mask) of the rows of a part; `share` is what is left of a probability."""
    noise_proba, _, _ = scaled(part, facts, judge)
    mask = (noise_proba > 0.5) & (share == 1)
    if part[3] is not None:
        noise_proba[part[3]], mask[part[3]] = 0.0, False
    return share * noise_proba, mask


def scaled(part, facts, judge):
    """(P(wrong), size of the residual over the usual one, the usual one in units of y)."""
    kinds, limit, spread = judge
    predicted, y = part[:2]
    proba, size, scale = np.zeros(len(y)), np.full(len(y), np.nan), np.full(len(y), np.nan)
    far = wild_rows(part, facts, spread, off=limit)
    for kind in kinds:
        rows, away, unit = kind.away(part, facts)
        side = kind.side(away)
        usual = np.array(kind.usual)[side] * unit
        size[rows] = np.abs(away) / usual
        form = forms_of(facts.free_ends)[kind.form]
        slope = np.exp(form.log_slope(np.maximum(predicted[rows], form.lowest)))
        scale[rows] = usual / slope
        for code, law in enumerate(kind.laws):
            if law is not None:
                on_it = rows[side == code]
                score = np.where(far[on_it], limit, size[on_it])
                proba[on_it] = posterior_by_law(score, *law)
    proba[far] = 1.0
    return proba, size, scale
