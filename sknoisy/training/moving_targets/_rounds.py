"""Rounds of models that judge rows which they have not seen, by targets that may change."""

from __future__ import annotations

from copy import copy

import numpy as np

from sknoisy._evidence import Folds
from sknoisy._soft_fit import SoftRows

MIN_PROBA = 1e-3  # soft labels less likely than this are left out; a given one is not


class Rounds:
    """The same folds in each round; what the models of a round are fitted to is given anew.

    Parameters
    ----------
    evidence : Evidence
        Its rows, weights, groups and parameters of `fit`.
    cv : int, splitter, iterable or None
    random_state, n_jobs : int or None

    Attributes
    ----------
    folds : list of (train rows, test rows)
        None of them where no row can be judged, such as with one class or one row.
    """

    def __init__(self, evidence, cv, *, random_state, n_jobs):
        self._how = {"random_state": random_state, "n_jobs": n_jobs}
        target = evidence.target
        self.folds = []
        if len(target.classes) > 1 if target.is_labels else evidence.n_rows > 1:
            [self.folds] = evidence.splits(cv, random_state=random_state)
        self._judge(evidence)

    def _judge(self, evidence):
        self._evidence = evidence
        if evidence.target.is_labels:
            self._rows = SoftRows.of(evidence, min_proba=MIN_PROBA, **self._how)

    def with_params(self, fit_params):
        """The same folds, for a model with other parameters of `fit`."""
        other = copy(self)
        other._judge(self._evidence.replaced(fit_params=fit_params))
        return other

    def answer(self, estimator, now, kept=None):
        """What models say of rows, fitted to `now` of others, and only to those that are `kept`.

        Parameters
        ----------
        estimator : estimator
        now : ndarray of shape (n, K) or (n,)
            Weight of each label in each row, or numbers.
        kept : ndarray of shape (n,) of bool, default=None

        Returns
        -------
        ndarray of shape (n, K) or (n,)
            NaN for a row that could not be judged.
        """
        if not self.folds:
            return np.full(now.shape, np.nan)
        if now.ndim == 1:
            rows, folds = self._evidence.replaced(y=now), Folds(self.folds)
            unseen = None if kept is None else ~kept
            return rows.responses(estimator, cv=folds, unseen=unseen, **self._how).values
        if kept is not None:
            now = np.where(kept[:, None], now, 0.0)
        said = self._rows.out_of_sample(estimator, now, self.folds)
        codes = self._evidence.target.codes
        for train, test in self.folds:  # nobody can judge a class that he has never seen
            strange = ~now[train].any(axis=0)[codes[test]]
            said[test[strange]] = np.nan
        return np.clip(said, 0.0, 1.0)
