"""What a treatment decides upon, and what it decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sknoisy._evidence import Evidence, fit_model, take_rows
from sknoisy._evidence._failures import explain
from sknoisy._evidence._fitting import seeded_clone, take_params
from sknoisy._progress import last_fit


@dataclass
class Treated:
    """What the last fit sees.

    Attributes
    ----------
    rows : ndarray or None
        Training rows in the order the last fit gets them; None means all of them, as they came.
    y : ndarray
        Their targets.
    sample_weight : ndarray or None
        Their weights.
    noise_mask : ndarray of shape (n,) of bool
        Training rows that were acted on.
    attributes : dict
        The treatment's own trace.
    X : container or None
        What the rows look like, where they are not rows of the given X (mixed ones); then `rows`
        says whose parameters of `fit` each of them has.
    model : estimator or None
        The fitted model, where it is there already; then there is no last fit.
    """

    rows: np.ndarray | None
    y: np.ndarray
    sample_weight: np.ndarray | None
    noise_mask: np.ndarray
    attributes: dict[str, Any] = field(default_factory=dict)
    X: Any = None
    model: Any = None

    @classmethod
    def of(cls, evidence, rows=None, weight=None, *, noise_mask=None, **more):
        """Rows with the targets and weights that they were given.

        Parameters
        ----------
        evidence : Evidence
        rows : ndarray of int, default=None
            None means all, as they came.
        weight : ndarray of shape (n,), default=None
            Of all rows; the weights of the user are multiplied with it.
        noise_mask : ndarray of shape (n,) of bool, default=None
            None means that no row is acted on.
        **more
            Other attributes.
        """
        given = evidence.inputs.sample_weight
        if weight is None or given is None:
            weight = given if weight is None else weight
        else:
            weight = weight * given
        if noise_mask is None:
            noise_mask = np.zeros(evidence.n_rows, dtype=bool)
        y = evidence.target.y
        if rows is not None:
            y, weight = y[rows], None if weight is None else weight[rows]
        return cls(rows, y, weight, noise_mask, **more)

    @classmethod
    def of_soft(cls, evidence, soft, rows, *, noise_mask=None, **more):
        """Rows of a fit to soft labels: each once for each label that is likely enough.

        Where each row has one label, X is taken as it came.

        Parameters
        ----------
        evidence : Evidence
        soft : ndarray of shape (n, K)
        rows : SoftRows
            Of the evidence.
        noise_mask : ndarray of shape (n,) of bool, default=None
            None means that no row is acted on.
        **more
            Other attributes.
        """
        everyone = np.arange(evidence.n_rows)
        at, labels, weight = rows.rows_of(soft, everyone)
        at = None if np.array_equal(at, everyone) else at
        if noise_mask is None:
            noise_mask = np.zeros(evidence.n_rows, dtype=bool)
        return cls(at, evidence.target.classes[labels], weight, noise_mask, **more)


@dataclass
class Case:
    """What a treatment decides upon."""

    evidence: Evidence
    target: Any
    sample_weight: np.ndarray | None
    detector: Any
    noise_proba: np.ndarray
    noise_mask: np.ndarray
    score: np.ndarray
    untouchable: np.ndarray


def fit_treated(estimator, evidence, treated, *, weight_strategy, purpose, random_state=None):
    """The last fit: a clone of `estimator` on what `Treated` leaves; an error says the purpose."""
    if treated.model is not None:
        return treated.model
    inputs, rows = evidence.inputs, treated.rows
    X = treated.X
    if X is None:
        X = inputs.X if rows is None else take_rows(inputs.X, rows)
    params = inputs.fit_params
    if rows is not None:
        params = take_params(params, rows, evidence.n_rows)
    model = seeded_clone(estimator, random_state)
    try:
        with last_fit():
            return fit_model(
                model,
                X,
                treated.y,
                treated.sample_weight,
                params,
                weight_strategy=weight_strategy,
                random_state=random_state,
            )
    except Exception as error:
        y, is_labels = evidence.target.y, evidence.target.is_labels
        explain(error, estimator, purpose, y, treated.y, is_labels=is_labels)
        raise
