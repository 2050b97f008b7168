"""Rows that a model only gets right when it has seen them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.utils._param_validation import StrOptions

from sknoisy._typing import Array, Contamination, Estimator, IntArray, RandomStateLike
from sknoisy.detection._base import Finding
from sknoisy.detection._verdict import label_verdict, number_verdict
from sknoisy.detection.bags._base import BagDetector
from sknoisy.noise_model._wide_normal import typical_size

MEMORISED = 0.25  # the authors' bound


class Memorization(BagDetector):
    """Wrong targets by how much they are memorised: fitted when seen, missed when not.

    Models are fitted on random subsets of the rows. The score of a row is the mean probability of
    its given label by the models that have seen it, minus that by the models that have not. For
    numbers it is the root mean squared error of the latter minus that of the former.

    A row can only be memorised by a model that has room for it: a linear model on few features
    fits a single wrong label no better when it has seen it, and `DataOOB` or `ConfidentLearning`
    suits it better. Right rows that are unlike all others are memorised, too: such a row is
    valuable, and its score alone does not tell it from a wrong one.

    Number of fits: `n_bags` (50); 1 for a forest or bagging with bootstrap, whose own trees or
    members are the models.

    Parameters
    ----------
    estimator : estimator object, default=None
        The model whose memory is measured. None means the one a treatment wraps; alone, a random
        forest of 200 trees. A forest or bagging with bootstrap is fitted once, and it is the memory
        of its members that is measured; `n_bags` and `max_samples` are its own. Where bags must
        keep `groups` together, it is fitted to subsets as a whole, like any other estimator.
    n_bags : int >= 2, default=50
        Number of subsets; the paper has 2000 to 4000. The standard error of a score is at most
        `sqrt(0.25 / (n_bags * max_samples * (1 - max_samples)))`.
    max_samples : float in (0, 1), default=0.7
        Size of a subset, drawn without replacement, as a share of the rows (groups). Each class
        has this share in each subset, within one row, where no `groups` are given.
    response : {"predict_proba", "predict"}, default="predict_proba"
        For labels, whether probabilities are averaged, or, as in the paper, the share of the models
        that predict the given label. The former needs fewer subsets.
    contamination : {"auto", "own"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" is `NoiseCount`, by its out-of-sample suggestions. "own":
        those with `noise_proba_` above one half and, for labels, a score above 0.25 and a likelier
        label than the given one by the models that have not seen the row.
    n_jobs : int or None, default=None
        Fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the subsets and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Memorisation: in [-1, 1] for labels; for numbers in units of the median error of the models
        that have not seen a row. NaN for a row that was in all subsets or in none, and for the sole
        member of a class.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong. With "own": for labels the posterior by the
        confident joint of the probabilities of the models that have not seen a row, for numbers
        that of the wider of two normals about zero; 0 for labels with a score of 0.25 or less, and
        numbers with a score of 0 or less.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        By the averaged prediction of the models that have not seen the row: the likeliest label
        (for a flagged row the likeliest other one), or the number.
    label_proba_ : ndarray of shape (n, K)
        For labels: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For labels: all classes of y.
    seen_, unseen_ : ndarray of shape (n,)
        The two means whose difference is the score: for labels of the probability (or the share of
        predictions) of the given one, for numbers the root mean squared errors, in units of y.
    n_seen_, n_unseen_ : ndarray of shape (n,) of int
        Number of models that have seen the row, and that have not.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    DataOOB : Only what the models say that have not seen the row.

    References
    ----------
    V. Feldman, C. Zhang: "What neural networks memorize and why: discovering the long tail via
    influence estimation", NeurIPS 2020 (the estimator from subsets of 70 %, and 0.25 as the bound
    of what counts as memorised; there of neural networks and classes, here of any estimator, also
    for numbers, and with the same share of each class in each subset. That a likelier label is
    needed for a flag is not theirs).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sknoisy.detection import Memorization
    >>> X, y = load_iris(return_X_y=True)
    >>> y[[3, 60]] = [2, 0]
    >>> detector = Memorization(DecisionTreeClassifier(), contamination="own", random_state=0)
    >>> detector = detector.fit(X, y)
    >>> detector.seen_[3] > 0.9 and detector.unseen_[3] < 0.1
    np.True_
    >>> detector.noise_mask_[[3, 60]].tolist()
    [True, True]
    """

    _task = "both"
    _assumes = "a model that can fit single rows; right rows have others like them"
    _auto = "count"
    _parameter_constraints: dict = {
        **BagDetector._parameter_constraints,
        "response": [StrOptions({"predict_proba", "predict"})],
    }

    seen_: Array
    unseen_: Array
    n_seen_: IntArray
    n_unseen_: IntArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_bags: int = 50,
        max_samples: float = 0.7,
        response: Literal["predict_proba", "predict"] = "predict_proba",
        contamination: Contamination = "auto",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_bags = n_bags
        self.max_samples = max_samples
        self.response = response
        self.contamination = contamination
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, evidence):
        bags = self._bags(evidence)
        target = evidence.target
        if not target.is_labels:
            seen, unseen = np.sqrt(bags.loss_in), np.sqrt(bags.loss_out)
            score = (unseen - seen) / typical_size(unseen)
            verdict = number_verdict(np.abs(score))
            verdict = _limited(verdict, score > 0)
        else:
            seen, unseen = 1.0 - bags.loss_in, 1.0 - bags.loss_out
            if self.response == "predict_proba":
                rows = np.arange(len(target.y))
                seen = bags.mean_in[rows, target.codes]
                unseen = bags.mean_out[rows, target.codes]
            score = seen - unseen
            verdict = label_verdict(bags.mean_out, target.codes)
            verdict = _limited(verdict, score > MEMORISED)
            verdict["label_proba"] = np.where(
                (score > MEMORISED)[:, None],
                verdict["label_proba"],
                np.eye(len(target.classes))[target.codes],
            )
        return Finding(
            score=score,
            suggestion=bags.mean_out,
            **verdict,
            attributes={
                "seen_": seen,
                "unseen_": unseen,
                "n_seen_": bags.n_in,
                "n_unseen_": bags.n_out,
            },
        )

    def _reason(self, row):
        seen, unseen = self.seen_[row], self.unseen_[row]
        if self._target.is_labels:
            return (
                f"{self._target.y[row]} has p={seen:.2f} by models that have seen the row, "
                f"{unseen:.2f} by the others"
            )
        return f"models that have seen the row are off by {seen:.4g}, the others by {unseen:.4g}"


def _limited(verdict, memorised):
    """The verdict, with no suspicion of rows that are not memorised."""
    return verdict | {
        "noise_proba": np.where(memorised, verdict["noise_proba"], 0.0),
        "mask": verdict["mask"] & memorised,
    }
