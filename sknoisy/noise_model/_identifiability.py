"""Whether several answers to one question tell how often which answer is wrong."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._typing import ArrayLike, validate_params

LEAST = 0.02  # smallest singular value, over the largest, of a matrix whose rows are independent


@validate_params(
    {
        "n_annotators": [Interval(Integral, 1, None, closed="left")],
        "n_classes": [Interval(Integral, 1, None, closed="left")],
        "ranks": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def check_identifiability(
    n_annotators: int, n_classes: int, *, ranks: ArrayLike | None = None
) -> None:
    """Refuse, with the reason, what answers cannot tell: how often each annotator is wrong.

    Answers that are independent given the true class determine the annotators' transition matrices
    and the frequencies of the classes (up to the classes' names) if the Kruskal ranks of the
    matrices sum to at least ``2 K + M - 1`` for M annotators, which is ``2 K + 2`` for three. Two
    annotators never do, three whose matrices have independent rows always do.

    Parameters
    ----------
    n_annotators : int >= 1
        Independent answers to each question.
    n_classes : int >= 1
    ranks : array-like of shape (n_annotators,), default=None
        Kruskal rank of each annotator's matrix, from 1 (an annotator who answers two classes alike)
        to K (rows that are independent). None means K for all.

    Raises
    ------
    ValueError
        If they do not.

    References
    ----------
    Y. Liu, H. Cheng, K. Zhang: "Identifiability of Label Noise Transition Matrix", ICML, 2023.

    J. B. Kruskal: "Three-way arrays: rank and uniqueness of trilinear decompositions", Linear
    Algebra and its Applications, 1977; for more than three, N. D. Sidiropoulos, R. Bro: "On the
    uniqueness of multilinear decomposition of N-way arrays", Journal of Chemometrics, 2000.

    Examples
    --------
    >>> from sknoisy.noise_model import check_identifiability
    >>> check_identifiability(3, 5)
    >>> check_identifiability(2, 5)
    Traceback (most recent call last):
    ...
    ValueError: 2 annotators cannot tell how often 5 classes are taken for one another...
    """
    if n_classes == 1:
        return
    ranks = [n_classes] * n_annotators if ranks is None else list(ranks)
    if len(ranks) != n_annotators:
        raise ValueError(f"ranks has {len(ranks)} entries for {n_annotators} annotators.")
    needed = 2 * n_classes + n_annotators - 1
    if n_annotators < 3:
        raise ValueError(
            f"{n_annotators} annotators cannot tell how often {n_classes} classes are taken for "
            "one another: at least 3 independent answers are needed. With features of the rows, "
            "NeighborTransition takes the neighbours' labels as further answers; with some true "
            "labels there is TrustedTransition."
        )
    if sum(ranks) < needed:
        raise ValueError(
            f"The Kruskal ranks of the annotators' matrices sum to {sum(ranks)}, and {needed} are "
            f"needed for {n_annotators} annotators and {n_classes} classes: some annotators answer "
            "different classes alike. Ask more of them, or join the classes they do not tell apart."
        )


def kruskal_rank(transition):
    """Of the rows of a matrix: K if all are independent, else 2 if no two are parallel, else 1.

    That is a lower bound where K > 3, which errs on the safe side.
    """
    n_classes = len(transition)
    values = np.linalg.svd(transition, compute_uv=False)
    if values[-1] > LEAST * values[0]:
        return n_classes
    unit = transition / np.linalg.norm(transition, axis=1, keepdims=True)
    cosine = (unit @ unit.T)[np.triu_indices(n_classes, 1)]
    return 2 if cosine.max() < 1.0 - LEAST**2 else 1


def three_views_identify(transition):
    """Whether three answers by one transition matrix tell what it is."""
    n_classes = len(transition)
    return n_classes == 1 or 3 * kruskal_rank(transition) >= 2 * n_classes + 2
