"""Several columns of labels: cells are found, dropped and corrected, not rows."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy import FilterClassifier, RelabelClassifier
from sknoisy.detection import ConfidentLearning
from sknoisy.metrics import average_precision
from sknoisy.multilabel import MultiLabelClassifier, MultiLabelDetector

LINEAR = LogisticRegression(max_iter=300)
CROSS_VALIDATION = "folds hold a repeated row apart, or draw other folds, where a weight is one row"


ONE_COLUMN = "it passes y of one column, and several are needed"
A_LIST = "probabilities of several columns are a list, as those of sklearn.multioutput"


def expected_failed_checks(estimator):
    expected = {
        "check_complex_data": ONE_COLUMN,
        "check_sample_weight_equivalence_on_dense_data": CROSS_VALIDATION,
        "check_sample_weight_equivalence_on_sparse_data": CROSS_VALIDATION,
    }
    if isinstance(estimator, MultiLabelClassifier):
        for name in (
            "check_classifiers_one_label",
            "check_classifiers_one_label_sample_weights",
            "check_classifiers_classes",
            "check_classifiers_train",
            "check_classifiers_regression_target",
        ):
            expected[name] = ONE_COLUMN
        for name in (
            "check_estimator_sparse_array",
            "check_estimator_sparse_matrix",
            "check_methods_sample_order_invariance",
        ):
            expected[name] = A_LIST
    return expected


@parametrize_with_checks(
    [
        MultiLabelDetector(ConfidentLearning(LINEAR), random_state=0),
        MultiLabelClassifier(FilterClassifier(LINEAR), random_state=0),
    ],
    expected_failed_checks=expected_failed_checks,
)
def test_sklearn_checks(estimator, check):
    check(estimator)


def case(n=600, n_columns=4, rate=0.1, seed=0):
    """X, clean Y, noisy Z, wrong."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    Y = (X @ rng.normal(size=(6, n_columns)) > 0.8).astype(int)
    wrong = rng.random(Y.shape) < rate
    return X, Y, Y ^ wrong, wrong


def test_cells_are_found():
    X, _, Z, wrong = case()
    kind = MultiLabelDetector(ConfidentLearning(LINEAR), others=False, random_state=0)
    found = kind.fit(X, Z)
    assert average_precision(wrong.ravel(), found.noise_proba_.ravel()) > 0.85
    for j in range(4):
        alone = ConfidentLearning(LINEAR, random_state=found.detectors_[j].random_state)
        np.testing.assert_array_equal(alone.fit(X, Z[:, j]).noise_mask_, found.noise_mask_[:, j])
    assert (found.y_suggested_[found.noise_mask_] != Z[found.noise_mask_]).all()
    assert (found.y_suggested_[~found.noise_mask_] == Z[~found.noise_mask_]).all()
    report = found.noise_report(X, Z)
    assert len(report) == Z.size
    worst = report.iloc[0]
    assert worst["probability"] == found.noise_proba_.max()
    assert found.noise_proba_[worst["row"], worst["column"]] == worst["probability"]


def test_labels_that_go_together_tell_of_one_another():
    gains = []
    for seed in range(3):
        X, Y = make_multilabel_classification(600, n_features=10, n_classes=5, random_state=seed)
        wrong = np.random.default_rng(seed).random(Y.shape) < 0.1
        kind = MultiLabelDetector(ConfidentLearning(LINEAR), random_state=0)
        alone = clone(kind).set_params(others=False)
        scores = [found.fit(X, Y ^ wrong).noise_score_.ravel() for found in (kind, alone)]
        gains.append(np.subtract(*[average_precision(wrong.ravel(), score) for score in scores]))
    assert min(gains) > 0.02


def test_blanks_names_and_tables():
    X, _, Z, _ = case(n=200, n_columns=2)
    names = pd.DataFrame({"wet": np.array(["no", "yes"])[Z[:, 0]], "cold": Z[:, 1].astype(float)})
    names.loc[::7, "cold"] = np.nan
    names.loc[::5, "wet"] = None
    names.index = np.arange(200)[::-1]
    found = MultiLabelDetector(ConfidentLearning(LINEAR), random_state=0).fit(X, names)
    assert not found.noise_mask_[::5, 0].any()
    assert np.isnan(found.noise_score_[::7, 1]).all()
    report = found.noise_report(X, names)
    assert set(report["column"]) == {"wet", "cold"}
    assert len(report) == names.notna().to_numpy().sum()
    assert names.loc[report.index[0], report["column"].iloc[0]] == report["given"].iloc[0]
    model = MultiLabelClassifier(FilterClassifier(LINEAR), random_state=0).fit(X, names)
    assert set(model.predict(X)[:, 0]) == {"no", "yes"}
    sparse = MultiLabelDetector(ConfidentLearning(LINEAR), random_state=0).fit(X, csr_matrix(Z))
    dense = MultiLabelDetector(ConfidentLearning(LINEAR), random_state=0).fit(X, Z)
    np.testing.assert_array_equal(sparse.noise_proba_, dense.noise_proba_)
    blank = np.arange(2 * len(Z)).reshape(Z.shape) % 9 == 0
    masked, gaps = np.ma.array(Z, mask=blank), np.where(blank, np.nan, Z)
    masked, gaps = (
        MultiLabelDetector(ConfidentLearning(LINEAR), random_state=0).fit(X, given)
        for given in (masked, gaps)
    )
    np.testing.assert_array_equal(masked.noise_score_, gaps.noise_score_)
    assert np.isnan(masked.noise_score_[blank]).all()


@pytest.mark.parametrize("kind", [FilterClassifier, RelabelClassifier])
def test_a_treatment_of_cells_wins_back(kind):
    gains = []
    for seed in range(3):
        X, Y, Z, _ = case(1500, rate=0.2, seed=seed)
        base = DecisionTreeClassifier(min_samples_leaf=3, random_state=0)
        detector = ConfidentLearning(RandomForestClassifier(30, random_state=0))
        model = MultiLabelClassifier(kind(base, detector), random_state=0).fit(X[:600], Z[:600])
        plain = clone(base).fit(X[:600], Z[:600])
        gains.append((model.predict(X) == Y)[600:].mean() - (plain.predict(X) == Y)[600:].mean())
    assert min(gains) > 0.02


def test_trust_by_row_and_by_cell_and_probabilities():
    X, _, Z, _ = case(200)
    model = MultiLabelClassifier(FilterClassifier(LINEAR), random_state=0)
    rows = model.fit(X, Z, trusted=np.arange(200) < 50).noise_mask_
    assert not rows[:50].any()
    assert rows[50:].any()
    cells = np.zeros(Z.shape, dtype=bool)
    cells[:, 0] = True
    some = model.fit(X, Z, trusted=cells)
    assert not some.noise_mask_[:, 0].any()
    assert some.noise_mask_[:, 1:].any()
    assert [proba.shape for proba in some.predict_proba(X)] == [(200, 2)] * 4


def test_search():
    X, Y = make_multilabel_classification(200, n_classes=3, random_state=0)
    grid = {"treatment__contamination": [0.0, 0.1], "treatment__estimator__C": [0.1, 1.0]}
    search = GridSearchCV(MultiLabelClassifier(FilterClassifier(LINEAR)), grid, cv=2).fit(X, Y)
    assert search.best_estimator_.predict(X).shape == Y.shape


def test_names_blanks_and_search_go_together():
    X, Y = make_multilabel_classification(200, n_classes=2, random_state=0)
    names = np.where(Y, "yes", "no").astype(object)
    blank = np.random.default_rng(0).random(Y.shape) < 0.1
    masks, model = [], MultiLabelClassifier(FilterClassifier(LINEAR, random_state=0))
    for mark in (None, np.nan, pd.NA, ""):
        table = pd.DataFrame(np.where(blank, None, names), columns=["rain", "snow"])
        table = table.where(~blank, mark)
        fitted = model.fit(X, table)
        assert [classes.tolist() for classes in fitted.classes_] == [["no", "yes"]] * 2
        masks.append(fitted.noise_mask_)
    assert all(np.array_equal(mask, masks[0]) for mask in masks)
    right = (fitted.predict(X) == names) | blank
    assert fitted.score(X, table) == pytest.approx(right.all(axis=1)[~blank.all(axis=1)].mean())
    search = GridSearchCV(
        model, {"treatment__estimator__C": [1e-5, 1.0]}, cv=KFold(3), error_score="raise"
    )
    assert search.fit(X, table).best_params_ == {"treatment__estimator__C": 1.0}


def test_what_is_refused():
    X, _, Z, _ = case(60)
    model = MultiLabelDetector(ConfidentLearning(LINEAR))
    with pytest.raises(ValueError, match="For one column use the treatment or the detector"):
        model.fit(X, Z[:, 0])
    with pytest.raises(ValueError, match=r"Column 1 of y has the number 0\.5 in row 3"):
        bad = Z.astype(float)
        bad[3, 1] = 0.5
        model.fit(X, bad)
    with pytest.raises(ValueError, match="Column 2 of y has no label"):
        empty = Z.astype(float)
        empty[:, 2] = np.nan
        model.fit(X, empty)
    with pytest.raises(ValueError, match="trusted has shape"):
        model.fit(X, Z, trusted=np.zeros((60, 2), dtype=bool))
    with pytest.raises(ValueError, match=r"FilterClassifier\(LogisticRegression"):
        MultiLabelClassifier(LINEAR).fit(X, Z)
