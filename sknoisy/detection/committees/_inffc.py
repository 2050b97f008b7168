"""Wrong labels by a fusion of classifiers and a look at the neighbours, in rounds."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Evidence
from sknoisy._typing import Contamination, CVLike, FloatArray, IntArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import label_posterior
from sknoisy.detection.committees._consensus import Consensus, Tally
from sknoisy.detection.committees._instance_hardness import first_pipeline
from sknoisy.exceptions import RareClassWarning


class INFFC(Consensus):
    """Wrong labels by models that vote and neighbours that confirm, in rounds.

    The iterative noise filter based on the fusion of classifiers. In each round:

    1. models vote on each row they have not seen; rows that are voted down are left out;
    2. models fitted without these vote again; who is voted down now is noisy;
    3. of these, the rows are removed whose noise score is above `min_score`: the mean over the
       nearest rows, +1 for another label and -1 for the same, where a neighbour counts less the
       more noisy rows it is near to, and the less it is itself to be trusted.

    What is removed is never again fitted on, nor a neighbour. It ends when `n_iter_no_change`
    rounds in a row have removed no more than the share `tol` of the rows.

    The third step spares rows that models get wrong and their neighbours do not, such as those of a
    small heap of a class among another one.

    Number of fits: `2 * cv` (10) for each estimator and round, `cv` in rounds in which nothing is
    voted down; in the first vote 1 in place of `cv` for a forest or bagging, which is judged out of
    bag. There are 3 rounds at least: about 90 fits with all defaults.

    Parameters
    ----------
    estimators : list of (str, estimator) tuples, default=None
        Who votes, as in `Consensus`. A list of None means three unlike models.
    vote : {"majority", "unanimous"}, default="majority"
        Which rows are voted down: those with more than half of the votes, or all votes, against the
        given label.
    n_neighbors : int >= 1, default=5
        Number of nearest rows in the noise score. They are found in the features that the first
        steps of the first of `estimators` that is a Pipeline make; without one, see
        `NeighborDisagreement`.
    min_score : float in [-1, 1], default=0.0
        Noise score above which a noisy row is removed. The lower, the more are.
    max_iter : int >= 1, default=20
        Number of rounds at most.
    n_iter_no_change : int >= 1, default=3
        Number of rounds in a row that must remove little, before it ends.
    tol : float in [0, 1], default=0.01
        What share of all rows is little.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions. "own":
        those that were removed.
    cv : int, splitter, iterable or None, default=None
        Folds. None means out-of-bag where the estimator can, else 5 stratified folds; an int always
        means folds. Each round has other folds, where they are not given.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimators` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        In [0, 1]: at least 2/3 for removed rows, at least 1/3 for other rows that are noisy by the
        last round, and within these parts in the order of `neighbor_score_`, for the rest of 1
        minus the averaged probability of the given label. NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong. With "own": the posterior by the confident joint
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
        Out-of-sample probabilities, averaged over the votes of the last round.
    neighbor_score_ : ndarray of shape (n,)
        The noise score of the neighbours, in [-1, 1]: of the round in which a row was removed, or
        of the last one.
    n_votes_, n_against_ : ndarray of shape (n,) of int
        Votes of the last round, and those against the given label.
    n_iter_ : int
        Number of rounds.
    n_flagged_ : ndarray of shape (`n_iter_`,) of int
        Rows removed up to and including each round.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Consensus : The votes alone.
    IterativePartitioning : Rounds of votes by models of small parts.

    References
    ----------
    J. Sáez, M. Galar, J. Luengo, F. Herrera: "INFFC: an iterative class noise filter based on the
    fusion of classifiers with noise sensitivity control", Information Fusion 27, 2016 (there C4.5,
    three nearest neighbours and logistic regression vote; here any models, by default those of
    `Consensus`, which all take weights, and they only vote on rows they have not seen. The noise
    score is that of the R package NoiseFiltersR; the ranking of rows that are not removed is not
    theirs).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.detection import INFFC
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> detector = INFFC(random_state=0).fit(X, y_noisy)
    >>> bool(wrong[detector.noise_mask_].mean() > 0.8)
    True
    """

    _task = "classification"
    _assumes = "most labels near a right row are its own; models of unlike kinds err on other rows"
    _auto = "count"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        "estimators": [list, None],
        "vote": [StrOptions({"majority", "unanimous"})],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "min_score": [Interval(Real, -1, 1, closed="both")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, 1, closed="both")],
        **{
            name: BaseDetector._parameter_constraints[name]
            for name in ("contamination", "cv", "n_jobs", "random_state")
        },
    }

    train_on = "rest"

    class_proba_: FloatArray
    neighbor_score_: FloatArray
    n_votes_: IntArray
    n_against_: IntArray
    n_iter_: int
    n_flagged_: IntArray

    def __init__(
        self,
        estimators: list[tuple[str, Any]] | None = None,
        *,
        vote: Literal["majority", "unanimous"] = "majority",
        n_neighbors: int = 5,
        min_score: float = 0.0,
        max_iter: int = 20,
        n_iter_no_change: int = 3,
        tol: float = 0.01,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimators = estimators
        self.vote = vote
        self.n_neighbors = n_neighbors
        self.min_score = min_score
        self.max_iter = max_iter
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        pipeline = first_pipeline(self.estimators)
        voters, evidence = self._voters(evidence)
        features = evidence.features(pipeline)
        codes, n = evidence.target.codes, evidence.n_rows
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=self.max_iter - 1)

        tally = Tally.empty(codes, len(evidence.target.classes))
        removed, near_score = np.zeros(n, dtype=bool), np.zeros(n)
        n_removed, calm = [], 0
        for seed in [self.random_state, *map(int, seeds)]:  # the first shares what others ask for
            noisy = self._vote(evidence, voters, seed, removed, tally)
            rest = np.flatnonzero(~removed)
            near_score[rest] = self._near_score(features, evidence, noisy, rest)
            new = noisy & (near_score > self.min_score)
            removed |= new
            n_removed.append(removed.sum())
            calm = calm + 1 if new.sum() <= self.tol * n else 0
            if calm == self.n_iter_no_change or n - removed.sum() < 2:
                break
        proba, doubt = tally.proba, tally.doubt
        posterior = label_posterior(proba, codes)
        within = np.where(removed | noisy, (1.0 + near_score) / 2.0, doubt)
        return Finding(
            score=np.where(
                np.isnan(doubt), np.nan, (2.0 * removed + (noisy & ~removed) + within) / 3
            ),
            suggestion=proba,
            noise_proba=1.0 - posterior[np.arange(n), codes],
            mask=removed,
            label_proba=posterior,
            attributes={
                "class_proba_": proba,
                "neighbor_score_": near_score,
                "n_votes_": tally.n_votes,
                "n_against_": tally.n_against,
                "n_iter_": len(n_removed),
                "n_flagged_": np.array(n_removed),
            },
        )

    def _vote(self, evidence, voters, seed, removed, tally):
        """Rows that are noisy in this round; `tally` takes over the last vote on each row."""
        may_go = ~removed & ~evidence.trusted
        with warnings.catch_warnings():
            if tally.n_votes.any():  # the rare classes have been named
                warnings.simplefilter("ignore", RareClassWarning)
            tally.replace(self._poll(evidence, voters, [seed], removed, tally))
            out = tally.outvoted(self.vote) & may_go
            if out.any():
                warnings.simplefilter("ignore", RareClassWarning)
                tally.replace(self._poll(evidence, voters, [seed], removed | out, tally))
        return tally.outvoted(self.vote) & may_go

    def _near_score(self, features, evidence, noisy, rest):
        """Noise score of each row of `rest`, all others left out."""
        codes, copies = evidence.target.codes, evidence.copies.part(rest)
        remaining = Evidence(features[rest], codes[rest], task="classification", copies=copies)
        near = remaining.neighbors(None, n_neighbors=self.n_neighbors, n_jobs=self.n_jobs).indices
        return noise_score(near, codes[rest], noisy[rest])

    def _reason(self, row):
        part = int(3 * self.noise_score_[row] + 1e-9)
        side = ["not noisy", "kept", "removed", "removed"][part]
        return (
            f"{super()._reason(row)}; neighbours' noise score {self.neighbor_score_[row]:+.2f} "
            f"({side})"
        )


def noise_score(near, codes, noisy):
    """(n,) noise score of each row, from its k nearest rows `near` (n, k) and who is noisy.

    A neighbour that many noisy rows are near to counts little; a clean one counts from 1/2 to 1,
    the more the fewer noisy neighbours it has, and a noisy one from 0 to 1/2, the more the more
    noisy neighbours it has, since it may be right among wrong ones.
    """
    k = near.shape[1]
    times_near_noisy = np.bincount(near[noisy].ravel(), minlength=len(codes))
    confidence = 1.0 / np.sqrt(1.0 + times_near_noisy**2)
    n_noisy = noisy[near].sum(axis=1)
    clean = np.where(noisy, n_noisy, 2 * k - n_noisy) / (2 * k)
    differs = np.where(codes[near] == codes[:, None], -1.0, 1.0)
    return (differs * (confidence * clean)[near]).mean(axis=1)
