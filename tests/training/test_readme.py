"""The page of the room: its code runs, from top to bottom."""

import re
from pathlib import Path

import pytest

import simlab

PAGE = Path(simlab.__file__).parent / "training" / "README.md"


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec:FutureWarning")
def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf8"), re.DOTALL)
    names = {}

    exec("\n".join(blocks), names)  # noqa: S102

    best = [names[run].history["val_map@r"].max() for run in ("small", "remembered")]
    assert best[1] > best[0] + 0.02
    assert names["module"].lr == names["found"].suggestion()
    assert list((tmp_path / "states").iterdir()) == []
    assert next((tmp_path / "logs").rglob("metrics.csv")).stat().st_size > 100
