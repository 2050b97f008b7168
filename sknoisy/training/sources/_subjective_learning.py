"""Conflicting sources: each batch goes to the clone that foretells it best."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sknoisy._typing import CVLike, Estimator, FloatArray, IntArray, Predictor, RandomStateLike
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.training.sources._allocation import allocate, number_of_sources
from sknoisy.training.sources._base import (
    BaseSources,
    Sources,
    best_on_trusted,
    warn_of_single_rows,
)
from sknoisy.training.sources._gate import GatedModel, fitted_gate


class _SubjectiveLearning(BaseSources):
    """What both have in common."""

    _parameter_constraints: dict = {
        **BaseSources._parameter_constraints,
        "n_sources": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_sources": [Interval(Integral, 1, None, closed="left")],
        "predict_with": [StrOptions({"auto", "largest", "trusted", "gate"})],
        "gate": [HasMethods(["fit", "predict"]), None],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Estimator,
        *,
        n_sources: Literal["auto"] | int = "auto",
        max_sources: int = 5,
        by: str | Callable[..., Any] | None = None,
        predict_with: Literal["auto", "gate", "largest", "trusted"] = "auto",
        gate: Predictor | None = None,
        n_init: int = 3,
        max_iter: int = 20,
        cv: CVLike | None = 3,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.n_sources = n_sources
        self.max_sources = max_sources
        self.by = by
        self.predict_with = predict_with
        self.gate = gate
        self.n_init = n_init
        self.max_iter = max_iter
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _find(self, batches):
        found, curve = self._allocation(batches)
        chosen = self._chosen(best_on_trusted(found.loss, batches))
        source = found.source[batches.batch]
        return Sources(
            found.member,
            chosen,
            {
                "source_": source,
                "batch_source_": found.source,
                "n_sources_": found.loss.shape[1],
                "held_out_loss_": curve,
                "row_loss_": found.loss,
                "n_iter_": found.n_iter,
            },
        )

    def _allocation(self, batches):
        how = {
            "n_init": self.n_init,
            "max_iter": self.max_iter,
            "random_state": self._seed(),
        }
        if not batches.folds:  # a single class, or a single batch
            found = allocate(batches, 1)
            return found, np.array([found.held_out.mean()])
        if self.n_sources == "auto":
            if batches.are_rows:
                warn_of_single_rows(type(self).__name__)
                found, curve = number_of_sources(batches, 1)
            else:
                found, curve = number_of_sources(batches, self.max_sources, **how)
            return found, np.array(curve)
        if self.n_sources > batches.n_batches:
            raise ValueError(
                f"n_sources={self.n_sources} is more than the number of batches, "
                f"{batches.n_batches}."
            )
        found = allocate(batches, self.n_sources, **how)
        return found, np.array([np.average(found.held_out, weights=batches.size)])

    def _chosen(self, by_trust):
        if self.predict_with == "trusted" and by_trust is None:
            warnings.warn(
                'predict_with="trusted" and there are no trusted rows, so the largest source '
                "predicts: pass fit(X, y, trusted=mask) with True for rows whose target was "
                "checked.",
                UserWarning,
                stacklevel=4,
            )
        if self.predict_with in ("auto", "trusted") and by_trust is not None:
            return by_trust
        return 0  # sources are in the order of their sizes

    def _after(self, models, batches, found):
        if self.predict_with != "gate" or len(models) == 1:
            return {}
        evidence = batches.evidence
        inputs = evidence.inputs
        gate = fitted_gate(
            self.gate,
            self.estimator,
            inputs.X,
            found.attributes["source_"],
            None if self.gate is not None else inputs.sample_weight,
            self._seed(),
        )
        return {
            "gate_": gate,
            "estimator_": GatedModel(gate, models, evidence.target.classes),
            "noise_mask_": np.zeros(evidence.n_rows, dtype=bool),
        }


class SubjectiveLearningClassifier(WrappedClassifier, _SubjectiveLearning):
    """Classifier for rows from several sources whose labels contradict each other.

    Two sources may label the same row differently (one knows classes under other names, another was
    careless or hostile): no single function answers both, and one model fitted to all learns their
    average. Here each source has a clone of the model. Every batch of rows goes to the clone with
    the least loss on it, the clones are fitted to their batches, and so on until no batch moves. A
    clone never judges batches that it was fitted to. Of several starts, the one is taken in which
    halves of batches foretell best where the other halves belong.

    A single label says little about its source: K clones that each know one class explain any
    labels. So give batches (`groups=` or `by`), the larger the better, each with several classes.

    The paper trains networks by gradient steps, on one drawn batch of its data after the other.
    Here the allocation of all batches and the fits take turns, for any classifier. The paper gives
    the number of models, at least the mapping rank of the data (the least number of functions that
    explain it); "auto" estimates it by held-out halves of batches.

    Number of fits: in each of `n_init` (3) starts, `cv` (3) times K in each of a few rounds and
    `cv` times K (K - 1) / 2 before them; then `cv` times K, K, and one more for a gate. "auto" does
    that for K = 1, 2, ... until one more source is of no use.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap.
    n_sources : int >= 1 or "auto", default="auto"
        K. "auto": the least number that no further source improves upon by more than two standard
        errors of the held-out loss. Without batches nothing can bear out a number, and "auto" is
        one, with a warning.
    max_sources : int >= 1, default=5
        At most so many with "auto".
    by : str, callable or None, default=None
        The batch of each row: a column of X, or `callable(X) -> (n,)`. None means `groups` of
        `fit`, and without these each row is a batch.
    predict_with : {"auto", "largest", "trusted", "gate"}, default="auto"
        Who answers for new rows. "largest": the clone of the source with most rows. "trusted": the
        clone of least loss on trusted rows. "auto": that if there are any, else the largest, which
        may be what is left over where most batches follow no function.
        "gate": for each row the clone of the source that a classifier tells from X; then no source
        is wrong.
    gate : classifier or None, default=None
        Tells the source of a row, and gets X as `estimator` does. None means a forest on the rows
        as numbers.
    n_init : int >= 1, default=3
        Number of starts.
    max_iter : int >= 1, default=20
        Rounds of each start, at most; a few are usual.
    cv : int >= 2, splitter, iterable or None, default=3
        Folds, which must not part a batch; a splitter gets the batches as groups. None means 5.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` of `fit` reaches the model: as its own (an error when it takes none), or
        by repeating and leaving out rows in proportion to weight. The method itself needs none.
    n_jobs : int or None, default=None
        Jobs of the folds and clones.
    random_state : int, RandomState instance or None, default=None
        Seeds folds, starts and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The clone that predicts; with a gate, all of them behind it.
    estimators_ : list of K estimators
        The clones, that with most rows first. Where all rows of a source have one label, a
        `DummyClassifier`.
    chosen_ : int
        Which of them predicts, without a gate.
    source_ : ndarray of shape (n,) of int
        Source of each row, 0 to K - 1.
    batches_ : ndarray of shape (B,)
        Names of the batches.
    batch_source_ : ndarray of shape (B,) of int
        Source of each of them.
    n_sources_ : int
        K; less than `n_sources` where clones were left with fewer than five rows.
    row_loss_ : ndarray of shape (n, K)
        Log loss of each row by each clone that has not seen its batch.
    held_out_loss_ : ndarray
        Mean loss of halves of batches by the clones that their other halves go to; with "auto" for
        1, 2, ... sources.
    n_iter_ : int
        Rounds of the start that was taken.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows of the other sources than that of `estimator_`; none, with a gate.
    gate_ : classifier
        Fitted, with `predict_with="gate"`.
    classes_ : ndarray
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    SubjectiveLearningRegressor : For numbers.

    References
    ----------
    T. Zhang, Y. Jiang, X. Su, S. Guo, F. Chen: "Subjective Learning for Open-Ended Data",
    arXiv:2108.12113, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.training.sources import SubjectiveLearningClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> batch = np.arange(150) % 15
    >>> other = batch >= 10  # these know the classes under other names
    >>> z = np.where(other, (y + 1) % 3, y)
    >>> plain = LogisticRegression(max_iter=1000)
    >>> model = SubjectiveLearningClassifier(plain, random_state=0).fit(X, z, groups=batch)
    >>> model.batch_source_
    array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _task = "classification"

    source_: IntArray
    batch_source_: IntArray
    n_sources_: int
    row_loss_: FloatArray
    held_out_loss_: FloatArray
    gate_: Any


class SubjectiveLearningRegressor(WrappedRegressor, _SubjectiveLearning):
    """Regressor for rows from several sources whose numbers contradict each other.

    Two sources may answer the same row differently (another unit, another sign, another custom): no
    single function answers both, and one model fitted to all learns their average. Here each source
    has a clone of the model. Every batch of rows goes to the clone with the least squared error on
    it, the clones are fitted to their batches, and so on until no batch moves. A clone never judges
    batches that it was fitted to. Of several starts, the one is taken in which halves of batches
    foretell best where the other halves belong.

    Without batches each row goes its own way: that works where the functions lie far apart in units
    of the errors, and flatters each clone near where they cross.

    The paper trains networks by gradient steps, on one drawn batch of its data after the other.
    Here the allocation of all batches and the fits take turns, for any regressor. The paper gives
    the number of models, at least the mapping rank of the data (the least number of functions that
    explain it); "auto" estimates it by held-out halves of batches.

    Number of fits: in each of `n_init` (3) starts, `cv` (3) times K in each of a few rounds and
    `cv` times K (K - 1) / 2 before them; then `cv` times K, K, and one more for a gate. "auto" does
    that for K = 1, 2, ... until one more source is of no use.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap.
    n_sources : int >= 1 or "auto", default="auto"
        K. "auto": the least number that no further source improves upon by more than two standard
        errors of the held-out loss. Without batches nothing can bear out a number, and "auto" is
        one, with a warning.
    max_sources : int >= 1, default=5
        At most so many with "auto".
    by : str, callable or None, default=None
        The batch of each row: a column of X, or `callable(X) -> (n,)`. None means `groups` of
        `fit`, and without these each row is a batch.
    predict_with : {"auto", "largest", "trusted", "gate"}, default="auto"
        Who answers for new rows. "largest": the clone of the source with most rows. "trusted": the
        clone of least loss on trusted rows. "auto": that if there are any, else the largest, which
        may be what is left over where most batches follow no function.
        "gate": for each row the clone of the source that a classifier tells from X; then no source
        is wrong.
    gate : classifier or None, default=None
        Tells the source of a row, and gets X as `estimator` does. None means a forest on the rows
        as numbers.
    n_init : int >= 1, default=3
        Number of starts.
    max_iter : int >= 1, default=20
        Rounds of each start, at most; a few are usual.
    cv : int >= 2, splitter, iterable or None, default=3
        Folds, which must not part a batch; a splitter gets the batches as groups. None means 5.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` of `fit` reaches the model: as its own (an error when it takes none), or
        by repeating and leaving out rows in proportion to weight. The method itself needs none.
    n_jobs : int or None, default=None
        Jobs of the folds and clones.
    random_state : int, RandomState instance or None, default=None
        Seeds folds, starts and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The clone that predicts; with a gate, all of them behind it.
    estimators_ : list of K estimators
        The clones, that with most rows first.
    chosen_ : int
        Which of them predicts, without a gate.
    source_ : ndarray of shape (n,) of int
        Source of each row, 0 to K - 1.
    batches_ : ndarray of shape (B,)
        Names of the batches.
    batch_source_ : ndarray of shape (B,) of int
        Source of each of them.
    n_sources_ : int
        K; less than `n_sources` where clones were left with fewer than five rows.
    row_loss_ : ndarray of shape (n, K)
        Squared error of each row by each clone that has not seen its batch.
    held_out_loss_ : ndarray
        Mean loss of halves of batches by the clones that their other halves go to; with "auto" for
        1, 2, ... sources.
    n_iter_ : int
        Rounds of the start that was taken.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows of the other sources than that of `estimator_`; none, with a gate.
    gate_ : classifier
        Fitted, with `predict_with="gate"`.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    SubjectiveLearningClassifier : For labels.
    ListDecodableRegressor : Where less than half of the batches may be right, and the others follow
        no function.

    References
    ----------
    T. Zhang, Y. Jiang, X. Su, S. Guo, F. Chen: "Subjective Learning for Open-Ended Data",
    arXiv:2108.12113, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.linear_model import LinearRegression
    >>> from sknoisy.training.sources import SubjectiveLearningRegressor
    >>> X, y = make_regression(300, 4, noise=5.0, random_state=0)
    >>> batch = np.arange(300) % 30
    >>> z = np.where(batch >= 20, -y, y)
    >>> model = SubjectiveLearningRegressor(LinearRegression(), random_state=0)
    >>> model.fit(X, z, groups=batch).batch_source_[15:25]
    array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    >>> bool(model.score(X, y) > 0.99)
    True
    """

    _task = "regression"

    source_: IntArray
    batch_source_: IntArray
    n_sources_: int
    row_loss_: FloatArray
    held_out_loss_: FloatArray
    gate_: Any
