"""Wrong targets by losses above what a second model expects of rows like this."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.ensemble import RandomForestRegressor
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from sknoisy._evidence import Evidence, out_of_sample
from sknoisy._evidence._fitting import IsModel, check_kind
from sknoisy._typing import Array, Contamination, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import label_posterior
from sknoisy.detection.out_of_sample._personal_loss import out_of_sample_loss
from sknoisy.noise_model._wide_normal import wide_normal_posterior

LEAST_SPREAD = 0.1  # of a row's loss, and least expected loss, in units of that of all rows
TREE_ROWS = 3000
ABS_TO_SD = 1.2533  # of a normal


class ExcessLoss(BaseDetector):
    """Wrong targets by out-of-sample losses above those a second model expects there.

    A loss is high because the target is wrong, or because the row is hard: in a sparse or a truly
    random region, or where the model is of the wrong kind. What makes a row hard can be learned
    from other rows like it, a wrong target cannot. So a second model, the `error_model`, predicts
    the out-of-sample losses of the first from

    - the features, as numbers;
    - the log density there, by the distance of the `n_neighbors`-th nearest row;
    - the variance of the first model's predictions over `n_repeats` of cross-fitting;

    and, fitted once more, to the absolute differences, how much losses vary there. Both are out of
    sample. The score is the loss minus the expected one, in units of that spread.

    Number of fits: `n_repeats * cv` (15), or `n_repeats` for a forest or bagging, which is judged
    out of bag; and 2 of the `error_model`, or `2 * cv` if that is no forest.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor that makes the out-of-sample predictions. None means the one a
        treatment wraps; alone, a random forest of 200 trees, behind an encoder for a DataFrame.
        Where it is a Pipeline, the steps before its last one make the features.
    error_model : regressor, default=None
        It learns the losses. None means a random forest of 100 trees, with 10 rows per leaf or
        more and no more than 3000 rows for each tree.
    n_repeats : int >= 1, default=3
        How often the predictions are repeated, with other seeds and, for an int `cv`, other folds.
        The losses are those of the mean prediction. 1 leaves the variance out.
    n_neighbors : int >= 1, default=10
        Neighbour whose distance gives the density.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" flags rows with an excess of more than one spread, whose
        target is also wrong by the balance of probability.
    cv : int, splitter, iterable or None, default=None
        Folds of both models. None means out-of-bag where a model can, else 5 folds; an int
        always means folds. A splitter or iterable is for the first model only.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that the models leave at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Standardised excess loss; NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong. With "auto": for labels the posterior by the
        confident joint of the probabilities; for numbers that of the wider of two normals of the
        residuals over the expected ones; 0 where the excess is not more than one spread.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label, for a flagged row the likeliest other one; or the predicted number.
    label_proba_ : ndarray of shape (n, K)
        For labels: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For labels: all classes of y.
    loss_ : ndarray of shape (n,)
        For labels the cross-entropy, where probabilities below 0.001 count as that; for numbers the
        absolute residual in units of the median of all.
    expected_loss_, loss_spread_ : ndarray of shape (n,)
        What the error model expects, and the standard deviation about it, of which a tenth of
        that of all rows is the least.
    log_density_ : ndarray of shape (n,)
        Minus the logarithm of the distance of the `n_neighbors`-th nearest row.
    variance_ : ndarray of shape (n,)
        Variance of the predictions over repeats, summed over classes; 0 with one repeat.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Residual : With `scale="local"`, residuals over their usual size at like predictions.
    Veracity : Residuals over two estimated uncertainties.

    References
    ----------
    S. Lahlou, M. Jain, H. Nekoei, V. Butoi, P. Bertin, J. Rector-Brooks, M. Korablyov, Y. Bengio:
    "DEUP: direct epistemic uncertainty prediction", Transactions on Machine Learning Research, 2023
    (the error model and its inputs, for the uncertainty of new predictions. Here it is asked for
    the training rows, out of sample, and what it leaves unexplained is the score; the density is
    that of neighbours, in place of a flow or kernels; the mark of rows seen in training is of no
    use, since all losses are out of sample).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.detection import ExcessLoss
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(400, 2))
    >>> hard = X[:, 0] > 0
    >>> y = X.sum(axis=1) + np.where(hard, 5.0, 0.1) * rng.uniform(-1, 1, 400)
    >>> row = np.flatnonzero(X[:, 0] < -0.3)[7]
    >>> y[row] += 4.0  # a small error beside those that are usual on the other side
    >>> detector = ExcessLoss(LinearRegression(), random_state=0).fit(X, y)
    >>> bool(np.argmax(detector.noise_score_) == row)
    True
    >>> bool(np.argmax(detector.loss_) == row)
    False
    """

    _task = "both"
    _assumes = "how hard a row is can be learned from features that right rows share with it"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "error_model": [IsModel(), None],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    loss_: FloatArray
    expected_loss_: FloatArray
    loss_spread_: FloatArray
    log_density_: Array
    variance_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        error_model: Estimator | None = None,
        n_repeats: int = 3,
        n_neighbors: int = 10,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.error_model = error_model
        self.n_repeats = n_repeats
        self.n_neighbors = n_neighbors
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        model = self._model(evidence)
        draw = check_random_state(self.random_state).randint
        for_error = [None, None] if self.random_state is None else draw(2**31 - 1, size=2).tolist()
        values, variance = self._predict(evidence, model, draw(2**31 - 1, size=self.n_repeats - 1))
        loss = out_of_sample_loss(values, evidence.target)
        near = evidence.neighbors(model, n_neighbors=self.n_neighbors, n_jobs=self.n_jobs)
        distance = near.distances[:, -1]
        log_density = -np.log(np.maximum(distance, _smallest(distance)))
        clues = _beside(evidence.features(model), log_density, variance)

        expected = self._learn(evidence, clues, loss, for_error[0])
        around = ABS_TO_SD * self._learn(evidence, clues, np.abs(loss - expected), for_error[1])
        spread = np.maximum(around, LEAST_SPREAD * _usual(around))
        score = (loss - expected) / spread
        return Finding(
            score=score,
            suggestion=values,
            attributes={
                "loss_": loss,
                "expected_loss_": expected,
                "loss_spread_": spread,
                "log_density_": log_density,
                "variance_": variance,
            },
            **self._verdict(evidence.target, values, loss, expected, score),
        )

    def _verdict(self, target, values, loss, expected, score):
        """By the balance of probability, where the excess is more than the usual spread."""
        above, verdict = score > 1.0, {}
        if target.is_labels:
            posterior = label_posterior(values, target.codes)
            right = np.eye(len(target.classes))[target.codes]
            posterior = np.where((above | np.isnan(score))[:, None], posterior, right)
            noise_proba = 1.0 - posterior[np.arange(len(score)), target.codes]
            verdict["label_proba"] = posterior
        else:
            ratio = loss / np.maximum(expected, LEAST_SPREAD * _usual(expected))
            noise_proba = wide_normal_posterior(ratio)
            noise_proba[~above] = 0.0
        return {**verdict, "noise_proba": noise_proba, "mask": above & (noise_proba > 0.5)}

    def _predict(self, evidence, model, seeds):
        """Mean over the repeats of the out-of-sample values, and their variance (n,)."""
        how = {"cv": self.cv, "n_jobs": self.n_jobs}
        # the first repeat is what other detectors may have asked for
        mean = evidence.responses(model, random_state=self.random_state, **how).values
        square = np.zeros(mean.shape)
        for i, seed in enumerate(map(int, seeds), start=2):
            again = None if self.random_state is None else seed
            values = out_of_sample(model, evidence, random_state=again, **how).values
            gap = values - mean
            mean = mean + gap / i
            square += gap * (values - mean)
        variance = square / (len(seeds) + 1)
        return mean, np.nan_to_num(variance if mean.ndim == 1 else variance.sum(axis=1))

    def _learn(self, evidence, clues, loss, seed):
        """Out-of-sample predictions of the losses by the error model; NaN where there is none."""
        model = self.error_model
        if model is None:
            model = default_error_model(len(loss))
        check_kind(model, "regression", "error_model")
        inputs, rows = evidence.inputs, np.flatnonzero(~np.isnan(loss))
        learned = np.full(len(loss), np.nan)
        weight = None if inputs.sample_weight is None else inputs.sample_weight[rows]
        groups = None if inputs.groups is None else inputs.groups[rows]
        if len(rows) < 2 or (weight is not None and not weight.any()):
            return learned
        of_losses = Evidence(
            clues[rows],
            loss[rows],
            task="regression",
            sample_weight=weight,
            groups=groups,
            copies=evidence.copies.part(rows),
            weight_strategy=inputs.weight_strategy,
        )
        learned[rows] = out_of_sample(
            model,
            of_losses,
            cv=self.cv if isinstance(self.cv, Integral) else None,
            random_state=seed,
            n_jobs=self.n_jobs,
        ).values
        return learned

    def _reason(self, row):
        return (
            f"loss {self.loss_[row]:.3g}, where {self.expected_loss_[row]:.3g} is expected: "
            f"{self.noise_score_[row]:+.1f} times its usual spread there"
        )


def default_error_model(n):
    """A forest of coarse trees, none of which sees more than `TREE_ROWS` rows."""
    return RandomForestRegressor(
        100,
        min_samples_leaf=10,
        max_samples=None if n <= TREE_ROWS else TREE_ROWS,
    )


def _usual(values):
    """Mean of what is known; 1 if that is zero, or nothing is."""
    values = np.abs(values[~np.isnan(values)])
    return values.mean() if values.any() else 1.0


def _smallest(distance):
    """Least distance that counts as one: rows that repeat others have none."""
    positive = distance[distance > 0]
    return 1e-3 * np.median(positive) if len(positive) else 1.0


def _beside(features, log_density, variance):
    """Features and two columns more, dense or sparse."""
    more = np.column_stack([log_density, variance])
    if sparse.issparse(features):
        return sparse.hstack([features, more], format="csr")
    return np.hstack([features, more])
