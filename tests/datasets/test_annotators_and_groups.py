"""Labels wrong by class, by row, by annotator and by group: where the wrong ones are."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from sknoisy.datasets import confusion_noise, dissenting_noise, group_noise, instance_noise


class TestConfusion:
    # Three blobs in a row; the fourth is far away.
    X, y = make_blobs(4000, centers=[[0, 0], [3, 0], [6, 0], [60, 60]], random_state=0)

    def test_classes_that_are_near_are_mixed_up(self):
        y_noisy, mask = confusion_noise(self.X, self.y, 0.2, random_state=0)
        found = pd.crosstab(self.y, y_noisy, normalize="index").to_numpy()
        assert found[1, 0] > 10 * found[2, 0] and found[1, 2] > 10 * found[0, 2]
        assert mask[self.y == 1].mean() > 1.5 * mask[self.y == 0].mean()
        assert mask[self.y == 3].mean() < 0.02

    def test_within_a_class_the_place_does_not_matter(self):
        mask = confusion_noise(self.X, self.y, 0.3, random_state=0)[1]
        one = self.y == 1
        left = self.X[one, 0] < 3
        # Six standard deviations of a difference of two shares.
        assert mask[one][left].mean() == pytest.approx(mask[one][~left].mean(), abs=0.2)

    def test_a_rate_that_is_out_of_reach(self):
        X, y = np.repeat(np.eye(2), 20, axis=0), np.repeat([0, 1], 20)
        with pytest.raises(
            ValueError, match="the estimator is sure of all rows .* Lower rate to 0"
        ):
            confusion_noise(X, y, 0.1, estimator=DecisionTreeClassifier(), random_state=0)
        same = DummyClassifier(strategy="prior")
        assert confusion_noise(X, y, 1.0, estimator=same, random_state=0)[1].all()

    def test_texts_go_to_the_estimator(self):
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.pipeline import make_pipeline

        texts = ["good film", "bad film", "fine book", "poor book"] * 20
        model = make_pipeline(CountVectorizer(), LogisticRegression())
        _, mask = confusion_noise(texts, ["+", "-"] * 40, 0.25, estimator=model, random_state=0)
        assert 5 < mask.sum() < 40


class TestInstance:
    def test_alike_rows_get_alike_labels(self):
        rng = np.random.RandomState(0)
        X, y = rng.normal(size=(6000, 5)), rng.randint(4, size=6000)
        y_noisy, mask = instance_noise(X, y, 0.4, random_state=0)
        # A model of the features foretells the wrong label of a class, far above chance (1/3).
        rows = np.flatnonzero(mask & (y == 0))
        half = len(rows) // 2
        model = LogisticRegression().fit(X[rows[:half]], y_noisy[rows[:half]])
        assert model.score(X[rows[half:]], y_noisy[rows[half:]]) > 0.55

    @pytest.mark.parametrize("rate", [0.01, 0.5, 0.98])
    def test_the_rate_holds_near_the_ends(self, rate):
        X, y = np.zeros((40000, 1)), np.arange(40000) % 3
        mask = instance_noise(X, y, rate, spread=0.3, random_state=0)[1]
        assert mask.mean() == pytest.approx(rate, abs=6 * np.sqrt(rate * (1 - rate) / 40000))


class TestDissenting:
    def test_labels_are_those_somebody_gave(self):
        rng = np.random.RandomState(0)
        y = rng.randint(4, size=400)
        answers = np.where(
            rng.random_sample((400, 3)) < 0.2, rng.randint(4, size=(400, 3)), y[:, None]
        )
        for by in ("label", "annotator"):
            y_noisy, mask = dissenting_noise(y, 0.2, annotators=answers, by=by, random_state=0)
            assert mask.sum() == 80
            assert (answers[mask] == y_noisy[mask, None]).any(axis=1).all()

    def test_one_annotator_dissents(self):
        y = np.arange(300) % 3
        answers = np.column_stack([(y + 1) % 3, (y + 2) % 3])
        y_noisy, mask = dissenting_noise(y, 0.4, annotators=answers, by="annotator", random_state=0)
        assert len(set(((y_noisy - y) % 3)[mask])) == 1
        y_noisy, mask = dissenting_noise(y, 0.4, annotators=answers, random_state=0)
        assert set(((y_noisy - y) % 3)[mask]) == {1, 2}

    def test_the_second_annotator_only_when_the_first_is_used_up(self):
        y = np.zeros(100, dtype=int)
        answers = np.zeros((100, 2), dtype=int)
        answers[:10, 0], answers[:30, 1], y[99] = 1, 2, 1
        answers[99], y[98] = 1, 2
        answers[98] = 2
        y_noisy, _ = dissenting_noise(y, 0.3, annotators=answers, by="annotator", random_state=1)
        first = {1: 10, 2: 30}
        counts = {label: int((y_noisy[:30] == label).sum()) for label in first}
        assert counts in ({1: 10, 2: 20}, {1: 0, 2: 30})

    def test_made_annotators_have_habits(self):
        y = np.repeat(np.arange(6), 500)
        y_noisy, mask = dissenting_noise(y, 0.1, by="annotator", random_state=0)
        table = pd.crosstab(y[mask], y_noisy[mask]).to_numpy()
        assert (table > 0).sum(axis=1).max() <= 2  # one dissenter, at most a second one
        assert dissenting_noise(y, 1.0, random_state=0)[1].all()

    def test_a_table_with_blanks_and_names(self):
        y = pd.Series(["a", "b", "a", "b"], index=[5, 5, 6, 7])
        answers = pd.DataFrame({"ann": ["b", None, None, "b"], "bob": [None, "a", np.nan, "b"]})
        y_noisy, mask = dissenting_noise(y, 0.5, annotators=answers, random_state=0)
        assert_array_equal(mask, [True, True, False, False])
        assert list(y_noisy) == ["b", "a", "a", "b"]

    def test_errors(self):
        y = ["a", "b", "a", "b"]
        with pytest.raises(ValueError, match="dissent in 1 of 4 rows. Lower rate to 0.25"):
            dissenting_noise(y, 0.5, annotators=[["b"], ["b"], ["a"], ["b"]])
        with pytest.raises(ValueError, match="annotator 'ann' gave 'z' in row 2"):
            dissenting_noise(y, annotators=pd.DataFrame({"ann": ["a", None, "z", "b"]}))
        with pytest.raises(ValueError, match="annotators has 3 rows and y has 4"):
            dissenting_noise(y, annotators=[["a"]] * 3)


class TestGroups:
    y = np.tile(["no", "no", "yes", "maybe"], 5000)
    groups = np.repeat(["large", "small"], [15000, 5000])

    def rates(self, mask):
        return [mask[self.groups == group].mean() for group in ("large", "small")]

    def test_each_group_has_its_rate(self):
        _, mask = group_noise(self.y, self.groups, {"large": 0.05, "small": 0.4}, random_state=0)
        assert_allclose(self.rates(mask), [0.05, 0.4], atol=0.03)
        _, mask = group_noise(self.y, self.groups, {"small": 0.4}, random_state=0)
        assert self.rates(mask)[0] == 0

    def test_source_and_target(self):
        y_noisy, mask = group_noise(
            self.y, self.groups, {"small": 0.5}, source="yes", target="no", random_state=0
        )
        assert set(self.y[mask]) == {"yes"} and set(y_noisy[mask]) == {"no"}
        overlooked = mask[(self.groups == "small") & (self.y == "yes")].mean()
        assert overlooked == pytest.approx(0.5, abs=0.09)
        y_noisy, mask = group_noise(
            self.y, self.groups, {"small": 0.3}, target="no", random_state=0
        )
        assert set(self.y[mask]) == {"yes", "maybe"} and set(y_noisy[mask]) == {"no"}
        assert_allclose(self.rates(mask), [0, 0.3], atol=0.03)

    def test_groups_of_other_kinds(self):
        groups = pd.Series(pd.Categorical(self.groups))
        rates = pd.Series({"small": 0.4})
        mask = group_noise(self.y, groups, rates, random_state=0)[1]
        assert_array_equal(
            mask, group_noise(self.y, list(self.groups), {"small": 0.4}, random_state=0)[1]
        )

    @pytest.mark.parametrize(
        "kwargs, message",
        [
            ({"rates": {"tiny": 0.1}}, "group 'tiny' of rates has no row; groups has 'large'"),
            ({"rates": {"small": 1.2}}, r"rate of group 'small' must be in \[0, 1\], got 1.2"),
            ({"rates": {"small": "x"}}, "got 'x'"),
            ({"rates": {"small": 0.6}, "target": "no"}, "only 0.5 of its rows may flip"),
            ({"rates": {"small": 0.6}, "source": "z"}, "source='z' is not a class"),
            ({"rates": {}, "source": "no", "target": "no"}, "same class, 'no'"),
        ],
    )
    def test_errors(self, kwargs, message):
        with pytest.raises(ValueError, match=message):
            group_noise(self.y, self.groups, **kwargs)

    def test_bad_groups(self):
        with pytest.raises(ValueError, match="groups has 3 rows and y has 20000"):
            group_noise(self.y, ["a"] * 3, {"a": 0.1})
        groups = pd.Series(self.groups).where(np.arange(20000) != 7)
        with pytest.raises(ValueError, match="missing value in row 7"):
            group_noise(self.y, groups, {"small": 0.1})
