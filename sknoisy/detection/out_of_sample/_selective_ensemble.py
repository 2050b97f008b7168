"""Wrong labels by a binomial test of the votes of models on other rows and seeds."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Literal

import numpy as np
from scipy.stats import binom
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Folds, out_of_sample
from sknoisy._typing import (
    Array,
    Contamination,
    CVLike,
    Estimator,
    FloatArray,
    IntArray,
    RandomStateLike,
)
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import label_posterior
from sknoisy.exceptions import RareClassWarning

TIE = 1e-9  # probabilities nearer than this are equal


class SelectiveEnsemble(BaseDetector):
    """Wrong labels by a binomial test of the votes of models on other rows and seeds.

    For each fold, `n_estimators` models are fitted on bootstraps of the rows of the other folds,
    each with a seed of its own, and each has a vote on every row of the fold. A selective ensemble
    predicts the label of most votes only when a two-sided binomial test tells it from the
    runner-up, and abstains otherwise. The same test gives two scores of the training rows:

    - "label": the given label against the strongest other one. The score is the evidence against
      the given label, `-log10(p)` with the sign of the lead of the other label, plus 1 minus the
      averaged probability of the given label, which tells rows of equal votes apart. It is for
      wrong labels.
    - "mode": the label of most votes against the runner-up, whatever the given one is. The score is
      the p-value, in (0, 1]. It is for rows on which chance decides what is learned, right or
      wrong, and blind to a wrong label that all models contradict.

    Number of fits: `n_estimators * cv` (50). Forests are cross-fitted, too.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier that votes. None means the one a treatment wraps; alone, a random forest of 200
        trees, behind an encoder for a DataFrame. A fast one is advisable.
    n_estimators : int >= 2, default=10
        Models for each fold. With too few of them even unanimous votes prove nothing: alpha = 0.05
        needs 6, alpha = 0.01 needs 8.
    test : {"label", "mode"}, default="label"
        Which of the two scores.
    alpha : float in (0, 1), default=0.05
        Level of the test. With `contamination="own"` the flagged rows are those of which the
        ensemble says, at this level, by `test` and `flag`:

        - "label", "contradicted": another label beats the given one;
        - "label", "not_learned": the given label does not beat all others;
        - "mode": nothing; it abstains.
    flag : {"contradicted", "not_learned"}, default="not_learned"
        See `alpha`; of no effect with `test="mode"`. "contradicted" spares right rows near a
        border, and misses wrong labels that some of the models follow.
    bootstrap : bool, default=True
        Fit on bootstraps, drawn within each class, of the rows of the other folds. False means on
        these rows themselves, so that only seeds and, with an int `cv`, folds differ.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions. "own"
        is the test.
    cv : int, splitter, iterable or None, default=None
        Folds. None means 5; an int means other folds for each of the `n_estimators`.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the bootstraps and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        The score of `test`; NaN for a row that could not be judged.
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
        Out-of-sample probabilities, averaged over the models.
    votes_ : ndarray of shape (n, K) of int
        Number of models that find each label the likeliest. A tie with the given label is a vote
        for it.
    label_pvalue_, mode_pvalue_ : ndarray of shape (n,)
        p-values of the two tests.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    Raises
    ------
    ValueError
        From `fit` when no votes of `n_estimators` models could pass the test.

    See Also
    --------
    Consensus : Votes of unlike models, by majority or unanimity.

    References
    ----------
    E. Black, K. Leino, M. Fredrikson: "Selective ensembles for consistent predictions", ICLR, 2022
    (the test, of predictions on new rows by networks of other seeds or without single training
    rows. Here the models have not seen the row, which is a training row; bootstraps make models
    differ that have no seed; the test of the given label is an adaptation).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import SelectiveEnsemble
    >>> X, y = load_iris(return_X_y=True)
    >>> y[[3, 30]] = [2, 1]
    >>> model = LogisticRegression(max_iter=200)
    >>> detector = SelectiveEnsemble(model, contamination="own", random_state=0).fit(X, y)
    >>> detector.noise_mask_[[3, 30]].tolist()
    [True, True]
    >>> detector.votes_[3].tolist()
    [10, 0, 0]
    """

    _task = "classification"
    _assumes = "models on other bootstraps and seeds agree on the true label of most rows"
    _auto = "count"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "n_estimators": [Interval(Integral, 2, None, closed="left")],
        "test": [StrOptions({"label", "mode"})],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "flag": [StrOptions({"contradicted", "not_learned"})],
        "bootstrap": ["boolean"],
    }

    class_proba_: FloatArray
    votes_: IntArray
    label_pvalue_: Array
    mode_pvalue_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_estimators: int = 10,
        test: Literal["label", "mode"] = "label",
        alpha: float = 0.05,
        flag: Literal["contradicted", "not_learned"] = "not_learned",
        bootstrap: bool = True,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.test = test
        self.alpha = alpha
        self.flag = flag
        self.bootstrap = bootstrap
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        best = 2.0 * 0.5**self.n_estimators
        if best > self.alpha:
            least = int(np.ceil(1 - np.log2(self.alpha)))
            raise ValueError(
                f"n_estimators={self.n_estimators} is too few for alpha={self.alpha}: even "
                f"unanimous votes have a p-value of {best:.3g}. Take {least} or more."
            )
        codes, rows = evidence.target.codes, np.arange(evidence.n_rows)
        votes, proba = self._poll(evidence)
        judged = votes.any(axis=1)

        given, others = votes[rows, codes], votes.copy()
        others[rows, codes] = 0
        rival = others.max(axis=1)
        label_p = np.where(judged, two_sided_binomial(given, rival), np.nan)
        ranked = np.sort(np.pad(votes, ((0, 0), (1, 0))), axis=1)  # with one class, against none
        mode_p = np.where(judged, two_sided_binomial(ranked[:, -1], ranked[:, -2]), np.nan)

        if self.test == "mode":
            score = mode_p
            mask = mode_p > self.alpha
        else:
            evidence_against = -np.sign(rival - given) * np.log10(np.maximum(label_p, 1e-300))
            score = evidence_against + 1.0 - proba[rows, codes]
            if self.flag == "contradicted":
                mask = (rival > given) & (label_p <= self.alpha)
            else:
                mask = ~((given > rival) & (label_p <= self.alpha))
        posterior = label_posterior(proba, codes)
        return Finding(
            score=score,
            suggestion=proba,
            noise_proba=1.0 - posterior[rows, codes],
            mask=mask,
            label_proba=posterior,
            attributes={
                "class_proba_": proba,
                "votes_": votes,
                "label_pvalue_": label_p,
                "mode_pvalue_": mode_p,
            },
        )

    def _poll(self, evidence):
        """Votes and averaged probabilities (n, K); one model of each fold at a time is kept."""
        target = evidence.target
        shape = (evidence.n_rows, len(target.classes))
        votes, total = np.zeros(shape, dtype=int), np.zeros(shape)
        frequency = np.bincount(target.codes)
        model, rng = self._model(evidence), check_random_state(self.random_state)
        with warnings.catch_warnings():
            for seed in rng.randint(2**31 - 1, size=self.n_estimators):
                draw = np.random.RandomState(seed)
                [folds] = evidence.splits(self.cv, random_state=seed)
                if self.bootstrap:
                    folds = Folds((_bootstrap(a, target.codes, draw), b) for a, b in folds)
                values = out_of_sample(
                    model,
                    evidence,
                    cv=folds,
                    random_state=None if self.random_state is None else int(seed),
                    n_jobs=self.n_jobs,
                ).values
                judged = np.flatnonzero(~np.isnan(values).any(axis=1))
                choice = _choice(values[judged], target.codes[judged], frequency)
                votes[judged, choice] += 1
                total[judged] += values[judged]
                # the same classes are rare for all models, and need naming only once
                warnings.simplefilter("ignore", RareClassWarning)
        with np.errstate(invalid="ignore"):
            return votes, total / votes.sum(axis=1, keepdims=True)

    def _reason(self, row):
        votes, given = self.votes_[row], self._target.codes[row]
        said = f"{votes[given]} of {votes.sum()} models say {self.classes_[given]}"
        best = int(np.argmax(votes))
        if best != given:
            said += f", {votes[best]} {self.classes_[best]}"
        p_value = self.mode_pvalue_ if self.test == "mode" else self.label_pvalue_
        return f"{said} (p-value {p_value[row]:.2g})"


def two_sided_binomial(a, b):
    """p-values of a two-sided test that counts `a` and `b` are equally likely; 1 if both are 0."""
    return np.minimum(1.0, 2.0 * binom.cdf(np.minimum(a, b), np.asarray(a) + b, 0.5))


def _choice(proba, codes, frequency):
    """The likeliest label; of equally likely ones the given, else the most frequent."""
    top = proba >= proba.max(axis=1, keepdims=True) - TIE
    best = np.argmax(np.where(top, frequency, -1), axis=1)
    return np.where(top[np.arange(len(codes)), codes], codes, best)


def _bootstrap(rows, codes, rng):
    """As many rows of each class, drawn with replacement: one for each row, from its class."""
    codes = codes[rows]
    by_class = rows[np.argsort(codes, kind="stable")]
    size = np.bincount(codes)
    first = np.cumsum(size) - size
    return np.sort(by_class[first[codes] + rng.randint(size[codes])])
