"""Foreign or wrongly labelled rows by a linear separator that alternates with the losses."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Folds, out_of_sample
from sknoisy._limits import without
from sknoisy._typing import Contamination, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.out_of_sample._personal_loss import out_of_sample_loss
from sknoisy.detection.out_of_sample._tabasco import TwoNormals, unit_range


class LinearSeparation(BaseDetector):
    """Foreign or wrongly labelled rows by a linear separator that alternates with the losses.

    Rows that belong to none of the classes, or come from a bad batch, often lie together in the
    features. The losses of a model find many of them, and the features the rest:

    1. "loss": the out-of-sample losses of all rows get a mixture of two normals; the posterior of
       the higher one is that of being noise.
    2. "linear": a logistic regression on the features separates the noise of step 1 from the rest,
       both sides having equal weight. Its probability is a second opinion, which takes neighbours
       of noise for noise, and clears lone rows with high losses.
    3. The model is refitted on the rows that are no noise by the separator, and steps 1 and 2
       follow anew, `max_iter` times.

    The separator does not see the labels. Wrong labels that are spread evenly over the features
    are left to step 1: then the two opinions differ, and `detect="loss"` is the better choice.

    Number of fits: `(1 + max_iter) * cv` (10), or `1 + max_iter * cv` for a forest or bagging,
    which is judged out of bag at first; and `1 + max_iter` logistic regressions.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier that makes the out-of-sample probabilities. None means the one a treatment
        wraps; alone, a random forest of 200 trees, behind an encoder for a DataFrame. Where it is
        a Pipeline, the steps before its last one make the features. Without such steps: numbers;
        a DataFrame, encoded column by column; texts, as TF-IDF.
    detect : {"alternate", "linear", "loss"}, default="alternate"
        Whose opinion is asked: the mean of both, as when each leads every other epoch of training,
        or one of them, in the last round.
    max_iter : int >= 0, default=1
        Number of refits.
    C : float > 0, default=inf
        Inverse strength of the separator's penalty. Without a penalty, the default, the separator
        needs several times as many rows as features, or it merely repeats the losses.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions. "own"
        flags those with a score above one half. The mixture always has a higher part, so that right
        rows are flagged where all are right; to avoid that, give a threshold.
    cv : int, splitter, iterable or None, default=None
        Folds. None means 5, save that a forest or bagging is judged out of bag in the first round;
        an int always means folds.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Probability of being noise, by `detect`; NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the row is noise. With "own": the score.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label; for a flagged row the likeliest other one. A row that belongs to no
        class has a suggestion, too: leave such rows out rather than relabel them.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    class_proba_ : ndarray of shape (n, K)
        Out-of-sample probabilities, in the last round.
    loss_ : ndarray of shape (n,)
        Cross-entropy of the given label in the last round; probabilities below 0.001 count as that.
    loss_proba_, linear_proba_ : ndarray of shape (n,)
        The two opinions, in the last round.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    References
    ----------
    P. Albert, J. Valmadre, E. Arazo, T. Krishna, N. O'Connor, K. McGuinness: "An accurate detection
    is not all you need to combat label noise in web-noisy datasets", ECCV, 2024 (PLS-LSA: the
    mixture, its settings, and the separator are those of the authors' code, there on features of
    contrastive learning; the two alternate from epoch to epoch of one training. Here each refit is
    out of sample; the pseudo-labels of the paper are left to the treatments).

    Examples
    --------
    Rows of neither class, 40 in a place of their own, with labels at random:

    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import LinearSeparation
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(340, 3))
    >>> X[:150, 0] -= 4
    >>> X[150:300, 0] += 4
    >>> X[300:, 1] += 6
    >>> y = np.r_[np.zeros(150), np.ones(150), rng.integers(0, 2, 40)].astype(int)
    >>> detector = LinearSeparation(LogisticRegression(), contamination="own", random_state=0)
    >>> detector = detector.fit(X, y)
    >>> found = np.flatnonzero(detector.noise_mask_)
    >>> bool(len(found) >= 20 and found.min() >= 300)
    True
    """

    _task = "classification"
    _assumes = "noise has high losses, and lies on one side of a hyperplane in the features"
    _auto = "count"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "detect": [StrOptions({"alternate", "linear", "loss"})],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "C": [Interval(Real, 0, None, closed="right")],
    }

    class_proba_: FloatArray
    loss_: FloatArray
    loss_proba_: FloatArray
    linear_proba_: FloatArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        detect: Literal["alternate", "linear", "loss"] = "alternate",
        max_iter: int = 1,
        C: float = np.inf,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.detect = detect
        self.max_iter = max_iter
        self.C = C
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        model, target = self._model(evidence), evidence.target
        how = {"cv": self.cv, "n_jobs": self.n_jobs}
        features = brought_to_equal_spread(evidence.features(model))
        values = evidence.responses(model, random_state=self.random_state, **how).values
        loss, by_loss, by_features = self._opinions(values, features, target)
        for seed in self._seeds():
            noise = (by_features > 0.5) & ~evidence.trusted
            splits = self._splits_without(evidence, noise, by_features, seed)
            values = out_of_sample(
                model, evidence, cv=splits, random_state=seed, n_jobs=self.n_jobs
            ).values
            loss, by_loss, by_features = self._opinions(values, features, target)
        score = {
            "alternate": (by_loss + by_features) / 2.0,
            "linear": by_features,
            "loss": by_loss,
        }[self.detect]
        return Finding(
            score=score,
            suggestion=values,
            noise_proba=score,
            mask=score > 0.5,
            attributes={
                "class_proba_": values,
                "loss_": loss,
                "loss_proba_": by_loss,
                "linear_proba_": by_features,
            },
        )

    def _opinions(self, values, features, target):
        """Losses, and the probability of being noise by them and by the features, each (n,)."""
        loss = out_of_sample_loss(values, target)
        judged = np.flatnonzero(~np.isnan(loss))
        by_loss, by_features = np.full(len(loss), np.nan), np.full(len(loss), np.nan)
        by_loss[judged] = high_loss_proba(loss[judged])
        seeds = by_loss[judged] > 0.5
        by_features[judged] = 0.0
        if seeds.any() and not seeds.all():
            separator = LogisticRegression(C=self.C, class_weight="balanced", max_iter=1000)
            with warnings.catch_warnings():  # where a hyperplane separates all, there is no end
                warnings.simplefilter("ignore", ConvergenceWarning)
                separator.fit(features[judged], seeds)
            by_features[judged] = separator.predict_proba(features[judged])[:, 1]
        return loss, by_loss, by_features

    def _seeds(self):
        if self.random_state is None:
            return [None] * self.max_iter
        draw = check_random_state(self.random_state).randint
        return draw(2**31 - 1, size=self.max_iter).tolist()

    def _splits_without(self, evidence, noise, doubt, seed):
        """Folds of all rows, to train on those that are no noise."""
        target = evidence.target
        folds = evidence.splits(self.cv, random_state=seed)
        doubt = np.nan_to_num(doubt)
        splits = [
            (without(train, noise, (doubt, doubt), target.codes), test)
            for repeat in folds
            for train, test in repeat
        ]
        # who has seen one class only has no opinion
        return Folds((a, b) for a, b in splits if len(np.unique(target.codes[a])) > 1)

    def _reason(self, row):
        return (
            f"noise with p={self.loss_proba_[row]:.2f} by its loss, "
            f"p={self.linear_proba_[row]:.2f} by its features"
        )


def high_loss_proba(loss):
    """Posterior of the higher of two normals of the losses; 0 where they are all alike."""
    values = unit_range(loss) if len(loss) > 1 else None
    if values is None:
        return np.zeros(len(loss))
    return TwoNormals(values, max_iter=10).high_posterior()


def brought_to_equal_spread(features):
    """Columns of unit variance; of zero mean, too, unless sparse."""
    return StandardScaler(with_mean=not issparse(features)).fit_transform(features)
