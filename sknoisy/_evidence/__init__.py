"""The engine: what detectors know about the training rows, worked out once and shared."""

from sknoisy._evidence._cross_fit import Responses, cross_fit, out_of_sample
from sknoisy._evidence._evidence import Evidence
from sknoisy._evidence._features import numeric_features
from sknoisy._evidence._fitting import fit_model, take_rows, weight_parameter
from sknoisy._evidence._neighbors import Neighborhood, neighborhood
from sknoisy._evidence._splits import Folds, check_reusable
from sknoisy._evidence._stages import Stages
from sknoisy._evidence._table import TableEncoder, is_table
from sknoisy._evidence._target import Target, check_labels, check_numbers, is_continuous
from sknoisy._evidence._training_stages import training_stages

__all__ = [
    "Evidence",
    "Folds",
    "Neighborhood",
    "Responses",
    "Stages",
    "TableEncoder",
    "Target",
    "check_labels",
    "check_numbers",
    "check_reusable",
    "cross_fit",
    "fit_model",
    "is_continuous",
    "is_table",
    "neighborhood",
    "numeric_features",
    "out_of_sample",
    "take_rows",
    "training_stages",
    "weight_parameter",
]
