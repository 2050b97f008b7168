"""Self-training on the worst of what the rows might have been."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from scipy.sparse import issparse
from scipy.spatial.distance import pdist
from scipy.special import softmax
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Evidence, take_rows
from sknoisy._evidence._responses import LabelResponse
from sknoisy._typing import Array, CVLike, Estimator, RandomStateLike
from sknoisy.weak_labels._folds import quiet_folds
from sknoisy.weak_labels.unlabelled._base import BasePartlyLabelled
from sknoisy.weak_labels.unlabelled._mixup import are_numbers, stacked

N_STEPS = 10  # of the fixed point of a shift, which comes near it in a few
N_REFITS = 3  # of the last model to rows that are shifted against it
SMALLEST_PROBA = 1e-3


class RobustSelfTraining(BasePartlyLabelled):
    """Self-training where the unlabelled rows may come from elsewhere: another site, year, camera.

    Unlabelled rows from a shifted distribution still show where the classes are apart, if the
    model does not rely on their exact place. So each row is moved to where it hurts the model
    most, at a price for the distance: the row x of label y counts as the z of highest
    `loss(z, y) - gamma * distance(z, x)**2`. For unlabelled rows y is what the model says. Moved
    rows that come to lie across the boundary push it to where there are few rows.

    - A linear model (one with `coef_`) on numbers: z solves a fixed-point equation, along the
      direction of the coefficients. Distances are Euclidean, so scale the features before. The
      price is in units of the steepest direction of the model, so that no row moves by more than
      `1 / (2 gamma)`.
    - Any other: z is the worst of those of the nearest rows that have the same label, the row
      itself among them, with squared distances in units of their mean. So no row is changed, and
      tables and texts can be used.

    Number of fits: up to `max_iter` * (`cv` + 1) + `cv` + 5.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap. It needs weights, or `weight_strategy="resample"`. For the shift of
        a linear model give the linear model itself, with steps such as a scaler in front of this
        estimator: `make_pipeline(StandardScaler(), RobustSelfTraining(LogisticRegression()))`.
    gamma : float > 0 or None, default=None
        Price of moving a labelled row; the lower, the farther. None moves none.
    gamma_unlabelled : float > 0 or None, default=1.0
        The same for unlabelled rows. None for both is plain self-training.
    unlabelled_weight : float >= 0, default=1.0
        Weight of all unlabelled rows together, in units of that of all labelled ones.
    shift : {"auto", "linear", "neighbors"}, default="auto"
        How rows are moved. "auto" is "linear" where that is possible.
    n_neighbors : int >= 1, default=10
        For "neighbors": how many rows to look at.
    max_iter : int >= 1, default=10
        Rounds at most.
    tol : float in [0, 1], default=0.005
        The rounds end when no more than this share of the pseudo-labels changes.
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
        Seeds the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The classifier, fitted to moved rows.
    classes_ : ndarray of shape (K,)
        All classes.
    y_suggested_ : ndarray of shape (n,)
        The label, where none was given the pseudo-label.
    shift_ : {"linear", "neighbors", "none"}
        How rows were moved.
    n_iter_ : int
        Rounds, the last fit being one.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    WeightAwareDistillation : For unlabelled rows that may be of no known class.

    Notes
    -----
    `score` leaves rows without a label out. In a search, an integer `cv` works for y with -1; for
    y with missing values give a splitter, such as `KFold(5, shuffle=True)`.

    References
    ----------
    S. A. H. Saberi, A. Najafi, A. Heidari, M. H. Movasaghinia, A. Motahari, B. Khalaj:
    "Out-Of-Domain Unlabeled Data Improves Generalization", ICLR, 2024 (there by gradient steps on
    the robust loss, here by fitting any classifier anew to the moved rows; pseudo-labels are those
    of models that have not seen the row; and the log loss is moved against, for models with
    several classes by its gradient).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.weak_labels import RobustSelfTraining
    >>> rng = np.random.default_rng(0)
    >>> kind = np.arange(400) % 2
    >>> X = rng.normal(size=(400, 20)) + np.where(kind, 0.5, -0.5)[:, None]
    >>> X[10:] += 0.2  # only the first ten rows are from here, and have labels
    >>> y = np.where(np.arange(400) < 10, kind, -1)
    >>> model = RobustSelfTraining(LogisticRegression(), random_state=0).fit(X, y)
    >>> bool(model.score(X, kind) > 0.95)
    True
    """

    _parameter_constraints: dict = {
        **BasePartlyLabelled._parameter_constraints,
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "gamma_unlabelled": [Interval(Real, 0, None, closed="neither"), None],
        "unlabelled_weight": [Interval(Real, 0, None, closed="left")],
        "shift": [StrOptions({"auto", "linear", "neighbors"})],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, 1, closed="both")],
    }

    y_suggested_: Array
    shift_: str
    n_iter_: int

    def __init__(
        self,
        estimator: Estimator,
        *,
        gamma: float | None = None,
        gamma_unlabelled: float | None = 1.0,
        unlabelled_weight: float = 1.0,
        shift: Literal["auto", "linear", "neighbors"] = "auto",
        n_neighbors: int = 10,
        max_iter: int = 10,
        tol: float = 0.005,
        unlabelled: int | str | None = -1,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.gamma = gamma
        self.gamma_unlabelled = gamma_unlabelled
        self.unlabelled_weight = unlabelled_weight
        self.shift = shift
        self.n_neighbors = n_neighbors
        self.max_iter = max_iter
        self.tol = tol
        self.unlabelled = unlabelled
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn(self, rows, labels):
        known = labels.is_labelled
        likeliest = np.bincount(labels.codes[known]).argmax()  # where nothing else is known
        codes = np.where(known, labels.codes, likeliest)
        mover = self._mover(rows, labels)
        n_iter = 0
        if not known.all():
            folds = quiet_folds(rows, labels.codes, self.cv)
            codes = pseudo_labels(
                rows.out_of_sample(self.estimator, labels.one_hot, folds), codes, known
            )
            change = 1.0
            while n_iter < self.max_iter and change > self.tol:
                soft = self._soft(codes, labels)
                judged = self._out_of_sample(rows, soft, codes, folds, mover)
                new = pseudo_labels(judged, codes, known)
                change = (new != codes)[~known].mean()
                codes = new
                n_iter += 1
        soft = self._soft(codes, labels)
        model = rows.fit(self.estimator, soft)
        if mover is not None:
            for _ in range(N_REFITS):
                moved = mover.below(rows, model, codes)
                model = moved.fit(self.estimator, _below(soft))
        attributes = {
            "estimator_": model,
            "y_suggested_": labels.classes[codes],
            "shift_": "none" if mover is None else mover.name,
            "n_iter_": n_iter + 1,
        }
        return soft, attributes

    def _fit_last(self, rows, labels, soft_labels, attributes):
        return attributes.pop("estimator_")  # fitted to other rows than these

    def _soft(self, codes, labels):
        """(n, K) labels as weights; the unlabelled rows share theirs."""
        known = labels.is_labelled
        share = self.unlabelled_weight * known.sum() / max((~known).sum(), 1)
        weight = np.where(known, 1.0, share)
        return np.eye(len(labels.classes))[codes] * weight[:, None]

    def _out_of_sample(self, rows, soft, codes, folds, mover):
        """What models say of rows as they are that were fitted to moved rows of others."""
        if mover is None:
            return rows.out_of_sample(self.estimator, soft, folds)
        n = len(codes)
        moved = mover.below(rows, rows.fit(self.estimator, soft), codes)
        below = [(train + n, test) for train, test in folds]
        return moved.out_of_sample(self.estimator, _below(soft), below)[:n]

    def _mover(self, rows, labels):
        gamma = np.where(
            labels.is_labelled,
            np.inf if self.gamma is None else self.gamma,
            np.inf if self.gamma_unlabelled is None else self.gamma_unlabelled,
        )
        if np.isinf(gamma).all():
            return None
        if self.shift != "neighbors":
            is_linear = are_numbers(rows.X) and not issparse(rows.X)
            if is_linear:
                model = rows.fit(self.estimator, labels.one_hot)
                is_linear = np.ndim(getattr(model, "coef_", None)) == 2
                is_linear = is_linear and hasattr(model, "intercept_")
            if is_linear:
                return LinearMover(gamma)
            if self.shift == "linear":
                raise ValueError(
                    f'shift="linear" needs numbers and a model with coef_ and intercept_, and got '
                    f"{type(self.estimator).__name__} and X of type {type(rows.X).__name__}: give "
                    'the linear model itself, with other steps before this estimator, or shift="'
                    'neighbors".'
                )
        evidence = Evidence(rows.X, labels.codes, task="classification")  # no label is a class
        near = evidence.neighbors(
            self.estimator, n_neighbors=self.n_neighbors, with_copies=True, n_jobs=self.n_jobs
        )
        return NeighborMover(gamma, near)


class LinearMover:
    """Moves rows against a linear model."""

    name = "linear"

    def __init__(self, gamma):
        self.gamma = gamma

    def below(self, rows, model, codes):
        """`SoftRows` of the rows and, below them, of the moved ones."""
        moved = linear_shift(np.asarray(rows.X), codes, model.coef_, model.intercept_, self.gamma)
        return rows.replaced(stacked(rows.X, moved), np.tile(np.arange(len(codes)), 2))


class NeighborMover:
    """Moves rows to a row near them."""

    name = "neighbors"

    def __init__(self, gamma, near):
        n = len(gamma)
        self.gamma = gamma
        self.candidates = np.column_stack([np.arange(n), near.indices])
        squared = near.distances**2
        mean = squared.mean()
        self.squared = np.column_stack([np.zeros(n), squared / (mean if mean > 0 else 1.0)])

    def below(self, rows, model, codes):
        """`SoftRows` of the rows and, below them, of those that they are moved to."""
        n = len(codes)
        method, values = LabelResponse(rows.classes)(model, rows.X, np.arange(n))
        proba = softmax(values, axis=1) if method == "decision_function" else values
        loss = -np.log(np.maximum(proba, SMALLEST_PROBA))[self.candidates, codes[:, None]]
        with np.errstate(invalid="ignore"):  # infinite price times no distance
            price = np.where(self.squared == 0, 0.0, self.gamma[:, None] * self.squared)
        # a row of another label would teach the model a wrong one
        same = codes[self.candidates] == codes[:, None]
        worst = np.where(same, loss - price, -np.inf).argmax(axis=1)
        worst = self.candidates[np.arange(n), worst]
        X = take_rows(rows.X, np.concatenate([np.arange(n), worst]))
        return rows.replaced(X, np.tile(np.arange(n), 2))


def linear_shift(X, codes, coef, intercept, gamma):
    """The z of highest `loss(z, y) - gamma * |w| * |z - x|**2` of each row x, by fixed-point steps.

    The log loss of a softmax over `coef @ z + intercept` has the gradient `p(z) @ coef - coef[y]`,
    so that `z = x + (p(z) @ coef - coef[y]) / (2 gamma |w|)`. The steps from x on go one way. With
    `|w|`, the greatest difference of two classes' coefficients, no row moves by more than
    `1 / (2 gamma)`, however steep the model is.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    codes : ndarray of shape (n,) of int
    coef : ndarray of shape (K, d), or (1, d) for two classes
    intercept : ndarray of shape (K,) or (1,)
    gamma : ndarray of shape (n,)
        Infinite for a row that stays.

    Returns
    -------
    ndarray of shape (n, d)
    """
    coef, intercept = np.asarray(coef), np.broadcast_to(intercept, len(coef))
    if len(coef) == 1:  # of the second class, against the first
        coef = np.concatenate([np.zeros_like(coef), coef])
        intercept = np.array([0.0, intercept[0]])
    steepest = pdist(coef).max()
    if steepest == 0:
        return X
    step = (0.5 / (gamma * steepest))[:, None]
    moved = X
    for _ in range(N_STEPS):
        proba = softmax(moved @ coef.T + intercept, axis=1)
        moved = X + step * (proba @ coef - coef[codes])
    return moved


def pseudo_labels(proba, codes, is_labelled):
    """Likeliest class of each row; where a label is given, or the row was not judged, as before."""
    keep = is_labelled | np.isnan(proba).any(axis=1)
    return np.where(keep, codes, np.nan_to_num(proba).argmax(axis=1))


def _below(soft):
    """Labels of moved rows, below those of the rows themselves, of which nothing is learnt."""
    return np.concatenate([np.zeros_like(soft), soft])
