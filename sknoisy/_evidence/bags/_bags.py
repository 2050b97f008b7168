"""What models say of rows they have been fitted on, and of rows they have not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_random_state, gen_batches

from sknoisy._evidence._cross_fit import cross_fit
from sknoisy._evidence._responses import LabelResponse, number_response
from sknoisy._evidence._splits import warn_of_sole_members
from sknoisy._evidence.bags._out_of_bag import fit_with_bags, has_bags, members_of

CHUNK_BAGS = 16  # responses that are held at a time; a constant, so that n_jobs changes nothing


@dataclass(frozen=True)
class Bags:
    """Means over the models whose bag has a row (`in`), and over the others (`out`).

    A model that knows no row of a row's class is counted in neither. NaN where no model counts.

    Attributes
    ----------
    n_in, n_out : ndarray of shape (n,) of int
        Number of models.
    mean_in, mean_out : ndarray of shape (n, K) or (n,)
        Mean probabilities, or mean predicted number.
    loss_in, loss_out : ndarray of shape (n,)
        Share of the models that predict another label than the given one (where several labels
        are equally likely, all but one of them count as others), or mean squared error.
    entropy_out, confidence_out : ndarray of shape (n,) or None
        For labels: mean over the models of the entropy of their probabilities, in nats, and of
        their highest probability.
    n_fits : int
        Number of models fitted; 1 for an ensemble that brings its own bags.
    """

    n_in: np.ndarray
    n_out: np.ndarray
    mean_in: np.ndarray
    mean_out: np.ndarray
    loss_in: np.ndarray
    loss_out: np.ndarray
    entropy_out: np.ndarray | None
    confidence_out: np.ndarray | None
    n_fits: int


def bag_responses(
    estimator,
    evidence,
    *,
    n_bags=50,
    max_samples=1.0,
    bootstrap=True,
    random_state=None,
    n_jobs=None,
):
    """`Bags` of `estimator`.

    A forest or bagging with bootstrap is fitted once, and its members are the models (see
    `has_bags`); every other estimator is fitted on `n_bags` bags from `draw_bag`.
    """
    target = evidence.target
    if target.is_labels:
        warn_of_sole_members(target.classes, evidence.members)
        if len(target.classes) < 2:  # nobody could be of another opinion
            return _Sums(target, evidence.copies.unit).bags(0)
    if has_bags(estimator, evidence):
        return _own_members(estimator, evidence, random_state)
    rng = check_random_state(random_state)
    bags = [draw_bag(evidence, max_samples, bootstrap, rng) for _ in range(n_bags)]
    respond = LabelResponse(target.classes) if target.is_labels else number_response
    sums, everyone = _Sums(target, evidence.copies.unit), np.arange(evidence.n_rows)
    for chunk in gen_batches(n_bags, CHUNK_BAGS):
        seed = None if random_state is None else int(rng.randint(2**31 - 1))
        splits = [(bag, everyone) for bag in bags[chunk]]
        answers = cross_fit(
            estimator,
            evidence,
            splits,
            respond,
            random_state=seed,
            n_jobs=n_jobs,
            purposes=[f"for detection, bag {i + 1} of {n_bags}" for i in range(n_bags)[chunk]],
        )
        for (method, values), bag in zip(answers, bags[chunk], strict=True):
            if method == "decision_function":
                values = _linked(values, bag, target.codes)
            sums.add(values, bag)
    return sums.bags(n_bags)


def draw_bag(evidence, max_samples, bootstrap, rng):
    """Row numbers of one bag, ascending; with `bootstrap`, rows may be there several times.

    Groups are drawn whole, and so are copies of a row. Without `bootstrap` and groups, each class
    has the same share in the bag. A bag of one class only gets a row (a group) of another one in
    addition.
    """
    target, groups, together = evidence.target, evidence.inputs.groups, evidence.together
    unit_of = np.arange(evidence.n_rows) if together is None else pd.factorize(together)[0]
    n_units = unit_of.max() + 1
    if n_units < 2:
        raise ValueError(
            f"Bags need at least 2 {'rows' if groups is None else 'groups'}, got "
            f"n_samples={evidence.n_rows}" + ("" if groups is None else f" in {n_units} group")
        )
    size = max_samples * n_units
    if bootstrap:
        units = rng.randint(n_units, size=max(1, round(size)))
    else:
        order = rng.permutation(n_units)
        if groups is None and target.is_labels:  # by appearance: names of classes do not matter
            label = pd.factorize(target.codes)[0][np.unique(unit_of, return_index=True)[1]]
            order = order[np.argsort(label[order], kind="stable")]
        # every unit has the same chance, and none of two neighbours in the order are left out
        # (or taken) more often than the share says
        reach = np.floor(np.arange(n_units + 1) * max_samples + rng.uniform())
        units = order[np.diff(reach) > 0]
        if len(units) == 0:
            units = order[:1]
    counts = np.bincount(units, minlength=n_units)[unit_of]
    if target.is_labels:
        inside = np.unique(target.codes[counts > 0])
        if len(inside) == 1:
            others = np.flatnonzero(target.codes != inside[0])
            counts[unit_of == unit_of[others[rng.randint(len(others))]]] = 1
    return np.repeat(np.arange(evidence.n_rows), counts)


class _Sums:
    """Running sums of `Bags`; a row is outside of a bag that has none of its copies, either."""

    def __init__(self, target, copies):
        self.target, self.copies = target, copies
        n = len(target.y)
        width = (len(target.classes),) if target.is_labels else ()
        self.count, self.loss = np.zeros((2, n), dtype=int), np.zeros((2, n))
        self.total = np.zeros((2, n, *width))
        self.entropy, self.confidence = np.zeros(n), np.zeros(n)

    def add(self, values, bag):
        """Count in the responses of one model to all rows."""
        target = self.target
        inside = np.zeros(len(target.y), dtype=bool)
        inside[bag] = True
        outside = ~inside
        if self.copies is not None:
            outside &= ~np.isin(self.copies, self.copies[bag])
        counts = ~np.isnan(values if values.ndim == 1 else values.sum(axis=1))
        if not counts.all():
            values = np.where(counts.reshape(-1, *[1] * (values.ndim - 1)), values, 0.0)
        if target.is_labels:
            counts &= np.isin(target.codes, target.codes[bag])
            given = values[np.arange(len(values)), target.codes]
            best = values.max(axis=1)
            n_best = (values >= best[:, None] - 1e-12).sum(axis=1)
            loss = 1.0 - (given >= best - 1e-12) / n_best
            out = counts & outside
            logs = np.log(np.where(values[out] > 0, values[out], 1.0))
            self.entropy[out] -= (values[out] * logs).sum(axis=1)
            self.confidence[out] += best[out]
        else:
            loss = (values - target.y) ** 2
        for side, rows in enumerate((inside & counts, outside & counts)):
            self.count[side, rows] += 1
            self.total[side, rows] += values[rows]
            self.loss[side, rows] += loss[rows]

    def bags(self, n_fits):
        with np.errstate(invalid="ignore"):
            wide = self.count.reshape(*self.count.shape, *[1] * (self.total.ndim - 2))
            mean, loss = self.total / wide, self.loss / self.count
            entropy, confidence = self.entropy / self.count[1], self.confidence / self.count[1]
        is_labels = self.target.is_labels
        return Bags(
            n_in=self.count[0],
            n_out=self.count[1],
            mean_in=mean[0],
            mean_out=mean[1],
            loss_in=loss[0],
            loss_out=loss[1],
            entropy_out=entropy if is_labels else None,
            confidence_out=confidence if is_labels else None,
            n_fits=n_fits,
        )


def _linked(margins, bag, codes):
    """Probabilities from the margins of one model, by a logistic fit to rows outside its bag.

    To all rows, where those outside have not all classes that the model knows.
    """
    known = np.unique(codes[bag])
    of_known = np.isin(codes, known)
    finite = np.isfinite(margins).all(axis=1)
    of_known &= finite
    outside = of_known.copy()
    outside[bag] = False
    if len(np.unique(codes[outside])) < len(known):
        outside = of_known
    features = margins[:, 1:] if margins.shape[1] == 2 else margins[:, known]
    features = features / (features[outside].std() or 1.0)
    link = LogisticRegression(max_iter=1000).fit(features[outside], codes[outside])
    proba = np.full(margins.shape, np.nan)
    proba[finite] = 0.0
    proba[np.ix_(finite, known)] = link.predict_proba(features[finite])
    return proba


def _own_members(estimator, evidence, random_state):
    """`Bags` of the members of a forest or bagging, fitted once."""
    target = evidence.target
    model = fit_with_bags(estimator, evidence, random_state)
    # members know the classes by their positions
    respond = number_response
    if target.is_labels:
        respond = LabelResponse(np.arange(len(target.classes)))
    sums = _Sums(target, evidence.copies.unit)
    for member, bag, seen in members_of(model, evidence.inputs.X):
        method, values = respond(member, seen, None)
        if method == "decision_function":
            values = _linked(values, bag, target.codes)
        sums.add(values, bag)
    return sums.bags(1)
