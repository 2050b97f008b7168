"""Any treatment for several columns of labels."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from sknoisy._evidence import take_rows
from sknoisy._evidence._arrays import as_numpy, container, with_blanks
from sknoisy._evidence._evidence import check_weight
from sknoisy._fitted import PlainState, model_attributes, replace_fitted
from sknoisy._notebook import NotebookView
from sknoisy._progress import CallbackSupportMixin, whole_fit
from sknoisy._report import flagged_rows
from sknoisy._typing import (
    Array,
    ArrayLike,
    BoolArray,
    Estimator,
    FloatArray,
    MatrixLike,
    RandomStateLike,
    available_if,
)
from sknoisy.multilabel._columns import (
    cell_report,
    cells_of,
    check_metadata,
    fit_columns,
    read_label_matrix,
)
from sknoisy.multilabel._multilabel_detector import index_of
from sknoisy.treatment._base import BaseTreatmentClassifier


def _has_proba(self):
    models = getattr(self, "estimators_", [self.treatment])
    return all(hasattr(model, "predict_proba") for model in models)


class MultiLabelClassifier(
    CallbackSupportMixin,
    MetaEstimatorMixin,
    ClassifierMixin,
    NotebookView,
    PlainState,
    BaseEstimator,
):
    """Classifier of several columns of labels, each treated for its own wrong cells.

    A treatment around any classifier is cloned for each column of y and fitted to the rows that
    have a label there. Cells are dropped, weighed down or corrected, not rows: a row whose label is
    wrong in one column serves all others.

    Number of fits: those of the treatment for each column.

    Parameters
    ----------
    treatment : treatment object
        `FilterClassifier`, `ReweightClassifier`, `RelabelClassifier` or `RobustClassifier` around a
        classifier.
    random_state : int, RandomState instance or None, default=None
        Seeds the treatment where it leaves its `random_state` at None.

    Attributes
    ----------
    estimators_ : list of L fitted treatments
    classes_ : list of L ndarrays
        All classes of each column.
    noise_proba_ : ndarray of shape (n, L)
        Probability that the label of a cell is wrong; 0 where there is none.
    noise_mask_ : ndarray of shape (n, L) of bool
        Cells that were treated.
    n_features_in_, feature_names_in_
        Of the treatments, where they have them.

    See Also
    --------
    MultiLabelDetector : Finds the cells only.
    sklearn.multioutput.MultiOutputClassifier : The same without a report, blanks and trust by cell.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sknoisy import FilterClassifier
    >>> from sknoisy.multilabel import MultiLabelClassifier
    >>> X, Y = make_multilabel_classification(400, n_classes=3, n_labels=1, random_state=0)
    >>> Z = Y.astype(float)
    >>> Z[::10, 1] = np.nan  # not asked
    >>> model = MultiLabelClassifier(FilterClassifier(DecisionTreeClassifier(max_depth=5)))
    >>> model.fit(X, Z).predict(X).shape
    (400, 3)
    """

    __metadata_request__fit = {"groups": True, "trusted": True}  # noqa: RUF012
    _parameter_constraints: dict = {
        "treatment": [HasMethods(["fit"])],
        "random_state": ["random_state"],
    }

    estimators_: list[Any]
    classes_: list[Any]
    noise_proba_: FloatArray
    noise_mask_: BoolArray
    n_features_in_: int
    feature_names_in_: Array

    def __init__(self, treatment: Estimator, *, random_state: RandomStateLike = None) -> None:
        self.treatment = treatment
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Treat and fit each column.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
        y : array-like, sparse matrix or DataFrame of shape (n, L)
            Given labels; NaN, None or an empty text for a cell without one.
        sample_weight : array-like of shape (n,), default=None
        groups : array-like of shape (n,), default=None
        trusted : array-like of shape (n,) or (n, L) of bool, default=None
            Rows or cells that are known to be right.
        **fit_params : dict
            Further parameters of the model's `fit`; those with n entries are sliced.

        Returns
        -------
        self : object
        """
        self._validate_params()
        if not isinstance(self.treatment, BaseTreatmentClassifier):
            name = type(self.treatment).__name__
            raise ValueError(
                f"treatment must be FilterClassifier, ReweightClassifier, RelabelClassifier or "
                f"RobustClassifier around a classifier, got {name}: FilterClassifier({name}(...))."
            )
        X, y = container(X), with_blanks(y, "y")
        labels = read_label_matrix(y, X, type(self).__name__)
        if _routing_enabled():
            given = dict(fit_params)
            if sample_weight is not None:
                given["sample_weight"] = sample_weight
            fit_params = dict(process_routing(self, "fit", **given).treatment.fit) if given else {}
            sample_weight = fit_params.pop("sample_weight", sample_weight)
        weight, groups, trusted = check_metadata(X, labels, sample_weight, groups, trusted)
        n = len(labels.known)
        with whole_fit(self, X, y, len(labels.columns)):
            models, rows = fit_columns(
                self._clone,
                lambda _: X,
                labels,
                {"sample_weight": weight, "groups": groups},
                trusted,
                fit_params,
            )
        each = list(zip(rows, models, strict=True))
        fitted = {
            "estimators_": models,
            "classes_": [model.classes_ for model in models],
            "noise_proba_": np.column_stack(
                [cells_of(at, model.noise_proba_, n, 0.0) for at, model in each]
            ),
            "noise_mask_": np.column_stack(
                [cells_of(at, model.noise_mask_, n, False) for at, model in each]
            ),
            "_flagged_rows": np.column_stack(
                [cells_of(at, flagged_rows(model), n, False) for at, model in each]
            ),
            "_rows": rows,
        }
        fitted |= model_attributes(models[0])
        replace_fitted(self, fitted)
        return self

    def predict(self, X: MatrixLike, **params: Any) -> Array:
        """Predict the labels of all columns.

        Parameters
        ----------
        X : as in `fit`
        **params : dict
            Passed to the models' `predict`.

        Returns
        -------
        ndarray of shape (n_samples, L)
        """
        check_is_fitted(self)
        answers = [model.predict(X, **params) for model in self.estimators_]
        return np.column_stack([as_numpy(said, "what it predicts") for said in answers])

    @available_if(_has_proba)
    def predict_proba(self, X: MatrixLike, **params: Any) -> list[FloatArray]:
        """Class probabilities of each column.

        Parameters
        ----------
        X : as in `fit`
        **params : dict
            Passed to the models' `predict_proba`.

        Returns
        -------
        list of L ndarrays of shape (n_samples, K)
        """
        check_is_fitted(self)
        return [model.predict_proba(X, **params) for model in self.estimators_]

    def score(self, X: MatrixLike, y: MatrixLike, sample_weight: ArrayLike | None = None) -> float:
        """Share of the rows in which all labels are predicted right.

        A cell without a label does not count, nor does a row without any.

        Parameters
        ----------
        X : as in `fit`
        y : array-like, sparse matrix or DataFrame of shape (n_samples, L)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        X, y = container(X), with_blanks(y, "y")
        labels = read_label_matrix(y, X, type(self).__name__)
        n = len(labels.known)
        if labels.known.shape[1] != len(self.estimators_):
            raise ValueError(
                f"y has {labels.known.shape[1]} columns, and in fit it had {len(self.estimators_)}."
            )
        right = np.ones(n, dtype=bool)
        for j, model in enumerate(self.estimators_):
            at = np.flatnonzero(labels.known[:, j])
            right[at] &= as_numpy(model.predict(X), "what it predicts")[at] == labels.columns[j]
        weight = np.ones(n) if sample_weight is None else check_weight(sample_weight, n)
        return float(np.average(right, weights=weight * labels.known.any(axis=1)))

    def noise_report(self, X: MatrixLike, y: ArrayLike) -> pd.DataFrame:
        """Table of the training cells, worst first.

        Parameters
        ----------
        X, y
            What `fit` got.

        Returns
        -------
        DataFrame
            As that of a treatment, with a further column `column`: the name of the column of y.
        """
        check_is_fitted(self)
        X, y = container(X), with_blanks(y, "y")
        labels = read_label_matrix(y, X, type(self).__name__)
        n = len(labels.known)
        reports = [
            model.noise_report(X if len(at) == n else take_rows(X, at), column)
            for model, at, column in zip(self.estimators_, self._rows, labels.columns, strict=True)
        ]
        return cell_report(reports, labels, self._rows, index_of(X, y, n))

    def _clone(self):
        model = clone(self.treatment)
        if self.random_state is not None and model.random_state is None:
            rng = check_random_state(clone(self.random_state, safe=False))
            model.set_params(random_state=int(rng.randint(2**31 - 1)))
        return model

    def get_metadata_routing(self) -> Any:
        """Which metadata goes where, for metadata routing.

        Returns
        -------
        MetadataRouter
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                treatment=self.treatment,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.treatment)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags
