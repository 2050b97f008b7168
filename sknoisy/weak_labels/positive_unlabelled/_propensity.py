"""Positives that are not labelled at random: a model of who is labelled, by EM."""

from __future__ import annotations

from contextlib import nullcontext
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from scipy.special import expit
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _num_samples, check_is_fitted

from sknoisy._evidence import TableEncoder, fit_model, is_table, take_rows
from sknoisy._evidence._fitting import IsModel, check_takes_weights, seeded_clone
from sknoisy._typing import (
    Array,
    ArrayLike,
    CVLike,
    Estimator,
    FloatArray,
    MatrixLike,
    RandomStateLike,
)
from sknoisy.detection._base import check_kind
from sknoisy.weak_labels.positive_unlabelled._base import (
    BasePUClassifier,
    hidden_proba,
)
from sknoisy.weak_labels.positive_unlabelled._corrected import score_of
from sknoisy.weak_labels.positive_unlabelled._prior import safe_logit
from sknoisy.weak_labels.positive_unlabelled._variational import weighted_labels

LEAST = 1e-3  # a propensity is no less: nothing is known of positives that are never labelled


class PropensityPUClassifier(BasePUClassifier):
    """Classifier for positive-unlabelled labels where some positives are labelled more than others.

    Two models explain together who is labelled: f(x), the probability of being positive, and the
    propensity e(x), the probability of a positive to be labelled. In turns (EM), the probability of
    each unlabelled row of being positive is f (1 - e) / (1 - f e); f is fitted to these, and the
    propensity to who is labelled, each row with its probability of being positive. At the end the
    classifier is fitted to these probabilities, each row as a positive and as a negative.

    Labels alone cannot tell an unlabelled positive from a negative. What tells them apart is that
    the propensity depends on few features (`propensity_features`), or that both models are simple.
    Where positives are labelled at random after all, `class_prior_` comes out too large if classes
    overlap; `ElkanNotoClassifier` is the better choice then.

    Number of fits: of the classifier `cv` times `n_refits`, plus 1; of the propensity one a turn,
    `max_iter` at most.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    propensity_estimator : classifier, default=None
        Model of the propensity; it must take weights. None means logistic regression, on encoded
        columns where X is a table.
    propensity_features : list of column names or positions, default=None
        What the propensity may depend on. None means all of X; an empty list that it is the same
        for all.
    n_refits : int >= 1, default=2
        How many times f is learnt from X: the first time, the classifier learns who is labelled,
        then what the turns have made of it, and so on. Models of few parameters gain by more,
        flexible ones come to believe what they have said.
    max_iter : int >= 1, default=50
        Turns at most.
    tol : float >= 0, default=1e-4
        Turns end when probabilities of unlabelled rows change less than this on average.
    positive : scalar, default=None
        The value of y that means positive. None: the larger of the two, which is 1 of (0, 1) and
        of (-1, 1), and True; of two texts the one that is not "no", "unlabelled", "not ..." or the
        like, else the later one in the alphabet, with a warning.
    cv : int >= 2 or splitter, default=5
        Folds by which rows are judged by models that have not seen them.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the models: as their `sample_weight` (an error when one takes none), or
        by repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the fits in the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that the models leave at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model of the last fit.
    propensity_estimator_ : estimator object or None
        The model of the propensity; None where it is the same for all.
    classes_ : ndarray of shape (2,)
        The values of y; the unlabelled value is the negative class.
    positive_proba_ : ndarray of shape (n,)
        Probability of each training row of being positive, given whether it is labelled.
    propensity_ : ndarray of shape (n,)
        Probability of each training row to be labelled if it is positive.
    class_prior_ : float
        Share of positives among all rows.
    label_frequency_ : float
        Share of the positives that are labelled.
    n_iter_ : int
        Turns.

    References
    ----------
    J. Bekker, P. Robberechts, J. Davis: "Beyond the Selected Completely At Random Assumption for
    Learning from Positive and Unlabeled Data", ECML PKDD 2019. Adapted: f comes from models that
    have not seen the row, for flexible ones explain labels away that they have seen; many turns
    with a logistic curve over its first scores take the place of most fits; the last fit is to
    the soft labels, whose weights are not negative.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels.positive_unlabelled import (
    ...     ElkanNotoClassifier,
    ...     PropensityPUClassifier,
    ... )
    >>> rng = np.random.default_rng(0)
    >>> y_true = rng.random(2000) < 0.5
    >>> X = rng.normal(size=(2000, 2)) + np.outer(y_true, [3.0, 0.0])
    >>> chance = 0.1 + 0.8 * (X[:, 1] > 0)  # column 1 says who is labelled
    >>> y = (y_true & (rng.random(2000) < chance)).astype(int)
    >>> model = PropensityPUClassifier(
    ...     LogisticRegression(), propensity_features=[1], random_state=0
    ... ).fit(X, y)
    >>> at_random = ElkanNotoClassifier(LogisticRegression(), random_state=0).fit(X, y)
    >>> bool(model.score(X, y_true) > at_random.score(X, y_true) + 0.05)
    True
    """

    _parameter_constraints: dict = {
        **BasePUClassifier._parameter_constraints,
        "propensity_estimator": [IsModel(), None],
        "propensity_features": ["array-like", None],
        "n_refits": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    propensity_estimator_: Any
    positive_proba_: FloatArray
    propensity_: Array
    class_prior_: float
    n_iter_: int

    def __init__(
        self,
        estimator: Estimator,
        *,
        propensity_estimator: Estimator | None = None,
        propensity_features: ArrayLike | None = None,
        n_refits: int = 2,
        max_iter: int = 50,
        tol: float = 1e-4,
        positive: Any = None,
        cv: int | CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.propensity_estimator = propensity_estimator
        self.propensity_features = propensity_features
        self.n_refits = n_refits
        self.max_iter = max_iter
        self.tol = tol
        self.positive = positive
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn_positives(self, rows, labels):
        check_takes_weights(self.estimator, self.weight_strategy, "the rounds are made of weights")
        columns = self._columns(rows.X)
        model = None if columns is None else self._propensity_model(columns)
        folds = rows.folds(labels.codes, self.cv)
        labelled = labels.labelled
        given = np.ones(len(labelled)) if rows.sample_weight is None else rows.sample_weight
        shares = weighted_labels(labels, balanced_weight(labelled, given))
        f = self._judge(rows, labels, shares, folds)
        proba, e, fitted, n_iter = self._in_turns(
            model, columns, labels, given, f, rows.random_state
        )
        for _ in range(self.n_refits - 1):
            f = self._judge(rows, labels, labels.columns(proba), folds)
            proba = labels.posterior(hidden_proba(f, e))
            fitted, e = self._fit_propensity(
                model, columns, labelled, given * proba, rows.random_state
            )
            proba = labels.posterior(hidden_proba(f, e))
        prior = np.average(proba, weights=given)
        return labels.columns(proba), {
            "propensity_estimator_": fitted,
            "positive_proba_": proba,
            "propensity_": e,
            "class_prior_": float(prior),
            "label_frequency_": float(np.average(labelled, weights=given) / prior),
            "n_iter_": n_iter,
        }

    def _judge(self, rows, labels, shares, folds):
        """(n,) f of rows by models that have not seen them."""
        said = rows.out_of_sample(self.estimator, shares, folds)[:, labels.positive_at]
        return np.where(np.isnan(said), np.nanmean(said), said)

    def _in_turns(self, model, columns, labels, given, f, seed):
        """EM over a logistic curve of f, and the propensity.

        Returns (probability of being positive, propensity, its fitted model, turns).
        """
        score, proba, n_iter = safe_logit(f), labels.posterior(f), 0
        for n_iter in range(1, self.max_iter + 1):  # noqa: B007
            fitted, e = self._fit_propensity(model, columns, labels.labelled, given * proba, seed)
            f = logistic_curve(score, proba, given)
            before, proba = proba, labels.posterior(hidden_proba(f, e))
            if np.abs(proba - before)[~labels.labelled].mean() < self.tol:
                break
        return proba, e, fitted, n_iter

    # ------------------------------------------------------------------ the propensity

    def _columns(self, X):
        """The columns of X that the propensity may depend on; None for no column."""
        wanted = self.propensity_features
        if wanted is None:
            return X
        wanted = list(wanted)
        if not wanted:
            return None
        try:
            return _safe_indexing(X, wanted, axis=1)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise ValueError(
                f"propensity_features={wanted!r} are not columns of X: {error}"
            ) from error

    def _propensity_model(self, columns):
        if self.propensity_estimator is None:
            if is_table(columns):
                encoder = TableEncoder()
            else:
                encoder = StandardScaler(with_mean=not issparse(columns))
            return make_pipeline(encoder, LogisticRegression(max_iter=1000))
        check_kind(self.propensity_estimator, "classification", "propensity_estimator")
        check_takes_weights(
            self.propensity_estimator,
            self.weight_strategy,
            "the propensity is fitted to probabilities of being positive",
        )
        return self.propensity_estimator

    def _fit_propensity(self, propensity_model, columns, labelled, weight, seed):
        """(fitted model, propensity of each row)."""
        if propensity_model is None:
            rate = np.average(labelled, weights=weight)
            return None, np.full(len(labelled), np.clip(rate, LEAST, 1.0))
        kept = np.flatnonzero(weight > 0)
        own = self.propensity_estimator is None  # then the way of the weights through it is, too
        with config_context(enable_metadata_routing=False) if own else nullcontext():
            model = fit_model(
                seeded_clone(propensity_model, seed),
                take_rows(columns, kept),
                labelled[kept].astype(int),
                weight[kept],
                weight_strategy=self.weight_strategy,
                random_state=seed,
            )
        return model, np.clip(score_of(model, columns, np.array([0, 1]), 1), LEAST, 1.0)

    def predict_propensity(self, X: MatrixLike) -> FloatArray:
        """Probability of rows to be labelled if they are positive.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        columns = self._columns(X)
        if columns is None:
            return np.full(_num_samples(X), self.label_frequency_)
        return np.clip(score_of(self.propensity_estimator_, columns, np.array([0, 1]), 1), LEAST, 1)


def balanced_weight(labelled, weight):
    """Weights by which labelled and unlabelled rows count the same; the sum stays."""
    share = np.average(labelled, weights=weight)
    return np.where(labelled, 0.5 / share, 0.5 / (1.0 - share))


def logistic_curve(score, proba, weight, n_steps=25):
    """expit(a * score + b), fitted to soft labels by Newton's method."""
    spread = score.std() or 1.0
    Z = np.column_stack([(score - score.mean()) / spread, np.ones(len(score))])
    theta = np.array([1.0, 0.0])
    for _ in range(n_steps):
        f = expit(Z @ theta)
        gradient = Z.T @ (weight * (f - proba)) + 1e-3 * theta
        hessian = (Z * (weight * f * (1.0 - f))[:, None]).T @ Z + 1e-3 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        theta = np.clip(theta - step, [0.0, -30.0], 30.0)
        if np.abs(step).max() < 1e-6:
            break
    return expit(Z @ theta)
