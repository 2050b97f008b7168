"""Train beside what others have learnt the easy way, so that exceptions are not learnt by heart."""

from __future__ import annotations

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval

from sknoisy._evidence._fitting import IsModel, check_kind, check_takes_weights
from sknoisy._wrapper import WrappedClassifier
from sknoisy.training.hidden_groups._expert import calibrated, twin_proba
from sknoisy.training.hidden_groups._shifted import ShiftedTraining


class MemorizationAwareClassifier(WrappedClassifier, ShiftedTraining):
    """TODO"""

    _parameter_constraints: dict = {
        **ShiftedTraining._parameter_constraints,
        "twin": [IsModel(), None],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        estimator,
        *,
        twin=None,
        n_rounds=10,
        temperature=0.1,
        plain_share=0.0,
        max_weight=100.0,
        max_iter=10,
        tol=0.02,
        cv=5,
        weight_strategy="native",
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.twin = twin
        self.n_rounds = n_rounds
        self.temperature = temperature
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
        if self.twin is not None:
            check_kind(self.twin, self._task, f"twin of {type(self).__name__}")
            check_takes_weights(self.twin, self.weight_strategy, "labels of twins move")

    def _expert_proba(self, evidence):
        rows = evidence if self.twin is None else evidence.without_fit_params()
        twin = self.estimator if self.twin is None else self.twin
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
        held = twin_proba(rows, twin, self.n_rounds, **how)
        weight = evidence.inputs.sample_weight
        return calibrated(held, evidence.target.codes, weight, self.temperature)
