"""Sphinx configuration: `sphinx-build -W -b html docs docs/_build/html`."""

import inspect
import pkgutil
from pathlib import Path

from sphinx.errors import ConfigError

import sknoisy

project = "sknoisy"
author = "sknoisy developers"
copyright = "2026, sknoisy developers"
release = version = sknoisy.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
templates_path = ["_templates"]
exclude_patterns = ["_build"]
default_role = "literal"

# The reference is what each module's `__all__` says, no more and no less.
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
numpydoc_show_class_members = False  # the class template lists the methods

listed = Path(__file__).with_name("api.rst").read_text(encoding="utf-8").split()
exported_by_sknoisy = {"robust", "treatment"}  # and documented there
rooms_alone = {"training"}  # exports nothing itself: its rooms are listed one by one
public = [f"sknoisy.{m.name}" for m in pkgutil.iter_modules(sknoisy.__path__)]
for package in rooms_alone:
    public.remove(f"sknoisy.{package}")
    rooms = Path(sknoisy.__path__[0], package)
    public += [f"sknoisy.{package}.{m.name}" for m in pkgutil.iter_modules([str(rooms)])]
for name in public:
    last = name.rpartition(".")[2]
    if not last.startswith("_") and last not in exported_by_sknoisy and name not in listed:
        raise ConfigError(f"{name} is public and not listed in docs/api.rst.")

html_theme = "alabaster"
html_title = f"sknoisy {release}"
html_show_sourcelink = False
html_theme_options = {
    "description": "scikit-learn estimators that cope with wrong labels, wrong numbers and broken "
    "rows",
    "fixed_sidebar": True,
    "page_width": "1100px",
    "sidebar_width": "240px",
}


def skip_what_scikit_learn_documents(app, what, name, obj, skip, options):
    """Leave out members inherited from scikit-learn (`get_params`, `score`, ...)."""
    function = inspect.unwrap(obj.fget if isinstance(obj, property) else obj)
    module = getattr(function, "__module__", None) or ""
    return True if module.split(".")[0] == "sklearn" else None


def setup(app):
    app.connect("autodoc-skip-member", skip_what_scikit_learn_documents)
