"""How differently groups are treated, and what noise and filters do to them."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.datasets import make_classification
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier
from sknoisy.datasets import group_noise
from sknoisy.metrics import (
    equal_opportunity_difference,
    equalized_odds_difference,
    group_fairness_report,
    group_rates,
    noise_fairness_curve,
    statistical_parity_difference,
)

METRICS = (
    statistical_parity_difference,
    equal_opportunity_difference,
    equalized_odds_difference,
)


def _data(seed, n=400):
    rng = np.random.RandomState(seed)
    groups = rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    return rng.randint(2, size=n), rng.randint(2, size=n), groups, rng.random_sample(n)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted", [False, True])
def test_the_same_as_fairlearn(seed, weighted):
    peers = pytest.importorskip("fairlearn.metrics")
    y_true, y_pred, groups, weight = _data(seed)
    weight = weight if weighted else None
    for ours, theirs in [
        (statistical_parity_difference, peers.demographic_parity_difference),
        (equal_opportunity_difference, peers.equal_opportunity_difference),
        (equalized_odds_difference, peers.equalized_odds_difference),
    ]:
        expected = theirs(y_true, y_pred, sensitive_features=groups, sample_weight=weight)
        assert ours(y_true, y_pred, groups=groups, sample_weight=weight) == pytest.approx(expected)
    report = group_fairness_report(y_true, y_pred, groups=groups, sample_weight=weight)
    frame = peers.MetricFrame(
        metrics=accuracy_score,
        y_true=y_true,
        y_pred=y_pred,
        sensitive_features=groups,
        sample_params=None if weight is None else {"sample_weight": weight},
    )
    assert report["accuracy_gap"] == pytest.approx(frame.difference())
    assert report["worst_group"] == pytest.approx(frame.group_min())
    assert report["accuracy"] == pytest.approx(frame.overall)


def test_weights_are_repeats_and_zero_is_absence():
    y_true, y_pred, groups, _ = _data(0)
    times = np.random.RandomState(1).randint(0, 3, size=len(groups))
    repeated = [np.repeat(values, times) for values in (y_true, y_pred, groups)]
    pd.testing.assert_series_equal(
        group_fairness_report(y_true, y_pred, groups=groups, sample_weight=times),
        group_fairness_report(*repeated[:2], groups=repeated[2]),
    )


def test_names_of_labels_and_groups_and_the_order_of_rows_do_not_matter():
    y_true, y_pred, groups, _ = _data(0)
    report = group_fairness_report(y_true, y_pred, groups=groups)
    order = np.random.RandomState(0).permutation(len(groups))
    words = np.array(["no", "yes"])
    renamed = pd.Series(pd.Categorical(groups[order])).map({"a": 7, "b": 1, "c": 3})
    other = group_fairness_report(
        pd.Series(words[y_true[order]], index=order), list(words[y_pred[order]]), groups=renamed
    )
    pd.testing.assert_series_equal(report, other)
    opposite = statistical_parity_difference(y_true, y_pred, groups=groups, pos_label=0)
    assert opposite == pytest.approx(report["statistical_parity_difference"])


def test_more_classes_are_one_against_the_rest():
    y_true, y_pred = [0, 1, 2, 2], [0, 2, 2, 1]
    groups = ["a", "a", "b", "b"]
    with pytest.raises(ValueError, match="there are 3 classes: say by pos_label"):
        group_fairness_report(y_true, y_pred, groups=groups)
    rates = group_rates(y_true, y_pred, groups=groups, pos_label=2)
    binary = group_rates(np.equal(y_true, 2), np.equal(y_pred, 2), groups=groups)
    for name in ("selection_rate", "true_positive_rate", "false_positive_rate"):
        assert_allclose(rates[name], binary[name])
    assert_allclose(rates["accuracy"], [0.5, 0.5])  # of all classes
    assert_array_equal(rates["n_rows"], [2, 2])


def test_missing_names_are_a_group():
    rates = group_rates([0, 1, 0, 1], [0, 1, 1, 1], groups=["a", None, np.nan, "a"])
    assert_array_equal(rates["n_rows"], [2, 2])
    assert_allclose(rates["accuracy"], [1, 0.5])


def test_a_scorer_to_which_a_search_hands_the_groups():
    y_true, _, groups, _ = _data(0)
    X = np.column_stack([y_true, groups == "a"])
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(equal_opportunity_difference, greater_is_better=False)
        scorer.set_score_request(groups=True)
        search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, scoring=scorer)
        assert search.fit(X, y_true, groups=groups).best_score_ == 0


def test_groups_without_a_rate_are_left_out():
    y_true, y_pred = [1, 1, 0, 0, 0], [1, 0, 1, 0, 0]
    groups = ["a", "b", "a", "b", "c"]
    with pytest.warns(UndefinedMetricWarning, match="group 'c' has no positive rows: it is left"):
        assert equal_opportunity_difference(y_true, y_pred, groups=groups) == 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = group_fairness_report(y_true, y_pred, groups=groups)
        assert report["equal_opportunity_difference"] == 1.0
        assert group_fairness_report(y_true, y_pred, groups=["a"] * 5)[3:].isna().all()
    for metric in METRICS:
        with pytest.warns(UndefinedMetricWarning, match="the metric is NaN"):
            assert np.isnan(metric(y_true, y_pred, groups=["a"] * 5))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"y_pred": [0, None, 1, 1]}, r"y_pred has a missing value in row 1"),
        ({"groups": ["a", "b"]}, "y_true has 4 rows, y_pred 4 and groups 2"),
        ({"pos_label": 5}, "pos_label=5 is neither in y_true nor in y_pred"),
        ({"sample_weight": [1, 1]}, "sample_weight has shape"),
        ({"sample_weight": [1, -1, 1, 1]}, "sample_weight of row 1"),
        ({"sample_weight": [0] * 4}, "zero in all rows"),
        ({"y_true": [0, 0, 0, 0], "y_pred": [0, 0, 0, 0]}, "there are 1 classes"),
        ({"y_true": ["x"] * 4, "y_pred": [0] * 4}, "have no order"),
        ({"y_true": np.zeros((4, 2))}, "one-dimensional"),
    ],
)
def test_errors(change, message):
    given = {"y_true": [0, 1, 0, 1], "y_pred": [1, 1, 0, 0], "groups": ["a", "a", "b", "b"]}
    for metric in (*METRICS, group_rates, group_fairness_report):
        with pytest.raises(ValueError, match=message):
            metric(**(given | change))


# --------------------------------------------------------------------------- the curve


def _rows(seed, n=900):
    X, y = make_classification(
        n, 8, n_informative=5, flip_y=0, class_sep=1.5, random_state=seed
    )  # fmt: skip
    groups = np.random.RandomState(seed).choice(["few", "many"], n, p=[0.2, 0.8])
    return X, y, groups


def test_one_way_noise_in_a_group_makes_a_model_unfair():
    """The paper's claim: noise in the training labels is unfairness of the answers."""

    def overlooked(X, y, groups, level, random_state):
        y, wrong = group_noise(y, groups, {"few": level}, source=1, random_state=random_state)
        return X, y, wrong

    for seed in range(3):
        X, y, groups = _rows(seed)
        X = np.column_stack([X, 3 * (groups == "few")])
        X = np.column_stack([X, X * (groups == "few")[:, None]])  # the model may learn the group
        curve = noise_fairness_curve(
            make_pipeline(StandardScaler(), LogisticRegression()),
            X,
            y,
            groups,
            [0.0, 0.7],
            noise=overlooked,
            random_state=seed,
        )
        mean = curve.groupby("level").mean(numeric_only=True)
        for gap in ("equal_opportunity_difference", "statistical_parity_difference"):
            assert mean.loc[0.7, gap] > mean.loc[0.0, gap] + 0.15
        assert mean.loc[0.7, "wrong"] == pytest.approx(0.07, abs=0.03)


def test_flagged_rows_are_counted_by_group():
    X, y, groups = _rows(0)
    models = {
        "plain": LogisticRegression(),
        "filter": FilterClassifier(LogisticRegression(), random_state=0),
        "in a pipeline": make_pipeline(
            StandardScaler(), FilterClassifier(LogisticRegression(), random_state=0)
        ),
    }
    curve = noise_fairness_curve(
        models, X, y, groups, [0.3], noisy_groups=["few"], cv=2, random_state=0
    )
    assert len(curve) == 6
    plain = curve[curve["estimator"] == "plain"]
    assert plain[[c for c in curve if c.startswith("flagged")]].isna().all(axis=None)
    for name in ("filter", "in a pipeline"):
        part = curve[curve["estimator"] == name].mean(numeric_only=True)
        assert part["flagged, few"] > part["flagged, many"] + 0.1
        assert part["flagged_gap"] == pytest.approx(part["flagged, few"] - part["flagged, many"])
        assert part["flagged_right"] < part["flagged"]


@pytest.mark.parametrize("table", [False, True])
def test_feature_noise_in_a_group(table):
    X, y, groups = _rows(0, n=300)
    words = np.array(["no", "yes"])[y]
    if table:
        X = pd.DataFrame(X).add_prefix("x").assign(sort=groups, count=np.arange(300))
    seen = []

    class Sees(LogisticRegression):
        def fit(self, X, y):
            seen.append((X, y))
            return super().fit(X.select_dtypes("number") if table else X, y)

        def predict(self, X):
            return super().predict(X.select_dtypes("number") if table else X)

    curve = noise_fairness_curve(
        Sees(max_iter=2000), X, words, groups, [0.0, 0.5], noise="feature", noisy_groups=["few"],
        cv=2, random_state=0,
    )  # fmt: skip
    assert curve["wrong"].tolist()[:2] == [0, 0] and (curve["wrong"][2:] > 0.05).all()
    clean = pd.DataFrame(seen[0][0]).reset_index(drop=True)
    noisy = pd.DataFrame(seen[2][0]).reset_index(drop=True)
    changed = (clean != noisy).any(axis=1)
    assert changed.mean() == pytest.approx(curve["wrong"][2])
    assert_array_equal(seen[0][1], seen[2][1])


def test_the_same_seed_the_same_curve_and_rare_groups():
    X, y, groups = _rows(1, n=200)
    groups = groups.astype(object)
    groups[:2] = "rare"  # fewer rows than folds
    curves = [
        noise_fairness_curve(LogisticRegression(), X, y, groups, [0.2], random_state=3)
        for _ in range(2)
    ]
    pd.testing.assert_frame_equal(*curves)


def test_errors_of_the_curve():
    X, y, groups = _rows(0, n=60)
    model = LogisticRegression()
    with pytest.raises(ValueError, match=r"noise_grid must hold numbers in \[0, 1\], got 2.0"):
        noise_fairness_curve(model, X, y, groups, [2])
    with pytest.raises(ValueError, match="group 'other' of noisy_groups has no row"):
        noise_fairness_curve(model, X, y, groups, noisy_groups=["other"])
    with pytest.raises(ValueError, match="groups has 2 rows and y has 60"):
        noise_fairness_curve(model, X, y, ["a", "b"])
    with pytest.raises(ValueError, match="'noise' parameter of noise_fairness_curve"):
        noise_fairness_curve(model, X, y, groups, noise="labels")
