"""The page of the room: its code runs, from top to bottom."""

import re
from pathlib import Path

import pytest

import simlab

PAGE = Path(simlab.__file__).parent / "items" / "README.md"


@pytest.mark.filterwarnings("ignore::simlab.errors.SimlabWarning")
def test_the_code_of_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf8"), re.DOTALL)
    names = {}

    exec("\n".join(blocks), names)  # noqa: S102

    assert len(names["items"]) < 600
    assert min(names["scores"].values()) > 0.2
