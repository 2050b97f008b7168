"""Models and detectors by name, ready for a table as it comes."""

from __future__ import annotations

from inspect import isabstract

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators, get_tags

import sknoisy.detection
from sknoisy._audit._errors import UsageError, nearest
from sknoisy._audit._progress import FitLog
from sknoisy._evidence import TableEncoder

BOOSTING = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
# (for labels, for numbers); None where there is no such thing
SHORT_NAMES = {
    "boosting": BOOSTING,
    "forest": (
        lambda: RandomForestClassifier(n_estimators=200, min_samples_leaf=3),
        lambda: RandomForestRegressor(n_estimators=200, min_samples_leaf=3),
    ),
    "linear": (lambda: LogisticRegression(max_iter=1000), Ridge),
    "logistic": (lambda: LogisticRegression(max_iter=1000), None),
    "ridge": (RidgeClassifier, Ridge),
    "tree": (
        lambda: DecisionTreeClassifier(min_samples_leaf=10),
        lambda: DecisionTreeRegressor(min_samples_leaf=10),
    ),
    "knn": (
        lambda: KNeighborsClassifier(n_neighbors=10),
        lambda: KNeighborsRegressor(n_neighbors=10),
    ),
}
DEFAULT_DETECTOR = {"classification": "ConfidentLearning", "regression": "Residual"}
# The spread of real numbers nearly always grows with their size, be it prices, counts or weights;
# and most real classes overlap.
SETTINGS = {"Residual": {"scale": "local"}, "ConfidentLearning": {"bounded": True}}
FEW_ROWS = 300
MANY_CLASSES = 20
MANY_COLUMNS = 1000  # times classes, of which boosting fits as many trees in each round
WORD = r"(?u)\b\w+\b"  # also of one letter, so that no text of words is without any


def choose_model(features, target):
    """(short name, why) of the model that suits the table, when none is asked for."""
    if set(features.kinds.values()) == {"text"}:
        return "linear", "all columns are text"
    if len(target.y) < FEW_ROWS:
        return "forest", f"fewer than {FEW_ROWS} rows"
    n_classes = len(set(target.y)) if target.task == "classification" else 1
    if n_classes > MANY_CLASSES:
        return "forest", f"more than {MANY_CLASSES} classes"
    if len(features.kinds) * (1 if n_classes == 2 else n_classes) > MANY_COLUMNS:
        return "forest", "many columns and classes" if n_classes > 2 else "many columns"
    return "boosting", None


def make_model(name, task):
    """Unfitted model of a short name or of the name of a scikit-learn class."""
    which = 0 if task == "classification" else 1
    kind = "classifier" if which == 0 else "regressor"
    if name.lower() in SHORT_NAMES:
        make = SHORT_NAMES[name.lower()][which]
        if make is None:
            raise UsageError(f"--model {name} is no {kind}, and the task is {task}.")
        return make()
    known = dict(all_estimators(type_filter=kind))
    by_lower = {class_name.lower(): class_name for class_name in known}
    if name.lower() not in by_lower:
        _refuse_model(name, kind, task, known)
    class_name = by_lower[name.lower()]
    try:
        return known[class_name]()
    except TypeError as error:
        raise UsageError(
            f"--model {class_name} needs parameters of its own; audit takes models that need none."
        ) from error


def _refuse_model(name, kind, task, known):
    other = "regressor" if kind == "classifier" else "classifier"
    if name.lower() in (class_name.lower() for class_name, _ in all_estimators(type_filter=other)):
        raise UsageError(f"--model {name} is a {other}, and the task is {task}.")
    choice = nearest(name, [*SHORT_NAMES, *sorted(known)], "")
    if not choice.startswith("did you mean"):
        choice = f"there are {', '.join(SHORT_NAMES)}, and each {kind} of scikit-learn by its class"
    raise UsageError(f"no model is called {name!r}; {choice}")


def pipeline_for(model, features, log=None):
    """`model` behind what it needs to take the table, and a description of that.

    Boosting takes numbers, categories and missing values as they are. For the others, missing
    numbers are filled with the median and marked, numbers brought to equal spread, and categories
    one-hot encoded. Text becomes TF-IDF weights, for linear models as they are, for others reduced
    to their main components.
    """
    texts = features.names("text")
    steps = [FitLog(log)]
    as_it_is = isinstance(model, BOOSTING)
    sparse_words = (
        type(model).__module__.startswith("sklearn.linear_model")
        and get_tags(model).input_tags.sparse
    )
    if texts and sparse_words:
        rest = [name for name in features.kinds if name not in texts]
        parts = [(f"words {i}", _tf_idf(), name) for i, name in enumerate(texts)]
        if rest:
            parts.append(("table", TableEncoder(), rest))
        steps.append(ColumnTransformer(parts))
    else:
        if texts:
            steps.append(TextToNumbers(texts))
        if not as_it_is:
            steps.append(TableEncoder())
    return make_pipeline(*steps, model)


def _tf_idf():
    return TfidfVectorizer(
        sublinear_tf=True, ngram_range=(1, 2), max_features=50_000, token_pattern=WORD
    )


class TextToNumbers(TransformerMixin, BaseEstimator):
    """Text columns of a DataFrame as the main components of their TF-IDF weights.

    Parameters
    ----------
    columns : list of str
    n_components : int, default=50
        Per column; fewer where there are fewer words or rows.
    random_state : int, RandomState instance or None, default=None
    """

    def __init__(self, columns, n_components=50, random_state=None):
        self.columns = columns
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, X, y=None):
        self._fit(X)
        return self

    def fit_transform(self, X, y=None):
        return self._join(X, self._fit(X))

    def transform(self, X):
        return self._join(
            X, [svd.transform(words.transform(X[c])) for c, (words, svd) in self.parts_.items()]
        )

    def _fit(self, X):
        self.parts_, values = {}, []
        for column in self.columns:
            words = TfidfVectorizer(sublinear_tf=True, max_features=20_000, token_pattern=WORD)
            weights = words.fit_transform(X[column])
            n = max(1, min(self.n_components, weights.shape[1] - 1, weights.shape[0] - 1))
            svd = TruncatedSVD(n, random_state=self.random_state)
            values.append(svd.fit_transform(weights))
            self.parts_[column] = words, svd
        return values

    def _join(self, X, values):
        frames = [X.drop(columns=self.columns)]
        for column, array in zip(self.columns, values, strict=True):
            names = [f"{column} {i}" for i in range(array.shape[1])]
            frames.append(pd.DataFrame(array, index=X.index, columns=names))
        return pd.concat(frames, axis=1)


def limit_forest(model, target):
    """Keep a forest of many classes within memory and time: each node has a number per class."""
    if not isinstance(model, RandomForestClassifier):
        return
    n_classes = len(set(target.y))
    if n_classes > MANY_CLASSES:
        model.set_params(n_estimators=min(model.n_estimators, 100))
        most_leaves = int(1e9 / (model.n_estimators * 2 * 8 * n_classes))
        model.set_params(max_leaf_nodes=max(most_leaves, 2 * n_classes))


def check_names(options):
    """Refuse what is no model or no detector of any task, before the file is read."""
    tasks = [options.task] if options.task else list(DEFAULT_DETECTOR)
    for make in (
        lambda task: options.model == "auto" or make_model(options.model, task),
        lambda task: make_detector(options.detector, task, None, cv=options.cv),
    ):
        errors = []
        for task in tasks:
            try:
                make(task)
            except UsageError as error:
                errors.append(error)
        if len(errors) == len(tasks):
            raise errors[0]


# --------------------------------------------------------------------------- detectors


def detectors_for(task):
    """Name to class of the detectors that judge this kind of target."""
    found = {}
    for name in sknoisy.detection.__all__:
        thing = getattr(sknoisy.detection, name)
        if isinstance(thing, type) and issubclass(thing, sknoisy.detection.BaseDetector):
            if not isabstract(thing) and thing._task in (task, "both"):
                found[name] = thing
    return found


def make_detector(name, task, model, **params):
    """Detector of a name; parameters that it does not have must be None or are refused."""
    known = detectors_for(task)
    by_lower = {class_name.lower(): class_name for class_name in known}
    plain = (name or DEFAULT_DETECTOR[task]).lower().replace("-", "").replace("_", "")
    if plain not in by_lower:
        other = "regression" if task == "classification" else "classification"
        if plain in (class_name.lower() for class_name in detectors_for(other)):
            raise UsageError(f"--detector {name} is for {other}, and the task is {task}.")
        raise UsageError(
            f"no detector for {task} is called {name!r}; {nearest(name, known, 'there are')}"
        )
    class_name = by_lower[plain]
    detector = known[class_name](**SETTINGS.get(class_name, {}))
    own = detector.get_params(deep=False)
    if params.get("cv") is not None and "cv" not in own:
        raise UsageError(f"--detector {class_name} has no folds: leave --cv out.")
    params = {k: v for k, v in {**params, "estimator": model}.items() if k in own and v is not None}
    return detector.set_params(**params)
