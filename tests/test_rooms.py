"""The house: no import runs upward, no circle, no crowded folder, no room that stands apart."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sknoisy

ROOT = Path(sknoisy.__file__).parent
TESTS = Path(__file__).parent
# The ground first; a room imports only from below it, or from itself.
FLOORS = [
    "_typing",
    "exceptions",
    "_fitted",
    "_limits",
    "_report",
    "_notebook",
    "_progress",
    "datasets",
    "_evidence",
    "metrics",
    "_temperature",
    "_wrapper",
    "_soft_fit",
    "_more_columns",
    "_votes",
    "_em",
    "noise_model",
    "threshold",
    "detection",  # its own modules, which its rooms share
    "detection.features",
    "detection.out_of_sample",
    "detection.stages",
    "detection.influence",
    "detection.bags",
    "detection.committees",
    "treatment",
    "robust",
    "model_selection",
    "multilabel",
    "weak_labels",  # its own modules, which its rooms share
    "weak_labels.crowds",
    "weak_labels.labelling_functions",
    "weak_labels.positive_unlabelled",
    "weak_labels.partial",
    "weak_labels.unlabelled",
    "training",
    "training.correction",
    "training.trusted",
    "training.poisoned",
    "training.losses",
    "training.hidden_groups",
    "training.moving_targets",
    "training.groups",
    "training.error_models",
    "training.distillation",
    "training.mixing",
    "training.shift",
    "training.sources",
    "reject",
    "dask",
    "report",
    "inspection",
    "",  # sknoisy itself, the short list
    "_audit",
    "__main__",
]
NAMES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts) for path in ROOT.rglob("*.py")
}
MODULES = {name.removesuffix(".__init__") for name in NAMES}


def imports(module):
    """Modules of sknoisy that a module imports, at its top or in a function."""
    path = ROOT.parent / (module.replace(".", "/") + ".py")
    path = path if path.exists() else path.with_suffix("") / "__init__.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("sknoisy"))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively: write the whole name"
            if node.module.split(".")[0] == "sknoisy":
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    yield inner if inner in MODULES else node.module


def room(module):
    """The innermost floor that holds a module."""
    parts = module.split(".")[1:]
    return next(".".join(parts[:i]) for i in (2, 1, 0) if ".".join(parts[:i]) in FLOORS)


def is_front(module):
    """Whether it is the table of contents of a package, which imports from its own rooms."""
    return f"{module}.__init__" in NAMES


def test_every_module_has_a_floor():
    inner = {m for m in MODULES if room(m) == "" and m != "sknoisy"}
    assert not inner, f"on no floor: {inner}; add the room to FLOORS in this file"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_import_runs_upward(module):
    here = FLOORS.index(room(module))
    for used in imports(module):
        own_room = is_front(module) and used.startswith(f"{module}.")
        assert own_room or FLOORS.index(room(used)) <= here, f"{module} imports {used}, from above"


def test_no_imports_go_in_a_circle():
    # what a front hands out comes from the modules behind it
    TopologicalSorter({module: set(imports(module)) for module in MODULES}).prepare()


def test_no_folder_is_crowded():
    folders = {path for path in ROOT.rglob("*") if path.is_dir() and path.name != "__pycache__"}
    sizes = {str(f.relative_to(ROOT)): len(list(f.glob("*.py"))) - 1 for f in folders}
    assert max(sizes.values()) <= 20, {f: n for f, n in sizes.items() if n > 20}


def test_no_room_stands_apart():
    """Each room uses another one or is used by one; the tops do not count."""
    links = {(room(m), room(used)) for m in MODULES for used in imports(m)}
    tops = {"", "__main__"}
    tied = {name for link in links if link[0] != link[1] and not tops & set(link) for name in link}
    assert tied == set(FLOORS) - tops, f"tied to nothing: {set(FLOORS) - tops - tied}"


def test_tests_mirror_the_rooms():
    ours = {str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py")}
    folders = {str(Path(path).parent) for path in ours} - {"."}
    rooms = {name.replace(".", "/") for name in FLOORS} | {"evidence", "audit"}
    assert folders <= rooms, f"tests in folders that are no rooms: {folders - rooms}"
    for name in FLOORS:
        if name.startswith("detection."):
            assert name.replace(".", "/") in folders, f"no tests of {name}"
