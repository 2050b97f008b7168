"""What is done about suspect rows: drop them, weigh them down, or correct them."""

from sknoisy.treatment._filter import FilterClassifier, FilterRegressor
from sknoisy.treatment._relabel import RelabelClassifier, RelabelRegressor
from sknoisy.treatment._reweight import ReweightClassifier, ReweightRegressor

__all__ = [
    "FilterClassifier",
    "FilterRegressor",
    "RelabelClassifier",
    "RelabelRegressor",
    "ReweightClassifier",
    "ReweightRegressor",
]
