"""A classifier that learns from the answers of several annotators."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sknoisy._evidence._arrays import foreign_as_numpy
from sknoisy._fitted import replace_fitted
from sknoisy._temperature import at_temperature
from sknoisy._typing import (
    Array,
    ArrayLike,
    CVLike,
    Estimator,
    FloatArray,
    MatrixLike,
    RandomStateLike,
)
from sknoisy._wrapper import scored
from sknoisy.weak_labels._base import BaseWeakClassifier
from sknoisy.weak_labels.crowds._base import (
    LabelAggregator,
    drawn_accuracy,
    even_errors,
    expected_accuracy,
    expected_counts,
    learnt_prior,
    likeliest,
    votes_log_likelihood,
)
from sknoisy.weak_labels.crowds._dawid_skene import OWN, DawidSkene, confusion_of
from sknoisy.weak_labels.crowds._opinions import agreement_posterior, likeliest_temperature
from sknoisy.weak_labels.crowds._scoring import expected_score, has_one_column


class CrowdClassifier(BaseWeakClassifier):
    """Classifier that is fitted to the answers of a crowd: y has one column per annotator.

    First an aggregator learns from the answers alone who can be trusted. Then, in each round, the
    classifier is fitted to its posterior, and what it says of rows that it has not seen takes the
    place of the frequencies of the classes: row and answers are judged together, and so are the
    annotators. Last, the classifier is fitted to the posterior, each row once for each class that
    is likely enough, weighted.

    Number of fits: `n_rounds` times the number of folds, and 1; 16 by default.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    aggregator : aggregator object, default=None
        How answers become a posterior: `DawidSkene`, `OneCoin`, `GLAD`, `MACE` or `MajorityVote`.
        None means `DawidSkene()`. Its `missing` and `allow_empty` are those given here.
    combine : {"bayes", "agreement"}, default="bayes"
        How the classifier's opinion and the answers are combined. "bayes": as prior and likelihood,
        the prior at the temperature under which the answers are likeliest. "agreement": as a mean,
        in which classifier and annotators count by how often they agree with the others; more
        cautious, and the aggregator is only the start.
    n_rounds : int >= 0, default=3
        Rounds with the classifier's opinion; 0 uses the answers alone.
    cv : int, splitter or list of (train, test), default=5
        Folds by which the classifier judges rows that it has not seen.
    missing : object, default=None
        A value of y that is a blank, besides NaN, None, pd.NA and empty texts; -1, for instance.
    allow_empty : bool, default=False
        Whether a row may have no answer at all (nothing is learnt from it, and it is judged by the
        classifier), and an annotator may have given none (he counts as an average one). By default
        both are errors; cross-validation with few answers per annotator needs True.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the classifier: as its `sample_weight` (an error when it takes none), or
        by repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Folds at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The classifier, fitted to the posterior.
    aggregator_ : aggregator object
        Fitted; of the last round with "bayes", of the answers alone with "agreement".
    classes_ : ndarray of shape (K,)
        All classes that somebody answers, sorted.
    annotators_ : ndarray of shape (m,)
        Names of the columns of y, or their numbers.
    annotator_skill_ : ndarray of shape (m,)
        Probability that an annotator is right.
    confusion_ : ndarray of shape (m, K, K)
        By annotator, true class and answer: probability of the answer.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true class of each training row.
    labels_ : ndarray of shape (n,)
        The likeliest class.
    model_proba_ : ndarray of shape (n, K)
        What the classifier said of each training row in the last round, unseen; only with rounds.
    prior_temperature_ : float
        At which that has become the prior ("bayes"): above 1 where the classifier was too sure.
    model_weight_, annotator_weight_ : float, ndarray of shape (m,)
        How much the classifier and each annotator count; only for "agreement".
    n_fits_ : int
        Number of fits.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    crowd_accuracy_score : Scores predictions against answers, where no truth is known.

    Notes
    -----
    `score` takes true labels (n,), or held-out answers (n, m), which it compares with the
    predictions by the skills that were learnt in `fit`; so GridSearchCV needs no true label. Give
    it a splitter such as KFold(5, shuffle=True) as `cv`, since scikit-learn cannot stratify a
    table, and `allow_empty=True` where annotators answer few rows. To compare aggregators, score
    by `crowd_accuracy_scorer`, which is the same for all.

    References
    ----------
    V. C. Raykar, S. Yu, L. H. Zhao, G. H. Valadez, C. Florin, L. Bogoni, L. Moy: "Learning from
    crowds", JMLR, 2010. There with logistic regression inside EM; for any classifier the rounds are
    outside, and the opinion is that of models that have not seen the row, or else an overfitted one
    would confirm itself. The temperature is an addition.

    H. W. Goh, U. Tkachenko, J. Mueller: "CROWDLAB: supervised learning to infer consensus labels
    and quality scores for data with multiple annotators", NeurIPS Human in the Loop Learning
    Workshop, 2022 ("agreement"; there the majority vote is the consensus, here the aggregator's).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels import CrowdClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> rng = np.random.default_rng(0)
    >>> right = rng.random((150, 4)) < [0.9, 0.7, 0.6, 0.4]
    >>> votes = np.where(right, y[:, None], rng.integers(0, 3, (150, 4)))
    >>> model = CrowdClassifier(LogisticRegression(max_iter=1000), random_state=0).fit(X, votes)
    >>> int(model.annotator_skill_.argmin())
    3
    >>> model.score(X, y) > 0.9
    True
    """

    _parameter_constraints: dict = {
        **BaseWeakClassifier._parameter_constraints,
        "aggregator": [LabelAggregator, None],
        "combine": [StrOptions({"bayes", "agreement"})],
        "n_rounds": [Interval(Integral, 0, None, closed="left")],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods(["split"]), list],
        "missing": "no_validation",
        "allow_empty": ["boolean"],
    }

    aggregator_: Any
    annotators_: Array
    annotator_skill_: Array
    confusion_: FloatArray
    label_proba_: FloatArray
    labels_: Array
    model_proba_: FloatArray
    prior_temperature_: float
    model_weight_: Any
    annotator_weight_: Any
    n_fits_: int

    def __init__(
        self,
        estimator: Estimator,
        aggregator: LabelAggregator | None = None,
        *,
        combine: Literal["bayes", "agreement"] = "bayes",
        n_rounds: int = 3,
        cv: CVLike = 5,
        missing: Any = None,
        allow_empty: bool = False,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.aggregator = aggregator
        self.combine = combine
        self.n_rounds = n_rounds
        self.cv = cv
        self.missing = missing
        self.allow_empty = allow_empty
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _new_aggregator(self):
        aggregator = DawidSkene() if self.aggregator is None else clone(self.aggregator)
        aggregator.set_params(missing=self.missing, allow_empty=self.allow_empty)
        aggregator._validate_params()
        return aggregator

    def _read(self, y):
        return self._new_aggregator()._read(y)

    def _learn(self, rows, votes):
        aggregator = self._new_aggregator()
        weight = np.ones(votes.n_rows) if rows.sample_weight is None else rows.sample_weight
        fitted = aggregator._fit(votes, weight)
        state = {
            "label_proba_": fitted["label_proba_"],
            "confusion_": fitted["confusion_"],
            "annotator_skill_": fitted["annotator_skill_"],
            "prior_temperature_": 1.0,
            "n_fits_": 1,
        }
        answered = (votes.per_row > 0)[:, None]
        folds = None
        for _ in range(self.n_rounds):
            posterior = state["label_proba_"]
            if folds is None:
                folds = rows.folds(posterior.argmax(axis=1), self.cv)
            opinion = rows.out_of_sample(self.estimator, posterior * answered, folds)
            unknown = np.isnan(opinion).any(axis=1)[:, None]
            opinion = np.where(unknown, fitted["class_prior_"], opinion)
            state["model_proba_"] = opinion
            state["n_fits_"] += len(folds)
            if self.combine == "agreement":
                state |= _agreement(votes, weight, opinion, posterior)
                continue
            likelihood = votes_log_likelihood(votes, state["confusion_"])
            temperature = likeliest_temperature(opinion, likelihood, weight)
            fitted = aggregator._fit(votes, weight, at_temperature(opinion, temperature))
            state |= {name: fitted[name] for name in state if name in fitted}
            state["prior_temperature_"] = temperature
        posterior = state["label_proba_"]
        prior = learnt_prior(posterior, weight)
        replace_fitted(aggregator, fitted)
        attributes = {
            **state,
            "aggregator_": aggregator,
            "annotators_": votes.annotators,
            "labels_": likeliest(posterior, prior, votes.classes),
        }
        return posterior * answered, attributes

    def skill_report(self) -> pd.DataFrame:
        """The annotators, worst first.

        Returns
        -------
        DataFrame
            Indexed by annotator: number of answers and skill.
        """
        check_is_fitted(self)
        table = self.aggregator_.skill_report()
        table["skill"] = table["skill"].index.map(
            dict(zip(self.annotators_, self.annotator_skill_, strict=True))
        )
        return table.sort_values("skill", kind="stable")

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy by true labels, or expected accuracy by held-out answers.

        Parameters
        ----------
        X : as in `fit`
        y : array-like of shape (n_samples,) or (n_samples, m)
            True labels; or answers, which are weighed by the skills that were learnt in `fit`. A
            row without an answer does not count.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        predicted, y = self.predict(X), foreign_as_numpy(y, "y")
        if has_one_column(y):
            return scored(accuracy_score, y, predicted, sample_weight)
        votes = self.aggregator_._read_new(y)
        posterior = self.aggregator_._posterior(votes)
        return expected_score(votes, posterior, predicted, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


def _agreement(votes, weight, opinion, posterior):
    """What a round by agreement leaves."""
    combined = agreement_posterior(votes, opinion, posterior.argmax(axis=1))
    posterior, model_weight, annotator_weight = combined
    counts = expected_counts(votes, posterior, weight)
    expected = even_errors(drawn_accuracy(counts, OWN), counts.shape[1])
    confusion = confusion_of(counts, expected, OWN)
    return {
        "label_proba_": posterior,
        "confusion_": confusion,
        "annotator_skill_": expected_accuracy(confusion, learnt_prior(posterior, weight)),
        "model_weight_": float(model_weight),
        "annotator_weight_": annotator_weight,
    }
