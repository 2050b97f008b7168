"""From the opinions of several models to the true labels: arrays in, arrays out.

Shapes: M members, n rows, K classes. `logs` (M, n, K) holds the members' log probabilities;
`codes` (n,) the given labels as positions. A transition matrix has the true class in its rows and
the given one in its columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

FLOOR = 1e-3  # no member is ever surer than this: one zero must not overrule all the others
ANCHOR_SHARE = 0.05
N_ITER = 40
TOL = 1e-6


@dataclass
class Mixture:
    """A noise model: P(true | x) by the pool, P(given | true) by the transition matrix.

    Attributes
    ----------
    skill : ndarray of shape (M,)
        Exponents of the members in the pool.
    bias : ndarray of shape (K,)
    transition : ndarray of shape (K, K)
    first : (skill, bias) or None
        Pool whose probabilities `shift` takes.
    shift : ndarray of shape (K, K) or None
        What known rows add to the logits of the true class (rows) for each class that the first
        pool may expect (columns).
    """

    skill: np.ndarray
    bias: np.ndarray
    transition: np.ndarray
    first: tuple | None = None
    shift: np.ndarray | None = None

    def clean_proba(self, logs):
        """(n, K): P(true | x), the given label unseen."""
        bias = self.bias
        if self.shift is not None:
            bias = bias + pool(logs, *self.first) @ self.shift.T
        return pool(logs, self.skill, bias)

    def posterior(self, logs, codes):
        """(n, K): P(true | x, given label)."""
        return given_label(self.clean_proba(logs), self.transition, codes)


def log_opinions(probas):
    """(M, n, K) centred log probabilities; zero, no opinion, where a member has not judged."""
    logs = np.empty((len(probas), *probas[0].shape))
    for out, proba in zip(logs, probas, strict=True):
        safe = np.clip(proba, 0.0, 1.0) + FLOOR
        log = np.log(safe / safe.sum(axis=1, keepdims=True))
        log -= log.mean(axis=1, keepdims=True)
        out[:] = np.where(np.isnan(log), 0.0, log)
    return logs


def pool(logs, skill, bias):
    """Logarithmic opinion pool: softmax over classes of sum_m skill_m log p_m + bias."""
    mixed = (skill @ logs.reshape(len(logs), -1)).reshape(logs.shape[1:]) + bias
    mixed -= mixed.max(axis=1, keepdims=True)
    np.exp(mixed, out=mixed)
    mixed /= mixed.sum(axis=1, keepdims=True)
    return mixed


def fit_pool(logs, labels, *, weight, skill=None, bias=None, fit_bias=True, n_iter=60):
    """Skill (M,) >= 0 and bias (K,) that make the (soft) labels (n, K) likeliest.

    One convex fit gives the weights of the members and the temperature together. A ridge of one
    row's strength holds `skill` to 1/M each and `bias` to zero.
    """
    n_members, _, n_classes = logs.shape
    even, zero = np.full(n_members, 1.0 / n_members), np.zeros(n_classes)
    start = np.r_[even if skill is None else skill, zero if bias is None else bias]

    def loss(params):
        skill, bias = params[:n_members], params[n_members:]
        proba = pool(logs, skill, bias)
        value = -(weight[:, None] * labels * np.log(proba + 1e-12)).sum()
        value += 0.5 * ((skill - even) ** 2).sum() + 0.5 * (bias**2).sum()
        surplus = (proba - labels) * weight[:, None]
        slope = logs.reshape(n_members, -1) @ surplus.ravel() + skill - even
        bias_slope = surplus.sum(axis=0) + bias if fit_bias else zero
        return value, np.r_[slope, bias_slope]

    bounds = [(0, None)] * n_members + [(None, None)] * n_classes
    best = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": n_iter}
    )
    return best.x[:n_members], best.x[n_members:]


def given_label(clean_proba, transition, codes):
    """Bayes: P(true | x) times P(given label | true), normalised over the true class."""
    joint = clean_proba * transition[:, codes].T
    return joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-12)


def anchor_matrix(proba, weight, share=ANCHOR_SHARE):
    """Transition matrix from the rows that are surest of each class.

    If a row is of class k beyond doubt, the probabilities of the *given* labels there are row k of
    the matrix. Of each class `share` of all rows are averaged, fewer for a rare one.
    """
    n, n_classes = proba.shape
    frequency = np.average(proba, axis=0, weights=weight)
    anchors = np.empty((n_classes, n_classes))
    counted = np.flatnonzero(weight > 0)
    for k in range(n_classes):
        size = max(5, int(share * n * min(1.0, n_classes * frequency[k])))
        surest = counted[np.argsort(-proba[counted, k], kind="stable")[:size]]
        anchors[k] = np.average(proba[surest], axis=0, weights=weight[surest])
    own = np.maximum(anchors.diagonal(), anchors.max(axis=1))  # most labels of a class are right
    np.fill_diagonal(anchors, own)
    return anchors / anchors.sum(axis=1, keepdims=True)


def unmix(proba, transition, n_iter=60):
    """P(true | x) from the probabilities of the given labels and a transition matrix.

    Expectation-maximisation in each row in place of the inverse matrix: never negative.
    """
    clean = proba.copy()
    for _ in range(n_iter):
        ratio = proba / np.maximum(clean @ transition, 1e-12)
        clean *= ratio @ transition.T
        clean /= clean.sum(axis=1, keepdims=True)
    return clean


def fit_mixture(logs, codes, start, prior, *, weight, known=None, fit_bias=True):
    """Pool and transition matrix that make the given labels likeliest, by EM.

    Parameters
    ----------
    logs : ndarray of shape (M, n, K)
    codes : ndarray of shape (n,)
    start : ndarray of shape (K, K)
        First transition matrix.
    prior : ndarray of shape (K, K)
        Pseudo-rows that each (true, given) pair has from the beginning.
    weight : ndarray of shape (n,)
    known : ndarray of shape (n,) of bool, optional
        Rows whose given label is the true one: they shape the pool, and are no part of the noise.

    Returns
    -------
    Mixture
    """
    known = np.zeros(len(codes), dtype=bool) if known is None else known
    given = np.eye(len(start))[codes]
    skill, bias = fit_pool(logs, given, weight=weight, fit_bias=fit_bias)
    transition, last = start, -np.inf
    for _ in range(N_ITER):
        clean = pool(logs, skill, bias)
        truth = np.where(known[:, None], given, given_label(clean, transition, codes))
        transition = _count(truth, codes, weight * ~known, prior)
        skill, bias = fit_pool(
            logs, truth, weight=weight, skill=skill, bias=bias, fit_bias=fit_bias, n_iter=8
        )
        clean = pool(logs, skill, bias)
        seen = np.where(
            known, clean[np.arange(len(codes)), codes], (clean * transition[:, codes].T).sum(axis=1)
        )
        fit = np.average(np.log(np.maximum(seen, 1e-12)), weights=weight)
        if abs(fit - last) < TOL:
            break
        last = fit
    return Mixture(skill, bias, transition)


def update_on_known(mixture, logs, codes, *, weight, known):
    """The mixture after what the known rows say of P(true | x).

    Most probable parameters given the known rows, with those of `mixture` as the centre of the
    prior, and a shift by the class that the unsupervised pool expects, for noise that features
    predict: members fitted on it cannot see it. The transition matrix follows from the other rows'
    labels seen through the new pool.
    """
    n_members, _, n_classes = logs.shape
    first = (mixture.skill, mixture.bias)
    expected = pool(logs, *first)
    logs_known, expected_known = logs[:, known], expected[known]
    labels, weight_known = np.eye(n_classes)[codes[known]], weight[known]
    centre = np.r_[mixture.skill, mixture.bias, np.zeros(n_classes**2)]
    at = np.cumsum([n_members, n_classes])

    def loss(params):
        skill, bias, shift = np.split(params, at)
        shift = shift.reshape(n_classes, n_classes)
        proba = pool(logs_known, skill, bias + expected_known @ shift.T)
        value = -(weight_known[:, None] * labels * np.log(proba + 1e-12)).sum()
        surplus = (proba - labels) * weight_known[:, None]
        slope = np.r_[
            logs_known.reshape(n_members, -1) @ surplus.ravel(),
            surplus.sum(axis=0),
            (surplus.T @ expected_known).ravel(),
        ]
        return value + 0.5 * ((params - centre) ** 2).sum(), slope + params - centre

    bounds = [(0, None)] * n_members + [(None, None)] * (n_classes + n_classes**2)
    best = minimize(
        loss, centre, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200}
    )
    skill, bias, shift = np.split(best.x, at)
    updated = Mixture(skill, bias, mixture.transition, first, shift.reshape(n_classes, n_classes))
    clean = updated.clean_proba(logs)
    doubt = np.eye(n_classes) + 1.0 / n_classes  # two pseudo-rows in each class
    for _ in range(N_ITER):
        truth, last = given_label(clean, updated.transition, codes), updated.transition
        updated.transition = _count(truth, codes, weight * ~known, doubt)
        if np.abs(updated.transition - last).max() < 1e-4:
            break
    return updated


def _count(truth, codes, weight, prior):
    """Transition matrix from P(true) of each row and its given label, with pseudo-rows."""
    counts = prior.T + 1e-6
    np.add.at(counts, codes, truth * weight[:, None])
    return counts.T / counts.T.sum(axis=1, keepdims=True)
