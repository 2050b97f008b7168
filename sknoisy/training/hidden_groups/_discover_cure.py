"""Find columns that help the rule and mislead the exceptions, and take their grip."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from sknoisy._evidence import Evidence, cross_fit, take_rows
from sknoisy._evidence._fitting import take_params
from sknoisy._evidence._responses import LabelResponse
from sknoisy._typing import (
    Array,
    ArrayLike,
    BoolArray,
    CVLike,
    Estimator,
    IntArray,
    RandomStateLike,
)
from sknoisy._wrapper import WrappedClassifier
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining
from sknoisy.training.hidden_groups._columns import (
    read_concepts,
    stacked,
    swapped,
    with_columns,
)
from sknoisy.training.hidden_groups._environments import (
    are_unstable,
    candidates,
    exceptions,
    sensitivities,
)
from sknoisy.treatment._treated import Treated

N_DONORS = 10  # rows whose values stand for those that a concept may have
SURE = 1e-3  # probabilities are kept so far from 0 and 1 in log-odds


class DiscoverCureClassifier(WrappedClassifier, BaseTraining):
    """Classifier that finds columns which mislead a hidden group, and cuts their tie to the label.

    - Discover: within each class, rows that stand apart in a column and look like another class are
      its exceptions: an end of at most 30 % of the class and at least 5 rows, 3.5 times as far from
      the rest as rows spread, and nearer to the rest of another class. A column is unstable if the
      model leans on it and it misleads the exceptions by at least `harm` of what it helps the rule:
      in log-odds of the given label, out of sample, against what the model says with other values
      in the column, on average over the classes with exceptions, which must be two at least. Only
      those exceptions count whose label the rest of the row bears out.
    - Cure: each row comes `n_copies` times. In each copy the unstable columns have the values of a
      row of some class, its own as often as any other, so that they tell nothing of the label. The
      model is fitted to these rows, and judged again, until no further column is unstable.

    No group labels are needed, and the model needs no weights. A shortcut cannot be told from a
    column that is right in most rows and plainly wrong in the others: both have exceptions that
    they mislead. Look at `unstable_`, and name in `concepts` what may be a shortcut at all, as the
    paper does with its bank of concepts. A shortcut without clusters, one that fades over into its
    exceptions, is not found; where nothing is unstable, the model is the plain one. Rows with wrong
    labels are mostly told from exceptions, for all their columns speak against the label; with a
    fifth of them a shortcut may be missed.

    Number of fits: 1 where no column has exceptions; else `cv` (5) in each of `n_iter_` rounds,
    plus 1. Each fold also predicts its rows ten times for each column with exceptions. With very
    many columns, name `concepts`.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap. X must have columns (an array, a sparse matrix, a pandas table, with
        categories or texts in its columns); texts themselves are refused.
    concepts : list of columns, or of lists of columns, default=None
        What may be unstable, by number, or by name where X is a table. Columns in one list are
        judged and swapped together. None means each column on its own.
    harm : float >= 0, default=0.5
        How much a column must mislead its exceptions to be unstable, as a share of what it helps
        the rule. Less finds more, also where there is nothing to find. Trees, in which what a
        column says depends on others, may need 0.25.
    n_copies : int >= 1, default=2
        Times that each row comes, where a column is unstable.
    max_iter : int >= 1, default=3
        Rounds, at most.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the model judges rows that it has not seen; None means 5.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` given to `fit` reaches the model: as its own (an error when it takes
        none), or by repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the clusters, the values that are swapped, and every `random_state` that
        `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to the rows after the cure.
    classes_ : ndarray of shape (K,)
    unstable_ : ndarray of int
        Numbers of the columns that were found to be unstable.
    sensitivity_ : ndarray of shape (2, K, C)
        What each concept adds to the log-odds of a row's label in the plain model: the mean over
        the rule, and over the exceptions, of each class. NaN where there are none.
    exceptions_ : ndarray of shape (n, C) of bool
        Rows that stand apart from their class in a concept, and look like another.
    n_iter_ : int
        Rounds; one also where no column has exceptions.
    noise_mask_ : ndarray of shape (n,) of bool
        All False: no row is held to be wrong.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    ProductOfExpertsClassifier : By weights, for any kind of X.

    References
    ----------
    S. Wu, M. Yuksekgonul, L. Zhang, J. Zou: "Discover and Cure: Concept-aware Mitigation of
    Spurious Correlation", ICML, 2023. There the clusters are of a network's embedding of each
    class, concepts are images of things that may be spurious, their sensitivity is the gradient of
    an environment's loss, and images of concepts are mixed into those of other classes in
    proportion to the spread of the sensitivity. Here concepts are columns, the environments are
    of one at a time, a column is swapped or not, and the last fit sees its values balanced.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.training.hidden_groups import DiscoverCureClassifier
    >>> rng = np.random.RandomState(0)
    >>> y = rng.randint(2, size=1000)
    >>> hint = np.where(rng.rand(1000) < 0.05, 1 - y, y)  # misleads one row in twenty
    >>> X = np.column_stack([y + 0.6 * rng.randn(1000), hint + 0.1 * rng.randn(1000)])
    >>> model = DiscoverCureClassifier(LogisticRegression(), random_state=0).fit(X, y)
    >>> model.unstable_
    array([1])
    >>> plain = LogisticRegression().fit(X, y)
    >>> bool(abs(model.estimator_.coef_[0, 1]) < 0.2 * plain.coef_[0, 1])
    True
    """

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "concepts": ["array-like", None],
        "harm": [Interval(Real, 0, None, closed="left")],
        "n_copies": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "cv": CV,
    }

    unstable_: IntArray
    sensitivity_: Array
    exceptions_: BoolArray
    n_iter_: int

    def __init__(
        self,
        estimator: Estimator,
        *,
        concepts: ArrayLike | None = None,
        harm: float = 0.5,
        n_copies: int = 2,
        max_iter: int = 3,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
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
        weight, rng = evidence.inputs.sample_weight, check_random_state(self._seed())
        concepts = read_concepts(self.concepts, X)
        exception = exceptions(X, concepts, codes, weight, self._seed())
        asked = np.flatnonzero(candidates(exception, codes))
        unstable, cured, n_iter = np.zeros(len(concepts), dtype=bool), None, 0
        first = np.full((2, len(evidence.target.classes), len(concepts)), np.nan)
        if len(asked):
            donors = draw_of(dealt_classes(codes, N_DONORS), codes, weight, rng)
            [folds] = evidence.splits(self.cv, random_state=self._seed())
        while len(asked) and n_iter < self.max_iter:
            of = [concepts[j] for j in asked]
            said = self._judged(evidence, X, cured, of, donors, folds)
            found = sensitivities(said[:, 0], said[:, 1:], exception[:, asked], codes)
            if n_iter == 0:
                first[:, :, asked] = found
            n_iter += 1
            new = are_unstable(found, self.harm) & ~unstable[asked]
            if not new.any():
                break
            unstable[asked[new]] = True
            cured = balanced(X, evidence, _columns(concepts, unstable), self.n_copies, rng)
        attributes = {
            "unstable_": _columns(concepts, unstable),
            "sensitivity_": first,
            "exceptions_": exception,
            "n_iter_": max(n_iter, 1),
        }
        return self._treated(evidence, cured, attributes)

    def _judged(self, evidence, X, cured, concepts, donors, folds):
        """(n, 1 + C) log-odds of the label of a row, and what each concept adds to them."""
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
        respond = _Contributions(evidence.target, concepts, take_rows(X, donors), donors)
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
        answers = cross_fit(self.estimator, stack, folds, respond, **how)
        total, n_tests = np.zeros((n, 1 + len(concepts))), np.zeros((n, 1))
        for values, (_, test) in zip(answers, folds, strict=True):
            total[test] += values
            n_tests[test] += 1
        with np.errstate(invalid="ignore"):
            return total / n_tests

    def _treated(self, evidence, cured, attributes):
        X, rows = (None, None) if cured is None else cured
        return Treated.of(evidence, rows, X=X, attributes=attributes)


class _Contributions:
    """What a fitted model says of rows, and how much less it says with other values of a concept.

    Half of these are of rows of the same class, so that a column that tells each class from the
    others helps the rule as much as it misleads exceptions, however many classes there are.
    """

    def __init__(self, target, concepts, X_donors, donors):
        self.target = target
        self.concepts = concepts
        self.X_donors = X_donors
        self.donors = donors

    def __call__(self, model, X, rows):
        n, m, codes = len(rows), len(self.donors), self.target.codes
        both = stacked(X, self.X_donors)
        as_it_is = self._log_odds(model, X, rows)
        at, donor = np.tile(np.arange(n), m), np.repeat(np.arange(n, n + m), n)
        own = codes[self.donors][:, None] == codes[rows]  # half of the values are of its own class
        share = 0.5 * (own / own.sum(axis=0) + ~own / (~own).sum(axis=0))
        out = np.empty((n, 1 + len(self.concepts)))
        out[:, 0] = as_it_is
        for j, columns in enumerate(self.concepts, start=1):
            values = self._log_odds(model, swapped(both, at, columns, donor), np.tile(rows, m))
            out[:, j] = as_it_is - (share * values.reshape(m, n)).sum(axis=0)
        return out

    def _log_odds(self, model, X, rows):
        """Of the given labels; differences of decision values where there is nothing else."""
        method, values = LabelResponse(self.target.classes)(model, X, rows)
        given = np.eye(values.shape[1])[self.target.codes[rows]] == 1
        if method == "decision_function":
            return values[given] - np.where(given, -np.inf, values).max(axis=1)
        own = np.clip(values[given], SURE, 1 - SURE)
        return np.log(own / (1 - own))


def _columns(concepts, chosen):
    """Numbers of the columns of those concepts, in their order."""
    none = np.array([], dtype=int)
    return np.unique(np.concatenate([none, *(concepts[j] for j in np.flatnonzero(chosen))]))


def dealt_classes(codes, n_donors):
    """(m,) classes in turn, each twice at least."""
    n_classes = codes.max() + 1
    return np.arange(max(n_donors, 2 * n_classes)) % n_classes


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
    rows = np.tile(np.arange(len(codes)), n_copies)
    wanted = np.empty((n_copies, len(codes)), dtype=int)
    for k in range(n_classes):  # classes of the donors are dealt out evenly within each class
        mine = np.flatnonzero(codes == k)
        start = rng.permutation(len(mine))
        wanted[:, mine] = (k + start + np.arange(n_copies)[:, None]) % n_classes
    donors, wanted = rows.copy(), wanted.ravel()
    other = wanted != codes[rows]
    donors[other] = draw_of(wanted[other], codes, evidence.inputs.sample_weight, rng)
    return swapped(X, rows, columns, donors), rows
