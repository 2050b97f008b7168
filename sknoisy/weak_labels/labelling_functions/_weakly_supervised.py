"""A classifier that learns from labelling functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import StrOptions

from sknoisy._evidence._arrays import foreign_as_numpy
from sknoisy._fitted import replace_fitted
from sknoisy._typing import (
    Array,
    ArrayLike,
    BoolArray,
    Estimator,
    FloatArray,
    MatrixLike,
    RandomStateLike,
)
from sknoisy._wrapper import scored
from sknoisy.weak_labels._base import BaseWeakClassifier
from sknoisy.weak_labels.crowds._base import LabelAggregator
from sknoisy.weak_labels.crowds._scoring import expected_score, has_one_column
from sknoisy.weak_labels.labelling_functions._apply import apply_functions
from sknoisy.weak_labels.labelling_functions._label_model import (
    LabelModel,
    read_functions,
    read_new_functions,
)


class WeaklySupervisedClassifier(BaseWeakClassifier):
    """Classifier that is fitted to the votes of labelling functions: no row needs a label.

    A label model makes probabilities of the votes, and the classifier is fitted to them, each row
    once for each class that is likely enough, weighted. It learns from the features, and so it goes
    beyond the rules: it also judges rows that none of them reaches.

    Number of fits: 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    label_model : aggregator object, default=None
        `LabelModel`, `TripletLabelModel`, or one for crowds such as `MajorityVote`. None means
        `LabelModel()`. Its `missing` and `allow_empty` are those given here.
    functions : list or dict of callables, default=None
        Labelling functions, which `fit` applies to the rows of X, see `apply_functions`; y is then
        not needed. None means that y holds the votes.
    abstained : {"leave_out", "prior"}, default="leave_out"
        What becomes of rows in which all functions abstain: nothing is learnt from them, or they
        are given the class prior.
    missing : object, default=None
        A value of y that is an abstention, besides NaN, None, pd.NA and empty texts.
    allow_empty : bool, default=False
        Whether a function may abstain everywhere. By default that is an error; in cross-validation
        it happens.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the classifier: as its `sample_weight` (an error when it takes none), or
        by repeating and leaving out rows in proportion to weight.
    random_state : int, RandomState instance or None, default=None
        Seeds every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The classifier, fitted to the probabilities.
    label_model_ : aggregator object
        Fitted.
    classes_ : ndarray of shape (K,)
        All classes that are voted for, sorted. A class that no function votes for is unknown to the
        classifier, too.
    label_proba_ : ndarray of shape (n, K)
        What the label model says of each training row.
    labels_ : ndarray of shape (n,)
        The likeliest class.
    covered_ : ndarray of shape (n,) of bool
        Rows in which some function votes.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    CrowdClassifier : With `aggregator=LabelModel()` and `allow_empty=True` the classifier and the
        functions judge one another.

    Notes
    -----
    `score` takes true labels (n,), or held-out votes (n, m), which the label model weighs; with
    `functions` it needs no y. So GridSearchCV needs no true label. It says how far the classifier
    agrees with the functions, and not whether these are right: a few rows with true labels say
    more. Give it a splitter such as KFold(5, shuffle=True) as `cv`, since scikit-learn cannot
    stratify a table, and `allow_empty=True` where functions vote rarely.

    References
    ----------
    J. Zhang, C.-Y. Hsieh, Y. Yu, C. Zhang, A. Ratner: "A Survey on Programmatic Weak Supervision",
    arXiv, 2022.

    R. Smith, J. A. Fries, B. Hancock, S. H. Bach: "Language Models in the Loop: Incorporating
    Prompting into Weak Supervision", ACM/IMS Journal of Data Science, 2024.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.naive_bayes import MultinomialNB
    >>> from sklearn.pipeline import make_pipeline
    >>> from sknoisy.weak_labels import WeaklySupervisedClassifier
    >>> def offers(text):
    ...     return "spam" if "free" in text or "win" in text else None
    >>> def greets(text):
    ...     return "ham" if "see you" in text or "love" in text else None
    >>> texts = ["win a free phone", "free phone call", "see you at home", "love from home", "hm"]
    >>> model = WeaklySupervisedClassifier(
    ...     make_pipeline(CountVectorizer(), MultinomialNB()), functions=[offers, greets])
    >>> model.fit(texts).predict(["a phone", "at home"]).tolist()
    ['spam', 'ham']
    >>> model.covered_.tolist()
    [True, True, True, True, False]
    """

    n_jobs = None  # there are no folds
    _parameter_constraints: dict = {
        **{k: v for k, v in BaseWeakClassifier._parameter_constraints.items() if k != "n_jobs"},
        "label_model": [LabelAggregator, None],
        "functions": [list, dict, None],
        "abstained": [StrOptions({"leave_out", "prior"})],
        "missing": "no_validation",
        "allow_empty": ["boolean"],
    }

    label_model_: Any
    label_proba_: FloatArray
    labels_: Array
    covered_: BoolArray

    def __init__(
        self,
        estimator: Estimator,
        label_model: LabelAggregator | None = None,
        *,
        functions: list[Callable[..., Any]] | dict[str, Callable[..., Any]] | None = None,
        abstained: Literal["leave_out", "prior"] = "leave_out",
        missing: Any = None,
        allow_empty: bool = False,
        weight_strategy: Literal["native", "resample"] = "native",
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.label_model = label_model
        self.functions = functions
        self.abstained = abstained
        self.missing = missing
        self.allow_empty = allow_empty
        self.weight_strategy = weight_strategy
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Learn how far the functions can be trusted, and fit the estimator to what they say.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like or DataFrame of shape (n, m), default=None
            Votes, one column per function; NaN, None, pd.NA and empty texts are abstentions.
            Ignored where `functions` are given.
        sample_weight : array-like of shape (n,), default=None
            Multiplied with any weight computed here.
        groups : array-like of shape (n,), default=None
            Ignored, there are no folds.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        self._validate_params()
        if self.functions is not None:
            y = apply_functions(self.functions, X)
        return super().fit(X, y, sample_weight=sample_weight, groups=groups, **fit_params)

    def _read(self, y):
        return read_functions(y, self)

    def _learn(self, rows, votes):
        model = LabelModel() if self.label_model is None else clone(self.label_model)
        model.set_params(missing=self.missing, allow_empty=self.allow_empty)
        model._validate_params()
        weight = np.ones(votes.n_rows) if rows.sample_weight is None else rows.sample_weight
        replace_fitted(model, model._fit(votes, weight))
        covered = votes.per_row > 0
        posterior = model.label_proba_
        if self.abstained == "prior":
            posterior = np.where(covered[:, None], posterior, model.class_prior_)
        attributes = {
            "label_model_": model,
            "label_proba_": posterior,
            "labels_": model.labels_,
            "covered_": covered,
        }
        if self.abstained == "leave_out":
            posterior = posterior * covered[:, None]
        return posterior, attributes

    def score(
        self, X: MatrixLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Accuracy by true labels, or expected accuracy by votes.

        Parameters
        ----------
        X : as in `fit`
        y : array-like of shape (n_samples,) or (n_samples, m), default=None
            True labels; or votes, to which the fitted label model gives probabilities. A row in
            which all functions abstain does not count then. None: `functions` vote.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        predicted = self.predict(X)
        if y is None:
            if self.functions is None:
                raise ValueError(
                    "score needs true labels or votes as y: there are no functions to ask."
                )
            y = apply_functions(self.functions, X)
        y = foreign_as_numpy(y, "y")
        if has_one_column(y):
            return scored(accuracy_score, y, predicted, sample_weight)
        votes = read_new_functions(y, self.label_model_)
        posterior = self.label_model_._posterior(votes)
        return expected_score(votes, posterior, predicted, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.target_tags.required = self.functions is None
        return tags
