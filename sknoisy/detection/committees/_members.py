"""Named members, the same for detectors that are made of models or of other detectors."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

from sklearn.utils.metaestimators import _BaseComposition

from sknoisy._typing import Array, BoolArray, FloatArray


class NamedMembers(_BaseComposition):
    """A list of (name, member) whose names and parameters are parameters of the whole.

    A subclass says in `_list_of` which parameter holds it, and what a member is.
    """

    _list_of: str

    noise_score_: FloatArray
    noise_proba_: FloatArray
    noise_mask_: BoolArray
    y_suggested_: Array
    label_proba_: FloatArray
    classes_: Array
    sample_indices_: Array

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters of this detector and, by name, of its members.

        Parameters
        ----------
        deep : bool, default=True
            Whether to give the members and their parameters, too.

        Returns
        -------
        dict
        """
        return self._get_params(self._list_of, deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this detector or, by name, members and their parameters.

        Parameters
        ----------
        **params : dict
            For example, with a member called "near", `near=NeighborDisagreement()` or
            `near__n_neighbors=5`.

        Returns
        -------
        self : object
        """
        self._set_params(self._list_of, **params)
        return self

    def _named(self):
        """The (name, member) pairs, checked."""
        pairs, what = getattr(self, self._list_of), self._list_of
        for pair in pairs:
            if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)):
                raise TypeError(f"{what} must be a list of (name, {what[:-1]}), got {pair!r}.")
            if not (isinstance(pair[1], str) and pair[1] == "drop"):
                self._check_member(*pair)
        self._validate_names([name for name, _ in pairs])
        if all(isinstance(member, str) for _, member in pairs):
            raise ValueError(f"{what} must have at least one member that is not dropped.")
        return pairs

    @abstractmethod
    def _check_member(self, name, member):
        """Say by name that a member is of the wrong kind."""
