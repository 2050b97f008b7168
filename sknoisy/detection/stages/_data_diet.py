"""Wrong targets by how large the error is early in training, over several seeds."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.extmath import row_norms
from sklearn.utils.validation import check_is_fitted

from sknoisy._typing import Contamination, CVLike, Estimator, FloatArray, IntArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import stage_verdict
from sknoisy.detection.stages._staged_model import staged_model

N_STAGES = 20  # that the whole of the training would have: early is finer for paths


class _EarlyScore(BaseDetector):
    """What EL2N and GraNd share: the mean over seeds of a size of the early error."""

    _task = "both"
    _auto = "count"
    _score_has_unit = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "n_seeds": [Interval(Integral, 1, None, closed="left")],
        "budget": [Interval(Real, 0, 1, closed="right"), None],
    }

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_seeds: int = 5,
        budget: float | None = None,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_seeds = n_seeds
        self.budget = budget
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def hard_rows(self, fraction: float) -> IntArray:
        """The window of the paper: the hardest rows below those that are flagged.

        The rows with the highest scores teach a model most, save for the very highest, which are
        wrong.

        Parameters
        ----------
        fraction : float in (0, 1]
            Share of all rows in the window, at most those that are not flagged.

        Returns
        -------
        ndarray
            Positions of the rows, in rising order.
        """
        check_is_fitted(self)
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction must be in (0, 1], got {fraction}.")
        n = len(self.noise_score_)
        score = np.where(np.isnan(self.noise_score_), -np.inf, self.noise_score_)
        order = np.argsort(-score, kind="stable")
        order = order[~self.noise_mask_[order]]
        return np.sort(order[: int(np.ceil(round(fraction * n, 9)))])

    def _default_model(self, evidence):
        return staged_model(evidence)

    def _find(self, evidence):
        model, target = self._model(evidence), evidence.target
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=self.n_seeds)
        budget = self.budget
        if budget is None:
            budget = 0.3 if target.is_labels else 0.6
        errors, answers, n_fits = [], [], 0
        for seed in seeds:
            stages = evidence.stages(
                model,
                n_stages=N_STAGES,
                budget=budget,
                cv=self.cv,
                random_state=int(seed),
                n_jobs=self.n_jobs,
            )
            n_fits += stages.n_fits
            if len(answers) == 1 and np.array_equal(stages.last, answers[0], equal_nan=True):
                break  # neither model nor folds depend on the seed: all others are the same
            errors.append(
                stages.error_norm[-1]
                if target.is_labels
                else np.abs(target.y.astype(float) - stages.last)
            )
            answers.append(stages.last)
        error, answer = np.mean(errors, axis=0), np.mean(answers, axis=0)
        score = error * self._weight(evidence, model)
        proba, mask = stage_verdict(target.codes, answer, score)
        return Finding(
            score=score,
            suggestion=answer,
            noise_proba=proba,
            mask=mask,
            attributes={"early_error_": error, "n_fits_": n_fits},
        )

    @abstractmethod
    def _weight(self, evidence, model):
        """What the error is multiplied with: a number, or one for each row."""

    def _reason(self, row):
        error = f"an error of {self.early_error_[row]:.3g} early in training"
        given = self._target.y[row]
        return f"{error}, given {given}, {self.y_suggested_[row]} by the early models"


class EL2N(_EarlyScore):
    """Wrong targets by the size of the error early in training, over several seeds.

    A model is trained for a share of its iterations only, several times from other seeds. The
    score of a row is the mean over the seeds of the error: for classes the Euclidean norm of the
    predicted probabilities minus the given label, for numbers the absolute residual. At this stage
    a model knows the rule, but not yet the exceptions by heart.

    Number of fits: `n_seeds`, each of the share `budget` of the iterations; times the number of
    folds when `cv` is given; 2 when the first two seeds give the same, as with a model that takes
    no seed. With `contamination="auto"`, `cv` (5) more of the model, or 1 for a forest or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor that trains in stages: boosting, a neural network, stochastic
        gradient descent. None means the one a treatment wraps; alone, histogram gradient boosting.
    n_seeds : int >= 1, default=5
        Number of seeds.
    budget : float in (0, 1] or None, default=None
        Share of the iterations to train for. The paper's networks know the rule after a tenth of
        theirs; models of about a hundred iterations need more. None means 0.3 for classes
        and 0.6 for numbers.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model. "own" flags, for classes, those that the early models predict otherwise and that are
        more likely wrong than right by the confident joint of the early responses; for numbers,
        those that more likely belong to the wider one of two normals about zero.
    cv : int, splitter, iterable or None, default=None
        None means, as in the paper, that the models are trained on the rows they judge; otherwise
        the folds of cross-fitting.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws the seeds, which fill in any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        The mean error, for classes in [0, √2], for numbers in units of y; NaN for a row that could
        not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        For classes the likeliest label, for a flagged row the likeliest other one; for numbers the
        prediction. Both by the early models, mean over the seeds.
    label_proba_ : ndarray of shape (n, K)
        For classes: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For classes: all classes of y.
    early_error_ : ndarray of shape (n,)
        The mean error; here the score itself.
    n_fits_ : int
        Number of models that were trained.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    GraNd : The error times the size of the row's features.
    TracIn : The squared error over all of the training.

    References
    ----------
    M. Paul, S. Ganguli, G. K. Dziugaite: "Deep learning on a data diet: finding important examples
    early in training", NeurIPS 2021 (there to keep the hard rows, with the very highest scores
    left out as noise: `hard_rows`; 10 networks, trained for a tenth of the epochs. Adapted: any
    model that trains in stages, and numbers).

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.neural_network import MLPClassifier
    >>> from sknoisy.detection import EL2N
    >>> X, y = make_blobs(200, centers=[[-4, -4], [4, 4]], random_state=0)
    >>> y[:5] = 1 - y[:5]
    >>> detector = EL2N(MLPClassifier(max_iter=100), random_state=0).fit(X, y)
    >>> sorted(detector.noise_score_.argsort()[-5:].tolist())
    [0, 1, 2, 3, 4]
    >>> len(detector.hard_rows(0.3))
    60
    """

    _assumes = "early in training a model follows the rule and not the exceptions"
    _takes = ("predicted", "stages")

    early_error_: FloatArray
    n_fits_: int

    def _weight(self, evidence, model):
        return 1.0


class GraNd(_EarlyScore):
    """Wrong targets by the norm of the loss gradient early in training, over several seeds.

    A model is trained for a share of its iterations only, several times from other seeds. The
    score of a row is the mean over the seeds of the norm of the gradient of its loss with respect
    to the weights of a linear last layer, which has a closed form: the size of the error times the
    root of one plus the squared norm of the features. The loss is the log loss for classes, whose
    error is the predicted probabilities minus the given label, and half the squared residual for
    numbers.

    The gradient is thus large for wrong targets and for rows with unusual features. Without
    interest in the latter, `EL2N` is the better one.

    Number of fits: `n_seeds`, each of the share `budget` of the iterations; times the number of
    folds when `cv` is given; 2 when the first two seeds give the same, as with a model that takes
    no seed. With `contamination="auto"`, `cv` (5) more of the model, or 1 for a forest or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor that trains in stages: boosting, a neural network, stochastic
        gradient descent. None means the one a treatment wraps; alone, histogram gradient boosting.
        The steps before the last one of a Pipeline make the features; without such steps they are
        the columns, brought to equal spread (a DataFrame is encoded, texts become TF-IDF).
    n_seeds : int >= 1, default=5
        Number of seeds.
    budget : float in (0, 1] or None, default=None
        Share of the iterations to train for. The paper's networks know the rule after a tenth of
        theirs; models of about a hundred iterations need more. None means 0.3 for classes
        and 0.6 for numbers.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model. "own" flags, for classes, those that the early models predict otherwise and that are
        more likely wrong than right by the confident joint of the early responses; for numbers,
        those that more likely belong to the wider one of two normals about zero.
    cv : int, splitter, iterable or None, default=None
        None means, as in the paper, that the models are trained on the rows they judge; otherwise
        the folds of cross-fitting.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws the seeds, which fill in any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        The mean norm of the gradient; NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        For classes the likeliest label, for a flagged row the likeliest other one; for numbers the
        prediction. Both by the early models, mean over the seeds.
    label_proba_ : ndarray of shape (n, K)
        For classes: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For classes: all classes of y.
    early_error_ : ndarray of shape (n,)
        The mean error, the score of `EL2N`.
    n_fits_ : int
        Number of models that were trained.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    EL2N : The error alone.
    TracIn : The squared norm of the same gradient over all of the training.

    References
    ----------
    M. Paul, S. Ganguli, G. K. Dziugaite: "Deep learning on a data diet: finding important examples
    early in training", NeurIPS 2021 (there the gradient of all weights of a network, at the start
    of training or soon after. Adapted: the gradient of a linear layer on the features in place of
    it, exact for a linear model; any model that trains in stages, and numbers).

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.neural_network import MLPClassifier
    >>> from sknoisy.detection import GraNd
    >>> X, y = make_blobs(200, centers=[[-4, -4], [4, 4]], random_state=0)
    >>> y[:5] = 1 - y[:5]
    >>> detector = GraNd(MLPClassifier(max_iter=100), random_state=0).fit(X, y)
    >>> sorted(detector.noise_score_.argsort()[-5:].tolist())
    [0, 1, 2, 3, 4]
    """

    _assumes = "as for EL2N; and that rows with unusual features are suspect as well"
    _takes = ("predicted", "stages", "features")

    early_error_: FloatArray
    n_fits_: int

    def _weight(self, evidence, model):
        return layer_norms(evidence.features(model))


def layer_norms(features):
    """(n,): norm of each row's features and a constant one, the input of a linear layer."""
    return np.sqrt(row_norms(features, squared=True) + 1.0)
