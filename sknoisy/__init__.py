"""sknoisy: scikit-learn estimators that cope with wrong labels, wrong numbers and broken rows."""

from sknoisy.robust import RobustClassifier, RobustRegressor
from sknoisy.treatment import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    RelabelRegressor,
    ReweightClassifier,
    ReweightRegressor,
)

__version__ = "0.1.0"

__all__ = [
    "FilterClassifier",
    "FilterRegressor",
    "RelabelClassifier",
    "RelabelRegressor",
    "ReweightClassifier",
    "ReweightRegressor",
    "RobustClassifier",
    "RobustRegressor",
]
