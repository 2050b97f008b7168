"""Public signatures and fitted attributes are annotated, and agree with what is validated."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from sklearn.utils import _param_validation as validation

import sknoisy
from sknoisy import _typing
from sknoisy._evidence._fitting import IsModel

MANY = 12  # options that a signature lists at most; of more it says str
PROTOCOLS = [p for p in vars(_typing).values() if getattr(p, "_is_protocol", False)]


def public_objects():
    """Classes and functions of `__all__` of every public module."""
    found = {}
    for module in pkgutil.walk_packages(sknoisy.__path__, "sknoisy."):
        if any(part.startswith("_") for part in module.name.split(".")):
            continue
        if module.name.startswith("sknoisy.dask") and not has_dask():
            continue
        loaded = importlib.import_module(module.name)
        for name in getattr(loaded, "__all__", []):
            value = getattr(loaded, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                found[value] = None
    return list(found)


def has_dask():
    return importlib.util.find_spec("dask") is not None


def written(value):
    """The function behind a property, class method or decorator; None where there is none."""
    value = value.fget if isinstance(value, property) else value
    value = getattr(value, "__func__", value)
    value = getattr(value, "fn", value)  # available_if
    value = inspect.unwrap(value) if callable(value) else value
    ours = inspect.isfunction(value) and value.__module__.startswith("sknoisy")
    return value if ours and value.__code__.co_filename != "<string>" else None


def signatures(value):
    """(name, function) of a public function, or of the public methods of a class."""
    if not inspect.isclass(value):
        yield value.__name__, inspect.unwrap(value)
        return
    for name in dir(value):
        if name == "__init__" or not name.startswith("_"):
            function = written(inspect.getattr_static(value, name))
            if function is not None:
                yield f"{value.__name__}.{name}", function


PUBLIC = public_objects()


@pytest.mark.parametrize("value", PUBLIC)
def test_every_public_signature_is_annotated(value):
    for name, function in signatures(value):
        parameters = list(inspect.signature(function).parameters)
        asked = {*parameters[inspect.isclass(value) :], "return"}
        assert asked <= set(get_type_hints(function)), f"{name} lacks annotations"


def atoms(annotation):
    """What a union is made of: types, protocols, the values of a Literal."""
    if get_origin(annotation) in (Union, UnionType):
        return set().union(*map(atoms, get_args(annotation)))
    if isinstance(annotation, TypeVar):
        return atoms(annotation.__bound__)
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {None if annotation is NoneType else get_origin(annotation) or annotation}


def asked_for(constraint, parameter):
    """The same of a constraint."""
    if constraint is None:
        return {None}
    if isinstance(constraint, validation.HasMethods):
        methods = {"fit"} if isinstance(constraint, IsModel) else set(constraint.methods)
        return {protocol for protocol in PROTOCOLS if methods_of(protocol) == methods}
    if isinstance(constraint, validation.StrOptions) and len(constraint.options) > MANY:
        return {str}
    if isinstance(constraint, validation.Options):  # StrOptions as well
        return set(constraint.options)
    if isinstance(constraint, validation.Interval):
        return {int if constraint.type is Integral else float}
    known = {
        "array-like": {Iterable} if parameter == "cv" else {_typing.SupportsArray, Sequence},
        "boolean": {bool},
        "random_state": {int, np.random.RandomState, None},
        "cv_object": {int, _typing.Splitter, Iterable, None},
        callable: {Callable},
        list: {Iterable} if parameter == "cv" else {list},
    }
    if constraint in known:
        return known[constraint]
    return {{"Integral": int, "Real": float}.get(constraint.__name__, constraint)}


def methods_of(protocol):
    bases = [base for base in protocol.__mro__ if getattr(base, "_is_protocol", False)]
    methods = {name for base in bases for name, value in vars(base).items() if callable(value)}
    return {name for name in methods if not name.startswith("_")}


def without_repetition(said):
    """0 is an int; a list or a tuple is a sequence; sparse is validated elsewhere."""
    if tuple in said:
        said = said - {list, tuple} | {Sequence}
    values = {v for v in said if v is not None and not callable(v) and type(v) in said}
    return said - values - {_typing.SparseMatrix}


def validated(value):
    """(constraints, function) of a class or function whose parameters are validated by them."""
    if inspect.isclass(value):
        return getattr(value, "_parameter_constraints", None), value.__init__
    return getattr(value, "_skl_parameter_constraints", None), inspect.unwrap(value)


@pytest.mark.parametrize("value", [v for v in PUBLIC if validated(v)[0]])
def test_annotations_agree_with_what_is_validated(value):
    constraints, function = validated(value)
    hints = get_type_hints(function)
    for name in set(constraints) & set(inspect.signature(function).parameters):
        asked = constraints[name]
        if isinstance(asked, str) or hints[name] is Any:  # "no_validation"
            continue
        asked = set().union(*(asked_for(constraint, name) for constraint in asked))
        assert without_repetition(atoms(hints[name])) == without_repetition(asked), name


def documented_attributes(kind):
    """Names of the fitted attributes in the docstring of a class."""
    _, _, section = inspect.getdoc(kind).partition("\nAttributes\n----------\n")
    section = re.split(r"\n.*\n---", section)[0]
    lines = re.findall(r"^(\w.*?)(?: : .*)?$", section, flags=re.MULTILINE)
    names = {name for line in lines for name in line.split(", ")}
    return {name for name in names if re.fullmatch(r"[a-z]\w*_", name)}


@pytest.mark.parametrize("kind", [v for v in PUBLIC if inspect.isclass(v)])
def test_a_type_checker_knows_the_fitted_attributes(kind):
    known = set(dir(kind)).union(*map(inspect.get_annotations, kind.__mro__))
    assert documented_attributes(kind) <= known


def test_a_type_checker_is_told():
    assert Path(sknoisy.__file__).with_name("py.typed").exists()
