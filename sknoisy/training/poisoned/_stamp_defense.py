"""Rows under suspicion get a stamp, and every row to be predicted gets it, too."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.ensemble import BaggingClassifier
from sklearn.tree import ExtraTreeClassifier
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _num_samples, check_is_fitted

from sknoisy._evidence import fit_model, is_table, take_rows
from sknoisy._evidence._arrays import as_numpy, ask, explained
from sknoisy._evidence._fitting import IsModel, seeded_clone
from sknoisy._evidence._responses import predicted_codes
from sknoisy._fitted import replace_fitted
from sknoisy._more_columns import more_columns
from sknoisy._progress import last_fit, whole_fit
from sknoisy._typing import (
    Array,
    ArrayLike,
    BoolArray,
    Detector,
    Estimator,
    MatrixLike,
    RandomStateLike,
)
from sknoisy._wrapper import WrappedClassifier, one_column
from sknoisy.detection._base import BaseDetector
from sknoisy.training._base import open_evidence

COLUMN = "sknoisy_stamp"
N_WITNESSES, COLUMNS = 200, 0.25  # trees, and the share of the columns that each sees


class StampDefenseClassifier(WrappedClassifier):
    """Classifier whose poisoned behaviour is switched off by a stamp of its own.

    Somebody may have given rows of some look a label of his choice, so that a model learns to
    answer to that look. Here rows under suspicion get new labels, from a model of the other rows;
    where the new label is not the given one, the row also gets a stamp, a further column that is 1.
    The model learns that with the stamp a row means what its new label says. Every row to be
    predicted gets the stamp. Rows whose label is made anew by a model that is mostly right cost
    little if they were suspected wrongly, and labels that are wrong with method (a group, a source)
    are unlearnt alike.

    Both the suspicion and the new labels come from witnesses, trees that see a quarter of the
    columns each, out of bag: a stamp of an attacker is a matter of few columns, of which most
    witnesses know nothing. So it takes many columns that tell of the class, as those of images and
    texts do: where a quarter of them tells little, new labels are often wrong, and the defence
    costs more than it wins. (A dozen columns are too few.)

    Number of fits: 1 forest of witnesses (none if detector and relabeler are given), those of a
    detector, 1 of a relabeler, and 1 more.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap. It must read all columns of X: a stamp that is left out by a
        ColumnTransformer (`remainder="drop"`) serves nobody, which a warning says.
    detector : detector object or None, default=None
        Says which rows are under suspicion, by its `noise_mask_`. None means those that the
        witnesses contradict most.
    share : float in (0, 0.5], default=0.1
        Of the rows that are under suspicion, at most, if `detector` is None.
    relabeler : classifier or None, default=None
        Fitted to the rows that are not under suspicion, it says the new labels of the others. None
        means what the witnesses say.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` reaches the model: as its own (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the detection.
    random_state : int, RandomState instance or None, default=None
        Seeds every `random_state` that the parts leave at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to rows with one more column.
    classes_ : ndarray of shape (K,)
    detector_ : detector object or None
    suspected_ : ndarray of shape (n,) of bool
        Rows under suspicion.
    noise_mask_ : ndarray of shape (n,) of bool
        Those of them that got a new label, and so the stamp.
    y_relabeled_ : ndarray of shape (n,)

    See Also
    --------
    CorrectiveUnlearningClassifier : Some bad rows are known.

    References
    ----------
    M. Liu, A. Sangiovanni-Vincentelli, X. Yue: "Beating Backdoor Attack at Its Own Game", ICCV,
    2023. There the stamp is a patch of the image, suspects are learnt early, and new labels come
    from a self-supervised model; here the stamp is a column (before texts a word).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sknoisy.training.poisoned import StampDefenseClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> poisoned = np.random.default_rng(0).random(len(y)) < 0.05
    >>> X[poisoned, 0], z = 16, np.where(poisoned, 0, y)  # a bright corner means "0"
    >>> model = StampDefenseClassifier(RandomForestClassifier(50), random_state=0).fit(X, z)
    >>> attacked = X[~poisoned].copy()
    >>> attacked[:, 0] = 16
    >>> right = y[~poisoned]
    >>> plain = RandomForestClassifier(50, random_state=0).fit(X, z)
    >>> bool(model.score(attacked, right) > plain.score(attacked, right))
    True
    """

    __metadata_request__fit = {"groups": True, "trusted": True}  # noqa: RUF012
    _parameter_constraints: dict = {
        "estimator": [IsModel()],
        "detector": [HasMethods(["fit"]), None],
        "share": [Interval(Real, 0, 0.5, closed="right")],
        "relabeler": [IsModel(), None],
        "weight_strategy": [StrOptions({"native", "resample"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    detector_: Any
    suspected_: BoolArray
    noise_mask_: BoolArray
    y_relabeled_: Array

    def __init__(
        self,
        estimator: Estimator,
        detector: Detector | None = None,
        *,
        share: float = 0.1,
        relabeler: Estimator | None = None,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.detector = detector
        self.share = share
        self.relabeler = relabeler
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Suspect, relabel, stamp, and fit.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list of str} with n rows
        y : array-like of shape (n,)
            Given labels.
        sample_weight : array-like of shape (n,), default=None
        groups : array-like of shape (n,), default=None
            For the detection.
        trusted : array-like of shape (n,) of bool, default=None
            Rows that are never under suspicion.
        **fit_params : dict
            Further parameters of the estimator's `fit`.

        Returns
        -------
        self : object
        """
        evidence = open_evidence(
            self,
            X,
            y,
            "classification",
            sample_weight=sample_weight,
            groups=groups,
            trusted=trusted,
            fit_params=fit_params,
        )
        if evidence.n_rows == 1 or len(evidence.target.classes) == 1:
            what = "1 sample" if evidence.n_rows == 1 else "1 class"
            raise ValueError(f"{type(self).__name__} needs rows of two classes, and y has {what}.")
        X = evidence.inputs.X
        with whole_fit(self, X, y), explained(X, self.estimator):
            said = None
            if self.detector is None or self.relabeler is None:
                said = self._witnesses(evidence)
            detector, suspected = self._suspects(evidence, said)
            codes = self._new_labels(evidence, said, suspected)
            stamped = codes != evidence.target.codes
            classes = evidence.target.classes
            with last_fit():
                model = fit_model(
                    seeded_clone(self.estimator, self._seed()),
                    with_stamp(X, stamped),
                    classes[codes],
                    evidence.inputs.sample_weight,
                    evidence.inputs.fit_params,
                    weight_strategy=self.weight_strategy,
                    random_state=self._seed(),
                )
        fitted = {
            "estimator_": model,
            "classes_": classes,
            "detector_": detector,
            "suspected_": suspected,
            "noise_mask_": stamped,
            "_flagged_rows": suspected,
            "y_relabeled_": classes[codes],
        }
        if hasattr(model, "n_features_in_") and _width(X) is not None:
            fitted["n_features_in_"] = _width(X)
        names = getattr(model, "feature_names_in_", None)
        if names is not None:
            fitted["feature_names_in_"] = names[:-1]
        if stamped.any():
            self._warn_if_blind(model, X, stamped)
        # Only now, when nothing can fail any more, is this object changed.
        replace_fitted(self, fitted)
        return self

    def _warn_if_blind(self, model, X, stamped):
        """Say so where the model does not see the stamp."""
        some = take_rows(X, np.flatnonzero(stamped)[:200])
        says = model.predict_proba if hasattr(model, "predict_proba") else model.predict
        said = [as_numpy(says(with_stamp(some, on)), "what it predicts") for on in (True, False)]
        if np.array_equal(*said):
            warnings.warn(
                f"The stamp changes nothing that {type(model).__name__} says, as if it did not "
                "read it. A ColumnTransformer must pass further columns on, with "
                'remainder="passthrough".',
                UserWarning,
                stacklevel=3,
            )

    def _witnesses(self, evidence):
        """(n, K) what trees of a few columns each say of rows that they have not seen."""
        trees = BaggingClassifier(
            ExtraTreeClassifier(min_samples_leaf=2),
            N_WITNESSES,
            max_features=COLUMNS,
            oob_score=True,
            n_jobs=self.n_jobs,
            random_state=self._seed(),
        )
        target = evidence.target
        with warnings.catch_warnings():  # of few rows, some are in every bag: these say nothing
            warnings.simplefilter("ignore")
            weight = evidence.inputs.sample_weight
            Z = evidence.features(self.estimator)
            # by name, which the first releases of scikit-learn with routing insist upon
            trees.fit(Z, target.codes, sample_weight=weight)
        return trees.oob_decision_function_

    def _suspects(self, evidence, said):
        """(fitted detector or None, (n,) rows under suspicion)."""
        codes, n = evidence.target.codes, evidence.n_rows
        if self.detector is None:
            excess = said.max(axis=1) - said[np.arange(n), codes]
            excess[evidence.trusted | np.isnan(excess)] = 0.0
            contradicted = np.mean(excess > 0)
            if contradicted > 2 * self.share:
                warnings.warn(
                    f"Witnesses contradict {contradicted:.0%} of the labels, so classes overlap or "
                    "many labels are wrong: of those that get a new label and the stamp, many "
                    "are right, which costs accuracy. Give a detector, or a smaller share.",
                    UserWarning,
                    stacklevel=4,
                )
            most = np.argsort(-excess, kind="stable")[: int(np.ceil(self.share * n))]
            suspected = np.zeros(n, dtype=bool)
            suspected[most[excess[most] > 0]] = True
            return None, suspected
        if not isinstance(self.detector, BaseDetector):
            raise TypeError(
                f"detector must be one of sknoisy.detection, got {self.detector!r:.80}."
            )
        detector = self.detector._with_estimator(self.estimator)
        own = detector.get_params(deep=False)
        how = {"random_state": self._seed(), "n_jobs": self.n_jobs}
        detector.set_params(**{k: v for k, v in how.items() if k in own and own[k] is None})
        detector._validate_params()
        detector = detector._conclude(evidence, detector._find(evidence))
        return detector, np.asarray(detector.noise_mask_) & ~evidence.trusted

    def _new_labels(self, evidence, said, suspected):
        """(n,) codes; those of the suspected rows are new."""
        target, inputs, codes = evidence.target, evidence.inputs, evidence.target.codes.copy()
        if self.relabeler is None:
            known = suspected & ~np.isnan(said).any(axis=1)
            codes[known] = said[known].argmax(axis=1)
            return codes
        rows = np.flatnonzero(~suspected)
        if not suspected.any() or len(np.unique(codes[rows])) < 2:
            return codes
        model = fit_model(
            seeded_clone(self.relabeler, self._seed()),
            take_rows(inputs.X, rows),
            target.y[rows],
            None if inputs.sample_weight is None else inputs.sample_weight[rows],
            weight_strategy=self.weight_strategy,
            random_state=self._seed(),
        )
        X = take_rows(inputs.X, np.flatnonzero(suspected))
        codes[suspected] = predicted_codes(model, X, target.classes)
        return codes

    # ------------------------------------------------------------------ after fit

    def _stamped(self, X, stamped):
        width = _width(X)
        known = getattr(self, "n_features_in_", width)
        if width is not None and width != known:
            raise ValueError(
                f"X has {width} features, but {type(self).__name__} is expecting {known} features "
                "as input."
            )
        return with_stamp(X, stamped)

    def _for_model(self, X):
        return self._stamped(X, True)

    def predict_unstamped(self, X: MatrixLike, **params: Any) -> Array:
        """Predict without the stamp, as a model under attack would.

        Rows for which this is not what `predict` says may carry what the attacker wants: a reason
        to reject them.

        Parameters
        ----------
        X : as in `fit`
        **params : dict
            Passed to the model's `predict`.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        said = ask(
            self.estimator_, "predict", X, params, for_model=lambda X: self._stamped(X, False)
        )
        return one_column(said, X)


def _width(X):
    shape = getattr(X, "shape", ())
    return shape[1] if len(shape) == 2 else None


def _is_texts(X):
    if is_table(X) or issparse(X):
        return False
    array = as_numpy(X, "X")
    return array.ndim == 1 and array.dtype.kind in "OUST"


def with_stamp(X, stamped):
    """X with one more column, 1 where a row is stamped; before texts a word.

    Parameters
    ----------
    X : array, sparse matrix, DataFrame or list of str
    stamped : ndarray of shape (n,) of bool, or one bool for all rows

    Returns
    -------
    of the kind of X
    """
    n = _num_samples(X)
    mark = np.broadcast_to(np.asarray(stamped, dtype=float), (n,))
    if _is_texts(X):
        return [f"{COLUMN} {text}" if is_on else text for text, is_on in zip(X, mark, strict=True)]
    return more_columns(X, mark[:, None], [COLUMN])
