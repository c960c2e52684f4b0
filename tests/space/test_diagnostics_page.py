"""The page on diagnostics: its code runs, from top to bottom, and says what it shows."""

import re
from pathlib import Path

import pytest

import simlab

PAGE = Path(simlab.__file__).parent / "space" / "DIAGNOSTICS.md"


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec:FutureWarning")
def test_the_code_of_the_page_runs_and_training_fixes_more_than_it_breaks():
    names = {}

    text = PAGE.read_text(encoding="utf8")
    exec("\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)), names)  # noqa: S102

    assert names["found"].confusions.pairs["is_confused"].any()
    assert names["change"].tested["verdict"].tolist() == ["better"]


def test_every_measure_is_told_in_its_docstring():
    told = simlab.space.Diagnosis.__doc__
    items = simlab.Items.from_arrays(list("abcd"), labels=[0, 0, 1, 1])
    space = simlab.Embeddings([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], items)

    assert [
        name for name in simlab.space.diagnose(space).measures["measure"] if name not in told
    ] == []
