"""Correction for label noise by a transition matrix, and the classifier that corrects nothing."""

from sknoisy.training.correction._noise_ignorant import NoiseIgnorantClassifier
from sknoisy.training.correction._transition_classifier import TransitionClassifier

__all__ = ["NoiseIgnorantClassifier", "TransitionClassifier"]
