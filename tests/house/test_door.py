"""The front door: seventeen-odd names, opened one by one, and nothing heavy behind it."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import simlab

PACKAGE = Path(simlab.__file__).parent
HEAVY = [
    "datasets", "faiss", "ipywidgets", "numba", "numpy", "pandas", "plotly", "pyarrow",
    "pytorch_lightning", "sentence_transformers", "sklearn", "torch", "umap",
]  # fmt: skip


def typed_names():
    """Read the names that type checkers see, with their rooms."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    [block] = [
        node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node)
    ]
    return {
        alias.asname: line.module.removeprefix("simlab.")
        for line in block.body
        for alias in line.names
    }


def loaded_by(code):
    """Run code in a fresh process and tell which heavy packages it has loaded."""
    tell = f"import json, sys; print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], check=True, capture_output=True, text=True
    )
    return json.loads(told.stdout.splitlines()[-1])


def test_the_three_lists_of_names_agree():
    assert typed_names() == simlab._ROOM_OF
    assert sorted(simlab.__all__) == sorted(simlab._ROOM_OF)


def test_names_stand_in_order_values_before_doors():
    values = [name for name in simlab.__all__ if name[0].isupper()]
    doors = [name for name in simlab.__all__ if name[0].islower()]

    assert simlab.__all__ == sorted(values) + sorted(doors)


@pytest.mark.parametrize("name", simlab.__all__)
def test_every_name_opens_its_room(name):
    room = importlib.import_module(f"simlab.{simlab._ROOM_OF[name]}")

    assert getattr(simlab, name) is getattr(room, name)


def test_no_name_is_that_of_a_room():
    rooms = {path.parent.name for path in PACKAGE.glob("*/*.py")}

    assert rooms & set(simlab.__all__) == set()


def test_the_door_lists_its_names_and_no_others():
    assert dir(simlab) == sorted(simlab.__all__)


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(AttributeError) as caught:
        simlab.nothing  # noqa: B018

    assert str(caught.value) == (f"simlab has no 'nothing'; it offers: {', '.join(simlab.__all__)}")


def test_importing_simlab_loads_nothing_heavy():
    assert loaded_by("import simlab") == []


def test_importing_simlab_takes_less_than_a_tenth_of_a_second():
    code = "import time; t = time.perf_counter(); import simlab; print(time.perf_counter() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
        for _ in range(3)
    ]

    assert min(times) < 0.1


SCORED = """
import numpy as np
from simlab.items import Items
from simlab.space import Embeddings, Index, project, score
items = Items.from_arrays(np.eye(4), labels=[0, 0, 1, 1])
emb = Embeddings(np.eye(4)[[0, 0, 1, 1]], items)
score(emb)._repr_html_(), Index(emb).search(emb, k=2)._repr_html_(), project(emb), repr(items)
"""


def test_scoring_searching_and_showing_need_no_torch():
    assert {"torch", "umap", "plotly", "datasets"} & set(loaded_by(SCORED)) == set()


def test_views_and_reports_need_no_torch():
    assert "torch" not in loaded_by("import simlab.views, simlab.reports")


def test_a_view_is_opened_without_torch():
    code = (
        f"{SCORED}\nfrom simlab.views import explore, gallery\ngallery(Index(emb).search(emb, k=2))"
    )

    assert "torch" not in loaded_by(code)


def test_rooms_are_opened_by_their_names_too():
    told = subprocess.run(
        [sys.executable, "-c", "import simlab as sl; print(sl.views.Monitor.__name__)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout == "Monitor\n"
