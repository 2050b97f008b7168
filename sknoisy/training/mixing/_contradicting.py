"""Mixtures of pairs that contradict what is easiest to learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._evidence._fitting import IsModel, check_kind, check_takes_weights
from sknoisy._evidence._regions import read_regions
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import (
    Array,
    ArrayLike,
    CVLike,
    Estimator,
    FloatArray,
    IntArray,
    RandomStateLike,
)
from sknoisy._wrapper import WrappedClassifier
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining
from sknoisy.training.losses import GeneralizedCrossEntropy
from sknoisy.training.losses._base import one_hot
from sknoisy.training.mixing._mix_rows import mix_rows
from sknoisy.training.mixing._mixup import trace
from sknoisy.training.mixing._pairs import Pairs
from sknoisy.treatment._treated import Treated

LEAST = 1e-3  # weight of the rows that a biased model finds hardest: no class vanishes from it


class ContradictingPairClassifier(WrappedClassifier, BaseTraining):
    """Classifier that is fitted to mixtures of pairs which contradict a bias of the data.

    Where nearly all rows of a class share what has nothing to do with it (the background of
    a picture, the hospital of a patient), a model learns that, and fails where it is otherwise.
    Here each row is mixed with a partner that speaks against it, in one half of the cases

    - one with the same label that is least alike in what is biased, in the other half
    - one with another label that is most alike in it,

    and the mixture, of which the partner is the larger part, has the partner's label. Partners are
    mostly the few rows for which the bias does not hold, and these are so seen often, each time
    a little different.

    What is biased is given by `by`, or found out: a biased model is trained to a generalised
    cross-entropy, under which rows that are easy weigh more and more, and how alike two rows are is
    how alike the class probabilities are that it says of them out of sample (the cosine of their
    square roots). The paper learns features for this by a contrastive loss that is weighted in the
    same way, together with the network. As there, pairs are sought within random batches. The paper
    trains on mixtures alone, made anew in each step; here they are made once, and fitted together
    with the given rows: alone, they turn the bias round.

    A wrong label looks like a row that contradicts the bias. With many of them, give `by`.

    Number of fits: `cv` (5) in each of `n_rounds` (3) rounds of the biased model (none with `by`),
    plus 1, of `n_mixed` + 1 times as many rows.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap.
    biased_estimator : estimator object, default=None
        The model that is to learn the bias, and little else: a simple one, with much
        regularisation. None means the wrapped one, which for forests and boosting is rarely the
        best choice. It needs weights (see `weight_strategy`).
    by : str, callable or array-like of shape (n,), default=None
        What is biased, where it is known: a column of X, `callable(X) -> (n,)`, or the values
        themselves. A partner then has the same label and another value, or another label and
        the same value, and is drawn at random; a row without a partner is fitted as it is, and so
        is one whose value is missing.
    q : float in [0, 1], default=0.7
        Of the generalised cross-entropy: 0 is the plain model.
    n_rounds : int >= 1, default=3
        Fits of the biased model, each with the weights that the one before gave.
    n_mixed : int >= 1, default=1
        Mixtures of each row. One, beside the row itself, about balances what agrees with the bias
        and what contradicts it; more turn the bias round.
    batch_size : int >= 2, default=128
        Rows among which a partner is sought. Small batches have more different partners, large ones
        partners that contradict more.
    keep_original : bool, default=True
        Whether the given rows are fitted, too. Trusted ones always are.
    swap_columns : list of str or int, default=None
        Names or places of columns that are to be swapped, not mixed, such as codes of categories;
        see `MixupClassifier` for what is mixed and what is not.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the biased model judges rows that it has not seen.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the models: as `sample_weight` (an error when one takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Draws batches, pairs and folds, and seeds every `random_state` left at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to the mixed rows.
    classes_ : ndarray of shape (K,)
    biased_proba_ : ndarray of shape (n, K) or None
        What the biased model says of each row out of sample; None with `by`.
    pairs_ : ndarray of shape (m, 2) of int
        The two rows of which each mixed row was made; the label is that of the second.
    share_ : ndarray of shape (m,)
        Of the first of them, at most one half; 1 for a row that is as it came.
    noise_mask_ : ndarray of shape (n,) of bool
        No row is suspected: all False.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    MixupClassifier : Pairs drawn at random, with labels between theirs.

    References
    ----------
    I. Hwang, S. Lee, Y. Kwak, S. J. Oh, D. Teney, J.-H. Kim, B.-T. Zhang: "SelecMix: Debiased
    Learning by Contradicting-pair Sampling", NeurIPS, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.training.mixing import ContradictingPairClassifier
    >>> rng = np.random.RandomState(0)
    >>> y = rng.randint(2, size=1000)
    >>> background = np.where(rng.uniform(size=1000) < 0.95, y, 1 - y)
    >>> X = np.column_stack([y, 2 * background]) + rng.normal(scale=0.5, size=(1000, 2))
    >>> model = ContradictingPairClassifier(LogisticRegression(), random_state=0).fit(X, y)
    >>> against, plain = background != y, LogisticRegression().fit(X, y)
    >>> model.score(X[against], y[against]) > plain.score(X[against], y[against]) + 0.2
    True
    """

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "biased_estimator": [IsModel(), None],
        "by": [str, callable, "array-like", None],
        "q": [Interval(Real, 0, 1, closed="both")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "n_mixed": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "keep_original": ["boolean"],
        "swap_columns": [list, tuple, np.ndarray, None],
        "cv": CV,
    }

    biased_proba_: Any
    pairs_: IntArray
    share_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        *,
        biased_estimator: Estimator | None = None,
        by: str | Callable[..., Any] | ArrayLike | None = None,
        q: float = 0.7,
        n_rounds: int = 3,
        n_mixed: int = 1,
        batch_size: int = 128,
        keep_original: bool = True,
        swap_columns: Sequence[str | int] | Array | None = None,
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.biased_estimator = biased_estimator
        self.by = by
        self.q = q
        self.n_rounds = n_rounds
        self.n_mixed = n_mixed
        self.batch_size = batch_size
        self.keep_original = keep_original
        self.swap_columns = swap_columns
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_before_training(self, **own):
        if self.by is not None:
            return
        biased = self._biased_estimator()
        check_kind(biased, self._task, type(self).__name__)
        if self.n_rounds > 1 and self.q > 0:
            why = "the biased model weighs rows by how easy they are"
            check_takes_weights(biased, self.weight_strategy, why)

    def _biased_estimator(self):
        return self.estimator if self.biased_estimator is None else self.biased_estimator

    def _train(self, evidence):
        inputs, target, n = evidence.inputs, evidence.target, evidence.n_rows
        rng = np.random.RandomState(self._seed())
        codes, proba = target.codes, None
        if self.by is None:
            proba = self._biased_proba(evidence)
            partners = least_and_most_alike
            what = np.sqrt(proba)
        else:
            partners = known_contradictions
            what, _ = read_regions(self.by, inputs.X, missing="unknown")
        can = np.ones(n, dtype=bool) if inputs.sample_weight is None else inputs.sample_weight > 0
        pairs = self._pairs(partners, what, codes, can, rng)
        kept = np.ones(n, dtype=bool) if self.keep_original else evidence.trusted
        kept = kept | ~np.isin(codes, codes[pairs.second])  # no class vanishes
        pairs = pairs.after(np.flatnonzero(kept))
        how = {"swap_columns": self.swap_columns, "random_state": rng}
        return Treated(
            rows=pairs.second,
            y=target.y[pairs.second],
            sample_weight=pair_weight(pairs, inputs.sample_weight),
            noise_mask=np.zeros(n, dtype=bool),
            attributes={"biased_proba_": proba, **trace(pairs)},
            X=mix_rows(inputs.X, pairs.first, pairs.second, pairs.share, **how),
        )

    def _biased_proba(self, evidence):
        """(n, K) what a model says of rows out of sample that was trained to the easy ones."""
        codes, n_classes = evidence.target.codes, len(evidence.target.classes)
        now, loss = one_hot(codes, n_classes), GeneralizedCrossEntropy(self.q)
        proba = np.full(now.shape, 1.0 / n_classes)
        if n_classes < 2:
            return proba
        if self.biased_estimator is not None:
            evidence = evidence.without_fit_params()
        rows = SoftRows.of(evidence, random_state=self._seed(), n_jobs=self.n_jobs)
        [folds] = evidence.splits(self.cv, random_state=self._seed())
        for _ in range(self.n_rounds if folds else 0):
            said = rows.out_of_sample(self._biased_estimator(), now, folds)
            judged = np.isfinite(said).all(axis=1)
            proba[judged] = np.clip(said[judged], 0.0, 1.0)
            weight = loss.weight(proba, codes)
            if not all(weight[train].any() for train, _ in folds):
                break
            now = one_hot(codes, n_classes, np.maximum(weight, LEAST * weight.max()))
        return proba

    def _pairs(self, partners, what, codes, can, rng):
        """`Pairs` within random batches of rows that `can` be in one."""
        able = np.flatnonzero(can)
        n_batches = -(-len(able) // self.batch_size)
        of_same = rng.uniform(size=len(can)) < 0.5
        parts = []
        for number in range(self.n_mixed):
            # each row gets both kinds of partners in turn
            same = of_same if number % 2 == 0 else ~of_same
            for rows in np.array_split(rng.permutation(able), n_batches):
                second = rows[partners(what[rows], codes[rows], same[rows], rng)]
                share = np.where(second == rows, 1.0, 0.5 * rng.uniform(size=len(rows)))
                parts.append((rows, second, share))
        return Pairs(*map(np.concatenate, zip(*parts, strict=True)))


def least_and_most_alike(features, codes, same, rng):
    """Partner of each row of a batch: least alike of its own label, or most alike of another.

    Parameters
    ----------
    features : ndarray of shape (b, d)
        Of unit length.
    codes : ndarray of shape (b,)
        Labels.
    same : ndarray of shape (b,) of bool
        Whether the partner is to have the same label.
    rng : RandomState
        Chooses among equals.

    Returns
    -------
    ndarray of shape (b,) of int
        Positions in the batch; the row itself where there is no such row.
    """
    alike = features @ features.T
    contrast = np.where(same[:, None], -alike, alike)
    return _best_partner(contrast, (codes == codes[:, None]) == same[:, None], rng)


def known_contradictions(values, codes, same, rng):
    """Partner of each row of a batch: same label and another value, or the other way round.

    Parameters
    ----------
    values : ndarray of shape (b,) of int
        What is biased; negative where it is unknown.
    codes, same, rng
        As in `least_and_most_alike`.

    Returns
    -------
    ndarray of shape (b,) of int
    """
    label, value = codes == codes[:, None], values == values[:, None]
    known = (values >= 0) & (values >= 0)[:, None]
    fits = known & (label == same[:, None]) & (value != same[:, None])
    return _best_partner(np.zeros(fits.shape), fits, rng)


def _best_partner(contrast, fits, rng):
    order = rng.permutation(len(fits))  # the first of equals wins
    scored = np.where(fits, contrast, -np.inf)[:, order]
    best = order[scored.argmax(axis=1)]
    return np.where(fits.any(axis=1), best, np.arange(len(fits)))


def pair_weight(pairs, sample_weight):
    """(m,) product of the weights of both rows over the mean weight, or None without weights."""
    if sample_weight is None:
        return None
    weight = sample_weight[pairs.first] * sample_weight[pairs.second] / sample_weight.mean()
    return np.where(pairs.first == pairs.second, sample_weight[pairs.first], weight)
