"""How well the training set represents each of its rows."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from scipy.stats import rankdata
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import StrOptions

from sknoisy._evidence._neighbors import CHUNK_ROWS
from sknoisy._typing import ArrayLike, Contamination, Estimator, RandomStateLike
from sknoisy.detection._base import Finding
from sknoisy.detection._verdict import label_verdict
from sknoisy.detection.bags._base import BagDetector

METRICS = ("retraining", "agreement", "confidence", "boundary")


class WellRepresentedness(BagDetector):
    """Wrong labels among the rows that the training set represents least.

    Four measures of how usual a row is, each from its own angle, are ranked, and the ranks are
    averaged:

    - "retraining": how much the predicted probabilities change when the row is trained on: the
      symmetric Kullback-Leibler divergence between the mean prediction of the models that have seen
      the row and that of the models that have not;
    - "agreement": how much the models that have not seen the row differ: the Jensen-Shannon
      divergence of their predictions;
    - "confidence": the mean probability that they give to its label (or to the likeliest one, see
      `confidence`);
    - "boundary": how far the nearest row of another class is.

    A prototype is well represented by all four; a row that is poorly represented by "retraining"
    and well by "agreement" is a memorised exception, and often wrong; one that is poorly
    represented by "agreement" and well by "boundary" belongs to a rare kind.

    Number of fits: `n_bags` (50), shared with `Memorization`; 1 for a forest or bagging with
    bootstrap, whose own trees or members are the models. "boundary" alone needs none for its score,
    but the suggestions do.

    Parameters
    ----------
    estimator : estimator object, default=None
        The model. None means the one a treatment wraps; alone, a random forest of 200 trees. A
        forest or bagging with bootstrap is fitted once, on bags of its own. Where it is a Pipeline,
        the steps before its last one make the features that distances are taken in; see
        `NeighborDisagreement` for what they are otherwise.
    metrics : list of str, default=("retraining", "agreement", "confidence", "boundary")
        Which of the measures are combined.
    confidence : {"given", "any"}, default="given"
        Whose probability "confidence" is: that of the given label, or, as in the paper, where
        labels are right, that of the label each model finds likeliest.
    n_bags : int >= 2, default=50
        Number of subsets that models are fitted on.
    max_samples : float in (0, 1), default=0.7
        Size of a subset, drawn without replacement, as a share of the rows (groups).
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto": those with `noise_proba_` above one half and a likelier
        label than the given one by the models that have not seen the row.
    n_jobs : int or None, default=None
        Fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the subsets and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Mean of the ranks, in [0, 1]; 1 is least represented by all measures. NaN for a row that was
        in all subsets or in none, and for the sole member of a class.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong. With "auto": the posterior by the confident joint
        of the mean probabilities of the models that have not seen a row.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label by the models that have not seen the row; for a flagged row the
        likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        All classes of y.
    metrics_ : DataFrame of shape (n, len(metrics))
        The measures themselves: the two divergences in nats (low is well represented), the
        probability and the distance (high is). Columns are named as in `metrics`, and the index is
        the row number.
    ranks_ : DataFrame of shape (n, len(metrics))
        Rank of each row by each measure, from 0 (best represented) to 1 (least); ties share one.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Memorization : Only what training on the row changes, in the given label.

    Notes
    -----
    The rows that are flagged are poorly represented and contradicted; other rows at the top of the
    ranking may be right and rare. "agreement" does not look at the row's label, nor does
    "confidence" with "any": to find wrong labels only, `metrics=["retraining", "confidence"]`
    usually ranks better than all four.

    References
    ----------
    N. Carlini, Ú. Erlingsson, N. Papernot: "Distribution density, tails, and outliers in machine
    learning: metrics and applications", arXiv:1910.13427, 2019 (adapted from its abstract and a
    summary of its measures, since the full text could not be had: here for any estimator; models on
    subsets of the rows in place of one that is trained on a holdout and then further; the
    divergence of all models from their mean in place of that of each pair; the nearest row of
    another class in place of the smallest adversarial change; no measure by differentially private
    training; the ranks averaged).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.detection import WellRepresentedness
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> detector = WellRepresentedness(random_state=0).fit(X, y_noisy)
    >>> detector.ranks_.columns.tolist()
    ['retraining', 'agreement', 'confidence', 'boundary']
    >>> bool((detector.ranks_[wrong].mean() > detector.ranks_[~wrong].mean()).all())
    True
    """

    _task = "classification"
    _assumes = "wrong rows are unlike the rest: hard to learn, near other classes, unstable"
    _parameter_constraints: dict = {
        **BagDetector._parameter_constraints,
        "metrics": ["array-like"],
        "confidence": [StrOptions({"given", "any"})],
    }

    metrics_: pd.DataFrame
    ranks_: pd.DataFrame

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        metrics: ArrayLike = METRICS,
        confidence: Literal["given", "any"] = "given",
        n_bags: int = 50,
        max_samples: float = 0.7,
        contamination: Contamination = "auto",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.metrics = metrics
        self.confidence = confidence
        self.n_bags = n_bags
        self.max_samples = max_samples
        self.contamination = contamination
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        names = self._checked_metrics()
        bags = self._bags(evidence)
        codes = evidence.target.codes
        judged = (bags.n_in > 0) & (bags.n_out > 0)
        measures = pd.DataFrame(
            {name: np.where(judged, self._measure(name, evidence, bags), np.nan) for name in names}
        )
        usual_when_high = {"confidence", "boundary"}
        ranks = pd.DataFrame(
            {
                name: _ranks(-values if name in usual_when_high else values)
                for name, values in measures.items()
            }
        )
        return Finding(
            score=ranks.to_numpy().mean(axis=1),
            suggestion=bags.mean_out,
            **label_verdict(np.where(judged[:, None], bags.mean_out, np.nan), codes),
            attributes={"metrics_": measures, "ranks_": ranks},
        )

    def _measure(self, name, evidence, bags):
        codes = evidence.target.codes
        if name == "retraining":
            return symmetric_divergence(bags.mean_in, bags.mean_out)
        if name == "agreement":
            # Jensen-Shannon: entropy of the mean, less the mean entropy
            return np.maximum(_entropy(bags.mean_out) - bags.entropy_out, 0.0)
        if name == "confidence":
            given = bags.mean_out[np.arange(len(codes)), codes]
            return given if self.confidence == "given" else bags.confidence_out
        return nearest_other(evidence.features(self.estimator), codes, self.n_jobs)

    def _checked_metrics(self):
        names = list(self.metrics)
        odd = [name for name in names if name not in METRICS]
        if odd or not names or len(set(names)) < len(names):
            raise ValueError(
                f"metrics of WellRepresentedness must be one or more of {', '.join(METRICS)}, each "
                f"once, got {names}."
            )
        return names

    def _reason(self, row):
        names = {
            "retraining": "training on it changes its prediction by {:.2f} nats",
            "agreement": "models disagree by {:.2f} nats",
            "confidence": "they have a mean confidence of {:.2f}",
            "boundary": "another class is {:.3g} away",
        }
        values, ranks = self.metrics_.iloc[row], self.ranks_.iloc[row]
        parts = [
            f"{names[name].format(values[name])} (rank {ranks[name]:.2f})" for name in values.index
        ]
        return "; ".join(parts)


def symmetric_divergence(p, q, floor=1e-3):
    """KL(p, q) + KL(q, p) of rows of probabilities, none of which is taken as below `floor`."""
    p, q = (np.maximum(proba, floor) for proba in (p, q))
    p, q = (proba / proba.sum(axis=1, keepdims=True) for proba in (p, q))
    return ((p - q) * np.log(p / q)).sum(axis=1)


def nearest_other(features, codes, n_jobs=None):
    """(n,) distance from each row to the nearest one of another class; NaN if there is none."""
    far = np.full(len(codes), np.nan)
    features = features.tocsr() if issparse(features) else features
    for code in np.unique(codes):
        own, others = np.flatnonzero(codes == code), np.flatnonzero(codes != code)
        if len(others) == 0:
            continue
        index = NearestNeighbors(n_neighbors=1, n_jobs=n_jobs).fit(features[others])
        for chunk in gen_batches(len(own), CHUNK_ROWS):
            far[own[chunk]] = index.kneighbors(features[own[chunk]])[0][:, 0]
    return far


def _entropy(proba):
    return -(proba * np.log(np.where(proba > 0, proba, 1.0))).sum(axis=1)


def _ranks(values):
    """Average ranks scaled to [0, 1]; NaN stays."""
    values = np.asarray(values).round(12)  # rounding differences are no differences
    known = ~np.isnan(values)
    ranks = np.full(len(values), np.nan)
    ranks[known] = (rankdata(values[known]) - 1.0) / max(known.sum() - 1, 1)
    return ranks
