"""From Parquet files to findings, piece by piece."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import reduce
from operator import add
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from sknoisy._audit._columns import Features, find_twins
from sknoisy._audit._errors import AuditError, one_line
from sknoisy._audit._names import find_column
from sknoisy._audit._progress import Progress
from sknoisy._audit._roles import check_columns, special_columns
from sknoisy._audit._target import Target as InMemory
from sknoisy._audit._worst import key_columns
from sknoisy._audit._write import MOST_ON_PAGE, check_page
from sknoisy._audit.by_partition._columns import Table, sums_of
from sknoisy._audit.by_partition._csv import files_of
from sknoisy._audit.by_partition._files import find_paths
from sknoisy._audit.by_partition._models import (
    check_detector,
    check_form,
    check_options,
    engine,
    model_by_partition,
)
from sknoisy._audit.by_partition._page import score_histogram
from sknoisy._audit.by_partition._roles import Roles
from sknoisy._audit.by_partition._summary import Summary
from sknoisy._audit.by_partition._target import Seen, read_target
from sknoisy._audit.by_partition._verdicts import Judge, new_folder, sizes_of_errors
from sknoisy._evidence import weight_parameter
from sknoisy._evidence._splits import DEFAULT_FOLDS
from sknoisy.dask import DaskFilterClassifier, DaskFilterRegressor
from sknoisy.dask._described import JoinedByGroups
from sknoisy.dask._partitions import as_array, as_parted, kept, task, together
from sknoisy.report._words import what_is_not_known

SAMPLE = 20_000  # rows by which columns are compared with the target
GOES_WITH_PLACE = 0.3  # Cramér's V of the label and the piece, from which rows are sorted by label


def audit_by_partition(options):
    """`Summary` of an audit; the verdicts are in the folder of `--out` when it returns."""
    check_options(options)
    folder = None if options.out is None else new_folder(options.out)
    if options.report is not None:
        check_page("--report", options.report, options.file)
    n_folds = options.cv or DEFAULT_FOLDS
    paths = find_paths(options.file)
    check_form(options, paths)
    with engine(options) as where, files_of(paths, options, n_folds) as files:
        check_columns(list(files.kinds), options)
        with Progress("reading columns"):
            summary, roles = _look(files, options)
        check_detector(options, summary.target.task)
        summary.engine_text = f"Dask, in {where}, {len(files.pieces)} pieces of rows"
        model, n_epochs, as_typed = model_by_partition(
            options.model, summary.target.task, files.n_rows
        )
        if roles.weight is not None and weight_parameter(model) is None:
            raise AuditError(f"--weight: {type(model).__name__} takes no weights.")
        with Progress("comparing columns"):
            order = _compare(summary, options)
        with Progress("judging rows"):
            detect = Detection(files, summary, roles, model, n_epochs, as_typed, n_folds, options)
            search, found = detect.run()
        with Progress("writing verdicts" if folder else "counting"):
            missing = tuple(options.missing or ())
            n_worst = options.worst if options.report is None else max(MOST_ON_PAGE, options.worst)
            judge = Judge(summary.target, missing, order, n_worst, folder, found.judge)
            try:
                _gather(summary, judge, search, found)
            finally:
                judge.clear_up()
            if options.report is not None:
                summary.histogram, summary.cut = score_histogram(judge, search, found)
    summary.detector_text = _detector_text(search, model)
    summary.out = options.out
    return summary


def _look(files, options):
    """Which columns there are, what the target is, and which rows have one."""
    empty = pd.DataFrame(columns=list(files.kinds))
    name = find_column(empty, options.target, "--target")
    columns, set_aside = special_columns(empty, name, options)
    roles = Roles.of(columns)
    usable = ("number", "date", "time", "category")
    features = {
        column: kind
        for column, kind in files.kinds.items()
        if column not in set_aside and column != name and kind in usable
    }
    left_out = {
        column: kind
        for column, kind in files.kinds.items()
        if column not in set_aside and column != name and kind not in usable
    }
    missing = tuple(options.missing or ())
    asked = (name, files.kinds[name], features, missing)
    told = together([task(_describe)(piece, *asked) for piece in files.pieces])
    sums = {column: reduce(add, [one[1][column] for one in told]) for column in features}
    seen = reduce(add, [one[0] for one in told])
    target = read_target(name, files.kinds[name], seen, options.task, files.n_rows)
    table = Table.of(sums, features)
    table.left_out |= left_out
    if not table.kinds:
        reasons = [f"{name}: {why}" for name, why in list(table.left_out.items())[:5]]
        reasons = "; ".join([*files.notes[:2], *reasons])
        raise AuditError(f"no column is left to judge the target by ({reasons}).")
    summary = Summary(files, target, table, set_aside)
    summary.notes += [*files.notes, *target.notes, *table.notes]
    summary.first += target.first
    if target.labels is not None and _goes_with_place([one[0] for one in told]):
        summary.first.append(
            "labels go with the place in the files: folds are groups of pieces, and models that "
            "saw other labels judge these rows. Shuffle the rows, and audit again."
        )
    return summary, roles


def _describe(piece, target, kind, features, missing):
    frame = piece.read([target, *features], missing)
    return Seen.of(frame[target], kind), sums_of(frame, features)


def _goes_with_place(seen):
    """Whether the labels of a piece tell much of where it is (Cramér's V of the counts)."""
    counts = pd.DataFrame([one.counts for one in seen]).fillna(0.0).to_numpy()
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    chi2 = ((counts - expected) ** 2 / np.maximum(expected, 1e-300)).sum()
    n, (n_pieces, n_labels) = counts.sum(), counts.shape
    beyond = max(chi2 - (n_pieces - 1) * (n_labels - 1), 0.0)  # what chance alone gives
    return beyond / (n * max(min(n_pieces, n_labels) - 1, 1)) > GOES_WITH_PLACE**2


def _compare(summary, options):
    """Columns in the order in which they say something; notes on those like the target."""
    files, table, target = summary.files, summary.table, summary.target
    n_each = -(-SAMPLE // len(files.pieces))
    missing = tuple(options.missing or ())
    asked = (table, target, missing, n_each, options.seed)
    parts = together([task(_sample)(piece, *asked) for piece in files.pieces])
    X = pd.concat([part for part, _ in parts], ignore_index=True)
    y = np.concatenate([y for _, y in parts])
    table.medians = X[list(table.numbers)].median().dropna().to_dict()
    if target.labels is not None:
        y = target.labels[y]
    kinds = {name: "number" if kind == "time" else kind for name, kind in table.kinds.items()}
    features = Features(X, kinds, table.left_out)
    like = InMemory(target.name, target.task, y, np.arange(len(y)), {}, target.why)
    summary.notes += find_twins(features, like)
    return key_columns(features, like, options.seed)


def _sample(piece, table, target, missing, n, seed):
    frame = piece.read([target.name, *table.kinds], missing)
    rows, y = target.known(frame[target.name])
    if len(rows) > n:
        drawn = np.sort(np.random.RandomState(seed).choice(len(rows), n, replace=False))
        rows, y = rows[drawn], y[drawn]
    return table.typed(frame.iloc[rows]), y


@dataclass
class Detection:
    """The search for suspect rows, over pieces as partitions of collections."""

    files: Any
    summary: Summary
    roles: Roles
    model: Any
    n_epochs: int
    as_typed: bool
    n_folds: int
    options: Any

    def run(self):
        """(Search, Found) of the filter for collections."""
        how = {"cv": self.n_folds, "n_epochs": self.n_epochs, "random_state": self.options.seed}
        is_labels = self.summary.target.labels is not None
        detector = (DaskFilterClassifier if is_labels else DaskFilterRegressor)(self.model, **how)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                search = detector._search(*self._collections())
                found = detector._find(search)
        except AuditError:
            raise
        except JoinedByGroups as error:
            raise AuditError(
                "--groups: every piece of rows shares a group with others, so that no piece can "
                "judge another one: write the files sorted by groups, as many as folds or more, "
                "each with all the rows of its groups."
            ) from error
        except Exception as error:
            raise AuditError(
                f"{type(self.model).__name__} failed: {one_line(error)[:400]}"
            ) from error
        self._tell(search, found)
        return search, found

    def _collections(self):
        """X, y, weights, groups and trusted rows, one partition for each piece."""
        table, target = self.summary.table, self.summary.target
        missing = tuple(self.options.missing or ())
        pieces = self.files.pieces
        X = [task(_rows)(piece, table, target, missing, self.as_typed) for piece in pieces]
        asked = (target, self.roles, missing)
        others = kept([task(_others)(piece, *asked) for piece in pieces])
        sizes = together([task(_n_rows)(one) for one in others])
        found = together([task(_problem)(one) for one in others])
        if problem := next(filter(None, found), None):
            raise AuditError(problem)
        if alone := sum(together([task(_n_alone)(one) for one in others])):
            self.summary.notes.append(f"{alone} rows have no group: each is one of its own")
        if self.as_typed:
            empty = pd.DataFrame(columns=list(self.files.kinds)).astype(object)
            X = as_parted(table.typed(empty), X)
        else:
            X = as_array(X, sizes, float, (table.width(),))
        dtype = int if target.labels is not None else float
        y = as_array([task(_entry)(one, "y") for one in others], sizes, dtype)
        given = [X, y]
        for name, dtype in (("weight", float), ("groups", object), ("trusted", bool)):
            parts = [task(_entry)(one, name) for one in others]
            has_it = getattr(self.roles, name) is not None
            given.append(as_array(parts, sizes, dtype) if has_it else None)
        return given

    def _tell(self, search, found):
        """What is to be known before any verdict is believed."""
        labels, known = self.summary.target.labels, found.known
        unknown = [] if labels is None else labels[known.unknown_classes]
        told = SimpleNamespace(evidence_p_value_=known.p_value, unknown_classes_=unknown)
        doubt = what_is_not_known(told, labels is not None, shown=lambda k: one_line(k)[:20])
        self.summary.known, self.summary.doubt = told, doubt
        self.summary.first += [doubt] * bool(doubt)


def _rows(piece, table, target, missing, as_typed):
    frame = piece.read([target.name, *table.kinds], missing)
    rows, _ = target.known(frame[target.name])
    frame = frame.iloc[rows].reset_index(drop=True)
    return table.typed(frame) if as_typed else table.encoded(frame)


def _others(piece, target, roles, missing):
    """Dict of y and the columns with a use of their own, for the rows that have a target."""
    frame = piece.read([target.name, *roles.names()], missing)
    rows, y = target.known(frame[target.name])
    return {"y": y, **roles.entries(frame, rows, piece.first)}


def _entry(others, name):
    return others[name]


def _n_rows(others):
    return len(others["y"])


def _problem(others):
    return others.get("problem")


def _n_alone(others):
    return others.get("n_alone", 0)


def _gather(summary, judge, search, found):
    """Verdicts to the folder, and what is counted of them to the summary."""
    trusted = search.data.others["trusted"]
    each = zip(summary.files.pieces, found.said, found.verdicts, trusted, strict=True)
    told = together([task(judge)(p, *one) for p, one in enumerate(each)])
    judge.finish()
    summary.n_judged = sum(one.n_judged for one in told)
    summary.n_flagged = sum(one.n_flagged for one in told)
    summary.expected = sum(one.expected for one in told)
    summary.variance = sum(one.variance for one in told)
    summary.pairs = reduce(add, [one.pairs for one in told])
    if summary.target.labels is None and summary.n_flagged:
        summary.errors, summary.usual_error = sizes_of_errors(found)
    worst = pd.concat([one.worst for one in told], ignore_index=True)
    cells = pd.concat([one.cells for one in told], ignore_index=True)
    order = worst.sort_values(
        ["flagged", "probability", "score"], ascending=False, kind="stable", na_position="last"
    ).index[: judge.n_worst]
    summary.worst, summary.cells = worst.loc[order], cells.loc[order]


def _detector_text(search, model):
    name = "ConfidentLearning" if search.classes is not None else "Residual"
    n_fits = search.folds.max() + 1
    return (
        f"{name}, {n_fits} fits of {type(model).__name__}: each row judged by a model that has "
        "not seen its part of the files"
    )
