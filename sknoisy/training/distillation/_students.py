"""Models that are fitted to targets of their own, and what they say of rows."""

from __future__ import annotations

import numpy as np

from sknoisy._evidence import Folds
from sknoisy._evidence._cross_fit import Fit, fit_each
from sknoisy._evidence._responses import LabelResponse, margins_to_proba, number_response
from sknoisy._soft_fit import SoftRows

PIECES = 3  # of a part that is taught out of sample


class Students:
    """Models of parts of the rows, each part with targets of its own.

    A part is what one fold trains on; what its model says of the rows of the test part is held
    out: neither the model nor its targets know their y. The last part is all rows.

    Parameters
    ----------
    estimator : estimator object
    evidence : Evidence
    folds : Folds
        Empty where nothing is to be held out.
    out_of_sample : bool
        Whether a part is taught by models that have not seen the row: it is cut in `PIECES`, and
        each of them is judged by a model of the others.
    min_proba : float
        Soft labels less likely than this are left out of a fit.
    random_state, n_jobs : int or None
    """

    def __init__(
        self, estimator, evidence, folds, *, out_of_sample, min_proba, random_state, n_jobs
    ):
        self.estimator = estimator
        self.evidence = evidence
        self.folds = folds
        self.out_of_sample = out_of_sample
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.parts = [train for train, _ in folds] + [np.arange(evidence.n_rows)]
        self.pieces = []
        if out_of_sample:  # drawn anew, for two folds would leave each part in one piece
            self.pieces = folds_of(evidence, PIECES, self._seed(1))
        target = evidence.target
        self.soft = SoftRows.of(evidence, min_proba=min_proba) if target.is_labels else None
        respond = LabelResponse(target.classes) if target.is_labels else number_response
        self.respond = respond

    def say(self, targets, *, hold_out=True, teach=True):
        """(what is said of rows held out, list of what each part is taught), by fits to `targets`.

        Parameters
        ----------
        targets : list of ndarray of shape (n,) or (n, K)
            Numbers or soft labels, one array for each part.
        hold_out, teach : bool, default=True
            What is not asked for costs no fit, and is NaN.

        Returns
        -------
        held : ndarray of shape (n,) or (n, K)
            The mean over the tests of a row; NaN where it has none.
        taught : list of ndarray of shape (n,) or (n, K)
            NaN for rows that are not in the part, or that no model of the part could judge.
        """
        n_held = len(self.folds) if hold_out else 0
        asks = [ask for part in range(len(self.parts)) for ask in self._asks(part, n_held, teach)]
        fits = [self._fit(targets[part], rows, asked, i) for i, (part, rows, asked) in asks]
        inputs = self.evidence.inputs
        answers = fit_each(self.estimator, inputs, fits, self.respond, n_jobs=self.n_jobs)
        shape = np.shape(targets[0])
        held, taught = _Mean(shape), [_Mean(shape) for _ in self.parts]
        for (_, (part, _, _)), fit, (_, values) in zip(asks, fits, answers, strict=True):
            inside = np.isin(fit.test, self.parts[part])
            held.add(fit.test[~inside], values[~inside])
            taught[part].add(fit.test[inside], values[inside])
        said = [mean.values() for mean in (held, *taught)]
        if answers and answers[0][0] == "decision_function":
            said = self._as_proba(said, n_held > 0)
        return said[0], said[1:]

    def _asks(self, part, n_held, teach):
        """(number of the fit in its part, (part, rows to fit, rows asked about))."""
        rows = self.parts[part]
        judged = self.folds[part][1] if part < n_held else rows[:0]
        if not self.out_of_sample:
            asked = np.concatenate([judged, rows]) if teach else judged
            return [(0, (part, rows, asked))] if len(asked) else []
        asks = [(0, (part, rows, judged))] if len(judged) else []
        if teach:
            for i, (train, test) in enumerate(self.pieces):
                inner, asked = train[np.isin(train, rows)], test[np.isin(test, rows)]
                if len(asked) and self._can_teach(inner):
                    asks.append((i + 1, (part, inner, asked)))
        return asks

    def _can_teach(self, rows):
        """Whether there are any, of two classes at least."""
        target = self.evidence.target
        return len(np.unique(target.codes[rows])) > 1 if target.is_labels else len(rows) > 0

    def _fit(self, target, rows, asked, i):
        weight = self.evidence.inputs.sample_weight
        if self.soft is None:
            y, weight = target[rows], None if weight is None else weight[rows]
        else:
            rows, codes, weight = self.soft.rows_of(target, rows)
            y = self.soft.classes[codes]
        # the same in each round, so that rounds differ by their targets alone
        purpose = "to teach another, or to judge rows held out"
        return Fit(rows, y, weight, asked, self._seed(i), purpose)

    def _seed(self, i):
        return None if self.random_state is None else (self.random_state + i) % (2**31 - 1)

    def _as_proba(self, said, has_held):
        """Class probabilities from margins, by the labels of rows held out if there are any."""
        codes = self.evidence.target.codes
        known = np.zeros((len(said), len(codes)), dtype=bool)
        known[0 if has_held else -1] = True
        proba = margins_to_proba(np.concatenate(said), np.tile(codes, len(said)), known.ravel())
        return list(proba.reshape(len(said), len(codes), -1))


class _Mean:
    """The mean of what is said of each row."""

    def __init__(self, shape):
        self.total, self.count = np.zeros(shape), np.zeros(shape[0])

    def add(self, rows, values):
        known = ~np.isnan(values if values.ndim == 1 else values.sum(axis=1))
        self.total[rows[known]] += values[known]
        self.count[rows[known]] += 1

    def values(self):
        with np.errstate(invalid="ignore"):
            return self.total / self.count.reshape(-1, *[1] * (self.total.ndim - 1))


def folds_of(evidence, cv, random_state):
    """`Folds`; none where nothing can be held out: a single row, or a single class."""
    target = evidence.target
    if evidence.n_rows < 2 or (target.is_labels and len(target.classes) < 2):
        return Folds()
    [folds] = evidence.splits(cv, random_state=random_state)
    return Folds(folds)


def held_out_loss(held, evidence, folds):
    """Mean squared error of what is said of rows held out; for labels, the Brier score.

    A row whose class no model of its folds has seen does not count.
    """
    loss = ((held - given_targets(evidence)) ** 2).reshape(len(held), -1).sum(axis=1)
    return _mean_of_judged(loss, held, evidence, folds)


def held_out_misses(held, evidence, folds):
    """Share of rows held out whose given label is not the likeliest; zero for numbers."""
    if not evidence.target.is_labels:
        return 0.0
    return _mean_of_judged(held.argmax(axis=1) != evidence.target.codes, held, evidence, folds)


def _mean_of_judged(values, held, evidence, folds):
    judged, weight = judged_rows(held, evidence, folds), evidence.inputs.sample_weight
    weight = np.ones(len(held)) if weight is None else weight
    if not weight[judged].any():
        return np.nan
    return np.average(values[judged], weights=weight[judged])


def judged_rows(held, evidence, folds):
    """(n,) rows that were held out, by models that knew their class."""
    judged = np.isfinite(held.reshape(len(held), -1)).all(axis=1)
    if evidence.target.is_labels:
        codes = evidence.target.codes
        for train, test in folds:
            judged[test] &= np.isin(codes[test], codes[train])
    return judged


def given_targets(evidence):
    """(n,) numbers, or (n, K) with one in the column of the label."""
    target = evidence.target
    return np.eye(len(target.classes))[target.codes] if target.is_labels else target.y.astype(float)
