"""In a notebook, an estimator links to its page and says what it has found."""

import pickle
from html.parser import HTMLParser

import numpy as np
import pytest
import sklearn
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoisy import FilterClassifier, FilterRegressor, RobustClassifier, _notebook
from sknoisy._notebook import found
from sknoisy.detection import ConfidentLearning
from sknoisy.multilabel import MultiLabelClassifier, MultiLabelDetector

from .everyone import public_estimators
from .helpers import noisy_labels, noisy_numbers

HOSTILE = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '"><svg onload="document.title=\'owned\'">',
]


DOCUMENTATION = "https://documentation.example/stable"


@pytest.fixture
def published(monkeypatch):
    """The pages are somewhere."""
    monkeypatch.setattr(_notebook, "DOCUMENTATION", DOCUMENTATION)


@pytest.mark.parametrize(("kind", "name"), public_estimators().items())
def test_each_public_estimator_links_to_its_page(kind, name, published):
    link = kind._get_doc_link(kind.__new__(kind))
    assert link == f"{DOCUMENTATION}/generated/{name}.html"


def test_there_is_no_link_as_long_as_there_are_no_pages():
    assert FilterClassifier(LogisticRegression())._get_doc_link() == ""


def test_somebodys_own_subclass_has_no_page(published):
    class Mine(FilterClassifier):
        pass

    assert Mine(LogisticRegression())._get_doc_link() == ""


class Found(HTMLParser):
    """Texts of the cells of the table of what was found."""

    def __init__(self, page):
        super().__init__()
        self.cells, self.tags, self.inside = [], [], False
        _, *tables = page.split('<table class="sknoisy-found"')
        assert len(tables) <= 1
        self.there = bool(tables)
        if tables:
            self.feed('<table class="sknoisy-found"' + tables[0])

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data):
        self.cells[-1] += data

    def lines(self):
        return dict(zip(self.cells[::2], self.cells[1::2], strict=True))


def shown(estimator):
    page = estimator._repr_mimebundle_()["text/html"]
    assert estimator._repr_html_().count("sknoisy-found") == page.count("sknoisy-found")
    return Found(page)


def test_nothing_is_found_before_fit():
    for estimator in (FilterClassifier(LogisticRegression()), ConfidentLearning()):
        assert not shown(estimator).there


@pytest.mark.parametrize(
    "estimator",
    [
        FilterClassifier(LogisticRegression(), random_state=0),
        RobustClassifier(LogisticRegression(), effort="fast", random_state=0),
        ConfidentLearning(random_state=0),
    ],
)
def test_labels(estimator):
    X, codes = noisy_labels(n=240)
    estimator.fit(X, np.array(["one", "two", "three"])[codes])
    lines = shown(estimator).lines()
    detector = getattr(estimator, "detector_", estimator)
    n_flagged = detector.noise_mask_.sum()
    assert n_flagged
    assert lines["rows flagged"] == f"{n_flagged} of 240 ({n_flagged / 240:.1%})"
    assert lines["why"] == detector.reason_
    given, suggested = codes_of_the_most_frequent(detector, detector.noise_mask_)
    assert lines["given → suggested"].startswith(f"{given} → {suggested} (")
    if detector is not estimator:
        assert lines["rows treated"].startswith(f"{estimator.noise_mask_.sum()} of 240 (")
    if isinstance(estimator, RobustClassifier):
        assert lines["treatment"] == estimator.treatment_
        assert lines["why this treatment"] == estimator.reason_
    again = pickle.loads(pickle.dumps(estimator))
    assert shown(again).lines() == lines


def test_what_is_flagged_need_not_be_treated():
    """The lines agree with those of the report, whose `flagged` is the detector's word."""
    X, codes = noisy_labels(n=240)
    model = FilterClassifier(LogisticRegression(), max_share=0.05, random_state=0).fit(X, codes)
    lines = shown(model).lines()
    n_flagged = model.noise_report(X, codes)["flagged"].sum()
    assert n_flagged > model.noise_mask_.sum() == 12
    assert lines["rows flagged"].startswith(f"{n_flagged} of 240")
    assert lines["rows treated"] == "12 of 240 (5.0%)"
    assert lines["why"] == model.detector_.reason_


def test_rows_that_this_fit_trusts():
    """A frozen detector flags them by itself, and is not followed."""
    X, codes = noisy_labels(n=240)
    frozen = FrozenEstimator(ConfidentLearning(random_state=0).fit(X, codes))
    trusted = np.arange(240) < 120
    model = FilterClassifier(LogisticRegression(), frozen).fit(X, codes, trusted=trusted)
    lines = shown(model).lines()
    assert lines["rows flagged"].startswith(f"{frozen.noise_mask_[120:].sum()} of 240")
    assert lines["the detector alone"] == frozen.reason_
    assert lines["detector"] == "ConfidentLearning"


def codes_of_the_most_frequent(detector, mask):
    given, suggested = detector._target.y[mask], detector.y_suggested_[mask]
    pairs, counts = np.unique(np.column_stack([given, suggested]), axis=0, return_counts=True)
    pairs, counts = pairs[pairs[:, 0] != pairs[:, 1]], counts[pairs[:, 0] != pairs[:, 1]]
    order = {name: i for i, name in enumerate(detector.classes_)}
    return min(
        pairs.tolist(),
        key=lambda p: (-counts[pairs.tolist().index(p)], order[p[0]], order[p[1]]),
    )


def test_numbers_and_several_columns():
    X, y = noisy_numbers(n=120)
    model = FilterRegressor(LinearRegression(), random_state=0).fit(X, y)
    lines = shown(model).lines()
    assert lines["detector"] == "Residual" and "given → suggested" not in lines
    X, codes = noisy_labels(n=120)
    table = np.column_stack([codes > 0, codes > 1]).astype(int)
    detector = MultiLabelDetector(ConfidentLearning(random_state=0)).fit(X, table)
    assert (
        shown(detector)
        .lines()["labels flagged"]
        .endswith(f"240 ({detector.noise_mask_.mean():.1%})")
    )
    treatment = FilterClassifier(LogisticRegression(), max_share=0.02, random_state=0)
    cells = MultiLabelClassifier(treatment).fit(X, table)
    lines, n_flagged = shown(cells).lines(), cells.noise_report(X, table)["flagged"].sum()
    assert lines["labels flagged"].startswith(f"{n_flagged} of 240")
    assert lines["labels treated"].startswith(f"{cells.noise_mask_.sum()} of 240")
    assert n_flagged > cells.noise_mask_.sum()


def test_hostile_labels_stay_text():
    X, codes = noisy_labels(n=240)
    model = FilterClassifier(LogisticRegression(), random_state=0).fit(X, np.array(HOSTILE)[codes])
    page = model._repr_mimebundle_()["text/html"]
    table = Found(page)
    assert set(table.tags) == {"table", "tr", "th", "td"}
    assert any(label in table.lines()["given → suggested"] for label in HOSTILE)
    assert not any(label in page for label in HOSTILE)
    labels = np.array(["a\u202eb\x00\x1b[31m", "y" * 500])[(codes > 0).astype(int)]
    said = dict(found(ConfidentLearning(random_state=0).fit(X, labels)))["given → suggested"]
    assert said.replace("\n", "").isprintable() and len(said) < 500


def test_text_where_text_is_asked_for_and_inside_of_others(published):
    X, y = noisy_labels(n=120)
    model = make_pipeline(StandardScaler(), FilterClassifier(LogisticRegression(), random_state=0))
    assert f"{DOCUMENTATION}/generated/sknoisy.FilterClassifier.html" in model._repr_html_()
    with sklearn.config_context(display="text"):
        assert "text/html" not in model.fit(X, y)[-1]._repr_mimebundle_()
