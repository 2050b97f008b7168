"""Members of the committee on labels, each judged on rows it has not seen."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

from sknoisy._evidence import Evidence, TableEncoder, numeric_features
from sknoisy._evidence._arrays import as_numpy
from sknoisy._evidence._fitting import first_steps, label_free
from sknoisy._evidence._neighbors import near_rows
from sknoisy._evidence.bags._out_of_bag import spares_copies
from sknoisy.exceptions import RareClassWarning

N_TREES = 150
MANY_ROWS = 5_000  # beyond it, forests have fewer trees, and each sees fewer rows
N_TREES_MANY, MAX_BAG = 30, 2_500
MAX_INDEX = 3_000  # rows to look for neighbours in
N_COMPONENTS = 64  # that the linear member sees in place of more than 300 columns
WIDE_FOR_LINEAR = 300
N_COMPONENTS_BOOSTED = 32  # the same for boosting, which costs most where columns are many
WIDE_FOR_BOOSTING = 60
N_NEIGHBORS = 16
MAX_BOOSTED_CLASSES = 30
ASKED_AGAIN = ("forest", "boosting")  # cheap, and the surest of the members


def committee_members(features, n_classes, which="auto"):
    """(name, estimator) of unlike members, and `"neighbors"`, by size and kind of the features."""
    n, d = features.shape
    if issparse(features):
        # at most as many directions as there are columns and rows in a fold
        reduce = TruncatedSVD(min(N_COMPONENTS, d - 1, n // 2)) if min(d - 1, n // 2) > 0 else None
        linear = LogisticRegression(C=3.0, max_iter=200)
        members = [("linear", linear), ("neighbors", None)]
        if features.min() >= 0:
            members.append(("naive Bayes", MultinomialNB(alpha=0.3)))
        if which == "auto" and reduce is not None:
            members.append(("extra trees", make_pipeline(reduce, _trees(ExtraTreesClassifier, n))))
        return members
    linear = LogisticRegression(max_iter=200)
    members = [("forest", _trees(RandomForestClassifier, n, N_TREES if which == "auto" else 80))]
    if d > WIDE_FOR_LINEAR:
        linear = make_pipeline(PCA(min(N_COMPONENTS, n // 2)), linear)
    members += [("linear", linear), ("neighbors", None)]
    if which == "auto":
        if n <= MANY_ROWS:
            members.append(("extra trees", _trees(ExtraTreesClassifier, n)))
        if n_classes <= MAX_BOOSTED_CLASSES:
            few = n_classes <= 10
            boosting = HistGradientBoostingClassifier(
                max_iter=40 if few else 20,
                learning_rate=0.12 if few else 0.25,
                max_leaf_nodes=8,
                l2_regularization=5.0,
                early_stopping=False,
            )
            if d > WIDE_FOR_BOOSTING:
                boosting = make_pipeline(PCA(min(N_COMPONENTS_BOOSTED, n // 2)), boosting)
            members.append(("boosting", boosting))
    return members


def _trees(kind, n, n_trees=N_TREES):
    bag = {"n_estimators": n_trees}
    if n > MANY_ROWS:
        bag = {"n_estimators": min(n_trees, N_TREES_MANY), "max_samples": MAX_BAG}
    return kind(min_samples_leaf=3, bootstrap=True, **bag)


@dataclass
class Panel:
    """Those who judge: on which features, and on which rows that they have not seen.

    Attributes
    ----------
    members : list of (name, estimator or None)
    asked_again : list of (name, estimator)
        Those of them who also learn from corrected labels.
    evidence : Evidence
        With features that are numbers.
    splits : list of (train rows, test rows)
    bags : bool
        See `opinions`.
    n_jobs : int or None
    random_state : RandomState instance
    """

    members: list
    asked_again: list
    evidence: Evidence
    splits: list
    bags: bool
    n_jobs: int | None
    random_state: np.random.RandomState

    def ask(self):
        """dict of member to (n, K) out-of-sample probabilities."""
        return self._opinions(self.members, self.evidence)

    def ask_again(self, label_proba):
        """The same by `asked_again`, fitted on the labels that are likeliest by now."""
        classes, given = self.evidence.target.classes, self.evidence.target.codes
        judged = ~np.isnan(label_proba).any(axis=1)
        codes = np.where(judged, np.nan_to_num(label_proba).argmax(axis=1), given)
        known = np.unique(codes)
        if len(known) < 2 or not self.asked_again:
            return {}
        corrected = self.evidence.replaced(y=classes[codes])
        opinions = {}
        for name, values in self._opinions(self.asked_again, corrected).items():
            # a class that nobody has any more is taken for impossible, not for unknown
            proba = np.zeros((len(codes), len(classes)))
            proba[:, known] = values
            opinions[f"{name}, corrected"] = proba
        return opinions

    def _opinions(self, members, evidence):
        return opinions(
            members,
            evidence,
            self.splits,
            bags=self.bags,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )


def opinions(members, evidence, splits, *, bags=True, n_jobs=None, random_state=None):
    """dict of name to (n, K): out-of-sample probabilities; NaN in a row that is not judged.

    Parameters
    ----------
    members : list of (name, estimator or None)
        None means the nearest rows.
    evidence : Evidence
    splits : list of (train rows, test rows)
    bags : bool
        Forests that bootstrap answer out of bag (not with groups, nor many copies of a row), else
        by `splits` as the others.
    n_jobs : int or None
    random_state : RandomState instance
    """
    seeds = random_state.randint(2**31 - 1, size=len(members))
    values = {}
    n_threads = n_jobs
    if n_jobs is None and evidence.n_rows > MANY_ROWS:
        # boosting and linear algebra take the threads of OpenMP unasked: so may trees
        n_threads = _openmp_effective_n_threads()
    for (name, model), seed in zip(members, seeds, strict=True):
        with warnings.catch_warnings():
            # rare classes have been named when the splits were made
            warnings.simplefilter("ignore", RareClassWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)  # nearly converged will do
            if model is None:
                values[name] = _neighbor_proba(evidence, n_threads, int(seed))
                continue
            how = {"random_state": int(seed), "n_jobs": n_jobs}
            alone = bags and evidence.inputs.groups is None and _is_bag(model)
            alone = alone and spares_copies(model, evidence)
            if alone:
                model = _with_jobs(model, n_threads)
            values[name] = evidence.responses(model, cv=None if alone else splits, **how).values
    return values


def _is_bag(model):
    last = model[-1] if isinstance(model, Pipeline) else model
    return bool(getattr(last, "bootstrap", False)) and hasattr(last, "oob_score")


def _with_jobs(model, n_jobs):
    """Out of bag there is one fit: what is parallel is in it."""
    model = clone(model)
    last = model[-1] if isinstance(model, Pipeline) else model
    if last.n_jobs is None:
        last.set_params(n_jobs=n_jobs)
    return model


class SomeNeighbors(BaseEstimator):
    """Neighbours among a sample of the rows, numbered as all rows are.

    Parameters
    ----------
    metric : str, default="minkowski"
    max_rows : int >= 1, default=3000
        Size of the sample; fewer rows are all in it.
    n_jobs : int or None, default=None
    random_state : int, RandomState instance or None, default=None
        Draws the sample.

    Attributes
    ----------
    rows_ : ndarray of int
        The sample.
    """

    def __init__(self, metric="minkowski", max_rows=MAX_INDEX, n_jobs=None, random_state=None):
        self.metric = metric
        self.max_rows = max_rows
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y=None):
        n = X.shape[0]
        rng = check_random_state(self.random_state)
        few = n <= self.max_rows
        self.rows_ = np.arange(n) if few else np.sort(rng.permutation(n)[: self.max_rows])
        index = NearestNeighbors(metric=self.metric, n_jobs=self.n_jobs)
        self.index_ = index.fit(X if few else X[self.rows_])
        return self

    def kneighbors(self, X, n_neighbors):
        far, near = self.index_.kneighbors(X, n_neighbors=min(n_neighbors, len(self.rows_)))
        return far, self.rows_[near]


def _neighbor_proba(evidence, n_jobs, seed):
    """(n, K): labels of the nearest other rows, weighted by distance, plus one row of the prior.

    Cauchy weights, whose unit is the row's median distance. Rows of the same group have no say.
    """
    inputs, codes = evidence.inputs, evidence.target.codes
    n, n_classes = len(codes), len(evidence.target.classes)
    features = numeric_features(None, evidence)  # not kept, since nobody asks for them again
    metric = "cosine" if issparse(features) else "minkowski"
    index = SomeNeighbors(metric, n_jobs=n_jobs, random_state=seed)
    weight = (
        np.ones(n)
        if inputs.sample_weight is None
        else inputs.sample_weight / np.mean(inputs.sample_weight)
    )
    groups = None
    if inputs.groups is not None:
        groups = np.unique(inputs.groups, return_inverse=True)[1]
    counts = np.tile(np.bincount(codes, weight, n_classes) / weight.sum(), (n, 1))
    all_rows = np.arange(n)
    for part, indices, distances in near_rows(features, evidence, N_NEIGHBORS, neighbors=index):
        rows = all_rows[part]
        unit = np.maximum(np.median(distances, axis=1, keepdims=True), 1e-9)
        say = 1.0 / (1.0 + (distances / unit) ** 2)
        say *= weight[indices]
        if groups is not None:
            say *= groups[indices] != groups[rows, None]
        for label, one in zip(codes[indices].T, say.T, strict=True):
            counts[rows, label] += one
    counts[evidence.members[codes] == 1] = np.nan  # nobody else has its class
    return counts / counts.sum(axis=1, keepdims=True)


def behind_first_steps(members, pipeline, evidence):
    """Members as the last step of a pipeline whose steps look at the labels: fitted in each fold.

    The nearest rows are nobody then, since they are sought once, among all rows.
    """
    made = clone(first_steps(pipeline)).fit_transform(evidence.inputs.X, evidence.target.y)
    units = MaxAbsScaler() if issparse(made) else TableEncoder()
    named = members(made if issparse(made) else units.fit_transform(made))
    steps = first_steps(pipeline).steps
    return [
        (name, Pipeline([*steps, ("units", units), (f"member {name}", model)]))
        for name, model in named
        if model is not None
    ]


def on_features(estimator, evidence):
    """`Evidence` on X as numbers; None, with a warning, where only `estimator` understands X."""
    try:
        features = evidence.features(estimator)
    except (ValueError, TypeError, AttributeError):  # the last of objects taken for texts
        if estimator is None:
            features = _fill(evidence.inputs.X)
            if features is None:
                raise
        else:
            X, model = evidence.inputs.X, label_free(estimator)
            if isinstance(model, Pipeline) and len(model.steps) > 1:
                steps = clone(first_steps(model))
                X, model = steps.fit_transform(X, evidence.target.y), model[-1]
            features = _fill(X) if get_tags(model).input_tags.allow_nan else None
            if features is None:
                warnings.warn(
                    "X cannot be turned into numbers, so suspect rows are found by "
                    f"{type(estimator).__name__} alone and not by a committee. Give X as a "
                    "DataFrame, or wrap a Pipeline whose first steps encode it.",
                    UserWarning,
                    stacklevel=2,
                )
                return None
    return evidence.replaced(X=features, fit_params=None, weight_strategy="native")


def _fill(X):
    """An array with missing values as those of a DataFrame are treated; None if it is no such."""
    try:
        numbers = as_numpy(X, "X")
        if numbers.dtype.kind not in "fiubO" or numbers.ndim != 2:
            return None
        numbers = numbers.astype(float)
    except (TypeError, ValueError):
        return None
    if np.isinf(numbers).any() or not np.isnan(numbers).any():
        return None
    return TableEncoder().fit_transform(numbers)
