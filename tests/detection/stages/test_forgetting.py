import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import average_precision_score
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier
from sknoisy.datasets import symmetric_noise
from sknoisy.detection import ForgettingEvents


def labels(seed=0, n=400, rate=0.2, n_classes=2):
    X, y = make_classification(
        n,
        10,
        n_informative=6,
        n_classes=n_classes,
        class_sep=1.3,
        flip_y=0.0,
        random_state=seed,
    )
    return StandardScaler().fit_transform(X), *symmetric_noise(y, rate=rate, random_state=seed)


class ByScript(ClassifierMixin, BaseEstimator):
    """Says of row i in epoch t what `script[t][i]` says: right (1) or wrong (0)."""

    def __init__(self, script, max_iter):
        self.script = script
        self.max_iter = max_iter

    def partial_fit(self, X, y, classes=None):
        self.classes_ = np.asarray(classes)
        self.epoch_ = getattr(self, "epoch_", -1) + 1
        return self

    fit = partial_fit

    def predict_proba(self, X):
        rows, given = np.asarray(X).astype(int).T
        right = np.asarray(self.script)[self.epoch_][rows] == 1
        first = np.where(right, given == 0, given == 1)
        return np.where(first[:, None], [0.8, 0.2], [0.2, 0.8])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_counts_by_hand():
    script = np.array(
        [
            [1, 0, 0, 1, 0, 0],
            [1, 1, 0, 0, 0, 0],
            [1, 1, 0, 1, 1, 0],
            [1, 1, 0, 0, 0, 0],
            [1, 1, 0, 1, 1, 1],
        ]
    )
    y = np.array([0, 1, 0, 1, 0, 1])
    X = np.column_stack([np.arange(6), y])
    detector = ForgettingEvents(ByScript(script.tolist(), 5), contamination="own").fit(X, y)
    assert detector.n_forgotten_.tolist() == [0, 0, 0, 2, 1, 0]
    assert detector.first_learned_.tolist() == [1, 2, np.inf, 1, 3, 5]
    mean = np.where(script, 0.8, 0.2).mean(axis=0)
    events = [0, 0, 5, 2, 1, 0]  # a row that is never learnt counts with all stages
    np.testing.assert_allclose(detector.noise_score_, events + 0.999 * (1 - mean))
    assert detector.noise_score_.argmax() == 2
    reasons = detector.noise_report(X, y).set_index("row")["reason"]
    assert reasons[[2, 3, 4]].tolist() == [
        "never predicted as 0 in training",
        "forgotten 2 times in training",
        "forgotten 1 time in training",
    ]


@pytest.mark.parametrize("seed", range(3))
def test_wrong_labels_are_forgotten_more_often(seed):
    """Claim of the paper (its section on noisy labels)."""
    X, y, wrong = labels(seed)
    detector = ForgettingEvents(random_state=0).fit(X, y)
    events = np.floor(detector.noise_score_)
    assert events[wrong].mean() > 3 * events[~wrong].mean()
    assert average_precision_score(wrong, events) > 0.4
    assert average_precision_score(wrong, detector.noise_score_) > 0.6


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("seed", range(2))
def test_rows_that_are_never_forgotten_can_be_left_out(seed):
    """Claim of the paper: without them a model does as well, without as many others it does not."""
    X, y, _ = labels(seed, n=1200, rate=0.0)
    train, test = np.arange(600), np.arange(600, 1200)
    model = MLPClassifier(max_iter=60, tol=0.0, n_iter_no_change=60, random_state=0)
    score = ForgettingEvents(model, n_stages=60).fit(X[train], y[train]).noise_score_
    order = np.argsort(score)

    def accuracy(rows):
        return model.fit(X[rows], y[rows]).score(X[test], y[test])

    whole, hard = accuracy(train), accuracy(train[order[300:]])
    easy = accuracy(train[order[:300]])
    assert hard > whole - 0.035
    assert hard > easy + 0.02


def test_auto_flags_only_rows_that_were_forgotten_or_never_learnt():
    X, y, wrong = labels()
    for model in (None, SGDClassifier(loss="log_loss", learning_rate="adaptive", eta0=0.05)):
        detector = ForgettingEvents(model, random_state=0, contamination="own").fit(X, y)
        flagged = detector.noise_mask_
        hard = (detector.n_forgotten_ > 0) | np.isinf(detector.first_learned_)
        assert hard[flagged].all()
        assert wrong[flagged].mean() > 0.7 and flagged[wrong].mean() > 0.3
        assert (detector.noise_proba_[flagged] > 0.5).all()
        assert (detector.noise_proba_[~hard] <= 0.5).all()
        assert ((detector.y_suggested_ != y) == flagged).mean() > 0.9


def test_the_default_network_takes_tables_sparse_rows_and_gaps():
    X, y, _ = labels(n=80)
    names = np.array(["no", "yes"])[y]
    frame = pd.DataFrame(X).add_prefix("c").assign(kind=np.where(X[:, 0] > 0, "high", "low"))
    holes = X.copy()
    holes[3, 2] = np.nan
    for rows in (frame, csr_matrix(X), holes):
        detector = ForgettingEvents(random_state=0).fit(rows, names)
        assert np.isfinite(detector.noise_score_).all()


def test_rows_that_cannot_be_judged():
    X, y, _ = labels(n=60)
    y[5] = 2
    with pytest.warns(UserWarning, match="sole member"):
        detector = ForgettingEvents(LogisticRegression(), cv=3, random_state=0).fit(X, y)
    assert np.isnan(detector.noise_score_[5]) and np.isnan(detector.n_forgotten_[5])
    assert not np.isnan(np.delete(detector.noise_score_, 5)).any()


def test_in_a_treatment_with_folds_jobs_and_a_share():
    X, y, _ = labels(n=120)
    model = SGDClassifier(loss="log_loss")
    one = FilterClassifier(model, ForgettingEvents(cv=3, contamination=0.1), random_state=0)
    two = FilterClassifier(model, ForgettingEvents(cv=3, contamination=0.1), random_state=0)
    two.set_params(detector__n_jobs=2)
    one, two = one.fit(X, y), two.fit(X, y)
    np.testing.assert_array_equal(one.noise_proba_, two.noise_proba_)
    assert one.noise_mask_.sum() == 12
