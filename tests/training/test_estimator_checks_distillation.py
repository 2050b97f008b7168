"""scikit-learn's own checks of self-distillation and of probabilities that hold."""

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.training import distillation

QUICK = {"CalibratedProbabilityClassifier": {"n_rounds": 1}}


def estimators():
    for name in distillation.__all__:
        if not name.endswith(("Classifier", "Regressor")):  # a formula
            continue
        model = Ridge() if name.endswith("Regressor") else LogisticRegression(max_iter=200)
        kind = getattr(distillation, name)
        yield kind(model, cv=2, random_state=0, **QUICK.get(name, {}))
        if name.startswith("SelfDistillation"):
            yield kind(model, cv=2, mixing=0.5, n_steps=2, teacher="in_sample", random_state=0)


@parametrize_with_checks(list(estimators()))
def test_sklearn_checks(estimator, check, small_forests):
    check(estimator)
