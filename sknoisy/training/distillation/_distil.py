"""The loop of self-distillation: teach, find out how much of the teacher is best, teach again."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import Folds
from sknoisy._typing import ArrayLike, CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import CV
from sknoisy.training._base import BaseTraining
from sknoisy.training.distillation._mixing import optimal_mixing
from sknoisy.training.distillation._students import (
    Students,
    folds_of,
    given_targets,
    held_out_loss,
    held_out_misses,
    judged_rows,
)

MOST = 100.0  # share of the teacher, where it is found by the closed form
MEMORY = 0.2  # of the error on rows held out: one that errs less on its own has them by heart
LEAST_GAIN = 1e-4  # of the loss on rows held out
MIN_PROBA = 1e-3  # soft labels less likely than this are left out


@dataclass
class Distilled:
    """What distillation came to: the targets of the last fit, and its trace."""

    target: np.ndarray
    mixing: list
    curve: list
    teacher: str

    def attributes(self):
        return {
            "mixing_": np.array(self.mixing, dtype=float),
            "loss_curve_": np.array(self.curve, dtype=float),
            "n_iter_": len(self.mixing),
            "teacher_": self.teacher,
        }


@dataclass
class Try:
    """A share of the teacher, and what its students say and teach."""

    share: float
    held: np.ndarray
    taught: list
    loss: float
    misses: float


class BaseSelfDistillation(BaseTraining):
    """Base class of both: a subclass writes `_train`, and asks `_distil` for its targets."""

    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "mixing": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left"), "array-like"],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "teacher": [StrOptions({"auto", "in_sample", "out_of_sample"})],
        "cv": CV,
    }

    def __init__(
        self,
        estimator: Estimator,
        *,
        mixing: Literal["auto"] | float | ArrayLike = "auto",
        n_steps: int = 1,
        teacher: Literal["auto", "in_sample", "out_of_sample"] = "auto",
        cv: CVLike | None = 5,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.mixing = mixing
        self.n_steps = n_steps
        self.teacher = teacher
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _distil(self, evidence):
        """`Distilled`; the given targets where nothing is gained by it."""
        if isinstance(self.mixing, Real):
            return self._fixed(evidence)
        return self._searched(evidence, self._grid())

    def _grid(self):
        """Shares of the teacher to choose among; None means by the closed form."""
        if isinstance(self.mixing, str):
            return None
        grid = np.asarray(self.mixing, dtype=float)
        if grid.ndim != 1 or not len(grid) or not (np.isfinite(grid) & (grid >= 0)).all():
            raise ValueError(
                f'mixing must be "auto", a number or a list of numbers, none below zero; got '
                f"{self.mixing!r:.80}."
            )
        return grid

    def _fixed(self, evidence):
        """`n_steps` times with one share; nothing is held out."""
        given = given_targets(evidence)
        teacher = self.teacher
        if teacher == "auto":
            folds = folds_of(evidence, self.cv, self._seed())
            teacher = self._first(evidence, folds, given)[0] if folds else "in_sample"
        students, target = self._students(evidence, Folds(), teacher), given
        for _ in range(self.n_steps):
            _, [taught] = students.say([target])
            target = self._mixed(evidence, given, taught, self.mixing)
        return Distilled(target, [self.mixing] * self.n_steps, [], teacher)

    def _searched(self, evidence, grid):
        """Step by step with the share that is best on rows held out, until none is better."""
        given = given_targets(evidence)
        folds = folds_of(evidence, self.cv, self._seed())
        if not folds:
            return Distilled(given, [], [], "in_sample")
        teacher, students, plain, taught = self._first(evidence, folds, given)
        target, mixing, curve = given, [], [held_out_loss(plain, evidence, folds)]
        for left in reversed(range(self.n_steps)):
            tries = self._tries(students, given, plain, taught, grid, teach=left > 0)
            better = [one for one in tries if one.loss < curve[-1] * (1 - LEAST_GAIN)]
            if not better:
                break
            best = min(better, key=lambda one: (one.misses, one.loss))
            target = self._mixed(evidence, given, taught[-1], best.share)
            taught = best.taught
            mixing.append(best.share)
            curve.append(best.loss)
        return Distilled(target, mixing, curve, teacher)

    def _first(self, evidence, folds, given):
        """(how rows are taught, `Students`, what the plain model says of rows held out, taught)."""
        teacher = "in_sample" if self.teacher == "auto" else self.teacher
        students = self._students(evidence, folds, teacher)
        targets = [given] * len(students.parts)
        plain, taught = students.say(targets)
        if self.teacher == "auto":
            own = held_out_loss(taught[-1], evidence, [])
            if own < MEMORY * held_out_loss(plain, evidence, folds):
                teacher = "out_of_sample"
                students = self._students(evidence, folds, teacher)
                _, taught = students.say(targets, hold_out=False)
        return teacher, students, plain, taught

    def _tries(self, students, given, plain, taught, grid, teach):
        """What becomes of each share of the teacher that is in question."""
        evidence, folds = students.evidence, students.folds

        def tried(share):
            targets = [self._mixed(evidence, given, one, share) for one in taught]
            held, new = students.say(targets, teach=teach)
            return Try(
                share,
                held,
                new,
                held_out_loss(held, evidence, folds),
                held_out_misses(held, evidence, folds),
            )

        if grid is not None:
            return [tried(share) for share in grid]
        tries = [tried(1.0)]
        held = tries[0].held
        at = judged_rows(plain, evidence, folds) & judged_rows(held, evidence, folds)
        weight = evidence.inputs.sample_weight
        weight = None if weight is None else weight[at]
        share = min(max(optimal_mixing(plain[at], held[at], given[at], weight), 0.0), MOST)
        return tries if share in (0.0, 1.0) else [*tries, tried(share)]

    def _students(self, evidence, folds, teacher):
        return Students(
            self.estimator,
            evidence,
            folds,
            out_of_sample=teacher == "out_of_sample",
            min_proba=MIN_PROBA,
            random_state=self._seed(),
            n_jobs=self.n_jobs,
        )

    def _mixed(self, evidence, given, taught, share):
        """Targets of a student; rows that are trusted, or that nobody has judged, keep theirs."""
        known = np.isfinite(taught.reshape(len(taught), -1)).all(axis=1) & ~evidence.trusted
        out = given.copy()
        out[known] = (1 - share) * given[known] + share * taught[known]
        return out
