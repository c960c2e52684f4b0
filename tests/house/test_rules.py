"""The rules of the house: layers, documentation and size."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import simlab

ROOT = Path(__file__).parents[2]
FILES = [
    path
    for path in sorted((ROOT / "simlab").rglob("*"))
    if path.suffix in {".css", ".js", ".py"} and "_data" not in path.parts
]


def said(path):
    return str(path.relative_to(ROOT))


def takes_anything(value):
    """Tell whether a call takes something of the caller's; values are made by doors."""
    try:
        return bool(set(inspect.signature(value).parameters) - {"args", "kwargs"})
    except (TypeError, ValueError):
        return False


def heading(name):
    return f"{name}\n{'-' * len(name)}"


def test_rooms_are_entered_one_way():
    linter = Path(sys.executable).parent / "lint-imports"
    told = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, check=False, capture_output=True, text=True
    )

    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("name", simlab.__all__)
def test_every_public_name_has_an_example(name):
    assert heading("Examples") in inspect.getdoc(getattr(simlab, name))


@pytest.mark.parametrize("name", simlab.__all__)
def test_every_public_name_tells_what_it_takes(name):
    value = getattr(simlab, name)
    document = inspect.getdoc(value)
    told = any(heading(part) in document for part in ("Parameters", "Attributes"))

    assert told or not takes_anything(value)


@pytest.mark.parametrize("name", [name for name in simlab.__all__ if name[0].islower()])
def test_every_parameter_of_a_door_is_told(name):
    door = getattr(simlab, name)
    document = inspect.getdoc(door)
    parameters = document[document.find(heading("Parameters")) :]

    assert [one for one in inspect.signature(door).parameters if one not in parameters] == []


@pytest.mark.parametrize("name", [name for name in simlab.__all__ if name[0].isupper()])
def test_every_public_method_of_a_value_is_documented(name):
    methods = inspect.getmembers(
        getattr(simlab, name),
        lambda one: inspect.isfunction(one) or inspect.ismethod(one) or isinstance(one, property),
    )

    assert [method for method, one in methods if method[0] != "_" and not inspect.getdoc(one)] == []


@pytest.mark.parametrize("path", FILES, ids=said)
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text(encoding="utf8").splitlines()) <= 400


def test_every_python_file_says_what_it_is_for():
    silent = [
        said(path)
        for path in FILES
        if path.suffix == ".py" and not path.read_text(encoding="utf8").startswith(('"""', 'r"""'))
    ]

    assert silent == []


def test_nothing_is_unpickled():
    wrong = [
        said(path)
        for path in FILES
        if path.suffix == ".py"
        and any(word in path.read_text(encoding="utf8") for word in ("pickle.load", "torch.load("))
    ]

    assert wrong == []
