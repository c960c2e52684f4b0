"""The page on calibration: its code runs, from top to bottom, and says what it shows."""

import re
from pathlib import Path

import pytest

import simlab

PAGE = Path(simlab.__file__).parent / "space" / "CALIBRATION.md"


def test_the_code_of_the_page_runs_and_strangers_are_unknown():
    text = PAGE.read_text(encoding="utf8")
    names = {}

    exec("\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)), names)  # noqa: S102

    assert names["strangers"] > 0.9
    assert names["found"].is_unknown.mean() < 0.8
    assert f"finds {names['alarms']:.0%} of the other ones" in text
    assert names["check"].value("set-coverage") == pytest.approx(0.9, abs=0.06)
