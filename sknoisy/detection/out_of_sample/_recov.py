"""Wrong rows by how often they are in the worst fold of a repeated cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from scipy.stats import binom, false_discovery_control
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sknoisy._evidence import cross_fit
from sknoisy._evidence._cross_fit import gather
from sknoisy._evidence._responses import LabelResponse, number_response
from sknoisy._typing import Array, Contamination, Estimator, FloatArray, RandomStateLike, Splitter
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.exceptions import RareClassWarning
from sknoisy.threshold._mixture import two_normals

BLOCK = 10  # repeats that are fitted before their answers are summed up: bounds the memory
LOWEST = 0.01  # probability that counts in a log score: no single row is to decide for its fold


class ReCoV(BaseDetector):
    """Wrong rows, of classes or numbers, by the worst fold of each repeat of a cross-validation.

    Cross-validation is repeated with new folds, and each time the fold with the lowest score is
    noted. When no row is worse than others, a row is in the worst of K folds in a share 1 / K of
    the repeats, binomially distributed; wrong rows draw down the score of the fold they are in and
    are there more often. All this takes is a score, so it works wherever one can be computed.

    Number of fits: `n_repeats * cv`, 500 at the defaults. A row's weight in the score of its fold
    falls with the size of the fold, so the more rows, the more repeats are needed: a hundred or
    several for some hundreds of rows, thousands for thousands. Choose a fast estimator.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor that is cross-validated. None means the one a treatment wraps;
        alone, a random forest of 200 trees, behind an encoder for a DataFrame, which is slow here.
    scoring : str, callable or None, default=None
        Score of a fold, higher is better: a name known to scikit-learn or a callable with the
        signature `scorer(estimator, X, y)`. None means the negative squared error for numbers;
        for classes the mean log probability of the given label (at least 0.01, so that no single
        row decides), or, from a classifier without probabilities, the negative hinge loss of its
        margins, or else the accuracy. A score that moves with every row tells more than one that
        counts hits. Fold scores are not weighted.
    n_repeats : int >= 2, default=100
        Number of repeats of the cross-validation.
    rule : {"2sigma", "fdr_bh"}, default="2sigma"
        With `contamination="own"`, which rows are flagged. "2sigma": those that are in the worst
        fold more often than expected by more than two standard deviations, which by chance is
        about one right row in forty. "fdr_bh": those whose binomial p-values are rejected by the
        procedure of Benjamini and Hochberg, which bounds the share of right rows among the
        flagged.
    alpha : float in (0, 1), default=0.05
        False discovery rate of "fdr_bh".
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions. "own"
        is `rule`.
    cv : int, splitter or None, default=None
        Folds of each repeat; None means 5. Integers are stratified for classes. A splitter must
        shuffle; a copy of it gets another `random_state` in each repeat.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the choice between equally bad folds, and any `random_state` that
        `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        By how many standard deviations the row was more often in the worst fold than expected by
        chance; NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong. With "own": the posterior of the upper one of
        two normal components of the score, whose share is that of the flagged rows minus what
        chance would flag.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        For classes the likeliest label, for a flagged row the likeliest other one; for numbers the
        prediction. Both from the mean out-of-sample response over all repeats.
    label_proba_ : ndarray of shape (n, K)
        For classes: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For classes: all classes of y.
    worst_counts_, test_counts_ : ndarray of shape (n,)
        In how many repeats the row was in the worst fold, and in any.
    p_values_ : ndarray of shape (n,)
        Probability of a count at least as high by chance, one minus the binomial distribution
        function below the count.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    References
    ----------
    J. Chen, V. Ramanathan, T. Xu, A. L. Martel: "Detecting noisy labels with repeated
    cross-validations", MICCAI 2024 (first as "Cross-validation is all you need: a statistical
    approach to label noise estimation", arXiv:2306.13990).

    Y. Benjamini, Y. Hochberg: "Controlling the false discovery rate: a practical and powerful
    approach to multiple testing", Journal of the Royal Statistical Society B 57, 1995.

    Notes
    -----
    Adapted: the p-value counts the observed count itself, without which it is too low, and rows
    are flagged where the procedure rejects them rather than above a count read off the nearest
    p-value; equally bad folds are chosen between at random, not the first; folds are stratified
    for classes. The approximation fastReCoV is not included.

    A right row that is hard to predict, too, is in the worst fold more often than chance has it.
    With very many repeats the test finds such rows.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sknoisy.detection import ReCoV
    >>> X, y = make_blobs(100, centers=[[-3, -3], [3, 3]], random_state=0)
    >>> y[:5] = 1 - y[:5]
    >>> detector = ReCoV(GaussianNB(), n_repeats=60, rule="fdr_bh", random_state=0).fit(X, y)
    >>> detector.noise_mask_.nonzero()[0]
    array([0, 1, 2, 3, 4])
    """

    _task = "both"
    _assumes = "a few wrong rows in a fold show in its score"
    _auto = "count"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods(["split"]), None],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "n_repeats": [Interval(Integral, 2, None, closed="left")],
        "rule": [StrOptions({"2sigma", "fdr_bh"})],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
    }

    worst_counts_: Array
    test_counts_: Array
    p_values_: FloatArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        scoring: str | Callable[..., Any] | None = None,
        n_repeats: int = 100,
        rule: Literal["2sigma", "fdr_bh"] = "2sigma",
        alpha: float = 0.05,
        contamination: Contamination = "auto",
        cv: int | Splitter | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.n_repeats = n_repeats
        self.rule = rule
        self.alpha = alpha
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ------------------------------------------------------------------ the method

    def _find(self, evidence):
        worst, tested, chance, suggestion = self._repeat(evidence)
        judged = ~np.isnan(suggestion.reshape(len(worst), -1)).any(axis=1)
        p_values = np.full(len(worst), np.nan)
        p_values[judged] = binom.sf(worst[judged] - 1, tested[judged], chance)
        expected, spread = tested * chance, np.sqrt(tested * chance * (1 - chance))
        score = np.full(len(worst), np.nan)
        score[judged] = (worst - expected)[judged] / spread[judged]

        asked = np.flatnonzero(judged & ~evidence.trusted)
        mask, noise_proba = np.zeros(len(worst), dtype=bool), np.zeros(len(worst))
        if len(asked):
            if self.rule == "2sigma":
                cut = np.floor(expected + 2 * spread + 1e-9)[asked]  # 28 must stay 28
                mask[asked] = worst[asked] > cut
                by_chance = binom.sf(cut, tested[asked], chance).mean()
            else:
                mask[asked] = false_discovery_control(p_values[asked]) <= self.alpha
                by_chance = self.alpha * mask[asked].mean()
            rate = min(mask[asked].mean() - by_chance, 0.5)
            if rate > 0:
                noise_proba[asked] = two_normals(score[asked], rate=rate, scale="identity")
        return Finding(
            score=score,
            suggestion=suggestion,
            noise_proba=noise_proba,
            mask=mask,
            attributes={"worst_counts_": worst, "test_counts_": tested, "p_values_": p_values},
        )

    def _repeat(self, evidence):
        """How often each row was in the worst fold and in any, the share of the former by chance,
        and the mean response to each row."""
        target, n = evidence.target, evidence.n_rows
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=self.n_repeats)
        respond = _ScoredResponse(
            LabelResponse(target.classes) if target.is_labels else number_response,
            get_scorer(self.scoring) if isinstance(self.scoring, str) else self.scoring,
            target,
        )
        worst, tested = np.zeros(n, dtype=int), np.zeros(n, dtype=int)
        chances, n_answers, total = [], np.zeros(n, dtype=int), 0.0
        for start in range(0, self.n_repeats, BLOCK):
            block = seeds[start : start + BLOCK]
            repeats = [self._folds(evidence, s, start + i == 0) for i, s in enumerate(block)]
            if start == 0:
                self._check_new_folds(repeats)
            splits = [split for folds in repeats for split in folds]
            answers = cross_fit(
                self._model(evidence),
                evidence,
                splits,
                respond,
                random_state=None if self.random_state is None else int(block[0]),
                n_jobs=self.n_jobs,
            )
            scores = iter([score for _, score in answers])
            for folds, seed in zip(repeats, block, strict=True):
                tests = [test for _, test in folds]
                if not tests:
                    continue
                rows = np.unique(np.concatenate(tests))
                tested[rows] += 1
                worst[tests[_worst([next(scores) for _ in tests], seed)]] += 1
                chances.append(np.mean([len(test) for test in tests]) / len(rows))
            block_answers = [answer for answer, _ in answers]
            found = gather(block_answers, splits, np.zeros(len(splits), dtype=int), target, None)
            weight = found.n_tests.reshape(-1, *[1] * (found.values.ndim - 1))
            total = total + np.where(weight > 0, found.values, 0.0) * weight
            n_answers += found.n_tests
        with np.errstate(invalid="ignore"):
            mean = total / n_answers.reshape(-1, *[1] * (total.ndim - 1))
        return worst, tested, np.mean(chances) if chances else np.nan, mean

    def _folds(self, evidence, seed, first):
        cv = self.cv
        if cv is not None and not isinstance(cv, Integral):
            cv = copy(cv)
            if hasattr(cv, "random_state"):
                cv.random_state = int(seed)
        with warnings.catch_warnings():
            if not first:  # rare classes have been named already
                warnings.simplefilter("ignore", RareClassWarning)
            [folds] = evidence.splits(cv, random_state=seed)
        return folds

    def _check_new_folds(self, repeats):
        if self.cv is None or isinstance(self.cv, Integral):
            return
        if min(len(folds) for folds in repeats) < 2:
            raise ValueError(f"ReCoV needs at least 2 folds in each repeat; {self.cv} gives 1.")
        if len({tuple(sorted(test.tobytes() for _, test in folds)) for folds in repeats}) == 1:
            raise ValueError(
                f"ReCoV needs new folds in each repeat, and {self.cv} always gives the same: set "
                "shuffle=True, or give an integer."
            )

    def _reason(self, row):
        n_tests = self.test_counts_[row]
        return (
            f"in the worst fold {self.worst_counts_[row]} of {n_tests} times, "
            f"{self.noise_score_[row]:+.1f} standard deviations from chance"
        )


@dataclass
class _ScoredResponse:
    """The response to each row of a fold, and the score of the fold."""

    respond: Any
    scorer: Any
    target: Any

    def __call__(self, model, X, rows):
        answer = self.respond(model, X, rows)
        if self.scorer is None:
            score = self._default(answer, rows, getattr(model, "classes_", self.target.classes))
        else:
            score = self.scorer(model, X, self.target.y[rows])
        if np.isnan(score):
            raise ValueError(f"scoring gave NaN for a fold of {len(rows)} rows.")
        return answer, float(score)

    def _default(self, answer, rows, classes):
        method, values = answer
        if not self.target.is_labels:
            return -np.mean((self.target.y[rows] - values) ** 2)
        # a model that has never seen a class has no say in whether a row is of that class
        known = np.isin(self.target.y[rows], classes)
        rows, values = rows[known], values[known]
        if not len(rows):
            return 0.0  # the best score: nothing speaks against these rows
        at = np.arange(len(rows)), self.target.codes[rows]
        if method == "predict_proba":
            return np.mean(np.log(np.clip(values[at], LOWEST, 1.0)))
        if method == "predict":
            return np.mean(values[at])
        others = values.copy()
        others[at] = -np.inf
        return -np.mean(np.maximum(0.0, 1.0 - (values[at] - others.max(axis=1))))


def _worst(scores, seed):
    """Position of the lowest score; one of them at random when there are several."""
    lowest = np.flatnonzero(np.equal(scores, np.min(scores)))
    return np.random.RandomState(seed).choice(lowest)
