"""Numbers that are made wrong: rates, masks, containers, errors."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from sknoisy.datasets import (
    decimal_noise,
    heavy_tail_noise,
    one_sided_noise,
    outlier_noise,
    shuffle_noise,
    spread_noise,
)


def _spread_noise(y, rate, **kwargs):
    X = np.random.RandomState(len(y)).normal(size=(len(y), 2))
    return spread_noise(X, y, rate, **kwargs)


# All of them as f(y, rate, random_state=...).
GENERATORS = {
    "outlier": outlier_noise,
    "shuffle": shuffle_noise,
    "decimal": decimal_noise,
    "one_sided": one_sided_noise,
    "heavy_tail": heavy_tail_noise,
    "spread": _spread_noise,
}
all_generators = pytest.mark.parametrize("noise", GENERATORS.values(), ids=GENERATORS)

ODD_INDEX = [7, 7, -1, 30, 2, 99, 5, 4]
NUMBERS = [3.5, -1.25, 8.0, 2.0, 13.0, 1.5, -4.0, 6.0]
TARGETS = {  # with the dtype after noise was added
    "list": (NUMBERS, None),
    "tuple": (tuple(NUMBERS), None),
    "float64": (np.array(NUMBERS), "float64"),
    "float32": (np.array(NUMBERS, dtype=np.float32), "float32"),
    "int": (np.arange(1, 9), "float64"),
    "objects": (np.array(NUMBERS, dtype=object), "float64"),
    "Series": (pd.Series(NUMBERS, index=ODD_INDEX, name="price"), "float64"),
    "float32 Series": (pd.Series(NUMBERS, index=ODD_INDEX, dtype="float32"), "float32"),
    "int Series": (pd.Series(range(1, 9), index=ODD_INDEX, name="price"), "float64"),
    "Float64 Series": (pd.Series(NUMBERS, index=ODD_INDEX, dtype="Float64"), "Float64"),
    "Int64 Series": (pd.Series(range(1, 9), index=ODD_INDEX, dtype="Int64"), "Float64"),
}


@all_generators
@pytest.mark.parametrize("y, dtype", TARGETS.values(), ids=TARGETS)
def test_container_comes_back(noise, y, dtype):
    before = y.copy() if hasattr(y, "copy") else type(y)(y)
    y_noisy, mask = noise(y, 0.6, random_state=2)
    assert type(y_noisy) is type(y)
    assert mask.shape == (8,) and mask.dtype == bool
    assert mask.any() and not mask.all()
    assert_array_equal([a != b for a, b in zip(y_noisy, y, strict=True)], mask)
    if dtype is not None:
        # Shuffled values are y's own, and need no other type.
        assert y_noisy.dtype == (y.dtype if noise is shuffle_noise else dtype)
    if isinstance(y, pd.Series):
        pd.testing.assert_index_equal(y_noisy.index, y.index)
        assert y_noisy.name == y.name
        y_noisy.iloc[:] = 0
    elif isinstance(y, np.ndarray):
        y_noisy[:] = 0
    assert_array_equal(np.asarray(y), np.asarray(before))


@all_generators
def test_pyarrow_series(noise):
    pytest.importorskip("pyarrow", exc_type=ImportError)
    y = pd.Series(NUMBERS, index=ODD_INDEX, dtype="double[pyarrow]")
    y_noisy, mask = noise(y, 0.5, random_state=1)
    assert y_noisy.dtype == y.dtype
    assert_array_equal((y_noisy != y).to_numpy(dtype=bool), mask)


@all_generators
def test_polars_series(noise):
    pl = pytest.importorskip("polars")
    for y in (pl.Series("price", NUMBERS, dtype=pl.Float32), pl.Series("price", range(1, 9))):
        y_noisy, mask = noise(y, 0.5, random_state=1)
        assert isinstance(y_noisy, pl.Series) and y_noisy.name == "price"
        assert_array_equal((y_noisy.cast(pl.Float64) != y.cast(pl.Float64)).to_numpy(), mask)
        assert y_noisy.dtype == y.dtype or y.dtype == pl.Int64


@settings(max_examples=60, deadline=None)
@given(
    y=arrays(
        np.float64,
        st.integers(2, 30),
        elements=st.integers(-5, 5).map(float) | st.floats(-1e9, 1e9, width=32),
    ),
    rate=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_mask_is_where_values_differ(y, rate, seed):
    assume(len(set(y)) > 1)
    counts = np.unique(y, return_counts=True)[1]
    differing = 1 - np.sum(counts * (counts - 1)) / (len(y) * (len(y) - 1))
    limits = {"decimal": np.mean(y != 0), "shuffle": differing}
    for name, noise in GENERATORS.items():
        share = rate * limits.get(name, 1.0)
        y_noisy, mask = noise(y, share, random_state=seed)
        assert_array_equal(y_noisy != y, mask)
        assert np.isfinite(y_noisy).all()
        assert_array_equal(noise(y, share, random_state=seed)[0], y_noisy)


@all_generators
@pytest.mark.parametrize("kind", ["normal", "with zeros and ties"])
def test_rate_is_hit_on_average(noise, kind):
    y = np.random.RandomState(0).normal(size=20000)
    if kind != "normal":
        y = np.where(y < 0.5, 0.0, np.round(y, 1))  # about 70 % zeros
    for rate in (0.03, 0.25):
        _, mask = noise(y, rate, random_state=0)
        assert mask.mean() == pytest.approx(rate, abs=6 * np.sqrt(rate * (1 - rate) / len(y)))


@all_generators
def test_small_rates_are_hit_over_seeds(noise):
    # Less than two rows in expectation: the mean over seeds is what counts.
    y = np.array([1.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    n_seeds = 1000
    changed = [noise(y, 0.15, random_state=seed)[1].mean() for seed in range(n_seeds)]
    # Shuffled rows come in pairs or more, which doubles the variance.
    deviation = np.sqrt(2 * 0.15 * 0.85 / (6 * n_seeds))
    assert np.mean(changed) == pytest.approx(0.15, abs=6 * deviation)


@all_generators
def test_extreme_rates(noise):
    y = np.arange(1.0, 101.0)
    y_noisy, mask = noise(y, 0.0, random_state=0)
    assert_array_equal(y_noisy, y)
    assert not mask.any()
    assert noise(y, 1.0, random_state=0)[1].all()


@all_generators
def test_seeds(noise):
    y = np.arange(1.0, 101.0)
    first = noise(y, 0.5, random_state=1)[0]
    assert_array_equal(noise(y, 0.5, random_state=np.random.RandomState(1))[0], first)
    assert_array_equal(noise(y.tolist(), 0.5, random_state=1)[0], first)
    assert (noise(y, 0.5, random_state=2)[0] != first).any()


class TestKinds:
    y = np.random.RandomState(0).gamma(2.0, 3.0, size=20000)

    def test_outlier(self):
        y_noisy, mask = outlier_noise(self.y, 0.2, strength=4, random_state=0)
        error = (y_noisy - self.y)[mask] / self.y.std()
        assert np.abs(error).min() >= 4 - 1e-9 and np.abs(error).max() <= 8 + 1e-9
        assert np.mean(error > 0) == pytest.approx(0.5, abs=6 * 0.5 / np.sqrt(mask.sum()))

    def test_shuffle_keeps_the_values(self):
        y_noisy, mask = shuffle_noise(self.y, 0.2, random_state=0)
        assert_array_equal(np.sort(y_noisy), np.sort(self.y))
        # Wrong values have nothing to do with the right ones.
        r = np.corrcoef(y_noisy[mask], self.y[mask])[0, 1]
        assert abs(r) < 6 / np.sqrt(mask.sum())

    def test_decimal(self):
        y_noisy, mask = decimal_noise(self.y, 0.2, random_state=0)
        ratio = (y_noisy / self.y)[mask]
        up = ratio > 1
        assert_allclose(ratio[up], 10)
        assert_allclose(ratio[~up], 0.1)
        assert up.mean() == pytest.approx(0.5, abs=6 * 0.5 / np.sqrt(mask.sum()))
        y_noisy, mask = decimal_noise([7, 30], 1.0, shifts=[-2], random_state=0)
        assert y_noisy == [0.07, 0.3]

    def test_one_sided(self):
        y_noisy, mask = one_sided_noise(self.y, 0.2, strength=2, random_state=0)
        error = (y_noisy - self.y)[mask] / self.y.std()
        assert error.max() <= -1 + 1e-9 and error.min() >= -3 - 1e-9
        assert error.mean() == pytest.approx(-2, abs=6 * 0.6 / np.sqrt(mask.sum()))
        y_noisy, mask = one_sided_noise(self.y, 0.2, side="high", random_state=0)
        assert (y_noisy[mask] > self.y[mask]).all()

    def test_heavy_tail(self):
        y_noisy, _ = heavy_tail_noise(self.y, 1.0, df=1, strength=0.5, random_state=0)
        error = (y_noisy - self.y) / self.y.std()
        # Of a Cauchy distribution half lies within its scale; the median has a deviation of
        # pi / 2 / sqrt(n) scales.
        assert np.median(np.abs(error)) == pytest.approx(0.5, abs=6 * 0.8 / np.sqrt(len(error)))
        assert np.abs(error).max() > 100
        y_noisy, _ = heavy_tail_noise(self.y, 1.0, df=1000, random_state=0)
        assert np.abs(y_noisy - self.y).max() < 6 * self.y.std()

    @pytest.mark.parametrize("column", ["b", None])
    def test_spread(self, column):
        X = pd.DataFrame({"b": np.linspace(5, 6, 20000)})
        if column is not None:
            X.insert(0, "text", "not a number")
        y_noisy, mask = spread_noise(X, self.y, 1.0, column=column, random_state=0)
        error = (y_noisy - self.y) / self.y.std()
        low, middle, high = (part.std() for part in np.split(error[:19998], 3))
        if column is None and low > high:  # the random direction may point down
            low, high = high, low
        assert_allclose([low, middle, high], [0.49, 1.01, 1.54], atol=0.08)
        # Every row is equally likely to be hit.
        _, mask = spread_noise(X, self.y, 0.2, column=column, random_state=0)
        for part in np.split(mask[:19998], 3):
            assert part.mean() == pytest.approx(0.2, abs=6 * np.sqrt(0.16 / 6666))

    def test_spread_by_position(self):
        X = np.column_stack([np.zeros(50), np.arange(50.0)])
        by_position, _ = spread_noise(X, self.y[:50], column=1, random_state=0)
        by_frame, _ = spread_noise(
            pd.DataFrame(X, columns=["a", "b"]), self.y[:50], column="b", random_state=0
        )
        assert_array_equal(by_position, by_frame)

    def test_spread_errors(self):
        X = pd.DataFrame({"a": [1.0, 2.0, np.nan], "b": [1, 2, 3]})
        with pytest.raises(ValueError, match="column 'a' of X has a missing value in row 2"):
            spread_noise(X, [1.0, 2.0, 3.0])
        spread_noise(X, [1.0, 2.0, 3.0], column="b")
        with pytest.raises(ValueError, match=r"column 'c' is not in X; its columns are \['a', 'b'"):
            spread_noise(X, [1.0, 2.0, 3.0], column="c")
        with pytest.raises(ValueError, match="X has 3 rows and y has 2"):
            spread_noise(X, [1.0, 2.0])


BAD_TARGETS = {
    "NaN": (np.array([1.0, np.nan, 2.0]), r"y has the value nan in row 1 \(from 0\)"),
    "infinity": ([1.0, 2.0, np.inf], "y has the value inf in row 2"),
    "NA": (pd.Series([1, None], dtype="Int64", index=[5, 6]), "y has a missing value in row 1"),
    "text": (["1.0", "2.0"], "numbers are needed"),
    "text Series": (pd.Series(["a", "b"]), "numbers are needed"),
    "category": (pd.Series([1, 2]).astype("category"), "of type category, but numbers are needed"),
    "text object": (np.array([1.0, "2"], dtype=object), "y holds text"),
    "dates": (pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"])), "numbers are needed"),
    "complex": (np.array([1j, 2.0]), "numbers are needed"),
    "empty": ([], "no rows"),
    "2-D": (np.ones((3, 2)), "one-dimensional"),
}


@all_generators
@pytest.mark.parametrize("y, message", BAD_TARGETS.values(), ids=BAD_TARGETS)
def test_bad_targets(noise, y, message):
    if noise is _spread_noise:
        noise = lambda y, rate: spread_noise(np.zeros((len(y), 1)), y, rate)  # noqa: E731
    with pytest.raises(ValueError, match=message):
        noise(y, 0.2)


@pytest.mark.parametrize("noise", [outlier_noise, one_sided_noise, heavy_tail_noise, _spread_noise])
def test_constant_target(noise):
    with pytest.raises(ValueError, match=r"y is constant \(all values are 0.1\)"):
        noise([0.1] * 7, 0.2)


def test_rate_out_of_reach():
    with pytest.raises(ValueError, match="only 0.25 of everything is a value other than zero"):
        decimal_noise([0, 0, 0, 5], 0.3)
    with pytest.raises(ValueError, match="values of y are equal. Lower rate to 0.5 or less"):
        shuffle_noise([0, 0, 0, 5], 0.6)
    with pytest.raises(ValueError, match="Lower rate to 0 or less"):
        shuffle_noise([1.0, 1.0], 0.1)
    assert not shuffle_noise([1.0, 1.0], 0.0)[1].any()


def test_overflow_is_named():
    y = np.array([6e4, -6e4, 0.0], dtype=np.float16)
    with pytest.raises(ValueError, match=r"row \d \(from 0\) is too large for y's type"):
        outlier_noise(y, 1.0, random_state=0)


@pytest.mark.parametrize("shifts", [[], [0], [1.5], ["a"], [1, 0]])
def test_bad_shifts(shifts):
    with pytest.raises(ValueError, match="shifts must hold nonzero integers"):
        decimal_noise([1.0, 2.0], shifts=shifts)


@pytest.mark.parametrize(
    "noise, parameter, value",
    [
        (outlier_noise, "strength", 0),
        (one_sided_noise, "side", "left"),
        (heavy_tail_noise, "df", 0.5),
        (shuffle_noise, "rate", 2),
    ],
)
def test_bad_parameters(noise, parameter, value):
    with pytest.raises(ValueError, match=f"'{parameter}' parameter of {noise.__name__}"):
        noise([1.0, 2.0], **{parameter: value})
