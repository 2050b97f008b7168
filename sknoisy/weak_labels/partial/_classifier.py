"""Any classifier, from candidate sets."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

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
from sknoisy.weak_labels._folds import quiet_folds
from sknoisy.weak_labels.partial._candidates import candidate_score, check_candidates

SUREST = 0.25  # share of the rows of each predicted class that says how many sets miss the truth
SURE_OF_CHANCE = 3.0  # standard errors by which these must do better than chance


class PartialLabelClassifier(BaseWeakClassifier):
    """Classifier for candidate sets: for each row, which classes may be its label.

    Sets come from annotators who are not sure ("a starling or a blackbird"), from several sources
    that disagree, from captions of photographs. One class of the set is the label, and others are
    not; the rounds of this estimator find out which. All candidates of a row begin alike. In each
    round the classifier is fitted to the candidates by their weights, and then says of rows that
    it has not seen how likely each candidate is, which is the next weight.

    - `method="average"`: the candidates stay alike; no rounds. The baseline.
    - `method="proden"`: weights are the probabilities of the candidates, which sum to 1.
    - `method="alim"`: a class outside the set may be the label too, with a probability that counts
      `outside_weight_` times, for sets that miss the truth. It is found in each round: the
      `noise_rate` quantile of the best probability inside the set over the best outside, so that
      as many rows leave their sets as sets are wrong. With a noise rate of 0 this is "proden".

    Number of fits: 1 for "average"; else up to `max_iter` * `cv` + 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap. It needs weights, or `weight_strategy="resample"`.
    method : {"alim", "proden", "average"}, default="alim"
        What becomes of the candidates.
    noise_rate : float in [0, 1) or "auto", default="auto"
        For "alim": the share of sets that miss the truth. "auto" is estimated once, after
        `warm_up` rounds: among the surest quarter of the rows predicted as each class, the share
        whose prediction is no candidate.
    onehot : bool, default=False
        For "alim": whether the likeliest class gets all the weight of a row.
    momentum : float in [0, 1), default=0.0
        Share of the old weights in the new ones.
    warm_up : int >= 0, default=2
        For "alim": rounds in which no class outside a set counts.
    max_iter : int >= 1, default=10
        Rounds at most.
    tol : float >= 0, default=0.01
        The rounds end when weights change by less than this, on average over the rows (half the
        sum of absolute changes).
    cv : int, splitter or iterable, default=5
        Folds of the rounds, so that no row judges itself.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The classifier, fitted to the weights of the last round.
    classes_ : ndarray of shape (K,)
        All classes, sorted.
    label_proba_ : ndarray of shape (n, K)
        Weight of each class as the label of each training row.
    y_suggested_ : ndarray of shape (n,)
        The class of highest weight: the candidate that the set stands for.
    noise_rate_ : float
        Share of sets that miss the truth, as given or estimated; 0 unless "alim".
    outside_weight_ : float
        Of the last round: what a class outside the set counts, in [0, 1].
    n_iter_ : int
        Rounds, the last fit being one.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    candidate_score : Share of predictions that are candidates.

    Notes
    -----
    y is a binary array of shape (n, K), whose columns are classes 0 to K - 1, or a DataFrame with
    the classes as names of columns. A one-dimensional y has labels, each a set of one.

    `score` is `candidate_score`, which needs no true label, so that a search works as ever:
    `GridSearchCV(PartialLabelClassifier(model), grid).fit(X, candidates)`. A scorer given by name,
    such as "accuracy", needs one label a row: use it where the validation rows have one.

    References
    ----------
    J. Lv, M. Xu, L. Feng, G. Niu, X. Geng, M. Sugiyama: "Progressive identification of true labels
    for partial-label learning", ICML, 2020 ("proden").

    M. Xu, Z. Lian, L. Feng, B. Liu, J. Tao: "ALIM: Adjusting Label Importance Mechanism for Noisy
    Partial Label Learning", NeurIPS, 2023 ("alim").

    Both train a network by gradient steps and take probabilities from it as it is; here any
    classifier is fitted anew in each round, and judges only rows that it has not seen. ALIM's
    contrastive loss and mixup are left out, and its noise rate, which is given or searched for by
    validation there, is estimated from the surest rows.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels import PartialLabelClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> rng = np.random.default_rng(0)
    >>> candidates = (y[:, None] == range(3)) | (rng.random((150, 3)) < 0.4)
    >>> candidates = pd.DataFrame(candidates, columns=["setosa", "versicolor", "virginica"])
    >>> model = PartialLabelClassifier(LogisticRegression(max_iter=1000), random_state=0)
    >>> model.fit(X, candidates).predict(X[[0, 60, 140]]).tolist()
    ['setosa', 'versicolor', 'virginica']
    >>> found = model.y_suggested_ == np.array(model.classes_)[y]  # the label in the set
    >>> bool(found.mean() > 0.95)
    True
    """

    _parameter_constraints: dict = {
        **BaseWeakClassifier._parameter_constraints,
        "method": [StrOptions({"alim", "proden", "average"})],
        "noise_rate": [Interval(Real, 0, 1, closed="left"), StrOptions({"auto"})],
        "onehot": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "warm_up": [Interval(Integral, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "cv": ["cv_object"],
    }

    label_proba_: FloatArray
    y_suggested_: Array
    noise_rate_: float
    outside_weight_: float
    n_iter_: int

    def __init__(
        self,
        estimator: Estimator,
        *,
        method: Literal["alim", "proden", "average"] = "alim",
        noise_rate: Literal["auto"] | float = "auto",
        onehot: bool = False,
        momentum: float = 0.0,
        warm_up: int = 2,
        max_iter: int = 10,
        tol: float = 0.01,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.noise_rate = noise_rate
        self.onehot = onehot
        self.momentum = momentum
        self.warm_up = warm_up
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _read(self, y):
        return check_candidates(y)

    def _learn(self, rows, labels):
        mask, weight = labels.mask, labels.shares
        noise_rate = self.noise_rate if self.method == "alim" else 0.0
        # sets of one leave nothing to find out, if they are right
        certain = noise_rate == 0 and mask.sum(axis=1).max() == 1
        n_rounds = 0 if self.method == "average" or certain else self.max_iter
        folds = quiet_folds(rows, labels.strata, self.cv) if n_rounds else None
        outside, n_iter, change = 0.0, 0, np.inf
        while n_iter < n_rounds and (change >= self.tol or n_iter <= self.warm_up):
            proba = rows.out_of_sample(self.estimator, weight, folds)
            warm = n_iter >= self.warm_up
            if warm and noise_rate == "auto":
                noise_rate = share_outside(proba, mask)
            if warm:
                outside = outside_weight(proba, mask, noise_rate)
            new = adjusted(proba, mask, outside, onehot=warm and self.onehot)
            new = self.momentum * weight + (1.0 - self.momentum) * new
            change = 0.5 * np.abs(new - weight).sum(axis=1).mean()
            weight = new
            n_iter += 1
        attributes = {
            "label_proba_": weight,
            "y_suggested_": labels.classes[weight.argmax(axis=1)],
            "noise_rate_": 0.0 if noise_rate == "auto" else float(noise_rate),
            "outside_weight_": outside,
            "n_iter_": n_iter + 1,
        }
        return weight, attributes

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Share of predictions that are among the candidates of their row.

        Parameters
        ----------
        X : as in `fit`
        y : as in `fit`, or the true labels, of shape (n,)
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        float
        """
        return scored(candidate_score, y, self.predict(X), sample_weight)


def outside_weight(proba, mask, noise_rate):
    """The weight of classes outside the sets that lets a share `noise_rate` of rows leave them.

    That is this quantile of the best probability inside over the best outside, at most 1.
    """
    judged = ~np.isnan(proba).any(axis=1)
    if noise_rate == 0 or not judged.any():
        return 0.0
    inside = np.where(mask, proba, 0.0)[judged].max(axis=1)
    outside = np.where(mask, 0.0, proba)[judged].max(axis=1)
    # a set of all classes has nothing outside, and is left last
    ratio = np.sort(inside / np.maximum(outside, np.finfo(float).tiny))
    return float(min(ratio[min(int(noise_rate * len(ratio)), len(ratio) - 1)], 1.0))


def adjusted(proba, mask, outside, onehot=False):
    """(n, K) label weights: probabilities in the set, and `outside` times those out of it, scaled.

    A row that was not judged, or of whose candidates none is thought possible, has all its
    candidates alike.
    """
    weight = np.where(mask, proba, outside * proba)
    total = weight.sum(axis=1, keepdims=True)
    known = (total > 0)[:, 0]  # NaN is not
    weight[~known] = mask[~known]
    if onehot:
        top = np.eye(weight.shape[1])[weight.argmax(axis=1)]
        weight = np.where(known[:, None], top, weight)
    return weight / weight.sum(axis=1, keepdims=True)


def share_outside(proba, mask):
    """Estimated share of sets that miss the truth, by the rows whose predictions are surest.

    Where a prediction is sure, it is right, and a set that does not hold it is wrong. It is 0
    where predictions hit the sets no more often than by chance, for then nothing is known.
    """
    judged = np.flatnonzero(~np.isnan(proba).any(axis=1))
    if not len(judged):
        return 0.0
    predicted, top = proba[judged].argmax(axis=1), proba[judged].max(axis=1)
    missed = ~mask[judged, predicted]
    by_chance = 1.0 - mask[judged].mean(axis=0)
    share = better = variance = 0.0
    for k in np.unique(predicted):
        rows = np.flatnonzero(predicted == k)
        surest = rows[np.argsort(-top[rows], kind="stable")[: int(np.ceil(SUREST * len(rows)))]]
        share += missed[surest].mean() * len(rows) / len(judged)
        better += (by_chance[k] - missed[surest]).sum()
        variance += by_chance[k] * (1.0 - by_chance[k]) * len(surest)
    return float(share) if better > SURE_OF_CHANCE * np.sqrt(variance) else 0.0
