"""Bagging: many models, each of which takes a few unlabelled rows for negatives."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Evidence
from sknoisy._evidence._cross_fit import Fit, fit_each
from sknoisy._typing import Estimator, FloatArray, RandomStateLike
from sknoisy.weak_labels.positive_unlabelled._base import PriorPUClassifier, prior_attributes
from sknoisy.weak_labels.positive_unlabelled._corrected import CorrectedModel, score_of
from sknoisy.weak_labels.positive_unlabelled._prior import positive_link


class BaggingPUClassifier(PriorPUClassifier):
    """Classifier for positive-unlabelled labels: bags of positives against unlabelled rows.

    Each model tells a bag of labelled positives from a bag of as many unlabelled rows. Few hidden
    positives are in such a bag, and not always the same ones, so that the mean over models is
    steadier than one model. Rows that are not in a bag are judged by its model: from these
    out-of-bag means come the class prior and the correction by which `predict_proba` is the
    probability of being positive, and not that of being in the balanced bag.

    Number of fits: `n_estimators`, each on twice as many rows as are labelled.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    n_estimators : int >= 2, default=30
        Number of models.
    max_unlabelled : int >= 1, float > 0 or None, default=None
        Unlabelled rows in a bag: a number, or (float) times the number of labelled rows. None
        means as many as there are labelled rows.
    class_prior : float in (0, 1] or {"plateau", "best-bin"}, default="plateau"
        Share of positives among all rows, labelled and unlabelled, or how it is estimated; see
        `estimate_class_prior`.
    positive : scalar, default=None
        The value of y that means positive. None: the larger of the two, which is 1 of (0, 1) and
        of (-1, 1), and True; of two texts the one that is not "no", "unlabelled", "not ..." or the
        like, else the later one in the alphabet, with a warning.
    weight_strategy : {"native", "resample"}, default="native"
        How weights given to `fit` reach a model: as its `sample_weight` (an error when it takes
        none), or by repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the fits.
    random_state : int, RandomState instance or None, default=None
        Seeds the bags and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The models and the correction as one classifier.
    estimators_ : list of estimator objects
        The models.
    classes_ : ndarray of shape (2,)
        The values of y; the unlabelled value is the negative class.
    class_prior_ : float
        Share of positives among all rows.
    standard_error_ : float
        Of `class_prior_`; 0 where it was given.
    label_frequency_ : float
        Share of the positives that are labelled.
    unlabelled_prior_ : float
        Share of positives among the unlabelled rows.
    oob_score_proba_ : ndarray of shape (n,)
        Mean over models of the probability of a training row to belong to the labelled bag, by
        models that have not seen it; NaN for a row that is in all bags.

    References
    ----------
    F. Mordelet, J.-P. Vert: "A bagging SVM to learn from positive and unlabeled examples",
    Pattern Recognition Letters, 2014. Adapted: labelled rows are drawn with replacement, too, so
    that some are out of bag, and the mean is corrected to a probability of being positive.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sknoisy.weak_labels.positive_unlabelled import BaggingPUClassifier
    >>> rng = np.random.default_rng(0)
    >>> y_true = rng.random(1000) < 0.4
    >>> X = rng.normal(size=(1000, 2)) + 2.0 * y_true[:, None]
    >>> y = (y_true & (rng.random(1000) < 0.3)).astype(int)  # 1: labelled, 0: unlabelled
    >>> model = BaggingPUClassifier(DecisionTreeClassifier(max_depth=4), random_state=0).fit(X, y)
    >>> bool((model.predict(X) == y_true).mean() > 0.85)
    True
    """

    _parameter_constraints: dict = {
        **PriorPUClassifier._parameter_constraints,
        "n_estimators": [Interval(Integral, 2, None, closed="left")],
        "max_unlabelled": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, None, closed="neither"),
            None,
        ],
    }
    _parameter_constraints.pop("cv")
    # scores of balanced bags are no probabilities of being labelled, which "elkan-noto" needs
    _parameter_constraints["class_prior"] = [
        Interval(Real, 0, 1, closed="right"),
        StrOptions({"plateau", "best-bin"}),
    ]

    estimators_: list[Any]
    oob_score_proba_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        n_estimators: int = 30,
        max_unlabelled: int | float | None = None,
        class_prior: Literal["plateau", "best-bin"] | float = "plateau",
        positive: Any = None,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.max_unlabelled = max_unlabelled
        self.class_prior = class_prior
        self.positive = positive
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn_positives(self, rows, labels):
        n = len(labels.labelled)
        given = labels.classes[labels.codes]
        evidence = Evidence(
            rows.X,
            given,
            task="classification",
            groups=rows.groups,
            fit_params=rows.fit_params,
            weight_strategy=rows.weight_strategy,
        )
        weight = rows.sample_weight
        fits = []
        for i, (bag, outside) in enumerate(self._bags(labels, evidence.together)):
            of_bag = None if weight is None else weight[bag]
            seed = None if rows.random_state is None else (rows.random_state + i) % (2**31 - 1)
            fits.append(Fit(bag, given[bag], of_bag, outside, seed, f"to bag {i + 1}"))
        respond = _Judge(labels.classes, labels.positive_at)
        answers = fit_each(self.estimator, evidence.inputs, fits, respond, n_jobs=rows.n_jobs)
        total, n_tests = np.zeros(n), np.zeros(n)
        for fit, (_, score) in zip(fits, answers, strict=True):
            total[fit.test] += score
            n_tests[fit.test] += 1
        with np.errstate(invalid="ignore"):
            score = total / n_tests
        prior = self._prior(score, rows, labels)
        link = positive_link(score, labels.labelled, prior.label_frequency, weight)
        attributes = {
            **prior_attributes(prior),
            "estimators_": [model for model, _ in answers],
            "oob_score_proba_": score,
            "link_": link,
        }
        return None, attributes

    def _fit_last(self, rows, labels, soft_labels, attributes):
        link = attributes.pop("link_")
        models = attributes["estimators_"]
        return CorrectedModel(models, labels.classes, labels.positive_at, link.of_proba)

    def _bags(self, labels, together):
        """(rows of a bag, rows outside of it); copies of a row in a bag are not outside."""
        rng = check_random_state(self._seed())
        positives, others = np.flatnonzero(labels.labelled), np.flatnonzero(~labels.labelled)
        size = 1.0 if self.max_unlabelled is None else self.max_unlabelled
        if not isinstance(size, Integral):
            size = max(1, round(size * len(positives)))
        for _ in range(self.n_estimators):
            bag = np.sort(
                np.concatenate(
                    [
                        rng.choice(positives, len(positives)),
                        rng.choice(others, size),
                    ]
                )
            )
            if together is None:
                inside = np.zeros(len(labels.labelled), dtype=bool)
                inside[bag] = True
            else:
                inside = np.isin(together, together[bag])
            yield bag, np.flatnonzero(~inside)


class _Judge:
    """(model, its score of the rows outside of its bag)."""

    def __init__(self, classes, positive_at):
        self.classes, self.positive_at = classes, positive_at

    def __call__(self, model, X, rows):
        if not len(rows):
            return model, np.empty(0)
        return model, score_of(model, X, self.classes, self.positive_at)
