"""Odd inputs on everything: no result that is silently wrong, no error from inside.

What is tried, and what must hold, is in `fuzzer`; `benchmarks/fuzz.py` tries as many as one likes.
"""

import json

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from .fuzzer import parts, trials

pytestmark = pytest.mark.usefixtures("small_forests")  # what is right here does not depend on them

FEW, MANY = 120, 200
SETTINGS = {"suppress_health_check": list(HealthCheck), "database": None}


@st.composite
def drawn(draw, what):
    """A trial: every choice shrinks to the first of its table, which is the ordinary one."""
    return what(lambda options: draw(st.sampled_from(list(options))))


def check(outcome, trial):
    note(f"python benchmarks/fuzz.py --again '{json.dumps(trial)}'")
    assert not outcome.is_fault, f"{outcome.kind}: {outcome.what} [{outcome.where}]"


@settings(max_examples=FEW, **SETTINGS)
@given(trial=drawn(trials.draw_trial))
def test_fits(trial):
    check(trials.run_trial(trial), trial)


@settings(max_examples=FEW, **SETTINGS)
@given(trial=drawn(parts.draw_part))
def test_parts(trial):
    check(parts.run_part(trial), trial)


@pytest.mark.slow
@settings(max_examples=MANY, **SETTINGS)
@given(trial=drawn(trials.draw_trial))
def test_many_fits(trial):
    check(trials.run_trial(trial), trial)


@pytest.mark.slow
@settings(max_examples=MANY, **SETTINGS)
@given(trial=drawn(parts.draw_part))
def test_many_parts(trial):
    check(parts.run_part(trial), trial)


# --------------------------------------------------------------------------- it would see


@pytest.mark.parametrize("who", ["detector", "filter", "reweight", "relabel"])
@pytest.mark.parametrize("relation", trials.RELATIONS)
def test_ordinary_trials_are_right(who, relation):
    """The ordinary input is fitted, not refused: what is asked of it is really asked."""
    for task, detector in (("labels", "ConfidentLearning"), ("numbers", "Residual")):
        trial = {name: next(iter(table)) for name, table in trials.tables(task).items()}
        trial |= {"task": task, "who": who, "detector": detector}
        trial |= {
            "relation": relation,
            "seed": 0,
            "model": "bayes" if task == "labels" else "ridge",
        }
        outcome = trials.run_trial(trial)
        # weights of that size may be refused
        right = ("right", "refused") if relation.endswith("900") else ("right",)
        assert outcome.kind in right, (trial, outcome)


SPOILT = {
    "report": ("noise_proba_", lambda proba: proba + 1.0),
    "twice": ("noise_score_", lambda score: score * float("nan")),
    "pickled": ("noise_mask_", lambda mask: mask[:-1]),
}


@pytest.mark.parametrize("attribute, spoil", SPOILT.values(), ids=SPOILT)
def test_wrong_results_are_seen(attribute, spoil, monkeypatch):
    trial = {name: next(iter(table)) for name, table in trials.tables("labels").items()}
    trial |= {"task": "labels", "who": "detector", "detector": "ConfidentLearning"}
    trial |= {"relation": "twice", "seed": 0}
    plain = trials.fit

    def spoilt(owner, data):
        fitted = plain(owner, data)
        setattr(owner, attribute, spoil(getattr(owner, attribute)))
        fitted.said.clear()
        return fitted

    monkeypatch.setattr(trials, "fit", spoilt)
    assert trials.run_trial(trial).kind == "silent"
