"""Wild numbers of collections, and predictions of models that saw none of them.

A part is (predicted (n,), y (n,), weight (n,) or None, trusted (n,) or None) of one partition, or
that delayed; `facts` is what is known of y as a whole. The steps are those of `sober_responses`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from sknoisy._evidence.numbers import _wild as wild
from sknoisy._evidence.numbers._forms import ATOM, forms_for
from sknoisy.dask._base import out_of_sample
from sknoisy.dask._order import medians, summed
from sknoisy.dask._partitions import kept, task, together

MOST_ATOMS = 5


@dataclass(frozen=True)
class Facts:
    """Of y as a whole.

    Attributes
    ----------
    atoms : tuple of float
        Numbers that many rows share.
    ends : tuple of two float
        The least number and the least one above 0, of all rows.
    free_ends : tuple of two float
        The same of rows that have none of the atoms.
    """

    atoms: tuple
    ends: tuple
    free_ends: tuple

    def kinds(self, y):
        """As `kinds_of_numbers`: 0, or the number of the atom from 1 on."""
        kinds = np.zeros(len(y), dtype=int)
        for code, atom in enumerate(self.atoms, start=1):
            kinds[y == atom] = code
        return kinds


def facts_of(parts):
    atoms = []
    for _ in range(MOST_ATOMS):
        told = together([task(_frequent)(part, atoms) for part in parts])
        values = np.unique(np.concatenate([few for few, _, _ in told]))
        n_left = sum(n for _, _, n in told)
        candidates = np.unique(np.concatenate([frequent for _, frequent, _ in told]))
        if len(values) < 3 or len(candidates) == 0:
            break
        [counts] = summed(parts, _counted, candidates)
        if counts.max() < ATOM * n_left:
            break
        atoms.append(float(candidates[counts.argmax()]))
    ends = together([task(_ends)(part, atoms) for part in parts])
    least, free = np.min(ends, axis=0)
    return Facts(tuple(atoms), tuple(least), tuple(free))


def _frequent(part, atoms):
    """(three different numbers, those that three in ten rows share, number of rows)."""
    y = part[1][~np.isin(part[1], atoms)]
    values, counts = np.unique(y, return_counts=True)
    # what three in ten of all rows share, three in ten of some part do
    return values[:3], values[counts >= ATOM * len(y)], len(y)


def _counted(part, values):
    at = np.searchsorted(values, part[1])
    at = np.minimum(at, len(values) - 1)
    return [np.bincount(at[values[at] == part[1]], minlength=len(values))]


def _ends(part, atoms):
    y = part[1]
    free = y[~np.isin(y, atoms)]
    return [[v.min(initial=np.inf), v[v > 0].min(initial=np.inf)] for v in (y, free)]


def forms_of(ends):
    """`forms_for` of numbers of these ends."""
    least, positive = ends
    return forms_for(np.array([least, positive] if np.isfinite(positive) else [least]))


def residual_in(form, y, predicted):
    return form.function(y) - form.function(np.maximum(predicted, form.lowest))


# ---------------------------------------------------------------------- wild numbers


def _judged(part, facts):
    predicted, y, weight, _ = part
    seen = ~np.isnan(predicted) & (facts.kinds(y) == 0)
    return np.flatnonzero(seen if weight is None else seen & (weight > 0))


def _away_in_form(facts, part, query):
    """Numbers or residuals of one form, or how far these are from their median."""
    i, of_y, center = query
    rows, form = _judged(part, facts), forms_of(facts.ends)[i]
    predicted, y = part[:2]
    y, predicted = y[rows], predicted[rows]
    values = form.function(y) if of_y else residual_in(form, y, predicted)
    return values if center is None else np.abs(values - center)


def spreads(parts, facts):
    """(n_forms, 2, 2): (median, spread) of y and of the residuals, in each form."""
    values = partial(_away_in_form, facts)
    asked = [(i, of_y, None) for i in range(len(forms_of(facts.ends))) for of_y in (True, False)]
    centers = medians(parts, values, asked)
    asked = [(i, of_y, c) for (i, of_y, _), c in zip(asked, centers, strict=True)]
    spread = wild.MAD_TO_SD * medians(parts, values, asked)
    return np.column_stack([centers, spread]).reshape(-1, 2, 2)


def _distances(part, facts, spread, i):
    """(rows, |y - median|, |residual - median|) in one form."""
    rows, form = _judged(part, facts), forms_of(facts.ends)[i]
    y, predicted = part[1][rows], part[0][rows]
    away = np.abs(form.function(y) - spread[i, 0, 0])
    return rows, away, np.abs(residual_in(form, y, predicted) - spread[i, 1, 0])


def wild_rows(part, facts, spread, share=1.0, off=wild.OFF):
    """(n,) mask of the wild numbers of a part, as `wild_numbers`."""
    found = np.zeros(len(part[1]), dtype=bool)
    for i in range(len(spread)):
        rows, away, residual = _distances(part, facts, spread, i)
        if i == 0:
            found[rows] = True
        of_y, of_residual = spread[i, :, 1]
        usual = max(min(of_residual, of_y), 1e-6 * of_y)
        found[rows] &= (away > share * wild.FAR * of_y) & (of_y > 0)
        found[rows] &= residual > share * off * usual
    return _but_trusted(found, part)


def _but_trusted(rows, part):
    return rows if part[3] is None else rows & ~part[3]


def may_bend(parts, facts, spread):
    """List of delayed masks of the numbers far out, or None where none is left unexplained."""
    told = np.array(together([task(_unexplained)(part, facts, spread) for part in parts]))
    in_first, in_all = told.any(axis=0)
    of_y, of_residual = spread[0, :, 1]
    first_only = of_residual > wild.WORSE * of_y and in_first
    if not (in_first if first_only else in_all):
        return None
    used = spread[:1] if first_only else spread
    return [task(_far)(part, facts, used) for part in parts]


def _is_far(part, facts, spread, i):
    rows, away, residual = _distances(part, facts, spread, i)
    is_far = (away > wild.FAR * spread[i, 0, 1]) & (spread[i, 0, 1] > 0)
    return rows, is_far, is_far & (residual > wild.EXPLAINED * away)


def _unexplained(part, facts, spread):
    each = [_is_far(part, facts, spread, i)[2] for i in range(len(spread))]
    return each[0].any(), np.all(each, axis=0).any()


def _far(part, facts, spread):
    far = np.zeros(len(part[1]), dtype=bool)
    each = [_is_far(part, facts, spread, i) for i in range(len(spread))]
    far[each[0][0]] = np.all([is_far for _, is_far, _ in each], axis=0)
    return _but_trusted(far, part)


# ---------------------------------------------------------------------- sober predictions


def sober(search):
    """(parts, facts, spread): what models say that saw no wild numbers; as `sober_responses`."""
    best = _parts(search)
    facts = facts_of(best)
    spread = spreads(best, facts)
    left_out = None if search.own else may_bend(best, facts, spread)
    for i in range(wild.MAX_ROUNDS if left_out is not None else 0):
        left_out = kept(left_out)
        n_kept = search.sizes - together([task(np.count_nonzero)(mask) for mask in left_out])
        parts = _parts(search, (left_out, n_kept))
        now = spreads(parts, facts)
        better = now[0, 1, 1] < spread[0, 1, 1]
        if i == 0:  # far from the rest, it may bend nothing
            much = now[0, 1, 1] < wild.BETTER * spread[0, 1, 1]
            better = much or any(together([task(_any_wild)(part, facts, now) for part in parts]))
        if not better:
            break
        best, spread = parts, now
        more = kept([task(wild_rows)(p, facts, now, share=wild.FARTHER_ON) for p in parts])
        pairs = zip(more, left_out, strict=True)
        if all(together([task(np.array_equal)(*pair) for pair in pairs])):
            break
        left_out = more
    return best, facts, spread


def _parts(search, left_out=None):
    y, others = search.data.y_parts, search.data.others
    each = (out_of_sample(search, left_out), y, others["sample_weight"], others["trusted"])
    return kept([task(_part)(*part) for part in zip(*each, strict=True)])


def _part(predicted, y, weight, trusted):
    weight = None if weight is None else np.asarray(weight, dtype=float)
    trusted = None if trusted is None else np.asarray(trusted).astype(bool)
    return predicted, np.asarray(y, dtype=float), weight, trusted


def _any_wild(part, facts, spread):
    return wild_rows(part, facts, spread).any()
