"""Wrong numbers by residuals over a spread that is each row's own."""

from __future__ import annotations

import numpy as np

from sknoisy._evidence._fitting import IsModel
from sknoisy._evidence.numbers._forms import kinds_of_numbers
from sknoisy._evidence.numbers._wild import MAD_TO_SD, surely_off, wild_numbers
from sknoisy._typing import Array, Contamination, CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.noise_model._location_scale import row_scale
from sknoisy.noise_model._wide_normal import typical_size, wide_normal_posterior


class LocationScale(BaseDetector):
    """Wrong numbers by out-of-sample residuals over the spread of each row.

    Some rows are harder to foretell than others: y = f(x) + g(x) * noise. f is the out-of-sample
    prediction, and a second model foretells g, also of rows that it has not seen: it is fitted to
    the logarithms of the squared residuals, which a few wild numbers hardly bend. As far as its
    predictions are right, and no further, g differs from row to row: where the second model knows
    nothing, all rows have one spread, and this is `Residual` with one scale.

    The score is `abs(y - f) / g` over its usual size. With `contamination="auto"`, rows are flagged
    as by `Residual`: those that more likely belong to the wider of two normals, and wild ones. A
    number that three in ten rows share, such as 0, is not wrong for that and is never flagged.

    Number of fits: `cv` (5) of either model; where numbers are far out, `cv` more of the first one
    in each of at most 10 rounds. A forest or bagging is judged out of bag: 1 in place of 5.

    Parameters
    ----------
    estimator : estimator object, default=None
        Regressor that makes the out-of-sample predictions. None means the one a treatment wraps;
        alone, a random forest of 200 trees, behind an encoder for a DataFrame.
    scale_estimator : estimator object, default=None
        Regressor for the logarithm of g². None means a clone of the other one. A smooth or strongly
        regularised model is advisable, for a squared residual says little of its spread.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is the mixture of two normals.
    cv : int, splitter, iterable or None, default=None
        Folds of the out-of-sample predictions. None means out-of-bag where the estimator can,
        else 5 folds; an int always means folds.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that the estimators leave at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Absolute residual over its spread, in units of the usual ratio; NaN for a row that could
        not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given number is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The out-of-sample prediction.
    residual_ : ndarray of shape (n,)
        Given minus predicted, in units of y.
    scale_ : ndarray of shape (n,)
        Usual size of the residual of such a row, as a standard deviation, in units of y.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Residual : One spread for all rows, or one that goes with the prediction.
    Veracity : Residuals over two uncertainties, in many more fits.

    References
    ----------
    A. Immer, C. Schultheiss, J. E. Vogt, B. Schölkopf, P. Bühlmann, A. Marx: "On the
    Identifiability and Estimation of Causal Location-Scale Noise Models", ICML, 2023 (the model;
    there both parts are estimated by maximum likelihood, and rows are not judged).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.detection import LocationScale
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> spread = np.exp(X[:, 1])
    >>> y = X[:, 0] + spread * rng.normal(size=300)
    >>> quiet = np.argsort(spread)[:3]
    >>> y[quiet] += 2.0
    >>> detector = LocationScale(LinearRegression(), random_state=0).fit(X, y)
    >>> bool(np.isin(quiet, np.argsort(-detector.noise_score_)[:3]).all())
    True
    """

    _task = "regression"
    _assumes = "the spread of right numbers can be foretold from the features"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "scale_estimator": [IsModel(), None],
    }

    residual_: Array
    scale_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        scale_estimator: Estimator | None = None,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.scale_estimator = scale_estimator
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        y, model = evidence.target.y.astype(float), self._model(evidence)
        how = {"cv": self.cv, "n_jobs": self.n_jobs, "random_state": self.random_state}
        predicted = evidence.sober_responses(model, **how).values
        residual = y - predicted
        of_scale = model if self.scale_estimator is None else self.scale_estimator
        own = row_scale(evidence, residual, of_scale, **how).scale
        ratio = np.abs(residual) / own
        usual = MAD_TO_SD * typical_size(ratio)
        score = ratio / usual
        limit = surely_off(np.isfinite(score).sum())
        known = {"trusted": evidence.trusted, "weight": evidence.inputs.sample_weight}
        wild = wild_numbers(y, predicted, off=limit, **known)
        noise_proba = wide_normal_posterior(np.where(wild, limit, score))
        noise_proba[wild] = 1.0
        noise_proba[kinds_of_numbers(y) > 0] = 0.0
        return Finding(
            score=score,
            suggestion=predicted,
            noise_proba=noise_proba,
            mask=noise_proba > 0.5,
            attributes={"residual_": residual, "scale_": usual * own},
        )

    def _reason(self, row):
        return (
            f"predicted {self.y_suggested_[row]:.6g}: off by {self.residual_[row]:+.4g}, "
            f"{self.noise_score_[row]:.1f} times the usual {self.scale_[row]:.4g} of such a row"
        )
