"""Wrong labels by the vote of several models."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metadata_routing import _routing_enabled

from sknoisy._evidence import Folds, cross_fit, out_of_sample
from sknoisy._evidence._cross_fit import gather
from sknoisy._evidence._fitting import IsModel, check_kind
from sknoisy._evidence._responses import LabelResponse
from sknoisy._evidence._table import default_model
from sknoisy._limits import without
from sknoisy._typing import Contamination, CVLike, FloatArray, IntArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import disagrees, label_posterior
from sknoisy.detection.committees._members import NamedMembers
from sknoisy.exceptions import RareClassWarning


class Consensus(NamedMembers, BaseDetector):
    """Wrong labels by the vote of several models, repeats or rounds.

    Each model that has not seen a row has one vote on it: against the given label, when it finds
    another one likelier. The classical filters are settings of it:

    - consensus filter: several `estimators`, `vote="unanimous"`, `cv=10`;
    - majority filter: the same with `vote="majority"`;
    - classification filter: a single one of `estimators`, `cv=10`;
    - partition filter: a single one, `train_on="part"`, `vote="majority"` or "unanimous";
    - iterative partitioning filter: that, `max_iter=10`, `tol=0.01`.

    Number of fits: `cv` (5) for each estimator, repeat and round; in the first round 1 in place of
    `cv` for a forest or bagging, which is judged out of bag. With all defaults: 11.

    Parameters
    ----------
    estimators : list of (str, estimator) tuples, default=None
        Who votes. They are reached by name in `set_params`, where "drop" takes one out. An
        estimator of None means the one a treatment wraps; alone, a random forest. A list of None
        means three unlike models: "linear" (logistic regression), "forest" (random forest) and
        "kernel" (logistic regression on random Fourier features). They vote on the wrapped
        Pipeline's features, its steps but the last being fitted with them; without such steps, on
        numbers brought to equal spread, an encoded DataFrame, or TF-IDF of texts.
    vote : {"unanimous", "majority", "average"}, default="unanimous"
        With `contamination="auto"`, which rows are flagged: those with all votes against the given
        label, with more than half of them, or whose likeliest label by the averaged probabilities
        is another one.
    n_repeats : int >= 1, default=1
        How often everything is repeated, with other folds (where `cv` is an int) and seeds.
    train_on : {"rest", "part"}, default="rest"
        "rest": a model is fitted on all folds but one and judges that one, as in cross-validation.
        "part": it is fitted on one fold and judges all others, so that each row has `cv` - 1 votes
        from each estimator, by models of fewer rows.
    max_iter : int >= 1, default=1
        Number of rounds. In each one after the first, models are fitted without the rows that are
        flagged by then, and judge all rows again, so that a flagged row may be cleared. The 5 least
        suspect rows of each class are never left out of a fit.
    tol : float in [0, 1], default=0.01
        No further round when the last one changed the verdict on no more than this share of rows.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is the rule of `vote`, which the rounds use in any case.
    cv : int, splitter, iterable or None, default=None
        Folds. None means out-of-bag where the estimator can, else 5 stratified folds; an int always
        means folds. A row that a splitter tests several times has one vote, by averaged
        probabilities.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimators` leave at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        For "unanimous" and "majority" (a + d) / (v + 1), of v votes a against, where d is 1 minus
        the averaged probability of the given label: rows are in the order of their votes, and those
        of equal votes in the order of d. For "average": d. In [0, 1]; NaN for a row that could not
        be judged.
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
        Out-of-sample probabilities, averaged over all votes of the last round.
    n_votes_, n_against_ : ndarray of shape (n,) of int
        Votes in the last round, and those against the given label.
    n_iter_ : int
        Number of rounds.
    n_flagged_ : ndarray of shape (`n_iter_`,) of int
        Rows flagged after each round.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    ConfidentLearning : One model, and a count of how many labels are wrong.
    NeighborDisagreement : Neighbours vote.

    References
    ----------
    C. Brodley, M. Friedl: "Identifying mislabeled training data", Journal of Artificial
    Intelligence Research 11, 1999 (the majority and consensus filters; there of a decision tree,
    the nearest neighbour and a linear machine. Here a kernel model has the place of the neighbours,
    which take no weights, and a forest that of the tree).

    X. Zhu, X. Wu, Q. Chen: "Eliminating class noise in large datasets", ICML 2003 (the partition
    filter; there rules vote rather than whole models).

    T. Khoshgoftaar, P. Rebours: "Improving software quality prediction by noise filtering
    techniques", Journal of Computer Science and Technology 22, 2007 (the iterative partitioning
    filter; there a model also votes on the rows it was fitted on, flagged rows are gone for good,
    and it ends after three rounds that flag less than 1 % each).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.detection import Consensus
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> detector = Consensus(random_state=0).fit(X, y_noisy)
    >>> bool(wrong[detector.noise_mask_].mean() > 0.8)
    True

    The iterative partitioning filter of decision trees:

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> trees = [("tree", DecisionTreeClassifier(min_samples_leaf=2))]
    >>> ipf = Consensus(trees, train_on="part", vote="majority", max_iter=10, random_state=0)
    >>> bool(wrong[ipf.fit(X, y_noisy).noise_mask_].mean() > 0.6)
    True
    """

    _task = "classification"
    _assumes = "models that have not seen a row are rarely all wrong about it"
    _suggests_unseen = True
    _list_of = "estimators"
    _parameter_constraints: dict = {
        "estimators": [list, None],
        "vote": [StrOptions({"unanimous", "majority", "average"})],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "train_on": [StrOptions({"rest", "part"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, 1, closed="both")],
        **{
            name: BaseDetector._parameter_constraints[name]
            for name in ("contamination", "cv", "n_jobs", "random_state")
        },
    }

    class_proba_: FloatArray
    n_votes_: IntArray
    n_against_: IntArray
    n_iter_: int
    n_flagged_: IntArray

    def __init__(
        self,
        estimators: list[tuple[str, Any]] | None = None,
        *,
        vote: Literal["unanimous", "majority", "average"] = "unanimous",
        n_repeats: int = 1,
        train_on: Literal["rest", "part"] = "rest",
        max_iter: int = 1,
        tol: float = 0.01,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimators = estimators
        self.vote = vote
        self.n_repeats = n_repeats
        self.train_on = train_on
        self.max_iter = max_iter
        self.tol = tol
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ------------------------------------------------------------------ who votes

    def _with_estimator(self, estimator):
        detector = clone(self)
        if isinstance(self.estimators, list):
            detector.estimators = [
                (name, clone(estimator) if model is None else clone(model, safe=False))
                for name, model in self._named()
            ]
        elif (
            self.estimators is None and isinstance(estimator, Pipeline) and len(estimator.steps) > 1
        ):
            last = estimator.steps[-1][0]
            detector.estimators = [
                (name, clone(estimator).set_params(**{last: model}))
                for name, model in default_voters()
            ]
        return detector

    def _check_member(self, name, member):
        if member is None:  # the wrapped model
            return
        if isinstance(member, type):
            check_kind(member, self._task, type(self).__name__)
        if not hasattr(member, "fit"):
            raise TypeError(f"The estimator {name!r} has no fit: {member!r}.")
        who = f"{type(self).__name__}, for its member {name!r},"
        empty = isinstance(member, Pipeline) and not member.steps
        if empty or not IsModel().is_satisfied_by(member):
            raise TypeError(f"{who} needs a classifier, got {type(member).__name__}: it is none.")
        check_kind(member, self._task, who)

    def _voters(self, evidence):
        """The models that vote, and the evidence they vote upon."""
        if self.estimators is not None:
            models = [model for _, model in self._named() if model != "drop"]
            return [default_model(evidence) if m is None else m for m in models], evidence
        encoded = evidence.replaced(X=evidence.features(), fit_params=None)
        return [model for _, model in default_voters()], encoded

    # ------------------------------------------------------------------ the vote

    def _find(self, evidence):
        voters, evidence = self._voters(evidence)
        codes, n = evidence.target.codes, evidence.n_rows
        drawn = check_random_state(self.random_state).randint(2**31 - 1, size=self.n_repeats - 1)
        seeds = [self.random_state, *map(int, drawn)]  # the first shares what others have asked for

        tally = Tally.empty(codes, len(evidence.target.classes))
        flagged, n_flagged = np.zeros(n, dtype=bool), []
        for _ in range(self.max_iter):
            tally.replace(self._poll(evidence, voters, seeds, flagged, tally))
            before, flagged = flagged, tally.outvoted(self.vote) & ~evidence.trusted
            n_flagged.append(flagged.sum())
            if (flagged != before).sum() <= self.tol * n:
                break
        proba, doubt = tally.proba, tally.doubt
        posterior = label_posterior(proba, codes)
        votes_score = (tally.n_against + doubt) / (tally.n_votes + 1)
        return Finding(
            score=doubt if self.vote == "average" else votes_score,
            suggestion=proba,
            noise_proba=1.0 - posterior[np.arange(n), codes],
            mask=flagged,
            label_proba=posterior,
            attributes={
                "class_proba_": proba,
                "n_votes_": tally.n_votes,
                "n_against_": tally.n_against,
                "n_iter_": len(n_flagged),
                "n_flagged_": np.array(n_flagged),
            },
        )

    def _poll(self, evidence, voters, seeds, flagged, so_far):
        """One round: the votes of all models, fitted without the rows that are flagged so far."""
        target, suspicion = evidence.target, (so_far.share, so_far.doubt)
        tally = Tally.empty(target.codes, len(target.classes))
        with warnings.catch_warnings():
            for repeat, seed in enumerate(seeds):
                for voter in voters:
                    for proba in self._opinions(evidence, voter, repeat, seed, flagged, suspicion):
                        tally.add(proba)
                    # the same classes are rare for all voters, and need naming only once
                    warnings.simplefilter("ignore", RareClassWarning)
        return tally

    def _opinions(self, evidence, voter, repeat, seed, flagged, suspicion):
        """Arrays of probabilities (n, K), each of which is one vote on every row it has."""
        how = {"random_state": seed, "n_jobs": self.n_jobs}
        in_parts = self.train_on == "part"
        if not in_parts and not flagged.any():
            # others may ask for the first repeat, too; the rest need not be kept
            if repeat == 0:
                return [evidence.responses(voter, cv=self.cv, **how).values]
            return [out_of_sample(voter, evidence, cv=self.cv, **how).values]
        target = evidence.target
        repeats = evidence.splits(self.cv, random_state=seed)
        splits = [(b, a) if in_parts else (a, b) for folds in repeats for a, b in folds]
        splits = [(without(train, flagged, suspicion, target.codes), b) for train, b in splits]
        # who has seen one class only has no opinion
        splits = [(a, b) for a, b in splits if len(np.unique(target.codes[a])) > 1]
        if not in_parts:
            return [out_of_sample(voter, evidence, cv=Folds(splits), **how).values]
        answers = cross_fit(voter, evidence, splits, LabelResponse(target.classes), **how)
        return [
            gather([answer], [split], np.zeros(1, dtype=int), target, None).values
            for answer, split in zip(answers, splits, strict=True)
        ]

    def _reason(self, row):
        proba, given = self.class_proba_[row], self._target.codes[row]
        best = int(np.argmax(proba))
        votes = f"{self.n_against_[row]} of {self.n_votes_[row]} votes against"
        if best == given:
            return f"{votes}; together {self.classes_[given]} (p={proba[given]:.2f}), as given"
        return (
            f"{votes}; together {self.classes_[best]} (p={proba[best]:.2f}), "
            f"not {self.classes_[given]} (p={proba[given]:.2f})"
        )


@dataclass
class Tally:
    """Votes on each row.

    Attributes
    ----------
    codes : ndarray of shape (n,)
        Given labels.
    n_votes, n_against : ndarray of shape (n,) of int
    total : ndarray of shape (n, K)
        Sum of the probabilities of all votes.
    """

    codes: np.ndarray
    n_votes: np.ndarray
    n_against: np.ndarray
    total: np.ndarray

    @classmethod
    def empty(cls, codes, n_classes):
        n = len(codes)
        zeros = np.zeros(n, dtype=int)
        return cls(codes, zeros, zeros.copy(), np.zeros((n, n_classes)))

    def add(self, proba):
        """Count one vote on each row of `proba` that is not NaN."""
        judged = np.flatnonzero(~np.isnan(proba).any(axis=1))
        self.n_votes[judged] += 1
        self.n_against[judged] += disagrees(proba[judged], self.codes[judged])
        self.total[judged] += proba[judged]

    def replace(self, newer):
        """Take over what `newer` says; a row that it did not judge keeps its votes."""
        judged = newer.n_votes > 0
        for name in ("n_votes", "n_against", "total"):
            getattr(self, name)[judged] = getattr(newer, name)[judged]

    @property
    def share(self):
        return self.n_against / np.maximum(self.n_votes, 1)

    @property
    def proba(self):
        with np.errstate(invalid="ignore"):
            return self.total / self.n_votes[:, None]

    @property
    def doubt(self):
        return np.clip(1.0 - self.proba[np.arange(len(self.codes)), self.codes], 0.0, 1.0)

    def outvoted(self, vote):
        if vote == "average":
            return disagrees(self.proba, self.codes)
        if vote == "majority":
            return 2 * self.n_against > self.n_votes
        return (self.n_against == self.n_votes) & (self.n_votes > 0)


def default_voters():
    """Three unlike models that take weights and sparse features."""
    linear = LogisticRegression(max_iter=1000)
    forest = RandomForestClassifier(n_estimators=100, min_samples_leaf=3)
    on_kernel = LogisticRegression(C=10.0, max_iter=1000)
    if _routing_enabled():  # else no weight would reach them inside a Pipeline
        for model in (linear, forest, on_kernel):
            model.set_fit_request(sample_weight=True)
    kernel = make_pipeline(RBFSampler(gamma="scale", n_components=300), on_kernel)
    return [("linear", linear), ("forest", forest), ("kernel", kernel)]
