"""What detectors share that compare models of random subsets of the rows."""

from __future__ import annotations

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval

from sknoisy.detection._base import BaseDetector


class BagDetector(BaseDetector):
    """Base class: `_bags(evidence)` are models, and what they say of rows in and out of them."""

    _suggests_unseen = True
    _bootstrap = False  # whether a row may be in a bag more than once
    _parameter_constraints: dict = {
        **{
            name: BaseDetector._parameter_constraints[name]
            for name in ("estimator", "contamination", "n_jobs", "random_state")
        },
        "n_bags": [Interval(Integral, 2, None, closed="left")],
        "max_samples": [Interval(Real, 0, 1, closed="neither")],
    }

    def _bags(self, evidence):
        return evidence.bags(
            self._model(evidence),
            n_bags=self.n_bags,
            max_samples=self.max_samples,
            bootstrap=self._bootstrap,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
