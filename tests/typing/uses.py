"""What a user's type checker sees: right uses pass `mypy --strict`, wrong ones are errors.

Not run, only read: `tests/test_typed_uses.py` gives it to mypy, which also says of an ignore
that no error needs it.
"""

from typing import Any, assert_type

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier, ReweightRegressor, RobustClassifier
from sknoisy.datasets import make_spurious, symmetric_noise
from sknoisy.detection import ConfidentLearning, Consensus, LabelCommittee, training_stages
from sknoisy.inspection import NoiseScoreDisplay
from sknoisy.metrics import average_precision, risk_coverage_curve
from sknoisy.model_selection import TrustedKFold
from sknoisy.multilabel import MultiLabelClassifier
from sknoisy.noise_model import AnchorTransition, check_identifiability
from sknoisy.reject import RejectClassifier
from sknoisy.report import NoiseReport
from sknoisy.threshold import FixedRate, MixturePosterior
from sknoisy.training.losses import (
    NumberLoss,
    RobustLossClassifier,
    RobustLossRegressor,
    TrimmedLoss,
)
from sknoisy.weak_labels.crowds import DawidSkene

X: NDArray[np.float64] = np.random.default_rng(0).normal(size=(100, 4))
y: NDArray[np.int64] = (X[:, 0] > 0).astype(np.int64)
table = pd.DataFrame({"size": [1.0, 2.0], "kind": ["a", "b"]})

# ---------------------------------------------------------------------- noise with known truth

y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=np.random.RandomState(0))
assert_type(y_noisy, NDArray[np.int64])
assert_type(wrong, NDArray[np.bool_])
names, _ = symmetric_noise(["cat", "dog"], rate=0.5)
assert_type(names, list[str])
make_spurious(100, task="regression")
symmetric_noise(y, rate="high")  # type: ignore[arg-type]
symmetric_noise(3)  # type: ignore[type-var]
make_spurious(100, task="clustering")  # type: ignore[arg-type]

# ---------------------------------------------------------------------- treatments

model = FilterClassifier(LogisticRegression(), ConfidentLearning(cv=3), random_state=0)
assert_type(model.fit(X, y), FilterClassifier)
assert_type(model.fit(X, y).predict(X), NDArray[Any])
assert_type(model.predict_proba(X), NDArray[np.floating[Any]])
assert_type(model.noise_mask_, NDArray[np.bool_])
assert_type(model.noise_proba_, NDArray[np.floating[Any]])
share: float = model.noise_mask_.mean() + model.temperature_ + model.detector_.noise_rate_
RobustClassifier().fit(table, ["yes", "no"], trusted=np.array([True, False]))
RobustClassifier(effort="fast").fit(pd.DataFrame(X), pd.Series(y), sample_weight=[1.0] * 100)
ReweightRegressor(LinearRegression(), contamination=0.1).fit(X.tolist(), y.tolist())
FilterClassifier(LogisticRegression(), memory="folder").fit(csr_array(X), pd.Categorical(["a"]))
FilterClassifier("logistic")  # type: ignore[arg-type]
FilterClassifier(LogisticRegression(), max_share="half")  # type: ignore[arg-type]
FilterClassifier(LogisticRegression(), weight_strategy="repeat")  # type: ignore[arg-type]
FilterClassifier(LogisticRegression(), contamination="automatic")  # type: ignore[arg-type]
FilterClassifier(LogisticRegression(), None, 0.1)  # type: ignore[call-arg]
FilterClassifier(LogisticRegression(), rate=0.1)  # type: ignore[call-arg]
model.fit(X)  # type: ignore[call-arg]
model.fit(X, 1)  # type: ignore[arg-type]
model.fit(X, y, trusted=True)  # type: ignore[arg-type]

# ---------------------------------------------------------------------- in scikit-learn's tools

pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
search = GridSearchCV(model, {"contamination": [0, 0.1, MixturePosterior()]}, cv=KFold(3))
search.fit(X, y)
FilterClassifier(pipeline).fit(X, y)
FilterClassifier(FilterClassifier(RandomForestClassifier())).set_params(max_share=0.2)
for train, test in TrustedKFold(wrong, 3).split(X, y):
    model.fit(X[train], y[train]).predict(X[test])

# ---------------------------------------------------------------------- detectors, thresholds

detector = ConfidentLearning(contamination=FixedRate(0.1), cv=KFold(3), n_jobs=2).fit(X, y)
assert_type(detector.sample_indices_, NDArray[np.integer[Any]])
assert_type(FixedRate(0.1, per_class=True).fit(detector.noise_score_, y), FixedRate)
Consensus([("forest", RandomForestClassifier()), ("line", LogisticRegression())], vote="average")
LabelCommittee(members="few").fit(None, y, predicted=detector.label_proba_)
ConfidentLearning(cv=[(np.arange(50), np.arange(50, 100))])
for _step, _share, values in training_stages(LogisticRegression(), X, y, X):
    assert_type(values, NDArray[np.floating[Any]])
ConfidentLearning(cv="five")  # type: ignore[arg-type]
ConfidentLearning(contamination=[0.1])  # type: ignore[arg-type]
ConfidentLearning(n_jobs=0.5)  # type: ignore[arg-type]
Consensus(vote="all")  # type: ignore[arg-type]
FixedRate("0.1")  # type: ignore[arg-type]

# ---------------------------------------------------------------------- the other rooms

assert_type(average_precision(wrong, detector.noise_score_), float)
coverage, risk, cuts = risk_coverage_curve([0, 1, 0], np.array([0.1, 0.9, 0.3]))
assert_type(NoiseReport.from_estimator(detector, X, y).to_html(), str)
assert_type(NoiseScoreDisplay.from_estimator(model), NoiseScoreDisplay)
assert_type(check_identifiability(3, 2), None)
AnchorTransition(model).fit(X, y).transition_.diagonal()
labels = DawidSkene(class_prior="uniform").fit(pd.DataFrame({"ann": [0, 1], "bo": [0, 0]})).labels_
MultiLabelClassifier(model).fit(X, np.column_stack([y, 1 - y]))
RejectClassifier(LogisticRegression(), rejector="forest", cv=5).fit(X, y).predict_or_reject(X)
RobustLossClassifier(LogisticRegression(), loss=TrimmedLoss(0.1)).fit(X, y)
DawidSkene(class_prior=0.5)  # type: ignore[arg-type]
RobustLossClassifier(LogisticRegression(), loss="trimmed")  # type: ignore[arg-type]
average_precision(wrong)  # type: ignore[call-arg]


class Cauchy(NumberLoss):
    """A loss of one's own."""

    def weight(self, residual: NDArray[Any]) -> NDArray[np.floating[Any]]:
        return np.asarray(1 / (1 + residual**2), dtype=np.float64)


RobustLossRegressor(LinearRegression(), loss=Cauchy()).fit(X, X[:, 0])


class OwnThreshold:
    """A threshold of one's own needs no base."""

    def fit(self, score: NDArray[np.float64], y: object = None) -> "OwnThreshold":
        self.noise_mask_ = score > 1
        self.noise_proba_ = self.noise_mask_.astype(np.float64)
        return self


ConfidentLearning(contamination=OwnThreshold()).fit(X, y)
