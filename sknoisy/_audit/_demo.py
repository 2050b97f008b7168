"""Without a file: real data with wrong targets on purpose, so that findings can be checked."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from sknoisy import FilterClassifier, FilterRegressor
from sknoisy._audit._progress import Progress
from sknoisy._audit._run import audit_table
from sknoisy._evidence._fitting import seeded_clone
from sknoisy.datasets import outlier_noise, symmetric_noise
from sknoisy.metrics import average_precision, recovered_share

RATE = {"classification": 0.2, "regression": 0.1}
N_DRAWS = 5
LEAST_LOSS = 0.005


def audit_bundled(options):
    """Audit a noisy training part of bundled data; (result, lines on how well that went)."""
    task = options.task or "classification"
    data, name = _load(task)
    train, noisy, wrong, _ = _draw(data, task, options.seed)
    options.target = "target"
    result = audit_table(
        train.assign(target=noisy),
        options,
        source=f"{name} of scikit-learn, {wrong.sum()} of {len(wrong)} targets made wrong",
    )
    report = result.report.sort_values("row")
    found, score = report["flagged"].to_numpy(), report["score"].to_numpy()
    with Progress("measuring what is won back"):
        scores = [_scores(result, data, task, options.seed + i) for i in range(N_DRAWS)]
    lines = _describe_found(found, wrong, score)
    return result, lines + _describe_won(*np.mean(scores, axis=0), task)


def _load(task):
    if task == "regression":
        return load_diabetes(as_frame=True, scaled=False).frame, "diabetes progression"
    data = load_breast_cancer(as_frame=True)
    return data.frame.assign(target=data.target_names[data.target]), "breast cancer"


def _draw(data, task, seed):
    """Training rows, their noisy targets, which of them are wrong, and test rows."""
    labels = data["target"] if task == "classification" else None
    train, test = train_test_split(data, test_size=0.4, random_state=seed, stratify=labels)
    train = train.reset_index(drop=True)
    make_noise = symmetric_noise if task == "classification" else outlier_noise
    noisy, wrong = make_noise(train["target"], RATE[task], random_state=seed)
    return train, np.asarray(noisy), wrong, test


def _scores(result, data, task, seed):
    """Score on clean test rows after three ways to train: as it is, filtered, on clean rows."""
    train, noisy, _, test = _draw(data, task, seed)
    names = list(result.features.kinds)
    detector, model = clone(result.detector), clone(result.model).set_params(fitlog__path=None)
    if "estimator" in detector.get_params(deep=False):
        detector.set_params(estimator=model)
    kind = FilterClassifier if task == "classification" else FilterRegressor
    ways = [
        (model, noisy),
        (kind(model, detector, random_state=seed), noisy),
        (model, train["target"].to_numpy()),
    ]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the audit has told them
        return [
            seeded_clone(way, seed).fit(train[names], y).score(test[names], test["target"])
            for way, y in ways
        ]


def _describe_found(found, wrong, score):
    hits = int((found & wrong).sum())
    return [
        "",
        "How well that went, since here it is known which targets are wrong",
        f"  precision           {hits / max(found.sum(), 1):.2f}   {hits} of {found.sum()} flagged "
        "rows are wrong",
        f"  recall              {hits / max(wrong.sum(), 1):.2f}   {hits} of {wrong.sum()} wrong "
        "rows are flagged",
        f"  average precision   {average_precision(wrong, score):.2f}   of the order from most to "
        f"least suspect; {wrong.mean():.2f} by chance",
    ]


def _describe_won(plain, treated, clean, task):
    is_labels = task == "classification"
    what = "Accuracy" if is_labels else "R²"
    if clean - plain < LEAST_LOSS:
        share = "the noise cost this model too little to tell"
    else:
        share = f"{recovered_share(clean, plain, treated):.0%} of what the noise cost"
    return [
        "",
        f"{what} on test rows with right targets, mean of {N_DRAWS} draws of rows and noise",
        f"  {plain:6.3f}   trained on the noisy rows as they are",
        f"  {treated:6.3f}   trained by Filter{'Classifier' if is_labels else 'Regressor'}, "
        "without the flagged rows",
        f"  {clean:6.3f}   trained on the right targets",
        f"  won back: {share}",
    ]
