"""From options to findings."""

from __future__ import annotations

import os
import tempfile
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from sknoisy._audit._columns import Features, find_twins, leave_out_order, read_features
from sknoisy._audit._errors import AuditError, UsageError, harmless, one_line
from sknoisy._audit._models import (
    check_names,
    choose_model,
    limit_forest,
    make_detector,
    make_model,
    pipeline_for,
)
from sknoisy._audit._names import find_column
from sknoisy._audit._numbers import find_decimal_mark
from sknoisy._audit._print import describe_absent, sentence
from sknoisy._audit._proba import read_predictions
from sknoisy._audit._progress import Progress, count_fits
from sknoisy._audit._read import read_table
from sknoisy._audit._roles import check_columns, fit_parameters, special_columns
from sknoisy._audit._target import Target, read_target
from sknoisy._audit._worst import FIRST
from sknoisy._evidence import weight_parameter
from sknoisy._evidence._splits import DEFAULT_FOLDS
from sknoisy._evidence.bags._out_of_bag import has_oob
from sknoisy.exceptions import CleaningLimitWarning, OwnEvidenceWarning, RareClassWarning
from sknoisy.report import NoiseReport
from sknoisy.report._look_alikes import count_copies
from sknoisy.report._words import copies_in_words, what_is_not_known


@dataclass
class Result:
    """All that is printed and written.

    Attributes
    ----------
    source : str
        Name of the data.
    path : str or None
        File, None for bundled data.
    n_rows, n_columns : int
    table : DataFrame
        The data as read.
    target : Target
    features : Features
    set_aside : dict of str to str
        Columns with another use, and which.
    model : Pipeline
    model_text, detector_text : str
    detector : BaseDetector
    report : DataFrame
        `noise_report`; `row` is the position among the rows that have a target.
    notes : list of str
    first, known : list of str
        What stands above the verdicts, since it decides what they are worth: what is odd about the
        table, and what the features know of the target.
    copies : str, empty if there are none
        How many rows have equal features.
    """

    source: str
    path: str | None
    n_rows: int
    n_columns: int
    table: pd.DataFrame
    target: Target
    features: Features
    set_aside: dict
    model: Pipeline
    model_text: str
    detector_text: str
    detector: Any
    report: pd.DataFrame
    notes: list
    first: list
    known: list
    copies: str


def audit_file(path, options):
    """Read a file and judge its target column."""
    check_names(options)
    _check_proba(options)
    with Progress(f"reading {harmless(os.path.basename(path))}"):
        table, notes = read_table(
            path,
            options.target,
            sep=options.sep,
            encoding=options.encoding,
            missing=options.missing or (),
            check=lambda names: check_columns(names, options),
        )
    return audit_table(table, options, source=os.path.basename(path), path=path, notes=notes)


def _check_proba(options):
    """Refuse what would have no say where predictions are given."""
    if options.proba is None:
        return
    for name, plain in (("model", "auto"), ("cv", None)):
        if getattr(options, name) != plain:
            raise UsageError(
                f"--{name} has no say with --proba, whose predictions are there already: no model "
                "is fitted. Leave one of the two out."
            )


def audit_table(table, options, *, source, path=None, notes=()):
    """Judge the target column of a table."""
    name = find_column(table, options.target, "--target")
    columns, set_aside = special_columns(table, name, options)
    decimal = find_decimal_mark(table, options.decimal)
    target = read_target(table[name], options.task, decimal)
    rest = table.drop(columns=[name, *set_aside])
    features = read_features(rest.iloc[target.rows].reset_index(drop=True), decimal)
    leave_out_order(features, target)
    notes = [*notes, *target.notes, *features.notes]
    metadata = fit_parameters(columns, target, decimal, notes)
    if options.proba is not None:
        metadata["predicted"] = read_predictions(options.proba, len(table), target)

    name, why = options.model, None
    if name == "auto":
        name, why = choose_model(features, target)
    model = make_model(name, target.task)
    limit_forest(model, target)
    if "sample_weight" in metadata and weight_parameter(model) is None:
        raise UsageError(
            f"--weight: {type(model).__name__} takes no weights; choose boosting, forest, linear "
            "or tree."
        )
    handle, log = tempfile.mkstemp(prefix="sknoisy-")
    os.close(handle)
    try:
        pipeline = pipeline_for(model, features, log)
        detector = make_detector(
            options.detector,
            target.task,
            pipeline,
            contamination=options.contamination,
            cv=options.cv,
            n_jobs=options.jobs,
            random_state=options.seed,
        )
        if has_oob(model) and options.jobs > 1:  # one fit, so the jobs are the forest's
            model.set_params(n_jobs=options.jobs)
        total = _expected_fits(detector, model, options, metadata)
        with Progress("judging rows", total, log):
            report = _judge(detector, features.X, target, metadata, options, notes)
        n_fits, n_predictions = count_fits(log)
    finally:
        os.remove(log)
    is_labels = target.task == "classification"
    doubt = what_is_not_known(detector, is_labels, shown=lambda name: one_line(name)[:20])
    return Result(
        source=source,
        path=path,
        n_rows=len(table),
        n_columns=len(table.columns),
        table=table,
        target=target,
        features=features,
        set_aside=set_aside,
        model=pipeline,
        **_describe(detector, model, why, n_fits, n_predictions, options.proba),
        detector=detector,
        report=report,
        notes=notes,
        first=[*target.first, *find_twins(features, target)],
        known=[doubt] * bool(doubt),
        copies=copies_in_words(*count_copies(features.X, target.y), len(target.y)),
    )


def _describe(detector, model, why, n_fits, n_predictions, proba):
    name = type(detector).__name__
    scale = f"(scale={detector.scale!r})" if hasattr(detector, "scale") else ""
    if proba is not None:
        given = f"the predictions in {harmless(os.path.basename(proba))}"
        return {"model_text": given, "detector_text": f"{name}{scale}, no fit of a model"}
    model_text = type(model).__name__ + (f" ({why})" if why else "")
    fits = f"{n_fits} fits" if n_fits != 1 else "1 fit"
    if n_predictions:
        how = f"{fits} of the model: each row judged by models that have not seen it"
    elif n_fits and has_oob(model):
        how = f"{fits} of the model: each row judged by the trees that have not seen it"
    else:
        model_text, how = f"none: {name} does without one", "no fit of a model"
        if "estimator" not in detector.get_params(deep=False):
            model_text, how = f"{name} has its own", "whose fits are its own, too"
    return {"model_text": model_text, "detector_text": f"{name}{scale}, {how}"}


def _expected_fits(detector, model, options, metadata):
    if type(detector).__name__ not in ("ConfidentLearning", "Residual"):
        return None
    if options.proba is not None:
        return 0
    if options.cv is None and "groups" not in metadata and has_oob(model):
        return 1
    return options.cv or DEFAULT_FOLDS


# --------------------------------------------------------------------------- judging


def _judge(detector, X, target, metadata, options, notes):
    """Fit the detector and make its report; every failure is one line."""
    if options.jobs > 1:  # what other processes would print belongs into the notes or nowhere
        os.environ.setdefault("PYTHONWARNINGS", "ignore")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        shown = (RareClassWarning, CleaningLimitWarning, OwnEvidenceWarning, ConvergenceWarning)
        for category in shown if options.jobs == 1 else shown[:3]:
            warnings.simplefilter("always", category)
        try:
            # Learners of many threads wait for each other by turning in circles, which on a busy
            # machine makes them many times slower: one thread for each job.
            with threadpool_limits(1) if options.jobs == 1 else threadpool_limits():
                detector.fit(X, target.y, **metadata)
            report = detector.noise_report(X, target.y)
        except MemoryError as error:
            raise AuditError("the memory of this machine does not suffice.") from error
        except Exception as error:
            model = (
                type(detector.estimator.steps[-1][1]).__name__
                if hasattr(detector, "estimator") and detector.estimator is not None
                else "no model"
            )
            raise AuditError(
                f"{type(detector).__name__} with {model} failed: {one_line(error)[:400]}"
            ) from error
    if report["score"].isna().all():
        raise AuditError("no row could be judged: every class has a single row, or too few groups.")
    notes += _warning_notes(caught)
    return report


def _warning_notes(caught):
    texts = [one_line(w.message) for w in caught if w.category is not ConvergenceWarning]
    n = sum(w.category is ConvergenceWarning for w in caught)
    if n:
        texts.append(f"{n} fits of the model stopped before they converged")
    return list(dict.fromkeys(texts))


def _as_dates(days):
    """Dates to the second, which reach beyond those to the nanosecond."""
    known = days.notna().to_numpy()
    dates = np.full(len(days), "NaT", dtype="datetime64[s]")
    dates[known] = (days.to_numpy()[known] * 86_400).round().astype("int64")
    return dates


def noise_report_of(result, n_worst):
    """`NoiseReport` of an audit, whose rows have the numbers that they have in the file."""
    X = result.features.X.set_axis(result.target.rows, axis=0)
    notes = [*result.first, *describe_absent(result), *result.notes, FIRST]
    notes = [sentence(text) for text in notes]
    for name in result.features.names("date"):  # as a person reads them
        X[name] = _as_dates(X[name])
    for name in result.features.names("number"):
        if result.table[name].dropna().astype(str).str.lower().isin(["true", "false"]).all():
            X[name] = X[name].map({1.0: "True", 0.0: "False"})
    return NoiseReport.from_estimator(
        result.detector, X, result.target.y, title=result.source, n_worst=n_worst, notes=notes
    )
