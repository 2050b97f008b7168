"""A bounded share of right rows among the flagged, learnt from trusted rows."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import FloatArray
from sknoisy.threshold._base import BaseThreshold
from sknoisy.threshold._p_values import reject, wrong_proba


class ConformalFDR(BaseThreshold):
    """Flag rows so that at most a share `alpha` of them is expected to be right.

    The rows marked as `trusted` in `fit` show what scores right rows have. The conformal p-value of
    any other row is (1 + number of trusted rows with at least its score) / (1 + number of trusted
    rows), and rows are flagged by the procedure of Benjamini and Hochberg.

    Guarantee: with "bh" the false discovery rate, which is the expected share of right rows among
    the flagged (0 when nothing is flagged), is at most `alpha`, for any number of rows and any
    distribution of the scores, if the trusted rows and the right ones of the others are
    exchangeable: the trusted rows were drawn at random from the right rows, not because they are
    easy, and their scores were found in the same way as the others', that is, by models that have
    not seen the row. It is an average over data sets; in one of them the share may be higher.
    Detectors that fit differently on trusted rows do not keep to this.

    The smallest p-value there can be is 1 / (1 + number of trusted rows). To flag a share s of the
    rows, about 1 / (`alpha` s) trusted rows are needed; with fewer nothing may be flagged.

    Parameters
    ----------
    alpha : float in (0, 1), default=0.1
        Level of the false discovery rate.
    procedure : {"bh", "storey"}, default="bh"
        "storey" divides the level by Storey's estimate of the share of right rows, from the
        p-values above one half, and so flags more when many rows are wrong.
    per_class : bool, default=False
        Compare each row with the trusted rows of its own class alone (Mondrian). The level then
        holds within each class, and each class needs trusted rows.
    per_group : bool, default=False
        The same for the `groups` given to `fit`; with `per_class`, for each class in each group.

    Attributes
    ----------
    noise_proba_ : ndarray of shape (n,)
        Probability that a row is wrong: one minus the local false discovery rate.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    p_values_ : ndarray of shape (n,)
        Conformal p-values; NaN for trusted rows and rows that were not judged.
    n_trusted_ : int
        Trusted rows with a score.

    Raises
    ------
    ValueError
        If no row with a score is trusted, in all or in a class or group that is decided by itself.

    References
    ----------
    S. Bates, E. Candès, L. Lei, Y. Romano, M. Sesia: "Testing for outliers with conformal
    p-values", The Annals of Statistics 51, 2023.

    A. Marandon, L. Lei, D. Mary, E. Roquain: "Adaptive novelty detection with false discovery rate
    guarantee", The Annals of Statistics 52, 2024 (scores by a model that has also seen the rows to
    be tested).

    V. Vovk, D. Lindsay, I. Nouretdinov, A. Gammerman: "Mondrian confidence machine", technical
    report, 2003.

    J. Storey, J. Taylor, D. Siegmund: "Strong control, conservative point estimation and
    simultaneous conservative consistency of false discovery rates", Journal of the Royal
    Statistical Society B 66, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.threshold import ConformalFDR
    >>> score = np.r_[np.linspace(0, 1, 200), np.linspace(2, 3, 20)]
    >>> trusted = np.arange(220) % 2 == 1
    >>> trusted[200:] = False
    >>> threshold = ConformalFDR(alpha=0.1).fit(score, trusted=trusted)
    >>> np.array_equal(threshold.noise_mask_.nonzero()[0], np.arange(200, 220))
    True
    """

    _parameter_constraints: dict = {
        **BaseThreshold._parameter_constraints,
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "procedure": [StrOptions({"bh", "storey"})],
    }

    p_values_: FloatArray
    n_trusted_: int

    def __init__(
        self,
        alpha: float = 0.1,
        *,
        procedure: Literal["bh", "storey"] = "bh",
        per_class: bool = False,
        per_group: bool = False,
    ) -> None:
        self.alpha = alpha
        self.procedure = procedure
        self.per_class = per_class
        self.per_group = per_group

    def _begin(self, seen):
        trusted, score = seen["trusted"], seen["score"]
        self.n_trusted_ = int(np.count_nonzero(trusted & ~np.isnan(score)))
        self.p_values_ = np.full(len(score), np.nan)
        if len(score) and not self.n_trusted_:
            raise ValueError(
                "ConformalFDR learns from rows that are known to be right, and none with a score "
                f"is: pass trusted to fit, a mask of such rows ({trusted.sum()} of {len(trusted)} "
                "rows are trusted, none of them was judged). Without any, use another threshold."
            )

    def _decide(self, score, part, seen):
        known = np.sort(seen["score"][part.trusted])
        if not len(known):
            raise ValueError(
                f"ConformalFDR: no row of {part.name} is trusted, so that its {len(score)} rows "
                "cannot be compared: trust some of them, or set per_class and per_group to False."
            )
        as_high = len(known) - np.searchsorted(known, score, side="left")
        p_values = (1 + as_high) / (1 + len(known))
        self.p_values_[part.rows] = p_values
        mask = reject(p_values, self.alpha, self.procedure)
        if not mask.any() and self.alpha * (1 + len(known)) < 1:
            warnings.warn(
                f"ConformalFDR: {len(known)} trusted rows{part.name and ' of ' + part.name} are "
                f"too few to flag any row at alpha={self.alpha}: at least "
                f"{int(np.ceil(1 / self.alpha)) - 1} are needed.",
                UserWarning,
                stacklevel=4,
            )
        return wrong_proba(p_values), mask
