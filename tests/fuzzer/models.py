"""Models for the fuzzer: honest ones, and ones that answer otherwise than scikit-learn's do."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


class Asked:
    """How often the odd models have been asked, so that a trial knows whether their oddity told."""

    times = 0


class _Odd:
    """Wraps a model and gives its answers another form, or another content."""

    def __init__(self, inner=None, how="column"):
        self.inner = inner
        self.how = how

    def fit(self, X, y, sample_weight=None):
        from sklearn.base import clone

        if self.how == "raises":
            raise ValueError(f"{type(self).__name__} does not like these {len(y)} rows.")
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.inner_ = clone(self.inner).fit(X, y, **weight)
        return None if self.how == "fit gives none" else self

    def predict(self, X):
        Asked.times += 1
        return self._predict(np.asarray(self.inner_.predict(X)))

    def _predict(self, y):
        if self.how in ("column", "list"):
            return y[:, None] if self.how == "column" else y.tolist()
        if self.how == "series":
            import pandas as pd

            return pd.Series(y, index=np.arange(len(y))[::-1] + 7)
        if self.how == "one too many":
            return np.append(y, y[:1])
        if self.how == "two columns":
            return np.column_stack([y, y])
        if self.how == "one for all":
            return y[0]
        if self.how == "none":
            return None
        return y

    def __sklearn_tags__(self):
        return super().__sklearn_tags__()


class OddNumbers(_Odd, RegressorMixin, BaseEstimator):
    def _predict(self, y):
        if self.how == "nan":
            return np.full(len(y), np.nan)
        if self.how == "some nan":
            return np.where(np.arange(len(y)) % 3 == 0, np.nan, y)
        if self.how == "inf":
            return np.where(np.arange(len(y)) % 3 == 0, np.inf, y)
        if self.how == "texts":
            return np.full(len(y), "many")
        if self.how == "complex":
            return y + 1j
        return super()._predict(y)


class OddLabels(_Odd, ClassifierMixin, BaseEstimator):
    """Answers with labels alone."""

    @property
    def classes_(self):
        classes = self.inner_.classes_
        return classes[::-1] if self.how == "classes reversed" else classes

    def _predict(self, y):
        if self.how == "label between":  # not in y, and sorted it comes before the last of y
            last = self.inner_.classes_[-1]
            if y.dtype.kind in "US":
                return np.full(len(y), str(last)[:-1] + chr(ord(str(last)[-1]) - 1) + "~")
            return np.full(len(y), last - 0.5 if y.dtype.kind in "iuf" else "between")
        if self.how == "label above":
            if y.dtype.kind in "US":
                return np.full(len(y), "\U0010ffff")
            return np.full(len(y), 10**6 if y.dtype.kind in "iuf" else "above")
        if self.how == "other kind":
            return y.astype(str) if y.dtype.kind not in "US" else np.arange(len(y))
        return super()._predict(y)


class OddProba(OddLabels):
    """Answers with probabilities too."""

    def predict_proba(self, X):
        Asked.times += 1
        proba = np.array(self.inner_.predict_proba(X))
        n, rows = len(proba), np.arange(len(proba)) % 3 == 0
        if self.how == "classes reversed":
            return proba[:, ::-1]
        if self.how == "frame":
            import pandas as pd

            return pd.DataFrame(proba, columns=[f"p{j}" for j in range(proba.shape[1])])
        if self.how == "list":
            return proba.tolist()
        if self.how == "nan":
            return np.full_like(proba, np.nan)
        if self.how == "some nan":
            proba[rows] = np.nan
        elif self.how == "inf":
            proba[rows, 0] = np.inf
        elif self.how == "negative":
            proba[rows] = proba[rows] - 0.7
        elif self.how == "unnormalised":
            return proba * 40
        elif self.how == "all zero":
            return np.zeros_like(proba)
        elif self.how == "one too many":
            return np.vstack([proba, proba[:1]])
        elif self.how == "two columns":
            return np.column_stack([proba, proba])
        elif self.how == "one for all":
            return proba[0]
        elif self.how == "positive only":  # P(last class) as a vector
            return proba[:, -1]
        elif self.how == "column":
            return proba[:, :, None]
        elif self.how == "texts":
            return np.full((n, proba.shape[1]), "likely")
        elif self.how == "none":
            return None
        return proba


class OddMargin(OddLabels):
    """Answers with decision values."""

    def decision_function(self, X):
        Asked.times += 1
        proba = np.array(self.inner_.predict_proba(X))
        margin = np.log(proba + 1e-9)
        if self.how == "classes reversed":
            margin = margin[:, ::-1]
        if margin.shape[1] == 2:
            margin = margin[:, 1] - margin[:, 0]
        if self.how == "nan":
            return np.full_like(margin, np.nan)
        if self.how == "some nan":
            margin[::3] = np.nan
        if self.how == "inf":
            margin[::3] = np.inf
        if self.how == "one too many":
            return np.concatenate([margin, margin[:1]])
        if self.how == "none":
            return None
        return margin


class Centre(TransformerMixin, BaseEstimator):
    """A transformer where a model is wanted."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


# Forms in which the same is said: whatever comes of them must be what comes of the plain model.
FORMS = ("column", "list", "series", "frame", "fit gives none", "classes reversed")
# Answers that nothing can be made of: whoever reads them says so.
LIES = (
    "one too many",
    "two columns",
    "one for all",
    "none",
    "label between",
    "label above",
    "other kind",
    "nan",
    "inf",
    "negative",
    "unnormalised",
    "all zero",
    "texts",
    "complex",
    "raises",
)

LABEL_MODELS = {
    "logistic": lambda: LogisticRegression(max_iter=60),
    "bayes": GaussianNB,
    "nearest": lambda: KNeighborsClassifier(3),
    "tree": lambda: DecisionTreeClassifier(max_depth=3, random_state=0),
    "forest": lambda: RandomForestClassifier(8, max_depth=4, random_state=0),
    "ridge": RidgeClassifier,
    "sgd": lambda: SGDClassifier(random_state=0, max_iter=50, tol=None),
    "pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=60)),
    "plain proba": lambda: OddProba(GaussianNB(), "plain"),
    "plain labels": lambda: OddLabels(GaussianNB(), "plain"),
    "plain margin": lambda: OddMargin(GaussianNB(), "plain"),
    **{
        f"{kind.__name__[3:].lower()}: {how}": lambda kind=kind, how=how: kind(GaussianNB(), how)
        for kind, hows in {
            OddProba: [
                "column",
                "list",
                "frame",
                "fit gives none",
                "classes reversed",
                "nan",
                "some nan",
                "inf",
                "negative",
                "unnormalised",
                "all zero",
                "one too many",
                "two columns",
                "one for all",
                "positive only",
                "texts",
                "none",
                "raises",
            ],
            OddLabels: [
                "column",
                "list",
                "series",
                "fit gives none",
                "classes reversed",
                "one too many",
                "two columns",
                "one for all",
                "none",
                "label between",
                "label above",
                "other kind",
            ],
            OddMargin: ["classes reversed", "nan", "some nan", "inf", "one too many", "none"],
        }.items()
        for how in hows
    },
    "the class itself": lambda: LogisticRegression,
    "a regressor": Ridge,
    "a transformer": Centre,
    "a clusterer": lambda: KMeans(2, n_init=1, random_state=0),
    "an empty pipeline": lambda: Pipeline([]),
    "a pipeline without a model": lambda: make_pipeline(StandardScaler()),
    "a text": lambda: "logistic",
    "none": lambda: None,
}

NUMBER_MODELS = {
    "ridge": Ridge,
    "nearest": lambda: KNeighborsRegressor(3),
    "tree": lambda: DecisionTreeRegressor(max_depth=3, random_state=0),
    "forest": lambda: RandomForestRegressor(8, max_depth=4, random_state=0),
    "pipeline": lambda: make_pipeline(StandardScaler(), Ridge()),
    "plain": lambda: OddNumbers(Ridge(), "plain"),
    **{
        f"numbers: {how}": lambda how=how: OddNumbers(Ridge(), how)
        for how in [
            "column",
            "list",
            "series",
            "fit gives none",
            "nan",
            "some nan",
            "inf",
            "one too many",
            "two columns",
            "one for all",
            "none",
            "texts",
            "complex",
            "raises",
        ]
    },
    "the class itself": lambda: Ridge,
    "a classifier": GaussianNB,
    "a transformer": Centre,
    "a clusterer": lambda: KMeans(2, n_init=1, random_state=0),
    "an empty pipeline": lambda: Pipeline([]),
    "a pipeline without a model": lambda: make_pipeline(StandardScaler()),
    "a text": lambda: "ridge",
    "none": lambda: None,
}

HONEST = {
    *("logistic", "bayes", "nearest", "tree", "forest", "ridge", "sgd", "pipeline", "plain"),
    *("plain proba", "plain labels", "plain margin"),
}


def plain_form(name):
    """The model that says the same as this one, plainly; the model itself if there is none."""
    kind, _, how = name.partition(": ")
    if how not in FORMS:
        return name
    return "plain" if kind == "numbers" else f"plain {kind}"


def lies(name):
    return name.partition(": ")[2] in LIES
