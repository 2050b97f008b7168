"""Wrong targets by how late in training they are learnt."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval

from sknoisy._evidence import Folds
from sknoisy._typing import Array, Contamination, CVLike, Estimator, IntArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import stage_verdict
from sknoisy.detection.stages._staged_model import staged_model
from sknoisy.noise_model._wide_normal import MAD_TO_SD, typical_size


class LateStopping(BaseDetector):
    """Wrong targets by the stage of the training from which on they are predicted as given.

    A model is trained for long, and for each row the first stage is noted at which it has been
    predicted as given `n_consecutive` times in a row (first-time k-epoch learning, FkL). The rows
    that are learnt last, or never, are taken out and the training starts anew, several times.
    Right rows that are hard have a large loss for long, too, but in the end they are learnt before
    the wrong ones; a cut by an early loss would lose them.

    With `contamination="auto"` those rows are flagged that were taken out, were not learnt in
    the first half of the training, are never learnt by the last model, which is trained without
    them, and are more likely wrong than right: for classes by the confident joint of its
    responses, for numbers by the wider one of two normals about zero, of the residuals before any
    row was taken out. On a clean set, this spares most of those that were taken out.

    Number of fits: `n_lifecycles + 1`, fewer when no row is left to take out; times the number of
    folds when `cv` is given.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor that trains in stages: boosting, a neural network, stochastic
        gradient descent. It must be able to learn hard rows, and to need longer for wrong ones.
        None means the one a treatment wraps; alone, histogram gradient boosting.
    n_consecutive : int >= 1, default=3
        How many stages in a row a row must be predicted as given to count as learnt.
    n_lifecycles : int >= 1, default=4
        How often rows are taken out.
    drop : float in (0, 0.5], default=0.05
        The most that is taken out of each class (of all rows, for numbers) in a lifecycle, as a
        share of what is left of it. With the default of 4 lifecycles that is 19 % in the end.
    per_class : bool, default=True
        Whether rows are compared with those of their class only. A small class is learnt later
        than a large one, and would be taken out as a whole.
    tolerance : float > 0, default=2.0
        For numbers: a prediction is as given when it is off by at most so many robust standard
        deviations of the residuals at the last stage of the first lifecycle.
    n_stages : int >= 1, default=20
        Number of stages at which predictions are looked at, at most the number of iterations.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is the rule above.
    cv : int, splitter, iterable or None, default=None
        None means, as in the paper, that the model is trained on the rows it judges; otherwise the
        folds of cross-fitting.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds any `random_state` that `estimator` leaves at None, and the folds.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        The sooner a row was taken out the higher: the number of lifecycles that it was left out
        of, plus a part below 1 that rises with the stage at which it was learnt. Rows of the same
        stage are told apart by their mean error over the stages. NaN for a row that could not be
        judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong. With "auto": by the rule above, and above one
        half only for flagged rows.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        For classes the likeliest label, for a flagged row the likeliest other one; for numbers the
        prediction. Both by the last model, which has not seen the rows that were taken out.
    label_proba_ : ndarray of shape (n, K)
        For classes: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For classes: all classes of y.
    learned_at_ : ndarray of shape (n,)
        The stage, from 1, at which the row was learnt in the last lifecycle that trained on it;
        infinite for never.
    dropped_in_ : ndarray of shape (n,) of int
        The lifecycle, from 1, after which the row was taken out; 0 for a row that stayed.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    References
    ----------
    S. Yuan, L. Feng, T. Liu: "Late stopping: avoiding confidently learning from mislabeled
    examples", ICCV 2023 (there of networks, with each lifecycle training until all but 2 % are
    learnt, twelve lifecycles in which k rises from 1 to 3, all classes together, and the last
    network as the result. Adapted: a fixed length of training, so that more rows are never learnt,
    ties between which the mean error breaks; the rule that flags; numbers).

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.detection import LateStopping
    >>> X, y = make_blobs(200, centers=[[-4, -4], [4, 4]], random_state=0)
    >>> y[:5] = 1 - y[:5]
    >>> detector = LateStopping(LogisticRegression()).fit(X, y)
    >>> detector.noise_mask_.nonzero()[0].tolist()
    [0, 1, 2, 3, 4]
    """

    _task = "both"
    _assumes = "the model learns right rows, hard ones too, before wrong ones"
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "n_consecutive": [Interval(Integral, 1, None, closed="left")],
        "n_lifecycles": [Interval(Integral, 1, None, closed="left")],
        "drop": [Interval(Real, 0, 0.5, closed="right")],
        "per_class": ["boolean"],
        "tolerance": [Interval(Real, 0, None, closed="neither")],
        "n_stages": [Interval(Integral, 1, None, closed="left")],
    }

    learned_at_: Array
    dropped_in_: IntArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_consecutive: int = 3,
        n_lifecycles: int = 4,
        drop: float = 0.05,
        per_class: bool = True,
        tolerance: float = 2.0,
        n_stages: int = 20,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_consecutive = n_consecutive
        self.n_lifecycles = n_lifecycles
        self.drop = drop
        self.per_class = per_class
        self.tolerance = tolerance
        self.n_stages = n_stages
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _default_model(self, evidence):
        return staged_model(evidence)

    # ------------------------------------------------------------------ the method

    def _find(self, evidence):
        if self.n_consecutive > self.n_stages:
            raise ValueError(
                f"n_consecutive={self.n_consecutive} stages in a row cannot be reached in "
                f"n_stages={self.n_stages}."
            )
        target, n = evidence.target, evidence.n_rows
        together = target.codes if target.is_labels and self.per_class else np.zeros(n, dtype=int)
        kept, dropped_in = np.ones(n, dtype=bool), np.zeros(n, dtype=int)
        stages = self._train(evidence, kept)
        size = self._size(evidence, stages.last)  # before the rows with the largest are taken out
        allowed = None if target.is_labels else self.tolerance * MAD_TO_SD * typical_size(size)
        again, lateness = self._learned(evidence, stages, allowed)
        learned = again.copy()
        for lifecycle in range(1, self.n_lifecycles + 1):
            free = kept & ~evidence.trusted & ~np.isnan(lateness)
            late = latest(learned, lateness, kept, free, together, self.drop)
            if not late.any():
                break
            kept[late], dropped_in[late] = False, lifecycle
            stages = self._train(evidence, kept)
            again, lateness_again = self._learned(evidence, stages, allowed)
            learned[kept], lateness[kept] = again[kept], lateness_again[kept]

        learned[np.isnan(lateness)] = np.nan
        out = dropped_in > 0
        proba, mask = stage_verdict(target.codes, stages.last, size)
        mask &= out & (learned > len(stages.progress) / 2) & np.isinf(again)
        n_left_out = np.where(out, self.n_lifecycles + 1 - dropped_in, 0)
        return Finding(
            score=n_left_out + lateness,
            suggestion=stages.last,
            noise_proba=np.where(mask, proba, np.minimum(proba, 0.5)),
            mask=mask,
            attributes={"learned_at_": learned, "dropped_in_": dropped_in},
        )

    def _size(self, evidence, answer):
        """Absolute residuals of numbers."""
        return (
            None if evidence.target.is_labels else np.abs(evidence.target.y.astype(float) - answer)
        )

    def _train(self, evidence, kept):
        """Stages of all rows, of a model that is trained on those that are kept."""
        cv = self.cv
        if not kept.all():
            rows = np.arange(evidence.n_rows)
            folds = [(rows, rows)]
            if cv is not None:
                [folds] = evidence.splits(cv, random_state=self.random_state)
            cv = Folds((train[kept[train]], test) for train, test in folds)
        return evidence.stages(
            self._model(evidence),
            n_stages=self.n_stages,
            cv=cv,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )

    def _learned(self, evidence, stages, allowed):
        """The stage at which each row is learnt, and the same in [0, 1) without ties."""
        target = evidence.target
        if target.is_labels:
            as_given = stages.predicted == target.codes
            error = 1.0 - stages.given.mean(axis=0)
        else:
            size = self._size(evidence, stages.prediction)
            as_given = size <= allowed  # False where it is NaN
            error = size.mean(axis=0)
        n_stages = len(as_given)
        learned = first_learned(as_given, min(self.n_consecutive, n_stages))
        at = np.where(np.isinf(learned), n_stages + 1, learned)
        part = error if target.is_labels else error / (error + typical_size(error))
        return learned, (at - 1 + 0.999 * part) / (n_stages + 1)

    def _reason(self, row):
        at, lifecycle = self.learned_at_[row], self.dropped_in_[row]
        text = "never learnt" if np.isinf(at) else f"learnt at stage {at:.0f}"
        return text + (f", taken out after lifecycle {lifecycle}" if lifecycle else "")


def first_learned(as_given, n_consecutive):
    """(n,): first stage, from 1, at which the last `n_consecutive` of (S, n) are true; else inf."""
    run = np.zeros(as_given.shape[1], dtype=int)
    learned = np.full(as_given.shape[1], np.inf)
    for stage, right in enumerate(as_given, start=1):
        run = np.where(right, run + 1, 0)
        learned[(run >= n_consecutive) & np.isinf(learned)] = stage
    return learned


def latest(learned, lateness, kept, free, together, drop):
    """(n,) of bool: the rows to take out, at most the share `drop` of the kept ones of each kind.

    Training could be stopped at the first stage at which all but this share are learnt: rows that
    are learnt by then stay.
    """
    late = np.zeros(len(learned), dtype=bool)
    for kind in np.unique(together):
        rows = np.flatnonzero(kept & (together == kind))
        n_drop = int(drop * len(rows) + 1e-9)
        if n_drop == 0:
            continue
        rows = rows[free[rows]]
        rows = rows[np.argsort(-lateness[rows], kind="stable")]
        last_kept = learned[rows[n_drop]] if len(rows) > n_drop else 0
        out = rows[:n_drop]
        late[out[(learned[out] > last_kept) | np.isinf(learned[out])]] = True
    return late
