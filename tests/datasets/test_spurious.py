"""A feature that misleads in some rows: shares, groups, what a model makes of it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression, Ridge

from sknoisy.datasets import make_spurious


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_plain_model_is_worse_where_the_feature_misleads(task):
    model = Ridge() if task == "regression" else LogisticRegression()
    for seed in range(3):
        X, y, groups = make_spurious(2000, task=task, random_state=seed)
        misled = groups == 1 if task == "regression" else np.isin(groups, (1, 2))
        fitted = model.fit(X, y)
        assert fitted.score(X[misled], y[misled]) < fitted.score(X[~misled], y[~misled]) - 0.05
        assert misled.mean() == pytest.approx(0.05, abs=0.015)


def test_groups_say_label_and_attribute():
    X, y, groups = make_spurious(500, spurious_noise=0.0, core_noise=0.0, random_state=0)
    assert X.shape == (500, 5)
    assert_array_equal(groups // 2, y)
    assert_array_equal(X[:, 1], 2 * (groups % 2) - 1)
    assert_array_equal(X[:, 0], 2 * y - 1)
    X, y, groups = make_spurious(500, spurious_noise=0.0, task="regression", random_state=0)
    assert_array_equal(X[:, 1], np.where(groups == 1, -y, y))


def test_the_ends_of_minority_the_seed_and_the_number_of_columns():
    assert set(make_spurious(100, minority=0.0, random_state=0)[2]) == {0, 3}
    assert set(make_spurious(100, minority=1.0, random_state=0)[2]) == {1, 2}
    one, two = (
        make_spurious(50, n_other=0, random_state=3),
        make_spurious(50, n_other=0, random_state=3),
    )
    assert one[0].shape == (50, 2)
    for a, b in zip(one, two, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("wrong", [{"minority": 1.5}, {"task": "ranking"}, {"n_samples": 0}])
def test_what_is_refused(wrong):
    with pytest.raises(ValueError, match=f"'{next(iter(wrong))}' parameter of make_spurious"):
        make_spurious(**wrong)
