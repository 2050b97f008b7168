"""Drop suspect rows of a Dask collection."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

import numpy as np
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sknoisy._evidence import Target
from sknoisy._evidence._knowledge import knowledge
from sknoisy._limits import untouchable_rows
from sknoisy._progress import part_of_fit
from sknoisy._temperature import at_temperature, fit_temperature
from sknoisy._typing import Array, Estimator, IntArray, RandomStateLike, available_if
from sknoisy._wrapper import WrappedClassifier, WrappedRegressor, inner_has
from sknoisy.dask import _counts as counts
from sknoisy.dask import _numbers as numbers
from sknoisy.dask import _partitions as partitions
from sknoisy.dask._base import BaseDaskFilter, Found, out_of_sample, samples
from sknoisy.dask._described import as_units, codes_of
from sknoisy.dask._partitions import is_collection, kept, task, together
from sknoisy.dask._sober import sober
from sknoisy.detection._base import HARDLY
from sknoisy.treatment._base import LEAST_ROWS, LITTLE


class DaskFilterClassifier(WrappedClassifier, BaseDaskFilter):
    """Classifier on a Dask collection, fitted without the rows whose labels look wrong.

    `FilterClassifier` with `ConfidentLearning` for data that are larger than a memory. Folds are
    groups of partitions, so rows must be spread over the partitions as if by chance: where they are
    sorted, by label or by date, shuffle them first. What confident learning counts are sums over
    partitions, and the same as in memory for the same folds, but that rows that tie at a cut are
    flagged together, and that copies of a row may be in several folds.

    To this process come models, counts, the least suspect rows of each class and a sample of 20000
    predictions; nothing that has an entry for each row. The workers hold, or spill, K
    probabilities a row during `fit`, and 9 bytes a row after it. Partitions are read again for
    each pass over them: for a model with `partial_fit` that is once for its folds, once for their
    predictions, and once or twice more. `persist` X where the workers' memory holds it.

    Rows in memory are taken, too, so that a sample can be tried: dealt to as many partitions as
    there are folds. What is said of them is in memory.

    Number of fits: `cv` (5) plus 1, and 1 to calibrate probabilities.

    Parameters
    ----------
    estimator : estimator object
        A classifier with `predict_proba`, and either `partial_fit`, which is fed partition by
        partition, or a `fit` that takes Dask collections, such as `xgboost.dask.DaskXGBClassifier`
        and `lightgbm.DaskLGBMClassifier`.
    feed : {"auto", "partitions", "collection"}, default="auto"
        Which of these: "auto" is "partitions" where the estimator has `partial_fit`.
    cv : int >= 2, default=5
        Number of folds; no more than there are partitions.
    bounded : bool, default=True
        As in `ConfidentLearning`: overlap of the classes does not count as noise.
    min_per_class : int >= 1, default=5
        The least suspect rows of each class, this many, are kept, whatever is flagged.
    calibrate : bool, default=True
        Whether `predict_proba` gets the temperature by which a model of the kept rows of all folds
        but the first explains the given labels of that one best, by a sample of 20000; see
        `FilterClassifier`. Not where less than 2 % of the rows are dropped.
    n_epochs : int >= 1, default=1
        Times that a model with `partial_fit` is fed all partitions.
    random_state : int, RandomState instance or None, default=None
        Seeds which partitions make a fold, and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The model, fitted on the rows that were kept.
    temperature_ : float
        Of `predict_proba`; 1 when it is the model's own.
    classes_ : ndarray of shape (K,)
        All classes of y.
    noise_proba_ : dask array of shape (n,), or ndarray for rows in memory
        Probability that the label of a row is wrong, in the partitions of y.
    noise_mask_ : dask array of shape (n,) of bool, or ndarray for rows in memory
        Rows that were dropped.
    n_rows_seen_, n_rows_flagged_ : int
        Rows, and those of them that were dropped.
    folds_ : ndarray of shape (n_partitions,) of int, or (n,) for rows in memory
        Fold of each partition, or of each row in memory.
    thresholds_ : ndarray of shape (K,)
        Mean self-confidence of each class.
    confident_joint_ : ndarray of shape (K, K)
        Number of rows of given class i and true class j, as counted.
    evidence_p_value_ : float
        Of predictions that would know no more of y than the shares of its classes.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    References
    ----------
    C. Northcutt, L. Jiang, I. Chuang: "Confident learning: estimating uncertainty in dataset
    labels", Journal of Artificial Intelligence Research 70, 2021.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sknoisy.dask import DaskFilterClassifier
    >>> X, y = make_blobs(1000, centers=[[0, 0], [5, 0]], random_state=0)
    >>> y[::10] = 1 - y[::10]
    >>> X, y = da.from_array(X, chunks=(100, 2)), da.from_array(y, chunks=100)
    >>> model = DaskFilterClassifier(GaussianNB(), random_state=0).fit(X, y)
    >>> bool(model.noise_mask_.compute()[::10].mean() > 0.7)  # of the wrong ones
    True
    """

    _task = "classification"
    _parameter_constraints: dict = {
        **BaseDaskFilter._parameter_constraints,
        "bounded": ["boolean"],
        "calibrate": ["boolean"],
        "min_per_class": [Interval(Integral, 1, None, closed="left")],
    }

    estimator_: Any
    temperature_: float
    classes_: Array
    noise_proba_: Any
    noise_mask_: Any
    n_rows_seen_: int
    n_rows_flagged_: int
    folds_: IntArray
    thresholds_: Array
    confident_joint_: Array
    evidence_p_value_: float

    def __init__(
        self,
        estimator: Estimator,
        *,
        feed: Literal["auto", "partitions", "collection"] = "auto",
        cv: int = 5,
        bounded: bool = True,
        min_per_class: int = 5,
        calibrate: bool = True,
        n_epochs: int = 1,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.feed = feed
        self.cv = cv
        self.bounded = bounded
        self.min_per_class = min_per_class
        self.calibrate = calibrate
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _check_model(self):
        if not hasattr(self.estimator, "predict_proba"):
            name = type(self.estimator).__name__
            raise TypeError(f"{name} has no predict_proba, which is needed here.")

    def _find(self, search):
        said = self._out_of_sample(search)
        n_classes, others = len(search.classes), search.data.others
        units = self._units(others["groups"])
        joint, thresholds, n_given = counts.joint_and_thresholds(
            said, n_classes, self.bounded, units
        )
        proba, codes = samples(said, others["sample_weight"])
        known = knowledge(proba, Target(y=codes, classes=search.classes, codes=codes))
        judged = np.full(n_classes, not known.is_none)
        judged[known.unknown_classes] = False
        judge = joint, counts.pair_cuts(said, joint, n_given), judged
        pairs = zip(said, others["trusted"], strict=True)
        verdicts = kept([task(counts.verdict)(part, right, *judge) for part, right in pairs])
        return Found(
            said=said,
            verdicts=verdicts,
            spared=self._spared(said, verdicts, others["sample_weight"]),
            known=known,
            attributes={
                "classes_": search.classes,
                "thresholds_": thresholds,
                "confident_joint_": joint,
            },
            judge=judge,
        )

    def _out_of_sample(self, search):
        """List of delayed (label_proba (n, K), codes (n,)), by partition; NaN was not judged."""
        said = []
        for p, values in enumerate(out_of_sample(search)):
            others = np.flatnonzero(search.folds != search.folds[p])
            seen = np.isin(search.classes, np.concatenate([search.labels[q] for q in others]))
            seen |= search.own
            y = search.data.y_parts[p]
            said.append(task(_with_codes)(values, y, search.classes, seen))
        return kept(said)

    def _units(self, groups):
        """Groups as whole numbers, by partition; None where none are given."""
        if not self.bounded or groups[0] is None:
            return None
        return kept([task(as_units)(part) for part in groups])

    def _spared(self, said, verdicts, weights):
        """The least suspect rows of each class, by partition."""
        each = zip(said, verdicts, weights, strict=True)
        least = together([task(counts.least_suspect)(*one, self.min_per_class) for one in each])
        part_of = np.repeat(np.arange(len(least)), [len(rows) for rows, *_ in least])
        row, codes, chance, score = (np.concatenate(each) for each in zip(*least, strict=True))
        spared = untouchable_rows(chance, score, codes, self.min_per_class)
        return [row[spared & (part_of == p)] for p in range(len(least))]

    def _calibrated(self, search, left_out):
        n, n_kept = search.sizes.sum(), left_out[1].sum()
        if not self.calibrate or n < LEAST_ROWS or n - n_kept < LITTLE * n:
            return {"temperature_": 1.0}
        train, test = (np.flatnonzero(rows) for rows in (search.folds != 0, search.folds == 0))
        with part_of_fit("calibration"):
            [model] = search.learner.fitted(search.data, [train], search.seeds[-1:], left_out)
        answers = search.learner.answers(model, search.data, test)
        known = np.ones(len(search.classes), dtype=bool)
        proba, codes = samples(
            [
                task(_with_codes)(values, search.data.y_parts[p], search.classes, known)
                for p, values in zip(test, answers, strict=True)
            ]
        )
        return {"temperature_": fit_temperature(proba, np.eye(len(known))[codes])}

    # ------------------------------------------------------------------ after fit

    @available_if(inner_has("predict_proba"))
    def predict_proba(self, X: Any, **params: Any) -> Any:
        """Class probabilities of the fitted model, at the temperature that was found.

        Parameters
        ----------
        X : Dask DataFrame or array, or rows in memory
        **params : dict
            Passed to the model's `predict_proba`.

        Returns
        -------
        dask array of shape (n_samples, K), or what the model gives; ndarray for rows in memory
        """
        check_is_fitted(self)
        if not is_collection(X):
            return super().predict_proba(X, **params)
        proba = self._ask("predict_proba", X, params)
        if self.temperature_ == 1.0:
            return proba
        if partitions.is_table(proba):
            return proba.map_partitions(at_temperature, self.temperature_)
        return proba.rechunk({1: -1}).map_blocks(at_temperature, self.temperature_, dtype=float)

    def _in_order(self, values, fill):
        """As they are: `classes_` of xgboost.dask may not be in the order of its columns."""
        return values

    def _form(self, method):
        if method == "predict":
            return self.classes_.dtype, ()
        n_classes = len(self.classes_)
        one_column = method == "decision_function" and n_classes == 2
        return np.dtype(float), () if one_column else (n_classes,)


def _with_codes(proba, y, classes, seen):
    """(label_proba, codes): nobody can tell a class who has never seen it."""
    codes = codes_of(y, classes)
    return np.where(seen[codes][:, None], proba, np.nan), codes


class DaskFilterRegressor(WrappedRegressor, BaseDaskFilter):
    """Regressor on a Dask collection, fitted without the rows whose numbers look wrong.

    `FilterRegressor` with `Residual` for data that are larger than a memory; folds are groups of
    partitions, as in `DaskFilterClassifier`. Medians, and the scale of all residuals, are those in
    memory for the same folds. The mixture of two normals is fitted to counts of residuals that
    agree to one part in 8192. Where the size of the residuals goes with the prediction, the usual
    one is that at 50 levels of the prediction and between them, and not that of the 100 rows with
    the nearest predictions, which would need a sort of all rows; whether it does, and whether
    anything is known of y, is told by a sample of 20000 rows. Copies of a row may be in several
    folds.

    To this process come models, counts and such samples; nothing that has an entry for each row.
    Each median takes nine passes over the residuals, which the workers hold or spill. Partitions of
    X are read again for each pass over them, as by `DaskFilterClassifier`. Rows in memory are
    taken, too, as there.

    Number of fits: `cv` (5) plus 1; where numbers are far out, `cv` more in each of at most 10
    rounds, mostly 2 or 3.

    Parameters
    ----------
    estimator : estimator object
        A regressor with `partial_fit`, which is fed partition by partition, or a `fit` that takes
        Dask collections, such as `xgboost.dask.DaskXGBRegressor` and `lightgbm.DaskLGBMRegressor`.
    feed : {"auto", "partitions", "collection"}, default="auto"
        Which of these: "auto" is "partitions" where the estimator has `partial_fit`.
    cv : int >= 2, default=5
        Number of folds; no more than there are partitions.
    n_epochs : int >= 1, default=1
        Times that a model with `partial_fit` is fed all partitions.
    random_state : int, RandomState instance or None, default=None
        Seeds which partitions make a fold, and any `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The model, fitted on the rows that were kept.
    noise_proba_ : dask array of shape (n,), or ndarray for rows in memory
        Probability that the number of a row is wrong, in the partitions of y.
    noise_mask_ : dask array of shape (n,) of bool, or ndarray for rows in memory
        Rows that were dropped.
    n_rows_seen_, n_rows_flagged_ : int
        Rows, and those of them that were dropped.
    folds_ : ndarray of shape (n_partitions,) of int, or (n,) for rows in memory
        Fold of each partition, or of each row in memory.
    evidence_p_value_ : float
        Of predictions that would know no more of y than its mean.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    References
    ----------
    P. J. Rousseeuw, A. M. Leroy: "Robust regression and outlier detection", Wiley, 1987.

    J. W. Tukey: "A survey of sampling from contaminated distributions", in "Contributions to
    probability and statistics", Stanford University Press, 1960.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from sklearn.linear_model import SGDRegressor
    >>> from sknoisy.dask import DaskFilterRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2000, 3))
    >>> y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.normal(size=2000)
    >>> y[::50] += 5
    >>> X, y = da.from_array(X, chunks=(200, 3)), da.from_array(y, chunks=200)
    >>> model = DaskFilterRegressor(SGDRegressor(random_state=0), n_epochs=5, random_state=0)
    >>> bool(model.fit(X, y).noise_mask_.compute()[::50].mean() > 0.9)
    True
    """

    _task = "regression"

    estimator_: Any
    noise_proba_: Any
    noise_mask_: Any
    n_rows_seen_: int
    n_rows_flagged_: int
    folds_: IntArray
    evidence_p_value_: float

    def __init__(
        self,
        estimator: Estimator,
        *,
        feed: Literal["auto", "partitions", "collection"] = "auto",
        cv: int = 5,
        n_epochs: int = 1,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.feed = feed
        self.cv = cv
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _find(self, search):
        said, facts, spread = sober(search)
        judge = numbers.judge_kinds(said, facts, spread)
        weights = search.data.others["sample_weight"]
        predicted, y = samples([task(_two)(part) for part in said], weights)
        known = knowledge(predicted, Target(y=y))
        share = HARDLY if known.is_none else 1.0
        verdicts = kept([task(numbers.verdict)(part, facts, judge, share) for part in said])
        return Found(
            said=said,
            verdicts=verdicts,
            spared=None,
            known=known,
            attributes={},
            judge=(facts, judge),
        )


def _two(part):
    return part[:2]
