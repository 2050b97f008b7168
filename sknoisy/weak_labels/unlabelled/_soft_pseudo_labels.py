"""Soft pseudo-labels, kept from confirming themselves."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _num_samples

from sknoisy._evidence._arrays import foreign_as_numpy
from sknoisy._typing import ArrayLike, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.weak_labels._folds import quiet_folds
from sknoisy.weak_labels.unlabelled._base import BasePartlyLabelled, weigh_labelled
from sknoisy.weak_labels.unlabelled._mixup import Mixup, are_numbers, n_columns

MANY_COLUMNS = 10  # from which rows are mixed, unless one says
PAPERS_ALPHA = 4.0
DOUBT = 20  # the prior is half believed when so many rows have a label


class SoftPseudoLabelClassifier(BasePartlyLabelled):
    """Self-training with soft pseudo-labels, for y that has no label in some rows.

    A model that learns from its own predictions comes to believe its own mistakes: confirmation
    bias. Several things keep it from that. Pseudo-labels are probabilities, renewed in each round
    by models that have not seen the row. Their mean is brought back to the `class_prior`, so that
    no class takes all rows. The labelled rows keep a share of the weight, however few they are.
    And rows can be mixed with others (mixup), which keeps a model from being sure between them.

    Where all rows have a label, this is the plain model.

    Number of fits: up to `max_iter` * `cv` + 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap. It needs weights, or `weight_strategy="resample"`.
    labelled_share : float in [0, 1), default=0.16
        The labelled rows have at least this share of the weight.
    class_prior : {"labelled", "uniform"}, array-like of shape (K,) or None, default="labelled"
        What the pseudo-labels are to be on average: as the labelled rows are, so far as few rows
        can tell, all classes alike, or as given in the order of the sorted classes. None leaves
        them alone.
    mixup_alpha : float >= 0 or "auto", default="auto"
        Each row is mixed with one other, in shares from Beta(alpha, alpha), features and labels
        alike, and the mixed rows have half of the weight. 0 means no mixing. It helps in many
        dimensions, where nothing is between two classes, and harms in few, where a third class may
        be there, as in iris. "auto" is 4 where X has 10 columns or more, else 0. Only numbers can
        be mixed: a numeric array, a sparse matrix, a DataFrame of numbers. Other tables and texts
        are taken as they are (`n_mixed_` is 0).
    sharpness : float >= 1, default=2.0
        Power of the pseudo-labels, which are then rescaled. Models are less sure of rows they have
        not seen, and even less so round by round if they learn from that; this makes up for it. 1
        leaves the pseudo-labels as they are.
    max_iter : int >= 1, default=10
        Rounds at most.
    tol : float >= 0, default=0.01
        The rounds end when pseudo-labels change by less than this on average (half the sum of
        absolute changes).
    unlabelled : int, str or None, default=-1
        The value of y that stands for no label. Missing values (NaN, None, NA) and
        empty texts always do. None means that no other value does.
    cv : int, splitter or iterable, default=5
        Folds of the rounds, so that no row judges itself.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the mixing and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The classifier, fitted to labels and pseudo-labels.
    classes_ : ndarray of shape (K,)
        All classes.
    label_proba_ : ndarray of shape (n, K)
        Label of each training row: 0 and 1 where it was given, else the pseudo-label.
    n_mixed_ : int
        Mixed rows, in addition to those given.
    n_iter_ : int
        Rounds, the last fit being one.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    WeightAwareDistillation : For unlabelled rows that may be of no known class.
    RobustSelfTraining : For unlabelled rows from elsewhere.

    Notes
    -----
    `score` leaves rows without a label out. In a search, an integer `cv` works for y with -1; for
    y with missing values give a splitter, such as `KFold(5, shuffle=True)`, for scikit-learn does
    not stratify such a y.

    References
    ----------
    E. Arazo, D. Ortego, P. Albert, N. O'Connor, K. McGuinness: "Pseudo-Labeling and Confirmation
    Bias in Deep Semi-Supervised Learning", IJCNN, 2020 (a network is trained by batches with at
    least k labelled rows in each, here a share of the weight; a penalty keeps the mean prediction
    near the prior, here the pseudo-labels are rescaled to it; another one asks for sure
    predictions, here pseudo-labels are sharpened; and predictions of one epoch become
    out-of-sample predictions of one round).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels import SoftPseudoLabelClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(600) % 4
    >>> X = 0.75 * rng.normal(size=(4, 20))[y] + rng.normal(size=(600, 20))
    >>> y_few = np.where(np.arange(600) < 20, y, -1)  # the first 20 rows have a label
    >>> plain = LogisticRegression().fit(X[:20], y[:20])
    >>> model = SoftPseudoLabelClassifier(LogisticRegression(), random_state=0).fit(X, y_few)
    >>> bool(model.score(X, y) > plain.score(X, y) + 0.02)
    True
    """

    _parameter_constraints: dict = {
        **BasePartlyLabelled._parameter_constraints,
        "labelled_share": [Interval(Real, 0, 1, closed="left")],
        "class_prior": [StrOptions({"labelled", "uniform"}), "array-like", None],
        "mixup_alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "sharpness": [Interval(Real, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    label_proba_: FloatArray
    n_mixed_: int
    n_iter_: int

    def __init__(
        self,
        estimator: Estimator,
        *,
        labelled_share: float = 0.16,
        class_prior: Literal["labelled", "uniform"] | ArrayLike | None = "labelled",
        mixup_alpha: Literal["auto"] | float = "auto",
        sharpness: float = 2.0,
        max_iter: int = 10,
        tol: float = 0.01,
        unlabelled: int | str | None = -1,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.labelled_share = labelled_share
        self.class_prior = class_prior
        self.mixup_alpha = mixup_alpha
        self.sharpness = sharpness
        self.max_iter = max_iter
        self.tol = tol
        self.unlabelled = unlabelled
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn(self, rows, labels):
        known, proba = labels.is_labelled, labels.one_hot
        prior = self._prior(labels)
        mixup = None if known.all() else self._mixup(rows)
        is_guess = isinstance(self.class_prior, str) and self.class_prior == "labelled"
        trust = known.sum() / (known.sum() + DOUBT) if is_guess else 1.0
        n_rounds = 0 if known.all() else self.max_iter
        folds = quiet_folds(rows, labels.codes, self.cv) if n_rounds else None
        n_iter, change = 0, np.inf
        while n_iter < n_rounds and change >= self.tol:
            soft = weigh_labelled(proba, known, self.labelled_share)
            new = self._out_of_sample(rows, soft, folds, mixup)[~known]
            new = sharpened(to_prior(new, prior, trust), self.sharpness)
            change = 0.5 * np.abs(new - proba[~known]).sum(axis=1).mean()
            proba = proba.copy()
            proba[~known] = new
            n_iter += 1
        soft = weigh_labelled(proba, known, self.labelled_share)
        if mixup is None:
            model = rows.fit(self.estimator, soft)
        else:
            model = mixup.rows(rows).fit(self.estimator, mixup.labels(soft))
        attributes = {
            "estimator_": model,
            "label_proba_": proba,
            "n_mixed_": 0 if mixup is None else mixup.n,
            "n_iter_": n_iter + 1,
        }
        return soft, attributes

    def _fit_last(self, rows, labels, soft_labels, attributes):
        return attributes.pop("estimator_")  # fitted to other rows than these

    def _prior(self, labels):
        n_classes = len(labels.classes)
        if self.class_prior is None:
            return None
        if isinstance(self.class_prior, str):
            if self.class_prior == "uniform":
                return np.full(n_classes, 1.0 / n_classes)
            return labels.one_hot.sum(axis=0) / labels.is_labelled.sum()
        prior = np.asarray(foreign_as_numpy(self.class_prior, "class_prior"), dtype=float)
        if prior.shape != (n_classes,) or not (prior > 0).all():
            raise ValueError(
                f"class_prior must have one positive number for each of the {n_classes} classes of "
                f"y, sorted, got {self.class_prior!r}."
            )
        return prior / prior.sum()

    def _mixup(self, rows):
        if self.mixup_alpha == 0 or not are_numbers(rows.X):
            return None
        alpha = self.mixup_alpha
        if alpha == "auto":
            if n_columns(rows.X) < MANY_COLUMNS:
                return None
            alpha = PAPERS_ALPHA
        return Mixup(_num_samples(rows.X), alpha, rows.random_state)

    def _out_of_sample(self, rows, soft, folds, mixup):
        if mixup is None:
            return rows.out_of_sample(self.estimator, soft, folds)
        soft, folds = mixup.labels(soft), mixup.folds(folds)
        proba = mixup.rows(rows).out_of_sample(self.estimator, soft, folds)
        return proba[: mixup.n]


def sharpened(proba, sharpness):
    """Probabilities to a power, rescaled: what is likely becomes likelier."""
    power = proba**sharpness
    return power / power.sum(axis=1, keepdims=True)


def to_prior(proba, prior=None, trust=1.0):
    """Probabilities whose mean is nearer to a prior: each class times prior over mean, rescaled.

    With `trust` below 1 the prior is mixed with the mean. A row that could not be judged has the
    mean.
    """
    proba = np.array(proba)
    judged = ~np.isnan(proba).any(axis=1)
    mean = proba[judged].mean(axis=0) if judged.any() else np.ones(proba.shape[1])
    proba[~judged] = mean
    if prior is not None:
        target = trust * prior + (1.0 - trust) * mean
        proba *= target / np.maximum(mean, np.finfo(float).tiny)
    return proba / proba.sum(axis=1, keepdims=True)
