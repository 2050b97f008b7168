"""The loop of early learning: train, remember what is said of the rows, and say what comes next."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining
from sknoisy.training.moving_targets._epochs import (
    Epochs,
    has_an_early_time,
    planned_epochs,
    trains_by_epochs,
)
from sknoisy.training.moving_targets._rounds import Rounds

N_REFITS = 10


class EarlyLearning(BaseTraining):
    """Base class: a subclass says what a round is given, and what comes of its answers."""

    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "strength": [Interval(Real, 0, None, closed="left")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "training": [StrOptions({"auto", "epochs", "refits"})],
        "n_rounds": [Interval(Integral, 1, None, closed="left"), None],
        "cv": CV,
    }

    def __init__(
        self,
        estimator,
        *,
        strength=3.0,
        momentum=0.7,
        training="auto",
        n_rounds=None,
        cv=5,
        weight_strategy="native",
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.strength = strength
        self.momentum = momentum
        self.training = training
        self.n_rounds = n_rounds
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _by_epochs(self):
        can = trains_by_epochs(self.estimator, self.weight_strategy)
        if self.training == "epochs" and not can:
            raise ValueError(
                f"{type(self.estimator).__name__} has no partial_fit that takes weights, or would "
                'only count rows again, so it cannot be trained by epochs: set training="refits".'
            )
        if self.training == "auto":
            return can and has_an_early_time(self.estimator)
        return self.training == "epochs"

    def _rounds(self, evidence, start, fit_rows, next_targets):
        """(model or None, last targets, running ones, trace of each round).

        `fit_rows(now)` are the (rows, y, weight) of an epoch, and `next_targets(said, running,
        number)` gives what to train on, and what to note down.
        """
        epochs = Epochs(self.estimator, evidence, self._seed()) if self._by_epochs() else None
        if epochs is None:
            how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
            rounds = Rounds(evidence, self.cv, **how)
        n_rounds = self.n_rounds
        if n_rounds is None:
            n_rounds = N_REFITS if epochs is None else planned_epochs(self.estimator)
        now, running, trace = start, np.zeros(start.shape), []
        for number in range(1, n_rounds + 1):
            if epochs is None:
                said = rounds.answer(self.estimator, now)
            else:
                epochs.learn(*fit_rows(now))
                said = epochs.answer()
            judged = np.isfinite(said if said.ndim == 1 else said.sum(axis=1))
            running[judged] *= self.momentum
            running[judged] += (1.0 - self.momentum) * said[judged]
            if not judged.any():  # a single class, a single row
                break
            now, noted = next_targets(said, running, judged, number)
            trace.append(noted)
        return epochs, now, running, np.array(trace).reshape(len(trace), 2)
