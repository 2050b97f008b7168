"""One fit of any classifier to labels that are known by their probabilities."""

from __future__ import annotations

from copy import copy

import numpy as np
from sklearn.utils.validation import _num_samples

from sknoisy._evidence import Evidence, fit_model
from sknoisy._evidence._cross_fit import Fit, fit_each
from sknoisy._evidence._fitting import check_takes_weights, rows_to_fit, seeded_clone, take_params
from sknoisy._evidence._responses import LabelResponse, margins_to_proba


def soft_rows(proba, min_proba=0.01):
    """Rows of a fit to soft labels: each row once for each label that is likely enough.

    Parameters
    ----------
    proba : ndarray of shape (n, K)
        Probability of each label; the row sums are the weights of the rows, and a row of zeros
        is left out.
    min_proba : float, default=0.01
        Labels less likely than this share of their row are left out, and the rest is rescaled.
        Negative weights, of labels to be unlearnt, are taken by their size.

    Returns
    -------
    rows, codes : ndarray of int
        Row, ascending, and label.
    weight : ndarray of float
        The weights of one row sum to its sum.
    """
    total = proba.sum(axis=1, keepdims=True)
    kept = np.where(np.abs(proba) >= min_proba * total, proba, 0.0)
    left = kept.sum(axis=1, keepdims=True)
    kept *= np.divide(total, left, out=np.zeros_like(left), where=left > 0)
    rows, codes = np.nonzero(kept)
    return rows, codes, kept[rows, codes]


class SoftRows:
    """The rows of one fit whose labels are known by probabilities, which may change.

    Models that judge rows never saw them: `out_of_sample` for the rows themselves, round by round
    on the same folds, and `fit` for the last model.

    Parameters
    ----------
    X : container of n rows
        Only row-indexed.
    classes : ndarray of shape (K,)
    sample_weight, groups : ndarray of shape (n,), default=None
        Rows of one group stay together in the folds, and so do copies of a row.
    fit_params : dict, default=None
    weight_strategy : {"native", "resample"}
    min_proba : float
        See `soft_rows`.
    random_state : int or None
    n_jobs : int or None
    """

    def __init__(
        self,
        X,
        classes,
        *,
        sample_weight=None,
        groups=None,
        fit_params=None,
        weight_strategy="native",
        min_proba=0.01,
        random_state=None,
        n_jobs=None,
    ):
        self.X = X
        self.classes = np.asarray(classes)
        self.sample_weight = sample_weight
        self.groups = groups
        self.fit_params = dict(fit_params or {})
        self.weight_strategy = weight_strategy
        self.min_proba = min_proba
        self.random_state = random_state
        self.n_jobs = n_jobs

    @classmethod
    def of(cls, evidence, **how):
        """The rows of an `Evidence`, with its weights, groups and parameters of `fit`."""
        inputs = evidence.inputs
        return cls(
            inputs.X,
            evidence.target.classes,
            sample_weight=inputs.sample_weight,
            groups=inputs.groups,
            fit_params=inputs.fit_params,
            weight_strategy=inputs.weight_strategy,
            **how,
        )

    def replaced(self, X, like):
        """The same for other rows X, each with the weight and the parameters of a row of these.

        They have no folds of their own: folds of these rows go for them as `like` says.
        """
        other = copy(self)
        other.X = X
        other.sample_weight = None if self.sample_weight is None else self.sample_weight[like]
        other.groups = None
        other.fit_params = take_params(self.fit_params, like, _num_samples(self.X))
        return other

    def folds(self, codes, cv=5):
        """Folds over all rows, stratified by `codes` (n,), of any kind."""
        evidence = Evidence(self.X, codes, task="classification", groups=self.groups)
        [folds] = evidence.splits(cv, random_state=self.random_state)
        return folds

    def out_of_sample(self, estimator, proba, folds):
        """(n, K) class probabilities of rows by models that were fitted to soft labels of others.

        Parameters
        ----------
        estimator : classifier
        proba : ndarray of shape (n, K)
            Soft labels; a row of zeros is judged, and nothing is learnt from it.
        folds : list of (train rows, test rows)

        Returns
        -------
        ndarray of shape (n, K)
            The mean over the tests of a row; NaN where a row is in no test part.
        """
        n, n_classes = proba.shape
        fits = []
        for i, (train, test) in enumerate(folds):
            rows, codes, weight = self.rows_of(proba, train)
            purpose = f"to judge rows, fold {i + 1} of {len(folds)}"
            y = self.classes[codes]
            fits.append(Fit(rows, y, weight, test, self._seed(i), purpose))
        evidence = Evidence(
            self.X,
            self.classes[proba.argmax(axis=1)],
            task="classification",
            fit_params=self.fit_params,
            weight_strategy=self.weight_strategy,
        )
        respond = LabelResponse(self.classes)
        answers = fit_each(estimator, evidence.inputs, fits, respond, n_jobs=self.n_jobs)
        total, n_tests = np.zeros((n, n_classes)), np.zeros(n)
        for (_, values), (_, test) in zip(answers, folds, strict=True):
            total[test] += values
            n_tests[test] += 1
        with np.errstate(invalid="ignore"):
            mean = total / n_tests[:, None]
        if answers and answers[0][0] == "decision_function":
            mean = margins_to_proba(mean, proba.argmax(axis=1), proba.any(axis=1))
        return mean

    def fit(self, estimator, proba):
        """A clone of `estimator`, fitted to the soft labels of all rows.

        Where every row has one label and the same weight, this is the plain fit, without weights.
        """
        n = len(proba)
        rows, codes, weight = self.rows_of(proba, np.arange(n))
        if weight is not None:
            why = "labels that are known by their probabilities need it"
            check_takes_weights(estimator, self.weight_strategy, why)
        X, params = rows_to_fit(self.X, self.fit_params, rows, n)
        return fit_model(
            seeded_clone(estimator, self.random_state),
            X,
            self.classes[codes],
            weight,
            params,
            weight_strategy=self.weight_strategy,
            random_state=self.random_state,
        )

    def rows_of(self, proba, train):
        """(rows, codes, weight or None where all are the same) of a fit to a part of the rows."""
        at, codes, weight = soft_rows(proba[train], self.min_proba)
        if len(at) == 0:
            raise ValueError("No row has a label that is likely enough: there is nothing to fit.")
        rows = train[at]
        if self.sample_weight is not None:
            weight = weight * self.sample_weight[rows]
        elif np.ptp(weight) <= 1e-12 * weight.max():
            weight = None
        return rows, codes, weight

    def _seed(self, i):
        if self.random_state is None:
            return None
        return (self.random_state + i) % (2**31 - 1)
