"""Noisy rows for each clean one: how many, which labels, which containers."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits, load_iris, make_blobs
from sklearn.linear_model import LogisticRegression

from sknoisy.datasets import dilute

X, y = load_iris(return_X_y=True)
KINDS = ("uniform", "structured", "foreign")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0, 0.5, 1, 3.2])
def test_clean_rows_stay_and_noisy_ones_follow(kind, alpha):
    X_new, y_new, mask, source = dilute(X, y, alpha, kind=kind, random_state=0)
    n_added = round(alpha * 150)
    assert len(X_new) == len(y_new) == len(mask) == len(source) == 150 + n_added
    assert_array_equal(X_new[:150], X)
    assert_array_equal(y_new[:150], y)
    assert_array_equal(source[:150], np.arange(150))
    assert not mask[:150].any()
    if kind == "foreign":
        assert mask[150:].all() and (source[150:] == -1).all()
    else:
        assert_array_equal(X_new, X[source])
        assert_array_equal(mask, y_new != y[source])
        copies = np.bincount(source[150:], minlength=150)
        assert copies.max(initial=0) - copies.min() <= 1
    again = dilute(X, y, alpha, kind=kind, random_state=0)
    for one, other in zip(again, (X_new, y_new, mask, source), strict=True):
        assert_array_equal(one, other)


def test_uniform_labels_are_even():
    X_many, y_many = np.zeros((1000, 1)), np.arange(1000) % 4
    _, y_new, mask, _ = dilute(X_many, y_many, 40, random_state=0)
    assert_allclose(np.bincount(y_new[1000:]) / 40000, 1 / 4, atol=0.015)
    assert mask[1000:].mean() == pytest.approx(3 / 4, abs=0.015)


def test_structured_labels_are_those_of_confused_classes():
    X_row, y_row = make_blobs(900, centers=[[0, 0], [3, 0], [7, 0]], random_state=0)
    _, y_new, _, source = dilute(X_row, y_row, 30, kind="structured", structure=1.0, random_state=0)
    found = pd.crosstab(y_row[source[900:]], y_new[900:], normalize="index").to_numpy()
    assert_allclose(found, [[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0], [0, 2 / 3, 1 / 3]], atol=0.02)
    even = dilute(X_row, y_row, 30, kind="structured", structure=0.0, random_state=0)
    found = pd.crosstab(y_row[even[3][900:]], even[1][900:], normalize="index").to_numpy()
    assert_allclose(found, 1 / 3, atol=0.02)


def test_shuffled_columns_keep_their_values_and_lose_what_goes_together():
    X_new, _, _, _ = dilute(X, y, 4, kind="foreign", random_state=0)
    added = X_new[150:]
    for j in range(4):
        assert_array_equal(np.sort(added[:, j]), np.sort(np.tile(X[:, j], 4)))
    assert abs(np.corrcoef(added[:, 2], added[:, 3])[0, 1]) < 0.2 < np.corrcoef(X.T)[2, 3]


def test_rows_from_outside():
    X_digits, y_digits = load_digits(return_X_y=True)
    known = y_digits < 8
    X_in, X_out = X_digits[known], X_digits[~known]
    X_new, y_new, mask, source = dilute(
        X_in, y_digits[known], 0.2, kind="foreign", X_outside=X_out, random_state=0
    )
    assert_array_equal(X_new[mask], X_out[-1 - source[mask]])
    assert len(set(source[mask])) == mask.sum()  # without replacement
    assert set(y_new) == set(range(8))


@pytest.mark.parametrize("kind", KINDS)
def test_tables_keep_their_types(kind):
    table = pd.DataFrame(
        {
            "size": [1.5, 2.5, np.nan, 4.0] * 5,
            "count": pd.array([1, 2, None, 4] * 5, dtype="Int64"),
            "sort": pd.Categorical(list("abca") * 5),
            "text": ["some", "words", "and", "more"] * 5,
        },
        index=np.arange(20) * 3,
    )
    labels = pd.Series(["no", "yes"] * 10, index=table.index, name="target")
    model = _only_size() if kind == "structured" else None
    X_new, y_new, mask, source = dilute(
        table, labels, 2, kind=kind, estimator=model, random_state=0
    )
    assert X_new.dtypes.equals(table.dtypes)
    assert_array_equal(X_new.index, np.arange(60))
    assert_array_equal(y_new.index, np.arange(60))
    assert y_new.name == "target" and y_new.dtype == labels.dtype
    if kind != "foreign":
        pd.testing.assert_frame_equal(X_new, table.iloc[source].reset_index(drop=True))
    else:
        assert X_new["text"].iloc[20:].value_counts().eq(10).all()
    outside = dilute(table, labels, 1, kind="foreign", X_outside=table[:3], random_state=0)
    assert outside[0].dtypes.equals(table.dtypes)


def _only_size():
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(make_column_transformer((SimpleImputer(), ["size"])), LogisticRegression())


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csc_array])
def test_sparse(make):
    rng = np.random.RandomState(0)
    dense = np.where(rng.random_sample((200, 6)) < 0.2, rng.randint(1, 5, (200, 6)), 0)
    labels = rng.randint(3, size=200)
    for kind in ("uniform", "foreign"):
        X_new, _, mask, source = dilute(make(dense), labels, 3, kind=kind, random_state=0)
        assert X_new.format == "csr" and X_new.shape == (800, 6)
        assert isinstance(X_new, sparse.sparray) == isinstance(make(dense), sparse.sparray)
        assert X_new.dtype == dense.dtype
        if kind == "uniform":
            assert_array_equal(X_new.toarray(), dense[source])
        else:
            added = X_new.toarray()[200:]
            for j in range(6):
                assert_array_equal(np.sort(added[:, j]), np.sort(np.tile(dense[:, j], 3)))
    X_new, _, mask, source = dilute(
        make(dense), labels, 1, kind="foreign", X_outside=make(dense[:50]), random_state=0
    )
    assert_array_equal(X_new.toarray()[mask], dense[-1 - source[mask]])


def test_lists_and_texts():
    texts = ["a film", "a book", "a play", "a song"]
    X_new, y_new, mask, source = dilute(texts, ["x", "y", "x", "y"], 2, random_state=0)
    assert_array_equal(X_new, np.array(texts)[source])
    assert isinstance(y_new, list) and len(y_new) == 12
    with pytest.raises(ValueError, match="only columns can be shuffled; give X_outside"):
        dilute(texts, ["x", "y", "x", "y"], 2, kind="foreign")


def test_more_clean_rows_help_and_noise_alone_does_not_decide():
    """The paper's claim, on made data: what counts is the number of clean rows."""
    from sklearn.datasets import make_classification

    def accuracy(n_clean, alpha, seed):
        X_all, y_all = make_classification(
            4000, 8, n_informative=6, n_classes=3, n_clusters_per_class=1, flip_y=0,
            class_sep=2.0, random_state=seed,
        )  # fmt: skip
        X_new, y_new, _, _ = dilute(X_all[:n_clean], y_all[:n_clean], alpha, random_state=seed)
        model = LogisticRegression().fit(X_new, y_new)
        return model.score(X_all[2000:], y_all[2000:])

    for seed in range(3):
        clean, few, many = (
            accuracy(2000, 0, seed),
            accuracy(40, 20, seed),
            accuracy(2000, 20, seed),
        )
        assert many > clean - 0.05  # 20 of 21 rows are noise
        assert few < many - 0.1


def test_errors():
    with pytest.raises(ValueError, match="X_outside is for kind='foreign'"):
        dilute(X, y, 1, X_outside=X)
    with pytest.raises(ValueError, match=r"rows of shape \(2,\), X of \(4,\)"):
        dilute(X, y, 1, kind="foreign", X_outside=X[:, :2])
    with pytest.raises(ValueError, match="must be of one kind"):
        dilute(X, y, 1, kind="foreign", X_outside=sparse.csr_matrix(X))
    with pytest.raises(ValueError, match="columns of X, in their order"):
        frame = pd.DataFrame(X)
        dilute(frame, y, 1, kind="foreign", X_outside=frame[[1, 0, 2, 3]])
    with pytest.raises(ValueError, match="X has 150 rows and y has 3"):
        dilute(X, [1, 2, 1], 1)
    with pytest.raises(ValueError, match="'alpha' parameter of dilute"):
        dilute(X, y, -1)
    with pytest.raises(ValueError, match="single class"):
        dilute(X, np.zeros(150, dtype=int), 1)
