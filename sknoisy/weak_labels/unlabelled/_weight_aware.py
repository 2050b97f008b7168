"""Unlabelled rows that may be of no known class, by their likeness to labelled ones."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import normalize
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval

from sknoisy._evidence import Evidence, numeric_features
from sknoisy._typing import Array, BoolArray, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.weak_labels._folds import quiet_folds
from sknoisy.weak_labels.unlabelled._base import BasePartlyLabelled

CHUNK_ENTRIES = 4_000_000  # of the table of likenesses that is held at a time


class WeightAwareDistillation(BasePartlyLabelled):
    """Learns from unlabelled rows of which many may be of no known class.

    Unlabelled rows collected at will hold classes that no labelled row has (open-set rows), and a
    self-trained model would give each of them a known class. Here every unlabelled row gets a
    pseudo-label and a weight by its likeness to labelled rows: the cosine similarity to the most
    similar labelled row of each class. The pseudo-label is the class of highest similarity, and
    the weight the margin of the highest similarity over the second. A row that is like nothing,
    or like two classes, weighs little.

    In each round, those rows whose weight times probability of the pseudo-label (by models that
    have not seen them) is highest join the labelled ones, fewer each time, and the likenesses are
    found anew.

    Number of fits: `max_iter` * `cv` + 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap. It needs weights, or `weight_strategy="resample"`. Similarities
        are those of rows as the steps of a Pipeline before the last one make them, but for steps
        that see labels; without such steps, of standardised numbers, or of a table or texts by a
        small encoder of this package.
    absorb : float in [0, 1], default=0.1
        Share of the unlabelled rows that joins the labelled ones in the first round.
    decay : float in (0, 1], default=0.5
        This share times that of the round before joins in later rounds.
    max_iter : int >= 0, default=3
        Rounds.
    unlabelled_weight : float >= 0, default=1.0
        Times the margin: the weight of an unlabelled row. Labelled rows have 1.
    unlabelled : int, str or None, default=-1
        The value of y that stands for no label. Missing values (NaN, None, NA) and
        empty texts always do. None means that no other value does.
    cv : int, splitter or iterable, default=5
        Folds of the rounds, so that no row judges itself.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The classifier, fitted to labels and weighted pseudo-labels.
    classes_ : ndarray of shape (K,)
        All classes that have labels.
    sample_weight_ : ndarray of shape (n,)
        1 for a row with a label or one that has joined, else the margin, in [0, 1], times
        `unlabelled_weight`.
    y_suggested_ : ndarray of shape (n,)
        The label, where none was given the pseudo-label.
    similarity_ : ndarray of shape (n, K)
        Highest cosine similarity to the labelled rows of each class, as last found; negative ones
        are 0.
    absorbed_ : ndarray of shape (n,) of bool
        Unlabelled rows that have joined the labelled ones.
    n_iter_ : int
        Rounds, the last fit being one.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    SoftPseudoLabelClassifier : Where every unlabelled row is of a known class.

    Notes
    -----
    `score` leaves rows without a label out. In a search, an integer `cv` works for y with -1; for
    y with missing values give a splitter, such as `KFold(5, shuffle=True)`.

    Unknown classes are not predicted: `predict` gives one of `classes_`.

    References
    ----------
    P. Du, S. Zhao, Z. Sheng, C. Li, H. Chen: "Semi-Supervised Learning via Weight-aware
    Distillation under Class Distribution Mismatch", ICCV, 2023 (in a space learnt by contrasting
    images, here one of features; rows join by their loss alone, here also by their weight, since
    a linear model may be sure of what is far from everything).

    Examples
    --------
    Two classes have labels, and a third part of the other rows is of neither:

    >>> import numpy as np
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels import WeightAwareDistillation
    >>> X, kind = make_blobs(600, n_features=10, cluster_std=3.0, random_state=0)
    >>> y = np.where((kind < 2) & (np.arange(600) < 60), kind, -1)
    >>> model = WeightAwareDistillation(LogisticRegression(), random_state=0).fit(X, y)
    >>> weight = model.sample_weight_
    >>> bool(weight[kind == 2].mean() < 0.5 * weight[kind < 2].mean())
    True
    """

    _parameter_constraints: dict = {
        **BasePartlyLabelled._parameter_constraints,
        "absorb": [Interval(Real, 0, 1, closed="both")],
        "decay": [Interval(Real, 0, 1, closed="right")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "unlabelled_weight": [Interval(Real, 0, None, closed="left")],
    }

    sample_weight_: FloatArray
    y_suggested_: Array
    similarity_: FloatArray
    absorbed_: BoolArray
    n_iter_: int

    def __init__(
        self,
        estimator: Estimator,
        *,
        absorb: float = 0.1,
        decay: float = 0.5,
        max_iter: int = 3,
        unlabelled_weight: float = 1.0,
        unlabelled: int | str | None = -1,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.absorb = absorb
        self.decay = decay
        self.max_iter = max_iter
        self.unlabelled_weight = unlabelled_weight
        self.unlabelled = unlabelled
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn(self, rows, labels):
        n, known = len(labels.codes), labels
        attributes = {
            "absorbed_": np.zeros(n, dtype=bool),
            "sample_weight_": np.ones(n),
            "n_iter_": 1,
        }
        if labels.is_labelled.all():
            attributes["similarity_"] = labels.one_hot
            attributes["y_suggested_"] = labels.classes[labels.codes]
            return labels.one_hot, attributes
        evidence = Evidence(rows.X, labels.codes, task="classification")  # no label is a class
        features = normalize(numeric_features(self.estimator, evidence))
        folds = quiet_folds(rows, labels.codes, self.cv) if self.max_iter else None
        n_unlabelled = (~labels.is_labelled).sum()
        for i in range(self.max_iter):
            similarity = class_similarity(features, known)
            proba, codes, weight = self._distilled(known, similarity)
            judged = rows.out_of_sample(self.estimator, proba, folds)[np.arange(n), codes]
            joins = np.where(known.is_labelled, -1.0, weight * np.nan_to_num(judged))
            n_new = int(self.absorb * self.decay**i * n_unlabelled)
            new = np.argsort(-joins, kind="stable")[:n_new]
            new = new[joins[new] > 0]
            known = known.with_labels(new, codes[new])
        similarity = class_similarity(features, known)
        proba, codes, weight = self._distilled(known, similarity)
        attributes |= {
            "absorbed_": known.is_labelled & ~labels.is_labelled,
            "n_iter_": self.max_iter + 1,
            "sample_weight_": weight,
            "similarity_": similarity,
            "y_suggested_": labels.classes[codes],
        }
        return proba, attributes

    def _distilled(self, known, similarity):
        """(weighted soft labels, labels, weights) of all rows."""
        codes, margin = pseudo_labels(similarity)
        codes = np.where(known.is_labelled, known.codes, codes)
        weight = np.where(known.is_labelled, 1.0, self.unlabelled_weight * margin)
        return np.eye(similarity.shape[1])[codes] * weight[:, None], codes, weight


def class_similarity(features, labels):
    """(n, K): highest cosine similarity of each row to the labelled rows of each class.

    Negative similarities are 0; `features` have rows of length 1.
    """
    labelled = np.flatnonzero(labels.is_labelled)
    labelled = labelled[np.argsort(labels.codes[labelled], kind="stable")]
    starts = np.searchsorted(labels.codes[labelled], np.arange(len(labels.classes)))
    against = features[labelled].T
    n = features.shape[0]
    similarity = np.empty((n, len(labels.classes)))
    for chunk in gen_batches(n, max(1, CHUNK_ENTRIES // len(labelled))):
        product = features[chunk] @ against
        product = product.toarray() if issparse(product) else product
        similarity[chunk] = np.maximum.reduceat(product, starts, axis=1)
    return np.clip(similarity, 0.0, 1.0)


def pseudo_labels(similarity):
    """(class of highest similarity, its margin over the second) of each row."""
    second, first = np.partition(similarity, -2, axis=1)[:, -2:].T
    return similarity.argmax(axis=1), first - second
