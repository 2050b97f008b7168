"""Labels of any kind are encoded as `np.unique` would, however that is done."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.multiclass import check_classification_targets

from sknoisy._evidence import check_labels

LABELS = {
    "whole numbers": np.array([3, 3, 1, 7]),
    "a single one": np.array([4, 4, 4]),
    "far apart": np.array([-5, 10**12, -5]),
    "bytes": np.array([255, 0, 3, 255], dtype=np.uint8),
    "short": np.array([-128, 127, 0, 0] * 100, dtype=np.int8),
    "beyond int64": np.array([2**63 + 5, 2**63 + 7, 2**63 + 5], dtype=np.uint64),
    "least of int64": np.array([-(2**63), -(2**63) + 1, -(2**63)]),
    "truth values": np.array([True, False, True]),
    "only true": np.array([True, True]),
    "texts": np.array(["bee", "ant", "bee", "Ant"]),
    "objects": np.array(["bee", "ant", "bee", "\u00e4"], dtype=object),
    "whole floats": np.array([2.0, 1.0, 2.0]),
    "zeros": np.array([0.0, -0.0, 1.0]),
}


@pytest.mark.parametrize("name", LABELS)
def test_codes(name):
    y = LABELS[name]
    target = check_labels(y)
    classes, codes = np.unique(y, return_inverse=True)
    np.testing.assert_array_equal(target.classes, classes)
    np.testing.assert_array_equal(target.codes, codes)
    np.testing.assert_array_equal(target.classes[target.codes], y)
    assert target.classes.dtype == y.dtype
    assert target.codes.dtype == np.intp


@pytest.mark.parametrize("dtype", ["category", "string", object, "str"])
def test_columns_of_texts(dtype):
    y = pd.Series(["bee", "ant", "bee", "cat"]).astype(dtype)
    target = check_labels(y)
    assert target.classes.tolist() == ["ant", "bee", "cat"]
    assert target.codes.tolist() == [1, 0, 1, 2]


@pytest.mark.parametrize("as_type", [int, str])
def test_nearly_as_many_classes_as_rows_are_warned_of(as_type):
    y = np.arange(30).astype(as_type)
    said = []
    for check in (check_classification_targets, check_labels):  # scikit-learn 1.6 does not warn
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            check(y)
        said.append([str(warning.message) for warning in caught])
    assert said[0] == said[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_labels(np.repeat(np.arange(30), 2).astype(as_type))
