"""Wrong labels by what the nearest rows are labelled."""

from __future__ import annotations

from numbers import Integral
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence._neighbors import NEIGHBORS
from sknoisy._typing import Array, Contamination, Estimator, FloatArray, NeighborSearch, Transformer
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import disagrees, label_verdict


class NeighborDisagreement(BaseDetector):
    """Wrong labels by the share of the nearest rows that are labelled otherwise.

    The score is the k-disagreeing neighbours (kDN) of Smith, Martinez and Giraud-Carrier: the share
    of the k nearest other rows whose label is not the given one. With `contamination="auto"` the
    flagged rows are those of Wilson's edited nearest neighbours that are also wrong by the balance
    of probability; `rule` has the classical rules.

    Number of fits: none of a model; one search for neighbours, with memory of n x k.

    Parameters
    ----------
    estimator : estimator object, default=None
        It is not fitted as a model. Where it is a Pipeline, the steps before its last one make the
        features that distances are taken in. None means the one a treatment wraps. Without such
        steps: numbers, brought to equal spread; a DataFrame, encoded column by column (missing
        values filled and marked); texts, as TF-IDF.
    n_neighbors : int >= 1, default=10
        Number of nearest rows, not counting the row itself; at most all others.
    weights : {"uniform", "distance"}, default="uniform"
        Whether all neighbours have the same say, or one in proportion to 1 / distance. In the
        latter case, where some are at distance zero, only these have a say.
    balanced : bool, default=False
        Divide the share of each label among the neighbours by its share among all other rows, and
        rescale to sum one: what the shares would be if all classes were equally frequent. Without
        it, a row of a rare class at the border is outvoted just because its class is rare.
    neighbors : estimator object, default=None
        Anything with the `fit` and `kneighbors` of scikit-learn's `NearestNeighbors`, such as one
        of another metric, or a transformer in the manner of `KNeighborsTransformer`, such as
        `pynndescent.PyNNDescentTransformer`, whose search is approximate and takes far less time
        for many rows. None means `NearestNeighbors()`.
    rule : {"posterior", "majority", "unanimous"}, default="posterior"
        With `contamination="auto"`, which rows are flagged:

        - "majority": the most frequent label among the neighbours is another one (a tie speaks for
          the given one): edited nearest neighbours, which also flags right rows near a border;
        - "posterior": that, and `noise_proba_` above one half, which spares most of these;
        - "unanimous": no neighbour has the given label.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `rule`.
    n_jobs : int or None, default=None
        Jobs of the default neighbour search. The result does not depend on it.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Share of the neighbours that disagree, in [0, 1]; NaN for the sole member of a class, which
        has none to agree with it.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong. With "auto": the posterior by the confident
        joint of the neighbours' shares.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label; for a flagged row the likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    neighbor_proba_ : ndarray of shape (n, K)
        Share of each label among the neighbours, after `weights` and `balanced`.
    neighbor_indices_ : ndarray of shape (n, k)
        The neighbours, nearest first.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Consensus : Models vote instead of neighbours.
    Residual : For numbers; around `KNeighborsRegressor` it is the counterpart of this one.

    Notes
    -----
    With `sample_weight`, a neighbour's say is in proportion to its weight; a row whose neighbours
    all have weight zero is not judged.

    Copies of a row (rows equal in all features) have no say about one another, and are one
    neighbour to others, with the label that most of them have.

    References
    ----------
    M. Smith, T. Martinez, C. Giraud-Carrier: "An instance level analysis of data complexity",
    Machine Learning 95, 2014 (the score; there without weights and with no correction for class
    frequencies).

    D. Wilson: "Asymptotic properties of nearest neighbor rules using edited data", IEEE
    Transactions on Systems, Man, and Cybernetics 2, 1972 (the rule "majority"; there of 3
    neighbours).

    C. Northcutt, L. Jiang, I. Chuang: "Confident learning: estimating uncertainty in dataset
    labels", Journal of Artificial Intelligence Research 70, 2021 (the confident joint, here of the
    shares among neighbours in place of a model's probabilities).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.detection import NeighborDisagreement
    >>> X, y = load_iris(return_X_y=True)
    >>> y[[3, 60]] = [2, 0]
    >>> detector = NeighborDisagreement(rule="unanimous").fit(X, y)
    >>> detector.noise_mask_.nonzero()[0].tolist()
    [3, 60]
    >>> detector.y_suggested_[[3, 60]].tolist()
    [0, 1]
    """

    _task = "classification"
    _assumes = "most labels near a right row are its own; distances have a meaning"
    _takes = ("predicted", "features")
    _suggests_unseen = True
    _parameter_constraints: dict = {
        "estimator": BaseDetector._parameter_constraints["estimator"],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "weights": [StrOptions({"uniform", "distance"})],
        "balanced": ["boolean"],
        "neighbors": NEIGHBORS,
        "rule": [StrOptions({"posterior", "majority", "unanimous"})],
        "contamination": BaseDetector._parameter_constraints["contamination"],
        "n_jobs": BaseDetector._parameter_constraints["n_jobs"],
    }

    neighbor_proba_: FloatArray
    neighbor_indices_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_neighbors: int = 10,
        weights: Literal["uniform", "distance"] = "uniform",
        balanced: bool = False,
        neighbors: NeighborSearch | Transformer | None = None,
        rule: Literal["posterior", "majority", "unanimous"] = "posterior",
        contamination: Contamination = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.balanced = balanced
        self.neighbors = neighbors
        self.rule = rule
        self.contamination = contamination
        self.n_jobs = n_jobs

    def _find(self, evidence):
        codes, n_classes = evidence.target.codes, len(evidence.target.classes)
        near = evidence.neighbors(
            self.estimator,
            n_neighbors=self.n_neighbors,
            neighbors=self.neighbors,
            n_jobs=self.n_jobs,
        )
        say = np.ones(near.indices.shape) if self.weights == "uniform" else nearness(near.distances)
        if evidence.inputs.sample_weight is not None:
            say = say * evidence.inputs.sample_weight[near.indices]
        shares = label_shares(codes[near.indices], say, n_classes)
        rows, counts = np.arange(len(codes)), evidence.members
        if self.balanced:
            shares = equal_priors(shares, codes, counts)
        shares[counts[codes] == 1] = np.nan
        agree = shares[rows, codes]
        verdict = label_verdict(shares, codes)
        if self.rule == "unanimous":
            verdict["mask"] = agree == 0.0
        elif self.rule == "majority":
            verdict["mask"] = disagrees(shares, codes)
        return Finding(
            score=np.clip(1.0 - agree, 0.0, 1.0),
            suggestion=shares,
            **verdict,
            attributes={"neighbor_proba_": shares, "neighbor_indices_": near.indices},
        )

    def _reason(self, row):
        shares, given = self.neighbor_proba_[row], self._target.codes[row]
        k, best = self.neighbor_indices_.shape[1], int(np.argmax(shares))
        among = f"{k} nearest rows" if self.weights == "uniform" else f"{k} nearest rows, weighted"
        if best == given:
            return f"{shares[given]:.0%} of the {among} are {self.classes_[given]}, as given"
        return (
            f"{shares[best]:.0%} of the {among} are {self.classes_[best]}, "
            f"{shares[given]:.0%} {self.classes_[given]}"
        )


def nearness(distances):
    """(n, k): 1 / distance; in a row with zeros, 1 for these and 0 for the others."""
    zero = distances <= 0
    say = 1.0 / np.where(zero, 1.0, distances)
    return np.where(zero.any(axis=1)[:, None], zero, say)


def label_shares(labels, say, n_classes):
    """(n, K): share of each label among `labels` (n, k) of neighbours; NaN if none has a say."""
    rows = np.arange(len(labels))
    shares = np.zeros((len(labels), n_classes))
    for label, weight in zip(labels.T, say.T, strict=True):  # k passes: no (n, k, K) array
        shares[rows, label] += weight
    with np.errstate(invalid="ignore"):
        return shares / shares.sum(axis=1, keepdims=True)


def equal_priors(shares, codes, counts):
    """Shares as they would be if all classes were equally frequent among the other rows."""
    others = counts - np.eye(len(counts))[codes]  # the row itself is not among its neighbours
    ratio = np.divide(shares, others, out=np.zeros_like(shares), where=others > 0)
    ratio[np.isnan(shares)] = np.nan
    return ratio / ratio.sum(axis=1, keepdims=True)
