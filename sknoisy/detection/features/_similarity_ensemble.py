"""Rows unlike the others, in where they lie, how they are made up, or what they are for."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPRegressor
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sknoisy._evidence._fitting import seeded_clone
from sknoisy._typing import (
    Array,
    Contamination,
    CVLike,
    Estimator,
    FloatArray,
    InvertibleTransformer,
    RandomStateLike,
)
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.features._class_mahalanobis import dense_features

CHUNK_ROWS = 4096


class SimilarityEnsemble(BaseDetector):
    """Suspect rows by three empirical probabilities, combined: SAGE.

    1. Distance: the mean distance to the nearest rows in the latent space of an autoencoder.
    2. Reconstruction: the mean squared error of what the autoencoder makes of the row.
    3. Task: the error of an out-of-sample prediction of the given target.

    Each becomes the share of rows that have at least as high a value, 1 for the most usual row and
    1 / n for the oddest, and the score is one minus their combination. A wrong target is odd by
    the last only, a broken row by the first two, and a hard one by all.

    Number of fits: 5, or `cv`; 1 for a forest or bagging with bootstrap. One more of the
    autoencoder.

    Parameters
    ----------
    estimator : estimator object, default=None
        The model of the task. None means the one a treatment wraps; alone, a random forest of 200
        trees, behind an encoder for a DataFrame. Where it is a Pipeline, the steps before its last
        one make the features of the autoencoder. Without such steps: numbers, brought to equal
        spread; a DataFrame, encoded column by column; texts, as TF-IDF.
    autoencoder : {"pca", "mlp"} or estimator object, default="pca"
        What makes the latent space: principal components; a neural network with one hidden layer on
        either side of the latent one; or a transformer with `inverse_transform`.
    n_components : int >= 1 or float in (0, 1), default=0.9
        Dimensions of the latent space of "pca" and "mlp", fewer than there are features; as a
        float, as many as principal components need to hold that share of the variance.
    n_neighbors : int >= 1, default=25
        Number of neighbours in the latent space, by Manhattan distance.
    combine : {"geometric", "mean", "min"}, default="geometric"
        How the three probabilities become one. "min" asks for the oddest aspect.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `MixturePosterior`.
    cv : int, splitter, iterable or None, default=None
        Folds of the predictions. None means 5, or out-of-bag in one fit for a forest or bagging
        with bootstrap.
    n_jobs : int or None, default=None
        Fold fits at a time, and jobs of the neighbour search. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the autoencoder, and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        One minus the combined probability; NaN for a row without an out-of-sample prediction.
    noise_proba_ : ndarray of shape (n,)
        Probability that the row is suspect.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The out-of-sample prediction; for labels, of a flagged row the likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        For labels: posterior of the true label.
    classes_ : ndarray of shape (K,)
        For labels: all classes of y.
    similarity_ : ndarray of shape (n, 3)
        The three probabilities.
    measures_ : ndarray of shape (n, 3)
        What they are of: mean distance, reconstruction error, and task error, which is minus the
        logarithm of the probability of the given label, or the absolute residual.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Outlier : Features alone.
    ConfidentLearning : Labels alone.

    References
    ----------
    W. M. Schreyer, C. Anderson, R. F. Thompson: "Generalization is not a universal guarantee:
    estimating similarity to training data with an ensemble out-of-distribution metric",
    arXiv:2502.16329, 2025 (SAGE; adapted from the abstract and the authors' code, whose measures
    and geometric mean of probabilities these are).
    [There the autoencoder is a network that is trained for the task as well, and the
    task measure of a new row is the confidence of its most probable label. Here the rows have
    labels, which may be wrong, so that the probability of the given one is taken, out of sample.]

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.detection import SimilarityEnsemble
    >>> X, y = load_iris(return_X_y=True)
    >>> X[3] = [51.0, -3.5, 1.4, 9.0]
    >>> detector = SimilarityEnsemble(random_state=0).fit(X, y)
    >>> int(detector.noise_score_.argmax())
    3
    """

    _task = "both"
    _assumes = "wrong rows are unlike the others, in features or in how well they are predicted"
    _takes = ("predicted", "features")
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "autoencoder": [
            StrOptions({"pca", "mlp"}),
            HasMethods(["fit", "transform", "inverse_transform"]),
        ],
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "combine": [StrOptions({"geometric", "mean", "min"})],
    }

    similarity_: FloatArray
    measures_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        autoencoder: Literal["pca", "mlp"] | InvertibleTransformer = "pca",
        n_components: int | float = 0.9,
        n_neighbors: int = 25,
        combine: Literal["geometric", "mean", "min"] = "geometric",
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.autoencoder = autoencoder
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.combine = combine
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        if evidence.n_rows < 2:
            raise ValueError(f"Neighbours need at least 2 rows, got n_samples={evidence.n_rows}")
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        # with no seed, as everywhere, nothing is seeded for the model
        model_seed = None if self.random_state is None else seed
        predicted = evidence.responses(
            self._model(evidence), cv=self.cv, random_state=model_seed, n_jobs=self.n_jobs
        ).values
        # the steps of a pipeline make features, whether or not it is also the model
        X = dense_features(evidence.features(self.estimator))
        latent, remade = self._encoded(X, seed)
        target = evidence.target
        if target.is_labels:
            given = predicted[np.arange(len(X)), target.codes]
            task = -np.log(np.clip(given, 1e-12, 1.0))
        else:
            task = np.abs(target.y - predicted)
        k = min(self.n_neighbors, len(X) - 1)
        measures = np.column_stack(
            [
                mean_neighbor_distance(latent, k, n_jobs=self.n_jobs),
                np.mean((X - remade) ** 2, axis=1),
                task,
            ]
        )
        similarity = np.column_stack([as_unusual(measure) for measure in measures.T])
        if self.combine == "geometric":
            combined = np.exp(np.log(similarity).mean(axis=1))
        elif self.combine == "mean":
            combined = similarity.mean(axis=1)
        else:
            combined = similarity.min(axis=1)
        return Finding(
            score=1.0 - combined,
            suggestion=predicted,
            attributes={"similarity_": similarity, "measures_": measures},
        )

    def _encoded(self, X, seed):
        """(latent, remade) of the rows by the autoencoder."""
        if not isinstance(self.autoencoder, str):
            model = seeded_clone(self.autoencoder, seed)
            latent = np.asarray(model.fit(X).transform(X))
            remade = np.asarray(model.inverse_transform(latent))
            if remade.shape != X.shape:
                raise ValueError(
                    f"autoencoder must give back rows of {X.shape[1]} features, but "
                    f"inverse_transform of {type(model).__name__} gave shape {remade.shape}."
                )
            return latent.reshape(len(X), -1), remade
        centre = X.mean(axis=0)
        if not X.shape[1] or not np.ptp(X, axis=0).any():  # all rows are the same
            return np.zeros((len(X), 1)), X
        wide = PCA(svd_solver="full").fit(X)
        held = np.cumsum(wide.explained_variance_ratio_)
        size = self.n_components
        if not isinstance(size, Integral):
            size = int(np.searchsorted(held, size - 1e-12)) + 1
        # with as many dimensions as features, any row could be made
        size = max(1, min(size, X.shape[1] - 1, len(held)))
        if self.autoencoder == "pca":
            axes = wide.components_[:size]
            latent = (X - centre) @ axes.T
            return latent, centre + latent @ axes
        return network_code(X, size, seed)


def network_code(X, n_components, seed):
    """(latent, remade) by a multi-layer perceptron that learns to give back its input."""
    width = max(2 * n_components, min(64, 2 * X.shape[1]))
    network = MLPRegressor(
        hidden_layer_sizes=(width, n_components, width),
        activation="relu",  # a bounded one would hide how far away a row is
        max_iter=200,
        random_state=seed,
    )
    with warnings.catch_warnings():  # as near as it gets in that many rounds is near enough
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(X, X if X.shape[1] > 1 else X[:, 0])
    hidden = np.maximum(X @ network.coefs_[0] + network.intercepts_[0], 0.0)
    latent = hidden @ network.coefs_[1] + network.intercepts_[1]
    return latent, network.predict(X).reshape(X.shape)


def mean_neighbor_distance(points, k, *, n_jobs=None):
    """(n,): mean Manhattan distance to the k nearest other points."""
    index = NearestNeighbors(metric="manhattan", n_jobs=n_jobs).fit(points)
    out = np.empty(len(points))
    for chunk in gen_batches(len(points), CHUNK_ROWS):
        # the point itself is among the k + 1, at distance 0, or as good as that: a twin
        distances, _ = index.kneighbors(points[chunk], n_neighbors=k + 1)
        out[chunk] = distances.sum(axis=1) / k
    return out


def as_unusual(measure):
    """Share of the rows with a value at least as high; NaN where there is none."""
    judged = ~np.isnan(measure)
    # values that differ by rounding are equal
    spread = np.ptp(measure[judged]) if judged.any() else 0.0
    known = np.sort(measure[judged])
    out = np.full(len(measure), np.nan)
    as_low = np.searchsorted(known, measure[judged] - 1e-9 * spread - 1e-12)
    out[judged] = 1.0 - as_low / max(len(known), 1)
    return out
