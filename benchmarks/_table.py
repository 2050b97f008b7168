"""Tables for people and files for programs, shared by all benchmarks."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd


def show_and_save(rows, out=None, title=None):
    """Print rows as a table; with `out`, write them as CSV or JSON (by the suffix)."""
    table = pd.DataFrame(rows)
    if title:
        print(f"\n{title}")
    print(table.to_string(index=False, float_format=lambda x: f"{x:.3f}"))
    if out is not None:
        out = Path(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".json":
            out.write_text(json.dumps(rows, indent=1, default=str))
        else:
            table.to_csv(out, index=False)
        print(f"written: {out}")
    return table
