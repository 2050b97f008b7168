"""Numbers in themselves: forms they may take, and values that many rows share."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

ANSWER = 5  # rows that have the rarer of two numbers, from which on it is no slip
ATOM = 0.3  # share of the rows from which one number is a kind of its own


class Form(NamedTuple):
    """A function by which y may follow a law, the log of its slope, its lowest argument."""

    function: Callable
    log_slope: Callable
    lowest: float


def forms_for(y):
    """Forms that y can take, y itself first."""
    forms = [Form(lambda v: v, np.zeros_like, -np.inf)]
    if y.min() >= 0 and (y > 0).any():
        least = y[y > 0].min()
        shift = 0.0 if y.min() > 0 else 0.5 * least
        forms += [
            Form(
                lambda v: np.sqrt(v + shift),
                lambda v: -np.log(2) - 0.5 * np.log(v + shift),
                least,
            ),
            Form(lambda v: np.log(v + shift), lambda v: -np.log(v + shift), least),
        ]
    return forms


def kinds_of_numbers(y):
    """Code of each row: the numbers that many rows share are kinds of their own, the rest is one.

    Claims, counts and amounts spent are 0 in most rows, often 1 in most of the others, and the rest
    is no error for being rare. A number counts that at least three in ten of the rows left have, as
    long as two numbers or more are left beside it. Where there are only two numbers at all, and
    each is there more than once or twice, they are answers, and neither is an error.
    """
    kinds, left = np.zeros(len(y), dtype=int), np.arange(len(y))
    values, at, counts = np.unique(y, return_inverse=True, return_counts=True)
    if len(values) == 2 and counts.min() >= ANSWER:
        return at.astype(int) + 1
    for kind in range(1, 6):
        values, counts = np.unique(y[left], return_counts=True)
        if len(values) < 3 or counts.max() < ATOM * len(left):
            break
        shared = y[left] == values[counts.argmax()]
        kinds[left[shared]] = kind
        left = left[~shared]
    return kinds
