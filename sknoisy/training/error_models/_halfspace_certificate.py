"""Whether a halfspace is nearly the best one there is, by tests that its own data can pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import issparse
from scipy.stats import chi2, norm
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sknoisy._evidence._arrays import as_numpy
from sknoisy._evidence._evidence import check_weight
from sknoisy._evidence._target import positions
from sknoisy._typing import ArrayLike, MatrixLike

LEAST_ROWS = 100  # in the band, and ten for each direction
STRIPS = 3  # beyond the band, on either side
STRIP_ROWS = 30
CONFIDENCE = 0.95  # that the slope of the loss is no steeper than said
# how far moments along a direction may be from those of a normal
MEAN, VARIANCE, SKEWNESS, KURTOSIS = 0.35, 0.4, 0.6, 1.0
MASS = 0.3  # of rows in a band, as a share of what a normal has
WIDEST = 2.0  # variance in a strip
OFFSET = 1.0  # of the halfspace from the mean of the rows, in standard deviations
GRID = 201


@dataclass(frozen=True)
class Check:
    """One of the tests of a certificate.

    Attributes
    ----------
    name : str
    value, allowed : float
    passed : bool
    """

    name: str
    value: float
    allowed: float
    passed: bool


@dataclass(frozen=True)
class HalfspaceCertificate:
    """What `certify_halfspace` found.

    Attributes
    ----------
    certified : bool
        Whether all tests were passed.
    reason : str
        One sentence: what is certified, or which test was failed and by how much.
    error : float
        Share of the given labels that the halfspace contradicts.
    excess : float
        By how much, at most, that exceeds the error of the best halfspace; NaN where the data say
        nothing of it. It holds where `certified` is true.
    angle : float
        The best halfspace is no further than this, in radians, when all columns are brought to
        variance one and no correlation.
    tests : list of Check
        In the order in which they were made.
    """

    certified: bool
    reason: str
    error: float
    excess: float
    angle: float
    tests: list = field(default_factory=list)


def certify_halfspace(
    model: Any,
    X: MatrixLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    eta: float = 0.3,
    max_excess: float = 0.1,
    band: float = 0.5,
) -> HalfspaceCertificate:
    """Test whether a linear classifier is nearly as good as the best halfspace, or say why not.

    Under noise that flips the label of each row with a probability of its own, at most `eta`, a
    halfspace whose ramp loss cannot be lowered by turning it is close to the best one, if the rows
    are about normal where it matters: in a thin band along its boundary, and in strips beside it.
    The tests look at just that, with the labels, and assume nothing else of the rows.

    1. Enough rows; the boundary is near the mean; fewer errors than (1 - `eta`) / 2, so that the
       best halfspace does not look the other way.
    2. Bands of half, once and twice the width hold as many rows as of a normal, within 30 %.
    3. In the band, moments of degree 1 to 4 are about those of a normal, along the directions that
       are least like one by their fourth moments.
    4. In strips beside the band no direction has a variance above 2, so that halfspaces which make
       a small angle disagree on few rows.
    5. The slope of the ramp loss along the boundary, plus what sampling may hide (95 %), is so
       small that only halfspaces within some angle can be the best one; these disagree with this
       one on no more than `max_excess` of the rows.

    What it does not say: nothing is certified of rows that are not like these, of labels that
    somebody flipped more often than `eta` in places of his choice, or of halfspaces at another
    distance from the mean. The paper proves its bounds with constants that are far too large for
    any data at hand; here angle and excess are those of an exact normal, and the tests see to it
    that its moments are near. So this is a test of the paper's conditions, not its proof.

    Parameters
    ----------
    model : fitted linear classifier of two classes
        Something with `coef_` and `intercept_`, a Pipeline that ends in one, or a search or a
        meta-estimator of sknoisy around either.
    X : {array-like, sparse matrix, DataFrame} with n rows
        As the model takes them.
    y : array-like of shape (n,)
        Labels, as given, of the rows that the model was fitted on, or better of others.
    sample_weight : array-like of shape (n,), default=None
    eta : float in [0, 0.5), default=0.3
        The most likely flip.
    max_excess : float, default=0.1
    band : float > 0, default=0.5
        Half the width of the band, in standard deviations. A wider one has more rows, and lets
        through a larger angle.

    Returns
    -------
    HalfspaceCertificate

    References
    ----------
    A. Gollakota, A. R. Klivans, K. Stavropoulos, A. Vasilyan: "An Efficient Tester-Learner for
    Halfspaces", ICLR, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.training.error_models import certify_halfspace
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(3000, 3))
    >>> y = (X[:, 0] > 0) ^ (rng.random(3000) < 0.2)
    >>> certificate = certify_halfspace(LogisticRegression().fit(X, y), X, y)
    >>> certificate.certified
    True
    >>> X[:, 1] = np.sign(X[:, 1]) + 0.1 * X[:, 1]
    >>> certificate = certify_halfspace(LogisticRegression().fit(X, y), X, y)
    >>> certificate.certified, certificate.reason[:31]
    (False, 'in the band, kurtosis is off by')
    """
    if not 0 <= eta < 0.5 or not band > 0:
        raise ValueError(f"eta must be in [0, 0.5) and band above 0, got {eta!r} and {band!r}.")
    coef, intercept, classes, features = linear_parts(model, X)
    sign = signs(column_or_1d(y), classes)
    check_consistent_length(features, sign)
    n = len(sign)
    weight = np.ones(n) if sample_weight is None else check_weight(sample_weight, n)
    seen = weight > 0
    features, sign, weight = features[seen], sign[seen], weight[seen] / weight.sum()
    margin, offset, beside = boundary_coordinates(features, weight, coef, intercept)
    if margin is None:
        return HalfspaceCertificate(False, "all rows have the same score", np.nan, np.nan, np.nan)
    error = float(weight @ ((margin > 0) != (sign > 0)))
    tests = [
        *_first_tests(margin, offset, beside, error, eta, band),
        *_mass_tests(margin, offset, weight, band),
        *_moment_tests(margin, beside, weight, band),
        *_strip_tests(margin, beside, weight, band),
    ]
    angle = largest_angle(*slope(margin, beside, weight, sign, band), offset, eta, band)
    excess = angle / np.pi
    slack = np.inf if np.isnan(excess) else excess
    tests.append(Check("excess over the best halfspace", slack, max_excess, slack <= max_excess))
    failed = [test for test in tests if not test.passed]
    if failed:
        worst, is_off = failed[0], failed[0].name.startswith("in the band,")
        reason = f"{worst.name} is {worst.value:.3g}, and {worst.allowed:.3g} is allowed"
        if is_off:
            reason = f"{worst.name} is off by {worst.value:.2f}; {worst.allowed:.2f} is allowed"
        elif worst.name.startswith("number of rows"):
            reason = f"{worst.name} is {worst.value:.0f}, and {worst.allowed:.0f} are needed"
    else:
        reason = (
            f"error {error:.3f}, at most {excess:.3f} above that of the best halfspace if no row "
            f"is flipped more often than {eta:g}"
        )
    return HalfspaceCertificate(not failed, reason, error, excess, angle, tests)


# --------------------------------------------------------------------------- the halfspace


def signs(y, classes):
    """(n,) 1 for labels that are the second class of the model, -1 for the first."""
    at = positions(y, classes)
    odd = np.flatnonzero(at < 0)
    if len(odd):
        raise ValueError(
            f"y has {y[odd[:1]].tolist()[0]!r} in row {odd[0]}, and the model's classes are "
            f"{classes.tolist()}."
        )
    return 2.0 * at - 1.0


def is_linear(model):
    """Whether a fitted model is a halfspace, possibly behind other steps."""
    last = _innermost(model)
    last = last.steps[-1][1] if isinstance(last, Pipeline) else last
    if not all(hasattr(last, name) for name in ("coef_", "intercept_", "classes_")):
        return False
    return _coefficients(last).shape[0] == 1


def linear_parts(model, X):
    """(coef, intercept, classes, rows as the linear model sees them)."""
    if not is_linear(model):
        raise TypeError(
            f"{type(model).__name__} is no fitted linear classifier of two classes, with coef_ of "
            "shape (1, n_features), nor a Pipeline that ends in one."
        )
    model = _innermost(model)
    if isinstance(model, Pipeline):
        X = model[:-1].transform(X) if len(model.steps) > 1 else X
        model = model.steps[-1][1]
    features = X.toarray() if issparse(X) else as_numpy(X, "X")
    coef = _coefficients(model)[0]
    return coef, float(np.ravel(model.intercept_)[0]), model.classes_, features.astype(float)


def _coefficients(model):
    """(1, d), also where a model has them without the first axis (RidgeClassifier)."""
    coef = model.coef_
    return np.atleast_2d(coef.toarray() if issparse(coef) else coef)


def _innermost(model):
    """Within meta-estimators and searches."""
    while not isinstance(model, Pipeline):
        inner = [getattr(model, name, None) for name in ("estimator_", "best_estimator_")]
        found = next((one for one in inner if one is not None), None)
        if found is None:
            break
        model = found
    return model


def boundary_coordinates(features, weight, coef, intercept):
    """(signed distance from the boundary, that of the mean, rows along the boundary).

    In units in which the rows have variance one in all directions, and no correlation. Directions
    in which they have none are left out.
    """
    centre = weight @ features
    away = features - centre
    values, vectors = np.linalg.eigh((away * weight[:, None]).T @ away)
    kept = values > 1e-10 * max(values.max(), 1e-300)
    spreads, vectors = np.sqrt(values[kept]), vectors[:, kept]
    normal = spreads * (vectors.T @ coef)
    length = np.linalg.norm(normal)
    if not length > 0:
        return None, np.nan, None
    rows = away @ vectors / spreads
    offset = (coef @ centre + intercept) / length
    # an orthonormal basis whose first vector is the normal of the halfspace
    basis = np.linalg.qr(np.column_stack([normal / length, np.eye(len(normal))]))[0]
    return rows @ (normal / length) + offset, float(offset), rows @ basis[:, 1:]


# --------------------------------------------------------------------------- tests


def _first_tests(margin, offset, beside, error, eta, band):
    needed = max(LEAST_ROWS, 10 * beside.shape[1])
    in_band = int((np.abs(margin) <= band).sum())
    most = 0.5 * (1.0 - eta)
    return [
        Check("distance of the boundary from the mean", abs(offset), OFFSET, abs(offset) <= OFFSET),
        Check("number of rows in the band", in_band, needed, in_band >= needed),
        Check("error", error, most, error < most),
    ]


def _mass_tests(margin, offset, weight, band):
    for width in (0.5 * band, band, 2.0 * band):
        normal = norm.cdf(width - offset) - norm.cdf(-width - offset)
        off = abs(weight @ (np.abs(margin) <= width) / max(normal, 1e-12) - 1.0)
        yield Check(f"in the band, mass within {width:g}", float(off), MASS, bool(off <= MASS))


def _moment_tests(margin, beside, weight, band):
    rows = np.abs(margin) <= band
    if rows.sum() < 2 or beside.shape[1] == 0:
        return
    moments = moments_off(beside[rows], weight[rows] / weight[rows].sum())
    for name, off, allowed in zip(
        ("mean", "variance", "skewness", "kurtosis"),
        moments,
        (MEAN, VARIANCE, SKEWNESS, KURTOSIS),
        strict=True,
    ):
        yield Check(f"in the band, {name}", off, allowed, off <= allowed)


def moments_off(rows, weight):
    """How far (mean, variance, skewness, kurtosis) are from those of a standard normal, at worst.

    Mean and variance in all directions; the others along the directions in which fourth moments
    are largest and smallest (the eigenvectors of E |x|² x x').
    """
    centre = weight @ rows
    away = rows - centre
    values, vectors = np.linalg.eigh((away * weight[:, None]).T @ away)
    white = away @ vectors / np.sqrt(np.maximum(values, 1e-12))
    fourth = (white * (weight * (white**2).sum(axis=1))[:, None]).T @ white
    along = white @ np.linalg.eigh(fourth)[1]
    return (
        float(np.linalg.norm(centre)),
        float(np.abs(values - 1.0).max()),
        float(np.abs(weight @ along**3).max()),
        float(np.abs(weight @ along**4 - 3.0).max()),
    )


def _strip_tests(margin, beside, weight, band):
    if beside.shape[1] == 0:
        return
    strip = np.floor(np.abs(margin) / band) * np.where(margin > 0, 1, -1)
    for i in range(1, STRIPS + 1):
        for side, name in ((i, "above"), (-i, "below")):
            rows = strip == side
            if rows.sum() < STRIP_ROWS or not weight[rows].any():
                continue
            share = weight[rows] / weight[rows].sum()
            square = (beside[rows] * share[:, None]).T @ beside[rows]
            widest = float(np.linalg.eigvalsh(square)[-1])
            yield Check(f"variance in strip {i} {name} the band", widest, WIDEST, widest <= WIDEST)


# --------------------------------------------------------------------------- angle


def slope(margin, beside, weight, sign, band):
    """(steepness of the ramp loss along the boundary with its error, number of directions)."""
    k = beside.shape[1]
    if k == 0:
        return 0.0, 0
    rows = (np.abs(margin) <= band) / (2.0 * band)
    gradient = (weight * rows * sign) @ beside
    spread = np.sqrt((weight * rows) ** 2 @ (beside**2).sum(axis=1))
    return float(np.linalg.norm(gradient) + spread * np.sqrt(chi2.ppf(CONFIDENCE, k) / k)), k


def least_slope(angle, offset, eta, band):
    """Steepness of the ramp loss, at least, if the best halfspace is at an angle and rows normal.

    Along the boundary, towards the best one: a row pulls with its distance z in that direction if
    the best halfspace has it on that side, and is then flipped as often as can be (`eta`), or away
    if it does not, and is then never flipped.
    """
    margin = np.linspace(-band, band, GRID)
    density = norm.pdf(margin - offset)
    turn = (np.cos(angle) * (margin - offset) + offset) / np.sin(angle)
    pull = (1.0 - 2.0 * eta) * 2.0 * norm.pdf(0)
    pull = pull - (2.0 - 2.0 * eta) * (norm.pdf(0) - norm.pdf(turn))
    return float(np.mean(density * pull))


def largest_angle(steepness, k, offset, eta, band):
    """Beyond which no halfspace can be the best one, by the slope; NaN if any can."""
    if k == 0:
        return 0.0
    angles = np.linspace(0.0, np.pi / 2, 361)[1:]
    least = np.array([least_slope(angle, offset, eta, band) for angle in angles])
    possible = np.flatnonzero(least <= steepness)
    if len(possible) == 0:
        return float(angles[0])
    last = possible[-1] + 1
    return float(angles[last]) if last < len(angles) else np.nan
