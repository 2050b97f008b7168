"""Wrong labels by models of small parts, in rounds: the iterative partitioning filter."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import cross_fit
from sknoisy._evidence._cross_fit import gather
from sknoisy._evidence._responses import LabelResponse
from sknoisy._limits import without
from sknoisy._typing import Contamination, CVLike, Estimator, FloatArray, IntArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import disagrees, label_posterior
from sknoisy.detection.committees._consensus import Tally
from sknoisy.exceptions import RareClassWarning


class IterativePartitioning(BaseDetector):
    """Wrong labels by the votes of models of small parts, in rounds (IPF).

    In each round the rows are split into parts; a model is fitted on each part and votes on all
    rows. Rows that are voted down are removed: no later model is fitted on them. It ends when
    `n_iter_no_change` rounds in a row have removed no more than the share `tol` of the rows.

    `Consensus` with `train_on="part"` is a close relative: there several kinds of models may vote,
    what is flagged may be cleared in a later round, and no model votes on its own part.

    Number of fits: `cv` (5) for each round, each on 1 / `cv` of the rows; there are 3 rounds at
    least.

    Parameters
    ----------
    estimator : estimator object, default=None
        The model. None means the one a treatment wraps; alone, a random forest of 200 trees.
    vote : {"majority", "unanimous"}, default="majority"
        Which rows are voted down: those with more than half of the votes, or all votes, against the
        given label.
    own_model : {"required", "counted", "ignored"}, default="required"
        What the vote of the model is worth that was fitted on the row itself: it must be against
        the label, too; it is a vote like others; it has none. A model that fits every row it is
        given (a fully grown tree, one neighbour) never votes against one of its own: it needs
        "counted" or "ignored", or it finds nothing.
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
        Number of parts, or a splitter whose test parts they are. None means 5. Each round has other
        parts, where they are not given.
    n_jobs : int or None, default=None
        Fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the parts and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        (r + (a + d) / (v + 1)) / 2, where r is 1 for a removed row and 0 for others, and, of the
        round in which it was removed or of the last one, a of v votes are against, and d is 1 minus
        the averaged probability of the given label by the models of other parts. In [0, 1]; NaN for
        a row that could not be judged.
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
        Probabilities averaged over the models of other parts, of the same round.
    n_votes_, n_against_ : ndarray of shape (n,) of int
        Votes in that round, and those against the given label.
    n_iter_ : int
        Number of rounds.
    n_flagged_ : ndarray of shape (`n_iter_`,) of int
        Rows removed up to and including each round.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Consensus : The filters of one round, and votes of several kinds of models.
    INFFC : Rounds of votes that neighbours must confirm.

    References
    ----------
    T. Khoshgoftaar, P. Rebours: "Improving software quality prediction by noise filtering
    techniques", Journal of Computer Science and Technology 22, 2007 (there of C4.5; here of any
    model. That a share of the good rows is set aside in each round, for speed, is left out).

    X. Zhu, X. Wu, Q. Chen: "Eliminating class noise in large datasets", ICML 2003 (the filter of
    one round).

    C. Brodley, M. Friedl: "Identifying mislabeled training data", Journal of Artificial
    Intelligence Research 11, 1999 (votes of models that have not seen the row).

    J. Sáez, J. Luengo, J. Stefanowski, F. Herrera: "SMOTE-IPF: addressing the noisy and borderline
    examples problem in imbalanced classification by a re-sampling method with filtering",
    Information Sciences 291, 2015 (`own_model="counted"`).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.detection import IterativePartitioning
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> tree = DecisionTreeClassifier(min_samples_leaf=3)
    >>> detector = IterativePartitioning(tree, random_state=0).fit(X, y_noisy)
    >>> bool(wrong[detector.noise_mask_].mean() > 0.6)
    True
    """

    _task = "classification"
    _assumes = "a model of one part is right about most rows of the others"
    _auto = "count"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "vote": [StrOptions({"majority", "unanimous"})],
        "own_model": [StrOptions({"required", "counted", "ignored"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, 1, closed="both")],
    }

    class_proba_: FloatArray
    n_votes_: IntArray
    n_against_: IntArray
    n_iter_: int
    n_flagged_: IntArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        vote: Literal["majority", "unanimous"] = "majority",
        own_model: Literal["required", "counted", "ignored"] = "required",
        max_iter: int = 20,
        n_iter_no_change: int = 3,
        tol: float = 0.01,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.vote = vote
        self.own_model = own_model
        self.max_iter = max_iter
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        codes, n = evidence.target.codes, evidence.n_rows
        model = self._model(evidence)
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=self.max_iter)

        # of the votes that count; of the models of other parts
        tally, total = (Tally.empty(codes, len(evidence.target.classes)) for _ in range(2))
        removed, n_removed, calm = np.zeros(n, dtype=bool), [], 0
        with warnings.catch_warnings():
            for seed in map(int, seeds):
                votes, others, own_against = self._poll(evidence, model, seed, removed, total)
                new = votes.outvoted(self.vote) & ~removed & ~evidence.trusted
                for kept, newer in ((tally, votes), (total, others)):
                    newer.n_votes[removed] = 0  # what is removed keeps the votes it went by
                    kept.replace(newer)
                if self.own_model == "required":
                    new &= own_against
                removed |= new
                n_removed.append(removed.sum())
                calm = calm + 1 if new.sum() <= self.tol * n else 0
                if calm == self.n_iter_no_change:
                    break
                warnings.simplefilter("ignore", RareClassWarning)  # named in the first round
        proba, doubt = total.proba, total.doubt
        posterior = label_posterior(proba, codes)
        votes_score = (tally.n_against + doubt) / (tally.n_votes + 1)
        return Finding(
            score=(removed + votes_score) / 2.0,
            suggestion=proba,
            noise_proba=1.0 - posterior[np.arange(n), codes],
            mask=removed,
            label_proba=posterior,
            attributes={
                "class_proba_": proba,
                "n_votes_": tally.n_votes,
                "n_against_": tally.n_against,
                "n_iter_": len(n_removed),
                "n_flagged_": np.array(n_removed),
            },
        )

    def _poll(self, evidence, model, seed, removed, so_far):
        """One round: all votes that count, those of other parts, whose own model is against."""
        target, n = evidence.target, evidence.n_rows
        seed = None if self.random_state is None else seed
        folds = evidence.splits(self.cv, random_state=seed)
        suspicion, everyone = (so_far.share, so_far.doubt), np.arange(n)
        parts = [without(test, removed, suspicion, target.codes) for _, test in folds[0]]
        # who has seen one class only has no opinion
        splits = [(part, everyone) for part in parts if len(np.unique(target.codes[part])) > 1]
        answers = cross_fit(
            model,
            evidence,
            splits,
            LabelResponse(target.classes),
            random_state=seed,
            n_jobs=self.n_jobs,
        )
        votes = Tally.empty(target.codes, len(target.classes))
        others = Tally.empty(target.codes, len(target.classes))
        own_against = np.zeros(n, dtype=bool)
        for answer, split in zip(answers, splits, strict=True):
            proba = gather([answer], [split], np.zeros(1, dtype=int), target, None).values
            own, elsewhere = split[0], proba.copy()
            elsewhere[own] = np.nan
            others.add(elsewhere)
            votes.add(elsewhere if self.own_model == "ignored" else proba)
            own_against[own] |= disagrees(proba[own], target.codes[own])
        return votes, others, own_against

    def _reason(self, row):
        proba, given = self.class_proba_[row], self._target.codes[row]
        return (
            f"{self.n_against_[row]} of {self.n_votes_[row]} models of parts are against; those "
            f"that have not seen the row give {self.classes_[given]} p={proba[given]:.2f}"
        )
