"""RobustClassifier: it never hurts much, wins back a good part, and says what it did."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from sknoisy.datasets import one_way_noise, pair_noise, symmetric_noise
from sknoisy.exceptions import NothingKnownWarning, RareClassWarning
from sknoisy.metrics import average_precision
from sknoisy.robust import RobustClassifier

TREE = DecisionTreeClassifier(random_state=0)
NAMES = np.array(["ash", "birch", "cedar"])


def made(seed=0, n=500, n_test=1000, n_classes=3):
    """Train and test parts with named classes."""
    X, y = make_classification(
        n + n_test,
        8,
        n_informative=5,
        n_classes=n_classes,
        class_sep=1.5,
        flip_y=0,
        random_state=seed,
    )
    y = NAMES[y]
    return X[:n], y[:n], X[n:], y[n:]


def fast(model=TREE, **params):
    return RobustClassifier(model, **{"effort": "fast", "random_state": 0, **params})


@pytest.mark.parametrize("model", [TREE, KNeighborsClassifier(), LogisticRegression()])
def test_clean_labels_cost_next_to_nothing(model):
    lost = []
    for seed in range(3):
        X, y, X_test, y_test = made(seed)
        robust = fast(model).fit(X, y)
        lost.append(clone(model).fit(X, y).score(X_test, y_test) - robust.score(X_test, y_test))
    assert np.mean(lost) < 0.005
    assert max(lost) < 0.02


@pytest.mark.parametrize("noise", [symmetric_noise, pair_noise, one_way_noise])
def test_wins_back_what_noise_costs_a_tree(noise):
    clean, noisy, treated = [], [], []
    for seed in range(2):
        X, y, X_test, y_test = made(seed)
        z, _ = noise(y, rate=0.15 if noise is one_way_noise else 0.3, random_state=seed)
        robust = fast().fit(X, z)
        assert robust.treatment_ in ("distil", "relabel")
        clean.append(clone(TREE).fit(X, y).score(X_test, y_test))
        noisy.append(clone(TREE).fit(X, z).score(X_test, y_test))
        treated.append(robust.score(X_test, y_test))
    assert np.mean(treated) - np.mean(noisy) > 0.4 * (np.mean(clean) - np.mean(noisy))


@pytest.mark.parametrize("effort", ["balanced", pytest.param("thorough", marks=pytest.mark.slow)])
def test_more_effort_wins_too_and_tells_what_was_compared(effort):
    X, y, X_test, y_test = made()
    z, wrong = symmetric_noise(y, rate=0.3, random_state=0)
    robust = RobustClassifier(TREE, effort=effort, random_state=0).fit(X, z)
    assert robust.score(X_test, y_test) > clone(TREE).fit(X, z).score(X_test, y_test) + 0.1
    table = robust.selection_
    assert list(table.index) == ["relabel", "distil", "nothing"]  # the one to beat comes first
    assert table.loc["relabel", "gain"] == 0
    assert table["gain"].idxmax() == robust.treatment_
    assert robust.treatment_ in robust.reason_
    assert robust.noise_rate_ == pytest.approx(wrong.mean(), abs=0.1)
    assert sum(robust.committee_.values()) == pytest.approx(1)


def test_little_noise_must_be_worth_treating():
    X, y, _, _ = made()
    z, _ = symmetric_noise(y, rate=0.06, random_state=0)
    robust = fast().fit(X, z)
    assert 0.02 < robust.detector_.noise_bound_ < 0.08
    table = robust.selection_
    assert list(table.index) == ["nothing", "relabel", "distil"]  # the one to beat comes first
    sure = table[(table["t"] >= 2) & (table["agreement_t"] >= 2)]
    best = sure["gain"].idxmax() if len(sure) else "nothing"
    assert robust.treatment_ == best


@pytest.mark.parametrize("n_classes", [2, 5])
def test_random_labels_are_not_wrong(n_classes):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 6)), rng.integers(0, n_classes, 600)
    with pytest.warns(NothingKnownWarning, match="no more of y than the shares of its classes"):
        robust = fast().fit(X, y)
    assert robust.treatment_ == "nothing"
    assert "know no more of y" in robust.reason_
    assert robust.noise_proba_.max() < 0.01
    assert not robust.noise_mask_.any()


def risk(n, seed):
    """Labels that are right, and cannot be foretold."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    chance = 1 / (1 + np.exp(-1.2 * X[:, 0] + 0.8 * X[:, 1] * X[:, 2]))
    return X, (rng.random(n) < chance).astype(int)


def test_probabilities_of_unpredictable_outcomes_stay_honest():
    X, y = risk(5_000, 0)
    for model in (LogisticRegression(), TREE):
        robust = fast(model).fit(X[:1000], y[:1000])
        plain = clone(model).fit(X[:1000], y[:1000])
        ours, theirs = (log_loss(y[1000:], one.predict_proba(X[1000:])) for one in (robust, plain))
        assert ours < 1.03 * theirs


def test_rare_and_hardly_predictable_is_not_wrong():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 6))
    y = (rng.random(3000) < 1 / (1 + np.exp(4.2 - 1.3 * X[:, 0] - 0.8 * X[:, 1]))).astype(int)
    robust = fast(LogisticRegression()).fit(X, y)
    assert robust.noise_mask_[y == 1].mean() < 0.05
    assert robust.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), rel=0.1)


def test_what_is_learnt_from_corrected_labels_is_no_surer_than_it_may_be():
    X, y, X_test, y_test = made()
    z, _ = symmetric_noise(y, rate=0.3, random_state=0)
    robust = fast().fit(X, z)
    assert robust.treatment_ != "nothing"
    assert robust.temperature_ > 1
    proba, raw = robust.predict_proba(X_test), robust.estimator_.predict_proba(X_test)
    assert_allclose(proba.sum(axis=1), 1)
    assert_allclose(np.log(proba), robust.predict_log_proba(X_test))
    ours, as_it_is, plain = (
        log_loss(y_test, p) for p in (proba, raw, clone(TREE).fit(X, z).predict_proba(X_test))
    )
    assert ours < 0.8 * as_it_is < plain
    assert (NAMES[proba.argmax(axis=1)] == robust.predict(X_test)).all()


class Interactions(ClassifierMixin, BaseEstimator):
    """Sees what no model of single columns does."""

    def fit(self, X, y, sample_weight=None):
        self.model_ = LogisticRegression().fit(self._products(X), y, sample_weight)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(self._products(X))

    def predict_proba(self, X):
        return self.model_.predict_proba(self._products(X))

    @staticmethod
    def _products(X):
        return np.sign(X[:, ::2] * X[:, 1::2])


def test_the_wrapped_model_judges_where_it_is_the_better_judge():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 8))
    y = (np.sign(X[:, ::2] * X[:, 1::2]).sum(axis=1) + 0.1 * rng.normal(size=3000) > 0).astype(int)
    z, wrong = symmetric_noise(y[:800], rate=0.25, random_state=0)
    robust = fast(Interactions()).fit(X[:800], z)
    assert robust.committee_["estimator"] > 0.5
    assert average_precision(wrong, robust.noise_proba_) > 0.6
    plain = Interactions().fit(X[:800], z)
    assert robust.score(X[800:], y[800:]) > plain.score(X[800:], y[800:]) - 0.01


def test_doing_nothing_is_the_plain_model_exactly():
    X, y, X_test, _ = made()
    robust = fast().fit(X, y)
    assert robust.treatment_ == "nothing"
    assert "needed to act" in robust.reason_
    assert len(robust.selection_) == 0
    assert not robust.noise_mask_.any()
    assert (robust.y_relabeled_ == y).all()
    plain = clone(TREE).fit(X, y)
    np.testing.assert_array_equal(robust.predict_proba(X_test), plain.predict_proba(X_test))


def test_few_rows_are_left_alone():
    X, y, _, _ = made()
    z, _ = symmetric_noise(y[:90], rate=0.3, random_state=0)
    robust = fast().fit(X[:90], z)
    assert robust.treatment_ == "nothing"
    assert "too few" in robust.reason_


@pytest.mark.parametrize("strategy", ["native", "resample"])
@pytest.mark.parametrize("n_trusted", [0, 100])
def test_a_model_without_weights(strategy, n_trusted):
    X, y, X_test, y_test = made()
    z, _ = symmetric_noise(y, rate=0.3, random_state=0)
    trusted = np.arange(len(y)) < n_trusted
    z = np.where(trusted, y, z)
    model = KNeighborsClassifier(3)
    robust = fast(model, weight_strategy=strategy).fit(X, z, trusted=trusted)
    assert robust.treatment_ != "nothing"
    assert robust.score(X_test, y_test) > clone(model).fit(X, z).score(X_test, y_test) + 0.03


def test_weights_reach_the_last_fit_and_the_committee():
    X, y, X_test, y_test = made()
    garbage = np.roll(y, 1)
    X2, y2 = np.vstack([X, X]), np.r_[y, garbage]
    weight = np.r_[np.ones(len(y)), np.zeros(len(y))]
    robust = fast().fit(X2, y2, sample_weight=weight)
    assert robust.noise_rate_ < 0.1
    assert robust.score(X_test, y_test) > 0.9 * clone(TREE).fit(X, y).score(X_test, y_test)
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        fast(KNeighborsClassifier()).fit(X2, y2, sample_weight=weight)


def test_trusted_rows_choose_and_are_kept():
    """Noise that one feature predicts: without trusted rows it looks like the truth."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 4))
    y = NAMES[(X[:, 0] > 0).astype(int)]
    z = np.where((X[:, 1] > 0.3) & (rng.random(2000) < 0.8), NAMES[0], y)
    trusted = rng.random(2000) < 0.25
    z[trusted] = y[trusted]
    X, X_test, y_test = X[:1000], X[1000:], y[1000:]
    y, z, trusted = y[:1000], z[:1000], trusted[:1000]
    robust = fast(LogisticRegression()).fit(X, z, trusted=trusted)
    assert robust.treatment_.startswith("relabel")
    assert "trusted rows" in robust.reason_
    assert not robust.noise_mask_[trusted].any()
    assert (robust.y_relabeled_[trusted] == y[trusted]).all()
    plain = LogisticRegression().fit(X, z)
    assert robust.score(X_test, y_test) > plain.score(X_test, y_test) + 0.02


def test_groups_are_held_out_together():
    X, y, _, _ = made(n=150)
    X4, y4, groups = np.repeat(X, 4, axis=0), np.repeat(y, 4), np.repeat(np.arange(150), 4)
    z, _ = symmetric_noise(y4, rate=0.3, random_state=0)
    robust = fast().fit(X4, z, groups=groups)
    assert robust.treatment_ in ("nothing", "distil", "relabel")
    assert len(robust.selection_) == 3


def test_frame_with_texts_and_missing_values_through_a_pipeline():
    X, y, X_test, y_test = made()
    z, _ = symmetric_noise(y, rate=0.3, random_state=0)

    def frame(X):
        table = pd.DataFrame(X, columns=list("abcdefgh"))
        table["sign"] = np.where(table["a"] > 0, "plus", "minus")
        table.loc[::11, "sign"] = None
        table.loc[::7, "b"] = np.nan
        return table

    robust = RobustClassifier(effort="fast", random_state=0)  # boosting takes no texts
    numbers, numbers_test = frame(X).drop(columns="sign"), frame(X_test).drop(columns="sign")
    assert robust.fit(numbers, z).score(numbers_test, y_test) > 0.6
    assert list(robust.feature_names_in_) == list("abcdefgh")
    model = make_pipeline(SimpleImputer(), TREE)
    plain = clone(model).fit(numbers, z).score(numbers_test, y_test)
    assert fast(model).fit(numbers, z).score(numbers_test, y_test) > plain + 0.05
    from sknoisy._evidence import TableEncoder

    model = make_pipeline(TableEncoder(), TREE)
    plain = clone(model).fit(frame(X), z).score(frame(X_test), y_test)
    assert fast(model).fit(frame(X), z).score(frame(X_test), y_test) > plain + 0.05


def test_texts():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 600)
    texts = np.array([" ".join(f"w{(10 * k + j) % 30}" for j in rng.integers(0, 16, 6)) for k in y])
    z, _ = symmetric_noise(NAMES[y], rate=0.3, random_state=0)
    model = make_pipeline(TfidfVectorizer(), TREE)
    robust = fast(model).fit(texts[:400], z[:400])
    plain = clone(model).fit(texts[:400], z[:400])
    gain = robust.score(texts[400:], NAMES[y[400:]]) - plain.score(texts[400:], NAMES[y[400:]])
    assert gain > 0.05


def test_without_a_model_it_is_boosting():
    X, y, X_test, y_test = made(n=300)
    robust = RobustClassifier(effort="fast", random_state=0).fit(X, y)
    assert type(robust.estimator_).__name__ == "HistGradientBoostingClassifier"
    assert robust.estimator is None
    assert robust.predict_proba(X_test).shape == (len(X_test), 3)
    assert robust.score(X_test, y_test) > 0.7


def test_rare_classes_survive():
    X, y, _, _ = made(n_classes=2)
    z, _ = symmetric_noise(y, rate=0.25, random_state=0)
    z[:6] = "cedar"
    robust = fast(min_per_class=3).fit(X, z)
    assert list(robust.classes_) == list(NAMES)
    assert (robust.y_relabeled_ == "cedar").sum() >= 3
    z[:6] = y[:6]
    z[0] = "cedar"  # a sole member is never held out
    with pytest.warns(UserWarning, match="cedar"):
        robust = fast(min_per_class=3).fit(X, z)
    assert robust.y_relabeled_[0] == "cedar"


def test_a_model_that_cannot_be_fitted_on_a_part_is_left_alone():
    class Demanding(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            if len(y) < 350:
                raise ValueError("350 rows, please")
            return super().fit(X, y, sample_weight)

    X, y, _, _ = made()
    z, _ = symmetric_noise(y, rate=0.3, random_state=0)
    with pytest.warns(
        UserWarning, match="could not be fitted on a part of the rows, so that no treatment"
    ):
        robust = fast(Demanding()).fit(X, z)
    assert robust.treatment_ == "nothing"
    with pytest.raises(ValueError, match="350 rows, please"):
        fast(Demanding()).fit(X[:300], z[:300])


def test_report_shows_the_treatment():
    X, y, _, _ = made()
    z, wrong = symmetric_noise(y, rate=0.3, random_state=0)
    robust = fast().fit(X, z)
    report = robust.noise_report(X, z)
    assert {"treatment", "relabeled"} <= set(report.columns)
    relabeled = report["relabeled"] != report["given"]
    assert (relabeled == (report["treatment"] == "relabelled")).all()
    assert wrong[report.loc[relabeled, "row"]].mean() > 0.6
    np.testing.assert_allclose(robust.label_proba_.sum(axis=1), 1)


def test_same_result_with_more_jobs_after_pickling_and_from_the_cache(tmp_path):
    X, y, X_test, _ = made(n=300)
    z, _ = symmetric_noise(y, rate=0.3, random_state=0)
    one = fast().fit(X, z)
    for other in (
        fast(n_jobs=2).fit(X, z),
        fast(memory=str(tmp_path)).fit(X, z),
        pickle.loads(pickle.dumps(one)),
        clone(one).fit(X, z),
    ):
        assert other.treatment_ == one.treatment_
        np.testing.assert_array_equal(other.noise_proba_, one.noise_proba_)
        np.testing.assert_array_equal(other.predict(X_test), one.predict(X_test))
        pd.testing.assert_frame_equal(other.selection_, one.selection_)


def test_in_a_search():
    X, y, _, _ = made(n=150)
    search = GridSearchCV(fast(), {"estimator__max_depth": [1, 5]}, cv=2, error_score="raise")
    assert search.fit(X, y).best_params_ == {"estimator__max_depth": 5}


def test_without_a_model_a_table_is_encoded_and_reported():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=150), "kind": rng.choice(["u", "v"], 150)})
    X.loc[::20, "kind"] = None
    y = np.where(X["size"] > 0, "p", "q")
    robust = RobustClassifier(effort="fast", random_state=0).fit(X, y)
    assert robust.score(X, y) > 0.9
    assert robust.estimator is None
    assert sorted(robust.noise_report(X, y)["row"]) == list(range(150))


def many_rows(n=5_400, noise=0.3):
    X, y = make_classification(
        n, 8, n_informative=6, n_redundant=0, class_sep=1.5, flip_y=0, random_state=3
    )
    train, test = np.arange(5_100), np.arange(5_100, n)
    y_noisy, wrong = symmetric_noise(y[train], noise, random_state=7)
    return X[train], y[train], y_noisy, wrong, X[test], y[test]


@pytest.mark.parametrize("tree_depth", [None, 3])
def test_many_rows_are_treated_when_that_helps(tree_depth):
    X, y, y_noisy, wrong, X_test, y_test = many_rows()
    tree = DecisionTreeClassifier(max_depth=tree_depth, random_state=0)
    model = fast(tree).fit(X, y_noisy)
    assert list(model.selection_.index) == ["relabel", "nothing"]
    assert average_precision(wrong, model.noise_proba_) > 0.8
    plain = clone(tree).fit(X, y_noisy).score(X_test, y_test)
    clean = clone(tree).fit(X, y).score(X_test, y_test)
    assert model.score(X_test, y_test) > plain + 0.5 * (clean - plain) - 0.02
    if tree_depth is None:
        assert model.treatment_ in ("relabel", "distil")


def test_many_clean_rows_are_left_alone():
    X, y, _, _, _, _ = many_rows()
    model = fast().fit(X, y)
    assert model.treatment_ == "nothing"
    assert model.estimator_.get_n_leaves() == clone(TREE).fit(X, y).get_n_leaves()


def test_many_rows_with_weights_groups_trust_and_a_sole_member():
    X, y, y_noisy, _, _, _ = many_rows()
    rng = np.random.RandomState(11)
    trusted = rng.rand(len(y)) < 0.1
    labels = np.where(trusted, y, y_noisy).astype(object)
    labels[np.flatnonzero(~trusted)[0]] = 7
    weight = rng.uniform(0.5, 1.5, len(y))
    model = fast()
    with pytest.warns(RareClassWarning):
        model.fit(
            X,
            labels.astype(int),
            sample_weight=weight,
            groups=np.arange(len(y)) // 3,
            trusted=trusted,
        )
    assert list(model.classes_) == [0, 1, 7]
    assert not model.noise_mask_[trusted].any()
    assert model.treatment_ in ("nothing", "relabel", "relabel, trusted x 10")
    alone = np.flatnonzero(labels == 7)
    assert model.y_relabeled_[alone] == 7
