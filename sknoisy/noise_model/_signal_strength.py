"""Whether correcting for label noise can help at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sknoisy._typing import ArrayLike, FloatArray
from sknoisy.noise_model._transition import check_transition


def relative_signal_strength(
    clean_proba: ArrayLike,
    noisy_proba: ArrayLike | None = None,
    *,
    transition: ArrayLike | None = None,
) -> FloatArray:
    """How much of what tells classes apart is left in noisy labels, row by row.

    The least, over the classes j, of the gap between the likeliest class and j in the noisy
    posterior over the gap between the likeliest class and j in the clean one. It is 0 where noise
    has made another class the likeliest, and small where it has nearly; without noise it is 1.

    Parameters
    ----------
    clean_proba : array-like of shape (n, K)
        P(true = j | x).
    noisy_proba : array-like of shape (n, K), default=None
        P(given = j | x).
    transition : array-like of shape (K, K), default=None
        In place of `noisy_proba`: entry (i, j) is P(given = j | true = i).

    Returns
    -------
    ndarray of shape (n,)
        Infinite where all classes are equally likely, so that nothing can be lost.

    References
    ----------
    Y. Zhu, J. Zhang, A. Gangrade, C. Scott: "Label Noise: Ignorance Is Bliss", NeurIPS, 2024.

    Examples
    --------
    >>> from sknoisy.noise_model import relative_signal_strength
    >>> matrix = [[0.6, 0.4], [0.0, 1.0]]
    >>> relative_signal_strength([[1.0, 0.0], [0.8, 0.2], [0.1, 0.9]], transition=matrix).round(2)
    array([0.2, 0. , 1.1])
    """
    clean, noisy = _both(clean_proba, noisy_proba, transition)
    clean_gap = clean.max(axis=1, keepdims=True) - clean
    noisy_gap = noisy.max(axis=1, keepdims=True) - noisy
    ratio = np.full(clean.shape, np.inf)
    np.divide(noisy_gap, clean_gap, out=ratio, where=clean_gap > 0)
    return ratio.min(axis=1)


@dataclass(frozen=True)
class CorrectionOutlook:
    """What correcting for label noise can win; see `correction_outlook`.

    Attributes
    ----------
    at_stake : float
        Accuracy on true labels that the best classifier of noisy labels loses, by naming the
        likeliest given class: what a perfect correction with endless rows would win back.
    kept : float
        Share of the rows in which the likeliest class stays the likeliest.
    signal_strength : ndarray of shape (n,)
        See `relative_signal_strength`.
    can_help : bool
        Whether anything is at stake.
    reason : str
        The same in a sentence.
    """

    at_stake: float
    kept: float
    signal_strength: np.ndarray
    can_help: bool
    reason: str


def correction_outlook(
    clean_proba: ArrayLike,
    noisy_proba: ArrayLike | None = None,
    *,
    transition: ArrayLike | None = None,
    least: float = 0.001,
) -> CorrectionOutlook:
    """Say whether correcting for label noise can help, or ignoring it is as good.

    Where noise leaves the likeliest class the likeliest, a classifier that ignores it learns the
    right answers, if it has rows enough and does not learn single labels by heart; a correction
    can make its probabilities right, but not its answers. That is so under noise that is even
    among the classes, and is not where one class is often taken for another.

    Parameters
    ----------
    clean_proba : array-like of shape (n, K)
        P(true = j | x): of a model of clean labels, out of sample, or one-hot true labels for
        classes that do not overlap.
    noisy_proba : array-like of shape (n, K), default=None
        P(given = j | x), of a model of given labels, out of sample.
    transition : array-like of shape (K, K), default=None
        In place of `noisy_proba`.
    least : float, default=0.001
        Accuracy at stake from which it counts.

    Returns
    -------
    CorrectionOutlook

    References
    ----------
    Y. Zhu, J. Zhang, A. Gangrade, C. Scott: "Label Noise: Ignorance Is Bliss", NeurIPS, 2024 (the
    accuracy at stake is of this package).

    Examples
    --------
    >>> from sknoisy.noise_model import correction_outlook
    >>> proba = [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]]
    >>> correction_outlook(proba, transition=[[0.8, 0.2], [0.2, 0.8]]).can_help
    False
    >>> print(correction_outlook(proba, transition=[[0.6, 0.4], [0.0, 1.0]]).reason)
    correction can win back up to 13.3 points of accuracy: noise makes another class the likeliest
    in 33 % of the rows
    """
    clean, noisy = _both(clean_proba, noisy_proba, transition)
    rows = np.arange(len(clean))
    said = noisy.argmax(axis=1)
    # a tie among the noisy ones is broken well: it is no fault of the noise
    tied = noisy >= noisy.max(axis=1, keepdims=True) - 1e-12
    best = np.where(tied, clean, -1.0).argmax(axis=1)
    said = np.where(tied.sum(axis=1) > 1, best, said)
    lost = clean.max(axis=1) - clean[rows, said]
    at_stake, kept = float(lost.mean()), float((lost <= 1e-12).mean())
    can_help = at_stake >= least
    if can_help:
        reason = (
            f"correction can win back up to {100 * at_stake:.1f} points of accuracy: noise makes "
            f"another class the likeliest in {100 * (1 - kept):.0f} % of the rows"
        )
    else:
        reason = (
            f"correction cannot help the answers: the likeliest class stays the likeliest in "
            f"{100 * kept:.1f} % of the rows, so that ignoring the noise is as good, with a model "
            "that does not learn single labels by heart"
        )
    strength = relative_signal_strength(clean, noisy)
    return CorrectionOutlook(at_stake, kept, strength, can_help, reason)


def _both(clean_proba, noisy_proba, transition):
    clean = np.asarray(clean_proba, dtype=float)
    if clean.ndim != 2 or not len(clean):
        raise ValueError(f"clean_proba must be (rows, classes), got shape {clean.shape}.")
    if (noisy_proba is None) == (transition is None):
        raise ValueError("Give noisy_proba or transition, one of them.")
    if noisy_proba is None:
        return clean, clean @ check_transition(transition, clean.shape[1])
    noisy = np.asarray(noisy_proba, dtype=float)
    if noisy.shape != clean.shape:
        raise ValueError(
            f"clean_proba has shape {clean.shape} and noisy_proba {noisy.shape}: they must be of "
            "the same rows and classes."
        )
    return clean, noisy
