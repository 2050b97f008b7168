"""Rows in batches, each of one source, and clones that are fitted to some of the batches."""

from __future__ import annotations

import numpy as np
from sklearn.dummy import DummyClassifier

from sknoisy._evidence import fit_model
from sknoisy._evidence._cross_fit import Fit, fit_each
from sknoisy._evidence._fitting import rows_to_fit, seeded_clone
from sknoisy._evidence._responses import LabelResponse, number_response
from sknoisy._evidence._splits import make_splits

LEAST_ROWS = 5  # that a clone is fitted to
LEAST_PROBA = 0.01  # one row must not decide for its batch
NEVER = 1e290  # loss by a clone that has too few rows: finite, for a weight may be zero


class Batches:
    """The rows of an `Evidence` in batches, which stay together in the folds.

    Parameters
    ----------
    evidence : Evidence
    batch : ndarray of shape (n,) of int
        Number of the batch of each row, 0 to B - 1.
    estimator : estimator object
        What is cloned.
    cv : int, splitter or iterable
        What a splitter gets as groups are the batches.
    random_state, n_jobs : int or None
    """

    def __init__(self, evidence, batch, estimator, *, cv=3, random_state=None, n_jobs=None):
        self.evidence = evidence
        self.batch = batch
        self.estimator = estimator
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.n_batches = int(batch.max()) + 1
        given = evidence.inputs.sample_weight
        self.weight = np.ones(evidence.n_rows) if given is None else given
        self.size = np.bincount(batch, self.weight, self.n_batches)
        # batches of no weight are judged, too
        self.judging = np.where(self.size[batch] > 0, self.weight, 1.0)
        self.folds = []
        if self.n_batches > 1:
            together = batch if self.n_batches < evidence.n_rows else None
            [self.folds] = make_splits(
                cv, evidence.inputs.X, evidence.target, groups=together, random_state=random_state
            )
            self._check_whole()

    def _check_whole(self):
        for i, (train, test) in enumerate(self.folds):
            both = np.intersect1d(self.batch[train], self.batch[test])
            if len(both):
                row = test[self.batch[test] == both[0]][0]
                raise ValueError(
                    f"Split {i + 1} of cv has rows of one batch both to fit on and to judge (row "
                    f"{row}, for one), and {len(both)} such batches: keep batches together, as "
                    "GroupKFold does, or give a number of folds."
                )

    @property
    def are_rows(self):
        """Whether each batch is a single row."""
        return self.n_batches == self.evidence.n_rows

    def losses(self, member):
        """Loss of each row by clones that have not seen its batch.

        Parameters
        ----------
        member : ndarray of shape (K, B) of bool
            To which batches each clone is fitted.

        Returns
        -------
        ndarray of shape (n, K)
            `NEVER` by clones with too few rows; zero in all columns for rows that nobody judged.
        """
        target, n, K = self.evidence.target, self.evidence.n_rows, len(member)
        loss = np.full((n, K), np.nan)
        fits, owners = [], []
        for k in range(K):
            for i, (train, test) in enumerate(self.folds):
                rows = self._rows(member[k], train)
                if len(rows) < min(LEAST_ROWS, len(train)):
                    loss[test, k] = NEVER
                elif target.is_labels and len(np.unique(target.codes[rows])) == 1:
                    only = np.eye(len(target.classes))[target.codes[rows[:1]]]
                    loss[test, k] = self._loss("predict", np.repeat(only, len(test), 0), test)
                else:
                    purpose = f"to source {k}, fold {i + 1} of {len(self.folds)}"
                    weight, seed = self._weight(rows), self._seed(k * len(self.folds) + i)
                    fits.append(Fit(rows, target.y[rows], weight, test, seed, purpose))
                    owners.append(k)
        respond = LabelResponse(target.classes) if target.is_labels else number_response
        inputs = self.evidence.inputs
        answers = fit_each(self.estimator, inputs, fits, respond, n_jobs=self.n_jobs)
        for (method, values), fit, k in zip(answers, fits, owners, strict=True):
            loss[fit.test, k] = self._loss(method, values, fit.test)
        loss[np.isnan(loss).any(axis=1)] = 0.0
        return loss

    def mean(self, loss, rows=None):
        """(B, K) means of losses (n, K) over each batch, or over those of its rows in a mask.

        NaN where a batch has no such row.
        """
        weight = self.judging if rows is None else self.judging * rows
        total = np.stack(
            [np.bincount(self.batch, weight * column, self.n_batches) for column in loss.T], axis=1
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            return total / np.bincount(self.batch, weight, self.n_batches)[:, None]

    def held_out(self, loss):
        """(B,) loss of a half of each batch by the clone that the other half goes to.

        Both ways; a batch of one row goes where its own loss is least.
        """
        odd = self._rank() % 2 == 1
        halves = [self.mean(loss, odd), self.mean(loss, ~odd)]
        both = self.mean(loss)
        halves = [np.where(np.isnan(half), both, half) for half in halves]
        at = np.arange(self.n_batches)
        total = sum(
            halves[1 - i][at, halves[i].argmin(axis=1)]  # chosen by one, judged by the other
            for i in (0, 1)
        )
        return total / 2

    def fit(self, member):
        """K clones, each fitted to its batches; `member` as in `losses`."""
        return [self._fitted(k, self._rows(mine)) for k, mine in enumerate(member)]

    def _fitted(self, k, rows):
        evidence = self.evidence
        inputs, target, n = evidence.inputs, evidence.target, evidence.n_rows
        model = seeded_clone(self.estimator, self.random_state)
        if target.is_labels and 1 == len(np.unique(target.codes[rows])) < len(target.classes):
            model = DummyClassifier(strategy="most_frequent")
            return model.fit(np.zeros((len(rows), 1)), target.y[rows])
        X, params = rows_to_fit(inputs.X, inputs.fit_params, rows, n)
        return fit_model(
            model,
            X,
            target.y[rows],
            self._weight(rows),
            params,
            weight_strategy=inputs.weight_strategy,
            random_state=self.random_state,
        )

    def _rows(self, member, train=None):
        """Rows of the batches of one clone; those of zero weight only where all are asked for."""
        if train is None and member.all():
            return np.arange(self.evidence.n_rows)
        train = np.arange(self.evidence.n_rows) if train is None else train
        return train[member[self.batch[train]] & (self.weight[train] > 0)]

    def _weight(self, rows):
        given = self.evidence.inputs.sample_weight
        return None if given is None else given[rows]

    def _loss(self, method, values, rows):
        target = self.evidence.target
        if not target.is_labels:
            return (target.y[rows] - values) ** 2
        if method != "predict_proba":  # margins have no scale
            values = np.where(np.isnan(values), values, np.eye(values.shape[1])[values.argmax(1)])
        return -np.log(np.clip(values[np.arange(len(rows)), target.codes[rows]], LEAST_PROBA, 1.0))

    def _rank(self):
        """(n,) number of each row within its batch, in an order drawn by the seed."""
        n = self.evidence.n_rows
        order = np.random.RandomState(self.random_state).permutation(n)
        order = order[np.argsort(self.batch[order], kind="stable")]
        start = np.r_[0, np.cumsum(np.bincount(self.batch, minlength=self.n_batches))[:-1]]
        rank = np.empty(n, dtype=int)
        rank[order] = np.arange(n) - start[self.batch[order]]
        return rank

    def _seed(self, i):
        return None if self.random_state is None else (self.random_state + i) % (2**31 - 1)
