"""How often which label stands for which, as a heat map."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from sknoisy._report import detector_of
from sknoisy._typing import Array, ArrayLike, Axes, Colormap
from sknoisy.inspection._axes import draw_on, heat_map, name_ticks


class TransitionMatrixDisplay:
    """Heat map of a transition matrix: true labels in rows, given labels in columns.

    A row says what becomes of a class: the share of its rows that were given each label. Create it
    with `from_estimator` or `from_predictions`; needs matplotlib (`pip install 'sknoisy[plot]'`).

    Parameters
    ----------
    transition : ndarray of shape (K, K)
        Entry (i, j) is P(given label = j | true label = i).
    labels : sequence of K labels

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage
    texts_ : ndarray of shape (K, K) of matplotlib Text, or None
        None with more than 20 classes.
    colorbar_ : matplotlib Colorbar

    See Also
    --------
    sknoisy.noise_model : What estimates such a matrix.

    Examples
    --------
    >>> from sknoisy.inspection import TransitionMatrixDisplay
    >>> true, given = ["cat", "cat", "dog", "dog"], ["cat", "dog", "dog", "dog"]
    >>> display = TransitionMatrixDisplay.from_predictions(true, given)  # doctest: +SKIP
    >>> display.transition  # doctest: +SKIP
    array([[0.5, 0.5],
           [0. , 1. ]])
    """

    ax_: Any
    figure_: Any
    image_: Any
    texts_: Any
    colorbar_: Any

    def __init__(self, transition: Array, labels: ArrayLike) -> None:
        self.transition = transition
        self.labels = labels

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Axes | None = None, cmap: str | Colormap = "Blues"
    ) -> Self:
        """Draw what a fitted estimator says of the noise.

        Parameters
        ----------
        estimator : fitted noise model, detector or treatment
            Of a noise model its `transition_`, of a `LabelCommittee` its `transition_matrix_`. Of
            other detectors the mean of `label_proba_`, the posterior of the true label, over the
            rows of each given label, turned round by Bayes' rule. It says what the detector
            believes: all of it lies on the diagonal where it flags nothing and doubts nothing.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        cmap : str or matplotlib Colormap, default="Blues"

        Returns
        -------
        TransitionMatrixDisplay
        """
        check_is_fitted(estimator)
        source, name = detector_of(estimator)
        for attribute in ("transition_", "transition_matrix_"):
            matrix = getattr(source, attribute, None)
            if matrix is not None and np.ndim(matrix) == 2:
                return cls(np.asarray(matrix), list(source.classes_)).plot(ax=ax, cmap=cmap)
        target = getattr(source, "_target", None)
        if target is None or not hasattr(source, "label_proba_"):
            raise TypeError(
                "TransitionMatrixDisplay draws labels, by a noise model or a detector of wrong "
                f"labels; {name} has neither transition_ nor label_proba_."
            )
        matrix = believed_transition(source.label_proba_, target.codes)
        return cls(matrix, list(source.classes_)).plot(ax=ax, cmap=cmap)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_given: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        ax: Axes | None = None,
        cmap: str | Colormap = "Blues",
    ) -> Self:
        """Draw the shares of given labels where the true ones are known.

        Parameters
        ----------
        y_true, y_given : array-like of shape (n,)
        labels : sequence, default=None
            Which labels, and in which order; None means all, sorted. A class of which there is no
            row is drawn as if its labels were right.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        cmap : str or matplotlib Colormap, default="Blues"

        Returns
        -------
        TransitionMatrixDisplay
        """
        check_consistent_length(y_true, y_given)
        y_true, y_given = column_or_1d(y_true), column_or_1d(y_given)
        if labels is None:
            labels = np.union1d(y_true, y_given)
        at = {label: i for i, label in enumerate(np.asarray(labels).tolist())}
        counts = np.zeros((len(at), len(at)))
        for true, given in zip(y_true.tolist(), y_given.tolist(), strict=True):
            if true in at and given in at:
                counts[at[true], at[given]] += 1
        return cls(rows_to_one(counts), list(at)).plot(ax=ax, cmap=cmap)

    def plot(self, *, ax: Axes | None = None, cmap: str | Colormap = "Blues") -> Self:
        """Draw the matrix.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        cmap : str or matplotlib Colormap, default="Blues"

        Returns
        -------
        TransitionMatrixDisplay
        """
        ax = draw_on(self, ax)
        label = "share of the rows of a true label"
        heat_map(self, self.transition, fmt=".2f", vmin=0, vmax=1, cmap=cmap, label=label)
        name_ticks(ax, self.labels)
        ax.set(xlabel="given label", ylabel="true label")
        return self


def believed_transition(label_proba, codes):
    """(K, K): P(given | true) by the posterior (n, K) of the true labels of rows given `codes`."""
    joint = np.zeros((label_proba.shape[1],) * 2)
    np.add.at(joint, codes, label_proba)  # (given, true)
    return rows_to_one(joint.T)


def rows_to_one(counts):
    """Rows as shares; a row of zeros as that of the unit matrix."""
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1.0), np.eye(len(counts)))
