"""scikit-learn's own checks, over every class for positive-unlabelled labels."""

import inspect

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.weak_labels import positive_unlabelled

MODEL = LogisticRegression(solver="liblinear")
QUICK = {"n_estimators": 5, "max_iter": 2, "n_refits": 1, "cv": 2, "random_state": 0}
FOLDS = "folds and bags hold a repeated row apart, or are drawn anew, where a weight is one row"
WEIGHT_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data": FOLDS,
    "check_sample_weight_equivalence_on_sparse_data": FOLDS,
}


def public_classes():
    for name in positive_unlabelled.__all__:
        kind = getattr(positive_unlabelled, name)
        if inspect.isclass(kind):
            yield kind


def estimators():
    for kind in public_classes():
        # scikit-learn's checks give one column of labels, and leave out its own
        # MultiOutputClassifier for that
        if kind is positive_unlabelled.PUMultiOutputClassifier:
            continue
        known = inspect.signature(kind).parameters
        yield kind(MODEL, **{key: value for key, value in QUICK.items() if key in known})
    yield positive_unlabelled.ElkanNotoClassifier(MODEL, mode="rescaled", cv=2, random_state=0)


@parametrize_with_checks(list(estimators()), expected_failed_checks=lambda estimator: WEIGHT_CHECKS)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", public_classes(), ids=lambda kind: kind.__name__)
def test_every_public_class_has_a_docstring_with_an_example(kind):
    assert ">>>" in kind.__doc__
    assert "References" in kind.__doc__
