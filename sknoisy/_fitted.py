"""What a fit leaves on an object."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data


def replace_fitted(estimator, fitted):
    """Set the outcome of a fit, and take away the attributes that an earlier fit has left.

    In one step, so that Ctrl-C comes before it or after it.
    """
    kept = {k: v for k, v in vars(estimator).items() if k.startswith("_") or not k.endswith("_")}
    estimator.__dict__ = kept | fitted


def seen_features(X):
    """`n_features_in_` and `feature_names_in_`, where X has such things."""
    seen = BaseEstimator()
    # scikit-learn keeps no column names of mixed types; whether they will do is up to the model
    with suppress(TypeError):
        if isinstance(X, pd.DataFrame) and not X.columns.is_unique:
            return {"n_features_in_": X.shape[1]}  # nor names that occur twice
        validate_data(seen, X, skip_check_array=True)
    return vars(seen)


def model_attributes(model):
    """What a wrapper says of X in its model's words."""
    names = ("n_features_in_", "feature_names_in_")
    return {name: getattr(model, name) for name in names if hasattr(model, name)}


class PlainState:
    """Mixin, in front of BaseEstimator: what is written to disk holds arrays, and no DataFrame.

    skops writes no DataFrame, and what pickle makes of one is bound to the version of pandas.
    """

    def __getstate__(self):
        state = super().__getstate__()
        tables = [name for name, value in state.items() if isinstance(value, pd.DataFrame)]
        if not tables:
            return state
        plain = {name: _as_arrays(state[name]) for name in tables}
        return {k: v for k, v in state.items() if k not in tables} | {"_tables": plain}

    def __setstate__(self, state):
        state = dict(state)
        tables = state.pop("_tables", {})
        super().__setstate__(state | {name: _as_table(plain) for name, plain in tables.items()})


def _as_arrays(table):
    index = None if isinstance(table.index, pd.RangeIndex) else table.index.to_numpy()
    columns = {name: values.to_numpy() for name, values in table.items()}
    return {"columns": columns, "index": index, "name": table.index.name, "n": len(table)}


def _as_table(plain):
    index = pd.RangeIndex(plain["n"]) if plain["index"] is None else plain["index"]
    return pd.DataFrame(plain["columns"], index=pd.Index(index, name=plain["name"]))
