"""Several columns of labels: single cells are wrong, not rows."""

from sknoisy.multilabel._multilabel_classifier import MultiLabelClassifier
from sknoisy.multilabel._multilabel_detector import MultiLabelDetector

__all__ = ["MultiLabelClassifier", "MultiLabelDetector"]
