"""What every correction has to beat: good features, a linear model, labels as they are."""

from __future__ import annotations

from contextlib import suppress
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sknoisy._evidence import Evidence, TableEncoder, fit_model, is_table
from sknoisy._evidence._arrays import ask, foreign_as_numpy
from sknoisy._evidence._fitting import seeded_clone
from sknoisy._fitted import PlainState, replace_fitted, seen_features
from sknoisy._notebook import NotebookView
from sknoisy._progress import CallbackSupportMixin, last_fit, whole_fit
from sknoisy._typing import (
    Array,
    ArrayLike,
    CVLike,
    FloatArray,
    MatrixLike,
    RandomStateLike,
    Transformer,
)
from sknoisy._wrapper import LabelScore

SURE = 1e-12  # least probability in a log loss


class NoiseIgnorantClassifier(
    CallbackSupportMixin, LabelScore, NotebookView, PlainState, BaseEstimator
):
    """Linear classifier on good features that takes labels as they are.

    Whoever takes no notice of the noise learns the right answers nevertheless, where the noise
    leaves the likeliest class the likeliest: what learning from noisy labels needs then is good
    features, and a model that cannot learn single labels by heart. So: features that labels had no
    part in, logistic regression with an L2 penalty, and the penalty chosen by cross-validation on
    the noisy labels. Any method that corrects should be compared with it.

    `predict_proba` is that of the given label, noise included, for nothing is corrected.

    Number of fits: `cv` (5) for each of `Cs` (6), plus 1; all of them linear.

    Parameters
    ----------
    features : transformer object, "passthrough" or None, default=None
        Makes good features of X: an embedding, `Nystroem`, `PCA`, a Pipeline of transformers. None
        means standardised numbers, and `TableEncoder` for a DataFrame. "passthrough" means X as it
        is. What it makes is standardised (sparse: to unit maximum), unless it is "passthrough".
    Cs : int >= 1 or array-like, default=6
        Inverse penalties to choose from; an int means as many from 1e-4 to 10.
    scoring : {"log_loss", "accuracy"}, default="log_loss"
        By which the penalty is chosen, on held-out noisy labels; the stronger one of equals.
    cv : int, splitter, iterable or None, default=None
        Folds of this choice. None means 5 stratified folds.
    max_iter : int >= 1, default=1000
        Of the logistic regression.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, and every `random_state` that `features` leaves at None.

    Attributes
    ----------
    estimator_ : Pipeline
        Features and logistic regression, fitted to all rows.
    C_ : float
        The inverse penalty that was chosen.
    scores_ : ndarray of shape (n_Cs,)
        Mean log loss, or accuracy, on held-out noisy labels; in the order of `Cs_`.
    Cs_ : ndarray of shape (n_Cs,)
        Inverse penalties, ascending.
    classes_ : ndarray of shape (K,)
        All classes of y.
    n_iter_ : int
        Steps of the last logistic regression.
    n_features_in_, feature_names_in_
        Of X, where it has such things.

    References
    ----------
    Y. Zhu, J. Zhang, A. Gangrade, C. Scott: "Label Noise: Ignorance Is Bliss", NeurIPS, 2024 (there
    on the features of large networks).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.training.correction import NoiseIgnorantClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.3, random_state=0)
    >>> model = NoiseIgnorantClassifier(Cs=[0.001, 0.01, 1], random_state=0)
    >>> bool(model.fit(X, y_noisy).score(X, y) > 0.85)
    True
    """

    __metadata_request__fit = {"groups": True}  # noqa: RUF012
    _parameter_constraints: dict = {
        "features": [HasMethods(["fit", "transform"]), StrOptions({"passthrough"}), None],
        "Cs": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "scoring": [StrOptions({"log_loss", "accuracy"})],
        "cv": [
            Interval(Integral, 2, None, closed="left"),
            HasMethods(["split"]),
            "array-like",
            None,
        ],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    estimator_: Any
    scores_: FloatArray
    classes_: Array
    n_iter_: int
    n_features_in_: int
    feature_names_in_: Array

    def __init__(
        self,
        features: Literal["passthrough"] | Transformer | None = None,
        *,
        Cs: int | ArrayLike = 6,
        scoring: Literal["log_loss", "accuracy"] = "log_loss",
        cv: CVLike | None = None,
        max_iter: int = 1000,
        random_state: RandomStateLike = None,
    ) -> None:
        self.features = features
        self.Cs = Cs
        self.scoring = scoring
        self.cv = cv
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Choose the penalty and fit the classifier, as if all labels were right.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
        y : array-like of shape (n,)
            Given labels.
        sample_weight : array-like of shape (n,), default=None
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in the folds. So do copies.

        Returns
        -------
        self : object
        """
        self._validate_params()
        evidence = Evidence(X, y, task="classification", sample_weight=sample_weight, groups=groups)
        target = evidence.target
        if len(target.classes) < 2:
            raise ValueError(
                f"NoiseIgnorantClassifier needs at least 2 classes, and y has one class only: "
                f"{target.classes[0]!s}."
            )
        Cs = self._penalties()
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        # the pipeline is ours, and so is the way of the weights through it
        with whole_fit(self, X, y), config_context(enable_metadata_routing=False):
            scores = self._scores(evidence, Cs, seed)
            C = Cs[scores.argmin()]
            with last_fit():
                weight = evidence.inputs.sample_weight
                model = fit_model(self._model(X, C, seed), X, target.y, weight)
        fitted = {
            "estimator_": model,
            "C_": float(C),
            "Cs_": Cs,
            "scores_": scores if self.scoring == "log_loss" else -scores,
            "classes_": target.classes,
            "n_iter_": int(model[-1].n_iter_.max()),
            **seen_features(evidence.inputs.X),
        }
        replace_fitted(self, fitted)
        return self

    def predict(self, X: MatrixLike) -> Array:
        """Predict the likeliest given label.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X = self._checked(X)
        return ask(self.estimator_, "predict", X)

    def predict_proba(self, X: MatrixLike) -> FloatArray:
        """Probabilities of given labels.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples, K)
        """
        X = self._checked(X)
        return ask(self.estimator_, "predict_proba", X)

    def decision_function(self, X: MatrixLike) -> FloatArray:
        """Decision values of the logistic regression.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, K)
        """
        X = self._checked(X)
        return ask(self.estimator_, "decision_function", X)

    def _checked(self, X):
        check_is_fitted(self)
        if len(getattr(X, "shape", ())) == 2:
            with suppress(TypeError):  # column names of mixed types are none to scikit-learn
                validate_data(self, X, reset=False, skip_check_array=True)
        return X

    def _scores(self, evidence, Cs, seed):
        """(n_Cs,) mean loss on held-out rows; zeros where there is nothing to choose."""
        scores = np.zeros(len(Cs))
        if len(Cs) == 1:
            return scores
        weight = evidence.inputs.sample_weight
        weight = np.ones(evidence.n_rows) if weight is None else weight
        [folds] = evidence.splits(self.cv, random_state=seed)
        for k, C in enumerate(Cs):
            proba = evidence.responses(self._model(evidence.inputs.X, C, seed), cv=folds).values
            rows = np.flatnonzero(~np.isnan(proba).any(axis=1) & (weight > 0))
            if not len(rows):
                raise ValueError(
                    f"The penalty cannot be chosen: {evidence.why_nobody_is_judged()}. Give one "
                    "value, Cs=[1.0]."
                )
            codes = evidence.target.codes[rows]
            if self.scoring == "log_loss":
                loss = -np.log(np.maximum(proba[rows, codes], SURE))
            else:
                loss = -(proba[rows].argmax(axis=1) == codes).astype(float)
            scores[k] = np.average(loss, weights=weight[rows])
        return scores

    def _model(self, X, C, seed):
        classify = LogisticRegression(C=C, max_iter=self.max_iter)
        if isinstance(self.features, str):
            return Pipeline([("classify", classify)])
        if self.features is not None:
            steps = [("features", seeded_clone(self.features, seed)), ("scale", _Scaler())]
        else:
            steps = [("features", TableEncoder() if is_table(X) else _Scaler())]
        return Pipeline([*steps, ("classify", classify)])

    def _penalties(self):
        if isinstance(self.Cs, Integral):
            return np.logspace(-4, 1, self.Cs)
        Cs = np.sort(np.asarray(self.Cs, dtype=float))
        if Cs.ndim != 1 or not len(Cs) or not (Cs > 0).all():
            raise ValueError(f"Cs must be one or more numbers above 0, got {self.Cs!r}.")
        return Cs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class _Scaler(TransformerMixin, BaseEstimator):
    """Zero mean and unit variance; of a sparse matrix unit maximum."""

    def fit(self, X, y=None):
        self.scaler_ = MaxAbsScaler() if issparse(X) else StandardScaler()
        self.scaler_.fit(foreign_as_numpy(X, "X"))
        return self

    def transform(self, X):
        return self.scaler_.transform(foreign_as_numpy(X, "X"))
