"""The loop of early learning: train, remember what is said of the rows, and say what comes next."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining, times
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
        estimator: Estimator,
        *,
        strength: float = 3.0,
        momentum: float = 0.7,
        training: Literal["auto", "epochs", "refits"] = "auto",
        n_rounds: int | None = None,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.strength = strength
        self.momentum = momentum
        self.training = training
        self.n_rounds = n_rounds
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _by_epochs(self, with_weights):
        can = trains_by_epochs(self.estimator, with_weights and self.weight_strategy == "native")
        if self.training == "epochs" and not can:
            raise ValueError(
                f"{type(self.estimator).__name__} has no partial_fit that takes weights, or would "
                'only count rows again, so it cannot be trained by epochs: set training="refits".'
            )
        if self.training == "auto":
            return can and has_an_early_time(self.estimator)
        return self.training == "epochs"

    def _rounds(self, evidence, start):
        """(model or None, last targets, running means, how often each row was judged, trace).

        `_fit_rows(now, evidence)` are the (rows, y, weight) of an epoch. Of the rows that are
        `judged`, `_next_targets` says what to train on next, and `_note` what to note down.
        """
        epochs, n_rounds = None, self.n_rounds or N_REFITS
        weighted = evidence.target.is_labels or evidence.inputs.sample_weight is not None
        alone = evidence.target.is_labels and len(evidence.target.classes) < 2
        if self._by_epochs(weighted) and not alone:
            epochs = Epochs(self.estimator, evidence, self._seed())
            n_rounds = self.n_rounds or planned_epochs(self.estimator)
        else:
            how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
            rounds = Rounds(evidence, self.cv, **how)
        now, running, times_judged, trace = start, np.zeros(start.shape), np.zeros(len(start)), []
        for _ in range(n_rounds):
            if epochs is None:
                said = rounds.answer(self.estimator, now)
            else:
                epochs.learn(*self._fit_rows(now, evidence))
                said = epochs.answer()
            judged = np.isfinite(said if said.ndim == 1 else said.sum(axis=1))
            weight = judged * times(np.ones(len(start)), evidence)
            if not weight.any():  # a single class, a single row
                break
            running[judged] *= self.momentum
            running[judged] += (1.0 - self.momentum) * said[judged]
            times_judged += judged
            trace.append(self._note(said, running, now, weight, evidence))
            moves = judged & ~evidence.trusted
            now = start.copy()
            now[moves] = self._next_targets(said, running, times_judged, start)[moves]
        model = None if epochs is None else epochs.model
        return model, now, running, times_judged, np.array(trace).reshape(len(trace), 2)
