"""Trials of what works without a model: thresholds, noise with known truth, metrics."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from sknoisy import datasets, metrics, threshold

from . import inputs
from .trials import Outcome, Silent, _content, _demand, _explain

# --------------------------------------------------------------------------- thresholds


def _floats(values):
    """A flat array; missing values of any sort are NaN, also with old releases of pandas."""
    column = pd.Series(np.ravel(values)).astype("Float64")
    return column.to_numpy(dtype=float, na_value=np.nan)


def _scores(rng, n):
    return np.round(rng.beta(2, 6, n) * 256) / 256


SCORES = {
    "shares": _scores,
    "normal": lambda rng, n: np.round(rng.normal(size=n) * 256) / 256,
    "two heaps": lambda rng, n: np.where(np.arange(n) % 7 == 0, 0.9, 0.1) + _scores(rng, n) / 16,
    "counts": lambda rng, n: rng.integers(0, 9, n),
    "yes and no": lambda rng, n: rng.integers(0, 2, n).astype(bool),
    "constant": lambda rng, n: np.ones(n),
    "zero": lambda rng, n: np.zeros(n),
    "some nan": lambda rng, n: np.where(np.arange(n) % 4 == 1, np.nan, _scores(rng, n)),
    "nan": lambda rng, n: np.full(n, np.nan),
    "some inf": lambda rng, n: np.where(np.arange(n) % 9 == 1, np.inf, _scores(rng, n)),
    "inf": lambda rng, n: np.full(n, np.inf),
    "both inf": lambda rng, n: np.where(np.arange(n) % 2 == 1, np.inf, -np.inf),
    "huge": lambda rng, n: rng.normal(size=n) * 1e300,
    "largest": lambda rng, n: np.where(np.arange(n) % 2 == 1, 1.7e308, -1.7e308),
    "tiny": lambda rng, n: _scores(rng, n) * 1e-300,
    "far off": lambda rng, n: _scores(rng, n) + 2.0**40,
    "one apart": lambda rng, n: np.where(np.arange(n) == 1, 1e12, _scores(rng, n)),
    "float32": lambda rng, n: _scores(rng, n).astype(np.float32),
    "float16": lambda rng, n: _scores(rng, n).astype(np.float16),
    "list": lambda rng, n: _scores(rng, n).tolist(),
    "series, index backwards": lambda rng, n: pd.Series(_scores(rng, n), np.arange(n)[::-1]),
    "column": lambda rng, n: _scores(rng, n)[:, None],
    "nullable": lambda rng, n: pd.array(_scores(rng, n), dtype="Float64"),
    "read-only": lambda rng, n: inputs._read_only(_scores(rng, n)),
    "two columns": lambda rng, n: np.ones((n, 2)),
    "texts": lambda rng, n: np.array(["high"] * n),
    "a number": lambda rng, n: 0.5,
    "nothing": lambda rng, n: None,
    "complex": lambda rng, n: _scores(rng, n) + 1j,
    "with NA": lambda rng, n: pd.array([pd.NA, *_scores(rng, n)[1:]], dtype="Float64"),
}
SCORES_REFUSED = ("two columns", "texts", "a number", "nothing", "complex")
SAME_SCORES = (
    *("list", "series, index backwards", "column", "nullable", "read-only", "float32", "float16"),
)
SIZES = {"40": 40, "13": 13, "5": 5, "3": 3, "2": 2, "1": 1, "0": 0}

JUDGES = {
    "FixedRate": lambda: threshold.FixedRate(0.2),
    "FixedRate, 0": lambda: threshold.FixedRate(0),
    "FixedRate, per class": lambda: threshold.FixedRate(0.2, per_class=True),
    "FixedRate, per group": lambda: threshold.FixedRate(0.2, per_group=True),
    "MixturePosterior": threshold.MixturePosterior,
    "MixturePosterior, per class": lambda: threshold.MixturePosterior(per_class=True),
    "ConfidentJointCount": threshold.ConfidentJointCount,
    "BenjaminiHochberg, z": lambda: threshold.BenjaminiHochberg(scale="z"),
    "BenjaminiHochberg, count": lambda: threshold.BenjaminiHochberg(n_trials=20),
    "BenjaminiHochberg, 1-p": lambda: threshold.BenjaminiHochberg(scale="1-p"),
    "ConformalFDR": lambda: threshold.ConformalFDR(alpha=0.4),
    "ContaminationPosterior": lambda: threshold.ContaminationPosterior(
        n_components=4, n_samples=100, random_state=0
    ),
    "Elbow": threshold.Elbow,
    "OneStandardError": lambda: threshold.OneStandardError(
        LogisticRegression(), rates=[0, 0.2], cv=2, random_state=0
    ),
}
if hasattr(threshold, "NoiseCount"):
    JUDGES["NoiseCount"] = threshold.NoiseCount
PROBA = {
    "plain": lambda p: p,
    "none": lambda p: None,
    "some nan": lambda p: np.where(np.arange(len(p))[:, None] % 5 == 1, np.nan, p),
    "nan": lambda p: p * np.nan,
    "three columns": lambda p: np.column_stack([p, p[:, 0]]),
    "negative": lambda p: p - 0.7,
    "texts": lambda p: p.astype(str),
    "one too few": lambda p: p[:-1],
}


def _judge_data(trial):
    rng, n = np.random.default_rng(trial["seed"]), SIZES[trial["size"]]
    codes = np.arange(n) * 3 % 5 % 2
    plain = _scores(rng, n)
    score = SCORES[trial["score"]](np.random.default_rng(trial["seed"]), n)
    known = {"y": inputs.LABELS[trial["labels"]](codes)}
    given = {
        "groups": inputs.GROUPS[trial["groups"]](codes),
        "trusted": inputs.TRUSTED[trial["trusted"]](codes),
    }
    proba = np.column_stack([1 - plain, plain])
    proba[codes == 1] = proba[codes == 1][:, ::-1]
    proba = PROBA[trial["proba"]](proba)
    made = JUDGES[trial["judge"]]()
    if trial["judge"] == "NoiseCount":
        given["predicted"] = proba
    elif trial["judge"] == "OneStandardError":
        known["X"] = np.linspace(-1, 1, n)[:, None]
    else:
        given["label_proba"] = proba
    known |= {name: value for name, value in given.items() if value is not None}
    return made, SimpleNamespace(n=n, X=score, y=known, fit_params={}, plain_X=plain)


def run_judge(trial):
    """A threshold alone: ranges, order, and that neither rows nor forms matter."""
    judge, data = _judge_data(trial)
    before = _content(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            judge.fit(data.X, **data.y)
    except Exception as error:
        return _explain(error, trial, data, may_blame_model=False)
    try:
        n = data.n
        several = trial["score"] == "two columns" and trial["judge"] == "ContaminationPosterior"
        if n >= 5 and trial["score"] in SCORES_REFUSED and not several:
            raise Silent(f"accepts score: {trial['score']}")
        for name, refused in (
            ("groups", inputs.GROUPS_REFUSED),
            ("trusted", inputs.TRUSTED_REFUSED),
            ("proba", ("one too few",)),
        ):
            unused = name == "groups" and "group" not in trial["judge"]
            unused |= name == "proba" and trial["judge"] == "OneStandardError"
            # what it takes no notice of it may take for granted, but for the length
            if n >= 5 and trial[name] in refused and not unused and _used(name, trial):
                raise Silent(f"accepts {name}: {trial[name]}")
        _demand(_content(data) == before, "fit changes what it was given")
        if several:
            return Outcome("right")
        proba, mask = np.asarray(judge.noise_proba_), np.asarray(judge.noise_mask_)
        score = _floats(data.X)
        _demand(proba.shape == mask.shape == (n,), "another shape")
        _demand((proba >= 0) & (proba <= 1), "noise_proba_ outside [0, 1]")
        _demand(mask.dtype == bool, "noise_mask_ is not boolean")
        _demand(~mask[np.isnan(score)], "a row that was not judged is flagged")
        trusted = data.y.get("trusted")
        if trusted is not None and np.shape(trusted) == (n,):
            _demand(~mask[np.asarray(trusted, dtype=bool)], "a trusted row is flagged")
        if trial["judge"] == "FixedRate, 0":
            _demand(~mask, "a share of 0 flags rows")
        if not judge.get_params().get("per_class") and not judge.get_params().get("per_group"):
            if trial["judge"] not in ("ConfidentJointCount", "NoiseCount"):  # these go by class
                _rises(score, proba, mask, trusted)
        if trial["score"] in SAME_SCORES:
            plain = {**trial, "score": "shares"}
            twin, other = _judge_data(plain)
            twin.fit(other.X, **other.y)
            _demand(np.allclose(twin.noise_proba_, proba, atol=1e-9), "another form, other proba")
            _demand(np.array_equal(twin.noise_mask_, mask), "another form, other mask")
    except Silent as fault:
        return Outcome("silent", str(fault), trial["judge"])
    return Outcome("right")


def _used(name, trial):
    if name == "proba":
        return trial["judge"] in ("ConfidentJointCount", "NoiseCount")
    return True


def _rises(score, proba, mask, trusted):
    asked = ~np.isnan(score)
    if trusted is not None:
        asked &= ~np.asarray(trusted, dtype=bool)
    order = np.flatnonzero(asked)[np.argsort(score[asked], kind="stable")]
    _demand(np.diff(proba[order]) >= -1e-9, "noise_proba_ falls where the score rises")
    flagged = np.diff(mask[order].astype(int))
    _demand(flagged >= 0, "a row is flagged, and one with a higher score is not")
    with np.errstate(invalid="ignore"):
        equal = np.diff(score[order]) == 0
    _demand(flagged[equal] == 0, "of rows with one score some are flagged")


# --------------------------------------------------------------------------- noise with known truth

NOISES = {
    "labels": {
        "symmetric_noise": lambda X, y, rate: datasets.symmetric_noise(y, rate, random_state=0),
        "pair_noise": lambda X, y, rate: datasets.pair_noise(y, rate, random_state=0),
        "one_way_noise": lambda X, y, rate: datasets.one_way_noise(y, rate, random_state=0),
        "region_noise": lambda X, y, rate: datasets.region_noise(X, y, rate, random_state=0),
        "boundary_noise": lambda X, y, rate: datasets.boundary_noise(
            X, y, rate, estimator=LogisticRegression(), random_state=0
        ),
    },
    "numbers": {
        name: lambda X, y, rate, name=name: getattr(datasets, name)(y, rate, random_state=0)
        for name in (
            *("outlier_noise", "heavy_tail_noise", "one_sided_noise", "decimal_noise"),
            "shuffle_noise",
        )
    }
    | {"spread_noise": lambda X, y, rate: datasets.spread_noise(X, y, rate, random_state=0)},
    "features": {
        name: lambda X, y, rate, name=name: getattr(datasets, name)(X, rate, random_state=0)
        for name in ("feature_noise", "gross_noise", "swap_noise", "open_set_noise")
    },
}
RATES = {
    **{"0.2": 0.2, "0": 0, "0.0": 0.0, "0.5": 0.5, "1": 1, "numpy": np.float32(0.25)},
    **{"-0.1": -0.1, "1.5": 1.5, "nan": float("nan"), "a text": "some", "none": None},
}
RATES_REFUSED = ("-0.1", "1.5", "nan", "a text", "none")


def run_noise(trial):
    """What comes back differs from what was given exactly where the mask says so."""
    make = NOISES[trial["kind"]][trial["noise"]]
    try:
        data = _noise_data(trial)
    except Exception:  # these rows have no such container
        return Outcome("skipped")
    before = _content(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            changed, mask = make(data.X, data.y, RATES[trial["rate"]])
    except Exception as error:
        if trial["noise"] == "boundary_noise" and trial["container"] != "array":
            return Outcome("refused", str(error)[:150])  # by its model, which gets X as it is
        return _explain(error, trial, data, may_blame_model=False)
    try:
        given = data.X if trial["kind"] == "features" else data.y
        enough = data.n >= 6 and trial["classes"] not in ("one class", "each its own")
        if enough and trial["rate"] in RATES_REFUSED:
            raise Silent(f"accepts rate: {trial['rate']}")
        refused = {"labels": inputs.LABELS_REFUSED, "numbers": inputs.NUMBERS_REFUSED}
        target = trial["labels"] if trial["kind"] == "labels" else trial["numbers"]
        # which labels can be told apart is all that matters to noise in labels
        fine = ("mixed", "with inf", "complex", "tuples")
        if trial["noise"] not in ("region_noise", "boundary_noise", "spread_noise"):
            fine += ("one too few",)  # than the rows of X, which these do not get
        kind = trial["kind"]
        if kind != "features" and enough and target in refused[kind] and target not in fine:
            raise Silent(f"accepts y: {target}")
        _demand(_content(data) == before, "changes what it was given")
        table_of_lists = kind == "features" and isinstance(given, list)  # comes back as an array
        if not isinstance(given, (np.matrix, inputs.ArrayLike)) and not table_of_lists:
            _demand(type(changed) is type(given), "another container")
        one, two = (np.asarray(_dense(v), dtype=object) for v in (given, changed))
        _demand(one.shape == two.shape, "another shape")
        differs = np.array(
            [a != b and not (a != a and b != b) for a, b in zip(one.flat, two.flat, strict=True)],
            dtype=bool,
        ).reshape(one.shape)
        mask = np.asarray(_dense(mask))
        _demand(mask.dtype == bool, "the mask is not boolean")
        if differs.ndim == 2 and mask.ndim == 1:
            differs = differs.any(axis=1)
        _demand(np.array_equal(differs, mask), "the mask is not where values differ")
        if trial["rate"] in ("0", "0.0"):
            _demand(~mask, "a rate of 0 changes something")
        if trial["kind"] == "labels":
            _demand(set(two.flat) <= set(one.flat), "a label that was not there")
    except Silent as fault:
        return Outcome("silent", str(fault), trial["noise"])
    except Exception as error:
        return _explain(error, trial, data, may_blame_model=False)
    return Outcome("right")


def _dense(values):
    return values.toarray() if hasattr(values, "toarray") else values


def _noise_data(trial):
    rng = np.random.default_rng(trial["seed"])
    n, make = inputs.ROWS[trial["rows"]]
    with np.errstate(all="ignore"):
        rows = make(rng, n)
        codes = inputs.CLASSES[trial["classes"]](rng, rows)
        y = (
            inputs.NUMBERS[trial["numbers"]](inputs._numbers(rng, rows))
            if trial["kind"] == "numbers"
            else inputs.LABELS[trial["labels"]](codes)
        )
        X = inputs.CONTAINERS[trial["container"]](rows)
    return SimpleNamespace(n=n, X=X, y=y, fit_params={}, plain_X=rows)


# --------------------------------------------------------------------------- metrics

METRICS = ("average_precision", "auroc", "precision_at_k", "calibration_error", "detection_report")
TRUTHS = {
    "plain": lambda m: m,
    "list": lambda m: m.tolist(),
    "ones and zeros": lambda m: m.astype(int),
    "floats": lambda m: m.astype(float),
    "series, index backwards": lambda m: pd.Series(m, np.arange(len(m))[::-1]),
    "nullable": lambda m: pd.array(m, dtype="boolean"),
    "all": lambda m: np.ones(len(m), dtype=bool),
    "nobody": lambda m: np.zeros(len(m), dtype=bool),
    "halves": lambda m: m * 0.5,
    "texts": lambda m: np.where(m, "yes", "no"),
    "row numbers": lambda m: np.flatnonzero(m),
    "with NA": lambda m: pd.array([pd.NA, *m[1:]], dtype="boolean"),
    "two columns": lambda m: np.column_stack([m, m]),
    "nothing": lambda m: None,
}
TRUTHS_REFUSED = ("halves", "texts", "row numbers", "with NA", "two columns", "nothing")


def run_metric(trial):
    """A number that neither the form nor the order of the rows changes, or an error."""
    rng, n = np.random.default_rng(trial["seed"]), SIZES[trial["size"]]
    mask = np.arange(n) % 4 == 1
    truth = TRUTHS[trial["truth"]](mask)
    score = SCORES[trial["score"]](rng, n)
    measure = getattr(metrics, trial["metric"])
    data = SimpleNamespace(n=n, X=score, y=truth, fit_params={}, plain_X=mask)
    before = _content(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = measure(truth, score)
    except Exception as error:
        return _explain(error, trial, data, may_blame_model=False)
    try:
        if n >= 5 and trial["truth"] in TRUTHS_REFUSED:
            raise Silent(f"accepts mask_true: {trial['truth']}")
        if n >= 5 and trial["score"] in SCORES_REFUSED:
            raise Silent(f"accepts noise_score: {trial['score']}")
        _demand(_content(data) == before, "changes what it was given")
        if trial["metric"] != "detection_report":
            _demand(np.isnan(value) or -1e-12 <= value <= 1 + 1e-12, "outside [0, 1]")
            order = np.random.default_rng(1).permutation(n)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                flat = _floats(score)
                again = measure(np.asarray(truth, dtype=bool)[order], flat[order])
            _demand(np.isclose(value, again, equal_nan=True), "another order, another value")
    except Silent as fault:
        return Outcome("silent", str(fault), trial["metric"])
    return Outcome("right")


# --------------------------------------------------------------------------- all of them

RUNS = {"judge": run_judge, "noise": run_noise, "metric": run_metric}


def draw_part(choose):
    """A trial of one part; `choose(options)` picks one of a list."""
    part = choose(list(RUNS))
    trial = {"part": part, "seed": choose([0, 1, 2])}
    chosen = {"score": SCORES, "size": SIZES}
    if part == "judge":
        trial["judge"] = choose(list(JUDGES))
        chosen |= {"labels": inputs.LABELS, "groups": inputs.GROUPS, "trusted": inputs.TRUSTED}
        chosen["proba"] = PROBA
    elif part == "metric":
        trial["metric"] = choose(list(METRICS))
        chosen["truth"] = TRUTHS
    else:
        trial["kind"] = choose(list(NOISES))
        trial["noise"] = choose(list(NOISES[trial["kind"]]))
        chosen = {"rate": RATES, "rows": inputs.ROWS, "container": inputs.CONTAINERS}
        chosen |= {"classes": inputs.CLASSES, "labels": inputs.LABELS, "numbers": inputs.NUMBERS}
    trial |= {name: next(iter(table)) for name, table in chosen.items()}
    for _ in range(choose([0, 1, 1, 2])):
        name = choose(list(chosen))
        trial[name] = choose(list(chosen[name]))
    return trial


def run_part(trial):
    """`Outcome` of a trial."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RUNS[trial["part"]](trial)
