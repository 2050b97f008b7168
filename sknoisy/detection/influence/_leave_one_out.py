"""Wrong labels and numbers by what leaving a row out does to a linear model, in closed form."""

from __future__ import annotations

import numpy as np

from sknoisy._typing import Array, Contamination, Estimator
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.influence._linear_influence import linear_influence, row_loss


class _LinearInfluenceDetector(BaseDetector):
    """What the three detectors of this file share: a subclass only says which score it takes."""

    _task = "both"
    _assumes = "a linear model on the features is not far off, and no few rows rule it"
    _auto = "count"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        "estimator": BaseDetector._parameter_constraints["estimator"],
        "contamination": BaseDetector._parameter_constraints["contamination"],
    }

    leverage_: Array
    is_surrogate_: bool

    def __init__(
        self, estimator: Estimator | None = None, *, contamination: Contamination = "auto"
    ) -> None:
        self.estimator = estimator
        self.contamination = contamination

    def _find(self, evidence):
        target = evidence.target
        n = evidence.n_rows
        if target.is_labels and len(target.classes) < 2:  # nothing to learn
            nothing = np.full(n, np.nan)
            return Finding(
                score=nothing,
                suggestion=nothing[:, None],
                attributes={"leverage_": nothing, "is_surrogate_": True},
            )
        # a check only: None has a surrogate, not the default model
        model = None if self.estimator is None else self._model(evidence)
        influence, is_surrogate = evidence._once("linear influence", linear_influence, model, {})
        score = self._score(influence, target)
        values = influence.values.copy()
        if target.is_labels:  # without its sole member there would be no such class
            alone = np.bincount(target.codes)[target.codes] == 1
            score, values = np.where(alone, np.nan, score), np.where(alone[:, None], np.nan, values)
        return Finding(
            score=score,
            suggestion=values,
            attributes={"leverage_": influence.leverage, "is_surrogate_": is_surrogate},
        )

    def _without_it(self, row):
        """What the model without a row says of it, in words."""
        if self._target.is_labels:
            given = self.classes_[self._target.codes[row]]
            return f"without this row a linear model expects {self.y_suggested_[row]}, not {given}"
        return f"without this row a linear model predicts {self.y_suggested_[row]:.6g}"


class LeaveOneOutInfluence(_LinearInfluenceDetector):
    """Wrong labels or numbers by the loss under the linear model fitted without the row.

    The score is the leave-one-out loss: the log loss of the given label, or the squared error of
    the given number, by the model fitted to all other rows. It comes in closed form from one fit:
    for least squares and ridge exactly, by the diagonal of the hat matrix; for logistic regression
    by one Newton step from the coefficients of all rows, which is off by about 1/n².

    Number of fits: 1 of a linear model; beyond it time of n d² and memory of n d, with d features
    (times the squared and the plain number of classes, from 3 classes on).

    Parameters
    ----------
    estimator : estimator object, default=None
        `LinearRegression`, `Ridge`, `RidgeCV`, `LogisticRegression` and `LogisticRegressionCV`,
        also as the last step of a Pipeline, are left-one-out themselves, with their own penalty,
        intercept and class weights; the Pipeline's other steps, a chosen penalty and balanced
        weights stay those of all rows. Every other model (also one of these with
        `positive=True`, an L1 penalty, the solver "liblinear", one-vs-rest, or more than 1000
        coefficients) is only asked for its features, that is, the Pipeline's steps before the
        last, and `Ridge()` or `LogisticRegression()` on these, brought to equal spread and by a
        singular value decomposition to at most 100, stands in. None means the model that a
        treatment wraps; alone, the stand-in.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Leave-one-out loss. NaN for the sole member of a class, for a row that alone determines a
        coefficient, and where there is one class only.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label or number is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        Numbers: the leave-one-out prediction. Labels: the likeliest by it and `noise_proba_`; for
        a flagged row the likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Classification only: posterior of the true label.
    classes_ : ndarray of shape (K,)
        Classification only: all classes of y.
    leverage_ : ndarray of shape (n,)
        Diagonal of the hat matrix (of the last Newton step, summed over the outputs).
    is_surrogate_ : bool
        Whether a stand-in was judged rather than the model itself.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    CookDistance : How far the row moves the whole model.
    SelfInfluence : How much it lowers its own loss.

    References
    ----------
    R. D. Cook, S. Weisberg: "Residuals and influence in regression", Chapman and Hall, 1982 (least
    squares; here with weights and a penalty).

    D. Pregibon: "Logistic regression diagnostics", The Annals of Statistics 9, 1981 (the Newton
    step).

    K. Rahnama Rad, A. Maleki: "A scalable estimate of the out-of-sample prediction error via
    approximate leave-one-out cross-validation", Journal of the Royal Statistical Society B 82,
    2020 (with a penalty; here also for several classes).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import LeaveOneOutInfluence
    >>> X, y = load_iris(return_X_y=True)
    >>> y[[3, 60]] = [2, 0]
    >>> detector = LeaveOneOutInfluence(LogisticRegression(max_iter=1000)).fit(X, y)
    >>> sorted(detector.noise_score_.argsort()[-2:].tolist())
    [3, 60]
    """

    _score_has_unit = True

    def _score(self, influence, target):
        return row_loss(influence.values, target)

    def _reason(self, row):
        return f"{self._without_it(row)} (loss {self.noise_score_[row]:.3g})"


class CookDistance(_LinearInfluenceDetector):
    """Wrong labels or numbers by how far the row moves a linear model.

    The score is Cook's distance: the squared change of the coefficients when the row is left out,
    in the metric of the Hessian, over the number of effective parameters and, for numbers, over
    the residual variance. For least squares `r² h / (p s² (1 - h)²)`, with residual r and
    leverage h; for logistic regression the same of one Newton step, with several classes in
    matrices. It is high where a row is both off and far out, so it finds broken features as well,
    and less of what is wrong amid the others: for these `LeaveOneOutInfluence` is better.

    Number of fits: 1 of a linear model; beyond it time of n d² and memory of n d, with d features
    (times the squared and the plain number of classes, from 3 classes on).

    Parameters
    ----------
    estimator : estimator object, default=None
        As in `LeaveOneOutInfluence`: a linear model, also as the last step of a Pipeline, is
        judged itself, any other one has a stand-in on its features.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Cook's distance. NaN for the sole member of a class, for a row that alone determines a
        coefficient, and where there is one class only.
    noise_proba_ : ndarray of shape (n,)
        Probability that the row is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        Numbers: the leave-one-out prediction. Labels: the likeliest by it and `noise_proba_`; for
        a flagged row the likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Classification only: posterior of the true label.
    classes_ : ndarray of shape (K,)
        Classification only: all classes of y.
    leverage_ : ndarray of shape (n,)
        Diagonal of the hat matrix (of the last Newton step, summed over the outputs).
    is_surrogate_ : bool
        Whether a stand-in was judged rather than the model itself.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    LeaveOneOutInfluence : The loss of the row under the model without it.

    References
    ----------
    R. D. Cook: "Detection of influential observation in linear regression", Technometrics 19, 1977
    (least squares; here with weights, and with a penalty in the metric).

    D. Pregibon: "Logistic regression diagnostics", The Annals of Statistics 9, 1981 (two classes;
    here with a penalty, for several classes, and over the number of parameters).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.detection import CookDistance
    >>> X = np.arange(20.0)[:, None]
    >>> y = 3 * X[:, 0] + np.tile([0.1, -0.1], 10)
    >>> y[19] = 0.0
    >>> int(CookDistance(LinearRegression()).fit(X, y).noise_score_.argmax())
    19
    """

    def _score(self, influence, target):
        return influence.cook

    def _reason(self, row):
        return (
            f"moves the model by a Cook's distance of {self.noise_score_[row]:.3g} "
            f"(leverage {self.leverage_[row]:.2g}); {self._without_it(row)}"
        )


class SelfInfluence(_LinearInfluenceDetector):
    """Wrong labels or numbers by how much the row lowers its own loss by being trained on.

    The score is `g' H^-1 g`, with g the gradient of the row's loss by the coefficients of a linear
    model (times the row's weight, on one side) and H the Hessian of the sum of all losses and the
    penalty: to first order, what the loss of the row rises by when it is left out. A row that no
    other row helps to predict, a wrong label for instance, has a high one.

    Number of fits: 1 of a linear model; beyond it time of n d² and memory of n d, with d features
    (times the squared and the plain number of classes, from 3 classes on).

    Parameters
    ----------
    estimator : estimator object, default=None
        As in `LeaveOneOutInfluence`: a linear model, also as the last step of a Pipeline, is
        judged itself, any other one has a stand-in on its features.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Self-influence; for numbers in units of the residual variance. NaN for the sole member of a
        class, and where there is one class only.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label or number is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        Numbers: the leave-one-out prediction. Labels: the likeliest by it and `noise_proba_`; for
        a flagged row the likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Classification only: posterior of the true label.
    classes_ : ndarray of shape (K,)
        Classification only: all classes of y.
    leverage_ : ndarray of shape (n,)
        Diagonal of the hat matrix (of the last Newton step, summed over the outputs).
    is_surrogate_ : bool
        Whether a stand-in was judged rather than the model itself.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    LeaveOneOutInfluence : The loss itself rather than its change.

    References
    ----------
    P. W. Koh, P. Liang: "Understanding black-box predictions via influence functions", ICML 2017
    (there of the mean loss, n times as much, and of networks by approximate inversion; here exact,
    of a linear model).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.detection import SelfInfluence
    >>> X, y = load_iris(return_X_y=True)
    >>> y[3] = 2
    >>> int(SelfInfluence().fit(X, y).noise_score_.argmax())
    3
    """

    def _score(self, influence, target):
        return influence.self_influence

    def _reason(self, row):
        return (
            f"lowers its own loss by {self.noise_score_[row]:.3g} when trained on; "
            f"{self._without_it(row)}"
        )
