"""The whole of `fit`, for filters of collections."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sknoisy._evidence import Target
from sknoisy._evidence._fitting import IsModel, check_kind
from sknoisy._evidence._knowledge import no_more_than_chance
from sknoisy._evidence._own import read_predicted
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._progress import last_fit, part_of_fit, whole_fit
from sknoisy._wrapper import BaseWrapper
from sknoisy.dask import _partitions as partitions
from sknoisy.dask._described import codes_of, describe, folds_of
from sknoisy.dask._memory import as_collection, deal, plain_rows
from sknoisy.dask._models import Learner, check_feed, finished
from sknoisy.dask._partitions import is_collection, kept, task, together
from sknoisy.exceptions import NothingKnownWarning, OwnEvidenceWarning

SAMPLE = 20_000  # rows by which it is told whether anything is known of the targets
MOST = 0.5  # of the rows may be suspect


@dataclass
class Search:
    """What is known before the first row is judged.

    Attributes
    ----------
    data : Rows
    sizes : ndarray of shape (P,)
        Rows of each partition.
    labels : list of ndarray
        Labels of each partition; of None for numbers.
    classes : ndarray of shape (K,) or None
    folds : ndarray of shape (P,)
    seeds : list of int
        Of the model of each fold, of the last one, and of one to calibrate by.
    learner : Learner
    """

    data: partitions.Rows
    sizes: np.ndarray
    labels: list
    classes: np.ndarray | None
    folds: np.ndarray
    seeds: list
    learner: Learner

    @property
    def own(self):
        """Whether predictions were made elsewhere."""
        return self.data.others["predicted"][0] is not None


@dataclass
class Found:
    """What was found, by partition.

    Attributes
    ----------
    said : list of delayed
        What models that have not seen a partition say of it, and its targets.
    verdicts : list of delayed (noise_proba (n,), mask (n,))
    spared : list of ndarray, or None
        Rows of each partition that are kept, whatever the mask says.
    known : Knowledge
    attributes : dict
        Fitted attributes that come of it.
    judge : tuple
        By what the verdicts were made, for those who ask for more.
    """

    said: list
    verdicts: list
    spared: list | None
    known: Any
    attributes: dict
    judge: tuple = field(default_factory=tuple)


class BaseDaskFilter(BaseWrapper, ABC):
    """Base class: a subclass says by `_find(search)` which rows are suspect."""

    _task: str
    _parameter_constraints: dict = {
        "estimator": [IsModel()],
        "feed": [StrOptions({"auto", "partitions", "collection"})],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        trusted: Any = None,
        predicted: Any = None,
    ) -> Self:
        """Find the suspect rows and fit the estimator on the others.

        Parameters
        ----------
        X : Dask DataFrame or array of shape (n, d)
            Or rows in memory, in whatever the estimator takes, to try it out: they are dealt to as
            many partitions as there are folds, as `FilterClassifier` and `FilterRegressor` deal
            them.
        y : Dask Series or array of shape (n,)
            Given labels or numbers. It and what follows have the partitions of X, or are in memory
            with it.
        sample_weight : Dask Series or array of shape (n,), default=None
            Weights in every fit. What is counted is unweighted, but that rows of zero weight do
            not hold a class up.
        groups : Dask Series or array of shape (n,), default=None
            Rows of one group stay together in the folds, and so do all partitions that share a
            group: bring each group into one partition first (`frame.shuffle(on=column)`). It is an
            error where groups join all partitions. To this process come 8 bytes for each group of
            each partition.
        trusted : Dask Series or array of shape (n,) of bool, default=None
            Rows known to be right: they are never flagged.
        predicted : Dask array of shape (n, K) or (n,), or DataFrame, default=None
            Class probabilities or numbers that were predicted elsewhere, by models that have not
            seen the row. Columns are in the order of the sorted labels, or have their names. Then
            the search for suspect rows fits no model.

        Returns
        -------
        self : object
        """
        search = self._search(X, y, sample_weight, groups, trusted, predicted)
        with whole_fit(self, X, y):
            fitted = self._fitted(search)
        replace_fitted(self, fitted)
        return self

    def _fitted(self, search):
        """Attributes by name."""
        with part_of_fit("detection"):
            found = self._find(search)
            masks, spared = [verdict[1] for verdict in found.verdicts], found.spared
            if spared is not None:
                masks = [task(_less)(*each) for each in zip(masks, spared, strict=True)]
            masks = kept(masks)
            chances = kept([verdict[0] for verdict in found.verdicts])
            sizes = search.sizes
            n_kept = sizes - together([task(np.count_nonzero)(mask) for mask in masks])
            n_flagged = int(sizes.sum() - n_kept.sum())
        self._check_share(n_flagged, sizes.sum())
        self._warn_of_nothing(found.known)
        parts = np.arange(len(sizes))
        left_out = masks, n_kept
        with last_fit():
            [learnt] = search.learner.fitted(search.data, [parts], search.seeds[-2:-1], left_out)
            model = finished(learnt)
        place = search.data.place
        return {
            "estimator_": model,
            **model_attributes(model),
            "noise_proba_": search.data.joined(chances, sizes, float),
            "noise_mask_": search.data.joined(masks, sizes, bool),
            "n_rows_seen_": int(sizes.sum()),
            "n_rows_flagged_": n_flagged,
            "folds_": search.folds if place is None else search.folds[place],
            "evidence_p_value_": found.known.p_value,
            **found.attributes,
            **self._calibrated(search, left_out),
        }

    @abstractmethod
    def _find(self, search):
        """`Search` to `Found`."""

    def _search(self, X, y, sample_weight=None, groups=None, trusted=None, predicted=None):
        """Checks, folds and seeds."""
        self._validate_params()
        check_kind(self.estimator, self._task, type(self).__name__)
        self._check_model()
        check_feed(self.estimator, self.feed, sample_weight is not None)
        others = {"sample_weight": sample_weight, "groups": groups, "trusted": trusted}
        is_labels = self._task == "classification"
        if is_collection(X):
            data = partitions.Rows.of(X, y, **others, predicted=predicted)
        else:
            how = {"purpose": self._task, "cv": self.cv, "seed": self._seed()}
            others["predicted"] = predicted
            data = deal(X, y, others, **how, as_collections=not self._in_parts)
        told = describe(data, is_labels)
        rng = check_random_state(deepcopy(self.random_state))
        folds = folds_of(told, self.cv, rng, data.others["groups"])
        labels = [part.labels for part in told]
        classes = np.unique(np.concatenate(labels)) if is_labels else None
        return Search(
            data=data,
            sizes=np.array([part.n_rows for part in told]),
            labels=labels,
            classes=classes,
            folds=folds,
            seeds=[int(rng.randint(2**31 - 1)) for _ in range(folds.max() + 3)],
            learner=Learner(self.estimator, self.feed, self.n_epochs, classes),
        )

    def _calibrated(self, search, left_out):
        """Fitted attributes that come of how sure the model may be."""
        return {}

    def _check_model(self):
        """A place to refuse early what cannot be done with this estimator."""

    def _check_share(self, n_flagged, n):
        if n_flagged > MOST * n:
            raise ValueError(
                f"{n_flagged} of {n} rows look wrong to models of {type(self.estimator).__name__}, "
                "more than a fit can do without: choose a model that knows more, or look whether "
                "rows are sorted by their target."
            )

    def _warn_of_nothing(self, known):
        if known.is_none:
            nothing = no_more_than_chance(self._task == "classification")
            warnings.warn(
                f"{type(self).__name__}: {nothing} (p = {known.p_value:.2g}): no row can be called "
                "wrong for being unlike them.",
                NothingKnownWarning,
                stacklevel=4,
            )

    # ------------------------------------------------------------------ after fit

    def predict(self, X: Any, **params: Any) -> Any:
        """Predict with the fitted model; no row is ever dropped.

        Parameters
        ----------
        X : Dask DataFrame or array, or rows in memory
        **params : dict
            Passed to the model's `predict`.

        Returns
        -------
        dask array of shape (n_samples,), or what the model gives; ndarray for rows in memory
        """
        check_is_fitted(self)
        if is_collection(X):
            return self._ask("predict", X, params)
        return super().predict(X, **params)

    def _ask(self, method, X, params):
        """Later, of a collection; of rows in memory at once."""
        if self._in_parts and not is_collection(X):
            return super()._ask(method, X, params)
        ask = partial(getattr(self.estimator_, method), **params)
        if self._in_parts:
            return partitions.by_partition(X, ask, *self._form(method))
        if is_collection(X):
            return ask(X)
        X = plain_rows(X)
        X = as_collection(X, [task(X)], [X.shape[0]])
        return np.concatenate(together(partitions.parts_of_answer(ask(X), X)))

    @property
    def _in_parts(self):
        return Learner(self.estimator, self.feed, 1).in_parts

    def _form(self, method):
        """(dtype, shape of an entry) of what the model answers."""
        return np.dtype(float), ()


def out_of_sample(search, left_out=None):
    """List of delayed answers, by partition, of models that have not seen it.

    `left_out` as in `Learner.fitted`: rows that no model learns from, though they are judged.
    """
    if search.own:
        pairs = zip(search.data.others["predicted"], search.data.y_parts, strict=True)
        return [task(_own)(p, *pair, search.classes) for p, pair in enumerate(pairs)]
    said, folds = [None] * len(search.folds), np.arange(search.folds.max() + 1)
    trains = [np.flatnonzero(search.folds != fold) for fold in folds]
    models = search.learner.fitted(search.data, trains, search.seeds[: len(folds)], left_out)
    for fold, model in zip(folds, models, strict=True):
        test = np.flatnonzero(search.folds == fold)
        for p, part in zip(test, search.learner.answers(model, search.data, test), strict=True):
            said[p] = part
    return said


def _own(p, predicted, y, classes):
    """Predictions that were made elsewhere, checked."""
    y = np.asarray(y)
    target = Target(y, classes, None if classes is None else codes_of(y, classes))
    try:
        with warnings.catch_warnings():  # of what a partition alone cannot tell
            warnings.simplefilter("ignore", OwnEvidenceWarning)
            return read_predicted(predicted, target)
    except ValueError as error:
        raise ValueError(f"Partition {p}: {error}") from error


def samples(parts, weights=None):
    """(predicted, target) of a sample of the rows that have weight, from delayed pairs of them."""
    weights = [None] * len(parts) if weights is None else weights
    n_each = -(-SAMPLE // len(parts))
    pairs = zip(parts, weights, strict=True)
    found = together([task(_sample)(part, weight, n_each) for part, weight in pairs])
    predicted, target = (np.concatenate(each) for each in zip(*found, strict=True))
    return predicted, target


def _sample(part, weight, n):
    predicted, target = part
    if weight is not None:
        rows = np.flatnonzero(np.asarray(weight) > 0)
        predicted, target = predicted[rows], target[rows]
    if len(target) > n:
        rows = np.random.RandomState(0).choice(len(target), n, replace=False)
        return predicted[rows], target[rows]
    return predicted, target


def _less(mask, rows):
    mask = mask.copy()
    mask[rows] = False
    return mask
