"""The public detectors, and what it takes to run one: which evidence, and how many fits."""

from __future__ import annotations

import functools
import inspect
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

from sklearn.base import ClassifierMixin, OutlierMixin, RegressorMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import all_estimators

import sknoisy.detection
from sknoisy._evidence import Evidence

# for what needs more than X and y, the nearest that does not
WITHOUT_MORE = {"PersonalLoss": {"missing_groups": "one"}}
CALIBRATES = {"margins_to_proba"}  # fits made there see scores, not X, and are no cost


def detector_classes(task=None):
    """dict of name to class of the public detectors, those for one task only if it is given."""
    kinds = {name: getattr(sknoisy.detection, name) for name in sknoisy.detection.__all__}
    return {
        name: kind
        for name, kind in kinds.items()
        if inspect.isclass(kind)
        and issubclass(kind, sknoisy.detection.BaseDetector)
        and not inspect.isabstract(kind)
        and (task is None or kind._task in (task, "both"))
    }


def make_detector(kind, model, **params):
    """A detector with default settings around `model`; of `params`, those that it has."""
    detector = kind(**WITHOUT_MORE.get(kind.__name__, {}))
    own = detector.get_params(deep=False)
    detector.set_params(**{key: value for key, value in params.items() if key in own})
    return detector._with_estimator(model)


@dataclass
class Effort:
    """What a detector asked for.

    Attributes
    ----------
    asked : dict of str to int
        Questions to the evidence by kind ("responses", "stages", ...), repeated ones included.
    n_given, n_other : int
        Fits of the model that was given, and of other models.
    n_own : int
        Of both, fits that no question to the evidence explains.
    """

    asked: Counter = field(default_factory=Counter)
    n_given: int = 0
    n_other: int = 0
    n_own: int = 0

    @property
    def n_fits(self):
        return self.n_given + self.n_other


@contextmanager
def effort_of(model):
    """Count, within the block and this process, questions to `Evidence` and fits of models.

    A fit inside another one's (a tree in a forest) counts as part of that, and training that goes
    on (`partial_fit`, `warm_start`) as one fit. Where an answer of the evidence says how many fits
    it took (`n_fits`), that counts; a model may be trained in stages without its `fit`.
    """
    effort, depth = Effort(), Counter()
    given = type(last_step(model))
    kinds = {kind for _, kind in all_estimators()} | {given}
    kinds = [k for k in kinds if issubclass(k, (ClassifierMixin, RegressorMixin, OutlierMixin))]
    once = Evidence._once

    def add(kind, number=1):
        if kind is given:
            effort.n_given += number
        else:
            effort.n_other += number

    def counted_once(self, kind, make, estimator, how):
        if depth["question"] or depth["fit"]:
            return once(self, kind, make, estimator, how)
        n_known, before = len(self._answers), (effort.n_given, effort.n_other)
        depth["question"] += 1
        try:
            answer = once(self, kind, make, estimator, how)
        finally:
            depth["question"] -= 1
        effort.asked[kind] += 1
        if len(self._answers) > n_known and hasattr(answer, "n_fits"):
            effort.n_given, effort.n_other = before
            add(type(last_step(estimator)), answer.n_fits)
        return answer

    def counted(method, goes_on):
        @functools.wraps(method)
        def call(self, *args, **kwargs):
            if not depth["fit"] and sys._getframe(1).f_code.co_name not in CALIBRATES:
                seen = vars(self).get("_fit_counted", False)
                if not (seen and (goes_on or getattr(self, "warm_start", False))):
                    add(type(self))
                    effort.n_own += not depth["question"]
                self._fit_counted = True
            depth["fit"] += 1
            try:
                return method(self, *args, **kwargs)
            finally:
                depth["fit"] -= 1

        return call

    saved = []
    for kind in kinds:
        for name in ("fit", "fit_predict", "partial_fit"):
            if inspect.isfunction(getattr(kind, name, None)):
                saved.append((kind, name, vars(kind).get(name), getattr(kind, name)))
    try:
        Evidence._once = counted_once
        for kind, name, _, method in saved:
            setattr(kind, name, counted(method, name == "partial_fit"))
        yield effort
    finally:
        Evidence._once = once
        for kind, name, own, _ in saved:
            if own is None:  # it was inherited
                delattr(kind, name)
            else:
                setattr(kind, name, own)


def last_step(model):
    """The model itself, out of Pipelines."""
    return last_step(model.steps[-1][1]) if isinstance(model, Pipeline) else model
