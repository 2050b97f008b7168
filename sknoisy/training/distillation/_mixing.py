"""How much of the teacher, in closed form: for what is held out, for ridge, for kernel ridge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sknoisy._typing import Array, FloatArray


def optimal_mixing(
    plain: Array, distilled: Array, y: Array, sample_weight: Array | None = None
) -> float:
    """Share of the teacher under which a student that is linear in its targets errs least.

    Fitted to ``(1 - mixing) * y + mixing * teacher``, such a student says
    ``(1 - mixing) * plain + mixing * distilled``: the squared error is a quadratic of `mixing`.

    Parameters
    ----------
    plain, distilled : ndarray of shape (n,) or (n, K)
        What models say that were fitted to the given targets, and to the teacher alone, on rows
        that neither they nor the teacher have seen.
    y : ndarray of shape (n,) or (n, K)
        Targets of these rows.
    sample_weight : ndarray of shape (n,), default=None

    Returns
    -------
    float
        Of any sign; zero where both say the same.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.distillation import optimal_mixing
    >>> y, plain, distilled = np.array([1.0, 3.0]), np.array([0.0, 5.0]), np.array([0.5, 4.0])
    >>> optimal_mixing(plain, distilled, y)
    2.0
    """
    step = distilled - plain
    along, size = step * (y - plain), step**2
    if sample_weight is not None:
        weight = sample_weight.reshape(-1, *[1] * (step.ndim - 1))
        along, size = along * weight, size * weight
    scale = np.sum(np.abs(plain) ** 2 + np.abs(distilled) ** 2)
    total = size.sum()
    return float(along.sum() / total) if total > 1e-20 * scale else 0.0


def optimal_ridge_mixing(X: Array, coef: Array, noise_variance: float, alpha: float) -> float:
    """Share of the teacher under which ridge, distilled once, finds its coefficients best.

    In the directions of the singular vectors of X, the student is the truth plus a bias that grows
    with `mixing` and a noise that falls with it, until the given numbers count negatively.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        As ridge sees it: centred where there is an intercept, and rows times the root of their
        weight.
    coef : ndarray of shape (d,)
        The true coefficients.
    noise_variance : float
        Of the errors in y, each independent of the others.
    alpha : float > 0
        Of ridge; zero leaves no difference between teacher and student.

    Returns
    -------
    float
        Minimises the expected squared error of the coefficients; above one where the noise is
        large.

    References
    ----------
    R. Das, S. Sanghavi: "Understanding Self-Distillation in the Presence of Label Noise", ICML,
    2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.distillation import optimal_ridge_mixing
    >>> X = np.random.RandomState(0).randn(50, 5)
    >>> low, high = (optimal_ridge_mixing(X, np.ones(5), noise, 10.0) for noise in (1.0, 100.0))
    >>> bool(low < 1 < high)
    True
    """
    _, singular, directions = np.linalg.svd(X, full_matrices=False)
    return _ridge_mixing(singular**2, (directions @ coef) ** 2, noise_variance, alpha)


def estimated_ridge_mixing(
    X: Array, y: Array, alpha: float, noise_variance: float | None = None
) -> float:
    """The same from data: the squares of the true coefficients are those found less their noise.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        As ridge sees it: centred where there is an intercept, and rows times the root of their
        weight.
    y : ndarray of shape (n,)
        Likewise.
    alpha : float > 0
    noise_variance : float, default=None
        None means that of the residuals of least squares, for which there must be more rows than
        columns.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.distillation import estimated_ridge_mixing
    >>> rng = np.random.RandomState(0)
    >>> X = rng.randn(200, 5)
    >>> bool(estimated_ridge_mixing(X, X.sum(axis=1) + 10 * rng.randn(200), 50.0) > 1)
    True
    """
    left, singular, _ = np.linalg.svd(X, full_matrices=False)
    left, singular = (
        left[:, singular > 1e-10 * singular[0]],
        singular[singular > 1e-10 * singular[0]],
    )
    along = left.T @ y
    if noise_variance is None:
        free = len(y) - len(singular)
        if free < 1:
            raise ValueError(
                f"X has {len(y)} rows and rank {len(singular)}, so that least squares leaves no "
                "residuals to estimate the noise from: give noise_variance."
            )
        noise_variance = np.sum((y - left @ along) ** 2) / free
    squares = (along**2 - noise_variance) / singular**2
    # single ones may be negative by chance; of all together that would mean nothing but noise
    if np.sum(squares) <= 0:
        squares = np.zeros_like(squares)
    return _ridge_mixing(singular**2, squares, noise_variance, alpha)


def _ridge_mixing(power, squares, noise, alpha):
    """`power`: squared singular values; `squares`: of the true coefficients in their directions."""
    shrunk = power + alpha
    gain = np.sum(power * (noise - alpha * squares) / shrunk**3)
    cost = alpha * np.sum(power * (noise + power * squares) / shrunk**4)
    return float(gain / cost) if cost > 0 else 0.0


def distilled_kernel_ridge(K: Array, y: Array, alpha: float, mixing: Sequence[float]) -> FloatArray:
    """Dual coefficients of kernel ridge after any number of distillations, without a refit.

    In the directions of the eigenvectors of K, a fit multiplies its targets by
    ``k / (k + alpha)``; so all that distillation does is another function of k.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel of the training rows.
    y : ndarray of shape (n,)
    alpha : float > 0
    mixing : list of float
        Share of the teacher, one for each distillation; the rest is y.

    Returns
    -------
    ndarray of shape (n,)
        Predictions are the kernel with the training rows times these.

    References
    ----------
    K. Borup, L. N. Andersen: "Even your Teacher Needs Guidance: Ground-Truth Targets Dampen
    Regularization Imposed by Self-Distillation", NeurIPS, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.training.distillation import distilled_alpha, distilled_kernel_ridge
    >>> x = np.linspace(0, 1, 20)
    >>> K, y = np.exp(-50 * (x[:, None] - x) ** 2), np.sin(6 * x)
    >>> long = distilled_kernel_ridge(K, y, 0.1, [0.5] * 100)
    >>> limit = distilled_kernel_ridge(K, y, distilled_alpha(0.1, 0.5), [])
    >>> np.allclose(K @ long, K @ limit)
    True
    """
    values, vectors = np.linalg.eigh(K)
    values = np.maximum(values, 0.0)
    kept = values / (values + alpha)
    targets = np.ones_like(values)
    for share in mixing:
        targets = 1 - share + share * kept * targets
    return vectors @ (targets / (values + alpha) * (vectors.T @ y))


def distilled_alpha(alpha: float, mixing: float) -> float:
    """Penalty of the ridge that endless distillation with one share of the teacher comes to.

    Parameters
    ----------
    alpha : float > 0
    mixing : float in [0, 1)
        Share of the teacher; the given targets, with the rest, keep the limit from being zero.

    Returns
    -------
    float

    References
    ----------
    K. Borup, L. N. Andersen: "Even your Teacher Needs Guidance: Ground-Truth Targets Dampen
    Regularization Imposed by Self-Distillation", NeurIPS, 2021.

    Examples
    --------
    >>> from sknoisy.training.distillation import distilled_alpha
    >>> distilled_alpha(1.0, 0.75)
    4.0
    """
    if not 0 <= mixing < 1:
        raise ValueError(f"mixing must be at least zero and less than one, got {mixing}.")
    return alpha / (1 - mixing)
