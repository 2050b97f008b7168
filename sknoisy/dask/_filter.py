"""Drop suspect rows of a Dask collection."""

from __future__ import annotations

import warnings
from copy import deepcopy
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sknoisy._evidence import Target, take_rows
from sknoisy._evidence._fitting import IsModel, check_kind, seeded_clone
from sknoisy._evidence._knowledge import knowledge, no_more_than_chance
from sknoisy._evidence._responses import LabelResponse
from sknoisy._fitted import replace_fitted
from sknoisy._limits import untouchable_rows
from sknoisy._notebook import NotebookView
from sknoisy.dask import _counts as counts
from sknoisy.dask import _partitions as partitions
from sknoisy.dask._partitions import is_collection, kept, task, together
from sknoisy.exceptions import NothingKnownWarning

SAMPLE = 20_000  # rows by which it is told whether anything is known of the labels
MOST = 0.5  # of the rows may be suspect


class DaskFilterClassifier(ClassifierMixin, MetaEstimatorMixin, NotebookView, BaseEstimator):
    """Classifier on a Dask collection, fitted without the rows whose labels look wrong.

    `FilterClassifier` with `ConfidentLearning` for data that are larger than a memory. Folds are
    groups of partitions, so rows must be spread over the partitions as if by chance: where they are
    sorted, by label or by date, shuffle them first. What confident learning counts are sums over
    partitions, and the same as in memory for the same folds, but that rows that tie at a cut are
    flagged together, and that copies of a row may be in several folds.

    To this process come models, counts, the least suspect rows of each class and a sample of 20000
    predictions; nothing that has an entry for each row. The workers hold, or spill, K
    probabilities a row during `fit`, and 9 bytes a row after it. Partitions are read again for
    each pass over them, `cv + 2` times: `persist` X where the workers' memory holds it.

    Number of fits: `cv` (5) plus 1.

    Parameters
    ----------
    estimator : estimator object
        A classifier with `predict_proba`, and either `partial_fit`, which is fed partition by
        partition, or a `fit` that takes Dask collections, such as `xgboost.dask.DaskXGBClassifier`
        and `lightgbm.DaskLGBMClassifier`.
    feed : {"auto", "partitions", "collection"}, default="auto"
        Which of these: "auto" is "partitions" where the estimator has `partial_fit`.
    cv : int >= 2, default=5
        Number of folds; no more than there are partitions.
    bounded : bool, default=True
        As in `ConfidentLearning`: overlap of the classes does not count as noise.
    min_per_class : int >= 1, default=5
        The least suspect rows of each class, this many, are kept, whatever is flagged.
    n_epochs : int >= 1, default=1
        Times that a model with `partial_fit` is fed all partitions.
    random_state : int, RandomState instance or None, default=None
        Seeds which partitions make a fold, and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The model, fitted on the rows that were kept. Its `predict_proba` is not calibrated.
    classes_ : ndarray of shape (K,)
        All classes of y.
    noise_proba_ : dask array of shape (n,)
        Probability that the label of a row is wrong, in the partitions of y.
    noise_mask_ : dask array of shape (n,) of bool
        Rows that were dropped.
    n_rows_seen_, n_rows_flagged_ : int
        Rows, and those of them that were dropped.
    folds_ : ndarray of shape (n_partitions,) of int
        Fold of each partition.
    thresholds_ : ndarray of shape (K,)
        Mean self-confidence of each class.
    confident_joint_ : ndarray of shape (K, K)
        Number of rows of given class i and true class j, as counted.
    evidence_p_value_ : float
        Of predictions that would know no more of y than the shares of its classes.

    References
    ----------
    C. Northcutt, L. Jiang, I. Chuang: "Confident learning: estimating uncertainty in dataset
    labels", Journal of Artificial Intelligence Research 70, 2021.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sknoisy.dask import DaskFilterClassifier
    >>> X, y = make_blobs(1000, centers=[[0, 0], [5, 0]], random_state=0)
    >>> y[::10] = 1 - y[::10]
    >>> X, y = da.from_array(X, chunks=(100, 2)), da.from_array(y, chunks=100)
    >>> model = DaskFilterClassifier(GaussianNB(), random_state=0).fit(X, y)
    >>> bool(model.noise_mask_.compute()[::10].mean() > 0.7)  # of the wrong ones
    True
    """

    _parameter_constraints: dict = {
        "estimator": [IsModel()],
        "feed": [StrOptions({"auto", "partitions", "collection"})],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "bounded": ["boolean"],
        "min_per_class": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator,
        *,
        feed="auto",
        cv=5,
        bounded=True,
        min_per_class=5,
        n_epochs=1,
        random_state=None,
    ):
        self.estimator = estimator
        self.feed = feed
        self.cv = cv
        self.bounded = bounded
        self.min_per_class = min_per_class
        self.n_epochs = n_epochs
        self.random_state = random_state

    def fit(self, X, y):
        """Find the suspect rows and fit the estimator on the others.

        Parameters
        ----------
        X : Dask DataFrame or array of shape (n, d)
        y : Dask Series or array of shape (n,)
            Labels, in the same partitions.

        Returns
        -------
        self : object
        """
        self._validate_params()
        check_kind(self.estimator, "classification", type(self).__name__)
        self._check_model()
        data = partitions.Rows.of(X, y)
        sizes, labels = _sizes_and_labels(data)
        classes = np.unique(np.concatenate(labels))
        rng = check_random_state(deepcopy(self.random_state))
        folds = self._folds(len(sizes), rng)
        said = self._out_of_sample(data, classes, labels, folds, rng)
        verdicts, known, counted = self._judge(said, classes)
        masks = [task(_spared)(one, rows) for one, rows in verdicts]
        masks = kept(masks)
        chances = kept([one[0] for one, _ in verdicts])
        n_kept = sizes - together([task(np.count_nonzero)(mask) for mask in masks])
        n_flagged = int(sizes.sum() - n_kept.sum())
        if n_flagged > MOST * sizes.sum():
            raise ValueError(
                f"{n_flagged} of {sizes.sum()} rows look wrong to models of "
                f"{type(self.estimator).__name__}, more than a fit can do without: choose a model "
                "that knows more, or look whether rows are sorted by label."
            )
        if known.is_none:
            warnings.warn(
                f"{type(self).__name__}: {no_more_than_chance(True)} (p = {known.p_value:.2g}): no "
                "row can be called wrong for being unlike them.",
                NothingKnownWarning,
                stacklevel=2,
            )
        model = self._last_fit(data, classes, masks, n_kept, rng)
        joint, thresholds, _ = counted
        fitted = {
            "estimator_": model,
            "classes_": classes,
            "noise_proba_": partitions.as_array(chances, sizes, float),
            "noise_mask_": partitions.as_array(masks, sizes, bool),
            "n_rows_seen_": int(sizes.sum()),
            "n_rows_flagged_": n_flagged,
            "folds_": folds,
            "thresholds_": thresholds,
            "confident_joint_": joint,
            "evidence_p_value_": known.p_value,
        }
        replace_fitted(self, fitted)
        return self

    # ------------------------------------------------------------------ what is asked of the data

    def _check_model(self):
        name = type(self.estimator).__name__
        if not hasattr(self.estimator, "predict_proba"):
            raise TypeError(f"{name} has no predict_proba, which is needed here.")
        if self.feed == "partitions" and not hasattr(self.estimator, "partial_fit"):
            raise TypeError(f'{name} has no partial_fit, which feed="partitions" needs.')

    def _in_parts(self):
        has_it = hasattr(self.estimator, "partial_fit")
        return self.feed == "partitions" or (self.feed == "auto" and has_it)

    def _folds(self, n_partitions, rng):
        """(P,) fold of each partition."""
        if n_partitions < 2:
            raise ValueError(
                "X has one partition, and folds are groups of partitions: repartition it."
            )
        k = min(self.cv, n_partitions)
        return rng.permutation(np.arange(n_partitions) % k)

    # ------------------------------------------------------------------ models

    def _out_of_sample(self, data, classes, labels, folds, rng):
        """List of delayed (label_proba (n, K), codes (n,)), by partition; NaN was not judged."""
        said = [None] * len(folds)
        for fold in range(folds.max() + 1):
            train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            seen = np.isin(classes, np.concatenate([labels[p] for p in train]))
            model = self._new(rng)
            if self._in_parts():
                model = self._fed(model, data, classes, train)
                values = [task(_proba)(model, data.X_parts[p], classes) for p in test]
            else:
                of_some = partitions.some_of
                model.fit(of_some(data.X, train), of_some(data.y, train))
                values = _proba_of_collection(model, of_some(data.X, test), classes)
            for p, part in zip(test, values, strict=True):
                said[p] = task(_with_codes)(part, data.y_parts[p], classes, seen)
        return kept(said)

    def _new(self, rng):
        return seeded_clone(self.estimator, int(rng.randint(2**31 - 1)))

    def _fed(self, model, data, classes, parts, masks=None):
        """Delayed model that has been fed some partitions, less the rows that `masks` say."""
        model = task(model)
        for p in np.tile(parts, self.n_epochs):
            mask = None if masks is None else masks[p]
            model = task(_learn)(model, data.X_parts[p], data.y_parts[p], classes, mask)
        return model

    def _last_fit(self, data, classes, masks, n_kept, rng):
        model = self._new(rng)
        if self._in_parts():
            fed = self._fed(model, data, classes, np.arange(len(masks)), masks)
            return together([fed])[0]
        keep = [task(np.logical_not)(mask) for mask in masks]
        of_kept = partitions.filtered
        return model.fit(
            of_kept(data.X, data.X_parts, keep, n_kept), of_kept(data.y, data.y_parts, keep, n_kept)
        )

    # ------------------------------------------------------------------ verdict

    def _judge(self, said, classes):
        """([(delayed (noise_proba, mask), rows to be spared)], Knowledge, what was counted)."""
        n_classes = len(classes)
        counted = counts.joint_and_thresholds(said, n_classes, self.bounded)
        joint, _, n_given = counted
        known = self._known(said, classes)
        judged = np.ones(n_classes, dtype=bool)
        judged[known.unknown_classes] = False
        if known.is_none:
            judged[:] = False
        cuts = counts.pair_cuts(said, joint, n_given)
        verdicts = [task(counts.verdict)(part, joint, cuts, judged) for part in said]
        verdicts = kept(verdicts)
        least = together(
            [
                task(counts.least_suspect)(part, verdict, self.min_per_class)
                for part, verdict in zip(said, verdicts, strict=True)
            ]
        )
        part_of = np.repeat(np.arange(len(least)), [len(rows) for rows, *_ in least])
        row, codes, chance, score = (np.concatenate(each) for each in zip(*least, strict=True))
        spared = untouchable_rows(chance, score, codes, self.min_per_class)
        rows = [row[spared & (part_of == p)] for p in range(len(least))]
        return list(zip(verdicts, rows, strict=True)), known, counted

    def _known(self, said, classes):
        """`Knowledge` of the predictions, by a sample of them."""
        n_each = -(-SAMPLE // len(said))
        parts = together([task(_sample)(part, n_each) for part in said])
        proba, codes = (np.concatenate(each) for each in zip(*parts, strict=True))
        return knowledge(proba, Target(y=codes, classes=classes, codes=codes))

    # ------------------------------------------------------------------ after fit

    def predict(self, X):
        """Predict with the fitted model; no row is ever dropped.

        Parameters
        ----------
        X : Dask DataFrame or array, or what the model takes

        Returns
        -------
        dask array of shape (n_samples,), or what the model gives
        """
        check_is_fitted(self)
        if is_collection(X) and self._in_parts():
            return partitions.by_partition(X, self.estimator_.predict, self.classes_.dtype)
        return self.estimator_.predict(X)

    def predict_proba(self, X):
        """Class probabilities of the fitted model.

        Parameters
        ----------
        X : Dask DataFrame or array, or what the model takes

        Returns
        -------
        dask array of shape (n_samples, K), or what the model gives
        """
        check_is_fitted(self)
        if is_collection(X) and self._in_parts():
            shape = (len(self.classes_),)
            return partitions.by_partition(X, self.estimator_.predict_proba, float, shape)
        return self.estimator_.predict_proba(X)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimator_")


def _sizes_and_labels(data):
    """Rows of each partition, (P,), and the labels that it has."""
    n_parts = len(data.X_parts), len(data.y_parts)
    if n_parts[0] != n_parts[1]:
        raise ValueError(
            f"X has {n_parts[0]} partitions and y has {n_parts[1]}: they must be the same."
        )
    pairs = zip(data.X_parts, data.y_parts, strict=True)
    told = together([task(partitions.describe)(*pair) for pair in pairs])
    for p, (n_rows, n_labels, _) in enumerate(told):
        if n_rows != n_labels:
            raise ValueError(f"Partition {p} has {n_rows} rows of X and {n_labels} of y.")
    return np.array([n for n, _, _ in told]), [labels for _, _, labels in told]


# ---------------------------------------------------------------------- what is done on the workers


def _learn(model, X, y, classes, mask):
    """A copy of the model after one more partition, less the rows of a mask."""
    y = np.asarray(y)
    if mask is not None:
        rows = np.flatnonzero(~mask)
        X, y = take_rows(X, rows), y[rows]
    if len(y) == 0:
        return model
    model = deepcopy(model)  # a task may be run again, so it must leave what it got as it was
    model.partial_fit(X, y, classes=classes)
    return model


def _proba(model, X, classes):
    return LabelResponse(classes)(model, X, None)[1]


def _proba_of_collection(model, X, classes):
    """Delayed probabilities by partition, of a model that takes collections."""
    values = model.predict_proba(X)
    if values.numblocks[1] > 1:
        values = values.rechunk({1: -1})
    known = getattr(model, "classes_", classes)
    return [task(_placed)(part, known, classes) for part in values.to_delayed().ravel()]


def _placed(values, known, classes):
    return LabelResponse(classes).spread(np.asarray(values), known, 0.0, "predict_proba")


def _with_codes(proba, y, classes, seen):
    """(label_proba, codes): nobody can tell a class who has never seen it."""
    codes = partitions.codes_of(y, classes)
    return np.where(seen[codes][:, None], proba, np.nan), codes


def _spared(verdict, rows):
    mask = verdict[1].copy()
    mask[rows] = False
    return mask


def _sample(part, n):
    proba, codes = part
    if len(codes) > n:
        rows = np.random.RandomState(0).choice(len(codes), n, replace=False)
        return proba[rows], codes[rows]
    return part
