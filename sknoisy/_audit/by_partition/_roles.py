"""Weights, groups and trusted rows of a piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sknoisy._audit._names import is_mark, plain
from sknoisy._audit._roles import FALSE, TRUE


@dataclass
class Roles:
    """Names of the columns with a use of their own, or None."""

    weight: str | None = None
    groups: str | None = None
    trusted: str | None = None

    @classmethod
    def of(cls, columns):
        return cls(**{use: column.name for use, column in columns.items()})

    def names(self):
        return list(dict.fromkeys(filter(None, (self.weight, self.groups, self.trusted))))

    def entries(self, frame, rows, first):
        """Dict of arrays for some rows of a frame, and perhaps a "problem"; `first` is the number \
of its first row."""
        entries = {}
        if self.weight is not None:
            entries["weight"] = values = _weights(frame[self.weight])[rows]
            bad = rows[~(np.isfinite(values) & (values >= 0))]
            if len(bad):
                entries["problem"] = (
                    f"--weight: row {first + bad[0]} of column {self.weight!r} is "
                    f"{frame[self.weight].iloc[bad[0]]!s:.30}; weights must be numbers of 0 or "
                    "more."
                )
        if self.groups is not None:
            entries["groups"], entries["n_alone"] = _groups(frame[self.groups], rows, first)
        if self.trusted is not None:
            texts = _truth(frame[self.trusted])
            bad = rows[~texts.isin(TRUE | FALSE).to_numpy()[rows]]
            if len(bad):
                entries["problem"] = (
                    f"--trusted: row {first + bad[0]} of column {self.trusted!r} is "
                    f"{frame[self.trusted].iloc[bad[0]]!s:.30}; use yes/no, true/false or 1/0, "
                    "nothing meaning no."
                )
            entries["trusted"] = texts.isin(TRUE).to_numpy()[rows]
        return entries


def _weights(column):
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _groups(column, rows, first):
    """(names, how many rows have none and so are one of their own)."""
    column = column.iloc[rows]
    names = column.astype(object).map(plain, na_action="ignore").to_numpy(dtype=object)
    alone = column.isna().to_numpy() | is_mark(column.astype(str)).to_numpy()
    names[alone] = [f"\0row {first + row}" for row in rows[alone]]
    return names, int(alone.sum())


def _truth(column):
    texts = column.astype(object).where(column.notna(), "").map(plain).str.lower()
    return texts.mask(is_mark(texts), "")
