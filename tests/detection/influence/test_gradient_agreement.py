"""GradientAgreement through its public behaviour."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier
from sknoisy.detection import GradientAgreement


def flipped(n=600, n_classes=3, rate=0.2, seed=0):
    X, y = make_classification(
        n, 8, n_informative=6, n_redundant=0, n_classes=n_classes, n_clusters_per_class=1,
        class_sep=2.0, flip_y=0, random_state=seed,
    )  # fmt: skip
    wrong = np.random.default_rng(seed).random(n) < rate
    return X, np.where(wrong, (y + 1) % n_classes, y), y, wrong


def test_first_pass_is_the_cosine_with_the_other_half():
    # one pass, batches of half the rows: the comparison batch is the other half, whatever is drawn
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), np.arange(40) % 2
    detector = GradientAgreement(n_passes=1, batch_size=20, learning_rate=1e-9, random_state=3)
    detector.fit(X, y)
    Z = np.column_stack([StandardScaler().fit_transform(X), np.ones(40)])
    gradients = (0.5 - np.eye(2)[y])[:, :, None] * Z[:, None, :]  # all probabilities are one half
    gradients = gradients.reshape(40, -1)
    first = np.random.RandomState(3).permutation(40)[:20]
    other = np.setdiff1d(np.arange(40), first)
    for rows, rest in ((first, other), (other, first)):
        common = gradients[rest].mean(axis=0)
        cosine = gradients[rows] @ common / np.linalg.norm(common)
        cosine /= np.linalg.norm(gradients[rows], axis=1)
        np.testing.assert_allclose(detector.noise_score_[rows], (1 - cosine) / 2, atol=1e-6)
        np.testing.assert_array_equal(detector.disagreement_[rows], cosine <= 0)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_wrong_labels_disagree(seed, n_classes):
    X, y, _, wrong = flipped(n_classes=n_classes, seed=seed)
    detector = GradientAgreement(random_state=seed).fit(X, y)
    assert average_precision_score(wrong, detector.noise_score_) > 0.8
    assert detector.disagreement_[wrong].mean() > detector.disagreement_[~wrong].mean() + 0.5


@pytest.mark.parametrize("seed", range(3))
def test_leaving_disagreeing_rows_out_makes_the_model_better(seed):
    # the paper's claim: without the rows that disagree, a model that fits noise errs less
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, size=1300)
    X = rng.normal(size=(1300, 40))
    X[:, :10] += 0.8 * (2 * truth - 1)[:, None]
    wrong = rng.random(1300) < 0.25
    y = np.where(wrong, 1 - truth, truth)
    train, test = np.arange(300), np.arange(300, 1300)
    model = LogisticRegression(C=np.inf, max_iter=500)
    plain = model.fit(X[train], y[train]).score(X[test], truth[test])
    cleaned = FilterClassifier(model, GradientAgreement(random_state=0, contamination="own")).fit(
        X[train], y[train]
    )
    assert cleaned.score(X[test], truth[test]) > plain + 0.05


def test_the_threshold_says_who_disagrees():
    X, y, _, _ = flipped()
    shares = [
        GradientAgreement(threshold=t, random_state=0).fit(X, y).disagreement_.mean()
        for t in (-1.0, 0.0, 0.5, 1.0)
    ]
    assert shares[0] < 0.001
    assert shares[-1] == 1.0
    assert np.all(np.diff(shares) > 0.01)


def test_same_seed_same_answer_and_containers():
    X, y, _, _ = flipped(200)
    a, b = (GradientAgreement(random_state=1).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(a.noise_score_, b.noise_score_)
    assert not np.array_equal(GradientAgreement(random_state=2).fit(X, y).noise_score_, b)
    binary = sparse.csr_matrix(np.abs(X) > 1.0)
    assert np.isfinite(GradientAgreement(random_state=1).fit(binary * 1.0, y).noise_score_).all()


def test_renaming_the_labels_renames_the_answer():
    X, y, _, _ = flipped(200)
    names = np.array(["z", "m", "a"])
    old = GradientAgreement(random_state=0).fit(X, y)
    new = GradientAgreement(random_state=0).fit(X, names[y])
    np.testing.assert_allclose(new.noise_score_, old.noise_score_)
    np.testing.assert_array_equal(new.y_suggested_, names[old.y_suggested_])


def test_rows_of_weight_zero_teach_nothing():
    X, y, truth, wrong = flipped(300, 2, rate=0.3)
    weight = np.where(wrong, 0.0, 1.0)
    detector = GradientAgreement(random_state=0, batch_size=20)
    with_all = detector.fit(X, y).noise_score_
    without = GradientAgreement(random_state=0, batch_size=20).fit(X, y, sample_weight=weight)
    gap = without.noise_score_[wrong].mean() - without.noise_score_[~wrong].mean()
    assert gap > with_all[wrong].mean() - with_all[~wrong].mean()


def test_features_come_from_the_pipeline_and_trust_is_kept():
    X, y, _, wrong = flipped(300)
    X = X + 1000.0
    trusted = wrong & (np.arange(300) % 2 == 0)
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    detector = GradientAgreement(pipe, random_state=0, contamination="own").fit(
        X, y, trusted=trusted
    )
    assert not detector.noise_mask_[trusted].any()
    assert detector.noise_mask_[wrong & ~trusted].mean() > 0.7
    report = detector.noise_report(X, y)
    assert "disagreed with other rows in" in report["reason"].iloc[0]


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_few_rows_and_sole_members(n):
    X = np.random.default_rng(0).normal(size=(n, 2))
    detector = GradientAgreement(random_state=0).fit(X, np.arange(n) // 2)
    assert detector.noise_score_.shape == (n,)
    assert np.isnan(detector.noise_score_[-1]) or n == 2 or n % 2 == 0
    one = GradientAgreement().fit(X, np.ones(n))
    assert np.isnan(one.noise_score_).all()


@pytest.mark.parametrize("bad", [{"n_passes": 0}, {"learning_rate": 0.0}, {"threshold": 2}])
def test_bad_parameters_are_refused(bad):
    X, y, _, _ = flipped(50)
    with pytest.raises(ValueError, match=next(iter(bad))):
        GradientAgreement(**bad).fit(X, y)
