"""Models that learn by partition, and the engine that runs them."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import SGDClassifier

from sknoisy._audit._errors import AuditError, UsageError, one_line
from sknoisy._audit._models import SHORT_NAMES, make_model
from sknoisy._audit.by_partition._files import is_csv

ENOUGH = 1_000_000  # rows that a model is shown, the same ones again where there are fewer
MOST_EPOCHS = 10
OTHERS = [name for name in SHORT_NAMES if name not in ("linear", "logistic", "boosting")]
CHOICE = "linear, boosting (xgboost or lightgbm), or a scikit-learn class with partial_fit"
DETECTORS = {"classification": "confidentlearning", "regression": "residual"}
# option -> why it cannot be had
REFUSED = {
    "proba": "reads the predictions of all rows into memory",
    "json": "is made of all rows in memory",
    "compare": "reads two files of verdicts, without an engine",
}


def check_options(options):
    """Refuse by name what this engine cannot honour."""
    if options.file is None:
        raise UsageError(
            "--engine dask is for files: give FILE, a pattern such as 'data/*.parquet'."
        )
    for name, why in REFUSED.items():
        if getattr(options, name):
            raise UsageError(f"--{name} {why}: leave it out, or leave out --engine dask.")
    if options.contamination != "auto":
        raise UsageError(
            "--contamination: with --engine dask the detector's own rule says how many rows are "
            "flagged; sort what --out writes by its probability for another share."
        )
    if _plain(options.detector) not in ("", *DETECTORS.values()):
        raise UsageError(
            f"--detector {options.detector}: --engine dask has ConfidentLearning for labels and "
            "Residual for numbers, whose counts are sums over partitions."
        )
    if options.task is not None:
        check_detector(options, options.task)
    if options.model.lower() in OTHERS:
        raise UsageError(
            f"--model {options.model} does not learn by partition: with --engine dask take "
            f"{CHOICE}."
        )


def check_form(options, paths):
    """Refuse what has no say in Parquet, or cannot be had of CSV."""
    if is_csv(paths[0]):
        if os.environ.get("DASK_SCHEDULER_ADDRESS") is not None:
            raise AuditError(
                "CSV is written as Parquet on this machine first, where workers at "
                "DASK_SCHEDULER_ADDRESS do not see it: give Parquet, or --jobs in place of these."
            )
        return
    for name in ("sep", "decimal", "encoding"):
        if getattr(options, name):
            raise UsageError(f"--{name} is for CSV, and {paths[0]} is Parquet: leave it out.")


def check_detector(options, task):
    """Refuse a detector of the other task."""
    if _plain(options.detector) not in ("", DETECTORS[task]):
        raise UsageError(f"--detector {options.detector} is not for {task}, which the task is.")


def _plain(name):
    return (name or "").lower().replace("-", "").replace("_", "")


def is_boosting(name):
    return name.lower() == "boosting"


def model_by_partition(name, task, n_rows):
    """(model, n_epochs, whether it takes categories and missing numbers as they are)."""
    is_labels = task == "classification"
    if is_boosting(name):
        return _boosting(is_labels), 1, True
    if name.lower() in ("auto", "linear", "logistic"):
        if not is_labels:
            return RidgeBySums(), 1, False
        # the penalty of LogisticRegression()
        model = SGDClassifier(loss="log_loss", alpha=1 / n_rows, average=True)
    else:
        model = make_model(name, task)
        if not hasattr(model, "partial_fit") or (is_labels and not _has_proba(model)):
            lacks = "predict_proba" if hasattr(model, "partial_fit") else "partial_fit"
            raise UsageError(f"--model {name} has no {lacks}: with --engine dask take {CHOICE}.")
    counts = type(model).__module__.startswith("sklearn.naive_bayes")  # once is enough for these
    return model, 1 if counts else min(MOST_EPOCHS, -(-ENOUGH // n_rows)), False


def _has_proba(model):
    return hasattr(model, "predict_proba")


def _boosting(is_labels):
    try:
        from xgboost import dask as xgboost
    except ImportError:
        xgboost = None
    if xgboost is not None:
        make = xgboost.DaskXGBClassifier if is_labels else xgboost.DaskXGBRegressor
        return make(enable_categorical=True, verbosity=0)
    try:
        import lightgbm
    except ImportError as error:
        raise AuditError(
            "--model boosting with --engine dask needs one of them: pip install xgboost, or pip "
            "install lightgbm"
        ) from error
    make = lightgbm.DaskLGBMClassifier if is_labels else lightgbm.DaskLGBMRegressor
    return make(verbose=-1)


class RidgeBySums(RegressorMixin, BaseEstimator):
    """Ridge regression whose sums of products come piece by piece, so that once is enough.

    Parameters
    ----------
    alpha : float, default=1.0
        Penalty, as of `sklearn.linear_model.Ridge`.
    """

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y, sample_weight=None):
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        return self.partial_fit(X, y, sample_weight)

    def partial_fit(self, X, y, sample_weight=None):
        X = np.column_stack([np.ones(len(X)), X])
        weighted = X if sample_weight is None else X * sample_weight[:, None]
        self.products_ = getattr(self, "products_", 0.0) + weighted.T @ X
        self.with_y_ = getattr(self, "with_y_", 0.0) + weighted.T @ y
        penalty = np.diag(np.r_[0.0, np.full(X.shape[1] - 1, self.alpha)])
        self.coef_ = np.linalg.lstsq(self.products_ + penalty, self.with_y_, rcond=None)[0]
        return self

    def predict(self, X):
        return self.coef_[0] + X @ self.coef_[1:]


@contextmanager
def engine(options):
    """The scheduler: one that is there already, a cluster on this machine, or this process."""
    try:
        import dask
        import dask.dataframe  # noqa: F401
    except ImportError as error:
        raise AuditError('--engine dask needs Dask: pip install "sknoisy[dask]"') from error
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    if address is None and options.jobs == 1 and not is_boosting(options.model):
        with dask.config.set(scheduler="synchronous"):
            yield "this process"
        return
    from distributed import Client, LocalCluster

    if address is not None:
        try:
            client = Client(address, timeout=10)
        except Exception as error:
            raise AuditError(
                f"no Dask scheduler answers at DASK_SCHEDULER_ADDRESS: {one_line(error)[:200]}"
            ) from error
        with client:
            yield f"the cluster at {address}"
        return
    how = {"n_workers": options.jobs, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**how, silence_logs=logging.ERROR) as cluster, Client(cluster):
        yield f"{options.jobs} worker" + ("s" if options.jobs > 1 else "")
