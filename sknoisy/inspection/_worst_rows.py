"""The most suspect rows, to be looked at one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from sknoisy._evidence._arrays import as_numpy
from sknoisy._typing import Array, ArrayLike, Axes, MatrixLike
from sknoisy.inspection._axes import draw_on, plain, short
from sknoisy.inspection._found import check_has
from sknoisy.report._worst_rows import row_cells

N_ACROSS = 5  # images in a line
MOST_COLUMNS = 6  # of X


class WorstRowsDisplay:
    """The most suspect rows: a table of their values, or their images.

    Create it with `from_estimator` or `from_predictions`; needs matplotlib
    (`pip install 'sknoisy[plot]'`). For more than a first look, see `sknoisy.report.NoiseReport`,
    which sets each row beside its nearest look-alike.

    Parameters
    ----------
    table : DataFrame
        The rows, worst first: `row`, `given`, `suggested`, `probability`.
    cells : list of dict of str to str
        Their values by column.
    images : list of ndarray, default=None
        Their images, which are then drawn in place of the values.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    table_ : matplotlib Table or None
    axes_ : ndarray of matplotlib Axes, or None
        Of the images.
    images_ : list of matplotlib AxesImage, or None

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import ConfidentLearning
    >>> from sknoisy.inspection import WorstRowsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> detector = ConfidentLearning(LogisticRegression(max_iter=1000)).fit(X[:300], y[:300])
    >>> WorstRowsDisplay.from_estimator(  # doctest: +SKIP
    ...     detector, X[:300], y[:300], image_shape=(8, 8)
    ... )
    """

    ax_: Any
    figure_: Any
    table_: Any
    axes_: Any
    images_: list[Any] | None

    def __init__(
        self, table: pd.DataFrame, cells: list[dict[str, str]], *, images: list[Array] | None = None
    ) -> None:
        self.table = table
        self.cells = cells
        self.images = images

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: ArrayLike,
        *,
        n_rows: int = 10,
        columns: Sequence[str] | None = None,
        image_shape: tuple[int, ...] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the rows that a fitted detector or treatment suspects most.

        Parameters
        ----------
        estimator : fitted detector or treatment
        X, y
            What its `fit` got.
        n_rows : int, default=10
        columns : list of str, default=None
            Which values are shown; None means the first six columns. An array has the columns
            "column 0", "column 1" and so on.
        image_shape : tuple of int, default=None
            For rows that are images: (height, width) or (height, width, channels). None takes X of
            three or four dimensions as images.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `table` or `imshow`.

        Returns
        -------
        WorstRowsDisplay
        """
        check_has(cls, estimator, "noise_report")
        table = estimator.noise_report(X, y)
        return cls._of(table, X, n_rows, columns, image_shape).plot(ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        table: pd.DataFrame,
        X: MatrixLike,
        *,
        n_rows: int = 10,
        columns: Sequence[str] | None = None,
        image_shape: tuple[int, ...] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the first rows of a noise report.

        Parameters
        ----------
        table : DataFrame
            Of `noise_report`, or part of one, or any with the columns `row` (position in X),
            `given`, `suggested` and `probability`.
        X : rows
        n_rows, columns, image_shape, ax, **kwargs
            See `from_estimator`.

        Returns
        -------
        WorstRowsDisplay
        """
        return cls._of(table, X, n_rows, columns, image_shape).plot(ax=ax, **kwargs)

    @classmethod
    def _of(cls, table, X, n_rows, columns, image_shape):
        absent = {"row", "given", "suggested", "probability"} - set(table.columns)
        if absent:
            raise ValueError(f"table has no column {', '.join(sorted(absent))}.")
        table = table.head(n_rows)
        rows = table["row"].to_numpy()
        dimensions = 2 if isinstance(X, list) else np.ndim(X)
        if image_shape is not None or dimensions > 2:
            values = as_numpy(X, "X")[rows]
            shape = values.shape[1:] if image_shape is None else tuple(image_shape)
            return cls(table, None, images=list(values.reshape(len(rows), *shape)))
        cells = [row_cells(X, row) for row in rows]
        if columns is not None:
            names = list(columns)
            unknown = set(names) - {name for line in cells for name in line}
            if unknown:
                raise ValueError(f"X has no column {', '.join(sorted(map(str, unknown)))}.")
        else:  # of a sparse row only some are there
            names = list(dict.fromkeys(name for line in cells for name in line))[:MOST_COLUMNS]
        return cls(table, [{name: line.get(name, "") for name in names} for line in cells])

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw the rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `table` or `imshow`.

        Returns
        -------
        WorstRowsDisplay
        """
        self.table_ = self.axes_ = self.images_ = None
        n_rows = max(len(self.table), 1)
        if self.images is None:
            width = 2.0 + 1.3 * (4 + len(self.cells[0]) if self.cells else 4)
            ax = draw_on(self, ax, figsize=(width, 0.6 + 0.32 * n_rows), layout="constrained")
        else:
            n_lines = -(-n_rows // N_ACROSS)
            size = (1.7 * min(n_rows, N_ACROSS), 2.2 * n_lines)
            ax = draw_on(self, ax, figsize=size, layout="constrained")
        ax.set_axis_off()
        if not len(self.table):
            return self
        if self.images is None:
            self._draw_table(**kwargs)
        else:
            self._draw_images(**kwargs)
        return self

    def _draw_table(self, **kwargs):
        names = ["row", "given", "suggested", "probability", *self.cells[0]]
        lines = [
            [str(name), line.given, _other(line), f"{line.probability:.2f}", *cells.values()]
            for name, line, cells in zip(
                self.table.index, self.table.itertuples(), self.cells, strict=True
            )
        ]
        how = {
            "cellText": [[_shown(value) for value in line] for line in lines],
            "colLabels": [short(name) for name in names],
            "loc": "upper center",
            "cellLoc": "left",
            "colLoc": "left",
            "edges": "horizontal",
        }
        self.table_ = self.ax_.table(**(how | kwargs))
        self.table_.auto_set_font_size(False)
        self.table_.auto_set_column_width(range(len(names)))
        self.table_.scale(1, 1.3)
        plain(cell.get_text() for cell in self.table_.get_celld().values())
        for (line, _), cell in self.table_.get_celld().items():
            cell.get_text().set_fontweight("bold" if line == 0 else "normal")

    def _draw_images(self, **kwargs):
        place = self.ax_.get_subplotspec()
        if place is None:
            raise ValueError("Images need the place of a subplot: make ax by plt.subplots.")
        n_lines = -(-len(self.images) // N_ACROSS)
        across = min(len(self.images), N_ACROSS)
        grid = place.subgridspec(n_lines, across)
        self.axes_ = np.array([self.figure_.add_subplot(grid[i]) for i in range(len(self.images))])
        how = {"cmap": "gray_r"} if self.images[0].ndim == 2 else {}
        self.images_ = [
            ax.imshow(image, **(how | kwargs))
            for ax, image in zip(self.axes_, self.images, strict=True)
        ]
        for ax, name, line in zip(
            self.axes_, self.table.index, self.table.itertuples(), strict=True
        ):
            ax.set(xticks=[], yticks=[])
            what = f"{_shown(line.given)} → {_shown(_other(line))}"
            said = f"row {short(name)}\n{what}\n{line.probability:.2f}"
            plain([ax.set_title(said, fontsize="small")])


def _other(line):
    """The suggested target, if it is another one."""
    return "as given" if line.suggested == line.given else line.suggested


def _shown(value):
    """A label or number as a short text."""
    return f"{value:.4g}" if isinstance(value, float | np.floating) else short(value)
