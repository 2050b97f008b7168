"""The verdict on each row of a piece, as a file and as counts."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd

from sknoisy._audit._errors import AuditError, UsageError
from sknoisy._audit._write import COLUMNS
from sknoisy.dask._numbers import scaled
from sknoisy.dask._order import medians
from sknoisy.dask._partitions import kept, task, together
from sknoisy.detection._base import HARDLY
from sknoisy.detection.out_of_sample._residual import reason_of
from sknoisy.noise_model._confident_joint import joint_posterior, proba_of_given


class Told(NamedTuple):
    """What is known of a piece when its verdicts are written."""

    n_judged: int
    n_flagged: int
    expected: float
    variance: float
    pairs: Counter
    worst: pd.DataFrame
    cells: pd.DataFrame


class Judge:
    """Writes the verdicts on one piece, and counts them.

    Parameters
    ----------
    target : Target
    missing : tuple of str
    order : list of str
        Columns that say most to a reader.
    n_worst : int
    folder : str or None
        To be made, with one file for each piece.
    judge : tuple
        By what rows were judged, see `Found`.
    """

    def __init__(self, target, missing, order, n_worst, folder, judge):
        self.target, self.missing, self.order, self.n_worst = target, missing, order, n_worst
        self.folder, self.judge = folder, judge
        if folder is not None:
            os.mkdir(_unfinished(folder))

    def __call__(self, number, piece, said, verdict, trusted):
        cells = piece.read(dict.fromkeys([self.target.name, *self.order]), self.missing)
        rows, _ = self.target.known(cells[self.target.name])
        judged = self.judged(said, verdict, trusted)
        table = self._of_all(piece, rows, judged, said)
        if self.folder is not None:
            name = f"part-{number:05d}.parquet"
            _write(table, os.path.join(_unfinished(self.folder), name), self.target)
        report = table.iloc[rows]
        report = report[report["score"].notna()]
        worst = report.sort_values(
            ["flagged", "probability", "score"], ascending=False, kind="stable"
        ).iloc[: self.n_worst]
        flagged, chance = report[report["flagged"]], report["probability"]
        return Told(
            n_judged=len(report),
            n_flagged=len(flagged),
            expected=float(chance.sum()),
            variance=float((chance * (1 - chance)).sum()),
            pairs=self._pairs(flagged),
            worst=worst.assign(reason=self._reasons(said, judged, _at(rows, worst.index))),
            cells=cells[self.order].iloc[worst.index],
        )

    def _pairs(self, flagged):
        if self.target.labels is None:
            return Counter()
        return Counter(zip(flagged["given"], flagged["suggested"], strict=True))

    def finish(self):
        """All parts are there: the folder gets its name."""
        if self.folder is not None:
            os.rename(_unfinished(self.folder), self.folder)

    def clear_up(self):
        """Nothing half-made is left."""
        if self.folder is not None:
            shutil.rmtree(_unfinished(self.folder), ignore_errors=True)

    def judged(self, said, verdict, trusted):
        """Dict of verdicts on the rows that have a target."""
        judge = self._of_numbers if self.target.labels is None else self._of_labels
        return judge(said, verdict, trusted)

    def _of_labels(self, said, verdict, trusted):
        """Verdicts on the rows that have a target, as in memory."""
        (proba, codes), (chance, flagged) = said, verdict
        labels = self.target.labels
        joint, _, known = self.judge
        judged = ~np.isnan(proba).any(axis=1)
        posterior = np.eye(len(labels))[codes]
        own = posterior[judged]
        found = joint_posterior(proba[judged], codes[judged], joint)
        share = np.where(known[codes[judged]], 1.0, HARDLY)[:, None]
        posterior[judged] = own + share * (found - own)
        if trusted is not None:
            posterior[trusted] = np.eye(len(labels))[codes[trusted]]
        best = posterior.argmax(axis=1)
        others = posterior[flagged]
        others[np.arange(len(others)), codes[flagged]] = -1.0
        best[flagged] = others.argmax(axis=1)
        score = np.where(judged, np.clip(1.0 - proba_of_given(proba, codes), 0.0, 1.0), np.nan)
        return {
            "given": labels[codes],
            "suggested": labels[best],
            "probability": chance,
            "score": score,
            "flagged": flagged,
            "best": best,
        }

    def _of_numbers(self, said, verdict, trusted):
        """The same of numbers."""
        _, size, scale = scaled(said, *self.judge)
        predicted, y = said[:2]
        return {
            "given": y,
            "suggested": np.where(np.isnan(predicted), y, predicted),
            "probability": verdict[0],
            "score": size,
            "flagged": verdict[1],
            "scale": scale,
        }

    def _of_all(self, piece, rows, judged, said):
        """One row for each row of the piece; those without a target have no verdict."""
        n = piece.n_rows
        table = pd.DataFrame({"row": np.arange(piece.first, piece.first + n)})
        for name in ("given", "suggested"):
            column = np.full(n, None, dtype=object)
            column[rows] = judged[name]
            table[name] = column
        for name in ("probability", "score"):
            column = np.full(n, np.nan)
            column[rows] = judged[name]
            table[name] = column
        flagged = np.zeros(n, dtype=bool)
        flagged[rows] = judged["flagged"]
        table["flagged"] = flagged
        reason = np.full(n, "target missing", dtype=object)
        reason[rows] = np.where(np.isnan(judged["score"]), "not judged", "")
        at = np.flatnonzero(judged["flagged"])
        reason[rows[at]] = self._reasons(said, judged, at)
        table["reason"] = reason
        return table[COLUMNS]

    def _reasons(self, said, judged, at):
        """Why some of the rows are suspect, in the words of the detectors in memory."""
        if self.target.labels is None:
            each = (judged[name][at] for name in ("given", "suggested", "scale", "score"))
            return [
                reason_of(predicted, y - predicted, scale, score)
                for y, predicted, scale, score in zip(*each, strict=True)
            ]
        (proba, codes), labels = said, self.target.labels
        reasons = []
        for i in at:
            best, given = judged["best"][i], codes[i]
            reason = f"looks like {labels[best]} (p={proba[i, best]:.2f})"
            not_it = f"not {labels[given]} (p={proba[i, given]:.2f})"
            reasons.append(f"{reason}, {not_it if best != given else 'as given'}")
        return reasons


def sizes_of_errors(found):
    """((name, rows, median, largest) of numbers given too high, and too low; the usual error)."""
    pairs = zip(found.said, found.verdicts, strict=True)
    parts = kept([task(_errors)(*pair) for pair in pairs])
    sides = {"given too high": 1.0, "given too low": -1.0}
    told = np.array(together([task(_extents)(part, list(sides.values())) for part in parts]))
    n_rows, largest = told[..., 0].sum(axis=0).astype(int), told[..., 1].max(axis=0)
    *middle, usual = medians(parts, _sizes, [*sides.values(), 0.0])
    each = zip(sides.items(), n_rows, middle, largest, strict=True)
    return [(name, n, sign * m, sign * top) for (name, sign), n, m, top in each if n], usual


def _errors(said, verdict):
    """(given minus predicted, flagged) of the rows that were judged."""
    error = said[1] - said[0]
    judged = ~np.isnan(error)
    return error[judged], verdict[1][judged]


def _sizes(part, sign):
    """Sizes of the errors of one side that are flagged; of all errors for 0."""
    error, flagged = part
    return np.abs(error) if sign == 0 else sign * error[flagged & (sign * error > 0)]


def _extents(part, signs):
    return [(len(v), v.max(initial=0.0)) for v in (_sizes(part, sign) for sign in signs)]


def _at(rows, index):
    return np.searchsorted(rows, index.to_numpy())


def new_folder(path):
    """Refuse early where verdicts cannot be written; the path of the folder to be made."""
    target = os.path.realpath(path)
    parent = os.path.dirname(target)
    if os.path.exists(target) and not (os.path.isdir(target) and not os.listdir(target)):
        raise UsageError(
            f"--out {path} exists: with --engine dask, name a folder that is to be made, with a "
            "Parquet file for each part of the rows."
        )
    if not os.path.isdir(parent):
        raise UsageError(f"--out {path}: there is no directory {os.path.dirname(path) or parent}")
    if not os.access(parent, os.W_OK):
        raise AuditError(f"--out {path}: no permission to write in {parent}")
    return target


def _unfinished(folder):
    parent, name = os.path.split(folder)
    return os.path.join(parent, f".{name}.part")


def _write(table, path, target):
    import pyarrow as pa
    from pyarrow.parquet import write_table

    kind = pa.float64()
    if target.labels is not None:
        kind = {"b": pa.bool_(), "i": pa.int64(), "f": pa.float64()}.get(
            target.labels.dtype.kind, pa.string()
        )
    types = {"row": pa.int64(), "given": kind, "suggested": kind, "flagged": pa.bool_()}
    types |= {"reason": pa.string()}
    schema = pa.schema([(name, types.get(name, pa.float64())) for name in COLUMNS])
    write_table(pa.Table.from_pandas(table, schema=schema, preserve_index=False), path)
