"""scikit-learn's own checks of training rows that are not distributed as those to be judged."""

import pytest
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoisy.training.shift import TargetShiftRegressor

pytestmark = pytest.mark.filterwarnings("ignore:.*was given no target rows")


@parametrize_with_checks([TargetShiftRegressor(Ridge(), random_state=0)])
def test_sklearn_checks(estimator, check):
    check(estimator)
