"""Groups of rows in which a feature that misleads tells something else."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import Array, FloatArray, IntArray, RandomStateLike, validate_params


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "minority": [Interval(Real, 0, 1, closed="both")],
        "task": [StrOptions({"classification", "regression"})],
        "core_noise": [Interval(Real, 0, None, closed="left")],
        "spurious_noise": [Interval(Real, 0, None, closed="left")],
        "n_other": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_spurious(
    n_samples: int = 1000,
    *,
    minority: float = 0.05,
    task: Literal["classification", "regression"] = "classification",
    core_noise: float = 0.5,
    spurious_noise: float = 0.3,
    n_other: int = 3,
    random_state: RandomStateLike = None,
) -> tuple[FloatArray, Array, IntArray]:
    """Rows with a feature that goes with y in most of them, and against it in the others.

    The core feature has to do with y in all rows. The spurious one follows an attribute a, which
    agrees with y in all rows but a share of `minority`. It is the cleaner of the two, so that a
    model that minimises the mean loss trusts it, and is wrong where it misleads.

    Nothing here is wrong as noise is: all targets are right.

    Parameters
    ----------
    n_samples : int >= 1, default=1000

    minority : float in [0, 1], default=0.05
        Share of the rows whose attribute disagrees with y, expected. With 0.5 the attribute has
        nothing to do with y: such rows are for tests.

    task : {"classification", "regression"}, default="classification"
        Labels 0 and 1, half of the rows each, expected; or standard normal numbers.

    core_noise : float >= 0, default=0.5
        Standard deviation of the noise in the core feature, which is -1 or 1 with the label, or
        the number.

    spurious_noise : float >= 0, default=0.3
        The same of the spurious feature, which is -1 or 1 with the attribute; for numbers it is y
        where they agree, and -y where they do not.

    n_other : int >= 0, default=3
        Further columns, which tell nothing: standard normal.

    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 2 + n_other)
        Core feature, spurious feature, and the others.

    y : ndarray of shape (n_samples,)

    groups : ndarray of shape (n_samples,) of int
        For labels ``2 * y + a``: 0 and 3 are the majority, 1 and 2 the minority, and
        ``groups % 2`` is the attribute. For numbers 0 where the spurious feature tells y, and 1
        where it misleads.

    References
    ----------
    The two features, the one that tells less being the cleaner one: S. Sagawa, A. Raghunathan,
    P. W. Koh, P. Liang: "An investigation of why overparameterization exacerbates spurious
    correlations", ICML, 2020 (there for labels).

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.datasets import make_spurious
    >>> X, y, groups = make_spurious(2000, random_state=0)
    >>> model = LogisticRegression().fit(X, y)
    >>> for group in range(4):
    ...     mine = groups == group
    ...     print(group, round(float(mine.mean()), 2), round(model.score(X[mine], y[mine]), 1))
    0 0.47 1.0
    1 0.03 0.9
    2 0.03 0.9
    3 0.48 1.0
    """
    rng = check_random_state(random_state)
    misleads = rng.random_sample(n_samples) < minority
    if task == "classification":
        y = rng.randint(2, size=n_samples)
        attribute = np.where(misleads, 1 - y, y)
        groups, core, spurious = 2 * y + attribute, 2.0 * y - 1, 2.0 * attribute - 1
    else:
        y = rng.normal(size=n_samples)
        groups, core, spurious = misleads.astype(int), y, np.where(misleads, -y, y)
    X = np.column_stack(
        [
            core + core_noise * rng.normal(size=n_samples),
            spurious + spurious_noise * rng.normal(size=n_samples),
            rng.normal(size=(n_samples, n_other)),
        ]
    )
    return X, y, groups
