"""Rows that all learners find hard."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state

from sknoisy._typing import ArrayLike, Contamination, CVLike, FloatArray, IntArray, RandomStateLike
from sknoisy.detection._base import BaseDetector
from sknoisy.detection.committees._consensus import Consensus
from sknoisy.exceptions import RareClassWarning

MEASURES = ("learners", "kdn", "ds", "dcp", "tdu", "tdp", "cl", "cld", "mv")
N_NEIGHBORS = 5
N_PRUNINGS = 8


class InstanceHardness(Consensus):
    """Wrong labels by how hard each row is for several unlike models.

    The hardness of a row is 1 minus the probability of its given label, out of sample, averaged
    over the models. A row that is hard for one model may suit it badly; a row that is hard for all
    is wrong, or lies among other classes.

    `measures` can add, or put in its place, the hardness measures that say why: each is in [0, 1],
    and their mean is the score:

    - "learners": the above;
    - "kdn": share of the 5 nearest rows with another label (disagreeing neighbours);
    - "ds": 1 minus the size of the row's leaf in an unpruned decision tree, relative to the largest
      leaf (disjunct size, without the row itself);
    - "dcp": share of the rows with another label in the leaf of a pruned tree (disjunct class
      percentage);
    - "tdu", "tdp": depth of that leaf in the unpruned and in the pruned tree, relative to the
      deepest one (tree depth);
    - "cl", "cld": 1 minus the class likelihood by naive Bayes with equal priors, out of sample, and
      half of 1 minus its difference to that of the likeliest other class;
    - "mv": 1 minus the size of the class, relative to the largest class (minority value).

    "ds", "tdu", "tdp" and "mv" do not look at the row's label, or only at its class: they find rows
    that are rare rather than wrong.

    Number of fits: `cv` (5) for each estimator; 1 in place of `cv` for a forest or bagging, which
    is judged out of bag. With all defaults: 11. "cl" and "cld" add `cv` fits of naive Bayes, the
    trees one each, and the pruned one 3 for each of up to 8 prunings that are tried.

    Parameters
    ----------
    estimators : list of (str, estimator) tuples, default=None
        The learners, as in `Consensus`. A list of None means three unlike models.
    measures : list of str, default=("learners",)
        Which measures are averaged. All but "learners" and "mv" look at the rows as numbers: the
        first steps of the first of `estimators` that is a Pipeline make them; otherwise see
        `NeighborDisagreement`.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto": those whose likeliest label by the averaged probabilities
        of the learners is another one, and whose `noise_proba_` is above one half.
    cv : int, splitter, iterable or None, default=None
        Folds. None means out-of-bag where the estimator can, else 5 stratified folds; an int always
        means folds.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimators` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Hardness, in [0, 1]; NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong. With "auto": the posterior by the confident joint
        of the averaged probabilities.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label; for a flagged row the likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    class_proba_ : ndarray of shape (n, K)
        Out-of-sample probabilities, averaged over the learners.
    measures_ : DataFrame of shape (n, len(measures))
        Each measure; columns are named as in `measures`, and the index is the row number.
    n_votes_, n_against_ : ndarray of shape (n,) of int
        Number of learners, and of those that find another label likelier.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Consensus : Learners vote, rather than average.
    NeighborDisagreement : "kdn" alone, with more choices.

    Notes
    -----
    With a single model in `estimators` this is the score of imbalanced-learn's
    `InstanceHardnessThreshold`, which then drops the hardest rows of the larger classes until all
    classes are equally frequent, whether or not these are wrong.

    References
    ----------
    M. Smith, T. Martinez, C. Giraud-Carrier: "An instance level analysis of data complexity",
    Machine Learning 95, 2014 (there nine learners; here three by default. There class likelihoods
    are those of the training set; here naive Bayes has not seen the row. There trees are pruned by
    C4.5's rule; here by cost and complexity, the best of 8 in 3-fold cross-validation).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.detection import InstanceHardness
    >>> X, y = load_iris(return_X_y=True)
    >>> y[[3, 60]] = [2, 0]
    >>> detector = InstanceHardness(measures=["learners", "kdn"], random_state=0).fit(X, y)
    >>> sorted(detector.noise_score_.argsort()[-2:].tolist())
    [3, 60]
    >>> detector.measures_.columns.tolist()
    ['learners', 'kdn']
    """

    _task = "classification"
    _assumes = "a right row is easy for most of several unlike models"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        "estimators": [list, None],
        "measures": ["array-like"],
        **{
            name: BaseDetector._parameter_constraints[name]
            for name in ("contamination", "cv", "n_jobs", "random_state")
        },
    }

    # a consensus of one round, by averaged probabilities
    vote, n_repeats, train_on, max_iter, tol = "average", 1, "rest", 1, 0.0

    class_proba_: FloatArray
    measures_: pd.DataFrame
    n_votes_: IntArray
    n_against_: IntArray

    def __init__(
        self,
        estimators: list[tuple[str, Any]] | None = None,
        *,
        measures: ArrayLike = ("learners",),
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimators = estimators
        self.measures = measures
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        names = self._checked_measures()
        finding = super()._find(evidence)
        judged = ~np.isnan(finding.score)
        table = {"learners": finding.score, **self._others(names, evidence)}
        table = pd.DataFrame({name: np.where(judged, table[name], np.nan) for name in names})
        finding.score = np.clip(table.to_numpy().mean(axis=1), 0.0, 1.0)
        finding.mask &= finding.noise_proba > 0.5
        for name in ("n_iter_", "n_flagged_"):
            del finding.attributes[name]
        finding.attributes["measures_"] = table
        return finding

    def _others(self, names, evidence):
        """The measures that are asked for, but "learners"."""
        target, found = evidence.target, {}
        if {"kdn", "ds", "tdu", "dcp", "tdp", "cl", "cld"} & set(names):
            evidence = self._encoded(evidence)
        if "kdn" in names:
            near = evidence.neighbors(None, n_neighbors=N_NEIGHBORS, n_jobs=self.n_jobs)
            found["kdn"] = (target.codes[near.indices] != target.codes[:, None]).mean(axis=1)
        if {"ds", "tdu"} & set(names):
            size, found["tdu"], _ = self._leaves(evidence, alpha=0.0)
            found["ds"] = 1.0 - (size - 1.0) / max(size.max() - 1.0, 1.0)
        if {"dcp", "tdp"} & set(names):
            _, found["tdp"], found["dcp"] = self._leaves(evidence, alpha=self._pruning(evidence))
        if {"cl", "cld"} & set(names):
            found["cl"], found["cld"] = self._likelihood(evidence)
        if "mv" in names:
            counts = np.bincount(target.codes)
            found["mv"] = 1.0 - counts[target.codes] / counts.max()
        return found

    def _encoded(self, evidence):
        """The same rows as numbers: by the first steps of the first learner that is a Pipeline."""
        features = evidence.features(first_pipeline(self.estimators))
        return evidence.replaced(X=features, fit_params=None)

    def _leaves(self, evidence, alpha):
        """Size, relative depth and share of other labels of each row's leaf."""
        X, codes = evidence.inputs.X, evidence.target.codes
        tree = self._tree(alpha).fit(X, codes, evidence.inputs.sample_weight)
        leaf = np.unique(tree.apply(X), return_inverse=True)[1]
        of_label = leaf * len(evidence.target.classes) + codes
        size = np.bincount(leaf)[leaf]
        depth = np.asarray(tree.decision_path(X).sum(axis=1)).ravel() - 1.0
        return size, depth / max(depth.max(), 1.0), 1.0 - np.bincount(of_label)[of_label] / size

    def _tree(self, alpha):
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        return DecisionTreeClassifier(ccp_alpha=alpha, random_state=seed)

    def _pruning(self, evidence):
        """The cost of complexity, of those on the path of the whole tree, that predicts best."""
        X, codes = evidence.inputs.X, evidence.target.codes
        path = self._tree(0.0).cost_complexity_pruning_path(X, codes, evidence.inputs.sample_weight)
        alphas = np.unique(np.maximum(path.ccp_alphas, 0.0))
        alphas = alphas[np.unique(np.linspace(0, len(alphas) - 1, N_PRUNINGS).round().astype(int))]

        def accuracy(alpha):
            proba = evidence.responses(
                self._tree(alpha), cv=3, random_state=self.random_state, n_jobs=self.n_jobs
            ).values
            return (np.nan_to_num(proba).argmax(axis=1) == codes).mean()

        with warnings.catch_warnings():  # the learners' folds have named the rare classes
            warnings.simplefilter("ignore", RareClassWarning)
            return max(alphas[::-1], key=accuracy)  # of equally good ones the simplest

    def _likelihood(self, evidence):
        """1 minus the given class's share of the likelihoods; half of 1 minus its lead."""
        if issparse(evidence.inputs.X):
            raise TypeError(
                'The measures "cl" and "cld" of InstanceHardness need dense features, and these '
                "are sparse: leave the two out."
            )
        if not np.ptp(evidence.inputs.X, axis=0).any():  # all rows alike: all classes as likely
            n_classes = len(evidence.target.classes)
            return np.full(evidence.n_rows, 1.0 - 1.0 / n_classes), np.full(evidence.n_rows, 0.5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RareClassWarning)
            proba = evidence.responses(
                GaussianNB(), cv=self.cv, random_state=self.random_state, n_jobs=self.n_jobs
            ).values
        rows, codes = np.arange(evidence.n_rows), evidence.target.codes
        prior = np.bincount(codes, evidence.inputs.sample_weight)
        proba = proba / np.maximum(prior, 1e-9 * prior.sum())  # as with equal priors
        proba = proba / proba.sum(axis=1, keepdims=True)
        given = proba[rows, codes]
        proba[rows, codes] = 0.0
        return 1.0 - given, (1.0 - given + proba.max(axis=1)) / 2.0

    def _checked_measures(self):
        names = list(self.measures)
        odd = [name for name in names if name not in MEASURES]
        if odd or not names or len(set(names)) < len(names):
            raise ValueError(
                f"measures of InstanceHardness must be one or more of {', '.join(MEASURES)}, each "
                f"once, got {names}."
            )
        return names

    def _reason(self, row):
        values = self.measures_.iloc[row]
        if list(values.index) == ["learners"]:
            return super()._reason(row)
        parts = ", ".join(f"{name} {value:.2f}" for name, value in values.items())
        return f"{super()._reason(row)}; {parts}"


def first_pipeline(estimators):
    """The first of (name, estimator) pairs that is a Pipeline of several steps, or None."""
    models = [model for _, model in estimators or [] if isinstance(model, Pipeline)]
    return next((model for model in models if len(model.steps) > 1), None)
