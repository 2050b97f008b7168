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

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "**sg_execution_times.rst", "auto_examples/**/*.ipynb"]
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

# The examples are run, and their pictures taken, while the pages are made.
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "plot_",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": "sknoisy",
    "reference_url": {"sknoisy": None},
    "backreferences_dir": "generated/examples",  # which examples use a class: shown on its page
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "image_scrapers": ("matplotlib",),
    "matplotlib_animations": False,
}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True  # what is copied has neither prompts nor answers

html_theme = "pydata_sphinx_theme"
html_title = f"sknoisy {release}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["sknoisy.css"]
html_sidebars = {"index": [], "benchmarks": [], "add_a_detector": []}
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system has it
toc_object_entries_show_parents = "hide"
html_theme_options = {
    "logo": {"text": "sknoisy"},
    "navbar_end": ["theme-switcher"],
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "show_toc_level": 2,
    "collapse_navigation": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def skip_what_scikit_learn_documents(app, what, name, obj, skip, options):
    """Leave out members inherited from scikit-learn (`get_params`, `score`, ...)."""
    function = inspect.unwrap(obj.fget if isinstance(obj, property) else obj)
    module = getattr(function, "__module__", None) or ""
    return True if module.split(".")[0] == "sklearn" else None


def setup(app):
    app.connect("autodoc-skip-member", skip_what_scikit_learn_documents)
