"""Elkan and Noto: learn who is labelled, then correct by the label frequency."""

from __future__ import annotations

from typing import Any, Literal

from sklearn.utils._param_validation import StrOptions

from sknoisy._typing import CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.weak_labels.positive_unlabelled._base import (
    PriorPUClassifier,
    hidden_proba,
    positive_proba,
    prior_attributes,
)
from sknoisy.weak_labels.positive_unlabelled._corrected import CorrectedModel, Rescale


class ElkanNotoClassifier(PriorPUClassifier):
    """Classifier for positive-unlabelled labels: who is labelled, corrected by how many are.

    Where positives are labelled at random, each with chance c, P(labelled; x) = c P(positive; x).

    - `mode="weighted"`: each unlabelled row is given to the model twice, as a positive that weighs
      P(positive; x, unlabelled) and as a negative that weighs the rest; labelled rows are
      positives. These probabilities come from models that have not seen the row.
    - `mode="rescaled"`: the model learns who is labelled, and its probabilities are divided by c.
      No weights are needed, but the model must have `predict_proba`.

    Number of fits: `cv` plus 1; 1 for "rescaled" with a known `class_prior`.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    mode : {"weighted", "rescaled"}, default="weighted"
        See above.
    class_prior : float in (0, 1] or {"plateau", "best-bin", "elkan-noto"}, default="plateau"
        Share of positives among all rows, labelled and unlabelled, or how it is estimated; see
        `estimate_class_prior`. "elkan-noto" is the paper's own, for classes that do not overlap.
    positive : scalar, default=None
        The value of y that means positive. None: the larger of the two, which is 1 of (0, 1) and
        of (-1, 1), and True; of two texts the one that is not "no", "unlabelled", "not ..." or the
        like, else the later one in the alphabet, with a warning.
    cv : int >= 2 or splitter, default=5
        Folds by which rows are judged by models that have not seen them.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the fits in the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model of the last fit. In mode "rescaled" it knows who is labelled.
    classes_ : ndarray of shape (2,)
        The values of y; the unlabelled value is the negative class.
    class_prior_ : float
        Share of positives among all rows.
    standard_error_ : float
        Of `class_prior_`; 0 where it was given.
    label_frequency_ : float
        Share of the positives that are labelled, c.
    unlabelled_prior_ : float
        Share of positives among the unlabelled rows.
    positive_proba_ : ndarray of shape (n,)
        Probability of each training row of being positive, given whether it is labelled. Not in
        mode "rescaled".

    References
    ----------
    C. Elkan, K. Noto: "Learning Classifiers from Only Positive and Unlabeled Data", KDD 2008.
    Adapted: probabilities of being labelled are out-of-sample and brought to c times a logistic
    curve, so that models that are not calibrated serve, too.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels.positive_unlabelled import ElkanNotoClassifier
    >>> rng = np.random.default_rng(0)
    >>> y_true = rng.random(1000) < 0.4
    >>> X = rng.normal(size=(1000, 2)) + 2.0 * y_true[:, None]
    >>> y = (y_true & (rng.random(1000) < 0.3)).astype(int)  # 1: labelled, 0: unlabelled
    >>> model = ElkanNotoClassifier(LogisticRegression(), random_state=0).fit(X, y)
    >>> bool((model.predict(X) == y_true).mean() > 0.9)
    True
    """

    _parameter_constraints: dict = {
        **PriorPUClassifier._parameter_constraints,
        "mode": [StrOptions({"weighted", "rescaled"})],
    }

    positive_proba_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        mode: Literal["weighted", "rescaled"] = "weighted",
        class_prior: Literal["plateau", "best-bin", "elkan-noto"] | float = "plateau",
        positive: Any = None,
        cv: int | CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.mode = mode
        self.class_prior = class_prior
        self.positive = positive
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn_positives(self, rows, labels):
        given = labels.labelled.astype(float)
        if self.mode == "rescaled":
            if not hasattr(self.estimator, "predict_proba"):
                raise ValueError(
                    f"{type(self.estimator).__name__} has no predict_proba, whose values "
                    'mode="rescaled" divides by the label frequency: choose mode="weighted".'
                )
            known = not isinstance(self.class_prior, str)
            prior = self._prior(None, rows, labels) if known else self._first_look(rows, labels)[1]
            return labels.columns(given), prior_attributes(prior)
        score, prior = self._first_look(rows, labels)
        c = prior.label_frequency
        hidden = hidden_proba(positive_proba(score, labels, c, rows.sample_weight), c)
        proba = labels.posterior(hidden)
        return labels.columns(proba), {**prior_attributes(prior), "positive_proba_": proba}

    def _fit_last(self, rows, labels, soft_labels, attributes):
        model = super()._fit_last(rows, labels, soft_labels, attributes)
        if self.mode == "weighted":
            return model
        rescale = Rescale(attributes["label_frequency_"])
        return CorrectedModel([model], labels.classes, labels.positive_at, rescale)
