"""A training by epochs, whose targets may change from one to the next."""

from __future__ import annotations

from inspect import signature

import numpy as np
from sklearn.linear_model._stochastic_gradient import BaseSGD
from sklearn.naive_bayes import GaussianNB, _BaseDiscreteNB
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from sknoisy._evidence._fitting import makes_rows, resample_by_weight, seeded_clone
from sknoisy._evidence._training_stages import PartialFit, answer_of, fit_step, params_of_steps

MOST_EPOCHS = 100
WITHOUT_MAX_ITER = 20


def trains_by_epochs(estimator, with_weights):
    """Whether a model can be trained on, and if need be weigh rows while it is.

    It has `partial_fit`, also as the last step of a Pipeline. Naive Bayes is complete after one
    pass over the rows, and would only count them again.
    """
    model = _last(estimator)
    if not hasattr(model, "partial_fit") or isinstance(model, (GaussianNB, _BaseDiscreteNB)):
        return False
    if makes_rows(estimator) is not None:
        return False
    return not with_weights or "sample_weight" in signature(model.partial_fit).parameters


def has_an_early_time(estimator):
    """Whether wrong labels are learnt later than right ones; a linear model learns few by heart."""
    return not isinstance(_last(estimator), BaseSGD)


def planned_epochs(estimator):
    """As many as the model's `max_iter`, and no more than `MOST_EPOCHS`."""
    own = getattr(_last(estimator), "max_iter", None) or WITHOUT_MAX_ITER
    return min(own, MOST_EPOCHS)


def _last(estimator):
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


class Epochs:
    """A clone of `estimator` that is trained one epoch at a time, and answers as it goes.

    Parameters
    ----------
    estimator : estimator
        See `trains_by_epochs`. The steps before the last one of a Pipeline are fitted once.
    evidence : Evidence
        Its rows, weights and parameters of `fit`.
    random_state : int or None
        Seeds the model and the order of the rows.

    Attributes
    ----------
    model : estimator
        Of the kind of `estimator`, trained so far.
    """

    def __init__(self, estimator, evidence, random_state):
        inputs = evidence.inputs
        self.model = seeded_clone(estimator, random_state)
        self._X, params = inputs.X, inputs.fit_params
        self._weight = inputs.sample_weight
        self._resamples = inputs.weight_strategy == "resample"
        self._rng = check_random_state(random_state)
        if isinstance(self.model, Pipeline):
            each, _ = params_of_steps(self.model, None, params)
            for name, step in self.model.steps[:-1]:
                if step is not None and not isinstance(step, str):
                    self._X = fit_step(step, self._X, inputs.y, each[name])
            params = each[self.model.steps[-1][0]]
        self._last = _last(self.model)
        self._learn = PartialFit(self._last, self._X, inputs.y, None, params)

    def learn(self, rows, y, weight):
        """One epoch on `rows`, which may be named several times, in random order."""
        if self._weight is not None:
            weight = weight * self._weight[rows]
        order = self._rng.permutation(np.flatnonzero(weight))
        if self._resamples:
            strata = y if hasattr(self._last, "classes_") else None
            order = self._rng.permutation(resample_by_weight(weight, self._rng, strata=strata))
        alike = self._resamples or np.ptp(weight[order]) <= 1e-12 * weight.max()
        self._learn(rows[order], y[order], None if alike else weight[order])

    def answer(self):
        """(n, K) class probabilities, or (n,) numbers, for the rows of training."""
        return answer_of(self._last, self._X)
