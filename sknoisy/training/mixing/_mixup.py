"""Rows and targets between those of two rows drawn at random."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._evidence import take_rows
from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._soft_fit import soft_rows
from sknoisy._typing import Array, Estimator, FloatArray, IntArray, RandomStateLike
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.training._base import BaseTraining
from sknoisy.training.mixing._mix_rows import mix_rows
from sknoisy.training.mixing._pairs import mixed_labels, mixed_numbers, random_pairs
from sknoisy.treatment._treated import Treated

ABOVE_ZERO = Interval(Real, 0, None, closed="neither")


class _Mixup(BaseTraining):
    """What both have in common."""

    _parameter_constraints: dict = {
        **{k: v for k, v in BaseTraining._parameter_constraints.items() if k != "n_jobs"},
        "alpha": [ABOVE_ZERO],
        "n_mixed": [Interval(Integral, 1, None, closed="left")],
        "keep_original": ["boolean"],
        "swap_columns": [list, tuple, np.ndarray, None],
    }

    def __init__(
        self,
        estimator: Estimator,
        *,
        alpha: float = 8.0,
        n_mixed: int = 5,
        keep_original: bool = False,
        swap_columns: Sequence[str | int] | Array | None = None,
        weight_strategy: Literal["native", "resample"] = "native",
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.n_mixed = n_mixed
        self.keep_original = keep_original
        self.swap_columns = swap_columns
        self.weight_strategy = weight_strategy
        self.random_state = random_state

    def _train(self, evidence):
        inputs, n = evidence.inputs, evidence.n_rows
        rng = np.random.RandomState(self._seed())
        pairs = random_pairs(n, self.n_mixed, self.alpha, rng, inputs.sample_weight)
        kept = np.arange(n) if self.keep_original else np.flatnonzero(evidence.trusted)
        pairs = pairs.after(kept)
        how = {"swap_columns": self.swap_columns, "random_state": rng}
        X = mix_rows(inputs.X, pairs.first, pairs.second, pairs.share, **how)
        return self._treated(X, pairs, evidence)

    @abstractmethod
    def _treated(self, X, pairs, evidence):
        """`Treated` of the mixed rows."""


class MixupClassifier(WrappedClassifier, _Mixup):
    """Classifier that is fitted to rows between two rows, with labels between theirs.

    A mixed row is `share * x_i + (1 - share) * x_j`, and its label is that of row i to this share
    and that of row j to the rest: it is there twice, once with each label, weighted by the shares.
    A wrong label is then never seen where it was, and never alone, so that there is nothing to
    learn by heart; between two rows the model is asked for what is between their labels.

    Mixed rows take the place of the given ones (see `keep_original`); all that come of one row
    weigh together as much as it did.

    The paper mixes anew in each step of a network's training. Here `n_mixed` mixtures of each row
    are made before the only fit: what helps is that a network trained for long does not see the
    same rows again and again, so give it many of them and few epochs. In tests with 40 % wrong
    labels, a network trained for long gained much, linear models and boosting little or nothing;
    where the given label is outvoted anyway by the rows around it (nearest neighbours, forests,
    networks stopped early), mixing across classes costs accuracy.

    Numbers are mixed. Cells of columns that hold truth values, categories, short texts or dates are
    that of row i with probability `share`, else that of row j; so are missing ones. Data types
    stay, but integers become floats. Sparse matrices stay sparse. Texts of several words are
    refused, unless `swap_columns` names their column.

    Number of fits: 1, of `n_mixed` times as many mixed rows.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any that takes weights (see `weight_strategy`).
    alpha : float > 0, default=8.0
        Shares are drawn from Beta(alpha, alpha): near 0 or 1 for small values, near one half for
        large ones, which protect more. The paper has 0.2 to 0.4 for right labels and up to 32 for
        wrong ones.
    n_mixed : int >= 1, default=5
        Mixtures of which a row is the larger part.
    keep_original : bool, default=False
        Whether the given rows are fitted, too. Trusted ones always are.
    swap_columns : list of str or int, default=None
        Names or places of columns that are to be swapped, not mixed, such as codes of categories,
        or texts.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    random_state : int, RandomState instance or None, default=None
        Draws the pairs, and seeds every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to the mixed rows.
    classes_ : ndarray of shape (K,)
    pairs_ : ndarray of shape (m, 2) of int
        The two rows of which each mixed row was made; twice the same for one that is as it came.
    share_ : ndarray of shape (m,)
        Of the first of them, at least one half.
    noise_mask_ : ndarray of shape (n,) of bool
        No row is suspected: all False.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    MixupRegressor : For numbers.
    ContradictingPairClassifier : Pairs that contradict a bias.

    References
    ----------
    H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz: "mixup: Beyond Empirical Risk Minimization",
    ICLR, 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.training.mixing import MixupClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MixupClassifier(LogisticRegression(), n_mixed=1, random_state=0)
    >>> model.fit(X[:500] / 16, y[:500]).pairs_.shape
    (500, 2)
    >>> model.score(X[500:] / 16, y[500:]) > 0.85
    True
    """

    _task = "classification"

    pairs_: IntArray
    share_: FloatArray

    def _check_before_training(self, **own):
        why = "a mixed row is there once for each of its two labels, weighted by its share"
        check_takes_weights(self.estimator, self.weight_strategy, why)

    def _treated(self, X, pairs, evidence):
        target, given = evidence.target, evidence.inputs.sample_weight
        soft = mixed_labels(pairs, target.codes, len(target.classes))
        rows, codes, weight = soft_rows(soft, 0.0)
        first = pairs.first[rows]
        weight /= np.bincount(pairs.first, minlength=evidence.n_rows)[first]
        return Treated(
            rows=first,
            y=target.classes[codes],
            sample_weight=weight if given is None else weight * given[first],
            noise_mask=np.zeros(evidence.n_rows, dtype=bool),
            attributes=trace(pairs),
            X=take_rows(X, rows),
        )


class MixupRegressor(WrappedRegressor, _Mixup):
    """Regressor that is fitted to rows between two rows, with numbers between theirs.

    A mixed row is `share * x_i + (1 - share) * x_j`, and its number `share * y_i + (1 - share) *
    y_j`. Errors of two rows are averaged, and none is seen where it was. This is right as far as
    the numbers run straight between two rows that may be far from one another; where they do not,
    mixing does harm, and `NeighborMixRegressor` finds out how far it may go.

    Mixed rows take the place of the given ones (see `keep_original`). The paper mixes anew in each
    step of a network's training; here `n_mixed` mixtures of each row are made before the only fit.

    Numbers are mixed. Cells of columns that hold truth values, categories, short texts or dates are
    that of row i with probability `share`, else that of row j; so are missing ones. Data types
    stay, but integers become floats. Sparse matrices stay sparse. Texts of several words are
    refused, unless `swap_columns` names their column.

    Number of fits: 1, to `n_mixed` times as many rows.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; weights are needed only where `sample_weight` is given.
    alpha : float > 0, default=8.0
        Shares are drawn from Beta(alpha, alpha): near 0 or 1 for small values, near one half for
        large ones.
    n_mixed : int >= 1, default=5
        Mixtures of which a row is the larger part.
    keep_original : bool, default=False
        Whether the given rows are fitted, too. Trusted ones always are.
    swap_columns : list of str or int, default=None
        Names or places of columns that are to be swapped, not mixed, such as codes of categories,
        or texts.
    weight_strategy : {"native", "resample"}, default="native"
        How a given `sample_weight` reaches the model: as such (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    random_state : int, RandomState instance or None, default=None
        Draws the pairs, and seeds every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to the mixed rows.
    pairs_ : ndarray of shape (m, 2) of int
        The two rows of which each mixed row was made; twice the same for one that is as it came.
    share_ : ndarray of shape (m,)
        Of the first of them, at least one half.
    noise_mask_ : ndarray of shape (n,) of bool
        No row is suspected: all False.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    NeighborMixRegressor : Mixes near rows only, as far as it helps.

    References
    ----------
    H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz: "mixup: Beyond Empirical Risk Minimization",
    ICLR, 2018 (there of classes).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from sknoisy.training.mixing import MixupRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> tree = DecisionTreeRegressor(random_state=0)
    >>> mixed = MixupRegressor(tree, random_state=0).fit(X[:300], y[:300])
    >>> mixed.score(X[300:], y[300:]) > tree.fit(X[:300], y[:300]).score(X[300:], y[300:])
    True
    """

    _task = "regression"

    pairs_: IntArray
    share_: FloatArray

    def _treated(self, X, pairs, evidence):
        given = evidence.inputs.sample_weight
        return Treated(
            rows=pairs.first,
            y=mixed_numbers(pairs, evidence.target.y),
            sample_weight=None if given is None else given[pairs.first],
            noise_mask=np.zeros(evidence.n_rows, dtype=bool),
            attributes=trace(pairs),
            X=X,
        )


def trace(pairs):
    """Fitted attributes that say what was mixed."""
    return {"pairs_": np.column_stack([pairs.first, pairs.second]), "share_": pairs.share}
