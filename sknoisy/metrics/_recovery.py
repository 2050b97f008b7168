"""How much of what noise cost was won back."""

from __future__ import annotations

import warnings
from numbers import Real

from sklearn.exceptions import UndefinedMetricWarning

from sknoisy._typing import validate_params


@validate_params(
    {
        "score_clean": [Real],
        "score_noisy": [Real],
        "score_treated": [Real],
        "greater_is_better": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def recovered_share(
    score_clean: float, score_noisy: float, score_treated: float, *, greater_is_better: bool = True
) -> float:
    """Share of the score lost to noise that a treatment won back.

    All three scores are of the same model on the same clean test data, and differ in what it was
    trained on: ``(score_treated - score_noisy) / (score_clean - score_noisy)``.

    Parameters
    ----------
    score_clean : float
        Score after training on the clean data.

    score_noisy : float
        Score after training on the noisy data as they are.

    score_treated : float
        Score after training on the noisy data with the treatment.

    greater_is_better : bool, default=True
        False for losses and errors, of which less is better.

    Returns
    -------
    share : float
        1 means that all was won back, 0 nothing; below 0 the treatment did harm, above 1 it is
        better than clean data. NaN, with an `UndefinedMetricWarning`, if nothing was lost: the
        score on noisy data is as good as that on clean data, or better. When little was lost
        the share is large by chance alone: average the scores over seeds before, not the shares
        after.

    Examples
    --------
    >>> from sknoisy.metrics import recovered_share
    >>> round(recovered_share(score_clean=0.9, score_noisy=0.7, score_treated=0.85), 2)
    0.75
    >>> recovered_share(1.0, 3.0, 2.5, greater_is_better=False)  # squared errors
    0.25
    """
    lost = float(score_clean) - float(score_noisy)
    won = float(score_treated) - float(score_noisy)
    if not greater_is_better:
        lost, won = -lost, -won
    if lost <= 0:
        warnings.warn(
            f"recovered_share is undefined and NaN, because the score on noisy data "
            f"({score_noisy:.6g}) is no worse than that on clean data ({score_clean:.6g}).",
            UndefinedMetricWarning,
            stacklevel=3,
        )
        return float("nan")
    return won / lost
