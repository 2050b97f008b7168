"""What noise in the training rows does to groups, and what a filter does to them."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sknoisy._typing import ArrayLike, MatrixLike, Predictor, RandomStateLike, validate_params
from sknoisy.datasets import feature_noise, group_noise
from sknoisy.metrics._fairness import _labels, group_fairness_report


@validate_params(
    {
        "estimators": [HasMethods(["fit", "predict"]), dict],
        "y": ["array-like"],
        "groups": ["array-like"],
        "noise_grid": ["array-like"],
        "noise": [StrOptions({"label", "feature"}), callable],
        "noisy_groups": ["array-like", None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def noise_fairness_curve(
    estimators: Predictor | dict[str, Any],
    X: MatrixLike,
    y: ArrayLike,
    groups: ArrayLike,
    noise_grid: ArrayLike = (0.0, 0.1, 0.2, 0.3, 0.4),
    *,
    noise: Literal["label", "feature"] | Callable[..., Any] = "label",
    noisy_groups: ArrayLike | None = None,
    pos_label: Any = None,
    cv: int = 3,
    random_state: RandomStateLike = None,
) -> pd.DataFrame:
    """Accuracy, fairness and flagged rows of each group, as the training rows become noisier.

    Each estimator is fitted on noisy rows and asked about clean ones. If it says by `noise_mask_`
    which rows it holds wrong, as the treatments of this library do, these are counted for each
    group: a filter may take out a minority for being rare.

    Number of fits: ``len(estimators) * len(noise_grid) * cv``.

    Parameters
    ----------
    estimators : estimator object or dict of str to estimator object
        The classifiers; they are cloned. A Pipeline says which rows it holds wrong by its last
        step.

    X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        Clean features; they go to the estimators as they are.

    y : array-like of shape (n_samples,)
        Clean labels.

    groups : array-like of shape (n_samples,)
        The group of each row, without missing values.

    noise_grid : array-like of float, default=(0.0, 0.1, 0.2, 0.3, 0.4)
        Levels of noise, each in [0, 1]: the expected share of noisy rows in the groups that have
        noise.

    noise : {"label", "feature"} or callable, default="label"
        "label" flips labels to any other class (:func:`~sknoisy.datasets.group_noise`); "feature"
        adds normal noise of one standard deviation to the numeric columns of these rows
        (:func:`~sknoisy.datasets.feature_noise`), which must have no missing values.

        A function of ``(X, y, groups, level, random_state)`` that returns X, y and a mask of the
        rows that are wrong is noise of one's own, such as labels wrong in one direction.

    noisy_groups : array-like of groups, default=None
        The groups that have noise, for "label" and "feature". None means all.

    pos_label : label, default=None
        The favourable answer, see :func:`group_rates`; needed for more than two classes.

    cv : int >= 2, default=3
        Number of shuffled folds, stratified by group and label. Each is once the clean test part.

    random_state : int, RandomState instance or None, default=None
        Seeds the folds and the noise, which is the same for all estimators. Theirs is their own.

    Returns
    -------
    curve : DataFrame
        A row for each estimator, level and fold, with the columns "estimator", "level" and "fold",
        those of :func:`group_fairness_report`, and of the training rows

        - "wrong": the share that is wrong;
        - "flagged": the share in its `noise_mask_` (of a treatment those it acted on, of a detector
          those it flags), "flagged, GROUP" that of each group, and "flagged_gap" the largest
          difference between them;
        - "flagged_right", "flagged_right, GROUP" and "flagged_right_gap": the same of the rows that
          are right, which nobody should take out.

        NaN for estimators without `noise_mask_`.

    References
    ----------
    A. Barry, L. Han, G. Demartini, "On the Impact of Data Quality on Image Classification
    Fairness", SIGIR 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.metrics import noise_fairness_curve
    >>> X, y = make_classification(600, random_state=0)
    >>> groups = np.where(np.arange(600) % 4, "many", "few")
    >>> curve = noise_fairness_curve(
    ...     LogisticRegression(), X, y, groups, [0, 0.4], noisy_groups=["few"], random_state=0
    ... )
    >>> curve.groupby("level")["wrong"].mean().round(1).to_dict()
    {0.0: 0.0, 0.4: 0.1}
    >>> bool(curve["accuracy_gap"].between(0, 1).all())
    True
    """
    if not isinstance(estimators, dict):
        estimators = {type(estimators).__name__: estimators}
    names = _labels(groups, "groups").to_numpy()
    labels = _labels(y, "y").to_numpy()
    if len(names) != len(labels):
        raise ValueError(f"groups has {len(names)} rows and y has {len(labels)}.")
    make_noise = _noise_of(noise, _noisy_groups(noisy_groups, names))
    rng = check_random_state(random_state)
    folds = list(_folds(names, labels, cv, rng))
    lines = []
    for level in _levels(noise_grid):
        for fold, (train, test) in enumerate(folds):
            seed = rng.randint(np.iinfo(np.int32).max)
            clean = _safe_indexing(X, train), _safe_indexing(y, train), names[train]
            X_noisy, y_noisy, wrong = make_noise(*clean, level, seed)
            for name, estimator in estimators.items():
                model = clone(estimator).fit(X_noisy, y_noisy)
                report = group_fairness_report(
                    labels[test],
                    model.predict(_safe_indexing(X, test)),
                    groups=names[test],
                    pos_label=pos_label,
                )
                line = {"estimator": name, "level": level, "fold": fold, **report}
                line["wrong"] = float(np.mean(wrong))
                lines.append(line | _flagged(model, np.asarray(wrong), names[train]))
    return pd.DataFrame(lines)


def _levels(noise_grid):
    levels = [float(level) for level in noise_grid]
    for level in levels:
        if not 0 <= level <= 1:
            raise ValueError(f"noise_grid must hold numbers in [0, 1], got {level}.")
    return levels


def _noisy_groups(noisy_groups, names):
    """The groups with noise; all if none are named."""
    known = pd.unique(names).tolist()
    if noisy_groups is None:
        return known
    for group in noisy_groups:
        if group not in known:
            raise ValueError(
                f"group {group!r} of noisy_groups has no row; groups has {known[:20]}."
            )
    return list(noisy_groups)


def _noise_of(noise, noisy_groups):
    """The noise as a function of (X, y, groups, level, random_state)."""
    if callable(noise):
        return noise
    if noise == "label":

        def flip(X, y, groups, level, random_state):
            there = [group for group in noisy_groups if (groups == group).any()]
            rates = dict.fromkeys(there, level)
            return X, *group_noise(y, groups, rates, random_state=random_state)

        return flip

    def blur(X, y, groups, level, random_state):
        columns = list(X.select_dtypes("number")) if isinstance(X, pd.DataFrame) else None
        blurred, wrong = feature_noise(X, level, columns=columns, random_state=random_state)
        spared = ~np.isin(groups, noisy_groups)
        if isinstance(X, pd.DataFrame):
            for name in columns:
                blurred[name] = blurred[name].where(~spared, X[name])
        else:
            blurred[spared] = np.asarray(X)[spared]
        return blurred, y, wrong & ~spared

    return blur


def _folds(names, labels, cv, rng):
    """Folds stratified by group and label; cells with fewer rows than folds count by label."""
    cells = pd.factorize(pd.Series(list(zip(names, labels, strict=True))))[0]
    few = np.bincount(cells)[cells] < cv
    cells[few] = -1 - pd.factorize(pd.Series(labels))[0][few]
    # what is left of a label in rare cells may be rare itself: all those go together
    codes, counts = np.unique(cells, return_counts=True)
    cells[np.isin(cells, codes[counts < cv])] = codes[counts.argmax()]
    splitter = StratifiedKFold(cv, shuffle=True, random_state=rng.randint(np.iinfo(np.int32).max))
    return splitter.split(np.zeros((len(cells), 1)), cells)


def _flagged(model, wrong, groups):
    """Shares of rows that the model holds wrong: of all rows and of right ones, and by group."""
    mask = getattr(model, "noise_mask_", None)
    if mask is None and hasattr(model, "steps"):
        mask = getattr(model.steps[-1][1], "noise_mask_", None)
    shares = {}
    for what, of in (("flagged", np.ones(len(wrong), dtype=bool)), ("flagged_right", ~wrong)):
        if mask is None:
            by_group = pd.Series(np.nan, index=pd.unique(groups))
        else:
            by_group = pd.Series(np.asarray(mask)[of]).groupby(groups[of]).mean()
        shares[what] = np.nan if mask is None or not of.any() else float(np.mean(mask[of]))
        shares[f"{what}_gap"] = float(by_group.max() - by_group.min())
        for group in sorted(by_group.index, key=str):
            shares[f"{what}, {group}"] = float(by_group[group])
    return shares
