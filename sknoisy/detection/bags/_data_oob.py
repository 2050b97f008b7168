"""Rows that models which have not seen them get wrong: Data-OOB."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._typing import Array, Contamination, Estimator, IntArray, RandomStateLike
from sknoisy.detection._base import Finding
from sknoisy.detection._verdict import label_verdict, number_verdict
from sknoisy.detection.bags._base import BagDetector
from sknoisy.noise_model._wide_normal import typical_size


class DataOOB(BagDetector):
    """Wrong targets by the out-of-bag value of each row (Data-OOB).

    Models are fitted on bags of rows. The value of a row is how well it is predicted, on average,
    by each single model whose bag it is not in: for labels the share of these models that predict
    the given label, for numbers minus their mean squared error. Unlike the residual of an averaged
    prediction, it also counts against a row that the models disagree about.

    Number of fits: `n_bags` (50); 1 for a forest or bagging with bootstrap, whose own trees or
    members are the models.

    Parameters
    ----------
    estimator : estimator object, default=None
        The model that is bagged. None means the one a treatment wraps; alone, a random forest of
        200 trees. A forest or bagging with bootstrap is fitted once, and its members are judged one
        by one; `n_bags` and `max_samples` are its own. Where bags must keep `groups` together it is
        bagged as a whole, like any other estimator.
    n_bags : int >= 2, default=50
        Number of bags. A row has about `n_bags * exp(-max_samples)` judges; it is in all bags, and
        not judged, with a probability of about `(1 - exp(-max_samples))**n_bags`.
    max_samples : float in (0, 1], default=1.0
        Size of a bag, drawn with replacement, as a share of the number of rows (groups).
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto": those with `noise_proba_` above one half and, for labels,
        a likelier label than the given one by the averaged probabilities.
    n_jobs : int or None, default=None
        Fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the bags and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        For labels `1 - data_oob_`, in [0, 1]; for numbers the root of `-data_oob_`, in units of its
        median. NaN for a row that was in all bags, and for the sole member of a class.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong. With "auto": for labels the posterior by the
        confident joint of the averaged probabilities, for numbers that of the wider of two normals
        about zero.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        By the averaged prediction of the models that have not seen the row: the likeliest label
        (for a flagged row the likeliest other one), or the number.
    label_proba_ : ndarray of shape (n, K)
        For labels: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For labels: all classes of y.
    data_oob_ : ndarray of shape (n,)
        The value of each row; the higher the better.
    n_judges_ : ndarray of shape (n,) of int
        Number of models that have not seen the row.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Memorization : What the models say that have seen the row, against those that have not.

    Notes
    -----
    The authors rank rows and say nothing of how many are wrong; the rule of "auto" is not theirs.

    References
    ----------
    Y. Kwon, J. Zou: "Data-OOB: out-of-bag estimate as a simple and efficient data value", ICML
    2023 (there of trees; here of any estimator. Where a model finds several labels equally likely,
    each gets its part of the vote).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.detection import DataOOB
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> detector = DataOOB(random_state=0).fit(X, y_noisy)
    >>> bool(detector.data_oob_[wrong].mean() < 0.3 < detector.data_oob_[~wrong].mean())
    True
    >>> bool(wrong[detector.noise_mask_].mean() > 0.8)
    True
    """

    _task = "both"
    _assumes = "a model that has not seen a wrong row does not predict its target"
    _bootstrap = True
    _parameter_constraints: dict = {
        **BagDetector._parameter_constraints,
        "max_samples": [Interval(Real, 0, 1, closed="right")],
    }

    data_oob_: Array
    n_judges_: IntArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_bags: int = 50,
        max_samples: float = 1.0,
        contamination: Contamination = "auto",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_bags = n_bags
        self.max_samples = max_samples
        self.contamination = contamination
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        bags = self._bags(evidence)
        target = evidence.target
        if target.is_labels:
            score, value = bags.loss_out, 1.0 - bags.loss_out
            verdict = label_verdict(bags.mean_out, target.codes)
        else:
            size = np.sqrt(bags.loss_out)
            score, value = size / typical_size(size), -bags.loss_out
            verdict = number_verdict(size)
        return Finding(
            score=score,
            suggestion=bags.mean_out,
            **verdict,
            attributes={"data_oob_": value, "n_judges_": bags.n_out},
        )

    def _reason(self, row):
        judges = f"{self.n_judges_[row]} models that have not seen it"
        if self._target.is_labels:
            return f"{self.data_oob_[row]:.0%} of the {judges} predict {self._target.y[row]}"
        size = np.sqrt(-self.data_oob_[row])
        return (
            f"the {judges} are off by {size:.4g} (root mean square), "
            f"{self.noise_score_[row]:.1f} times the usual"
        )
