"""What it does to a model when the most suspect rows are dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state

from sknoisy._evidence import Evidence
from sknoisy._evidence._cross_fit import Fit, fit_each
from sknoisy._limits import MIN_CLASS_ROWS, untouchable_rows
from sknoisy._report import flagged_rows
from sknoisy._typing import Array, ArrayLike, Axes, Estimator, MatrixLike, RandomStateLike
from sknoisy.inspection._axes import draw_on, plain
from sknoisy.inspection._found import check_has
from sknoisy.model_selection import TrustedKFold

SHARES = np.linspace(0, 0.5, 11)


class RemovalCurveDisplay:
    """Score of a model on right rows, as more of the most suspect rows are dropped.

    A curve that rises and then falls says that the ranking finds harmful rows and how many are
    worth dropping; one that only falls says that they are better kept. Create it with
    `from_estimator` or `from_predictions`; needs matplotlib (`pip install 'sknoisy[plot]'`).

    Parameters
    ----------
    shares : ndarray of shape (n_shares,)
        Share of the training rows that is dropped.
    scores : ndarray of shape (n_shares,) or (n_shares, n_folds)
    flagged : float, default=None
        Share of rows that the detector flags.
    name : str, default=None
        For the legend.
    score_name : str, default="score"

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The mean over the folds.
    band_ : matplotlib PolyCollection or None
        One standard error of the difference to dropping nothing on either side, over the folds.
    plain_line_ : matplotlib Line2D
        The score when nothing is dropped, dotted.
    flagged_line_ : matplotlib Line2D or None
        The share that is flagged, dashed.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy import FilterClassifier
    >>> from sknoisy.inspection import RemovalCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = FilterClassifier(LogisticRegression(max_iter=1000)).fit(X[::2], y[::2])
    >>> RemovalCurveDisplay.from_estimator(  # doctest: +SKIP
    ...     model, X[::2], y[::2], X_clean=X[1::2], y_clean=y[1::2]
    ... )
    """

    ax_: Any
    figure_: Any
    line_: Any
    band_: Any
    plain_line_: Any
    flagged_line_: Any

    def __init__(
        self,
        shares: Array,
        scores: Array,
        *,
        flagged: float | None = None,
        name: str | None = None,
        score_name: str = "score",
    ) -> None:
        self.shares = shares
        self.scores = scores
        self.flagged = flagged
        self.name = name
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: ArrayLike,
        *,
        X_clean: MatrixLike | None = None,
        y_clean: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        model: Estimator | None = None,
        shares: ArrayLike = SHARES,
        cv: int = 5,
        scoring: str | Callable[..., Any] | None = None,
        sample_weight: ArrayLike | None = None,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = 0,
        name: str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the curve of a fitted detector or treatment.

        Rows are right either in a set of their own (`X_clean`, `y_clean`), or where they are
        trusted; these are then scored in folds, and never dropped. In the latter case the detector
        has seen the rows that are scored, as rows among others.

        Of each class the five least suspect rows are kept in any case, and so are rows that were
        not judged. Number of fits: that of the shares, times the folds.

        Parameters
        ----------
        estimator : fitted detector or treatment
            Its scores rank the rows.
        X, y
            What its `fit` got.
        X_clean, y_clean : rows and right targets, default=None
            New rows to score on.
        trusted : array-like of shape (n,) of bool, default=None
            Rows of X whose target is right, where there are no new ones.
        model : estimator object, default=None
            What is fitted; None means the one that a treatment wraps, or that a detector was given.
        shares : array-like of float in [0, 1), default=0, 0.05, ..., 0.5
            Shares of the training rows to drop.
        cv : int >= 2, default=5
            Folds of the trusted rows.
        scoring : str, callable or None, default=None
            None is the model's own `score`.
        sample_weight : array-like of shape (n,), default=None
            Of the fits.
        weight_strategy : {"native", "resample"}, default="native"
            As in the treatments.
        n_jobs : int or None, default=None
            Fits at a time.
        random_state : int, RandomState instance or None, default=0
            Seeds the models, the same for each share, and the folds.
        name : str, default=None
            For the legend; None is the name of the detector.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        RemovalCurveDisplay
        """
        detector, detector_name = check_has(cls, estimator, "noise_score_", "noise_mask_")
        model = _model_of(estimator) if model is None else model
        clean = _clean_rows(X_clean, y_clean, trusted)
        shares = _checked_shares(shares)
        task = "classification" if is_classifier(model) else "regression"
        evidence = Evidence(
            X,
            y,
            task=task,
            sample_weight=sample_weight,
            trusted=trusted,
            weight_strategy=weight_strategy,
        )
        if len(detector.noise_score_) != evidence.n_rows:
            raise ValueError(
                f"X has {evidence.n_rows} rows, fit got {len(detector.noise_score_)}: give the X "
                "and y that fit got."
            )
        order = droppable_rows(detector.noise_score_, evidence)
        score = _Score(check_scoring(model, scoring=scoring), clean, evidence.target.y)
        splits = _splits(evidence, clean, cv, random_state)
        fits = _plan(evidence, order, shares, splits, random_state)
        scores = fit_each(model, evidence.inputs, fits, score, n_jobs=n_jobs)
        display = cls(
            shares,
            np.reshape(scores, (len(shares), len(splits))),
            flagged=float(np.mean(flagged_rows(estimator))),
            name=detector_name if name is None else name,
            score_name=_name_of(scoring, task),
        )
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        shares: ArrayLike,
        scores: ArrayLike,
        *,
        flagged: float | None = None,
        name: str | None = None,
        score_name: str = "score",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw given scores.

        Parameters
        ----------
        shares : array-like of shape (n_shares,)
            Shares of the training rows that were dropped, increasing.
        scores : array-like of shape (n_shares,) or (n_shares, n_folds)
        flagged : float, default=None
            Share of rows that is flagged.
        name : str, default=None
            For the legend.
        score_name : str, default="score"
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        RemovalCurveDisplay
        """
        shares, scores = np.asarray(shares, dtype=float), np.asarray(scores, dtype=float)
        if shares.ndim != 1 or scores.ndim not in (1, 2) or len(scores) != len(shares):
            raise ValueError(
                "scores must have one entry, or one row of folds, for each of the shares; got "
                f"shapes {scores.shape} and {shares.shape}."
            )
        display = cls(shares, scores, flagged=flagged, name=name, score_name=score_name)
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            For matplotlib's `plot`.

        Returns
        -------
        RemovalCurveDisplay
        """
        ax = draw_on(self, ax)
        folds = self.scores.reshape(len(self.shares), -1)
        mean, n_folds = folds.mean(axis=1), folds.shape[1]
        label = self.name
        if label is not None and self.flagged is not None:
            label = f"{label} (flags {self.flagged:.0%})"
        how = {"marker": "o", "markersize": 4, "label": label, **kwargs}
        [self.line_] = ax.plot(self.shares, mean, **how)
        color = self.line_.get_color()
        self.band_ = None
        if n_folds > 1:
            # folds differ in how hard they are, which is no doubt about the curve
            error = (folds - folds[:1]).std(axis=1, ddof=1) / np.sqrt(n_folds)
            self.band_ = ax.fill_between(
                self.shares, mean - error, mean + error, color=color, alpha=0.2, linewidth=0
            )
        self.plain_line_ = ax.axhline(mean[0], linestyle=":", color=color)
        self.flagged_line_ = None
        if self.flagged is not None:
            self.flagged_line_ = ax.axvline(self.flagged, linestyle="--", color=color, alpha=0.6)
        ax.set(xlabel="share of rows dropped, the most suspect first", ylabel=self.score_name)
        if how["label"] is not None:
            plain(ax.legend().get_texts())
        return self


def _model_of(estimator):
    model = getattr(estimator, "estimator", None)
    if model is None:
        raise ValueError(f"{type(estimator).__name__} wraps no model: say by model= what to fit.")
    return model


def _clean_rows(X_clean, y_clean, trusted):
    """(X, y) of the new rows to score on; None where trusted ones are scored."""
    if (X_clean is None) == (trusted is None) or (X_clean is None) != (y_clean is None):
        raise ValueError(
            "Give the rows to score on: either X_clean and y_clean, or trusted, a mask of the rows "
            "of X whose target is right."
        )
    return None if X_clean is None else (X_clean, y_clean)


def _checked_shares(shares):
    shares = np.asarray(shares, dtype=float)
    if shares.ndim != 1 or not ((shares >= 0) & (shares < 1)).all():
        raise ValueError(f"shares must lie in [0, 1), got {shares.tolist()}.")
    return shares


def droppable_rows(score, evidence):
    """Rows that may be dropped, the most suspect first."""
    score = np.asarray(score, dtype=float)
    judged = ~np.isnan(score)
    codes = evidence.target.codes
    kept = evidence.trusted | untouchable_rows(score, score, codes, MIN_CLASS_ROWS)
    order = np.argsort(-np.where(judged, score, -np.inf), kind="stable")
    return order[(judged & ~kept)[order]]


def _splits(evidence, clean, cv, random_state):
    everyone = np.arange(evidence.n_rows)
    if clean is not None:
        return [(everyone, everyone[:0])]
    labels = evidence.target.y if evidence.target.is_labels else None
    return list(
        TrustedKFold(evidence.trusted, cv, random_state=random_state).split(everyone, labels)
    )


def _plan(evidence, order, shares, splits, random_state):
    """A fit for each share and split; those of one split have one seed."""
    inputs, n = evidence.inputs, evidence.n_rows
    rng = check_random_state(random_state)
    seeds = [int(rng.randint(2**31 - 1)) for _ in splits]
    fits = []
    for share in shares:
        stays = np.ones(n, dtype=bool)
        stays[order[: round(share * n)]] = False
        for (train, test), seed in zip(splits, seeds, strict=True):
            rows = train[stays[train]]
            weight = None if inputs.sample_weight is None else inputs.sample_weight[rows]
            purpose = f"with {share:.0%} of the rows dropped"
            fits.append(Fit(rows, inputs.y[rows], weight, test, seed, purpose))
    return fits


class _Score:
    """The score of a fitted model, on clean rows or on those of the fold."""

    def __init__(self, scorer, clean, y):
        self.scorer = scorer
        self.clean = clean
        self.y = y

    def __call__(self, model, X_test, rows):
        X, y = (X_test, self.y[rows]) if self.clean is None else self.clean
        return float(self.scorer(model, X, y))


def _name_of(scoring, task):
    if isinstance(scoring, str):
        return scoring.replace("_", " ")
    if scoring is not None:
        return "score"
    return "accuracy" if task == "classification" else "R²"
