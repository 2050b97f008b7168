"""Wrong numbers by what models say that have not seen them."""

from __future__ import annotations

from numbers import Integral
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence.numbers._wild import surely_off, wild_numbers
from sknoisy._typing import Array, Contamination, CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import MAX_SAMPLES, BaseDetector, Finding
from sknoisy.noise_model._wide_normal import (
    judge_residuals,
    local_scale,
    wide_normal_posterior,
)


class Residual(BaseDetector):
    """Wrong numbers by out-of-sample residuals over a robust scale.

    The score is the absolute residual, about its median, divided by the median absolute deviation
    of all residuals ("global"), or of the residuals of rows with the nearest predictions
    ("local"), which allows for a spread that grows with the size of what is predicted. Where three
    in ten rows or more share one number, as many counts, claims and amounts are 0, these rows and
    the others have a median, a deviation and a mixture of their own; where the middle half of the
    residuals leans to one side, so has each side. Numbers that are never negative are judged by
    their square roots or logarithms where one law explains those better. With
    `contamination="auto"`, the scaled residuals are a mixture of two normals about zero, the
    wider one being that of the wrong numbers, and rows more likely of the wider one are flagged;
    none is when a single law, if need be with heavy tails, explains the residuals nearly as well.

    Wild numbers bend every model that is fitted with them. Where a number is far out of y (5
    deviations from its median) and the first pass explains less than half of that, the folds are
    fitted again without such rows, in rounds of quantiles: of y, and of the residuals. Those no
    right number could be (beyond a t with 3 degrees of freedom, by 1 % in all rows) are flagged
    whatever the mixture says.

    Number of fits: `cv` (5), or 1 for a forest or bagging, which is judged out of bag; where
    numbers are far out, `cv` more in each of at most 10 rounds, mostly 2 or 3.

    Parameters
    ----------
    estimator : estimator object, default=None
        Regressor that makes the out-of-sample predictions. None means the one a treatment wraps;
        alone, a random forest of 200 trees, behind an encoder for a DataFrame.
    scale : {"global", "local"}, default="global"
        Whether all residuals have one scale, or one that depends on the prediction.
    n_local : int >= 10, default=100
        For "local": number of rows with the nearest predictions that make the scale; no more than
        a quarter of all rows. With fewer than 40 judged rows the scale is global.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is the mixture of two normals.
    cv : int, splitter, iterable or None, default=None
        Folds of the out-of-sample predictions. None means out-of-bag where the estimator can,
        else 5 folds; an int always means folds.
    max_samples : int >= 2, float in (0, 1] or None, default=None
        Rows that each fold model is fitted on at most, or their share of the rows outside its
        fold: for very many rows, of which a part teaches a model enough. All rows are judged.
        Drawn at random. None means all rows; else there are folds also where the estimator
        could be judged out of bag.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Absolute residual in units of its usual size; NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given number is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The out-of-sample prediction.
    residual_ : ndarray of shape (n,)
        Given minus predicted, in units of y.
    scale_ : ndarray of shape (n,)
        Usual size of the residual, as a standard deviation, in units of y.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    References
    ----------
    P. J. Rousseeuw, A. M. Leroy: "Robust regression and outlier detection", Wiley, 1987 (residuals
    over a robust scale; here of any estimator, out of sample).

    J. W. Tukey: "A survey of sampling from contaminated distributions", in "Contributions to
    probability and statistics", Stanford University Press, 1960 (the mixture of two normals).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.detection import Residual
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.normal(size=200)
    >>> y[[5, 50]] += [10, -20]
    >>> detector = Residual(LinearRegression(), random_state=0).fit(X, y)
    >>> np.flatnonzero(detector.noise_mask_).tolist()
    [5, 50]
    """

    _task = "regression"
    _assumes = "right numbers scatter about the prediction about normally, wrong ones wider"
    _takes = ("predicted",)
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "max_samples": MAX_SAMPLES,
        "scale": [StrOptions({"global", "local"})],
        "n_local": [Interval(Integral, 10, None, closed="left")],
    }

    residual_: Array
    scale_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        scale: Literal["global", "local"] = "global",
        n_local: int = 100,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        max_samples: int | float | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.scale = scale
        self.n_local = n_local
        self.contamination = contamination
        self.cv = cv
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        y = evidence.target.y.astype(float)
        predicted = evidence.sober_responses(
            self._model(evidence),
            cv=self.cv,
            max_samples=self.max_samples,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        ).values
        residual = y - predicted
        judged = ~np.isnan(residual)
        known = {"trusted": evidence.trusted, "weight": evidence.inputs.sample_weight}
        score, scale, noise_proba = judge_residuals(residual, y, **known)
        n_local = min(self.n_local, judged.sum() // 4)
        if self.scale == "local" and n_local >= 10:
            away = score[judged] * scale[judged]
            scale[judged] = local_scale(away, predicted[judged], n_local)
            score[judged] = away / scale[judged]
            limit = surely_off(judged.sum())
            wild = wild_numbers(y, predicted, off=limit, **known)
            noise_proba = wide_normal_posterior(np.where(wild, limit, score))
            noise_proba[wild] = 1.0
        return Finding(
            score=score,
            suggestion=predicted,
            noise_proba=noise_proba,
            mask=noise_proba > 0.5,
            attributes={"residual_": residual, "scale_": scale},
        )

    def _reason(self, row):
        told = (self.y_suggested_, self.residual_, self.scale_, self.noise_score_)
        return reason_of(*(values[row] for values in told))


def reason_of(predicted, residual, scale, score):
    """Why a row is suspect, in words."""
    return (
        f"predicted {predicted:.6g}: off by {residual:+.4g}, where {scale:.4g} is usual "
        f"(score {score:.1f})"
    )
