"""MetadataArchaeology through its public behaviour."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import parallel_config
from scipy import sparse
from sklearn.datasets import make_classification, make_friedman1
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline

from sknoisy import RelabelClassifier
from sknoisy.detection import MetadataArchaeology

from ...helpers import noisy_labels

KINDS = ["typical", "atypical", "random target", "corrupted"]


def flipped(n=400, rate=0.15, seed=0):
    X, y = make_classification(
        n, 6, n_informative=5, n_redundant=0, class_sep=2.0, flip_y=0.0, random_state=seed
    )
    wrong = np.random.default_rng(seed).random(n) < rate
    return X, np.where(wrong, 1 - y, y), y, wrong


# ------------------------------------------------------------------ the probes


def test_probes_of_each_kind_and_other_altered_rows_in_each_repeat():
    X, y, _, _ = flipped()
    detector = MetadataArchaeology(LogisticRegression(), n_repeats=3, random_state=0).fit(X, y)
    assert detector.kinds_.tolist() == KINDS
    assert len(detector.probes_) == 3
    altered = []
    for probes in detector.probes_:
        assert [len(probes[kind]) for kind in KINDS] == [20] * 4  # a twentieth of 400
        rows = np.concatenate([probes[kind] for kind in KINDS])
        assert len(np.unique(rows)) == 80
        altered += [*probes[KINDS[2]], *probes[KINDS[3]]]
    assert len(set(altered)) == 120  # so that every row is judged as it is in two repeats
    np.testing.assert_allclose(detector.metadata_proba_.sum(axis=1), 1.0)


class Watching(LogisticRegression):
    """A model that keeps the training sets it is given."""

    seen = []  # noqa: RUF012  (shared by clones on purpose)

    def fit(self, X, y, sample_weight=None):
        self.seen.append((X, y))
        return super().fit(X, y, sample_weight)


def test_the_probes_are_in_the_training_set_and_nothing_else_is_changed():
    X, y, _, _ = flipped(200)
    Watching.seen.clear()
    detector = MetadataArchaeology(Watching(), n_stages=1, random_state=0).fit(X, y)
    whole = [(a, b) for a, b in Watching.seen if len(b) == 200]
    assert len(whole) == 2
    for (X_seen, y_seen), probes in zip(whole, detector.probes_, strict=True):
        np.testing.assert_array_equal(np.flatnonzero(y_seen != y), probes["random target"])
        changed = X_seen != X
        np.testing.assert_array_equal(np.flatnonzero(changed.any(axis=1)), probes["corrupted"])
        assert 0.3 < changed[probes["corrupted"]].mean() < 0.7
        for column in range(X.shape[1]):
            assert np.isin(X_seen[:, column], X[:, column]).all()


def as_frame(X):
    return pd.DataFrame(X).rename(columns=str)


@pytest.mark.parametrize("kind", [as_frame, sparse.csr_array, sparse.coo_matrix, list])
def test_any_container_gives_what_an_array_gives(kind):
    X, y, _, _ = flipped(200)
    plain = MetadataArchaeology(LogisticRegression(), random_state=0).fit(X, y)
    other = MetadataArchaeology(LogisticRegression(), random_state=0).fit(kind(X), y)
    agree = np.corrcoef(plain.metadata_proba_[:, 2], other.metadata_proba_[:, 2])[0, 1]
    assert agree > 0.9  # the same but for the cells that are drawn column by column in a frame
    if kind is not as_frame:
        np.testing.assert_allclose(other.metadata_proba_, plain.metadata_proba_, atol=0.1)


def test_tables_of_all_kinds_of_columns():
    X, y, _, wrong = flipped(200)
    table = as_frame(X.round(1)).assign(word=np.where(X[:, 0] > 0, "yes", "no"))
    table["kind"] = table["word"].astype("category")
    detector = MetadataArchaeology(random_state=0).fit(table, y)
    assert average_precision_score(wrong, detector.noise_score_) > 0.4
    polars = pl.DataFrame({name: table[name].to_numpy() for name in table.columns[:-1]})
    detector = MetadataArchaeology(random_state=0).fit(polars, y)
    assert average_precision_score(wrong, detector.noise_score_) > 0.4


def test_texts_have_no_corrupted_probes():
    y = np.arange(80) % 2
    texts = [f"{'good fine' if label else 'bad poor'} word{i % 7}" for i, label in enumerate(y)]
    given = np.where(np.arange(80) < 6, 1 - y, y)
    model = make_pipeline(TfidfVectorizer(), LogisticRegression())
    detector = MetadataArchaeology(model, random_state=0).fit(texts, given)
    assert np.sort(np.argsort(detector.noise_score_)[-6:]).tolist() == [*range(6)]
    assert (detector.metadata_proba_[:, 3] == 0).all()


# ------------------------------------------------------------------ what the paper claims


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_probes_tell_wrong_labels_from_others(seed):
    X, y, _, wrong = flipped(seed=seed)
    model = GradientBoostingClassifier(n_estimators=50, max_depth=2)
    detector = MetadataArchaeology(model, random_state=seed).fit(X, y)
    proba = detector.metadata_proba_
    assert average_precision_score(wrong, detector.noise_score_) > 0.6
    assert wrong[detector.noise_mask_].mean() > 0.65
    assert detector.noise_mask_[wrong].mean() > 0.5
    assert proba[wrong, 2].mean() > proba[~wrong, 2].mean() + 0.4
    # right rows are typical ones far more often than wrong ones
    assert proba[~wrong, 0].mean() > 3 * proba[wrong, 0].mean()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_share_of_flagged_rows_follows_the_share_of_wrong_ones(seed):
    model = GradientBoostingClassifier(n_estimators=50, max_depth=2)
    shares = []
    for rate in (0.0, 0.1, 0.25):
        X, y, _, _ = flipped(500, rate=rate, seed=seed)
        shares.append(MetadataArchaeology(model, random_state=0).fit(X, y).noise_mask_.mean())
    assert shares[0] < 0.05
    assert shares[0] + 0.02 < shares[1] < 0.17
    assert shares[1] < shares[2] < 0.33


# ------------------------------------------------------------------ what comes of it


def test_numbers():
    X, y = make_friedman1(400, noise=1.0, random_state=0)
    wrong = np.arange(400) < 30
    y[wrong] += np.where(np.arange(30) % 2, 12.0, -12.0)
    model = GradientBoostingRegressor(max_depth=2, random_state=0)
    detector = MetadataArchaeology(model, random_state=0).fit(X, y)
    assert average_precision_score(wrong, detector.noise_score_) > 0.9
    assert wrong[detector.noise_mask_].mean() > 0.8
    assert detector.noise_mask_[wrong].mean() > 0.3
    assert "random target" in detector.noise_report(X, y)["reason"].iloc[0]


def test_seed_jobs_and_names():
    X, y = noisy_labels(150, n_classes=3)
    model = GradientBoostingClassifier(n_estimators=15, subsample=0.5)
    first = MetadataArchaeology(model, cv=3, random_state=0).fit(X, y)
    again = MetadataArchaeology(model, cv=3, random_state=0, n_jobs=2)
    with parallel_config("threading"):
        again.fit(X, np.array([*"abc"])[y])
    np.testing.assert_allclose(again.noise_score_, first.noise_score_)


def test_the_probes_do_not_hang_on_the_names_of_the_labels():
    X, y = noisy_labels(240, n_classes=3)
    by_name = []
    for names in (["a", "b", "c"], ["b", "c", "a"], ["c", "b", "a"]):
        Watching.seen.clear()
        detector = MetadataArchaeology(Watching(), n_stages=1, random_state=0)
        detector.fit(X, np.array(names)[y])
        whole = [labels for _, labels in Watching.seen if len(labels) == 240]
        probes = [np.concatenate(list(rows.values())) for rows in detector.probes_]
        by_name.append((np.argsort(names)[np.searchsorted(sorted(names), whole)], probes, detector))
    labels, probes, detector = by_name[0]
    assert (labels[0] != labels[1]).any()
    assert detector.noise_mask_.any()
    for other_labels, other_probes, other in by_name[1:]:
        np.testing.assert_array_equal(other_labels, labels)
        np.testing.assert_array_equal(other_probes, probes)
        np.testing.assert_array_equal(other.noise_mask_, detector.noise_mask_)


def test_rare_classes_do_not_vanish_with_their_probes():
    X, y = noisy_labels(120, n_classes=2, rate=0.0)
    y[:2] = 2
    X[:2] += 20.0
    for seed in range(3):
        with pytest.warns(UserWarning, match="fewer members"):
            detector = MetadataArchaeology(LogisticRegression(), random_state=seed).fit(X, y)
        for probes in detector.probes_:
            assert not np.isin([0, 1], probes["random target"]).any()


def test_corrects_labels_in_a_treatment():
    X, y, truth, _ = flipped()
    model = GradientBoostingClassifier(n_estimators=50, max_depth=2)
    treated = RelabelClassifier(model, MetadataArchaeology(random_state=0), random_state=0)
    assert treated.fit(X, y).score(X, truth) > 0.85


def test_one_class_is_not_judged():
    detector = MetadataArchaeology(random_state=0).fit(np.arange(20.0)[:, None], ["a"] * 20)
    assert np.isnan(detector.noise_score_).all()


def test_too_few_rows_and_bad_parameters_are_named():
    X, y = noisy_labels(9, n_classes=2, rate=0.0)
    with pytest.raises(ValueError, match=r"probes of at least 12 rows .* n_samples=9"):
        MetadataArchaeology(LogisticRegression(), n_repeats=5, cv=2).fit(X, y)
    with pytest.raises(ValueError, match="n_repeats"):
        MetadataArchaeology(LogisticRegression(), n_repeats=1).fit(X, y)
