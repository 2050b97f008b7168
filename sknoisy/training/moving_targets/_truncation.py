"""Models that see only the first of their features, in the order of how much these say."""

from __future__ import annotations

import warnings
from contextlib import suppress

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import f_classif, f_regression
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing
from sklearn.utils.metadata_routing import _routing_enabled
from sklearn.utils.validation import validate_data

from sknoisy._evidence import TableEncoder, is_table
from sknoisy._fitted import seen_features

WIDTH = 0.5  # of the half normal law of the share of features that is kept


def draw_shares(n_draws, rng):
    """Shares of the features, in (0, 1]: all, and `n_draws` of a law that prefers few."""
    drawn = np.abs(rng.normal(scale=WIDTH, size=10 * n_draws + 10))
    return [1.0, *drawn[drawn <= 1.0][:n_draws].tolist()]


def truncated(estimator, share, order, task, fit_params):
    """(model that sees a share of what the estimator's last step sees, its fit parameters)."""
    if share >= 1.0 or order is None:
        return estimator, fit_params
    step = ("truncation", Truncation(share, order, task))
    if isinstance(estimator, Pipeline):
        *first, last = estimator.steps
        return clone(estimator).set_params(steps=[*first, step, last]), fit_params
    if not _routing_enabled():
        fit_params = {f"model__{name}": value for name, value in fit_params.items()}
    return Pipeline([step, ("model", clone(estimator))]), fit_params


class Truncation(TransformerMixin, BaseEstimator):
    """The first columns, in the order of importance or of a decomposition.

    Parameters
    ----------
    share : float in (0, 1]
        Of the columns, rounded up.
    order : {"importance", "pca"} or transformer with `n_components`
    task : {"classification", "regression"}
    """

    def __init__(self, share, order, task):
        self.share = share
        self.order = order
        self.task = task

    def fit(self, X, y):
        X = _with_shape(X)
        if len(getattr(X, "shape", ())) != 2:
            raise ValueError(
                "Features can be truncated where X has columns, and here it has none: set "
                "compress=None, or wrap a Pipeline whose first steps make columns."
            )
        self.__dict__.update(seen_features(X))
        n_kept = max(1, int(np.ceil(self.share * X.shape[1])))
        if self.order == "importance":
            scores = column_scores(X, y, self.task)
            self.columns_ = np.sort(np.argsort(-scores, kind="stable")[:n_kept])
            return self
        n_kept = min(n_kept, X.shape[0], X.shape[1])
        try:
            self.transformer_ = self._transformer(n_kept, issparse(X)).fit(X, y)
        except (TypeError, ValueError) as error:
            error.add_note(
                'compress="importance" leaves out columns of any kind, and compress=None none.'
            )
            raise
        return self

    def _transformer(self, n_kept, sparse):
        if self.order != "pca":
            return clone(self.order).set_params(n_components=n_kept)
        reduce = TruncatedSVD if sparse else PCA
        return make_pipeline(
            StandardScaler(with_mean=not sparse), reduce(n_components=n_kept, random_state=0)
        )

    def transform(self, X):
        X = _with_shape(X)
        with suppress(TypeError):  # names of mixed types
            validate_data(self, X, reset=False, skip_check_array=True)
        if self.order == "importance":
            return _safe_indexing(X.tocsr() if issparse(X) else X, self.columns_, axis=1)
        return self.transformer_.transform(X)


def _with_shape(X):
    return X if hasattr(X, "shape") else np.asarray(X)


def column_scores(X, y, task):
    """(d,) what each column says of y by itself: its F statistic, -1 for none.

    Columns of a table are encoded one by one, and the best of the codes counts.
    """
    test = f_classif if task == "classification" else f_regression
    if not is_table(X):
        if not issparse(X):
            X = np.asarray(X, dtype=float)
            X = SimpleImputer(strategy="median", keep_empty_features=True).fit_transform(X)
        return _scores(test, X, y)
    scores = []
    for column in range(X.shape[1]):
        try:
            codes = TableEncoder().fit_transform(_safe_indexing(X, [column], axis=1))
        except ValueError:  # it cannot be turned into numbers
            codes = np.empty((len(y), 0))
        scores.append(_scores(test, codes, y).max(initial=-1.0) if codes.shape[1] else -1.0)
    return np.array(scores)


def _scores(test, X, y):
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.filterwarnings("ignore", message="Features .* are constant")
        scores = test(X, y)[0]
    return np.where(np.isnan(scores), -1.0, scores)
