"""Wrong labels of long-tailed classes, by two measures and a mixture in each class."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from sknoisy._typing import Array, Contamination, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.threshold._mixture import _rising_posterior

MIN_ROWS = 6  # of a class, to be split in two
TINY = 1e-10
SPREAD_RATIO = 0.65  # below it, the clusters of the centroid distance overlap in the divergence
NEAR_CENTROIDS = 0.1  # centroids of two classes are one when the similarities differ by less


class Tabasco(BaseDetector):
    """Wrong labels of long-tailed classes, by two measures and a mixture in each class.

    In a rare class the labels of a frequent one may be the majority, and its right rows have high
    losses, since models expect the frequent one everywhere. One cut for all classes then takes
    right rows for wrong ones. Each class of the given labels is therefore split by itself, with one
    of two measures:

    - WJSD, the weighted Jensen-Shannon divergence of the out-of-sample probabilities `p` from the
      given label: it is multiplied by `max(p) / p[given]`, at least 1 and at most that ratio of
      the mean probabilities of the class;
    - ACD, the adaptive centroid distance: the cosine of the centred features with the mean of
      those rows of the class that are surest of the label which its probabilities are highest for
      in the mean; that may be another one than the class.

    Each measure is brought to [0, 1] and gets a mixture of two normals. First stage: WJSD is chosen
    if the two clusters of ACD fall in one component of WJSD, that of the higher values, or the
    spread of the one in the higher component is below 0.65 of the other; otherwise ACD is. Second
    stage: by WJSD the right rows are those of low values. By ACD, they are those of high values,
    near the centroid, unless the most similar centroid of another class is as near to the class's
    own as makes no difference and was made of more rows: then the centroid is of that class, and
    the right rows are those away from it.

    Every class is split, so that some rows are flagged in a class without wrong labels, too; to
    avoid that, give `contamination` a threshold.

    Number of fits: `cv` (5), or 1 for a forest or bagging, which is judged out of bag.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier that makes the out-of-sample probabilities. None means the one a treatment
        wraps; alone, a random forest of 200 trees, behind an encoder for a DataFrame. Where it is
        a Pipeline, the steps before its last one make the features. Without such steps: numbers,
        brought to equal spread; a DataFrame, encoded column by column; texts, as TF-IDF.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions. "own":
        of each class, those of the component of wrong labels.
    cv : int, splitter, iterable or None, default=None
        Folds of the out-of-sample probabilities. None means out-of-bag where the estimator can,
        else 5 folds; an int always means folds.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Posterior of the component of wrong labels in the row's class, made to rise with the
        measure, in [0, 1]. NaN for a row that could not be judged, and in a class of fewer than 6
        judged rows.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong. With "own": the score.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label; for a flagged row the likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    class_proba_ : ndarray of shape (n, K)
        Out-of-sample probabilities.
    wjsd_, acd_ : ndarray of shape (n,)
        The two measures, as they come.
    measures_ : ndarray of shape (K,) of str
        Of each class, "wjsd", "acd" (right rows near the centroid), "acd, far" (away from it) or
        "none" (too few rows, or all alike).
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    References
    ----------
    Y. Lu, Y. Zhang, B. Han, Y. Cheung, H. Wang: "Label-noise learning with intrinsically
    long-tailed data", ICCV, 2023 (the measures, mixtures and stages as in the authors' code. There
    of a network in training on the rows it judges, with its last layer for features; here the
    probabilities are out of sample, the features those that the estimator gets. There the rest is
    used without its labels; here it is flagged).

    Examples
    --------
    A rare class, a third of whose labels are of the frequent one:

    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import Tabasco
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], [400, 40])
    >>> X = rng.normal(size=(440, 2)) + np.where(y == 0, -2.0, 2.0)[:, None]
    >>> y[:20] = 1
    >>> detector = Tabasco(LogisticRegression(), random_state=0).fit(X, y)
    >>> int(detector.noise_mask_[:20].sum()) >= 18, int(detector.noise_mask_[400:].sum()) <= 2
    (True, True)
    """

    _task = "classification"
    _assumes = "each class has wrong labels; its right and wrong rows differ in one of two measures"
    _takes = ("predicted", "features")
    _auto = "count"
    _suggests_unseen = True
    _parameter_constraints: dict = {**BaseDetector._parameter_constraints}

    class_proba_: FloatArray
    wjsd_: Array
    acd_: Array
    measures_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        codes, n_classes = evidence.target.codes, len(evidence.target.classes)
        model = self._model(evidence)
        proba = evidence.responses(
            model, cv=self.cv, n_jobs=self.n_jobs, random_state=self.random_state
        ).values
        judged = ~np.isnan(proba).any(axis=1)
        members = [np.flatnonzero(judged & (codes == c)) for c in range(n_classes)]
        directions = Directions(evidence.features(model))

        n = evidence.n_rows
        wjsd, acd, score = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
        sure = [confident_rows(proba[rows], rows) for rows in members]
        centroids = np.array([directions.centroid(rows) for rows in sure])
        for c, rows in enumerate(members):
            if len(rows):
                wjsd[rows] = weighted_divergence(proba[rows], c)
                if len(sure[c]):
                    acd[rows] = directions.cosine(centroids[c])[rows]
        measures = np.full(n_classes, "none", dtype="<U8")
        n_sure = np.array([len(rows) for rows in sure])
        for c, rows in enumerate(members):
            if len(rows) >= MIN_ROWS:
                far = own_centroid_is_of_another(c, centroids, n_sure)
                measures[c], score[rows] = split_class(wjsd[rows], acd[rows], far)
        return Finding(
            score=score,
            suggestion=proba,
            noise_proba=score,
            mask=score > 0.5,
            attributes={
                "class_proba_": proba,
                "wjsd_": wjsd,
                "acd_": acd,
                "measures_": measures,
            },
        )

    def _reason(self, row):
        given = self._target.codes[row]
        measure = self.measures_[given]
        if measure == "none":
            return f"the rows of {self.classes_[given]} cannot be told apart"
        value = (self.wjsd_ if measure == "wjsd" else self.acd_)[row]
        what = {
            "wjsd": "divergence from the given label",
            "acd": "similarity to its sure rows",
            "acd, far": "similarity to rows of another class",
        }[measure]
        return (
            f"{what} {value:.3g}; in the part of {self.classes_[given]} that is {self._part(row)}"
        )

    def _part(self, row):
        return "wrong" if self.noise_score_[row] > 0.5 else "right"


# ---------------------------------------------------------------------- the two measures


def weighted_divergence(proba, c):
    """WJSD (m,) of the rows of class c with probabilities `proba` (m, K)."""
    given, mean = proba[:, c], proba.mean(axis=0)
    highest = mean.max() / max(mean[c], TINY)
    weight = np.clip(proba.max(axis=1) / np.maximum(given, TINY), 1.0, highest)
    # of p and q, where q is 1 at c and 0 elsewhere; m is their mean
    at_given = given * np.log(np.maximum(given, TINY) / ((given + 1.0) / 2.0))
    p_from_m = at_given + (1.0 - given) * np.log(2.0)
    q_from_m = -np.log((given + 1.0) / 2.0)
    return weight * (p_from_m + q_from_m) / 2.0


def confident_rows(proba, rows):
    """Those of `rows`, of one class, that are surest of the label it has in the mean."""
    if len(rows) == 0:
        return rows
    mean = proba.mean(axis=0)
    label = int(np.argmax(mean))
    value = proba[:, label]
    bar = (np.maximum(value / mean[label], 1.0) * value).mean()  # a mean in which the sure count
    return rows[(np.argmax(proba, axis=1) == label) & (value > bar)]


@dataclass
class Directions:
    """Centred rows of unit length, without forming them: `features` may be sparse."""

    features: np.ndarray

    def __post_init__(self):
        X = self.features
        self.mean = np.asarray(X.mean(axis=0)).ravel()
        square = X.multiply(X) if hasattr(X, "multiply") else X**2
        length = np.asarray(square.sum(axis=1)).ravel() - 2 * (X @ self.mean)
        length = np.sqrt(np.maximum(length + self.mean @ self.mean, 0.0))
        self.scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > TINY)

    def centroid(self, rows):
        """(d,): their mean; zero of no rows."""
        if len(rows) == 0:
            return np.zeros(len(self.mean))
        scale = self.scale[rows]
        return (self.features[rows].T @ scale - self.mean * scale.sum()) / len(rows)

    def cosine(self, centroid):
        """(n,): inner products with a centroid."""
        return (self.features @ centroid - self.mean @ centroid) * self.scale


# ---------------------------------------------------------------------- the two stages


def split_class(wjsd, acd, far):
    """(measure, posterior of being wrong) of the rows of one class.

    `far` says that, by ACD, the right rows are those away from the centroid.
    """
    wjsd, acd = unit_range(wjsd), unit_range(acd)
    if wjsd is None and acd is None:
        return "none", 0.0
    by_wjsd = None if wjsd is None else TwoNormals(wjsd)
    by_acd = None if acd is None else TwoNormals(acd)
    if by_acd is None or (by_wjsd is not None and overlaps(by_wjsd, by_acd)):
        return "wjsd", by_wjsd.high_posterior()
    return ("acd, far", by_acd.high_posterior()) if far else ("acd", by_acd.low_posterior())


def overlaps(wjsd, acd):
    """First stage: whether the clusters of ACD are not apart in WJSD, so that WJSD is chosen."""
    clusters = [acd.near_low, ~acd.near_low]
    if not all(rows.any() for rows in clusters):
        return True
    spread, component = [1.0, 1.0], []  # of the low and the high component of WJSD
    for rows in clusters:
        values = wjsd.values[rows]
        component.append(wjsd.component(values.mean()))
        spread[component[-1]] = values.std() or 0.1
    return component == [1, 1] or spread[1] / spread[0] < SPREAD_RATIO


def own_centroid_is_of_another(c, centroids, n_sure):
    """Second stage: whether the centroid of class c tells of a class with more sure rows."""
    similarity = centroids @ centroids[c]
    similarity = np.exp(similarity - similarity.max())
    similarity /= similarity.sum()
    others = np.where((np.arange(len(n_sure)) == c) | (n_sure == 0), -1.0, similarity)
    nearest = int(np.argmax(others))
    gap = abs(similarity[c] - others[nearest])
    return gap < NEAR_CENTROIDS * similarity[c] and n_sure[c] < n_sure[nearest]


def unit_range(values):
    """Values brought to [0, 1]; None if there are none, or they are all alike."""
    low, high = values.min(), values.max()
    if not high - low > 1e-12 * max(1.0, abs(high)):
        return None
    return (values - low) / (high - low)


class TwoNormals:
    """Mixture of a low and a high normal for `values` in [0, 1], with the authors' settings.

    Attributes
    ----------
    share : ndarray of shape (2,)
    means, spreads : ndarray of shape (2,)
        Of the low and the high component.
    near_low : ndarray of shape (m,) of bool
        Values that are more likely of the low component.
    """

    def __init__(self, values, max_iter=30):
        self.values = values
        model = GaussianMixture(2, max_iter=max_iter, tol=1e-2, reg_covar=5e-4, random_state=0)
        with warnings.catch_warnings():  # a few steps will do
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(values[:, None])
        order = np.argsort(model.means_.ravel(), kind="stable")
        self.share = model.weights_[order]
        self.means = model.means_.ravel()[order]
        self.spreads = np.sqrt(model.covariances_.ravel()[order])
        self.near_low = model.predict_proba(values[:, None])[:, order[0]] > 0.5
        self._model, self._order = model, order

    def component(self, value):
        """0 or 1: the component, low or high, that `value` is more likely of."""
        return int(self._model.predict([[value]])[0] != self._order[0])

    def high_posterior(self):
        """Posterior of the high component, made to rise: far below, the wider one must not win."""
        return _rising_posterior(self.values, self.share[1], self.means, self.spreads)

    def low_posterior(self):
        """Posterior of the low component, made to fall."""
        means, spreads = -self.means[::-1], self.spreads[::-1]
        return _rising_posterior(-self.values, self.share[0], means, spreads)
