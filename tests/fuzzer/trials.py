"""One trial of the fuzzer: what is fitted on what, and whether the outcome is right.

An outcome is "right", "refused" (an error that says what was wrong), "silent" (a result that is not
right, with nothing said) or "unclear" (an error from inside). A trial is a dict of names, so that
it can be written down and run again.
"""

from __future__ import annotations

import inspect
import linecache
import pickle
import re
import traceback
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

import sknoisy
from sknoisy import detection, threshold

from . import inputs
from .models import HONEST, LABEL_MODELS, NUMBER_MODELS, Asked, lies, plain_form

# --------------------------------------------------------------------------- who is tried

CHEAP = {  # the least that each setting allows, by its name
    "n_bags": 6,
    "n_stages": 4,
    "n_repeats": 2,
    "n_permutations": 5,
    "n_subsets": 3,
    "n_seeds": 2,
    "n_passes": 2,
    "n_boot": 2,
    "n_fine": 1,
    "n_rounds": 1,
    "max_iter": 2,
    "n_iter_no_change": 1,
    "n_lifecycles": 2,
    "rates": (0.05, 0.2),
    "members": "few",
    "missing_groups": "one",
}
CHEAP_OF = {
    "SelectiveEnsemble": {"n_estimators": 6, "cv": 2},
    "ExcessLoss": {"error_model": Ridge()},
    "LinearSeparation": {"max_iter": 1},
}


def is_detector(kind):
    """Whether it is a class of detectors that can be used as it is."""
    is_kind = inspect.isclass(kind) and issubclass(kind, detection.BaseDetector)
    return is_kind and not inspect.isabstract(kind)


def detector_classes():
    kinds = {name: getattr(detection, name) for name in detection.__all__}
    return {name: kind for name, kind in kinds.items() if is_detector(kind)}


class BadThreshold(BaseEstimator):
    """A threshold of somebody else's, which does not keep to the contract."""

    def __init__(self, how="short"):
        self.how = how

    def fit(self, score, y=None):
        n = len(score)
        proba, mask = np.full(n, 0.1), np.zeros(n, dtype=bool)
        if self.how == "short":
            proba, mask = proba[:-1], mask[:-1]
        if self.how == "above one":
            proba = proba + 5.0
        if self.how == "nan":
            proba = np.full(n, np.nan)
        if self.how == "texts":
            mask = np.full(n, "no")
        if self.how == "two columns":
            mask = np.column_stack([mask, mask])
        if self.how == "row numbers":
            mask = np.arange(n) % 7
        if self.how == "silent":
            return self
        self.noise_proba_, self.noise_mask_ = proba, mask
        return self


BAD_THRESHOLDS = ("short", "above one", "nan", "texts", "two columns", "row numbers", "silent")
THRESHOLDS = {
    "auto": lambda: "auto",
    "0": lambda: 0,
    "0.1": lambda: 0.1,
    "0.5": lambda: 0.5,
    "numpy 0.2": lambda: np.float32(0.2),
    "FixedRate": lambda: threshold.FixedRate(0.1),
    "FixedRate, per class": lambda: threshold.FixedRate(0.2, per_class=True),
    "FixedRate, per group": lambda: threshold.FixedRate(0.2, per_group=True),
    "MixturePosterior": threshold.MixturePosterior,
    "MixturePosterior, per class": lambda: threshold.MixturePosterior(per_class=True),
    "ConfidentJointCount": threshold.ConfidentJointCount,
    "BenjaminiHochberg": lambda: threshold.BenjaminiHochberg(scale="z"),
    "ConformalFDR": lambda: threshold.ConformalFDR(alpha=0.4),
    "ContaminationPosterior": lambda: threshold.ContaminationPosterior(
        n_components=4, n_samples=100, random_state=0
    ),
    "Elbow": threshold.Elbow,
    "OneStandardError": lambda: threshold.OneStandardError(rates=[0, 0.2], cv=2, random_state=0),
    **{f"bad: {how}": lambda how=how: BadThreshold(how) for how in BAD_THRESHOLDS},
    "-0.1": lambda: -0.1,
    "0.9": lambda: 0.9,
    "nan": lambda: float("nan"),
    "a text": lambda: "some",
    "the class itself": lambda: threshold.FixedRate,
    "a model": LogisticRegression,
    "none": lambda: None,
}

WHO = {
    "labels": {
        "detector": None,
        "filter": lambda m, d: sknoisy.FilterClassifier(m, d, random_state=0),
        "reweight": lambda m, d: sknoisy.ReweightClassifier(m, d, random_state=0),
        "relabel": lambda m, d: sknoisy.RelabelClassifier(m, d, random_state=0),
        "soft": lambda m, d: sknoisy.RelabelClassifier(m, d, mode="soft", random_state=0),
        "robust": lambda m, d: sknoisy.RobustClassifier(m, effort="fast", random_state=0),
    },
    "numbers": {
        "detector": None,
        "filter": lambda m, d: sknoisy.FilterRegressor(m, d, random_state=0),
        "reweight": lambda m, d: sknoisy.ReweightRegressor(m, d, random_state=0),
        "relabel": lambda m, d: sknoisy.RelabelRegressor(m, d, random_state=0),
        "robust": lambda m, d: sknoisy.RobustRegressor(m, effort="fast", random_state=0),
    },
}
DETECTORS = {
    task: [n for n, kind in detector_classes().items() if kind._task in ("both", name)]
    for task, name in (("labels", "classification"), ("numbers", "regression"))
}
RELATIONS = (
    "twice",
    "zero contamination",
    "recording",
    "rows permuted",
    "classes backwards",
    "weights of one",
    "weights doubled",
    "weights times 2**300",
    "weights times 2**900",
    "weights times 2**-900",
    "numbers doubled",
    "numbers times 2**20",
    "numbers times 2**-20",
    "numbers times 2**400",
    "numbers times 2**-400",
    "refit",
    "resample",
    "frozen",
    "pickled",
    "report",
)
MODELS = {"labels": LABEL_MODELS, "numbers": NUMBER_MODELS}


def tables(task):
    """What a trial chooses from, the ordinary choice first."""
    return {
        "threshold": THRESHOLDS,
        "model": MODELS[task],
        "rows": inputs.ROWS,
        "container": inputs.CONTAINERS,
        **(
            {"classes": inputs.CLASSES, "labels": inputs.LABELS}
            if task == "labels"
            else {"numbers": inputs.NUMBERS}
        ),
        "weight": inputs.WEIGHTS,
        "groups": inputs.GROUPS,
        "trusted": inputs.TRUSTED,
        "cv": inputs.CV,
    }


def draw_trial(choose, most_odd=3):
    """A trial; `choose(options)` picks one of a list."""
    task = choose(["labels", "labels", "numbers"])
    who = choose([*WHO[task], "detector", "filter"])
    chosen = tables(task)
    trial = {"task": task, "who": who, "detector": choose(DETECTORS[task])}
    if who == "robust":
        trial["detector"] = ""
    trial |= {name: next(iter(table)) for name, table in chosen.items()}
    trial["relation"] = choose(list(RELATIONS))
    trial["seed"] = choose([0, 1, 2])
    odd = [choose(list(chosen)) for _ in range(choose(range(most_odd + 1)))]
    for name in odd:
        trial[name] = choose(list(chosen[name]))
    if trial["rows"] == "plain" and choose([False, False, False, True]):
        trial["model"] = choose([m for m in MODELS[task] if m in HONEST])
    return trial


def make_model(trial):
    return MODELS[trial["task"]][trial["model"]]()


def make_owner(trial, data, model=None, contamination=None):
    """The detector or treatment of a trial, not fitted."""
    model = make_model(trial) if model is None else model
    if trial["who"] == "robust":
        return WHO[trial["task"]]["robust"](model, None)
    kind = detector_classes()[trial["detector"]]
    known = inspect.signature(kind).parameters
    made = THRESHOLDS[trial["threshold"]]() if contamination is None else contamination
    params = {**CHEAP, **CHEAP_OF.get(trial["detector"], {})}
    params |= {"contamination": made, "random_state": 0}
    if trial["cv"] != "none":
        params["cv"] = inputs.CV[trial["cv"]](data.codes, data.n)
    alone = trial["who"] == "detector"
    if alone:
        params["estimator"] = model
    tree = ("tree", DecisionTreeClassifier(max_depth=3, random_state=0))
    params["estimators"] = [("given", model if alone else None), tree]
    if trial["detector"] == "CombinedDetector":
        params["detectors"] = _members(trial["task"])
    detector = kind(**{name: value for name, value in params.items() if name in known})
    return detector if alone else WHO[trial["task"]][trial["who"]](model, detector)


def _members(task):
    if task == "labels":
        return [("a", detection.ConfidentLearning()), ("b", detection.NeighborDisagreement())]
    return [("a", detection.Residual()), ("b", detection.KNNShapley())]


# --------------------------------------------------------------------------- on what


@dataclass
class Data:
    n: int
    X: Any
    y: Any
    codes: np.ndarray  # labels as codes, or whole numbers that stand for a numeric target
    fit_params: dict = field(default_factory=dict)
    plain_X: Any = None


def make_data(trial):
    rng = np.random.default_rng(trial["seed"])
    n, make = inputs.ROWS[trial["rows"]]
    with np.errstate(all="ignore"):
        rows = make(rng, n)
        if trial["task"] == "labels":
            codes = inputs.CLASSES[trial["classes"]](rng, rows)
            y = inputs.LABELS[trial["labels"]](codes)
            if trial["labels"] == "booleans":  # there are but two
                codes = (codes > 0).astype(int)
        else:
            numbers = inputs._numbers(rng, rows)
            codes = (numbers > np.median(numbers)).astype(int) if n else np.zeros(0, dtype=int)
            y = inputs.NUMBERS[trial["numbers"]](numbers)
        X = inputs.CONTAINERS[trial["container"]](rows)
        given = {
            "sample_weight": inputs.WEIGHTS[trial["weight"]](codes),
            "groups": inputs.GROUPS[trial["groups"]](codes),
            "trusted": inputs.TRUSTED[trial["trusted"]](codes),
        }
    return Data(n, X, y, codes, {k: v for k, v in given.items() if v is not None}, rows)


# --------------------------------------------------------------------------- outcomes


@dataclass
class Outcome:
    kind: str  # "right", "refused", "silent", "unclear", "skipped"
    what: str = ""
    where: str = ""

    @property
    def is_fault(self):
        return self.kind in ("silent", "unclear")


class Silent(Exception):
    """A result that is not right."""


@dataclass
class Fitted:
    owner: Any
    said: list  # warnings of sknoisy's own


def fit(owner, data):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        owner.fit(data.X, data.y, **data.fit_params)
    return Fitted(owner, [w for w in caught if is_ours(w)])


def is_ours(warning):
    return warning.category.__module__.startswith("sknoisy") or (
        warning.category is UserWarning and "sknoisy" in warning.filename
    )


def run_trial(trial):
    """`Outcome` of a trial."""
    try:
        data = make_data(trial)
    except Exception:  # these rows have no such container: a frame of no columns named twice
        return Outcome("skipped")
    try:
        owner = make_owner(trial, data)
    except Exception as error:
        return _explain(error, trial, data)
    before, state = _content(data), set(vars(owner))
    Asked.times = 0
    try:
        fitted = fit(owner, data)
    except Exception as error:
        left = set(vars(owner)) - state
        if left:
            return Outcome("silent", f"a failed fit leaves {sorted(left)}", str(error)[:80])
        return _explain(error, trial, data)
    try:
        if _content(data) != before:
            raise Silent("fit changes what it was given")
        check_refusals(trial, data, fitted)
        check_attributes(trial, data, fitted)
        check_forms(trial, data, fitted)
        check_relation(trial, data, fitted)
    except Silent as fault:
        return Outcome("silent", str(fault))
    except Exception as error:
        return _explain(error, trial, data)
    return Outcome("right")


def _content(data):
    """What the containers hold, whatever they keep for themselves beside it."""
    y = data.y.values() if isinstance(data.y, dict) else [data.y]
    held = [data.X, *y, *data.fit_params.values()]
    return [
        _bytes([v.data, v.nonzero()] if sparse.issparse(v) else np.array(v, dtype=object))
        for v in held
    ]


def _bytes(things):
    with suppress(Exception):
        return pickle.dumps(things)
    return None


# --------------------------------------------------------------------------- errors

HERE = str(Path(__file__).parent)
OURS = str(Path(sknoisy.__file__).parent)
NEVER = (
    *(IndexError, KeyError, AttributeError, NameError, RecursionError, AssertionError),
    *(ArithmeticError, MemoryError, StopIteration, np.linalg.LinAlgError, UnicodeError),
)
JARGON = re.compile(
    r"broadcast|boolean index|missing \d+ required|unexpected keyword|object is not|not supported "
    r"between|truth value|has no len|unhashable|cannot pickle|ufunc|invalid literal|not iterable|"
    r"safe casting|has no attribute"
)
NAN = re.compile(r"contains (NaN|infinity)|must be finite|Input X contains|NaN, infinity")


def _explain(error, trial, data, may_blame_model=True):
    """Whether an error says what was wrong, and at whose place it was found."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    line = linecache.getline(last.filename, last.lineno).strip()
    path = last.filename
    deliberate = line.startswith("raise") or line.startswith("six.raise")
    ours, theirs = path.startswith(OURS), f"{'/'}sklearn{'/'}" in path
    message = str(error)
    clear = deliberate and (ours or theirs or path.startswith(HERE))
    clear = clear and not (isinstance(error, NEVER) and not path.startswith(HERE))
    clear = clear and not JARGON.search(message)
    if clear and NAN.search(message) and not ours and _finite(data):
        clear = False  # nothing of what was given is missing: an array of our own is
    if clear or may_blame_model and _model_says_so(error, trial, data):
        return Outcome("refused", message[:150])
    inner = [f for f in frames if f.filename.startswith(OURS)]
    at = inner[-1] if inner else last
    where = f"{Path(at.filename).stem}.{at.name}"
    brief = re.sub(r"0x[0-9a-f]+|\d+", "N", message)[:90]
    return Outcome("unclear", f"{type(error).__name__}: {brief}", where)


def _finite(data):
    with suppress(Exception):
        y = data.y if np.asarray(data.y).dtype.kind in "fc" else 0.0
        y = 0.0 if isinstance(data.y, dict) else y
        weight = data.fit_params.get("sample_weight", 0.0)
        with np.errstate(all="ignore"):
            return all(
                np.isfinite(np.asarray(v, dtype=float).astype(np.float32)).all()
                for v in (data.plain_X, y, weight)
            )
    return False


def _model_says_so(error, trial, data):
    """Whether the model, fitted by itself on the same, stops with the same error."""
    weight = {k: v for k, v in data.fit_params.items() if k == "sample_weight"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in (make_model(trial), LogisticRegression() if data.n else None):
            if model is None or not hasattr(model, "fit") or isinstance(model, type):
                continue
            try:
                clone(model).fit(data.X, data.y, **weight).predict(data.X)
            except Exception as own:
                if type(own) is type(error) and str(own)[:30] == str(error)[:30]:
                    return True
    return False


# --------------------------------------------------------------------------- what must hold


def finder_of(owner):
    return getattr(owner, "detector_", owner)


def score_of(owner):
    return np.asarray(finder_of(owner).noise_score_, dtype=float)


def check_refusals(trial, data, fitted):
    """What no fit may accept."""
    enough = data.n >= 6 and trial.get("classes") not in ("one class", "each its own")
    has_cv = trial["who"] != "robust" and "cv" in vars(_detector(fitted.owner))
    for name, refused in inputs.REFUSED.items():
        choice = trial.get(name)
        if choice not in refused or not (enough or choice == "none"):
            continue
        if name == "cv" and not has_cv or name == "threshold" and trial["who"] == "robust":
            continue
        if choice == "a regressor" and detector_classes()[trial["detector"]]._task == "both":
            continue  # which then reads the labels as numbers
        raise Silent(f"accepts {name}: {choice}")
    judged = not np.isnan(score_of(fitted.owner)).all()
    untrusted = trial["trusted"] not in ("all", "all but one")
    if trial["threshold"].startswith("bad: ") and trial["who"] != "robust" and judged and untrusted:
        raise Silent(f"accepts threshold {trial['threshold']}")
    if lies(trial["model"]) and Asked.times and data.n >= 6 and not fitted.said:
        if trial["model"].endswith("unnormalised"):
            plain = {**trial, "model": "plain proba"}
            if not difference(told(fitted.owner, data), _told_of(plain), 1e-5):
                return
        raise Silent(f"accepts model {trial['model']}")


def _detector(owner):
    return owner if not hasattr(owner, "detector") else owner.detector


def _demand(condition, what):
    if not np.all(condition):
        raise Silent(what)


def check_attributes(trial, data, fitted):
    """Shapes, ranges, trust, and that nothing stays unsaid."""
    owner, n = fitted.owner, data.n
    finder = finder_of(owner)
    score, proba, mask = score_of(owner), owner.noise_proba_, owner.noise_mask_
    for name, value in (("score", score), ("proba", proba), ("mask", mask)):
        _demand(np.shape(value) == (n,), f"noise_{name}_ has another shape")
    _demand(np.asarray(mask).dtype == bool, "noise_mask_ is not boolean")
    _demand((proba >= 0) & (proba <= 1), "noise_proba_ outside [0, 1]")
    _demand(~finder.noise_mask_[np.isnan(score)], "a row that was not judged is flagged")
    _demand(
        finder.noise_proba_[np.isnan(score)] == 0, "a row that was not judged has a probability"
    )
    trusted = data.fit_params.get("trusted")
    if trusted is not None:
        trusted = np.asarray(trusted).astype(bool)
        _demand(~np.asarray(mask)[trusted], "a trusted row is flagged")
        _demand(np.asarray(proba)[trusted] == 0, "a trusted row has a probability")
    if trial["threshold"] == "0" and trial["who"] != "robust":
        _demand(~np.asarray(mask), "contamination=0 flags rows")
    suggested = np.asarray(finder.y_suggested_)
    _demand(suggested.shape == (n,), "y_suggested_ has another shape")
    if hasattr(finder, "classes_"):  # a detector for both reads labels as its model does
        check_label_attributes(data, finder, owner, suggested)
    else:
        _demand(np.isfinite(suggested), "y_suggested_ is not finite")
    if np.isnan(score).all() and not fitted.said:
        raise Silent("no row could be judged, and nothing says so")
    if np.isinf(score).all():
        raise Silent("all scores are infinite")


def check_label_attributes(data, finder, owner, suggested):
    n_classes = len(np.unique(data.codes))
    _demand(len(owner.classes_) == n_classes, "classes_ are not those of y")
    _demand(owner.classes_[:-1] < owner.classes_[1:], "classes_ are not sorted")
    _demand(np.isin(suggested, owner.classes_), "y_suggested_ is no class of y")
    _demand(suggested.dtype.kind == owner.classes_.dtype.kind, "y_suggested_ has another dtype")
    posterior = finder.label_proba_
    _demand(np.shape(posterior) == (data.n, n_classes), "label_proba_ has another shape")
    _demand((posterior > -1e-9) & (posterior < 1 + 1e-9), "label_proba_ outside [0, 1]")
    _demand(np.abs(np.sum(posterior, axis=1) - 1) < 1e-6, "label_proba_ does not add up to 1")


def told(owner, data, rows=None):
    """All that a fit says, with labels as codes."""
    finder = finder_of(owner)
    facts = {
        "noise_score_": score_of(owner),
        "noise_proba_": np.asarray(owner.noise_proba_, dtype=float),
        "noise_mask_": np.asarray(owner.noise_mask_),
        "y_suggested_": _as_codes(finder, finder.y_suggested_),
    }
    if hasattr(finder, "label_proba_"):
        facts["label_proba_"] = finder.label_proba_
    if hasattr(owner, "predict"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = np.asarray(owner.predict(data.X))
        if answer.shape != (data.n,):
            raise Silent(f"predict gives shape {answer.shape} for {data.n} rows")
        facts["predict"] = _as_codes(finder, answer)
    return facts


def _as_codes(finder, labels):
    labels = np.asarray(labels)
    if not hasattr(finder, "classes_"):
        return labels.astype(float)
    at = np.minimum(np.searchsorted(finder.classes_, labels), len(finder.classes_) - 1)
    return np.where(finder.classes_[at] == labels, at, -1)


def difference(one, two, tolerance=1e-6):
    """Name of the first fact in which two fits differ; scores and probabilities first."""
    for name, value in one.items():
        other = two.get(name)
        if other is None or np.shape(value) != np.shape(other):
            return f"{name} (shape)"
        if value.dtype.kind == "f":
            scale = np.nanmax(np.abs(value[np.isfinite(value)]), initial=0)
            close = np.isclose(value, other, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
            if not close.all():
                return name
        elif (value != other).any():
            return name
    return ""


def _told_of(trial, **changes):
    data = make_data(trial)
    return told(fit(make_owner(trial, data), data).owner, data)


# --------------------------------------------------------------------------- in other forms


def plain_trial(trial):
    """The trial that says the same in the plainest form."""
    plain = dict(trial)
    for name, same in inputs.PLAIN.items():
        if name in plain:
            plain[name] = same.get(plain[name], plain[name])
    plain["model"] = plain_form(plain["model"])
    return plain


# Neighbours, and linear models with a penalty, are in units that depend on whether a column may be
# centred, which sparse ones are not: so it is documented.
SEES_FEATURES = {
    *("ClassMahalanobis", "CombinedDetector", "CookDistance", "ExcessLoss", "GraNd", "INFFC"),
    *("GradientAgreement", "GradientSubspace", "KNNShapley", "LabelCommittee", "NumberCommittee"),
    *("LabelSignedKernel", "LeaveOneOutInfluence", "LeaveOneOut", "NeighborDisagreement"),
    *("NonIIDOrder", "Outlier", "RelevanceWeights", "RepresenterPoints", "SelfInfluence"),
    *("SimilarityEnsemble", "Tabasco", "TracIn", "WellRepresentedness", "AuxiliaryQuality", ""),
}
SPARSE = ("csr", "csc", "coo", "csr array")


def check_forms(trial, data, fitted):
    plain = plain_trial(trial)
    if plain == trial or trial["container"] in SPARSE and trial["detector"] in SEES_FEATURES:
        return
    changed = [name for name in plain if plain[name] != trial[name]]
    try:
        expected = _told_of(plain)
    except Exception:  # plainly put it is refused: not for this check
        return
    got = told(fitted.owner, data)
    loose = 1e-3 if plain["container"] != trial["container"] else 1e-6
    if trial["who"] == "robust" or "Committee" in trial["detector"]:
        # trees in it may split elsewhere when a number differs in its last bit
        expected, loose = {"noise_proba_": expected["noise_proba_"]}, 0.1
    name = difference(expected, got, loose)
    if name:
        how = ", ".join(f"{c} {trial[c]!r} and {plain[c]!r}" for c in changed)
        raise Silent(f"another {name} with {how}")


# --------------------------------------------------------------------------- relations

# Draws go by the place of a row, so another order means other bags, probes or subsets.
DRAWS_ROWS = {
    *("AuxiliaryQuality", "DataOOB", "ExcessLoss", "GradientAgreement", "Memorization"),
    *("MetadataArchaeology", "NonIIDOrder", "NumberCommittee", "LabelCommittee", "ReCoV"),
    *("SelectiveEnsemble", "Veracity", "WellRepresentedness"),
}
# A linear model with a penalty, or a step of gradient, does not weigh 2 and 1 as 1 and 0.5.
WEIGHT_HAS_A_UNIT = {
    *("CookDistance", "ExcessLoss", "KNNShapley", "LabelCommittee", "LeaveOneOutInfluence"),
    *("LeaveOneOut", "NumberCommittee", "SelfInfluence"),
}
ORDER_FREE_MODELS = ("bayes", "ridge")  # those that rounding and ties do not part
NAME_FREE_MODELS = ("bayes", "logistic")
SCALE_FREE_MODELS = ("bayes", "tree")


def check_relation(trial, data, fitted):
    if not (trial["model"] in HONEST or trial["relation"] in ("twice", "refit", "pickled")):
        return
    check = CHECKS.get(trial["relation"])
    if check is not None:
        check(trial, data, fitted)


def _same(expected, got, what, tolerance=1e-6):
    name = difference(expected, got, tolerance)
    if name:
        raise Silent(f"another {name} {what}")


def check_twice(trial, data, fitted):
    if trial["cv"] == "generator":
        return
    again = fit(clone(fitted.owner), make_data(trial)).owner
    _same(told(fitted.owner, data), told(again, data), "in a second fit", 0)


def check_pickled(trial, data, fitted):
    if trial["cv"] == "generator":
        return
    twin = pickle.loads(pickle.dumps(fitted.owner))
    _same(told(fitted.owner, data), told(twin, data), "in a copy", 0)


def check_zero(trial, data, fitted):
    if trial["who"] in ("detector", "robust"):
        return
    treated = fit(make_owner(trial, make_data(trial), contamination=0), data).owner
    weight = {k: v for k, v in data.fit_params.items() if k == "sample_weight"}
    if np.ndim(weight.get("sample_weight", [0])) == 0:
        return
    plain = make_model(trial)
    if "random_state" in plain.get_params() and plain.random_state is None:
        return
    if trial["model"] == "pipeline":
        weight = {f"{plain.steps[-1][0]}__{k}": v for k, v in weight.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain.fit(data.X, np.asarray(finder_of(treated)._target.y), **weight)
        same = np.array_equal(treated.predict(data.X), plain.predict(data.X))
        if same and hasattr(plain, "predict_proba"):
            same = np.array_equal(treated.predict_proba(data.X), plain.predict_proba(data.X))
    _demand(same, "contamination=0 is not the plain model")


class Recorder(BaseEstimator):
    """Keeps what its last fit has seen."""

    seen = None

    def __init__(self, inner):
        self.inner = inner

    def fit(self, X, y, sample_weight=None):
        Recorder.seen = (X, y, sample_weight)
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.inner_ = clone(self.inner).fit(X, y, **weight)
        return self

    def predict(self, X):
        return self.inner_.predict(X)


class LabelRecorder(ClassifierMixin, Recorder):
    @property
    def classes_(self):
        return self.inner_.classes_

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)


class NumberRecorder(RegressorMixin, Recorder):
    pass


def check_recording(trial, data, fitted):
    if trial["who"] != "filter" or trial["container"] not in ("array", "fortran", "frame"):
        return
    labels = trial["task"] == "labels"
    model = LabelRecorder(GaussianNB()) if labels else NumberRecorder(Ridge())
    treated = fit(make_owner(trial, make_data(trial), model=model, contamination=0.2), data).owner
    X, y, weight = Recorder.seen
    kept = treated.sample_indices_
    _demand(np.array_equal(kept, np.flatnonzero(~treated.noise_mask_)), "sample_indices_ and mask")
    whole = np.asarray(data.X)
    _demand(np.array_equal(np.asarray(X), whole[kept], equal_nan=True), "the last fit saw other X")
    _demand(np.array_equal(y, finder_of(treated)._target.y[kept]), "the last fit saw other y")
    given = data.fit_params.get("sample_weight")
    if given is None:
        _demand(weight is None, "the last fit saw weights that nobody gave")
    elif np.ndim(given):
        _demand(np.allclose(weight, np.asarray(given, dtype=float)[kept]), "other weights")


def ordinary(trial, *names):
    """Whether what is named is at its ordinary choice."""
    chosen = tables(trial["task"])
    return all(trial[name] == next(iter(chosen[name])) for name in names if name in chosen)


def _exact(trial):
    """Whether rounding alone may part two fits that ought to be the same."""
    return trial["rows"] in inputs.MANY_ROWS and ordinary(trial, "container", "threshold")


def check_permuted(trial, data, fitted):
    """Other order of the rows, same folds."""
    if trial["who"] == "robust" or not _exact(trial) or not ordinary(trial, "groups"):
        return
    if trial["detector"] in DRAWS_ROWS or trial["model"] not in ORDER_FREE_MODELS:
        return
    trial = {**trial, "cv": "folds"}
    data = make_data(trial)
    one = told(fit(make_owner(trial, data), data).owner, data)
    order = np.random.default_rng(1).permutation(data.n)
    place = np.argsort(order)
    other = make_owner(trial, data)
    finder = _detector(other)
    if "cv" in finder.get_params(deep=False):
        finder.set_params(cv=[(place[a], place[b]) for a, b in inputs._folds(data.n)])
    moved = Data(
        data.n,
        data.X[order],
        _take(data.y, order),
        data.codes[order],
        {k: _take(v, order) for k, v in data.fit_params.items()},
    )
    two = told(fit(other, moved).owner, moved)
    one = {name: value[order] for name, value in one.items()}
    _same(_same_folds(one, finder), two, "when rows come in another order", 1e-4)


def _same_folds(facts, finder):
    """What does not hang on folds that could not be given."""
    has_cv = "cv" in finder.get_params(deep=False)
    return facts if has_cv else {"noise_score_": facts["noise_score_"]}


def _take(values, rows):
    return values if np.ndim(values) == 0 else np.asarray(values)[rows]


def check_backwards(trial, data, fitted):
    """Classes named the other way round."""
    if trial["task"] != "labels" or trial["labels"] != "codes" or not _exact(trial):
        return
    if trial["who"] == "robust" or trial["model"] not in NAME_FREE_MODELS:
        return
    if trial["detector"] in DRAWS_ROWS:
        return
    trial = {**trial, "cv": "folds"}
    one, last = _told_of(trial), data.codes.max()
    turned = make_data(trial)
    turned.y = last - turned.codes
    other = fit(make_owner(trial, turned), turned).owner
    two = told(other, turned)
    two["label_proba_"] = two["label_proba_"][:, ::-1]
    two.pop("y_suggested_")  # of labels that are equally likely, the first by name
    del one["y_suggested_"]
    if "predict" in two:
        two["predict"] = last - two["predict"]
    one = _same_folds(one, _detector(other))
    _same(one, two, "when classes are named the other way round", 1e-4)


def check_ones(trial, data, fitted):
    if not ordinary(trial, "weight") or not _exact(trial) or trial["who"] == "robust":
        return
    if trial["model"] not in SCALE_FREE_MODELS or "Committee" in trial["detector"]:
        return  # a forest draws other bags where it is given weights, of one or not
    weighted = make_data(trial)
    weighted.fit_params["sample_weight"] = np.ones(data.n)
    two = told(fit(make_owner(trial, weighted), weighted).owner, weighted)
    _same(told(fitted.owner, data), two, "with weights of one")


def check_scaled_weights(trial, data, fitted):
    power = {"doubled": 1, "2**300": 300, "2**900": 900, "2**-900": -900}[
        trial["relation"].split()[-1]
    ]
    if not _exact(trial) or trial["model"] not in SCALE_FREE_MODELS or trial["who"] == "robust":
        return
    if trial["weight"] not in ("none", "plain") or trial["detector"] in WEIGHT_HAS_A_UNIT:
        return
    data = make_data({**trial, "weight": "plain"})
    heavy = make_data({**trial, "weight": "plain"})
    heavy.fit_params["sample_weight"] = data.fit_params["sample_weight"] * 2.0**power
    if not np.array_equal(_plain_answer(trial, data), _plain_answer(trial, heavy)):
        return  # the model itself loses count
    again = fit(make_owner(trial, heavy), heavy)
    if power == 1 or not again.said:
        one = told(fit(make_owner(trial, data), data).owner, data)
        _same(one, told(again.owner, heavy), f"with weights times 2**{power}")


def _plain_answer(trial, data):
    """What the model says when fitted by itself."""
    weight = {k: v for k, v in data.fit_params.items() if k == "sample_weight"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_model(trial).fit(data.X, data.y, **weight)
        return getattr(model, "predict_proba", model.predict)(data.X)


def check_scaled_numbers(trial, data, fitted):
    """Scores and probabilities do not depend on the unit of y."""
    if trial["task"] != "numbers" or trial["numbers"] != "plain" or not _exact(trial):
        return
    if trial["who"] == "robust" or trial["model"] not in ("ridge", "tree", "nearest"):
        return
    if trial["detector"] == "ExcessLoss":  # a penalty in its model of errors has the unit of y
        return
    power = {"doubled": 1, "2**20": 20, "2**-20": -20, "2**400": 400, "2**-400": -400}[
        trial["relation"].split()[-1]
    ]
    scaled = make_data(trial)
    scaled.y = scaled.y * 2.0**power
    if power != 1:
        expected = _plain_answer(trial, data) * 2.0**power
        if not np.allclose(expected, _plain_answer(trial, scaled), rtol=1e-9, atol=0):
            return  # the model itself cannot
    again = fit(make_owner(trial, scaled), scaled)
    if again.said and power != 1:
        return
    one, two = told(fitted.owner, make_data(trial)), told(again.owner, scaled)
    for name in ("noise_score_", "y_suggested_", "predict"):
        one.pop(name, None)
    _same(one, two, f"with y times 2**{power}", 1e-5)


def check_refit(trial, data, fitted):
    """A fit that fails leaves what an earlier one has set."""
    owner = fitted.owner
    before = _bytes(_state(owner))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            owner.fit(data.plain_X[:5], np.array([np.nan] * 5))
    except Exception:
        if before is not None and _bytes(_state(owner)) != before:
            raise Silent("a failed fit changes what an earlier one has set") from None
        return
    raise Silent("accepts y of nothing but NaN")


def _state(owner):
    return {k: v for k, v in vars(owner).items() if k.endswith("_") or k.startswith("_")}


def check_resample(trial, data, fitted):
    if trial["who"] != "detector" or trial["container"] not in ("array", "frame"):
        return
    if trial["cv"] == "generator":
        return
    owner = clone(fitted.owner)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X, y = owner.fit_resample(data.X, data.y, **data.fit_params)
    kept = owner.sample_indices_
    _demand(np.array_equal(np.asarray(X), np.asarray(data.X)[kept], equal_nan=True), "other X kept")
    whole = finder_of(owner)._target.y
    _demand(np.asarray(y).ravel().tolist() == whole[kept].tolist(), "other y kept")
    if trial["task"] == "labels":
        _demand(len(np.unique(whole[kept])) == len(owner.classes_), "a class is gone")


def check_frozen(trial, data, fitted):
    if trial["who"] not in ("filter", "relabel", "reweight"):
        return
    outer = clone(fitted.owner)
    outer.set_params(detector=FrozenEstimator(fitted.owner.detector_), contamination=None)
    again = fit(outer, data).owner
    _same(told(fitted.owner, data), told(again, data), "with its detector frozen", 0)


def check_report(trial, data, fitted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = fitted.owner.noise_report(data.X, data.y)
    _demand(sorted(report["row"]) == list(range(data.n)), "the report's rows")
    given = finder_of(fitted.owner)._target.y[report["row"].to_numpy()]
    if given.dtype.kind not in "mM":  # pandas writes times otherwise
        _demand([str(v) for v in report["given"]] == [str(v) for v in given], "the report's y")
    proba = report["probability"].to_numpy(dtype=float)
    _demand(np.array_equal(proba, fitted.owner.noise_proba_[report["row"]]), "probabilities there")
    _demand(not pd.isna(report["reason"]).any(), "a reason is missing")


CHECKS = {
    "twice": check_twice,
    "pickled": check_pickled,
    "zero contamination": check_zero,
    "recording": check_recording,
    "rows permuted": check_permuted,
    "classes backwards": check_backwards,
    "weights of one": check_ones,
    "weights doubled": check_scaled_weights,
    "weights times 2**300": check_scaled_weights,
    "weights times 2**900": check_scaled_weights,
    "weights times 2**-900": check_scaled_weights,
    "numbers doubled": check_scaled_numbers,
    "numbers times 2**20": check_scaled_numbers,
    "numbers times 2**-20": check_scaled_numbers,
    "numbers times 2**400": check_scaled_numbers,
    "numbers times 2**-400": check_scaled_numbers,
    "refit": check_refit,
    "resample": check_resample,
    "frozen": check_frozen,
    "report": check_report,
}
