"""What a treated model says of rows that are held out, and how treatments compare by it."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state

from sknoisy._evidence import take_rows
from sknoisy._evidence._cross_fit import Fit, fit_each, gather
from sknoisy._evidence._fitting import take_params
from sknoisy._evidence._responses import LabelResponse
from sknoisy.treatment._treated import Treated

N_FOLDS = 3
ENOUGH = 600  # rows to be held out, to choose by


def untreated(case):
    """What the last fit sees when nothing is done."""
    return Treated.of(case.evidence)


def restrict(treated, rows, n_rows):
    """The part of `treated` (of `n_rows` training rows) that comes from `rows`."""
    inside = np.zeros(n_rows, dtype=bool)
    inside[rows] = True
    at = np.arange(n_rows) if treated.rows is None else treated.rows
    keep = inside[at]
    weight = treated.sample_weight
    return Treated(
        at[keep],
        treated.y[keep],
        None if weight is None else weight[keep],
        treated.noise_mask & inside,
    )


def from_part(treated, rows, n_rows):
    """`treated`, made of the training rows `rows` alone, in the numbering of all rows."""
    mask = np.zeros(n_rows, dtype=bool)
    mask[rows] = treated.noise_mask
    at = rows if treated.rows is None else rows[treated.rows]
    return Treated(at, treated.y, treated.sample_weight, mask)


def part_of(evidence, rows):
    """`Evidence` on some of the rows."""
    inputs, n = evidence.inputs, evidence.n_rows
    return evidence.replaced(
        X=take_rows(inputs.X, rows),
        y=inputs.y[rows],
        sample_weight=None if inputs.sample_weight is None else inputs.sample_weight[rows],
        groups=None if inputs.groups is None else inputs.groups[rows],
        copies=evidence.copies.part(rows),
        trusted=evidence.trusted[rows],
        fit_params=take_params(inputs.fit_params, rows, n),
    )


def held_out(estimator, evidence, treated, splits, respond, *, random_state=None, n_jobs=None):
    """`respond(model, X_test, test_rows)` for `estimator` fitted on treated training parts.

    Parameters
    ----------
    estimator : estimator object
    evidence : Evidence
    treated : dict of str to Treated or list of Treated
        By candidate. One `Treated` of all training rows is restricted to the training part of each
        split; a list has one for each split, of its training part only, numbered as all rows are
        (see `from_part`).
    splits : list of (train rows, test rows)
    respond : callable
    random_state : int or None
        Models of one split get the same seed, so that treatments are compared and not luck.
    n_jobs : int or None
        Fits at a time. The result does not depend on it.

    Returns
    -------
    dict of str to list
        By candidate, one answer per split.
    """
    n = evidence.n_rows
    rng = check_random_state(random_state)
    seeds = [None if random_state is None else int(rng.randint(2**31 - 1)) for _ in splits]
    parts = [
        (name, k, one[k] if isinstance(one, list) else restrict(one, splits[k][0], n))
        for name, one in treated.items()
        for k in range(len(splits))
    ]
    fits = [
        Fit(
            part.rows,
            part.y,
            part.sample_weight,
            splits[k][1],
            seeds[k],
            f"to choose a treatment, candidate {name!r}, fold {k + 1} of {len(splits)}",
        )
        for name, k, part in parts
    ]
    answers = fit_each(estimator, evidence.inputs, fits, respond, n_jobs=n_jobs)
    out = {name: [] for name in treated}
    for (name, _, _), answer in zip(parts, answers, strict=True):
        out[name].append(answer)
    return out


def enough_folds(folds, enough=ENOUGH):
    """The first of the folds, as many as hold enough rows out."""
    n_rows = np.cumsum([len(test) for _, test in folds])
    return folds[: 1 + (n_rows < enough).sum()]


def held_out_proba(estimator, evidence, treated, folds, *, random_state=None, n_jobs=None):
    """dict of candidate to (n, K): probabilities for rows held out, NaN for the others."""
    respond = LabelResponse(evidence.target.classes)
    how = {"random_state": random_state, "n_jobs": n_jobs}
    said = held_out(estimator, evidence, treated, folds, respond, **how)
    repeat = np.zeros(len(folds), dtype=int)
    return {
        name: gather(each, folds, repeat, evidence.target, None).values
        for name, each in said.items()
    }


def assemble(answers, splits, n_rows):
    """Answers by split as one array by row, the mean where splits overlap; NaN where untested."""
    answers = [np.asarray(answer, dtype=float) for answer in answers]
    total = np.zeros((n_rows, *answers[0].shape[1:]))
    n_tests = np.zeros((n_rows, *[1] * (total.ndim - 1)))
    for answer, (_, test) in zip(answers, splits, strict=True):
        total[test] += answer
        n_tests[test] += 1
    with np.errstate(invalid="ignore"):
        return total / n_tests


def compare(loss, other, weight=None):
    """(mean difference, the same in standard errors) of two losses of the same rows.

    Negative when `loss` is the lower one. Rows that are NaN in either do not count.
    """
    known = ~np.isnan(loss) & ~np.isnan(other)
    difference = (loss - other)[known]
    weight = np.ones(len(difference)) if weight is None else weight[known]
    if not weight.any():
        return 0.0, 0.0
    mean = np.average(difference, weights=weight)
    error = np.sqrt(weight**2 @ (difference - mean) ** 2) / weight.sum()
    return float(mean), float(mean / error) if error > 0 else 0.0
