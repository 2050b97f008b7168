"""Two files of verdicts side by side."""

from __future__ import annotations

import os

import pandas as pd

from sknoisy._audit._errors import AuditError, one_line
from sknoisy._audit._print import counted, percent, rounded, shown
from sknoisy._audit._read import PARQUET, TABS

NEEDED = ["row", "given", "suggested", "probability", "score", "flagged"]
MOST = 10


def compare(first, second, width):
    """Lines that say where two audits agree, and where they do not."""
    a, b = (_read(path) for path in (first, second))
    names = [shown(os.path.basename(path), 30) for path in (first, second)]
    if len(a) != len(b):
        raise AuditError(
            f"{names[0]} has {len(a)} rows and {names[1]} has {len(b)}: only verdicts on the same "
            "rows can be compared."
        )
    flagged_a, flagged_b = a["flagged"].astype(bool), b["flagged"].astype(bool)
    both, only_a, only_b = flagged_a & flagged_b, flagged_a & ~flagged_b, flagged_b & ~flagged_a
    either = int((flagged_a | flagged_b).sum())
    judged = a["probability"].notna() & b["probability"].notna()
    lines = [
        f"{len(a)} rows: {flagged_a.sum()} flagged in {names[0]}, {flagged_b.sum()} in {names[1]}",
        f"  in both              {both.sum():>7}"
        + (f"   ({percent(both.sum() / either)} of those flagged in either)" if either else ""),
        f"  only in the first    {only_a.sum():>7}",
        f"  only in the second   {only_b.sum():>7}",
    ]
    ranks = a["score"][judged].rank().corr(b["score"][judged].rank())
    if pd.notna(ranks):
        lines.append(f"  agreement of ranks   {ranks:>7.2f}   (Spearman, 1 is the same order)")
    changed = _differ(a["given"], b["given"])
    if changed.all():
        raise AuditError(
            f"{names[0]} and {names[1]} have another target in every row: they are verdicts on "
            "different columns or tables."
        )
    if changed.any():
        rows = ", ".join(map(str, a["row"][changed].head(MOST)))
        lines.append(
            f"  {counted(int(changed.sum()), 'row')} had another target: {rows}"
            + (" and others" if changed.sum() > MOST else "")
        )
    other = both & _differ(a["suggested"], b["suggested"])
    if other.any() and not pd.api.types.is_numeric_dtype(a["suggested"]):
        lines.append(f"  another suggestion for {counted(int(other.sum()), 'row')} flagged in both")
    for which, title in ((only_a, "first"), (only_b, "second")):
        if which.any():
            lines += ["", f"Flagged only in the {title}, the surest first"]
            lines += _rows(a, b, which, names, width)
    return lines


def _differ(one, other):
    """Where two columns hold different values; missing and missing are the same."""
    return (one.astype(str) != other.astype(str)) & (one.notna() | other.notna())


def _rows(a, b, which, names, width):
    surest = a["probability"].where(a["flagged"].astype(bool), b["probability"])[which]
    lines = []
    for i in surest.sort_values(ascending=False, kind="stable").index[:MOST]:
        said = [rounded(table.loc[i, "probability"]) for table in (a, b)]
        line = a.loc[i] if a.loc[i, "flagged"] else b.loc[i]
        text = (
            f"  row {line['row']}: {shown(line['given'])} -> {shown(line['suggested'])}, "
            f"wrong: {said[0]} by the first, {said[1]} by the second"
        )
        lines.append(text if len(text) <= width else text[: width - 3] + "...")
    return lines


def _read(path):
    is_folder = os.path.isdir(path)  # of an audit by partitions
    if not is_folder and not os.path.isfile(path):
        raise AuditError(f"no such file: {path}")
    try:
        if is_folder or path.lower().endswith(PARQUET):
            table = pd.read_parquet(path)
        else:
            tabs = path.lower().removesuffix(".gz").endswith(TABS)
            table = pd.read_csv(path, sep="\t" if tabs else ",")
    except Exception as error:  # whatever a reader of files raises
        raise AuditError(f"{path} cannot be read: {one_line(error)[:300]}") from error
    absent = [name for name in NEEDED if name not in table]
    if absent:
        raise AuditError(
            f"{path} has no column {absent[0]!r}: --compare reads what --out has written."
        )
    return table
