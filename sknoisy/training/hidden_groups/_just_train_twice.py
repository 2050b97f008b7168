"""Train, and train again with more weight on what the first model got wrong."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence._fitting import IsModel, check_kind, check_takes_weights
from sknoisy._wrapper import WrappedClassifier
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining, times
from sknoisy.training.hidden_groups._expert import held_out, restrained_model
from sknoisy.treatment._treated import Treated


class JustTrainTwiceClassifier(WrappedClassifier, BaseTraining):
    """TODO"""

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "first": [IsModel(), None],
        "upweight": [Interval(Real, 1, None, closed="left"), StrOptions({"balanced"})],
        "cv": CV,
    }

    def __init__(
        self,
        estimator,
        *,
        first=None,
        upweight="balanced",
        cv=5,
        weight_strategy="native",
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.first = first
        self.upweight = upweight
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_before_training(self, **own):
        if self.first is not None:
            check_kind(self.first, self._task, f"first of {type(self).__name__}")
        if self.upweight != 1:
            why = "rows that the first model gets wrong weigh more"
            check_takes_weights(self.estimator, self.weight_strategy, why)

    def _train(self, evidence):
        codes, given = evidence.target.codes, evidence.inputs.sample_weight
        first = self.first
        if first is None:
            first = restrained_model(self.estimator, evidence.inputs.X)
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
        said = held_out(evidence.without_fit_params(), first, self.cv, **how)
        missed = np.isfinite(said).all(axis=1) & (said.argmax(axis=1) != codes)
        weight = error_weight(missed, self.upweight, given)
        plain = given is None and (weight == 1.0).all()
        with np.errstate(divide="ignore"):
            loss = -np.log(said[np.arange(len(codes)), codes])
        return Treated(
            rows=None,
            y=evidence.target.y,
            sample_weight=None if plain else times(weight, evidence),
            noise_mask=np.zeros(len(codes), dtype=bool),
            attributes={
                "sample_weight_": weight,
                "sample_loss_": loss,
                "error_mask_": missed,
                "first_proba_": said,
            },
        )


def error_weight(missed, upweight, sample_weight=None):
    """(n,) one, and `upweight` where `missed`; balanced: as much together as the others.

    Never less than one.
    """
    factor = upweight
    if upweight == "balanced":
        base = np.ones(len(missed)) if sample_weight is None else sample_weight
        wrong, right = base[missed].sum(), base[~missed].sum()
        factor = max(right / wrong, 1.0) if wrong > 0 else 1.0
    return np.where(missed, float(factor), 1.0)
