"""The examples are whole, and what is written about the package elsewhere agrees with it.

That they run is checked where they are drawn: `sphinx-build -W` stops at an example that fails.
"""

import ast
import re
from pathlib import Path

import pytest

import sknoisy

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*/plot_*.py"))


def test_there_are_sections_of_examples():
    assert len(EXAMPLES) >= 15
    for folder in {path.parent for path in EXAMPLES}:
        assert (folder / "README.txt").exists()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_says_what_it_teaches_and_ends_in_a_picture(path):
    code = path.read_text(encoding="utf-8")
    title, rule, empty, *lesson = ast.get_docstring(ast.parse(code)).splitlines()
    assert set(rule) == {"="} and len(rule) == len(title)
    assert empty == "" and lesson
    assert code.count("plt.show()") == 1
    assert "# %%" in code


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.rst")), ids=lambda path: path.stem)
def test_pages_name_examples_that_are_there(page):
    for name in re.findall(r"\.\./examples/(\S+\.py)", page.read_text(encoding="utf-8")):
        assert (ROOT / "examples" / name).exists()


def test_citation_has_the_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {sknoisy.__version__}\n" in citation
