"""The balance of probability: how likely a target is wrong, and whether that flags its row."""

from __future__ import annotations

import numpy as np

from sknoisy.noise_model._confident_joint import joint_posterior, scaled_joint, shared_joint
from sknoisy.noise_model._wide_normal import typical_size, wide_normal_posterior

SLACK = 1e-9  # sums in another order are no disagreement


def label_verdict(proba, codes):
    """Another label is likelier, and by the confident joint the given one is more likely wrong.

    Parameters
    ----------
    proba : ndarray of shape (n, K)
        Probabilities of the labels; a row with NaN was not judged.
    codes : ndarray of shape (n,) of int
        Given labels.

    Returns
    -------
    dict
        `noise_proba`, `mask` and `label_proba`, as a `Finding` has them.
    """
    posterior = label_posterior(proba, codes)
    noise_proba = 1.0 - posterior[np.arange(len(codes)), codes]
    mask = disagrees(proba, codes) & (noise_proba > 0.5)
    return {"noise_proba": noise_proba, "mask": mask, "label_proba": posterior}


def number_verdict(size):
    """A number more likely belongs to the wider of two normals about zero, by its error's size.

    Parameters
    ----------
    size : ndarray of shape (n,)
        Absolute errors, in any unit; NaN was not judged.

    Returns
    -------
    dict
        `noise_proba` and `mask`, as a `Finding` has them.
    """
    noise_proba = wide_normal_posterior(size / typical_size(size))
    return {"noise_proba": noise_proba, "mask": noise_proba > 0.5}


def stage_verdict(codes, answer, size):
    """(noise_proba, mask) by what a model says in training.

    Parameters
    ----------
    codes : ndarray of shape (n,) of int or None
        Given labels; None for numbers.
    answer : ndarray of shape (n, K) or (n,)
        What the model says of each row.
    size : ndarray of shape (n,) or None
        For numbers: the absolute errors.
    """
    by_labels = codes is not None
    verdict = label_verdict(answer, codes) if by_labels else number_verdict(size)
    return verdict["noise_proba"], verdict["mask"]


def disagrees(proba, codes):
    """Whether another label is likelier than the given one, by more than rounding."""
    return proba.max(axis=1) > proba[np.arange(len(codes)), codes] + SLACK


def label_posterior(label_proba, codes):
    """(n, K): P(true label | row, given label) by the confident joint, with half a row of doubt.

    The joint of a nearly clean set is zero for most pairs of classes. Half a row for each class,
    spread over the other classes, keeps possible what happened to be counted nowhere.
    """
    judged = ~np.isnan(label_proba).any(axis=1)
    if not judged.any():
        return np.full(label_proba.shape, np.nan)
    # neither rounded nor tied: which half goes up would hang on the names of the classes
    joint = scaled_joint(shared_joint(label_proba, codes), codes[judged])
    n_classes = len(joint)
    if n_classes > 1:
        joint = joint + 0.5 / (n_classes - 1) * (1 - np.eye(n_classes))
    return joint_posterior(label_proba, codes, joint)
