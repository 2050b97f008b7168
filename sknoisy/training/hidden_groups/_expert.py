"""What a model says that has learnt the easy way: out of sample, for each training row."""

from __future__ import annotations

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from sknoisy._evidence._fitting import first_steps
from sknoisy._evidence._table import behind_encoder
from sknoisy._soft_fit import SoftRows

TINY = 1e-15  # least probability in a logarithm
LEFT = 0.1  # of the weight of a class, below which it is about to vanish
CALM = 0.01  # mean change of the labels at which the twins have come to rest


def restrained_model(estimator, evidence):
    """A tree of one leaf for each class, behind the steps of a Pipeline or an encoder of tables."""
    n_leaves = max(2, len(evidence.target.classes))
    tree = DecisionTreeClassifier(max_leaf_nodes=n_leaves, min_weight_fraction_leaf=0.02)
    if isinstance(estimator, Pipeline):
        return Pipeline([*first_steps(estimator).steps, (estimator.steps[-1][0], tree)])
    return behind_encoder(tree, evidence.inputs.X)


def held_out(evidence, model, cv, *, random_state=None, n_jobs=None):
    """(n, K) probabilities by models that have not seen the row; NaN where nobody can say."""
    how = {"cv": cv, "random_state": random_state, "n_jobs": n_jobs}
    return evidence.responses(model, **how).values


def given_loss(proba, codes):
    """(n,) log-loss of the given labels; NaN where there are no probabilities."""
    return -np.log(np.maximum(proba[np.arange(len(codes)), codes], TINY))


def twin_proba(evidence, model, n_rounds, *, random_state=None, n_jobs=None):
    """(n, K) probabilities by twins, each fitted on one half, that pull each other's labels along.

    After each round a label moves to the class that the other twin predicts, the further the surer
    it is: what both believe, though some labels contradict it, is reinforced. Classes weigh the
    same. Where a class would be left without a row, the last round but one counts.
    """
    codes, n_classes = evidence.target.codes, len(evidence.target.classes)
    rows = SoftRows.of(evidence, random_state=random_state, n_jobs=n_jobs)
    [halves] = evidence.splits(2, random_state=random_state)
    given = evidence.inputs.sample_weight
    base = np.ones(len(codes)) if given is None else given
    soft, said = np.eye(n_classes)[codes], np.full((len(codes), n_classes), np.nan)
    for _ in range(n_rounds if halves else 0):
        mass = base @ soft
        alike = np.divide(mass.sum() / n_classes, mass, out=np.zeros(n_classes), where=mass > 0)
        held = rows.out_of_sample(model, soft * alike, halves)
        moved = pulled_labels(soft, held)
        if (base @ moved < LEFT * (base @ np.eye(n_classes)[codes])).any():
            return said if np.isfinite(said).any() else held
        change = np.average(np.abs(moved - soft).sum(axis=1), weights=base) / 2
        said = held
        soft = moved
        if change <= CALM:
            break
    return said


def pulled_labels(soft, held):
    """(n, K) labels after each has moved to the class predicted for it, in expectation.

    A label becomes the predicted one with probability (p - 1/K) K / (K - 1), p being that of the
    predicted class; rows of NaN stay.
    """
    n_classes = soft.shape[1]
    known = np.isfinite(held).all(axis=1)
    top = held[known]
    share = np.clip((top.max(axis=1) * n_classes - 1) / (n_classes - 1), 0.0, 1.0)[:, None]
    moved = soft.copy()
    moved[known] = (1 - share) * soft[known] + share * np.eye(n_classes)[top.argmax(axis=1)]
    return moved


def calibrated(held, codes, sample_weight=None, temperature=0.01):
    """(n, K) probability of each label by what held-out models predict, not by how sure they are.

    sum_k p(k) P(label | k), where p is sharpened by the temperature and P(label | k) is the share
    of each given label among rows for which k is predicted; rows of NaN stay.
    """
    known = np.isfinite(held).all(axis=1)
    sharp = np.full(held.shape, np.nan)
    logits = np.log(np.maximum(held[known], TINY)) / temperature
    sharp[known] = np.exp(logits - logits.max(axis=1, keepdims=True))
    sharp[known] /= sharp[known].sum(axis=1, keepdims=True)
    weight = np.ones(len(codes)) if sample_weight is None else sample_weight
    labels = np.eye(held.shape[1])[codes[known]] * weight[known, None]
    joint = sharp[known].T @ labels
    total = joint.sum(axis=1, keepdims=True)
    of_predicted = np.divide(joint, total, out=np.full_like(joint, 1 / len(joint)), where=total > 0)
    return sharp @ of_predicted
