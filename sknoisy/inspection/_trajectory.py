"""How suspect rows and the others are learnt, stage by stage."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sknoisy._evidence import Evidence
from sknoisy._report import detector_of, flagged_rows
from sknoisy._typing import Array, ArrayLike, Axes, MatrixLike
from sknoisy.inspection._axes import draw_on

LEAST = 1e-3  # probability below which no loss is told apart from another
BAND = (25, 75)  # percentiles


class TrajectoryDisplay:
    """Loss over the stages of training, of flagged rows and of the others.

    Right rows are learnt early. Wrong ones are learnt late, if the model can learn them by heart,
    or never. Lines are medians, bands hold the middle half of the rows. Create it with
    `from_estimator` or `from_predictions`; needs matplotlib (`pip install 'sknoisy[plot]'`).

    Parameters
    ----------
    losses : ndarray of shape (n, n_stages)
        Rows of NaN (not judged) are left out of the picture.
    noise_mask : ndarray of shape (n,) of bool
        Flagged rows.
    progress : ndarray of shape (n_stages,), default=None
        Where the stages lie, as a share of the training; None: they are numbered from 1.
    loss_name : str, default="loss"

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        Median of the rows that are not flagged, and of the flagged ones; of those that are there.
    bands_ : list of matplotlib PolyCollection

    See Also
    --------
    DatasetMapDisplay : Each row by its mean and its spread over the stages.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import LateStopping
    >>> from sknoisy.inspection import TrajectoryDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> detector = LateStopping(LogisticRegression(max_iter=1000)).fit(X, y)
    >>> display = TrajectoryDisplay.from_estimator(detector, X, y)  # doctest: +SKIP
    """

    ax_: Any
    figure_: Any
    lines_: list[Any]
    bands_: list[Any]

    def __init__(
        self,
        losses: Array,
        noise_mask: Array,
        *,
        progress: Array | None = None,
        loss_name: str = "loss",
    ) -> None:
        self.losses = losses
        self.noise_mask = noise_mask
        self.progress = progress
        self.loss_name = loss_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        n_stages: int | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the training of a fitted detector's model, or of that of a treatment.

        A detector keeps no stages, so the model is trained once more. For labels the loss is minus
        the logarithm of the probability of the given label, at most that of 0.001; for numbers the
        absolute error.

        Parameters
        ----------
        estimator : fitted detector or treatment
            Whose model trains in stages (see `sknoisy.detection.training_stages`).
        X, y, sample_weight, groups
            What `fit` got.
        n_stages : int, default=None
            The most stages to look at; None means those of the detector, or 20.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        TrajectoryDisplay
        """
        check_is_fitted(estimator)
        detector, name = detector_of(estimator)
        if not hasattr(detector, "_model") or not hasattr(detector, "estimator"):
            raise TypeError(
                f"TrajectoryDisplay draws the training of a detector's model, and {name} has none."
            )
        is_labels = hasattr(detector, "label_proba_")
        task = "classification" if is_labels else "regression"
        evidence = Evidence(X, y, task=task, sample_weight=sample_weight, groups=groups)
        n, n_fitted = evidence.n_rows, len(detector.noise_mask_)
        if n != n_fitted:
            raise ValueError(f"X has {n} rows, fit got {n_fitted}: give the X and y that fit got.")
        stages = evidence.stages(
            detector._model(evidence),
            n_stages=getattr(detector, "n_stages", 20) if n_stages is None else n_stages,
            cv=getattr(detector, "cv", None) if hasattr(detector, "n_stages") else None,
            random_state=getattr(detector, "random_state", None),
            n_jobs=getattr(detector, "n_jobs", None),
        )
        if is_labels:
            losses, name = -np.log(np.maximum(stages.given, LEAST)), "log loss of the given label"
        else:
            losses = np.abs(stages.prediction - evidence.target.y.astype(float))
            name = "absolute error of the given number"
        display = cls(losses.T, flagged_rows(estimator), progress=stages.progress, loss_name=name)
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        losses: ArrayLike,
        noise_mask: ArrayLike,
        *,
        progress: ArrayLike | None = None,
        loss_name: str = "loss",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw given losses.

        Parameters
        ----------
        losses : array-like of shape (n, n_stages)
            Of any model, by epoch for instance.
        noise_mask : array-like of shape (n,) of bool
            Rows that are flagged, or really wrong.
        progress : array-like of shape (n_stages,), default=None
            Where the stages lie; None: they are numbered from 1.
        loss_name : str, default="loss"
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        TrajectoryDisplay
        """
        losses, noise_mask = np.asarray(losses, dtype=float), np.asarray(noise_mask, dtype=bool)
        if losses.ndim != 2 or noise_mask.shape != losses.shape[:1]:
            raise ValueError(
                "losses must be of shape (n, n_stages) and noise_mask of shape (n,), got "
                f"{losses.shape} and {noise_mask.shape}."
            )
        if progress is not None and np.shape(progress) != losses.shape[1:]:
            raise ValueError(
                f"progress must have one number for each of the {losses.shape[1]} stages, got "
                f"shape {np.shape(progress)}."
            )
        display = cls(losses, noise_mask, progress=progress, loss_name=loss_name)
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw the trajectories.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        TrajectoryDisplay
        """
        ax = draw_on(self, ax)
        judged = ~np.isnan(self.losses).any(axis=1)
        numbered = self.progress is None
        at = np.arange(1, self.losses.shape[1] + 1) if numbered else np.asarray(self.progress)
        self.lines_, self.bands_ = [], []
        for what, rows, color in (
            ("not flagged", judged & ~self.noise_mask, "tab:blue"),
            ("flagged", judged & self.noise_mask, "tab:orange"),
        ):
            if not rows.any():
                continue
            low, high = np.percentile(self.losses[rows], BAND, axis=0)
            middle = np.median(self.losses[rows], axis=0)
            how = {"color": color, "label": f"{what} ({rows.sum()})", **kwargs}
            self.lines_ += ax.plot(at, middle, **how)
            color = self.lines_[-1].get_color()
            self.bands_.append(ax.fill_between(at, low, high, color=color, alpha=0.2, linewidth=0))
        ax.set(xlabel="stage" if numbered else "share of the training", ylabel=self.loss_name)
        ax.set_ylim(bottom=min(0, ax.get_ylim()[0]) if np.nanmin(self.losses) < 0 else 0)
        ax.legend()
        return self
