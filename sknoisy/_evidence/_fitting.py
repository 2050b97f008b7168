"""How a model is fitted here: on some rows, with weights that are never lost."""

from __future__ import annotations

import re
from inspect import Parameter, signature

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble._base import _BaseHeterogeneousEnsemble
from sklearn.feature_selection import SelectorMixin, VarianceThreshold
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing, check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import _routing_enabled, get_routing_for_object
from sklearn.utils.validation import _num_samples, has_fit_parameter

from sknoisy._evidence._arrays import as_numpy, explained, is_foreign, take_foreign
from sknoisy._progress import fit_of

# where a step has parts, and in which parameter
PARTS_OF = {Pipeline: "steps", FeatureUnion: "transformer_list", ColumnTransformer: "transformers"}


class IsModel(HasMethods):
    """Constraint of a parameter: it predicts, or is a classifier or regressor and will, fitted."""

    def __init__(self):
        super().__init__(["fit", "predict"])

    def is_satisfied_by(self, val):
        if super().is_satisfied_by(val) or not hasattr(val, "fit"):
            return hasattr(val, "fit")
        try:  # a StackingClassifier without a final estimator, for instance
            return is_classifier(val) or is_regressor(val)
        except (AttributeError, TypeError):  # it has no tags
            return False


def check_kind(estimator, task, owner):
    """Say by name that `owner` cannot work with an estimator of another kind."""
    if isinstance(estimator, type):
        raise TypeError(
            f"{owner} needs an estimator object, got the class {estimator.__name__}: "
            f"write {estimator.__name__}()."
        )
    try:
        clone(estimator)
    except RuntimeError as error:
        error.add_note(
            "sknoisy fits clones of a model, and a clone must have the parameters that the model "
            "was given, not copies of them. A tuple in place of a list often helps, as in "
            "CatBoostClassifier(cat_features=tuple(names))."
        )
        raise
    tags = get_tags(estimator)
    if _takes_pairs(estimator):
        raise ValueError(
            f"{owner} got {type(estimator).__name__} with precomputed distances or kernels: "
            "sknoisy fits models on parts of the rows, and columns of X would have to go with "
            "them, also in predict. Give the features, and the kernel by name or as a callable."
        )
    if tags.target_tags.multi_output and not tags.target_tags.single_output:
        raise TypeError(
            f"{owner} judges one target, and {type(estimator).__name__} predicts several: wrap it "
            f"the other way round, with {owner} around the model of one target, in a "
            "MultiOutputClassifier or MultiOutputRegressor."
        )
    kind = tags.estimator_type
    mine, other = "classifier", "regressor"
    if task == "regression":
        mine, other = other, mine
    if kind in (mine, None):
        return
    twin = owner.replace(mine.capitalize(), other.capitalize())
    use = f": use {twin}" if kind == other and twin != owner else ""
    raise TypeError(f"{owner} needs a {mine}, got {type(estimator).__name__} ({kind}){use}.")


def _takes_pairs(estimator):
    """Whether X has a column for each row: of the model, or of one that it hands X on to."""
    try:
        if get_tags(estimator).input_tags.pairwise:
            return True
    except (AttributeError, TypeError):  # one within another need have no tags
        return False
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps if not _changes_nothing(step)]
        return len(steps) == 1 and hasattr(steps[0], "fit") and _takes_pairs(steps[0])
    if not type(estimator).__module__.startswith("sklearn."):  # it may make the kernel itself
        return False
    given = estimator.get_params(deep=False).values()
    parts = [part for value in given if isinstance(value, list) for part in value]
    named = [part[1] for part in parts if isinstance(part, tuple) and len(part) > 1]
    models = [model for model in [*given, *parts, *named] if hasattr(model, "fit")]
    return any(_takes_pairs(model) for model in models if not isinstance(model, type))


def _changes_nothing(step):
    return step in (None, "passthrough") or (
        isinstance(step, FunctionTransformer) and step.func is None
    )


# X_val, y_val, sample_weight_val, val_set, eval_set, eval_metric, eval_names, validation_data, ...
_VALIDATION = re.compile(r"(?:^|_)(?:e?val|eval|valid|validation|test)(?:_|s?$)").search


def take_rows(X, rows):
    """Rows of any container: array, sparse, DataFrame, polars, list, texts."""
    if issparse(X) and X.format in ("bsr", "coo", "dia"):  # these have no row indexing
        X = X.tocsr()
    if type(X).__module__ == "pyarrow.lib":  # a RecordBatch would become a list of dicts
        rows = np.arange(len(X))[rows] if isinstance(rows, slice) else np.asarray(rows)
        return X.take(np.flatnonzero(rows) if rows.dtype == bool else rows)
    if isinstance(X, pd.Index | pd.api.extensions.ExtensionArray):  # targets, for instance
        return X.take(rows)
    if not hasattr(X, "__getitem__"):  # array-likes that only know how to become an array
        X = as_numpy(X, "X")
    return take_foreign(X, rows) if is_foreign(X) else _safe_indexing(X, rows)


def take_params(params, rows, n):
    """Slice those fit parameters that have one entry per training row.

    That is those of n entries, but for validation sets (`X_val`, `eval_set`, `validation_data`),
    which are other rows, even if they happen to be as many.
    """
    return {
        name: take_rows(value, rows) if _is_per_row(value, n) and not _VALIDATION(name) else value
        for name, value in (params or {}).items()
    }


def _is_per_row(value, n):
    if isinstance(value, (str, bytes, dict)) or not (
        hasattr(value, "shape") or hasattr(value, "__len__")
    ):
        return False
    return not np.isscalar(value) and _num_samples(value) == n


FIRST_GUESSES = {"init_score", "base_margin", "baseline"}  # LightGBM, XGBoost, CatBoost
WITHOUT_LABEL = {"SelfTrainingClassifier", "LabelSpreading", "LabelPropagation"}


def check_meaning(estimator, y, params):
    """Refuse by name what a model takes in another sense than the rows are judged in.

    First guesses are added to what is learnt, and not to what is predicted, so that rows would be
    judged without them. To a semi-supervised model -1 is no label.
    """
    names = {name.split("__")[-1]: name for name in params or {}}
    guess = next((names[name] for name in FIRST_GUESSES & set(names)), None)
    if guess is not None and params[guess] is not None:
        raise ValueError(
            f"{guess} is a first guess that {_blame(estimator)} learns beside and does not add in "
            "predict, so that rows would be judged without it. Give it as a feature instead."
        )
    semi = next((m for m in _models_in(estimator) if type(m).__name__ in WITHOUT_LABEL), None)
    if semi is None or getattr(y, "dtype", np.dtype(object)).kind not in "if":
        return
    rows = np.flatnonzero(y == -1)
    if len(rows):
        raise ValueError(
            f"To {type(semi).__name__} the label -1 means that a row has none ({len(rows)} rows, "
            f"first row {rows[0]}), and here it would count as a class. Fit sknoisy's estimator on "
            "the labelled rows, y != -1, around an ordinary classifier, and give its corrected "
            "labels with the unlabelled rows to the semi-supervised one."
        )


def _models_in(estimator):
    """The estimator and those inside it."""
    yield estimator
    if hasattr(estimator, "get_params") and not isinstance(estimator, type):
        inner = estimator.get_params(deep=True).values()
        yield from (value for value in inner if hasattr(value, "fit"))


def weight_parameter(estimator):
    """Name of the `fit` parameter through which `estimator` takes weights, or None.

    With metadata routing off, a Pipeline takes them for its last step. With routing on they are
    passed as `sample_weight`, when a `set_fit_request` of its steps asks for them. A Pipeline in
    which a step makes other rows takes none.
    """
    if makes_rows(estimator) is not None:
        return None
    if _routing_enabled() and _takes_any_parameter(estimator):
        asks = get_routing_for_object(estimator).consumes("fit", ["sample_weight"])
        return "sample_weight" if asks else None
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        inner = None if last is None or last == "passthrough" else weight_parameter(last)
        return None if inner is None else f"{name}__{inner}"
    if isinstance(estimator, BaseSearchCV):
        return weight_parameter(estimator.estimator)
    if isinstance(estimator, TransformedTargetRegressor):
        # its default regressor, LinearRegression, takes weights
        inner = estimator.regressor
        return "sample_weight" if inner is None else weight_parameter(inner)
    if isinstance(estimator, _BaseHeterogeneousEnsemble):  # voting, stacking
        models = [model for _, model in estimator.estimators if model != "drop"]
        models.append(getattr(estimator, "final_estimator", None))
        takes = [has_fit_parameter(model, "sample_weight") for model in models if model is not None]
        return "sample_weight" if all(takes) else None
    return _direct(estimator)


def makes_rows(estimator):
    """The step of a Pipeline that gives the model other rows than came (SMOTE), or None."""
    if isinstance(estimator, BaseSearchCV):
        return makes_rows(estimator.estimator)
    if not isinstance(estimator, Pipeline):
        return None
    makers = [step for _, step in estimator.steps[:-1] if _samples(step)]
    return makers[0] if makers else makes_rows(estimator.steps[-1][1])


def _samples(step):
    """Whether a step is one of imbalanced-learn's samplers, or like them."""
    return hasattr(step, "fit_resample") and not hasattr(step, "transform")


def first_steps(pipeline):
    """What a Pipeline does with rows before its last step; it leaves no row out and adds none."""
    steps = [(name, step) for name, step in pipeline.steps[:-1] if not _samples(step)]
    if len(steps) == len(pipeline.steps) - 1:
        return pipeline[:-1]
    return Pipeline(steps or [("nothing", "passthrough")])


def label_free(estimator):
    """A Pipeline without those steps that would let each label into its own row's features.

    Selection by the labels is left out, and so are projections such as LDA. `TargetEncoder` stays:
    it encodes each row by the labels of others.
    """
    if not isinstance(estimator, Pipeline):
        return estimator
    steps = [(name, _label_free_step(step)) for name, step in estimator.steps[:-1]]
    if steps == estimator.steps[:-1]:
        return estimator
    return Pipeline([*steps, estimator.steps[-1]])


def _label_free_step(step):
    """The same of a step, and of what is inside it; the step itself where there is nothing."""
    for kind, name in PARTS_OF.items():
        if isinstance(step, kind):
            parts = getattr(step, name)
            free = [(part[0], _label_free_step(part[1]), *part[2:]) for part in parts]
            return step if free == parts else clone(step).set_params(**{name: free})
    return "passthrough" if sees_labels(step) else step


def sees_labels(step):
    if isinstance(step, str) or step is None or type(step).__name__ == "TargetEncoder":
        return False
    if _samples(step):  # it makes other rows, and leaves those to be judged as they are
        return False
    if isinstance(step, SelectorMixin):
        return not isinstance(step, VarianceThreshold)
    tags = get_tags(step)
    return tags.target_tags.required or tags.estimator_type == "classifier"


def _direct(estimator):
    if isinstance(estimator, CalibratedClassifierCV) and not _routing_enabled():
        # It accepts weights and then drops them when its own model cannot take them as
        # `sample_weight`, a Pipeline for instance.
        inner = estimator.estimator
        if inner is not None and not has_fit_parameter(inner, "sample_weight"):
            return None
    return "sample_weight" if has_fit_parameter(estimator, "sample_weight") else None


def _takes_any_parameter(estimator):
    parameters = signature(estimator.fit).parameters.values()
    return any(p.kind is Parameter.VAR_KEYWORD for p in parameters)


def check_takes_weights(estimator, weight_strategy, why):
    """Say early, and by name, that a model cannot take the weights that are about to come."""
    if weight_strategy == "resample" or weight_parameter(estimator) is not None:
        return
    if (sampler := makes_rows(estimator)) is not None:
        raise ValueError(
            f"The rows that {type(sampler).__name__} makes have no sample_weight, but {why}. "
            "Leave this sampler out of the Pipeline, or set "
            'weight_strategy="resample" on the estimator of sknoisy: rows are '
            "then repeated or left out in proportion to weight, before they come to it."
        )
    name = _blame(estimator)
    if _routing_enabled() and _takes_any_parameter(estimator):
        name = f"{name.rstrip(',')}, has no request for it (set_fit_request), so that"
        name += f" {type(estimator).__name__}"
    raise ValueError(
        f"{name} takes no sample_weight, but {why}. Choose a model that takes weights, or set "
        'weight_strategy="resample" on the estimator of sknoisy: rows are then '
        "repeated or left out in proportion to weight."
    )


def _blame(estimator):
    """Name of the innermost model, which is the one that would have to take the weights."""
    if isinstance(estimator, Pipeline):
        last = estimator.steps[-1][1]
        if last is None or isinstance(last, str):
            return f"Pipeline without a model ({last!r} is its last step)"
        where = "the last step of the Pipeline"
        name = _blame(last)
        return name if where in name else f"{name}, {where},"
    if isinstance(estimator, (BaseSearchCV, TransformedTargetRegressor)):
        name = "estimator" if isinstance(estimator, BaseSearchCV) else "regressor"
        return _blame(getattr(estimator, name))
    return type(estimator).__name__


def resample_by_weight(weight, random_state=None, strata=None):
    """n rows drawn in proportion to weight, by systematic sampling.

    Each row is drawn floor or ceil of its expected number of times, so that equal weights give
    back every row once, and no class of positive weight disappears.
    """
    rng = check_random_state(random_state)
    n = len(weight)
    order = rng.permutation(n)
    if strata is not None:  # neighbours in the order share a class, so each keeps its own share
        order = order[np.argsort(np.asarray(strata)[order], kind="stable")]
    expected = np.asarray(weight, dtype=float)[order] * (n / np.sum(weight))
    # rounding guards: cumsum(1, 1, 1, ...) must hit the integers
    ends = np.round(np.cumsum(expected), 9)
    counts = np.diff(np.floor(ends + rng.uniform(0, 0.999999)), prepend=0).astype(int)
    rows = np.repeat(order, np.maximum(counts, 0))
    if strata is not None:
        strata = np.asarray(strata)
        gone = np.setdiff1d(strata[np.asarray(weight) > 0], strata[rows])
        best = [
            np.flatnonzero(strata == s)[np.argmax(np.asarray(weight)[strata == s])] for s in gone
        ]
        rows = np.concatenate([rows, np.asarray(best, dtype=rows.dtype)])
    return np.sort(rows)


def seeded_clone(estimator, seed=None):
    """Clone; where the estimator leaves a `random_state` at None, `seed` fills it in.

    Seeds the user has set are kept.
    """
    model = clone(estimator)
    if seed is None or not hasattr(model, "get_params"):
        return model
    params = model.get_params(deep=True)
    unset = sorted(
        k for k, v in params.items() if k.split("__")[-1] == "random_state" and v is None
    )
    rng = np.random.RandomState(seed)
    seeds = {key: int(rng.randint(np.iinfo(np.int32).max)) for key in unset}
    return model.set_params(**seeds) if seeds else model


def asked_by(model, **known):
    """Those of `known` that are there, and for which the `fit` of `model` asks."""
    return {
        name: value
        for name, value in known.items()
        if value is not None and has_fit_parameter(model, name)
    }


def rows_to_fit(X, params, rows, n):
    """(X, parameters of `fit`) of some rows; as they came where these are all n in their order."""
    if np.array_equal(rows, np.arange(n)):
        return X, params
    return take_rows(X, rows), take_params(params, rows, n)


def fit_model(
    estimator,
    X,
    y,
    sample_weight=None,
    params=None,
    *,
    weight_strategy="native",
    random_state=None,
):
    """Fit `estimator` in place and return it; `sample_weight` reaches its innermost model."""
    params = dict(params or {})
    if sample_weight is not None:
        if not np.any(sample_weight):
            raise ValueError(
                f"All sample_weight of the {len(sample_weight)} rows to fit here are zero, so "
                f"{type(estimator).__name__} has nothing to learn from: leave rows of zero weight "
                "out before fit."
            )
        if weight_strategy == "resample":
            is_labels = get_tags(estimator).estimator_type != "regressor"
            rows = resample_by_weight(sample_weight, random_state, strata=y if is_labels else None)
            params = take_params(params, rows, len(sample_weight))
            X, y = take_rows(X, rows), y[rows]
        else:
            check_takes_weights(estimator, weight_strategy, "sample_weight was given")
            params |= {weight_parameter(estimator): sample_weight}
    with fit_of(estimator), explained(X, estimator):
        fitted = estimator.fit(X, y, **params)
    return estimator if fitted is None else fitted  # somebody's fit may give nothing back
