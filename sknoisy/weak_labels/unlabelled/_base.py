"""What classifiers of partly labelled rows share."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.metrics import accuracy_score

from sknoisy._evidence import take_rows
from sknoisy._evidence._arrays import container, foreign_as_numpy, with_blanks
from sknoisy._typing import ArrayLike, MatrixLike
from sknoisy._wrapper import scored
from sknoisy.weak_labels._base import BaseWeakClassifier
from sknoisy.weak_labels.unlabelled._labels import check_partly_labelled, is_unlabelled


class BasePartlyLabelled(BaseWeakClassifier):
    """Classifier for y that has no label in some rows: the mark `unlabelled`, or nothing."""

    _parameter_constraints: dict = {
        **BaseWeakClassifier._parameter_constraints,
        "unlabelled": [Integral, str, None],
        "cv": ["cv_object"],
    }

    def _read(self, y):
        return check_partly_labelled(y, self.unlabelled)

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy on the rows that have a label; the others are left out.

        Parameters
        ----------
        X : as in `fit`
        y : array-like of shape (n,)
            Labels, of which some may be missing.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        float
            NaN where no row has a label.
        """
        X, y = container(X), with_blanks(y, "y")
        weight = foreign_as_numpy(sample_weight, "sample_weight")
        rows = np.flatnonzero(~is_unlabelled(y, self.unlabelled))
        if not len(rows):
            return np.nan
        weight = None if weight is None else np.asarray(weight)[rows]
        known = check_partly_labelled(take_rows(y, rows), None)
        y_true = known.classes[known.codes]
        said = self.predict(take_rows(X, rows))
        return float(scored(accuracy_score, y_true, said, weight))


def weigh_labelled(proba, is_labelled, share):
    """Soft labels in which the labelled rows have at least this share of all weight.

    The whole weight stays.
    """
    known, all_rows = proba[is_labelled].sum(), proba.sum()
    if known >= share * all_rows or known == 0:
        return proba
    others = all_rows - known
    factor = np.where(is_labelled, share * all_rows / known, (1.0 - share) * all_rows / others)
    return proba * factor[:, None]
