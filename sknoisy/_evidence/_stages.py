"""What a model says of each row while it is being trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRequest

from sknoisy._evidence._cross_fit import cross_fit
from sknoisy._evidence._failures import name_of
from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._evidence._responses import LabelResponse, as_column, check_proba
from sknoisy._evidence._training_stages import training_stages


@dataclass(frozen=True)
class Stages:
    """What a model says of each row at S stages of its training.

    NaN (-1 in `predicted`) where a row was not judged. With several tests of a row, the mean over
    them, and `predicted` is that of the last test.

    Attributes
    ----------
    progress : ndarray of shape (S,)
        Share of the planned training that is done, increasing.
    steps : ndarray of shape (S,) of int
        Iterations, epochs, trees, ... that are done, in the first of the fits.
    last, mean : ndarray of shape (n, K) or (n,)
        Class probabilities or numbers at the end, and their mean over the stages.
    n_fits : int
        Number of models that were trained; a regularisation path counts as one.
    given, other : ndarray of shape (S, n) or None
        Probability of the given label, and the highest one among the other labels.
    predicted : ndarray of shape (S, n) of int or None
        Position, in all classes, of the likeliest label.
    error_norm : ndarray of shape (S, n) or None
        Euclidean norm of the probabilities minus the given label's one-hot row.
    prediction : ndarray of shape (S, n) or None
        For numbers.
    """

    progress: np.ndarray
    steps: np.ndarray
    last: np.ndarray
    mean: np.ndarray
    n_fits: int
    given: np.ndarray | None = None
    other: np.ndarray | None = None
    predicted: np.ndarray | None = None
    error_norm: np.ndarray | None = None
    prediction: np.ndarray | None = None


def responses_in_stages(
    estimator,
    evidence,
    *,
    n_stages=20,
    budget=1.0,
    cv=None,
    random_state=None,
    n_jobs=None,
):
    """`Stages` of `estimator` on the training rows.

    With `cv=None` one model is trained on all rows and judges them as it goes, so that it has seen
    the rows. With an integer or a splitter each row is judged by models that have not.

    Parameters
    ----------
    n_stages : int >= 1
        The most stages that are looked at.
    budget : float in (0, 1]
        The share of the estimator's own training that is carried out.
    """
    if int(n_stages) < 1:
        raise ValueError(f"n_stages must be at least 1, got {n_stages}.")
    if not 0 < budget <= 1:
        raise ValueError(f"budget must be in (0, 1], got {budget}.")
    inputs, target = evidence.inputs, evidence.target
    if inputs.sample_weight is not None:
        check_takes_weights(estimator, inputs.weight_strategy, "sample_weight was given")
    rows = np.arange(len(target.y))
    if target.is_labels and len(target.classes) < 2:
        splits = []
    elif cv is None:
        splits = [(rows, rows)]
    else:
        [splits] = evidence.splits(cv, random_state=random_state)
    trainer = TrainingInStages(estimator, n_stages=int(n_stages), budget=float(budget))
    record = recorder(target)
    records = cross_fit(
        trainer,
        evidence,
        splits,
        _Record(record, target),
        random_state=random_state,
        n_jobs=n_jobs,
    )
    return collect(records, splits, target)


class TrainingInStages(BaseEstimator):
    """Lets `cross_fit` seed, weigh and slice for a model that is trained only when it is asked."""

    def __init__(self, estimator, *, n_stages, budget):
        self.estimator = estimator
        self.n_stages = n_stages
        self.budget = budget

    def fit(self, X, y, sample_weight=None, **fit_params):
        self.given_ = X, y, sample_weight, fit_params
        return self

    @property
    def _named_by(self):  # in errors
        return self.estimator

    def stages(self, X_asked):
        X, y, sample_weight, fit_params = self.given_
        return training_stages(
            self.estimator,
            X,
            y,
            X_asked,
            sample_weight=sample_weight,
            fit_params=fit_params,
            n_stages=self.n_stages,
            budget=self.budget,
        )

    def get_metadata_routing(self):
        # With routing on, `fit_model` asks for this; whether the model itself takes weights has
        # been checked before.
        request = MetadataRequest(owner=type(self).__name__)
        request.fit.add_request(param="sample_weight", alias=True)
        return request

    def __sklearn_tags__(self):
        return get_tags(self.estimator)


class _Record:
    """What is kept of the stages of one fold: never the models."""

    def __init__(self, record, target):
        self.record = record
        self.target = target

    def __call__(self, trainer, X, rows):
        progress, steps, records, total, values = [], [], [], 0.0, None
        seen = getattr(trainer, "classes_", np.unique(trainer.given_[1]))
        answer = "predict_proba" if self.target.is_labels else "predict"
        what = f"{answer} of {name_of(trainer.estimator)}"
        for step, share, values in trainer.stages(X):
            if self.target.is_labels:
                values = check_proba(np.asarray(values, dtype=float), len(rows), what)
                values = LabelResponse(self.target.classes).spread(values, seen, 0.0, what)
            else:
                values = as_column(values, len(rows), what)
            progress.append(share)
            steps.append(step)
            records.append(self.record(values, self.target, rows))
            total = total + values
        if values is None:
            raise ValueError(f"{type(trainer.estimator).__name__} gave no stage of its training.")
        return np.array(progress), np.array(steps), records, total, values


def recorder(target):
    """`record(values, target, rows)`: what is kept of one stage."""
    return _record_labels if target.is_labels else _record_numbers


def _record_labels(proba, target, rows):
    codes, at = target.codes[rows], np.arange(len(rows))
    given = proba[at, codes]
    squares = np.einsum("ij,ij->i", proba, proba)
    others = proba.copy()
    others[at, codes] = -1.0
    return {
        "given": given,
        "other": others.max(axis=1, initial=0.0),
        "predicted": np.argmax(proba, axis=1),
        "error_norm": np.sqrt(np.maximum(squares - 2 * given + 1, 0.0)),
    }


def _record_numbers(values, target, rows):
    return {"prediction": values}


def collect(records, splits, target):
    """`Stages` of all rows from those of each fold; a fold that ended early repeats its last."""
    n = len(target.y)
    width = (len(target.classes),) if target.is_labels else ()
    longest = max(records, key=lambda record: len(record[0]), default=None)
    progress, steps = (np.ones(1), np.zeros(1, dtype=int)) if longest is None else longest[:2]
    if longest is not None and len(records[0][0]) == len(progress):
        steps = records[0][1]
    n_stages = len(progress)
    names = ("given", "other", "error_norm") if target.is_labels else ("prediction",)
    sums = {name: np.zeros((n_stages, n)) for name in names}
    predicted = np.full((n_stages, n), -1)
    last, mean, n_tests = np.zeros((n, *width)), np.zeros((n, *width)), np.zeros(n, dtype=int)
    for (_, _, stages, total, final), (train, test) in zip(records, splits, strict=True):
        known = np.ones(len(test), dtype=bool)
        if target.is_labels:
            # nobody can say whether a row has its class who has never seen that class
            known = np.isin(target.codes[test], target.codes[train])
        rows = test[known]
        n_tests[rows] += 1
        last[rows] += final[known]
        mean[rows] += (total + (n_stages - len(stages)) * final)[known] / n_stages
        for s in range(n_stages):
            stage = stages[min(s, len(stages) - 1)]
            for name in names:
                sums[name][s, rows] += stage[name][known]
            if target.is_labels:
                predicted[s, rows] = stage["predicted"][known]
    times = np.where(n_tests > 0, n_tests, np.nan)
    per_row = times[:, None] if width else times
    arrays = {name: total / times for name, total in sums.items()}
    if target.is_labels:
        arrays["predicted"] = predicted
    return Stages(progress, steps, last / per_row, mean / per_row, len(splits), **arrays)
