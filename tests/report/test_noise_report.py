"""What was found, as tables and as a page."""

import json
import re
import shutil
import warnings
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sknoisy import (
    FilterClassifier,
    FilterRegressor,
    RelabelClassifier,
    ReweightClassifier,
    RobustClassifier,
    RobustRegressor,
)
from sknoisy.datasets import decimal_noise, symmetric_noise
from sknoisy.detection import ConfidentLearning, KNNShapley, Outlier, Residual
from sknoisy.exceptions import ColumnLeftOutWarning
from sknoisy.report import NoiseReport, noise_slices

HOSTILE = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '"><svg onload="document.title=\'owned\'">',
    "{{ 7 * 7 }}{% raw %}",
    "javascript:document.title='owned'",
    "</style><h1>big</h1>",
    "a" * 5000,
    "\u202eright to left\u0000\x1b[31m",
]


class Tags(HTMLParser):
    """Names of all elements, and of all attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def patients(n=600, levels=("north", "south"), seed=0):
    """A table of which one clinic writes wrong labels, and which rows are wrong."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.normal(50, 15, n).round(1),
            "pressure": rng.normal(130, 20, n).round(),
            "clinic": rng.choice(levels, n),
            "smoker": rng.choice(["yes", "no", None], n),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D"),
        }
    )
    y = np.where((X["age"] - 50) / 15 + (X["pressure"] - 130) / 20 > 0, "ill", "well")
    wrong = rng.random(n) < np.where(X["clinic"] == levels[-1], 0.3, 0.02)
    return X, np.where(wrong, np.where(y == "ill", "well", "ill"), y), wrong


def model_of(X, treatment=FilterClassifier):
    encoder = make_column_transformer(
        ("passthrough", [0, 1]), (OneHotEncoder(handle_unknown="ignore"), [2, 3])
    )
    return treatment(make_pipeline(encoder, LogisticRegression(max_iter=2000)), random_state=0)


@pytest.fixture(scope="module")
def report():
    X, y, _ = patients()
    return NoiseReport.from_estimator(model_of(X).fit(X, y), X, y, title="Patients")


class TestTables:
    def test_counts_agree(self, report):
        s = report.summary
        assert s["rows"] == len(report.table) == 600
        assert s["flagged"] == report.table["flagged"].sum() == report.pairs.to_numpy().sum()
        assert report.histogram[["others", "flagged"]].to_numpy().sum() == 600
        assert s["done"] == {"kept": 600 - s["flagged"], "dropped": s["flagged"]}
        assert 0 < s["noise_rate_low"] < s["noise_rate"] < s["noise_rate_high"] < 1
        assert "know something of the labels" in s["known"]

    def test_the_slice_is_found(self, report):
        assert report.slices.iloc[0][["column", "slice"]].tolist() == ["clinic", "south"]
        assert report.slices.iloc[0]["p_value"] < 1e-6

    def test_worst_rows_stand_beside_calm_ones(self, report):
        first = report.worst[0]
        assert first["flagged"] and set(first["values"]) == {
            "age",
            "pressure",
            "clinic",
            "smoker",
            "seen",
        }
        flagged = set(report.table[report.table["flagged"]]["row"])
        assert all(row["near_row"] not in flagged for row in report.worst)
        alike = [row["near_given"] == row["suggested"] for row in report.worst]
        assert np.mean(alike) > 0.9  # the look-alike has the label that is suggested

    def test_cells_that_differ_much(self, report):
        X, *_ = patients()
        spread = X[["age", "pressure", "seen"]].std()
        for row in report.worst:
            a, b = X.iloc[row["row"]], X.iloc[row["near_row"]]
            far = {name for name in spread.index if abs(a[name] - b[name]) > spread[name] / 2}
            assert set(row["differs"]) - {"clinic", "smoker"} == far
            assert ("clinic" in row["differs"]) == (a["clinic"] != b["clinic"])
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["values"]["seen"])  # no time of day

    def test_cells_of_odd_kinds(self):
        X, y, _ = patients(200)
        model = model_of(X).fit(X, y)
        odd = X.assign(
            ticked=np.arange(200) % 2 == 0,
            far=np.inf,
            count=pd.array([1, None] * 100, dtype="Int64"),
            tz=X["seen"].dt.tz_localize("Europe/Berlin"),
            month=X["seen"].dt.to_period("M"),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            report = NoiseReport.from_estimator(model, odd, y, notes=["<b>by hand</b>"])
        for row in report.worst:
            a, b = (odd.iloc[row[at]] for at in ("row", "near_row"))
            assert ("ticked" in row["differs"]) == (a["ticked"] != b["ticked"])
            assert ("month" in row["differs"]) == (a["month"] != b["month"])
            assert ("tz" in row["differs"]) == ("seen" in row["differs"])
            assert "far" not in row["differs"]
            assert ("count" in row["differs"]) == (pd.isna(a["count"]) != pd.isna(b["count"]))
        assert "<li>&lt;b&gt;by hand" in report.to_html()

    def test_an_id_needs_no_warning(self):
        X, y, _ = patients(200)
        model = model_of(X).fit(X, y)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ColumnLeftOutWarning)
            NoiseReport.from_estimator(model, X.assign(id=[f"no{i}" for i in range(200)]), y)

    def test_json(self, report):
        found = json.loads(json.dumps(report.to_dict(), allow_nan=False))
        assert len(found["rows"]) == 600 and found["summary"]["task"] == "classification"

    def test_repr(self, report):
        assert re.match(r"<NoiseReport of Patients: \d+ of 600 rows flagged", repr(report))

    def test_chance_makes_no_slices(self):
        rng = np.random.default_rng(0)
        found = 0
        for _ in range(50):
            X = pd.DataFrame({c: rng.choice(list("abcd"), 400) for c in "uvwxyz"})
            X["number"] = rng.random(400)
            found += len(noise_slices(X, rng.random(400) < 0.1, max_p=0.05))
        assert found <= 6  # 2.5 are expected

    def test_slices_of_dates_missing_values_and_numbers(self):
        rng = np.random.default_rng(0)
        X, _, _ = patients(1000)
        late = (X["seen"] > "2025-06-01").to_numpy()
        first = noise_slices(X, late & (rng.random(1000) < 0.5)).iloc[0]
        assert first["column"] == "seen" and re.match(r"2025-\d\d-\d\d to 2025", first["slice"])
        missing = X["smoker"].isna().to_numpy()
        first = noise_slices(X, missing & (rng.random(1000) < 0.5)).iloc[0]
        assert (first["column"], first["slice"]) == ("smoker", "missing")
        levels = pd.DataFrame({"shape": np.where(missing, np.nan, late + 3.0)})
        first = noise_slices(levels, late & ~missing).iloc[0]
        assert first["slice"] == "4"  # not 4.0
        array = rng.random((1000, 3))
        first = noise_slices(array, (array[:, 1] > 0.8) & (rng.random(1000) < 0.5)).iloc[0]
        assert first["column"] == "column 1"

    def test_numbers(self):
        X, y = load_diabetes(return_X_y=True, as_frame=True)
        z, _ = decimal_noise(y, 0.05, random_state=0)
        model = FilterRegressor(Ridge(0.1), random_state=0).fit(X, z)
        found = NoiseReport.from_estimator(model, X, z)
        assert found.pairs.index.tolist() == ["too high", "too low"]
        assert found.pairs["rows"].sum() == found.summary["flagged"] > 0
        assert "By how much" in found.to_html()

    @pytest.mark.parametrize("treatment", [RelabelClassifier, ReweightClassifier])
    def test_other_treatments_say_what_they_did(self, treatment):
        X, y, _ = patients()
        found = NoiseReport.from_estimator(model_of(X, treatment).fit(X, y), X, y)
        assert sum(found.summary["done"].values()) == 600
        assert "What was done" in found.to_html()

    def test_what_is_flagged_and_what_is_done(self):
        """`flagged` is the detector's word, what the treatment did stands beside it."""
        X, y, _ = patients()
        capped = model_of(X).set_params(max_share=0.05).fit(X, y)
        found = NoiseReport.from_estimator(capped, X, y)
        s = found.summary
        assert s["treated"] == capped.noise_mask_.sum() == 30
        assert s["flagged"] == capped.detector_.noise_mask_.sum() > 30
        assert s["done"] == {"kept": 570, "dropped": 30}
        assert s["done_to_flagged"] == {"kept": s["flagged"] - 30, "dropped": 30}
        fates = dict(zip(found.table["row"], found.table["treatment"], strict=True))
        assert all(row["done"] == fates[row["row"]] for row in found.worst)
        row = f'<td class="n">{s["flagged"] - 30}</td><td class="n">{600 - s["flagged"]}</td>'
        assert f'<th scope="row">kept</th>{row}' in found.to_html()

    def test_a_default_that_does_nothing(self):
        X, y = make_classification(600, 10, flip_y=0, class_sep=0.7, random_state=0)
        z, _ = symmetric_noise(y, 0.03, random_state=0)
        model = RobustClassifier(LogisticRegression(), effort="fast", random_state=0).fit(X, z)
        assert model.treatment_ == "nothing" and not model.noise_mask_.any()
        found = NoiseReport.from_estimator(model, X, z)
        s = found.summary
        assert s["treated"] == 0 < s["flagged"] == s["done_to_flagged"]["kept"]
        # the two estimates of the noise differ, and the page says so
        assert s["noise_rate_by_detector"] == model.noise_rate_ < 0.02 < s["noise_rate"]
        assert "LabelCommittee has an estimate of its own" in found.to_html()

    def test_the_histogram_reaches_the_cut(self):
        X, y = make_classification(600, 10, flip_y=0, class_sep=0.7, random_state=0)
        detector = ConfidentLearning(LogisticRegression(), contamination=0.004, random_state=0)
        found = NoiseReport.from_estimator(detector.fit(X, y), X, y)
        assert 0 < found.summary["flagged"] < 4
        filled = found.histogram[found.histogram["flagged"] > 0]
        scores = found.table["score"]
        assert filled["left"].min() <= scores[found.table["flagged"]].min()
        assert found.histogram["right"].iloc[-1] == scores.max()

    def test_no_row_is_called_wrong(self):
        """Then there is neither an interval of no width, nor a row that is "wrong: <1%"."""
        X, y = load_diabetes(return_X_y=True)
        found = NoiseReport.from_estimator(Residual(Ridge(0.1), random_state=0).fit(X, y), X, y)
        assert found.summary["noise_rate"] == 0 and np.isnan(found.summary["noise_rate_low"])
        page = found.to_html()
        assert "That does not say that none is" in page and "wrong: " not in page
        assert "<dd>none seen</dd>" in page
        assert f"score {found.worst[0]['score']:.4g}</summary>" in page
        assert found.to_dict()["summary"]["noise_rate_high"] is None

    def test_no_row_of_numbers_by_the_default(self):
        X, y = load_diabetes(return_X_y=True)
        model = RobustRegressor(Ridge(0.1), effort="fast", random_state=0).fit(X, y)
        found = NoiseReport.from_estimator(model, X, y)
        assert 0 < found.summary["noise_rate"] < 1e-3  # next to nothing is not nothing
        page = found.to_html()
        assert "That does not say that none is" in page and "wrong: " not in page
        assert "an estimate of its own" not in page  # which is the same one

    def test_nothing_is_known(self):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(200, 3)), rng.integers(0, 2, 200)
        with pytest.warns(UserWarning, match="know no more"):
            detector = ConfidentLearning(LogisticRegression(), random_state=0).fit(X, y)
        found = NoiseReport.from_estimator(detector, X, y)
        assert found.summary["known"].startswith("The features know no more of the target than")
        assert 'class="first doubt"' in found.to_html()
        assert "<dd>not known</dd>" in found.to_html()

    def test_copies_that_contradict(self):
        X, y = make_classification(200, random_state=0)
        X = np.vstack([X, X[:10]])
        y = np.concatenate([y, 1 - y[:10]])
        detector = ConfidentLearning(RandomForestClassifier(30, random_state=0)).fit(X, y)
        summary = NoiseReport.from_estimator(detector, X, y).summary
        assert (summary["copies"], summary["conflicting_copies"]) == (20, 20)
        assert summary["near_copies"] == pytest.approx(20 / 210)

    def test_near_copies_are_no_fewer_than_copies(self):
        """Most rows are copies, by values that distances tell apart by rounding alone."""
        rng = np.random.default_rng(0)
        X, y, _ = patients(300)
        X = X[["age", "pressure"]].iloc[rng.integers(0, 120, 300)].reset_index(drop=True)
        X.loc[:20, "age"] = X["age"][:21] + 1e-9 * rng.random(21)
        detector = ConfidentLearning(RandomForestClassifier(20, random_state=0))
        summary = NoiseReport.from_estimator(detector.fit(X, y), X, y).summary
        assert summary["near_copies"] > summary["copies"] / 300 > 0.5

    @pytest.mark.parametrize("kind", ["sparse", "texts", "list of texts", "array", "nan"])
    def test_containers(self, kind):
        X, y = load_iris(return_X_y=True)
        X = {
            "sparse": csr_matrix(X),
            "texts": np.array([f"word{k} other{i}" for i, k in enumerate(y)]),
            "list of texts": [f"word{k} other{i}" for i, k in enumerate(y)],
            "array": X,
            "nan": np.where(X == 1.4, np.nan, X),
        }[kind]
        model = make_pipeline(TfidfVectorizer(), LogisticRegression())
        if "texts" not in kind:
            model = RandomForestClassifier(20, random_state=0)
        z, _ = symmetric_noise(y, 0.2, random_state=0)
        detector = ConfidentLearning(model, cv=3, random_state=0).fit(X, z)
        found = NoiseReport.from_estimator(detector, X, z)
        assert len(found.worst) == 20 and found.to_html()

    def test_y_as_a_column(self):
        X, y, _ = patients(200)
        model = model_of(X).fit(X, y)
        expected = NoiseReport.from_estimator(model, X, y).to_dict()
        assert NoiseReport.from_estimator(model, X, pd.DataFrame({"y": y})).to_dict() == expected

    def test_without_X(self):
        X, y = load_iris(return_X_y=True)
        proba = cross_val_predict(LogisticRegression(), X, y, method="predict_proba")
        detector = ConfidentLearning(random_state=0).fit(None, y, predicted=proba)
        found = NoiseReport.from_estimator(detector, None, y)
        assert found.worst[0]["values"] == {} and found.worst[0]["near_row"] is None
        assert found.summary["copies"] == 0 and found.to_html()

    def test_of_what_there_is_no_report(self):
        X, y = load_iris(return_X_y=True)
        model = make_pipeline(FilterClassifier(LogisticRegression(), random_state=0)).fit(X, y)
        with pytest.raises(TypeError, match="Pipeline has no noise_report: of a Pipeline give"):
            NoiseReport.from_estimator(model, X, y)
        with pytest.raises(ValueError, match="n_worst must be an integer of 0 or more, got -1"):
            NoiseReport.from_estimator(model[-1], X, y, n_worst=-1)

    def test_slices_of_what_does_not_fit_together(self):
        X, y = load_iris(return_X_y=True)
        with pytest.raises(ValueError, match="noise_mask must be boolean"):
            noise_slices(X, np.arange(150))
        for rows, given_y in ((csr_matrix(X[:20]), None), (X, y[:20])):
            with pytest.raises(ValueError, match="inconsistent numbers"):
                noise_slices(rows, y > 1, y=given_y)

    def test_detectors_without_predictions(self):
        X, y = load_iris(return_X_y=True)
        for detector in (KNNShapley(contamination=0.1), Outlier(random_state=0)):
            page = NoiseReport.from_estimator(detector.fit(X, y), X, y).to_html()
            assert "which rows are wrong" in page


class TestPage:
    def test_needs_nothing_but_itself(self, report, tmp_path):
        page = report.to_html(tmp_path / "page.html")
        assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
        tags = Tags(page)
        assert not {"script", "link", "img", "iframe", "object", "form"} & set(tags.tags)
        assert not {"src", "onload", "onerror", "onclick"} & set(tags.attributes)
        assert re.findall(r"https?://|url\(|@import", page) == []

    def test_for_all_readers(self, report):
        page = report.to_html()
        assert '<html lang="en">' in page and 'name="viewport"' in page
        assert "prefers-color-scheme: dark" in page and "@media print" in page
        assert page.count("<h1>") == 1 and "<main id=" in page and 'class="skip"' in page
        assert page.count("<svg") == page.count('role="img"') == page.count("<title id=")
        links = set(re.findall(r'href="#(\w+)"', page))
        assert links <= set(re.findall(r'id="(\w+)"', page))

    def test_what_is_hostile_stays_text(self):
        X, y, _ = patients(levels=HOSTILE)
        X.columns = [HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[3], HOSTILE[5]]
        y = np.where(y == "ill", HOSTILE[0], HOSTILE[1])
        found = NoiseReport.from_estimator(model_of(X).fit(X, y), X, y, title=HOSTILE[2])
        calm = NoiseReport.from_estimator(
            model_of(*[patients()[0]]).fit(*patients()[:2]), *patients()[:2]
        )
        assert set(Tags(found.to_html()).tags) <= set(Tags(calm.to_html()).tags)
        assert len(found.to_html()) < 2_000_000

    @settings(max_examples=25, deadline=None)
    @given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
    def test_any_text(self, title, column, value):
        rows = [{"row": i, "flagged": i < 2} for i in range(30)]
        table = pd.DataFrame(rows).assign(
            given=value, suggested="b", probability=0.5, score=np.arange(30.0), reason=column
        )
        detector = _Fitted(table)
        X = pd.DataFrame({column: [value] * 30})
        page = NoiseReport.from_estimator(detector, X, [value] * 30, title=title).to_html()
        assert "script" not in Tags(page).tags
        page.encode("utf-8", "surrogatepass")

    def test_a_real_browser(self, tmp_path):
        """What is hostile does nothing in Chromium, and the page is no wider than a phone."""
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        playwright = pytest.importorskip("playwright.sync_api")
        if chromium is None:
            pytest.skip("no Chromium")
        X, y, _ = patients(levels=HOSTILE)
        X.columns = [HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[3], HOSTILE[5]]
        y = np.where(y == "ill", HOSTILE[0], HOSTILE[6])
        model = model_of(X).fit(X, y)
        NoiseReport.from_estimator(model, X, y, title="t").to_html(tmp_path / "page.html")
        quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        with playwright.sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium, args=quiet)
            page = browser.new_page(viewport={"width": 390, "height": 800})
            asked, said = [], []
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: said.append(message.text))
            page.goto(f"file://{tmp_path / 'page.html'}")
            page.emulate_media(media="print")  # paper cannot be opened
            heights = "[...document.querySelectorAll('#worst details')].map(e => e.offsetHeight)"
            assert min(page.evaluate(heights)) > 100
            page.emulate_media(media="screen")
            page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert page.title() == "t: noise report"
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert len(asked) == 1 and not said
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.className") == "skip"
            browser.close()

    def test_without_jinja(self, report, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
        with pytest.raises(ImportError, match="pip install jinja2"):
            report.to_html()


class _Fitted(BaseEstimator):
    """A detector of which only the table matters."""

    def __init__(self, table):
        self.table = table
        self.table_, self.reason_, self.label_proba_ = table, "by a test", True

    def noise_report(self, X, y):
        return self.table_

    def fit(self, X, y):
        return self
