"""Rows drawn for rare classes, from laws that were freed of outliers and borrow from large ones."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from sknoisy._typing import Array, Estimator, FloatArray, IntArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier
from sknoisy.training._base import BaseTraining, times
from sknoisy.training.moving_targets._number_columns import NumberColumns
from sknoisy.treatment._treated import Treated

KEPT = 5  # rows of each class at least
USUAL = 1.5  # local outlier factor from which a row is an outlier, as in scikit-learn


class RepresentationCalibrationClassifier(WrappedClassifier, BaseTraining):
    """Classifier for a long tail of classes and wrong labels: rare classes get rows that are drawn.

    Rows of a rare class are few, and wrong labels are many among them. If the right rows of each
    class follow a normal law: rows that lie far from the others of their class (by the local
    outlier factor) are left out; the mean and the covariance of each class are estimated from the
    rest; those of a rare class borrow from the most similar large ones; and rows are drawn from
    these laws until all classes have the same size. The model is fitted to the real rows that are
    left and the drawn ones. So its probabilities are those of classes that are equally frequent.

    The paper does so with representations that a network has learnt by contrast, and keeps the
    network close to them. Here they are the columns of X as they come: put this at the end of a
    Pipeline whose first steps make a representation with few columns, where these are not one.
    Covariances are shrunk towards their mean over the classes, as if that had been seen in d + 1
    rows more, since few rows have no covariance of their own.

    X may be an array, or a DataFrame with other columns beside numbers. Those, and what is missing,
    a drawn row has from the real row of its class with the nearest numbers. Sparse matrices and
    texts are refused.

    Number of fits: 1, to as many rows as the largest class times the number of classes.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    n_neighbors : int >= 1, default=20
        Of the local outlier factor, within the class.
    tail_below : float in [0, 1], default=0.1
        Classes with fewer rows than this share of the largest one borrow from the others.
    n_lenders : int >= 1, default=2
        From how many, those with the nearest means, each in proportion to its rows.
    borrowed : float in [0, 1], default=0.1
        How much of a rare class's mean is borrowed. Its covariance is wholly that of the lenders.
    balance : float in [0, 1], default=1.0
        Rows are drawn for classes that have fewer than this share of the largest; 0 draws none.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` reaches the model: as its own (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight. A drawn row weighs as those of its
        class do on average.
    n_jobs : int or None, default=None
        Jobs of the search for neighbours.
    random_state : int, RandomState instance or None, default=None
        Seeds the draws and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to real and drawn rows.
    classes_ : ndarray of shape (K,)
    outlier_factor_ : ndarray of shape (n,)
        Of each row within its class; 1 is usual, more than 1.5 is an outlier.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows that were left out.
    sample_indices_ : ndarray of int
        Rows that were not.
    means_ : ndarray of shape (K, d)
    covariances_ : ndarray of shape (K, d, d)
        Of the laws of which rows were drawn, in the d columns of numbers.
    n_drawn_ : ndarray of shape (K,) of int
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    References
    ----------
    M. Zhang, X. Zhao, J. Yao, C. Yuan, W. Huang: "When Noisy Labels Meet Long Tail Dilemmas: A
    Representation Calibration Method", ICCV, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import balanced_accuracy_score
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sknoisy.training.moving_targets import RepresentationCalibrationClassifier
    >>> rng = np.random.RandomState(0)
    >>> y = np.repeat(["a", "b", "c"], [300, 60, 6])
    >>> centre = {"a": 0, "b": 3, "c": -3}
    >>> X = rng.randn(366, 4) + [[centre[label]] for label in y]
    >>> z = np.where(rng.rand(366) < 0.2, rng.permutation(y), y)
    >>> plain = DecisionTreeClassifier(random_state=0).fit(X, z)
    >>> model = RepresentationCalibrationClassifier(DecisionTreeClassifier(), random_state=0)
    >>> better = balanced_accuracy_score(y, model.fit(X, z).predict(X))
    >>> bool(better > balanced_accuracy_score(y, plain.predict(X)))
    True
    """

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "tail_below": [Interval(Real, 0, 1, closed="both")],
        "n_lenders": [Interval(Integral, 1, None, closed="left")],
        "borrowed": [Interval(Real, 0, 1, closed="both")],
        "balance": [Interval(Real, 0, 1, closed="both")],
    }

    outlier_factor_: Array
    sample_indices_: IntArray
    means_: Array
    covariances_: FloatArray
    n_drawn_: IntArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        n_neighbors: int = 20,
        tail_below: float = 0.1,
        n_lenders: int = 2,
        borrowed: float = 0.1,
        balance: float = 1.0,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_neighbors = n_neighbors
        self.tail_below = tail_below
        self.n_lenders = n_lenders
        self.borrowed = borrowed
        self.balance = balance
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _train(self, evidence):
        target, user = evidence.target, evidence.inputs.sample_weight
        columns = NumberColumns(evidence.inputs.X, type(self).__name__)
        X, weight = columns.values, times(np.ones(evidence.n_rows), evidence)
        unit = X.std(axis=0)
        unit[unit == 0] = 1.0
        factor = self._outlier_factors(X / unit, target.codes)
        dropped = (factor > USUAL) & ~evidence.trusted
        dropped = _but_for_some(dropped, target.codes, factor, weight)
        kept = np.flatnonzero(~dropped)
        codes, own = target.codes[kept], weight[kept]
        laws = class_laws(X[kept], codes, own, len(target.classes))
        means, covariances = borrowed_laws(
            *laws, unit, self.tail_below, self.n_lenders, self.borrowed
        )
        n_drawn, values = self._draw(means, covariances, laws[2], codes)
        new = np.repeat(np.arange(len(n_drawn)), n_drawn)
        like = kept[self._nearest(X[kept] / unit, codes, values / unit, new)]
        rows = np.concatenate([kept, like])
        if user is not None:
            user = np.concatenate([own, (np.bincount(codes, own) / np.bincount(codes))[new]])
        as_it_came = len(rows) == evidence.n_rows == len(kept)
        return Treated(
            X=None if as_it_came else columns.with_rows(kept, like, values),
            rows=None if as_it_came else rows,
            y=target.classes[np.concatenate([codes, new])],
            sample_weight=user,
            noise_mask=dropped,
            attributes={
                "outlier_factor_": factor,
                "sample_indices_": kept,
                "means_": means,
                "covariances_": covariances,
                "n_drawn_": n_drawn,
            },
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags

    def _outlier_factors(self, Z, codes):
        factor = np.ones(len(codes))
        for k in np.unique(codes):
            mine = np.flatnonzero(codes == k)
            if len(mine) > KEPT:
                n_neighbors = min(self.n_neighbors, len(mine) - 1)
                lof = LocalOutlierFactor(n_neighbors=n_neighbors, n_jobs=self.n_jobs).fit(Z[mine])
                factor[mine] = -lof.negative_outlier_factor_
        return factor

    def _draw(self, means, covariances, sizes, codes):
        """(how many rows of each class, their numbers)."""
        lacking = np.maximum(self.balance * sizes.max() - sizes, 0.0)
        per_row = sizes / np.maximum(np.bincount(codes, minlength=len(sizes)), 1)
        n_drawn = np.round(np.divide(lacking, per_row, out=lacking, where=per_row > 0)).astype(int)
        rng = check_random_state(self._seed())
        values = [
            draw_normal(mean, covariance, n, rng)
            for mean, covariance, n in zip(means, covariances, n_drawn, strict=True)
        ]
        return n_drawn, np.concatenate(values)

    def _nearest(self, Z, codes, new, new_codes):
        """Of each new row, the real one of its class with the nearest numbers."""
        like = np.zeros(len(new), dtype=int)
        for k in np.unique(new_codes):
            mine, drawn = np.flatnonzero(codes == k), new_codes == k
            index = NearestNeighbors(n_neighbors=1, n_jobs=self.n_jobs).fit(Z[mine])
            like[drawn] = mine[index.kneighbors(new[drawn], return_distance=False)[:, 0]]
        return like


def class_laws(X, codes, weight, n_classes):
    """Mean and covariance of each class, and the weight of its rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    codes : ndarray of shape (n,) of int
    weight : ndarray of shape (n,)
    n_classes : int

    Returns
    -------
    means : ndarray of shape (K, d)
    covariances : ndarray of shape (K, d, d)
        Shrunk towards their mean, as if that had been seen in d + 1 rows more.
    sizes : ndarray of shape (K,)
    """
    d = X.shape[1]
    means, scatter = np.zeros((n_classes, d)), np.zeros((n_classes, d, d))
    sizes = np.bincount(codes, weight, minlength=n_classes)
    for k in range(n_classes):
        mine = codes == k
        own = weight[mine] if sizes[k] > 0 else None
        means[k] = np.average(X[mine], axis=0, weights=own)
        away = X[mine] - means[k]
        scatter[k] = (away * weight[mine, None]).T @ away
    free = np.maximum(sizes - 1.0, 0.0)
    pooled = scatter.sum(axis=0) / max(free.sum(), 1.0)
    return means, (scatter + (d + 1) * pooled) / (free + d + 1)[:, None, None], sizes


def borrowed_laws(means, covariances, sizes, unit, tail_below, n_lenders, borrowed):
    """The same, in which classes of few rows borrow from the most similar large ones.

    Parameters
    ----------
    means, covariances, sizes
        As of `class_laws`.
    unit : ndarray of shape (d,)
        Of the columns, in which means are compared.
    tail_below : float
        Share of the largest class, below which a class borrows.
    n_lenders : int
    borrowed : float
        Share of the mean.

    Returns
    -------
    means, covariances
    """
    large = np.flatnonzero(sizes >= tail_below * sizes.max())
    means, covariances, scaled = means.copy(), covariances.copy(), means / unit
    for k in np.setdiff1d(np.arange(len(sizes)), large):
        distance = ((scaled[large] - scaled[k]) ** 2).sum(axis=1)
        lenders = large[np.argsort(distance, kind="stable")[:n_lenders]]
        share = sizes[lenders] / sizes[lenders].sum()
        means[k] = (1.0 - borrowed) * means[k] + borrowed * share @ means[lenders]
        covariances[k] = np.tensordot(share, covariances[lenders], axes=1)
    return means, covariances


def draw_normal(mean, covariance, n, rng):
    """(n, d) rows of a normal law, also of one that is flat in some directions."""
    size, axes = np.linalg.eigh(covariance)
    return mean + rng.standard_normal((n, len(mean))) * np.sqrt(np.maximum(size, 0.0)) @ axes.T


def _but_for_some(dropped, codes, factor, weight):
    """No class loses more than half of its rows, nor has fewer than `KEPT`, nor no weight."""
    dropped = dropped.copy()
    for k in np.unique(codes):
        mine = np.flatnonzero(codes == k)
        mine = mine[np.lexsort((factor[mine], weight[mine] == 0))]
        dropped[mine[: max(KEPT, (len(mine) + 1) // 2)]] = False
    return dropped
