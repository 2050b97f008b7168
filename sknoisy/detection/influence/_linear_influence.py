"""What each row does to a linear model, without fitting it anew for each."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import issparse
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Ridge,
    RidgeCV,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, compute_class_weight, gen_batches

from sknoisy._evidence import fit_model
from sknoisy._evidence._fitting import first_steps, seeded_clone

MAX_PARAMETERS = 1000  # of a model whose Hessian is inverted
MAX_FEATURES = 100  # of a surrogate
CHUNK_ROWS = 2048


# --------------------------------------------------------------------------- the model


@dataclass(frozen=True)
class LinearProblem:
    """Rows as a linear model sees them, and that model.

    Attributes
    ----------
    design : ndarray of shape (n, d)
        Features, without the constant.
    model : estimator object
        An unfitted linear model.
    is_own : bool
        Whether it is the model that was asked about, rather than a surrogate.
    """

    design: np.ndarray
    model: BaseEstimator
    is_own: bool


def linear_problem(estimator, evidence):
    """`LinearProblem` of an estimator.

    - `LinearRegression`, `Ridge(CV)` and `LogisticRegression(CV)`, also as the last step of a
      Pipeline, stand for themselves, behind the Pipeline's other steps, fitted to all rows. Not
      with `positive=True`, an L1 penalty, one-vs-rest, nor with more than 1000 coefficients.
    - All others, and None, have a surrogate: `Ridge()` or `LogisticRegression()` on
      `evidence.features`, of which more than 100 are brought down to 100 by a singular value
      decomposition (fewer with more than 10 classes, so that there are at most 1000 coefficients).
    """
    is_labels = evidence.target.is_labels
    n_outputs = _n_outputs(evidence.target)
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if _is_closed_form(last, is_labels):
        design = evidence.inputs.X
        if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
            # seeded, so that the same question has the same answer
            steps = seeded_clone(first_steps(estimator), 0)
            design = steps.fit_transform(design, evidence.target.y)
        design = check_array(design, accept_sparse="csr", dtype=np.float64)
        if n_outputs * (design.shape[1] + 1) <= MAX_PARAMETERS:
            return LinearProblem(_dense(design), last, is_own=True)
    width = max(1, min(MAX_FEATURES, MAX_PARAMETERS // n_outputs - 1))
    model = LogisticRegression(tol=1e-6, max_iter=1000) if is_labels else Ridge()
    return LinearProblem(narrow_features(estimator, evidence, width), model, is_own=False)


def narrow_features(estimator, evidence, width=MAX_FEATURES):
    """(n, d): `evidence.features`, by a singular value decomposition if wider than `width`."""
    features = evidence.features(estimator)
    if features.shape[1] > width:
        width = min(width, *features.shape)
        features = TruncatedSVD(width, random_state=0).fit_transform(features)
    return _dense(features)


def _is_closed_form(model, is_labels):
    if not is_labels:
        return isinstance(model, LinearRegression | Ridge | RidgeCV) and not getattr(
            model, "positive", False
        )
    if not isinstance(model, LogisticRegression) or model.solver == "liblinear":
        return False  # liblinear shrinks the intercept
    if getattr(model, "multi_class", "deprecated") == "ovr":
        return False
    if isinstance(model, LogisticRegressionCV):
        # the ratio is chosen in fit when there are several
        ratios = getattr(model, "l1_ratios", None)
        none = ratios is None or isinstance(ratios, str) or not np.any(ratios)
        return getattr(model, "penalty", "l2") in ("l2", "deprecated") and none
    return l1_share(model) == 0.0


def l1_share(model):
    """Share of the L1 penalty of a LogisticRegression."""
    penalty = getattr(model, "penalty", "deprecated")
    if penalty in ("l1", "l2", None):
        return float(penalty == "l1")
    return float(model.l1_ratio or 0.0)


def shrinkage(model):
    """Penalty of a fitted linear model: half of it times coef² is added to the sum of losses."""
    if isinstance(model, LogisticRegression):
        strength = np.ravel(getattr(model, "C_", model.C))[0]  # of a LogisticRegressionCV
        return 0.0 if getattr(model, "penalty", "l2") is None else 1.0 / strength
    if isinstance(model, LinearRegression):
        return 0.0
    return float(np.ravel(getattr(model, "alpha_", getattr(model, "alpha", None)))[0])


def _n_outputs(target):
    if not target.is_labels:
        return 1
    return len(target.classes) if len(target.classes) > 2 else 1


def _dense(design):
    return design.toarray() if issparse(design) else np.asarray(design, dtype=float)


# --------------------------------------------------------------------------- the fit


@dataclass(frozen=True)
class LinearFit:
    """A fitted linear model, its losses and their derivatives on all rows.

    One output for numbers and two classes (that of the second class), K for K > 2 classes.

    Attributes
    ----------
    design : ndarray of shape (n, D)
        Features, and the constant 1 as the last column where there is an intercept.
    coef : ndarray of shape (n_outputs, D)
    penalty : ndarray of shape (D,)
        The model minimises `sum(weight * loss) + sum(penalty * coef**2) / 2`.
    weight : ndarray of shape (n,)
        Weight of each row, that of its class included.
    linear, gradient : ndarray of shape (n, n_outputs)
        Prediction, before any link, and the derivative of the (unweighted) loss by it.
    values : ndarray of shape (n, K) or (n,)
        Class probabilities or predicted numbers.
    target : Target
    """

    design: np.ndarray
    coef: np.ndarray
    penalty: np.ndarray
    weight: np.ndarray
    linear: np.ndarray
    gradient: np.ndarray
    values: np.ndarray
    target: object

    def link(self, linear):
        """Class probabilities or numbers of linear predictions (n, n_outputs)."""
        return _link(linear, self.target)

    def curvature(self, rows):
        """(m, n_outputs, n_outputs): second derivative of the weighted loss by the prediction."""
        weight = self.weight[rows][:, None, None]
        if not self.target.is_labels:
            return weight
        if self.linear.shape[1] == 1:
            p = self.values[rows, 1]
            return weight * (p * (1 - p))[:, None, None]
        p = self.values[rows]
        return weight * (p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :])


def fit_linear(problem, target, sample_weight=None, rows=None):
    """`LinearFit` of a problem's model, fitted to `rows` (default all), on all rows.

    The classes of `rows` must be all classes.
    """
    rows = np.arange(len(target.y)) if rows is None else rows
    weight = None if sample_weight is None else sample_weight[rows]
    answers = target.codes if target.is_labels else target.y.astype(float)
    model = seeded_clone(problem.model, 0)
    if target.is_labels and isinstance(getattr(model, "class_weight", None), dict):
        named = model.class_weight.items()
        codes = {label: code for code, label in enumerate(target.classes.tolist())}
        model.set_params(class_weight={codes[label]: w for label, w in named if label in codes})
    model = fit_model(model, problem.design[rows], answers[rows], weight)
    coef = np.atleast_2d(model.coef_)
    penalty = np.full(coef.shape[1], shrinkage(model))
    design = problem.design
    if model.fit_intercept:
        design = np.column_stack([design, np.ones(len(design))])
        coef = np.column_stack([coef, np.ravel(model.intercept_)])
        penalty = np.append(penalty, 0.0)
    linear = design @ coef.T
    values = _link(linear, target)
    total = np.ones(len(answers)) if sample_weight is None else sample_weight
    if target.is_labels:
        total = total * _class_weight(model, answers[rows], weight)[target.codes]
    gradient = _gradient(values, target)
    return LinearFit(design, coef, penalty, total, linear, gradient, values, target)


def _link(linear, target):
    if not target.is_labels:
        return linear[:, 0]
    if linear.shape[1] > 1:
        return softmax(linear, axis=1)
    return np.column_stack([expit(-linear[:, 0]), expit(linear[:, 0])])


def _gradient(values, target):
    """Derivative of half the squared error, or of the log loss, by the linear prediction."""
    if not target.is_labels:
        return (values - target.y)[:, None]
    off = values - np.eye(len(target.classes))[target.codes]
    return off if off.shape[1] > 2 else off[:, 1:]


def margins_and_gradient(model, X, y, known, n_outputs):
    """Predictions, derivatives of the losses and coefficients of a linear model on all rows.

    All three with one column (row, of the coefficients) for each of all classes, zero for those
    that are not among the `known` ones of the model; one for numbers, where `known` is None. Two
    classes share the coefficients half and half.
    """
    if known is None:
        predicted = model.predict(X)[:, None]
        return predicted, predicted - y[:, None], np.atleast_2d(model.coef_)
    predicted, coef = np.zeros((len(X), n_outputs)), np.zeros((n_outputs, X.shape[1]))
    predicted[:, known] = model.predict_proba(X)
    coef[known] = model.coef_ if len(known) > 2 else model.coef_ * [[-0.5], [0.5]]
    return predicted, predicted - np.eye(n_outputs)[y], coef


def _class_weight(model, codes, sample_weight):
    n_classes = codes.max() + 1
    if getattr(model, "class_weight", None) is None:
        return np.ones(n_classes)
    extra = {}
    if "sample_weight" in signature(compute_class_weight).parameters:  # scikit-learn >= 1.7
        extra["sample_weight"] = sample_weight
    return compute_class_weight(model.class_weight, classes=np.arange(n_classes), y=codes, **extra)


def row_loss(values, target):
    """Log loss of the given label, or squared error, of each row."""
    if not target.is_labels:
        return (values - target.y) ** 2
    given = values[np.arange(len(values)), target.codes]
    return -np.log(np.maximum(given, np.finfo(float).tiny))


# --------------------------------------------------------------------------- leaving rows out


@dataclass(frozen=True)
class Influence:
    """What leaving each row out would do; NaN where the rest does not determine the model.

    Attributes
    ----------
    values : ndarray of shape (n, K) or (n,)
        Class probabilities or numbers predicted for the row by the model without it.
    cook : ndarray of shape (n,)
        Squared change of the coefficients, in the metric of the Hessian, over the number of
        effective parameters, and over the residual variance for numbers.
    self_influence : ndarray of shape (n,)
        First-order change of the row's loss; over the residual variance for numbers.
    leverage : ndarray of shape (n,)
        Trace of the row's diagonal block of the hat matrix; the sum is the number of effective
        parameters.
    """

    values: np.ndarray
    cook: np.ndarray
    self_influence: np.ndarray
    leverage: np.ndarray


def linear_influence(estimator, evidence):
    """(`Influence`, whether the model is a surrogate) of an estimator; one fit of a linear one."""
    target, weight = evidence.target, evidence.inputs.sample_weight
    problem = evidence._once("linear problem", linear_problem, estimator, {})
    fit = fit_linear(problem, target, weight)
    return influence(fit), not problem.is_own


def influence(fit):
    """`Influence` of each row of a fit, by one Newton step from the coefficients of all rows.

    With H the Hessian of the objective, x a row, g and S the first and second derivative of its
    weighted loss by the prediction and A = x' H^-1 x, a step towards the optimum without the row
    moves its prediction by A (I - S A)^-1 g. For squared loss the step leads all the way.
    """
    n, n_outputs = fit.linear.shape
    design = _centred(fit)
    inverse = _inverse_hessian(fit, design)
    left_out = np.empty_like(fit.linear)
    cook, own, leverage = np.empty(n), np.empty(n), np.empty(n)
    for chunk in gen_batches(n, CHUNK_ROWS):
        reach = _reach(design[chunk], inverse)
        curvature = fit.curvature(chunk)
        gradient = fit.gradient[chunk] * fit.weight[chunk][:, None]
        rest = np.eye(n_outputs) - curvature @ reach
        alone = np.abs(np.linalg.det(rest)) < 1e-10
        rest[alone] = np.eye(n_outputs)
        push = np.linalg.solve(rest, gradient[:, :, None])[:, :, 0]
        push[alone] = np.nan
        step = np.einsum("ikl,il->ik", reach, push)
        left_out[chunk] = fit.linear[chunk] + step
        cook[chunk] = (push * step).sum(axis=1)
        own[chunk] = np.einsum("ik,ikl,il->i", fit.gradient[chunk], reach, gradient)
        leverage[chunk] = np.einsum("ikl,ilk->i", curvature, reach)
    unit = 1.0
    if not fit.target.is_labels:
        squares = (fit.weight * fit.gradient[:, 0] ** 2).sum()
        unit = squares / max((fit.weight > 0).sum() - leverage.sum(), 1.0) or 1.0
    return Influence(
        values=fit.link(left_out),
        cook=np.maximum(cook, 0.0) / (unit * max(leverage.sum(), 1e-12)),
        self_influence=np.maximum(own, 0.0) / unit,
        leverage=leverage,
    )


def _reach(design, inverse):
    """(m, T, T): x' H^-1 x for each pair of outputs, from (T, T, D, D)."""
    n_outputs = len(inverse)
    reach = np.empty((len(design), n_outputs, n_outputs))
    for k in range(n_outputs):
        for j in range(k + 1):
            reach[:, k, j] = ((design @ inverse[k, j]) * design).sum(axis=1)
            reach[:, j, k] = reach[:, k, j]
    return reach


def _inverse_hessian(fit, design):
    """(T, T, D, D): inverse of the Hessian of the objective by the coefficients.

    A pseudo-inverse: no loss changes along its null directions (the same added to all classes,
    features that depend on each other), so nor does anything that is derived from it.
    """
    n_outputs, width = fit.coef.shape
    hessian = np.zeros((n_outputs, width, n_outputs, width))
    for chunk in gen_batches(len(design), CHUNK_ROWS):
        curvature, rows = fit.curvature(chunk), design[chunk]
        for k in range(n_outputs):
            for j in range(k + 1):
                hessian[k, :, j, :] += (rows * curvature[:, k, j, None]).T @ rows
    for k in range(n_outputs):
        hessian[k, :, k, :] += np.diag(fit.penalty)
        for j in range(k):
            hessian[j, :, k, :] = hessian[k, :, j, :].T
    flat = hessian.reshape(n_outputs * width, -1)
    if not np.isfinite(flat).all():
        raise ValueError(
            "The curvature of the linear model's loss overflows: features or sample_weight are too "
            "large to square. Scale them, e.g. with a StandardScaler in the wrapped Pipeline."
        )
    size = np.sqrt(np.diag(flat))
    size[size == 0] = 1.0
    roots, axes = eigh(flat / size / size[:, None])
    kept = roots > 1e-10 * roots[-1]
    axes = axes[:, kept] / size[:, None]
    inverse = ((axes / roots[kept]) @ axes.T).reshape(n_outputs, width, n_outputs, width)
    return inverse.transpose(0, 2, 1, 3)


def _centred(fit):
    """Design about its mean where there is a free intercept.

    It is the same model, with a Hessian that is easier to invert.
    """
    if fit.penalty[-1] > 0 or not np.all(fit.design[:, -1] == 1.0):
        return fit.design
    mean = np.average(fit.design, axis=0, weights=fit.weight)
    mean[-1] = 0.0
    return fit.design - mean
