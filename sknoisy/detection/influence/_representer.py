"""Wrong labels and numbers by what each row adds to the losses of rows that were left out."""

from __future__ import annotations

from inspect import signature
from numbers import Real
from typing import Literal

import numpy as np
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import Array, Contamination, CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.influence._linear_influence import margins_and_gradient, narrow_features


class RepresenterPoints(BaseDetector):
    """Wrong labels or numbers by what each row adds to the losses of rows that were left out.

    A prediction of a penalised linear model is a sum over its training rows, `f(x) = b + sum_i
    a_i k(x_i, x)`: the representer value `a_i`, minus the derivative of the row's loss over n
    times the penalty, says how much the row matters, and the kernel k for whom. With an L2 penalty
    k is the inner product; with an L1 penalty each feature in it is weighted by the absolute
    coefficient, so that only features of the model count.

    The score is the harm of the row: the sum, over rows of the fold that was left out, of the
    derivative of their loss times the row's part of their prediction; its mean over the folds that
    the row trained. A row with a wrong label pushes its like into the wrong direction. Only trusted
    rows are asked for their losses, when there are any.

    Number of fits: `cv` (5) of a linear model; none of the estimator. With `contamination="auto"`,
    `cv` (5) more of the model, or 1 for a forest or bagging.

    Parameters
    ----------
    estimator : estimator object, default=None
        It is not fitted as a model. Where it is a Pipeline, the steps before its last one make the
        features, which are brought to equal spread and, beyond 100, down to 100 by a singular
        value decomposition. None means the one a treatment wraps; alone, X as numbers.
    penalty : {"l2", "l1"}, default="l2"
        Penalty of the linear model: logistic, ridge or lasso regression, of y in units of its
        standard deviation.
    alpha : float > 0, default=0.1
        Strength of the penalty, against the mean loss: half of it times the squared coefficients,
        or it times the absolute ones, for which 0.01 is a better start. With a weak one a model
        has nothing left to learn from its rows as a whole, and harm becomes chance.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by out-of-sample predictions of the
        model.
    cv : int, splitter, iterable or None, default=None
        Folds of the harm. None means 5.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Harm: positive where the row raises the losses of others. NaN for a row that trained no
        model, for the sole member of a class, and where there is one class only.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given label or number is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The out-of-fold prediction of the linear model; for a flagged row the likeliest other label.
    label_proba_ : ndarray of shape (n, K)
        Classification only: posterior of the true label.
    classes_ : ndarray of shape (K,)
        Classification only: all classes of y.
    representer_value_ : ndarray of shape (n,)
        Mean over the folds of `a_i`, for labels that of the given one: how far the row pulls.
        NaN as in `noise_score_`.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    SelfInfluence : What a row does to its own loss.

    References
    ----------
    C.-K. Yeh, J. S. Kim, I. E. H. Yen, P. Ravikumar: "Representer point selection for explaining
    deep neural networks", NeurIPS 2018 (the decomposition, of the last layer of a network;
    suspects are looked for by hand among the rows with the largest values).

    C.-P. Tsai, J. Zhang, H.-F. Yu, E. Chien, C.-J. Hsieh, P. Ravikumar: "Representer point
    selection for explaining regularized high-dimensional models", ICML 2023 (the L1 penalty;
    its low-rank models are not covered). Here the signed sum over out-of-fold rows makes a score
    of both.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.detection import RepresenterPoints
    >>> X, y = load_iris(return_X_y=True)
    >>> y[3] = 2
    >>> int(RepresenterPoints(random_state=0).fit(X, y).noise_score_.argmax())
    3
    """

    _task = "both"
    _assumes = "a strongly penalised linear model predicts better than chance"
    _auto = "count"
    _parameter_constraints: dict = {
        "estimator": BaseDetector._parameter_constraints["estimator"],
        "penalty": [StrOptions({"l2", "l1"})],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "contamination": BaseDetector._parameter_constraints["contamination"],
        "cv": BaseDetector._parameter_constraints["cv"],
        "random_state": BaseDetector._parameter_constraints["random_state"],
    }

    representer_value_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        penalty: Literal["l2", "l1"] = "l2",
        alpha: float = 0.1,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.penalty = penalty
        self.alpha = alpha
        self.contamination = contamination
        self.cv = cv
        self.random_state = random_state

    def _find(self, evidence):
        target, n = evidence.target, evidence.n_rows
        n_outputs = len(target.classes) if target.is_labels else 1
        harm, value, n_trained = np.zeros(n), np.zeros(n), np.zeros(n, dtype=int)
        values, n_tests = np.zeros((n, n_outputs)), np.zeros(n, dtype=int)
        inputs = evidence.inputs
        weight = np.ones(n) if inputs.sample_weight is None else inputs.sample_weight
        y, centre, unit = target.codes, 0.0, 1.0
        if not target.is_labels:
            centre = np.average(target.y, weights=weight)
            unit = float(np.std(target.y)) or 1.0
            y = (target.y - centre) / unit
        model = None if self.estimator is None else self._model(evidence)
        X = narrow_features(model, evidence)
        [folds] = evidence.splits(self.cv, random_state=self.random_state)
        ask = evidence.trusted if evidence.trusted.any() else np.ones(n, dtype=bool)
        for train, test in folds:
            train = train[weight[train] > 0]
            known = np.unique(y[train]) if target.is_labels else None
            if len(train) == 0 or (known is not None and len(known) < 2):
                continue
            strength = self.alpha * weight[train].sum()
            linear = self._linear_model(target.is_labels, strength)
            # lasso wants weights with the mean one, and all others do not mind the scale
            linear.fit(X[train], y[train], sample_weight=weight[train])
            predicted, off, coef = margins_and_gradient(linear, X, y, known, n_outputs)
            # nobody can say whether a row has its class who has never seen that class
            judged = test if known is None else test[np.isin(y[test], known)]
            values[judged] += predicted[judged]
            n_tests[judged] += 1
            asked = judged[ask[judged]]
            pull = -weight[:, None] * off / strength
            # sum over asked rows j of (derivative of their loss) * a_i * k(x_i, x_j)
            spread = np.abs(coef) if self.penalty == "l1" else 1.0
            need = (off[asked] * weight[asked, None]).T @ X[asked] * spread
            need /= max(weight[asked].sum(), 1e-300)
            harm[train] += (pull[train] * (X[train] @ need.T)).sum(axis=1)
            own = pull[:, 0] if known is None else pull[np.arange(n), y]
            value[train] += own[train]
            n_trained[train] += len(asked) > 0
        unjudged = n_trained == 0
        if target.is_labels:
            unjudged |= np.bincount(y)[y] == 1
        times = np.maximum(n_trained, 1)
        values = np.where((n_tests == 0)[:, None], np.nan, values / np.maximum(n_tests, 1)[:, None])
        return Finding(
            score=np.where(unjudged, np.nan, harm / times),
            suggestion=values if target.is_labels else centre + unit * values[:, 0],
            attributes={"representer_value_": np.where(unjudged, np.nan, value / times)},
        )

    def _linear_model(self, is_labels, strength):
        """The model whose mean loss is penalised by `alpha`."""
        if not is_labels:
            if self.penalty == "l1":
                return Lasso(alpha=self.alpha, max_iter=10_000)
            return Ridge(alpha=strength)
        extra = {}
        if self.penalty == "l1":
            extra = {"solver": "saga", "random_state": 0}
            if signature(LogisticRegression).parameters["penalty"].default == "l2":
                extra["penalty"] = "l1"
            else:  # scikit-learn >= 1.8
                extra["l1_ratio"] = 1.0
        return LogisticRegression(C=1 / strength, tol=1e-5, max_iter=2000, **extra)

    def _reason(self, row):
        if np.isnan(self.noise_score_[row]):
            return "not judged"
        does = "raises" if self.noise_score_[row] > 0 else "lowers"
        return f"{does} the losses of rows that were left out (harm {self.noise_score_[row]:+.3g})"
