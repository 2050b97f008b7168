"""Rows from several sources whose answers conflict: which batches belong together."""

from sknoisy.training.sources._list_decodable import ListDecodableRegressor
from sknoisy.training.sources._subjective_learning import (
    SubjectiveLearningClassifier,
    SubjectiveLearningRegressor,
)

__all__ = [
    "ListDecodableRegressor",
    "SubjectiveLearningClassifier",
    "SubjectiveLearningRegressor",
]
