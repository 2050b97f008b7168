"""What the meta-estimators of this room share: from the arguments of `fit` to the evidence."""

from __future__ import annotations

from numbers import Integral

from sklearn.utils._param_validation import StrOptions

from sknoisy._evidence import Evidence
from sknoisy._evidence._fitting import IsModel, check_kind, check_meaning, check_takes_weights

PARAMETERS = {
    "estimator": [IsModel()],
    "weight_strategy": [StrOptions({"native", "resample"})],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
}


def open_evidence(wrapper, X, y, task, *, sample_weight, groups, trusted, fit_params):
    """`Evidence` of what `fit` of a meta-estimator was given, once its parameters are valid."""
    wrapper._validate_params()
    check_kind(wrapper.estimator, task, type(wrapper).__name__)
    params, weight = wrapper._route(sample_weight, fit_params)
    if weight is not None:
        check_takes_weights(wrapper.estimator, wrapper.weight_strategy, "sample_weight was given")
    evidence = Evidence(
        X,
        y,
        task=task,
        sample_weight=weight,
        groups=groups,
        trusted=trusted,
        fit_params=params,
        weight_strategy=wrapper.weight_strategy,
    )
    check_meaning(wrapper.estimator, evidence.target.y, params)
    return evidence
