"""What all displays share: axes to draw on, and texts that stay texts."""

from __future__ import annotations

import numpy as np

MOST_LETTERS = 24  # of a label or a value


def draw_on(display, ax, **how):
    """Keep in `display` the axes to draw on and their figure: those given, or new ones.

    matplotlib is imported only here, so that a package without it can be imported.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        name = type(display).__name__
        raise ImportError(f"{name} needs matplotlib: pip install 'sknoisy[plot]'.") from error
    if ax is None:
        _, ax = plt.subplots(**how)
    display.ax_, display.figure_ = ax, ax.figure
    return ax


def plain(texts):
    """Texts of matplotlib, in which a dollar sign now begins no formula."""
    texts = list(texts)
    for text in texts:
        text.set_parse_math(False)
    return texts


def name_ticks(ax, names):
    """Names at the ticks 0, 1, ... of both axes, as they are."""
    names = [short(name) for name in names]
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(len(names)), names, **(slanted if max(map(len, names)) > 3 else {}))
    ax.set_yticks(range(len(names)), names)
    plain([*ax.get_xticklabels(), *ax.get_yticklabels()])


def short(value):
    """A label or value as a text of bearable length, on one line."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(value))
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


def heat_map(display, values, *, fmt, vmin, vmax, cmap, label, most_cells=400):
    """A square of numbers by colour, each written into its cell unless these are too many.

    Keeps `image_`, `texts_` (ndarray of Text, or None) and `colorbar_` in `display`.
    """
    ax = display.ax_
    display.image_ = ax.imshow(values, vmin=vmin, vmax=vmax, cmap=cmap)
    display.colorbar_ = ax.figure.colorbar(display.image_, ax=ax, label=label)
    display.texts_ = None
    if values.size > most_cells:
        return
    display.texts_ = np.empty(values.shape, dtype=object)
    for (i, j), value in np.ndenumerate(values):
        if np.isnan(value):
            display.texts_[i, j] = ax.text(j, i, "–", ha="center", va="center")
            continue
        red, green, blue, _ = display.image_.cmap(display.image_.norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        display.texts_[i, j] = ax.text(
            j, i, format(value, fmt), ha="center", va="center", color="white" if dark else "black"
        )
