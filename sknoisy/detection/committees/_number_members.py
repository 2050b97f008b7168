"""Members of the committee on numbers, and how their predictions become one."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.optimize import nnls
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import HuberRegressor, Ridge
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVR

from sknoisy._evidence import out_of_sample
from sknoisy._evidence.bags._out_of_bag import spares_copies
from sknoisy.noise_model._wide_normal import MAD_TO_SD

MAX_KERNEL_ROWS = 4000  # support vectors cost the square of the rows
N_LANDMARKS = 100  # of the kernel machine that takes their place
N_BINS = 255  # columns of boosting where rows are many
MAX_DENSE_COLUMNS = 300  # beyond it, and for sparse features, trees and kernels see components
N_COMPONENTS = 50
N_TREES, N_TREES_OF_SCALE = 80, 60
N_BOOSTED = 120
LARGEST = 16  # error over the usual one, as the forest of their sizes sees it
MAX_BAG = 10_000  # rows per tree


class MedianOfNeighbors(RegressorMixin, BaseEstimator):
    """Weighted median of the targets of the nearest rows.

    Parameters
    ----------
    n_neighbors : int >= 1, default=11
    """

    def __init__(self, n_neighbors=11):
        self.n_neighbors = n_neighbors

    def fit(self, X, y, sample_weight=None):
        self.index_ = NearestNeighbors(n_neighbors=min(self.n_neighbors, len(y))).fit(X)
        self.y_ = y
        self.weight_ = np.ones(len(y)) if sample_weight is None else sample_weight
        return self

    def predict(self, X):
        near = self.index_.kneighbors(X, return_distance=False)
        return weighted_median(self.y_[near], self.weight_[near])


class CommitteeOfNumbers:
    """Unlike robust members, asked about rows they have not seen.

    Parameters
    ----------
    features : {ndarray, sparse matrix} of shape (n, d)
        Standardised columns.
    y : ndarray of shape (n,)
        Centred and scaled robustly.
    evidence : Evidence
        The same rows, with their weights, and with what must stay together.
    splits : list of (train rows, test rows)
    n_jobs : int or None
    random_state : RandomState instance
    """

    def __init__(self, features, y, evidence, splits, n_jobs, random_state):
        n, d = features.shape
        seed = random_state.randint(2**31 - 1, size=6)
        self.full = self.dense = features
        self.wide = d > MAX_DENSE_COLUMNS or (issparse(features) and d > N_COMPONENTS)
        if self.wide:
            reduce = TruncatedSVD(N_COMPONENTS, random_state=seed[0])
            self.dense = reduce.fit_transform(features)
            self.dense /= self.dense.std() or 1.0
        elif issparse(features):
            self.full = self.dense = features.toarray()
        self.y, self.sample_weight, self.evidence = y, evidence.inputs.sample_weight, evidence
        self.trusted, self.splits, self.n_jobs = evidence.trusted, splits, n_jobs
        bags = {"bootstrap": True, "max_samples": None if n <= MAX_BAG else MAX_BAG}
        # bags do not keep groups together, nor many copies: forests are then cross-fitted, in
        # parallel
        few_trees = ExtraTreesRegressor(N_TREES_OF_SCALE, **bags)
        self.by_bags = evidence.inputs.groups is None and spares_copies(few_trees, evidence)
        bags["n_jobs"] = n_jobs if self.by_bags else None
        # weighted rows are binned anew in each fit, at the price of the trees, unless bins are few
        few = n <= MAX_KERNEL_ROWS or self.wide  # there is no boosting of wide features
        self.binned = self.dense if few else binned(self.dense)
        gamma = 1 / (self.dense.shape[1] * (self.dense.var() or 1.0))
        self.kernel = (
            SVR(C=3.0, epsilon=0.05, gamma=gamma, cache_size=100)
            if n <= MAX_KERNEL_ROWS
            else make_pipeline(
                Nystroem(gamma=gamma, n_components=N_LANDMARKS, random_state=seed[1]),
                HuberRegressor(alpha=0.01),
            )
        )
        self.forest = RandomForestRegressor(
            N_TREES, min_samples_leaf=3, max_features=0.5, random_state=seed[2], **bags
        )
        self.extra_trees = ExtraTreesRegressor(
            N_TREES, min_samples_leaf=3, max_features=1.0, random_state=seed[3], **bags
        )
        self.boosting = HistGradientBoostingRegressor(
            max_iter=N_BOOSTED,
            learning_rate=0.12,
            min_samples_leaf=int(np.clip(n // 50, 5, 20)),
            early_stopping=False,
            random_state=seed[4],
        )
        self.linear = Ridge() if self.wide else HuberRegressor(alpha=0.01, max_iter=300)
        self.of_scale = ExtraTreesRegressor(
            N_TREES_OF_SCALE, min_samples_leaf=10, max_features=0.5, random_state=seed[5], **bags
        )

    def predictions(self, weight):
        """Out-of-sample predictions by name of the member; `weight` counts on top of the user's.

        The kernel machine goes first: its loss bounds the pull of any row. The squared errors of
        the others see y winsorised around it, so that a gross value moves no split and no leaf.
        """
        kernel = self._ask(self.kernel, self.dense, self.y, weight)
        tame = np.where(self.trusted, self.y, winsorise(self.y, kernel, weight))
        answers = {
            "kernel": kernel,
            "forest": self._ask(self.forest, self.dense, tame, weight, bags=True),
            "extra trees": self._ask(self.extra_trees, self.dense, tame, weight, bags=True),
            "linear": self._ask(self.linear, self.full, tame, weight),
            "neighbors": self._ask(MedianOfNeighbors(), self.dense, self.y, weight),
        }
        if not self.wide:
            answers["boosting"] = self._ask(self.boosting, self.binned, tame, weight)
        return answers

    def scale(self, predicted, spread, weight, *, shrink=0.3):
        """Usual size of the error of each row, as a standard deviation.

        A forest of log absolute residuals, answering out of sample, pulled to the overall mean.
        """
        size = np.abs(self.y - predicted)
        sound = weight > 0.5 if (weight > 0.5).any() else slice(None)
        usual = typical(size[sound])
        log_scale = self._ask(
            self.of_scale,
            np.column_stack([self.dense, predicted, spread]),
            np.log(np.clip(size, 0.05 * usual, LARGEST * usual)),
            weight,
            bags=True,
        )
        mean = np.average(log_scale, weights=self.total(weight))
        scale = np.exp((1 - shrink) * log_scale + shrink * mean)
        return scale * typical((size / scale)[sound])

    def total(self, weight):
        """Weight of a round times the user's; never quite zero where the user's is not."""
        weight = np.maximum(weight, 1e-3)
        return weight if self.sample_weight is None else weight * self.sample_weight

    def _ask(self, model, X, y, weight, *, bags=False):
        evidence = self.evidence.replaced(
            X=X,
            y=y,
            sample_weight=self.total(weight),
            fit_params=None,
            weight_strategy="native",
        )
        with warnings.catch_warnings():  # a fit that stopped a little early will do
            warnings.simplefilter("ignore", ConvergenceWarning)
            values = out_of_sample(
                model,
                evidence,
                cv=None if bags and self.by_bags else self.splits,
                n_jobs=self.n_jobs,
            ).values
        # a leaf whose rows weigh nothing has no mean
        return np.where(np.isnan(values), np.nanmedian(values), values)


def binned(X):
    """Each column as the number of the quantile, of `N_BINS`, that the value is in."""
    inner = np.linspace(0, 1, N_BINS + 1)[1:-1]
    edges = [np.unique(np.quantile(column, inner)) for column in X.T]
    codes = [np.searchsorted(e, c, side="right") for e, c in zip(edges, X.T, strict=True)]
    return np.column_stack(codes).astype(float)


def stack(answers, y, sample_weight, trusted, *, n_iter=10):
    """Weights of the members, non-negative and of sum 1, that predict y best in Huber's loss.

    Iteratively reweighted non-negative least squares with a mild pull to weights by the members'
    median errors, so that near-twins do not take turns. Trusted rows count in full.
    """
    errors = [
        weighted_median(np.abs(y - column)[None], sample_weight[None])[0] for column in answers.T
    ]
    errors = np.maximum(errors, 1e-12)
    start = (errors.min() / errors) ** 4
    start /= start.sum()
    share = start
    for _ in range(n_iter):
        residual = np.abs(y - answers @ share)
        bend = 1.5 * MAD_TO_SD * weighted_median(residual[None], sample_weight[None])[0] + 1e-12
        bounded = np.minimum(1.0, bend / np.maximum(residual, 1e-12))
        root = np.sqrt(sample_weight * np.where(trusted, 1.0, bounded))
        strength = np.sqrt((root**2).sum())
        sum_to_one = 100 * strength * max(np.abs(answers - np.median(y)).mean(), 1e-12)
        pull = np.sqrt(0.02) * strength * bend
        A = np.vstack(
            [
                root[:, None] * answers,
                np.full(len(share), sum_to_one),
                pull * np.eye(len(share)),
            ]
        )
        found = nnls(A, np.r_[root * y, sum_to_one, pull * start])[0]
        if not found.sum() > 0:  # members that are right on most rows leave nothing to tell by
            break
        share = found / found.sum()
    return share


def weighted_median(values, weight):
    """Along the rows of two arrays (m, k)."""
    order = np.argsort(values, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    below = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    at = np.argmax(below >= 0.5 * below[:, -1:], axis=1)
    return values[np.arange(len(values)), at]


def winsorise(y, centre, weight, *, n_sd=2.5):
    """y pulled to within `n_sd` robust standard deviations of a robust prediction."""
    residual = y - centre
    sound = weight > 0.5
    bound = n_sd * typical(np.abs(residual[sound] if sound.any() else residual))
    return centre + np.clip(residual, -bound, bound)


def typical(size):
    """MAD as a standard deviation; where (nearly) all sizes are zero, the mean instead."""
    usual = MAD_TO_SD * np.median(size)
    if usual <= 1e-9 * size.max():
        usual = size.mean()
    return usual if usual > 0 else 1.0
