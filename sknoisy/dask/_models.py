"""Models that learn from collections: fed partition by partition, or by a `fit` of their own."""

from __future__ import annotations

from copy import deepcopy
from inspect import Parameter, signature

import numpy as np
from sklearn.utils.validation import _num_samples

from sknoisy._evidence import take_rows
from sknoisy._evidence._fitting import check_takes_weights, seeded_clone
from sknoisy._evidence._responses import LabelResponse, number_response
from sknoisy.dask import _partitions as partitions
from sknoisy.dask._partitions import kept, task, together


class Learner:
    """How one estimator learns from some of the rows, and what it says of others.

    Parameters
    ----------
    estimator : estimator object
    feed : {"auto", "partitions", "collection"}
    n_epochs : int
    classes : ndarray of shape (K,) or None
        None for numbers.
    """

    def __init__(self, estimator, feed, n_epochs, classes=None):
        has_it = hasattr(estimator, "partial_fit")
        self.estimator = estimator
        self.in_parts = feed == "partitions" or (feed == "auto" and has_it)
        self.n_epochs = n_epochs
        self.classes = classes

    def fitted(self, data, parts, seeds, left_out=None):
        """Models, one for each list of partitions, fitted to the rows of these.

        Delayed where they are fed by partitions: then each partition is read once, for all models
        that learn from it. `left_out` are delayed masks (a list, one for each of all partitions),
        and how many rows they leave of each.
        """
        models = [seeded_clone(self.estimator, seed) for seed in seeds]
        if self.in_parts:
            return self._fed(models, data, parts, left_out)
        fitted = []
        for model, some in zip(models, parts, strict=True):
            X, y, weight = self._collections(data, some, left_out)
            params = {} if weight is None else {"sample_weight": weight}
            returned = model.fit(X, y, **params)
            fitted.append(model if returned is None else returned)
        return fitted

    def _fed(self, models, data, parts, left_out):
        models, weights = [task(model) for model in models], data.others["sample_weight"]
        learners = [[i for i, some in enumerate(parts) if p in some] for p in range(len(data))]
        for p in np.tile(np.arange(len(data)), self.n_epochs):
            mask = None if left_out is None else left_out[0][p]
            rows = data.X_parts[p], data.y_parts[p], weights[p], mask
            learnt = [task(_learn)(models[i], self.classes, *rows) for i in learners[p]]
            # one partition after the other, or else all of them would be in memory for the models
            # that have not come to them yet
            for i, model in zip(learners[p], kept(learnt), strict=True):
                models[i] = model
        return models

    def _collections(self, data, parts, left_out):
        """(X, y, weight) of some partitions, less the rows that are left out."""
        given = [(data.X, data.X_parts), (data.y, data.y_parts)]
        given.append((data.weight, data.others["sample_weight"]))
        found = []
        for collection, pieces in given:
            if collection is None:
                found.append(None)
            elif left_out is None:
                found.append(partitions.some_of(collection, pieces, parts))
            else:
                keep = [task(np.logical_not)(left_out[0][p]) for p in parts]
                pieces = [pieces[p] for p in parts]
                sizes = [left_out[1][p] for p in parts]
                found.append(partitions.filtered(collection, pieces, keep, sizes))
        return found

    def answers(self, model, data, parts):
        """List of delayed (n, K) probabilities, or (n,) numbers, by partition."""
        if self.in_parts:
            return [task(_said)(model, data.X_parts[p], self.classes) for p in parts]
        X = partitions.some_of(data.X, data.X_parts, parts)
        values = model.predict(X) if self.classes is None else model.predict_proba(X)
        known = _columns_of(model, self.classes)
        parts = partitions.parts_of_answer(values, X)
        return [task(_placed)(part, known, self.classes) for part in parts]


def _columns_of(model, classes):
    """Classes in the order of the columns of `predict_proba`."""
    known = getattr(model, "classes_", classes)
    if classes is not None and type(model).__module__.startswith("xgboost"):
        # its columns are in the order of the labels, and `classes_` as they were found
        return np.sort(np.asarray(known))
    return known


def check_feed(estimator, feed, needs_weights):
    """Say early, and by name, what a model cannot do."""
    name = type(estimator).__name__
    has_it = hasattr(estimator, "partial_fit")
    if feed == "partitions" and not has_it:
        raise TypeError(f'{name} has no partial_fit, which feed="partitions" needs.')
    if not needs_weights:
        return
    if feed == "collection" or not has_it:
        check_takes_weights(estimator, "native", "sample_weight was given")
        return
    parameters = signature(estimator.partial_fit).parameters
    takes_any = any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())
    if "sample_weight" not in parameters and not takes_any:
        raise ValueError(
            f"partial_fit of {name} takes no sample_weight, but sample_weight was given. Choose a "
            "model that takes weights, such as SGDClassifier, SGDRegressor or GaussianNB."
        )


def finished(model):
    """The model itself, also where it is delayed."""
    return together([model])[0] if partitions.is_collection(model) else model


# ---------------------------------------------------------------------- what is done on the workers


def _learn(model, classes, X, y, weight, mask):
    """A copy of the model after one more partition, less the rows of a mask."""
    y, weight = np.asarray(y), None if weight is None else np.asarray(weight, dtype=float)
    if mask is not None:
        rows = np.flatnonzero(~mask)
        X, y = take_rows(X, rows), y[rows]
        weight = None if weight is None else weight[rows]
    if len(y) == 0 or (weight is not None and not weight.any()):
        return model
    model = deepcopy(model)  # a task may be run again, so it must leave what it got as it was
    params = {} if classes is None else {"classes": classes}
    if weight is not None:
        params["sample_weight"] = weight
    model.partial_fit(X, y, **params)
    return model


def _said(model, X, classes):
    if _num_samples(X) == 0:
        return np.empty(0) if classes is None else np.empty((0, len(classes)))
    if classes is None:
        return number_response(model, X, None)[1]
    return LabelResponse(classes)(model, X, None)[1]


def _placed(values, known, classes):
    values = np.asarray(values)
    if classes is None:
        return values.astype(float).ravel()
    return LabelResponse(classes).spread(values, known, 0.0, "predict_proba")
