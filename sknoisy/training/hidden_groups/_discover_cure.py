"""Find columns that help in one environment and mislead in another, and take their grip."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.cluster import KMeans
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from sknoisy._evidence import Evidence, TableEncoder, cross_fit, take_rows
from sknoisy._evidence._fitting import take_params
from sknoisy._evidence._responses import LabelResponse
from sknoisy._wrapper import WrappedClassifier
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining
from sknoisy.training.hidden_groups._columns import (
    read_concepts,
    stacked,
    swapped,
    with_columns,
)
from sknoisy.treatment._treated import Treated

N_DONORS = 10  # rows whose values stand for those that a concept may have
SURE = 1e-3  # probabilities are kept so far from 0 and 1 in log-odds
SEPARATION = 4.0  # of two environments, in their spread; the halves of a normal have 2.65
FEWEST = 5  # rows that are no mere outliers
MINOR = 0.3  # largest share of a class that may be the exception
LEAST_HELP = 0.1  # log-odds, below which no model leans on a concept


class DiscoverCureClassifier(WrappedClassifier, BaseTraining):
    """TODO"""

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "concepts": ["array-like", None],
        "harm": [Interval(Real, 0, None, closed="left")],
        "n_copies": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "cv": CV,
    }

    def __init__(
        self,
        estimator,
        *,
        concepts=None,
        harm=0.5,
        n_copies=2,
        max_iter=3,
        cv=5,
        weight_strategy="native",
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.concepts = concepts
        self.harm = harm
        self.n_copies = n_copies
        self.max_iter = max_iter
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _train(self, evidence):
        X, codes = with_columns(evidence.inputs.X, type(self).__name__), evidence.target.codes
        concepts, rng = read_concepts(self.concepts, X), check_random_state(self._seed())
        folds = []
        if len(evidence.target.classes) > 1:
            [folds] = evidence.splits(self.cv, random_state=self._seed())
        unstable, cured, first, n_iter = np.zeros(len(concepts), dtype=bool), None, None, 0
        exception = exceptions(X, concepts, codes, self._seed())
        donors = dealt_donors(codes, evidence.inputs.sample_weight, N_DONORS, rng)
        while folds and n_iter < self.max_iter:
            n_iter += 1
            said = self._contributions(evidence, X, cured, concepts, donors, folds)
            found = sensitivities(said, exception, codes)
            first = found if first is None else first
            new = are_unstable(found, self.harm) & ~unstable
            if not new.any():
                break
            unstable |= new
            columns = np.unique(np.concatenate([concepts[j] for j in np.flatnonzero(unstable)]))
            cured = balanced(X, evidence, columns, self.n_copies, rng)
        columns = [concepts[j] for j in np.flatnonzero(unstable)]
        attributes = {
            "unstable_": np.unique(np.concatenate(columns)) if columns else np.array([], dtype=int),
            "sensitivity_": first,
            "exceptions_": exception,
            "n_iter_": n_iter,
        }
        return self._treated(evidence, cured, attributes)

    def _contributions(self, evidence, X, cured, concepts, donors, folds):
        """(n, C) what each concept adds to the log-odds of a row's label, out of sample."""
        inputs, n = evidence.inputs, evidence.n_rows
        rows, seen = np.arange(n), X
        if cured is not None:  # models see rows after the cure, and judge rows as they came
            rows = np.concatenate([rows, cured[1]])
            seen = stacked(X, cured[0])
            folds = [(n + np.flatnonzero(np.isin(cured[1], train)), test) for train, test in folds]
        stack = Evidence(
            seen,
            inputs.y[rows],
            task=self._task,
            sample_weight=None if inputs.sample_weight is None else inputs.sample_weight[rows],
            fit_params=take_params(inputs.fit_params, rows, n),
            weight_strategy=inputs.weight_strategy,
        )
        respond = _Contributions(evidence.target, concepts, take_rows(X, donors))
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
        answers = cross_fit(self.estimator, stack, folds, respond, **how)
        total, n_tests = np.zeros((n, len(concepts))), np.zeros((n, 1))
        for values, (_, test) in zip(answers, folds, strict=True):
            total[test] += values
            n_tests[test] += 1
        with np.errstate(invalid="ignore"):
            return total / n_tests

    def _treated(self, evidence, cured, attributes):
        X, rows = (None, None) if cured is None else cured
        y, given = evidence.target.y, evidence.inputs.sample_weight
        return Treated(
            rows=rows,
            y=y if rows is None else y[rows],
            sample_weight=given if rows is None or given is None else given[rows],
            noise_mask=np.zeros(len(y), dtype=bool),
            attributes=attributes,
            X=X,
        )


class _Contributions:
    """What a fitted model says of rows, less what it says with other values of a concept."""

    def __init__(self, target, concepts, donors):
        self.target = target
        self.concepts = concepts
        self.donors = donors

    def __call__(self, model, X, rows):
        n, m = len(rows), self.donors.shape[0]
        both = stacked(X, self.donors)
        as_it_is = self._log_odds(model, X, rows)
        out = np.empty((n, len(self.concepts)))
        for j, columns in enumerate(self.concepts):
            at, donor = np.tile(np.arange(n), m), np.repeat(np.arange(n, n + m), n)
            other = swapped(both, at, columns, donor)
            values = self._log_odds(model, other, np.tile(rows, m))
            out[:, j] = as_it_is - values.reshape(m, n).mean(axis=0)
        return out

    def _log_odds(self, model, X, rows):
        """Of the given labels; differences of decision values where there is nothing else."""
        method, values = LabelResponse(self.target.classes)(model, X, rows)
        codes = self.target.codes[rows]
        if method == "decision_function":
            own = values[np.arange(len(rows)), codes]
            others = np.where(np.eye(values.shape[1])[codes] == 1, -np.inf, values)
            return own - others.max(axis=1)
        own = np.clip(values[np.arange(len(rows)), codes], SURE, 1 - SURE)
        return np.log(own / (1 - own))


def exceptions(X, concepts, codes, random_state=None):
    """(n, C) of bool: rows of a class that stand apart from the rest of it in a concept.

    Two means part a class, and the smaller part is the exception; nothing is where the two are not
    apart, as the halves of a normal distribution are not, or the smaller one has too few rows, or
    so many that it is none.
    """
    out = np.zeros((len(codes), len(concepts)), dtype=bool)
    for j, columns in enumerate(concepts):
        values = values_of(X, columns)
        for k in range(codes.max() + 1):
            mine = np.flatnonzero(codes == k)
            minor = parted(values[mine], random_state)
            if FEWEST <= minor.sum() <= MINOR * len(mine):
                out[mine, j] = minor
    return out


def parted(values, random_state=None):
    """(n,) the smaller of two parts of rows (n, q) that stand apart, or none."""
    none = np.zeros(len(values), dtype=bool)
    if len(values) < 2 * FEWEST or np.ptp(values, axis=0).max(initial=0.0) <= 0:
        return none
    parts = KMeans(2, n_init=3, random_state=random_state).fit(values)
    second = parts.labels_ == 1
    line = parts.cluster_centers_[1] - parts.cluster_centers_[0]
    along = values @ line / (np.linalg.norm(line) or 1.0)
    means = np.where(second, along[second].mean(), along[~second].mean())
    within = np.sqrt(np.mean((along - means) ** 2))
    if np.ptp(means) < SEPARATION * within:
        return none
    return second if second.sum() <= len(values) / 2 else ~second


def values_of(X, columns):
    """(n, q) columns of a table as numbers."""
    part = X.tocsc()[:, columns].toarray() if issparse(X) else X[:, columns] if isinstance(
        X, np.ndarray
    ) else X.iloc[:, columns]
    return TableEncoder().fit_transform(part)


def sensitivities(contributions, exception, codes):
    """(2, K, C): mean contribution to rows of a class that are the rule, and that are exceptions.

    Parameters
    ----------
    contributions : ndarray of shape (n, C)
        NaN for rows that nobody judged.
    exception : ndarray of shape (n, C) of bool
    codes : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (2, K, C)
        NaN where there is no such row.
    """
    out = np.full((2, codes.max() + 1, contributions.shape[1]), np.nan)
    known = np.isfinite(contributions)
    filled = np.where(known, contributions, 0.0)
    for k in range(out.shape[1]):
        for e, part in enumerate((~exception, exception)):
            mine = part & known & (codes == k)[:, None]
            with np.errstate(invalid="ignore"):
                out[e, k] = (filled * mine).sum(axis=0) / mine.sum(axis=0)
    return out


def are_unstable(sensitivity, harm):
    """(C,) concepts that mislead the exceptions as they help the rule: means over the classes.

    That is of classes that have exceptions, which must be two at least. What the donors happen to
    be like adds to some classes what it takes from others.
    """
    has = np.isfinite(sensitivity).all(axis=0)
    total = np.where(has, sensitivity, 0.0).sum(axis=1)
    rule, exception = total / np.maximum(has.sum(axis=0), 1)
    return (has.sum(axis=0) >= 2) & (rule > LEAST_HELP) & (exception < -harm * rule)


def dealt_donors(codes, sample_weight, n_donors, rng):
    """(m,) rows, drawn in proportion to weight, of all classes in turn."""
    n_classes = codes.max() + 1
    return draw_of(np.arange(max(n_donors, n_classes)) % n_classes, codes, sample_weight, rng)


def draw_of(wanted, codes, sample_weight, rng):
    """(m,) a row of each wanted class, drawn in proportion to weight."""
    weight = np.ones(len(codes)) if sample_weight is None else sample_weight
    out = np.empty(len(wanted), dtype=int)
    for k in np.unique(wanted):
        mine, asked = np.flatnonzero(codes == k), np.flatnonzero(wanted == k)
        share = weight[mine] if weight[mine].any() else np.ones(len(mine))
        out[asked] = rng.choice(mine, len(asked), p=share / share.sum())
    return out


def balanced(X, evidence, columns, n_copies, rng):
    """(rows, whose they are): unstable columns as common in one class as in any other.

    Each row comes `n_copies` times. In each copy the columns have the values of a row of some
    class, its own class as often as any other; where it is its own, the row stays as it is.
    """
    codes, n_classes = evidence.target.codes, len(evidence.target.classes)
    n = len(codes)
    rows = np.tile(np.arange(n), n_copies)
    wanted = np.empty((n_copies, n), dtype=int)
    for k in range(n_classes):  # classes of the donors are dealt out evenly within each class
        mine = np.flatnonzero(codes == k)
        start = rng.permutation(len(mine))
        wanted[:, mine] = (k + start + np.arange(n_copies)[:, None]) % n_classes
    wanted = wanted.ravel()
    donors = rows.copy()
    other = wanted != codes[rows]
    donors[other] = draw_of(wanted[other], codes, evidence.inputs.sample_weight, rng)
    return swapped(X, rows, columns, donors), rows
