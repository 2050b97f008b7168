"""Keep, relabel or drop, by prototypes of few trusted rows."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Literal

import numpy as np
from scipy.sparse import issparse
from scipy.special import softmax
from sklearn.preprocessing import normalize
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sknoisy._evidence._fitting import seeded_clone
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import (
    Array,
    CVLike,
    Estimator,
    FitTransformer,
    FloatArray,
    IntArray,
    RandomStateLike,
)
from sknoisy._wrapper import WrappedClassifier
from sknoisy.detection._base import CV
from sknoisy.exceptions import RareClassWarning
from sknoisy.training._base import BaseTraining, has_trusted, times
from sknoisy.treatment._treated import Treated

TEMPERATURES = (np.inf, 1.0, 0.5, 0.3, 0.2, 0.1, 0.07, 0.05, 0.03, 0.02)  # the first wins a tie


class PrototypeTriageClassifier(WrappedClassifier, BaseTraining):
    """Classifier that keeps, relabels or drops each row by prototypes of trusted rows.

    Each class has a prototype in the space of the features: at first the mean of its trusted rows.
    A row's score for a class is the mean of what the model says, out of sample, and of how close
    the row is to the prototype. A row whose best score is high gets that label, whatever it was
    given; else a row keeps its label if that is likelier than the class is frequent, and else it is
    dropped as belonging to no class. Prototypes move towards the mean of the rows of their class
    that are left, and the next round begins.

    Trusted rows say how far this may go. Where the prototypes of the other ones foretell nothing of
    the class of one, prototypes have no say. Rows are relabelled only if high scores are more often
    right, of trusted rows, than labels are, and dropped only if half of what is dropped is wrong;
    how many labels are right is judged by how much less often they agree with the scores than those
    of trusted rows do.

    Number of fits: `cv` for each of `n_rounds` rounds, plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    embedding : transformer object or None, default=None
        Makes the features in which prototypes live out of X as numbers (the first steps of a
        Pipeline, else standardised or encoded columns); fitted without labels. None means these
        themselves.
    alpha : float in [0, 1], default=0.5
        Share of the model in a score; the rest is that of the prototypes.
    tau : "auto" or float > 0, default="auto"
        Temperature of the cosine similarities to the prototypes. "auto": that with which trusted
        rows are foretold best by the prototypes of the others.
    threshold : float in [0, 1], default=0.8
        A row whose best score is above this gets that label.
    momentum : float in [0, 1], default=0.5
        How much of a prototype stays in each round.
    n_rounds : int >= 1, default=3
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the model judges rows that it has not seen.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` reaches the model: as its own (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to the rows that were not dropped.
    classes_ : ndarray of shape (K,)
    triage_ : ndarray of shape (n,) of str
        "trusted", "keep", "relabel" or "drop".
    score_ : ndarray of shape (n, K)
        Of the last round.
    y_relabeled_ : ndarray of shape (n,)
        Labels after relabelling; of dropped rows the given ones.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows that were relabelled or dropped.
    sample_indices_ : ndarray of int
        Rows of the last fit.
    prototypes_ : ndarray of shape (K, d)
    tau_ : float
        The temperature that was used; infinite where prototypes have no say.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    TrustedWeightClassifier : Weights in place of a triage.

    References
    ----------
    Y. Qin, X. Chen, C. Chen, Y. Shen, B. Ren, Y. Gu, J. Yang, C. Shen: "FoPro: Few-Shot Guided
    Robust Webly-Supervised Prototypical Learning", AAAI, 2023. There a network learns the features
    by contrast with the prototypes, and a relation module corrects similarities; here features are
    those of X, rows are judged by models that have not seen them, the temperature is found, and
    classes may differ in frequency.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.training.trusted import PrototypeTriageClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> trusted = np.arange(len(y)) < 100
    >>> z = np.where(trusted, y, symmetric_noise(y, rate=0.4, random_state=0)[0])
    >>> model = PrototypeTriageClassifier(LogisticRegression(C=0.01), n_rounds=2, random_state=0)
    >>> model = model.fit(X, z, trusted=trusted)
    >>> bool((model.y_relabeled_ == y).mean() > (z == y).mean() + 0.2)
    True
    """

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "embedding": [HasMethods(["fit_transform"]), None],
        "alpha": [Interval(Real, 0, 1, closed="both")],
        "tau": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "cv": CV,
    }

    triage_: Array
    score_: FloatArray
    y_relabeled_: Array
    sample_indices_: IntArray
    prototypes_: Array
    tau_: float

    def __init__(
        self,
        estimator: Estimator,
        *,
        embedding: FitTransformer | None = None,
        alpha: float = 0.5,
        tau: Literal["auto"] | float = "auto",
        threshold: float = 0.8,
        momentum: float = 0.5,
        n_rounds: int = 3,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.embedding = embedding
        self.alpha = alpha
        self.tau = tau
        self.threshold = threshold
        self.momentum = momentum
        self.n_rounds = n_rounds
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _train(self, evidence):
        target, trusted, n = evidence.target, evidence.trusted, evidence.n_rows
        n_classes = len(target.classes)
        given = np.eye(n_classes)[target.codes]
        codes, dropped = target.codes, np.zeros(n, dtype=bool)
        score, means, tau = given, np.full((n_classes, 0), np.nan), np.inf
        if has_trusted(evidence, type(self).__name__) and n_classes > 1:
            Z = self._directions(evidence)
            rows = SoftRows.of(evidence, random_state=self._seed(), n_jobs=self.n_jobs)
            folds = rows.folds(target.y, self.cv)
            means = prototypes(Z[trusted], target.codes[trusted], n_classes)
            absent = np.isnan(means).any(axis=1)
            if absent.any():
                _warn_of_absent(target.classes[absent])
            means[absent] = prototypes(Z, target.codes, n_classes)[absent]
            share = np.bincount(target.codes, times(np.ones(n), evidence)) + 1.0
            share /= share.sum()
            true = target.codes[trusted]
            loo = of_the_others(Z[trusted], true, means)
            tau = temperature(loo, true, share) if self.tau == "auto" else self.tau
            for i in range(self.n_rounds):
                labels = np.where(dropped[:, None], 0.0, np.eye(n_classes)[codes])
                said = rows.out_of_sample(self.estimator, labels, folds)
                said = np.where(np.isnan(said), given, said)
                if i == 0:
                    relabels, drops = self._may(said, Z @ means.T, loo, tau, share, evidence)
                score = self._score(said, Z @ means.T, tau, share)
                codes, dropped = triage(score, target.codes, self.threshold, share)
                codes, dropped = codes if relabels else target.codes, dropped & drops
                codes, dropped = np.where(trusted, target.codes, codes), dropped & ~trusted
                dropped = _without_vanishing(dropped, codes, score)
                means = moved(means, Z[~dropped], codes[~dropped], self.momentum)
        rows = np.flatnonzero(~dropped)
        changed = codes != target.codes
        kind = np.select([trusted, dropped, changed], ["trusted", "drop", "relabel"], "keep")
        weight = times(np.ones(n), evidence) if evidence.inputs.sample_weight is not None else None
        return Treated(
            rows=rows if dropped.any() else None,
            y=target.classes[codes[rows]],
            sample_weight=None if weight is None else weight[rows],
            noise_mask=dropped | changed,
            attributes={
                "triage_": kind,
                "score_": score,
                "y_relabeled_": target.classes[np.where(dropped, target.codes, codes)],
                "sample_indices_": rows,
                "prototypes_": means,
                "tau_": tau,
            },
        )

    def _score(self, said, similarity, tau, share):
        return self.alpha * said + (1.0 - self.alpha) * class_proba(similarity, tau, share)

    def _may(self, said, similarity, loo, tau, share, evidence):
        """Whether relabelling, and dropping, makes more right than wrong, by the trusted rows.

        What is said of a row does not depend on its own label, so that it is as often right of
        others as of trusted ones.
        """
        codes, trusted = evidence.target.codes, evidence.trusted
        similarity = np.array(similarity)
        similarity[trusted] = loo
        score = self._score(said, similarity, tau, share)
        best, sure = score.argmax(axis=1), score.max(axis=1) > self.threshold
        agrees, dropped = best == codes, triage(score, codes, self.threshold, share)[1]
        own, n_classes = trusted & ~np.isnan(score).any(axis=1), len(share)

        def right_share(accuracy, some):
            return share_of_right(accuracy, agrees[~trusted & some].mean(), n_classes)

        accuracy = cautious_mean(agrees[own & sure])
        relabels = sure[~trusted].any() and accuracy > right_share(accuracy, sure)
        right = right_share(cautious_mean(agrees[own]), np.ones(len(codes), dtype=bool))
        drops = right * cautious_mean(dropped[own]) < 0.5 * dropped[~trusted].mean()
        return relabels, drops

    def _directions(self, evidence):
        """(n, d) features of unit length."""
        Z = evidence.features(self.estimator)
        if self.embedding is not None:
            Z = seeded_clone(self.embedding, self._seed()).fit_transform(Z)
        Z = Z.tocsr() if issparse(Z) else np.asarray(Z, dtype=float)
        return normalize(Z)


def _warn_of_absent(names):
    shown = ", ".join(str(name) for name in names[:10]) + (" ..." if len(names) > 10 else "")
    warnings.warn(
        f"No trusted row has one of the classes {shown}: their prototypes are the means of all "
        "rows given them.",
        RareClassWarning,
        stacklevel=6,
    )


def prototypes(Z, codes, n_classes):
    """(K, d) mean direction of each class; NaN for one without rows."""
    member = np.eye(n_classes)[codes]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.asarray((Z.T @ member).T) / member.sum(axis=0)[:, None]
        return means / np.linalg.norm(means, axis=1, keepdims=True)


def moved(means, Z, codes, momentum):
    """Prototypes, part of the way towards the mean of their rows; those without rows stay."""
    new = prototypes(Z, codes, len(means))
    mixed = momentum * means + (1.0 - momentum) * np.where(np.isnan(new), means, new)
    length = np.linalg.norm(mixed, axis=1, keepdims=True)
    return np.where(length > 0, mixed / np.where(length > 0, length, 1.0), means)


def class_proba(similarity, tau, share):
    """(n, K) probabilities of the classes: their shares, and how close a row is to the prototypes.

    Parameters
    ----------
    similarity : ndarray of shape (n, K)
    tau : float
    share : ndarray of shape (K,)

    Returns
    -------
    ndarray of shape (n, K)
    """
    return softmax(similarity / tau + np.log(share), axis=1)


def of_the_others(Z, codes, means):
    """(n, K) similarities of rows to prototypes that were made without the row itself.

    NaN for the only row of its class.
    """
    n_rows = np.bincount(codes, minlength=len(means))
    sums = np.asarray((Z.T @ np.eye(len(means))[codes]).T)
    similarity, rows = np.asarray(Z @ means.T), np.arange(len(codes))
    own = np.asarray(Z @ sums.T)[rows, codes]
    # the length of the sum without the row, which is of length one
    squares = (sums**2).sum(axis=1)[codes] - 2.0 * own + 1.0
    left = np.sqrt(np.maximum(squares, 1e-12))
    similarity[rows, codes] = (own - 1.0) / left
    similarity[n_rows[codes] < 2] = np.nan
    return similarity


def temperature(similarity, codes, share):
    """The `tau` with which rows are foretold best by the prototypes of the others."""
    judged = ~np.isnan(similarity).any(axis=1)
    similarity, codes = similarity[judged], codes[judged]

    def loss(tau):
        proba = class_proba(similarity, tau, share)[np.arange(len(codes)), codes]
        return -np.log(np.maximum(proba, 1e-12)).sum()

    return min(TEMPERATURES, key=loss)


def cautious_mean(happened):
    """How often something happens, with one more case of it and one of the contrary."""
    return (happened.sum() + 1) / (len(happened) + 2)


def share_of_right(accuracy, agreement, n_classes):
    """Share of right labels among those of which so many agree with a guess of that accuracy.

    As if wrong labels and wrong guesses were independent of one another and even among the classes.
    """
    by_chance = (1.0 - accuracy) / (n_classes - 1)
    if accuracy <= by_chance:  # a guess without knowledge tells nothing
        return 1.0
    return float(np.clip((agreement - by_chance) / (accuracy - by_chance), 0.0, 1.0))


def triage(score, codes, threshold, share):
    """(labels, dropped) by scores (n, K), given labels, and the shares (K,) of the classes.

    The likeliest label where its score is above `threshold`; else the given one where its score is
    above its share; else none.
    """
    rows = np.arange(len(codes))
    sure = score.max(axis=1) > threshold
    likely = score[rows, codes] > share[codes]
    return np.where(sure, score.argmax(axis=1), codes), ~sure & ~likely


def _without_vanishing(dropped, codes, score):
    """`dropped`, but for the likeliest row of a class of which no row would be left."""
    dropped = dropped.copy()
    for k in np.setdiff1d(codes, codes[~dropped]):
        rows = np.flatnonzero(codes == k)
        dropped[rows[score[rows, k].argmax()]] = False
    return dropped
