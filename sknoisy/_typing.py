"""Names of what public signatures take and give, and decorators that keep signatures.

The protocols ask for what `_parameter_constraints` ask for, and no more: the methods by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _param_validation, metaestimators

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
else:  # matplotlib is optional
    Axes = Colormap = Any

# ---------------------------------------------------------------------- arrays, as results

Array = NDArray[Any]  # of whatever kind y is, or of numbers
FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]

# ---------------------------------------------------------------------- arrays, as parameters


class SupportsArray(Protocol):
    """An array, Series, DataFrame, tensor: whatever has a length and NumPy can read."""

    def __len__(self) -> int: ...
    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...


class SparseMatrix(Protocol):
    """A sparse matrix or array of SciPy."""

    def tocsr(self, *args: Any, **kwargs: Any) -> Any: ...


ArrayLike = SupportsArray | Sequence[Any]
MatrixLike = ArrayLike | SparseMatrix  # rows of features, in any container
SameType = TypeVar("SameType", bound=ArrayLike)  # the result is of the same type as the parameter

# ---------------------------------------------------------------------- models


class Estimator(Protocol):
    def fit(self, *args: Any, **kwargs: Any) -> Any: ...


class Predictor(Estimator, Protocol):
    def predict(self, *args: Any, **kwargs: Any) -> Any: ...


class ProbabilisticClassifier(Estimator, Protocol):
    def predict_proba(self, *args: Any, **kwargs: Any) -> Any: ...


class OutlierDetector(Estimator, Protocol):
    def score_samples(self, *args: Any, **kwargs: Any) -> Any: ...


class Transformer(Estimator, Protocol):
    def transform(self, *args: Any, **kwargs: Any) -> Any: ...


class SettableTransformer(Transformer, Protocol):
    def set_params(self, *args: Any, **kwargs: Any) -> Any: ...


class InvertibleTransformer(Transformer, Protocol):
    def inverse_transform(self, *args: Any, **kwargs: Any) -> Any: ...


class FitTransformer(Protocol):
    def fit_transform(self, *args: Any, **kwargs: Any) -> Any: ...


class NeighborSearch(Estimator, Protocol):
    def kneighbors(self, *args: Any, **kwargs: Any) -> Any: ...


class Clusterer(Protocol):
    def fit_predict(self, *args: Any, **kwargs: Any) -> Any: ...


Detector = Estimator  # one of `sknoisy.detection`, or with the same attributes after `fit`
Threshold = Estimator  # one of `sknoisy.threshold`, or with the same attributes after `fit`
Contamination = Literal["auto", "own"] | float | Threshold

# ---------------------------------------------------------------------- what else parameters take


class Splitter(Protocol):  # pairs: a str has a `split` as well
    def split(self, *args: Any, **kwargs: Any) -> Iterable[tuple[Any, Any]]: ...


class Memory(Protocol):
    def cache(self, *args: Any, **kwargs: Any) -> Any: ...


CVLike = int | Splitter | Iterable[tuple[ArrayLike, ArrayLike]]
MemoryLike = str | Memory
RandomStateLike = int | np.random.RandomState | None
Scorer = Callable[..., float]

# ---------------------------------------------------------------------- scikit-learn's decorators

Function = TypeVar("Function", bound=Callable[..., Any])

if TYPE_CHECKING:  # scikit-learn has no types: what they decorate would lose its own

    def validate_params(
        parameter_constraints: Mapping[str, Any], *, prefer_skip_nested_validation: bool
    ) -> Callable[[Function], Function]: ...

    def available_if(check: Callable[[Any], Any]) -> Callable[[Function], Function]: ...

else:
    validate_params = _param_validation.validate_params
    available_if = metaestimators.available_if
