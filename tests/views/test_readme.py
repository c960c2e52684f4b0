"""The page of the room: its code runs, and its table knows every key."""

import re
from pathlib import Path

import simlab

PAGE = (Path(simlab.__file__).parent / "views" / "README.md").read_text(encoding="utf8")


def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}

    exec("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), names)  # noqa: S102

    assert names["explorer"].bookmarks == [17, 42]
    assert (tmp_path / "digits.html").exists()


def test_the_table_knows_every_letter_of_the_keyboard():
    source = Path(simlab.__file__).parent / "views" / "static" / "keys.js"
    letters = set(re.findall(r"^    (\w): ", source.read_text(encoding="utf8"), re.MULTILINE))
    rows = [row for row in PAGE.splitlines() if row.startswith("| ")]

    assert {"a", "b", "c", "f", "l", "m"} <= letters
    assert letters <= set(re.findall(r"`(\w)`", "".join(rows)))
