"""What kind of row each one is, by comparing its losses in training with those of probes."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import rankdata
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _num_samples

from sknoisy._evidence._arrays import as_numpy
from sknoisy._typing import Array, Contamination, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection._verdict import disagrees
from sknoisy.detection.stages._staged_model import staged_model
from sknoisy.noise_model._wide_normal import MAD_TO_SD, typical_size

LOWEST = 1e-3  # probability that counts in a loss: below it there is no telling how wrong a row is
AS_GIVEN = 1.5  # robust standard deviations within which a number is predicted as given
CHUNK_ROWS = 4096
KINDS = np.array(["typical", "atypical", "random target", "corrupted"])
RANDOM = 2  # position of "random target" in KINDS


class MetadataArchaeology(BaseDetector):
    """Wrong targets, and other kinds of rows, by probes that are mixed into the training set.

    MAP-D: rows of known kinds, the probes, are put into the training set, the loss of every row is
    noted at each stage of the training, and each row is of the kinds that the probes with the
    nearest trajectories of losses are of. The kinds are

    - "typical" and "atypical": right rows of which the model is most and least sure;
    - "random target": rows whose target was replaced by a random other one;
    - "corrupted": rows of which every other feature, on average, was replaced by that of a random
      other row. X without columns (a list of texts) has none of these.

    Probes of the last two kinds take the place of the rows they are made of, so these cannot be
    judged in the same training. It is repeated with probes of other rows, and a row is judged in
    those repeats in which it was left as it is.

    Which rows are typical is told by responses out of sample: probes are made of rows that are
    predicted as given (numbers: within 1.5 robust standard deviations), or of the surer half if
    those are fewer. Of these, the most and the least sure ones are the first two kinds. Altered
    probes are drawn from the others, save from classes that are no larger than a suite of probes.

    Number of fits: `n_repeats`, and those of the responses out of sample (5, or `cv`), which other
    detectors share; with `cv` given, `n_repeats * cv` in place of the former.

    Parameters
    ----------
    estimator : estimator object, default=None
        Classifier or regressor that trains in stages: boosting, a neural network, stochastic
        gradient descent. None means the one a treatment wraps; alone, histogram gradient boosting.
    n_probes : int >= 1 or None, default=None
        Number of probes of each kind. None means a twentieth of the rows, at most 250. It is lower
        when there are not enough rows to make them of.
    n_neighbors : int >= 1, default=20
        Number of nearest probes that are asked, at most as many as there are of one kind.
    n_repeats : int >= 2, default=2
        Number of trainings, each with other altered probes.
    n_stages : int >= 1, default=20
        Number of stages at which the loss is noted, at most the number of iterations.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto" flags those of whose nearest probes more than half
        have a random target.
    cv : int, splitter, iterable or None, default=None
        None means, as in the paper, losses of models that are trained on the rows; otherwise the
        folds of cross-fitting.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the probes, the folds and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        Share of "random target" among the nearest probes; rows with the same share are told apart
        by their mean loss, which adds less than one probe. NaN for a row that could not be judged.
    noise_proba_ : ndarray of shape (n,)
        Probability that the given target is wrong. With "auto": `metadata_proba_` of "random
        target".
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        For classes the likeliest label, for a flagged row the likeliest other one; for numbers the
        prediction. Both out of sample.
    label_proba_ : ndarray of shape (n, K)
        For classes: posterior of the true label, given the row and its label.
    classes_ : ndarray of shape (K,)
        For classes: all classes of y.
    metadata_proba_ : ndarray of shape (n, 4)
        Share of each of `kinds_` among the nearest probes, the mean over the repeats: the
        probability if all kinds were equally frequent.
    kinds_ : ndarray of shape (4,)
        The kinds: "typical", "atypical", "random target", "corrupted".
    probes_ : list of dict
        For each repeat, the rows of each kind.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    References
    ----------
    S. A. Siddiqui, N. Rajkumar, T. Maharaj, D. Krueger, S. Hooker: "Metadata archaeology:
    unearthing data subsets by leveraging training dynamics", ICLR 2023 (there with 250 probes of
    each kind; typical and atypical rows are those of an outside score of consistency, altered ones
    are drawn from all rows, and corruption is normal noise. Adapted: probes and judgement from the
    same rows, by repeats; numbers, whose loss is the absolute residual).

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.ensemble import GradientBoostingClassifier
    >>> from sknoisy.detection import MetadataArchaeology
    >>> X, y = make_blobs(200, centers=[[-4, -4], [4, 4]], random_state=0)
    >>> y[:5] = 1 - y[:5]
    >>> model = GradientBoostingClassifier(max_depth=2)
    >>> detector = MetadataArchaeology(model, random_state=0).fit(X, y)
    >>> sorted(detector.noise_score_.argsort()[-5:].tolist())
    [0, 1, 2, 3, 4]
    """

    _task = "both"
    _assumes = "wrong targets are learnt as random ones are"
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "n_probes": [Interval(Integral, 1, None, closed="left"), None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "n_repeats": [Interval(Integral, 2, None, closed="left")],
        "n_stages": [Interval(Integral, 1, None, closed="left")],
    }

    metadata_proba_: FloatArray
    kinds_: Array
    probes_: list[Any]

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        n_probes: int | None = None,
        n_neighbors: int = 20,
        n_repeats: int = 2,
        n_stages: int = 20,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_probes = n_probes
        self.n_neighbors = n_neighbors
        self.n_repeats = n_repeats
        self.n_stages = n_stages
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _default_model(self, evidence):
        return staged_model(evidence)

    # ------------------------------------------------------------------ the method

    def _find(self, evidence):
        outside = evidence.responses(
            self._model(evidence), cv=self.cv, random_state=self.random_state, n_jobs=self.n_jobs
        ).values
        rng = check_random_state(self.random_state)
        repeats = self._choose(evidence, outside, rng)
        votes, loss = np.zeros((evidence.n_rows, len(KINDS))), np.zeros(evidence.n_rows)
        n_judged = np.zeros(evidence.n_rows)
        for probes in repeats:
            seed = int(rng.randint(2**31 - 1))
            losses = self._losses(alter(evidence, probes, rng), seed)
            left = ~np.isnan(losses).any(axis=1)
            if not left[np.concatenate([probes[kind] for kind in KINDS])].any():
                continue  # without a probe there is nothing to compare with
            left[np.concatenate([probes[kind] for kind in KINDS[RANDOM:]])] = False
            rows = np.flatnonzero(left)
            votes[rows] += self._votes(losses, probes, rows)
            loss[rows] += losses[rows].mean(axis=1)
            n_judged[rows] += 1
        with np.errstate(invalid="ignore"):
            votes, loss = votes / n_judged[:, None], loss / n_judged
        judged = n_judged > 0
        score = votes[:, RANDOM].copy()
        if judged.any():
            one_vote = 1.0 / (self.n_neighbors * self.n_repeats)
            score[judged] += one_vote * rankdata(loss[judged]) / (judged.sum() + 1)
        return Finding(
            score=score,
            suggestion=outside,
            noise_proba=votes[:, RANDOM],
            mask=votes[:, RANDOM] > 0.5,
            attributes={
                "metadata_proba_": votes,
                "kinds_": KINDS.copy(),
                "probes_": repeats,
            },
        )

    def _choose(self, evidence, outside, rng):
        """For each repeat, the rows that are to be probes of each kind."""
        target, n = evidence.target, evidence.n_rows
        if target.is_labels and len(target.classes) < 2:
            return []  # there is no other label to give a probe, and none to suspect
        judged = np.flatnonzero(~np.isnan(outside.reshape(n, -1)).any(axis=1))
        if target.is_labels:
            sure = outside[judged, target.codes[judged]]
            as_given = ~disagrees(outside[judged], target.codes[judged])
        else:
            sure = -np.abs(target.y.astype(float) - outside)[judged]
            as_given = -sure <= AS_GIVEN * MAD_TO_SD * typical_size(-sure)
        n_kinds = len(KINDS) if has_columns(evidence.inputs.X) else len(KINDS) - 1
        n_shares = 2 + self.n_repeats * (n_kinds - 2)
        n_right = max(as_given.sum(), (len(judged) + 1) // 2, n_shares)  # there may be few rows
        right = judged[np.lexsort((-sure, ~as_given))[:n_right]]  # the surest first
        wanted = max(1, min(250, n // 20)) if self.n_probes is None else self.n_probes
        n_probes = min(wanted, len(right) // n_shares)
        others = rng.permutation(right[n_probes : len(right) - n_probes])
        if target.is_labels:  # no class is to vanish with its probes
            others = others[np.bincount(target.codes)[target.codes[others]] > n_probes]
        n_probes = min(n_probes, len(others) // (n_shares - 2))
        if n_probes == 0:
            raise ValueError(
                f"MetadataArchaeology makes probes of at least {n_shares} rows that are judged and "
                f"right, and found {len(right)} in n_samples={n}."
            )
        repeats = []
        for _ in range(self.n_repeats):
            probes = {KINDS[0]: right[:n_probes], KINDS[1]: right[-n_probes:]}
            for kind in KINDS[2:]:
                m = n_probes if kind in KINDS[:n_kinds] else 0
                probes[kind], others = np.sort(others[:m]), others[m:]
            repeats.append(probes)
        return repeats

    def _losses(self, evidence, seed):
        """(n, S): the loss of each row at each stage of a training."""
        target = evidence.target
        stages = evidence.stages(
            self._model(evidence),
            n_stages=self.n_stages,
            cv=self.cv,
            random_state=seed,
            n_jobs=self.n_jobs,
        )
        if target.is_labels:
            return -np.log(np.maximum(stages.given, LOWEST)).T
        return np.abs(target.y.astype(float) - stages.prediction).T

    def _votes(self, losses, probes, rows):
        """(n_rows, 4): share of each kind among the nearest probes, the row itself left out."""
        probe_rows = np.concatenate([probes[kind] for kind in KINDS])
        kind_of = np.repeat(np.arange(len(KINDS)), [len(probes[kind]) for kind in KINDS])
        known = ~np.isnan(losses[probe_rows]).any(axis=1)
        probe_rows, kind_of = probe_rows[known], kind_of[known]
        k = max(1, min(self.n_neighbors, len(probes[KINDS[RANDOM]]), len(probe_rows) - 1))
        index = NearestNeighbors(n_neighbors=k + 1).fit(losses[probe_rows])
        votes = np.empty((len(rows), len(KINDS)))
        for chunk in gen_batches(len(rows), CHUNK_ROWS):
            near = index.kneighbors(losses[rows[chunk]], return_distance=False)
            own = probe_rows[near] == rows[chunk][:, None]
            order = np.argsort(own, axis=1, kind="stable")[:, :k]
            kinds = kind_of[np.take_along_axis(near, order, axis=1)]
            votes[chunk] = (kinds[:, :, None] == np.arange(len(KINDS))).mean(axis=1)
        return votes

    def _reason(self, row):
        shares = self.metadata_proba_[row]
        text = f"{shares[RANDOM]:.0%} of the nearest probes have a random target"
        likeliest = int(np.argmax(shares))
        if likeliest == RANDOM:
            return text
        return text + f", {shares[likeliest]:.0%} are {self.kinds_[likeliest]}"


def alter(evidence, probes, rng):
    """The evidence's training set with the altered probes in it."""
    target, inputs = evidence.target, evidence.inputs
    y, rows = inputs.y.copy(), probes[KINDS[RANDOM]]
    if target.is_labels:
        n_classes = len(target.classes)
        at, codes = pd.factorize(target.codes)  # by appearance: names of classes do not matter
        others = at[rows] + rng.randint(1, n_classes, size=len(rows))
        y[rows] = target.classes[codes[others % n_classes]]
    else:
        y[rows] = target.y[(rows + rng.randint(1, len(y), size=len(rows))) % len(y)]
    return evidence.replaced(X=with_random_cells(inputs.X, probes[KINDS[3]], rng), y=y)


def has_columns(X):
    """Whether the rows of X have cells: tables and arrays do, a list of texts has not."""
    return len(X.shape if hasattr(X, "columns") else as_cells(X).shape) >= 2


def as_cells(X):
    """Sparse matrices as they are; else an array, in which numbers beside texts stay numbers."""
    if sparse.issparse(X):
        return X.tocsr()
    array = as_numpy(X, "X")
    mixed = array.dtype.kind in "US" and array.ndim > 1 and not hasattr(X, "dtype")
    return np.array(X, dtype=object) if mixed else array


def with_random_cells(X, rows, rng):
    """A copy of X in which about half of the cells of some rows are those of random other rows."""
    if len(rows) == 0:
        return X
    n = _num_samples(X)
    if hasattr(X, "columns"):  # pandas, polars
        drawn = _random_sources(rows, (len(rows), X.shape[1]), n, rng)  # as for an array
        sources = np.tile(np.arange(n), (X.shape[1], 1))
        sources[:, rows] = drawn.T
        if hasattr(X, "iloc"):
            out = X.copy()
            for j, source in enumerate(sources):
                out.isetitem(j, X.iloc[:, j].array.take(source))
            return out
        names = list(X.columns)
        return X.with_columns(
            [X[name][source] for name, source in zip(names, sources, strict=True)]
        )
    X = as_cells(X)
    if sparse.issparse(X):
        source = _random_sources(rows, (len(rows), X.shape[1]), n, rng)
        cells = sparse.csr_matrix(X[source.ravel(), np.tile(np.arange(X.shape[1]), len(rows))])
        own = np.arange(n)
        own[rows] = n + np.arange(len(rows))
        return sparse.vstack([X, cells.reshape(len(rows), -1)], format="csr")[own]
    out = X.copy()
    table = out.reshape(n, -1)
    source = _random_sources(rows, (len(rows), table.shape[1]), n, rng)
    table[rows] = table[source, np.arange(table.shape[1])]
    return out


def _random_sources(rows, shape, n, rng):
    """Row that each cell comes from: its own, or, half of the time, a random one."""
    own = np.broadcast_to(rows.reshape(-1, *[1] * (len(shape) - 1)), shape)
    return np.where(rng.random_sample(shape) < 0.5, rng.randint(n, size=shape), own)
