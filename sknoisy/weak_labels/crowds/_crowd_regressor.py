"""A regressor that learns from the numbers of several annotators."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_consistent_length

from sknoisy._evidence import Evidence, fit_model, weight_parameter
from sknoisy._evidence._arrays import container, foreign_as_numpy, with_blanks
from sknoisy._evidence._evidence import check_weight
from sknoisy._evidence._fitting import IsModel, check_takes_weights, rows_to_fit, seeded_clone
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._progress import last_fit, whole_fit
from sknoisy._typing import Array, ArrayLike, CVLike, Estimator, MatrixLike, RandomStateLike
from sknoisy._wrapper import WrappedRegressor, scored
from sknoisy.detection._base import check_kind
from sknoisy.weak_labels.crowds._bias_variance import BiasVariance
from sknoisy.weak_labels.crowds._scoring import has_one_column


class CrowdRegressor(WrappedRegressor):
    """Regressor that is fitted to the numbers of a crowd: y has one column per annotator.

    First `BiasVariance` learns from the numbers alone how each annotator errs. The regressor is
    then fitted to the mean of the answers of each row, less the biases and weighted by the
    variances; rows that are known better weigh more, if it takes weights. What it predicts for rows
    that it has not seen takes, in each round, the place of the mean of all rows, and the annotators
    are judged anew.

    Number of fits: `n_rounds` times the number of folds (1 for a forest, judged out of bag, with
    `cv=None`), and 1; 11 by default.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any scikit-learn regressor, or a Pipeline that ends in one.
    aggregator : BiasVariance or None, default=None
        None means `BiasVariance()`. Its `missing` and `allow_empty` are those given here.
    n_rounds : int >= 0, default=2
        Rounds with the regressor's predictions; 0 uses the numbers of the annotators alone.
    cv : int, splitter, list of (train, test) or None, default=None
        Folds by which the regressor predicts rows that it has not seen; None means 5, or out of
        bag for a forest.
    missing : object, default=None
        A value of y that is a blank, besides NaN, None and pd.NA; -999, for instance.
    allow_empty : bool, default=False
        Whether a row may have no number at all (nothing is learnt from it), and an annotator may
        have given none. By default both are errors.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` reaches the regressor: as its own (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Folds at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The regressor, fitted to the posterior means.
    aggregator_ : BiasVariance
        Fitted, of the last round.
    annotators_ : ndarray of shape (m,)
        Names of the columns of y, or their numbers.
    annotator_bias_, annotator_variance_ : ndarray of shape (m,)
        How each annotator errs.
    values_, values_std_ : ndarray of shape (n,)
        Posterior mean and standard deviation of the true number of each training row, by the
        answers and the regressor. It is not fitted to these, which lean to what it says already.
    n_fits_ : int
        Number of fits.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    Notes
    -----
    `score` takes true numbers (n,), or held-out answers (n, m), whose mean is taken by the biases
    and variances that were learnt in `fit`.

    References
    ----------
    V. C. Raykar, S. Yu, L. H. Zhao, G. H. Valadez, C. Florin, L. Bogoni, L. Moy: "Learning from
    crowds", JMLR, 2010. There with linear regression inside EM; for any regressor the rounds are
    outside, and predictions are those of models that have not seen the row.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy.weak_labels import CrowdRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> rng = np.random.default_rng(0)
    >>> votes = y[:, None] + [0, 60, -60] + rng.normal(size=(len(y), 3)) * [10, 50, 150]
    >>> model = CrowdRegressor(Ridge(alpha=0.1), random_state=0).fit(X, votes)
    >>> int(model.annotator_bias_.argmax()), int(model.annotator_variance_.argmax())
    (1, 2)
    """

    __metadata_request__fit = {"groups": True}  # noqa: RUF012
    _parameter_constraints: dict = {
        "estimator": [IsModel()],
        "aggregator": [BiasVariance, None],
        "n_rounds": [Interval(Integral, 0, None, closed="left")],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods(["split"]), list, None],
        "missing": "no_validation",
        "allow_empty": ["boolean"],
        "weight_strategy": [StrOptions({"native", "resample"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    aggregator_: Any
    annotators_: Array
    annotator_bias_: Array
    annotator_variance_: Array
    values_: Array
    values_std_: Array
    n_fits_: int

    def __init__(
        self,
        estimator: Estimator,
        aggregator: BiasVariance | None = None,
        *,
        n_rounds: int = 2,
        cv: CVLike | None = None,
        missing: Any = None,
        allow_empty: bool = False,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.aggregator = aggregator
        self.n_rounds = n_rounds
        self.cv = cv
        self.missing = missing
        self.allow_empty = allow_empty
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Learn how the annotators err, and fit the estimator to what the numbers must be.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like or DataFrame of shape (n, m)
            One column per annotator; NaN, None and pd.NA are blanks.
        sample_weight : array-like of shape (n,), default=None
            How much each row counts.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in the folds, and so do copies of a row.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        self._validate_params()
        check_kind(self.estimator, "regression", type(self).__name__)
        params, weight = self._route(sample_weight, fit_params)
        aggregator = BiasVariance() if self.aggregator is None else clone(self.aggregator)
        aggregator.set_params(missing=self.missing, allow_empty=self.allow_empty)
        aggregator._validate_params()
        X, votes = container(X), aggregator._read(with_blanks(y, "y"))
        n, seed = votes.n_rows, self._seed()
        check_consistent_length(X, np.empty(n))
        if weight is not None:
            weight = check_weight(weight, n)
            check_takes_weights(self.estimator, self.weight_strategy, "sample_weight was given")
        row_weight = np.ones(n) if weight is None else weight
        fitted, n_fits = aggregator._fit(votes, row_weight), 1
        weighs = self.weight_strategy == "resample" or weight_parameter(self.estimator) is not None
        numbers, certainty = mean_answers(votes, fitted)
        evidence = Evidence(
            X,
            numbers,
            task="regression",
            sample_weight=row_weight * certainty if weighs else None,
            groups=groups,
            fit_params=params,
            weight_strategy=self.weight_strategy,
        )
        empty = votes.per_row == 0
        with whole_fit(self, X, y):
            for _ in range(self.n_rounds):
                responses = evidence.responses(
                    self.estimator,
                    cv=self.cv,
                    random_state=seed,
                    n_jobs=self.n_jobs,
                    unseen=empty if empty.any() else None,
                )
                expected = np.where(np.isnan(responses.values), fitted["mean_"], responses.values)
                fitted = aggregator._fit(votes, row_weight, expected)
                n_fits += responses.n_fits
                numbers, certainty = mean_answers(votes, fitted)
                evidence = evidence.replaced(
                    y=numbers, sample_weight=row_weight * certainty if weighs else None
                )
            rows = np.flatnonzero(~empty)
            X_known, params = rows_to_fit(X, params, rows, n)
            with last_fit():
                model = fit_model(
                    seeded_clone(self.estimator, seed),
                    X_known,
                    numbers[rows],
                    (row_weight * certainty)[rows] if weighs else None,
                    params,
                    weight_strategy=self.weight_strategy,
                    random_state=seed,
                )
        replace_fitted(aggregator, fitted)
        names = ("annotators_", "annotator_bias_", "annotator_variance_", "values_", "values_std_")
        attributes = {
            "estimator_": model,
            "aggregator_": aggregator,
            "n_fits_": n_fits,
            **{name: fitted[name] for name in names},
        }
        attributes |= model_attributes(model)
        replace_fitted(self, attributes)
        return self

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R2 by true numbers, or by held-out answers.

        Parameters
        ----------
        X : as in `fit`
        y : array-like of shape (n_samples,) or (n_samples, m)
            True numbers; or answers, of which the mean is taken as in `fit`. A row without an
            answer does not count.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        predicted, y = self.predict(X), foreign_as_numpy(y, "y")
        if has_one_column(y):
            return scored(r2_score, y, predicted, sample_weight)
        votes = self.aggregator_._read_new(y)
        numbers, weight = mean_answers(votes, vars(self.aggregator_))
        if sample_weight is not None:
            weight = weight * check_weight(sample_weight, len(numbers))
        return scored(r2_score, numbers, predicted, weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


def mean_answers(votes, fitted):
    """(mean of the answers of each row, its weight): without what is expected of the row.

    A mean that leans to what is expected would flatten what is learnt from it. The weight is one
    over the variance of what features tell nothing of, errors of the answers among it, and 1 on
    average.
    """
    precision = 1 / fitted["annotator_variance_"][votes.annotator]
    total = votes.by_row(precision)
    answers = votes.answer - fitted["annotator_bias_"][votes.annotator]
    with np.errstate(invalid="ignore", divide="ignore"):
        numbers = np.where(total > 0, votes.by_row(precision * answers) / total, fitted["mean_"])
    certainty = total / (1 + total * fitted["unexplained_variance_"])
    return numbers, certainty / certainty[total > 0].mean()
