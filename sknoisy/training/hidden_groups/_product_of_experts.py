"""Explain what a weak model cannot."""

from __future__ import annotations

from sknoisy._evidence._fitting import IsModel, check_kind
from sknoisy._wrapper import WrappedClassifier
from sknoisy.training.hidden_groups._expert import held_out, restrained_model
from sknoisy.training.hidden_groups._shifted import ShiftedTraining


class ProductOfExpertsClassifier(WrappedClassifier, ShiftedTraining):
    """TODO"""

    _parameter_constraints: dict = {
        **ShiftedTraining._parameter_constraints,
        "weak": [IsModel(), None],
    }

    def __init__(
        self,
        estimator,
        *,
        weak=None,
        plain_share=0.3,
        max_weight=100.0,
        max_iter=10,
        tol=0.02,
        cv=5,
        weight_strategy="native",
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.weak = weak
        self.plain_share = plain_share
        self.max_weight = max_weight
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_before_training(self, **own):
        super()._check_before_training()
        if self.weak is not None:
            check_kind(self.weak, self._task, f"weak of {type(self).__name__}")

    def _expert_proba(self, evidence):
        weak = self.weak
        if weak is None:
            weak = restrained_model(self.estimator, evidence.inputs.X)
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
        return held_out(evidence.without_fit_params(), weak, self.cv, **how)
