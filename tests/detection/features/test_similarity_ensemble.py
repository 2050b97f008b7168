"""SimilarityEnsemble through its public behaviour."""

import numpy as np
import pytest
from joblib import parallel_config
from scipy import sparse
from sklearn.datasets import load_digits, make_friedman1, make_low_rank_matrix
from sklearn.decomposition import PCA, KernelPCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, average_precision_score, r2_score
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy.detection import SimilarityEnsemble
from sknoisy.exceptions import RareClassWarning

from ...helpers import fits, recording

MODEL = LogisticRegression(max_iter=300)


def table(n=300, seed=0):
    """Features of low rank and two classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2)) @ rng.normal(size=(2, 6)) + 0.1 * rng.normal(size=(n, 6))
    return X, (X[:, 0] + 0.1 * rng.normal(size=n) > 0).astype(int)


def at_least_as_odd(values):
    return np.array([(values >= v).mean() for v in values])


def test_measures_and_probabilities_are_those_of_the_definition():
    X, y = table(120)
    folds = [(np.arange(120) % 3 != i, np.arange(120) % 3 == i) for i in range(3)]
    folds = [(np.flatnonzero(a), np.flatnonzero(b)) for a, b in folds]
    detector = SimilarityEnsemble(MODEL, n_components=2, n_neighbors=7, cv=folds).fit(X, y)
    Z = StandardScaler().fit_transform(X)
    pca = PCA(2, svd_solver="full").fit(Z)
    latent = pca.transform(Z)
    far = NearestNeighbors(n_neighbors=7, metric="manhattan").fit(latent).kneighbors()[0]
    error = ((Z - pca.inverse_transform(latent)) ** 2).mean(axis=1)
    proba = cross_val_predict(MODEL, X, y, cv=folds, method="predict_proba")
    measures = np.column_stack([far.mean(axis=1), error, -np.log(proba[np.arange(120), y])])
    np.testing.assert_allclose(detector.measures_, measures, rtol=1e-6, atol=1e-9)
    similarity = np.column_stack([at_least_as_odd(m) for m in measures.T])
    np.testing.assert_allclose(detector.similarity_, similarity)
    combined = similarity.prod(axis=1) ** (1 / 3)
    np.testing.assert_allclose(detector.noise_score_, 1 - combined)
    for combine in ("mean", "min"):
        other = SimilarityEnsemble(
            MODEL, n_components=2, n_neighbors=7, cv=folds, combine=combine
        ).fit(X, y)
        expected = getattr(similarity, combine)(axis=1)
        np.testing.assert_allclose(other.noise_score_, 1 - expected)


@pytest.mark.parametrize("autoencoder", ["pca", "mlp"])
def test_each_part_finds_its_own_kind_of_trouble(autoencoder):
    X, y = table()
    Z = StandardScaler().fit_transform(X)
    pca = PCA(2).fit(Z)
    X, y = Z.copy(), y.copy()
    X[0] = 8 * pca.components_[0]  # far away, in the usual plane
    X[1] += 4 * np.linalg.svd(Z)[2][-1]  # in the middle, out of the plane
    sure = np.flatnonzero(np.abs(X[:, 0]) > 1.5)[2]
    y[sure] = 1 - y[sure]
    detector = SimilarityEnsemble(MODEL, autoencoder=autoencoder, n_components=2, random_state=0)
    far, strange, wrong = detector.fit(X, y).similarity_[[0, 1, sure]]
    assert far[0] <= 2 / 300
    assert strange[1] <= {"pca": 3 / 300, "mlp": 10 / 300}[autoencoder]  # a network learns some
    assert wrong[2] <= 5 / 300 and wrong[0] > 0.02


@pytest.mark.parametrize("seed", range(3))
def test_models_do_better_on_the_rows_that_are_kept(seed):
    # the paper's claim: performance rises after filtering, on training data as well
    X, y = load_digits(return_X_y=True)
    X = X[seed * 300 : seed * 300 + 500]
    y = y[seed * 300 : seed * 300 + 500]
    detector = SimilarityEnsemble(MODEL, contamination=0.3, random_state=seed).fit(X, y)
    forest = RandomForestClassifier(50, random_state=seed)
    predicted = cross_val_predict(forest, X, y)
    kept = ~detector.noise_mask_
    assert accuracy_score(y[kept], predicted[kept]) > accuracy_score(y, predicted)
    X, y = make_friedman1(400, 6, noise=1.0, random_state=seed)
    numbers = SimilarityEnsemble(Ridge(), contamination=0.3, random_state=seed).fit(X, y)
    predicted = cross_val_predict(LinearRegression(), X, y)
    kept = ~numbers.noise_mask_
    error = np.abs(y - predicted)
    assert error[kept].mean() < 0.85 * error.mean()
    assert r2_score(y[kept], predicted[kept]) > r2_score(y, predicted) - 0.05


@pytest.mark.parametrize("seed", range(3))
def test_rows_broken_in_every_way_have_the_highest_scores(seed):
    rng = np.random.default_rng(seed)
    X = make_low_rank_matrix(300, 10, effective_rank=3, random_state=seed)
    y = 100 * X @ rng.normal(size=10)
    broken = rng.choice(300, 15, replace=False)
    X[broken] += 0.1 * rng.normal(size=(15, 10))
    y[broken] = rng.permutation(y)[:15] + 30
    truth = np.isin(np.arange(300), broken)
    detector = SimilarityEnsemble(Ridge(), random_state=0).fit(X, y)
    assert average_precision_score(truth, detector.noise_score_) > 0.95


def test_any_transformer_that_goes_back_is_an_autoencoder():
    X, y = table(150)
    same = SimilarityEnsemble(MODEL, n_components=2, random_state=0).fit(X, y)
    given = SimilarityEnsemble(MODEL, autoencoder=PCA(2), random_state=0).fit(X, y)
    np.testing.assert_allclose(given.noise_score_, same.noise_score_)
    kernel = KernelPCA(2, kernel="rbf", fit_inverse_transform=True)
    curved = SimilarityEnsemble(MODEL, autoencoder=kernel, random_state=0).fit(X, y)
    assert np.isfinite(curved.noise_score_).all()
    wide = sparse.random(150, 300, density=0.1, random_state=0, format="csr")
    svd = SimilarityEnsemble(MODEL, autoencoder=TruncatedSVD(5), random_state=0).fit(wide, y)
    assert np.isfinite(svd.noise_score_).all()


def test_number_of_fits_and_steps_of_a_pipeline():
    X, y = table(90)
    model, calls = recording(MODEL)
    SimilarityEnsemble(model, random_state=0).fit(X, y)
    assert len(fits(calls)) == 5
    piped = SimilarityEnsemble(make_pipeline(StandardScaler(), MODEL), random_state=0).fit(X, y)
    assert piped.measures_.shape == (90, 3)


def test_seeds_jobs_and_names():
    X, y = table(120)
    detector = SimilarityEnsemble(MODEL, autoencoder="mlp", random_state=0)
    score = detector.fit(X, y).noise_score_
    with parallel_config("threading"):
        again = detector.set_params(n_jobs=2).fit(X, y).noise_score_
    np.testing.assert_array_equal(again, score)
    named = SimilarityEnsemble(MODEL, autoencoder="mlp", random_state=0)
    named.fit(X, np.array(["a", "b"])[y])
    np.testing.assert_allclose(named.noise_score_, score)


def test_rows_without_prediction_equal_rows_and_few_features():
    X, y = table(60)
    y = y.copy()
    y[0] = 9
    with pytest.warns(RareClassWarning, match=r"9 \(1\)"):
        detector = SimilarityEnsemble(MODEL, random_state=0).fit(X, y)
    y[0] = 0
    assert np.isnan(detector.noise_score_[0]) and np.isfinite(detector.noise_score_[1:]).all()
    flat = SimilarityEnsemble(MODEL, random_state=0).fit(np.ones((30, 3)), np.arange(30) % 2)
    np.testing.assert_allclose(flat.similarity_[:, :2], 1.0)
    for encoder in ("pca", "mlp"):
        thin = SimilarityEnsemble(MODEL, autoencoder=encoder, random_state=0).fit(X[:, :1], y)
        assert np.isfinite(thin.noise_score_).all()
    with pytest.raises(ValueError, match="at least 2 rows"):
        SimilarityEnsemble(MODEL).fit([[0.0]], [1])
