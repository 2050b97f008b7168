"""Which rows have no label, and what all classifiers of such rows do alike."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sknoisy.weak_labels import (
    RobustActiveDistillation,
    RobustSelfTraining,
    SoftPseudoLabelClassifier,
    SurrogateSelector,
    WeightAwareDistillation,
)

from ...helpers import fits, recording

MODEL = LogisticRegression(max_iter=300)
KINDS = [
    SoftPseudoLabelClassifier(MODEL, mixup_alpha=4.0, max_iter=1, random_state=0),
    WeightAwareDistillation(MODEL, max_iter=1, random_state=0),
    RobustSelfTraining(MODEL, max_iter=1, random_state=0),
    RobustSelfTraining(MODEL, shift="neighbors", max_iter=1, random_state=0),
    SurrogateSelector(MODEL, random_state=0),
    RobustActiveDistillation(MODEL, GaussianNB(), n_select=20, random_state=0),
]
kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)


def made(seed=0, n=200, n_labelled=40):
    X, codes = make_blobs(n, 5, centers=3, cluster_std=4.0, random_state=seed)
    return X, codes, np.where(np.arange(n) < n_labelled, codes, -1)


NAMES = np.array(["ant", "bee", "cat"])


def named(y, blank):
    return np.array([blank if code < 0 else NAMES[code] for code in y], dtype=object)


@kinds
@pytest.mark.parametrize("blank", [None, np.nan, pd.NA, "", -1], ids=repr)
def test_any_mark_of_no_label_is_the_same(kind, blank):
    X, codes, y = made()
    expected = clone(kind).fit(X, y)
    texts = named(y, blank)
    for given in (texts.tolist(), pd.Series(texts, index=np.arange(200)[::-1])):
        model = clone(kind).fit(X, given)
        assert model.classes_.tolist() == NAMES.tolist()
        assert np.array_equal(model.predict(X), NAMES[expected.predict(X)])
        assert np.isclose(model.score(X, given), expected.score(X, y))
    if blank is None:
        assert clone(kind).fit(X, pd.Series(texts, dtype="category")).classes_[0] == "ant"
        floats = np.where(y < 0, np.nan, y)
        masked = np.ma.array(np.maximum(y, 0), mask=y < 0)
        polars = pytest.importorskip("polars").Series([None if code < 0 else code for code in y])
        for given in (pd.array(floats, dtype="Int64"), floats, masked, polars):
            assert np.array_equal(
                clone(kind).fit(X, given).predict_proba(X), expected.predict_proba(X)
            )


@kinds
def test_a_value_of_the_users_own(kind):
    X, codes, y = made()
    expected = clone(kind).fit(X, y).predict(X)
    model = clone(kind).set_params(unlabelled="?").fit(X, named(y, "?"))
    assert np.array_equal(model.predict(X), NAMES[expected])
    model = clone(kind).set_params(unlabelled=99).fit(X, np.where(y < 0, 99, y))
    assert np.array_equal(model.predict(X), expected)
    # texts and -1 in one array of numpy are texts
    model = clone(kind).fit(X, np.array(named(y, -1).tolist()))
    assert np.array_equal(model.predict(X), NAMES[expected])


def test_a_missing_value_that_has_become_a_text_is_named():
    X, _, y = made()
    with pytest.warns(UserWarning, match="'nan' is read as a class"):
        clone(KINDS[0]).fit(X, np.array(named(y, np.nan).tolist()))


@kinds
def test_errors_say_what_is_missing(kind):
    X, _, _ = made()
    with pytest.raises(ValueError, match="None of the 200 rows has a label"):
        clone(kind).fit(X, np.full(200, -1))
    model = clone(kind)
    with pytest.raises(ValueError, match="Only one class has labels, 1.*unlabelled=None"):
        model.fit(X, np.where(np.arange(200) % 2, 1, -1))
    assert not hasattr(model, "classes_")
    with pytest.raises(ValueError, match="1d array"):
        clone(kind).fit(X, np.zeros((200, 2), dtype=int))


@kinds
def test_without_the_mark_every_value_is_a_class(kind):
    X, codes, _ = made()
    y = np.where(codes == 0, -1, 1)
    model = clone(kind).set_params(unlabelled=None).fit(X, y)
    assert model.classes_.tolist() == [-1, 1]


@kinds
def test_the_score_leaves_unlabelled_rows_out(kind):
    X, codes, y = made()
    model = clone(kind).fit(X, y)
    assert model.score(X, y) == model.score(X[:40], codes[:40])
    assert model.score(X[:40], codes[:40]) == (model.predict(X[:40]) == codes[:40]).mean()
    weight = np.arange(200) + 1.0
    right = model.predict(X[:40]) == codes[:40]
    assert np.isclose(model.score(X, y, weight), np.average(right, weights=weight[:40]))
    assert np.isnan(model.score(X[40:], y[40:]))


@kinds
def test_grid_search(kind):
    X, _, y = made(n_labelled=100)
    grid = {"estimator__C": [1e-6, 1.0]}
    assert GridSearchCV(clone(kind), grid, cv=3).fit(X, y).best_params_ == {"estimator__C": 1.0}
    blanks = named(y, None)
    search = GridSearchCV(clone(kind), grid, cv=KFold(3, shuffle=True, random_state=0))
    assert search.fit(X, blanks).best_params_ == {"estimator__C": 1.0}


@kinds
def test_tables_of_texts_reach_the_model_as_they_are(kind):
    X, codes, y = made()
    table = pd.DataFrame({"x": X[:, 0], "z": X[:, 1], "text": NAMES[codes]})
    table.loc[3, "text"] = None
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["text"]), remainder=StandardScaler()
    )
    model = clone(kind).set_params(estimator=make_pipeline(encode, LogisticRegression()))
    if isinstance(kind, RobustSelfTraining):
        model.set_params(shift="neighbors")
    if isinstance(kind, RobustActiveDistillation):
        model.set_params(teacher=make_pipeline(encode, LogisticRegression()))
    model.fit(table, y)
    assert (model.predict(table) == codes).mean() > 0.9
    assert model.feature_names_in_.tolist() == ["x", "z", "text"]


@kinds
def test_where_all_rows_have_a_label_weights_are_the_users(kind):
    X, codes, _ = made()
    X[:, 0] = np.arange(200)
    weight = np.arange(200) % 3 + 0.5
    model, calls = recording(LogisticRegression(max_iter=2000))
    model = clone(kind).set_params(estimator=model).fit(X, codes, sample_weight=weight)
    last = fits(calls)[-1]
    rows = np.rint(last.X[:, 0]).astype(int)
    assert np.allclose(last.sample_weight, weight[rows])


@kinds
def test_metadata_is_routed(kind):
    X, _, y = made()
    weight = np.arange(200) % 2 + 1.0
    plain = clone(kind).fit(X, y, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        inner = clone(MODEL).set_fit_request(sample_weight=True)
        routed = clone(kind).set_params(estimator=inner)
        if isinstance(kind, RobustActiveDistillation):
            routed.set_params(teacher=GaussianNB().set_fit_request(sample_weight=True))
        routed.fit(X, y, sample_weight=weight)
        assert np.allclose(plain.estimator_.coef_, routed.estimator_.coef_)


@kinds
def test_models_without_weights(kind):
    X, codes, y = made()
    model = clone(kind).set_params(estimator=KNeighborsClassifier(), weight_strategy="resample")
    assert (model.fit(X, y).predict(X) == codes).mean() > 0.75


@kinds
def test_same_seed_same_result_for_any_number_of_jobs(kind):
    X, _, y = made()
    one = clone(kind).fit(X, y).predict_proba(X)
    with parallel_config("threading"):
        two = clone(kind).set_params(n_jobs=2).fit(X, y).predict_proba(X)
    assert np.array_equal(one, two)
