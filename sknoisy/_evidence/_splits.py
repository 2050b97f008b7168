"""Which rows a model is fitted on, and which it judges."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.utils import check_random_state

from sknoisy._limits import MIN_CLASS_ROWS
from sknoisy.exceptions import RareClassWarning

DEFAULT_FOLDS = 5


class Folds(list):
    """(train rows, test rows) made by sknoisy itself, which are taken as they are."""


def make_splits(
    cv, X, target, *, groups=None, together=None, members=None, n_repeats=1, random_state=None
):
    """List, one entry per repeat, of lists of (train rows, test rows); see `Evidence.splits`.

    An integer `cv` is stratified for labels, keeps rows together that must be, and is shuffled.
    Sole members of a class are never in a test part, since no model could know their class without
    them; rare classes are named in one warning. Any other `cv` is left as it is, but for a check.

    Parameters
    ----------
    groups : ndarray of shape (n,), default=None
        What a splitter gets, and what an integer keeps together.
    together : ndarray of shape (n,) of int, default=None
        What an integer keeps together in place of `groups`: copies of rows, on their own or joined
        with `groups` (see `Evidence.together`).
    members : ndarray of shape (K,) of int, default=None
        How many rows each class has that are no copies of one another; None means all.
    """
    if isinstance(cv, Folds):
        return [cv]
    cv = DEFAULT_FOLDS if cv is None else cv
    if not isinstance(cv, (int, np.integer)):
        check_reusable(cv)
        splits = cv.split(X, target.y, groups) if hasattr(cv, "split") else cv
        return [checked(splits, len(target.y))]
    rng = check_random_state(random_state)
    seeds = rng.randint(np.iinfo(np.int32).max, size=n_repeats)
    together = groups if together is None else together
    is_dealt = groups is None and together is not None
    if target.is_labels and members is None:
        members = np.bincount(target.codes)
    return [
        _integer_splits(int(cv), target, together, is_dealt, members, int(s), first=i == 0)
        for i, s in enumerate(seeds)
    ]


def _integer_splits(k, target, together, is_dealt, members, seed, first):
    n = len(target.y)
    rows = np.arange(n)
    alone = np.array([], dtype=int)
    codes = target.codes
    if target.is_labels:
        if first:
            _warn_rare(target.classes, members, k)
        alone = np.flatnonzero(members[codes] == 1)
        rows = np.flatnonzero(members[codes] > 1)
        if len(rows) == 0 or len(target.classes) < 2:
            return Folds()
        k = min(k, members.max())
    n_units = len(rows) if together is None else len(np.unique(together[rows]))
    k = min(k, n_units)
    if k < 2:
        raise ValueError(
            f"cv needs at least 2 {'rows' if together is None else 'groups'} to put in different "
            f"folds, got n_samples={n}" + ("" if together is None else f" in {n_units} group")
        )
    of_rows = None if codes is None else codes[rows]
    if is_dealt:
        splits = _dealt(k, together[rows], of_rows, seed)
    else:
        if target.is_labels:
            kind = StratifiedKFold if together is None else StratifiedGroupKFold
        else:
            kind = KFold if together is None else GroupKFold
        with warnings.catch_warnings():  # rare classes have been named already
            warnings.filterwarnings("ignore", message="The least populated class")
            folds = kind(k, shuffle=True, random_state=seed)
            splits = list(folds.split(rows, of_rows, None if together is None else together[rows]))
    return Folds((_with_alone(rows[a], rows[b], alone, together), rows[b]) for a, b in splits)


def _dealt(k, unit, codes, seed):
    """Folds that keep copies together: the distinct rows are dealt out, one class after the other.

    In the order of their numbers of copies, so that folds are of about the same size, too.
    """
    unit = pd.factorize(unit)[0]
    size = np.bincount(unit)
    label = np.zeros(len(size), dtype=int)
    if codes is not None:  # by appearance: names of classes do not matter
        codes = pd.factorize(codes)[0]
        n_classes = codes.max() + 1
        found, counts = np.unique(unit * n_classes + codes, return_counts=True)
        order = np.argsort(counts, kind="stable")  # the most frequent class of each comes last
        label[found[order] // n_classes] = found[order] % n_classes
    order = np.random.RandomState(seed).permutation(len(size))
    order = order[np.lexsort((-size[order], label[order]))]
    fold = np.empty(len(size), dtype=int)
    fold[order] = np.arange(len(size)) % k
    fold = fold[unit]
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def _with_alone(train, test, alone, together):
    """Add the sole members of classes to a train part, save those of a group that is tested."""
    if len(alone) == 0:
        return train
    if together is not None:
        alone = alone[~np.isin(together[alone], together[test])]
    return np.sort(np.concatenate([train, alone]))


def fewer_to_fit_on(splits, max_samples, target, sample_weight=None, random_state=None):
    """`Folds` with at most `max_samples` train rows each; the test rows stay.

    Drawn without replacement, for labels in the shares of the classes; a class keeps five of its
    rows even so, where it has them. Rows of zero weight are not drawn where others are.

    Parameters
    ----------
    splits : list of (train rows, test rows)
    max_samples : int or float
        Rows, or their share of each train part.
    """
    rng = check_random_state(random_state)
    fewer = Folds()
    for train, test in splits:
        size = max_samples
        if not isinstance(size, Integral):
            size = max(2, round(size * len(train)))
        if size < len(train):
            if sample_weight is not None and (sample_weight[train] > 0).any():
                train = train[sample_weight[train] > 0]
            codes = target.codes[train] if target.is_labels else np.zeros(len(train), dtype=int)
            train = train[_some_of_each(codes, size, rng)]
        fewer.append((train, test))
    return fewer


def _some_of_each(codes, size, rng):
    """About `size` of the rows, in their order, in the shares of `codes`; 5 of each at least."""
    n = len(codes)
    order = rng.permutation(n)
    order = order[np.argsort(codes[order], kind="stable")]
    drawn = np.zeros(n, dtype=bool)
    # every (n / size)-th of the rows, which are sorted by class: each class has its share
    size = min(size, n)
    drawn[((np.arange(size) + rng.uniform()) * n / size).astype(int)] = True
    members = np.bincount(codes)
    rank = np.arange(n) - np.repeat(np.cumsum(members) - members, members)
    few = np.bincount(codes[order], drawn, len(members)) < np.minimum(members, MIN_CLASS_ROWS)
    drawn[(rank < MIN_CLASS_ROWS) & few[codes[order]]] = True
    return np.sort(order[drawn])


# --------------------------------------------------------------------------- given by the user


def check_reusable(cv, owner=None):
    """Refuse by name what can be used only once, or is a class."""
    what = "cv" if owner is None else f"cv of {owner}"
    if isinstance(cv, Iterator):
        raise TypeError(
            f"{what} is a {type(cv).__name__}, which can be used only once, and folds are needed "
            "again in each fit: give list(cv), or the splitter that it comes from."
        )
    if isinstance(cv, str):  # texts can be split, too
        raise TypeError(f"{what} must be folds or their number, got {cv!r:.80}.")
    if isinstance(cv, type):
        raise TypeError(
            f"{what} must be an object, got the class {cv.__name__}: write {cv.__name__}()."
        )


def checked(splits, n):
    """`Folds` of (train rows, test rows) as a splitter or a user gives them."""
    folds, n_given = Folds(), 0
    if not hasattr(splits, "__iter__"):
        raise TypeError(
            f"cv must give pairs of (train rows, test rows), and its split gives {splits!r:.80}."
        )
    for n_given, split in enumerate(splits, start=1):
        where = f"split {n_given} of cv"
        if isinstance(split, str) or not hasattr(split, "__len__") or len(split) != 2:
            raise ValueError(f"{where} must be (train rows, test rows), got {split!r:.80}.")
        train = _row_numbers(split[0], n, f"The train rows in {where}")
        test = _row_numbers(split[1], n, f"The test rows in {where}")
        if not len(test):
            continue
        if not len(train):
            raise ValueError(f"{where} has {len(test)} rows to judge and none to fit a model on.")
        is_seen = np.zeros(n, dtype=bool)
        is_seen[train] = True
        seen = np.unique(test[is_seen[test]])
        if len(seen):
            raise ValueError(
                f"{where} has {len(seen)} rows both to fit on and to judge, first row {seen[0]}: a "
                "model knows what it has seen, so leave the test rows out of the train rows."
            )
        once = np.unique(test)
        folds.append((train, once if len(once) < len(test) else test))
    if not folds:
        said = "gives no split" if n_given == 0 else f"has no test row in its {n_given} splits"
        raise ValueError(
            f"cv {said}, so that no row would be judged: give a number of folds, a splitter or a "
            "list of (train rows, test rows)."
        )
    return folds


def _row_numbers(rows, n, what):
    rows = np.asarray(rows)
    if rows.dtype == object:
        rows = np.array(rows.tolist())
    if rows.ndim != 1:
        raise ValueError(f"{what} must be a list of row numbers, got shape {rows.shape}.")
    if not len(rows):
        return np.array([], dtype=np.intp)
    if rows.dtype == bool:
        if len(rows) != n:
            raise ValueError(f"{what} are a mask of {len(rows)} entries, and there are {n} rows.")
        return np.flatnonzero(rows)
    if rows.dtype.kind not in "iu":
        raise ValueError(
            f"{what} must be row numbers (whole) or a boolean mask, got {rows[0]!r} "
            f"(dtype {rows.dtype})."
        )
    wrong = rows[(rows < 0) | (rows >= n)]
    if len(wrong):
        raise ValueError(f"{what} name row {wrong[0]}, and the rows are 0 to {n - 1}.")
    return rows


# --------------------------------------------------------------------------- rare classes


def _warn_rare(classes, counts, k):
    rare = np.flatnonzero(counts < k)
    if len(rare):
        few = "1 class has" if len(rare) == 1 else f"{len(rare)} classes have"
        _warn_of_classes(
            f"{few} fewer members than the {k} folds: {{names}}. Their rows are judged by models "
            "that saw even fewer; a sole member cannot be judged and is kept.",
            classes,
            counts,
            rare,
        )


def warn_of_sole_members(classes, members):
    """Name the classes of one row each; where there is but one class, nothing can be judged."""
    alone = np.flatnonzero(members == 1)
    if len(alone) and len(members) > 1:
        _warn_of_classes(
            "Sole members of a class cannot be judged and are kept: {names}.",
            classes,
            members,
            alone,
        )


def _warn_of_classes(message, classes, counts, rare):
    names = ", ".join(f"{classes[j]!s} ({counts[j]})" for j in rare[:10])
    more = f" and {len(rare) - 10} more" if len(rare) > 10 else ""
    warnings.warn(message.format(names=names + more), RareClassWarning, stacklevel=3)
