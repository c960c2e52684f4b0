"""The page of the room: its code runs, and its table knows every metric."""

import re
from pathlib import Path

import simlab
from simlab.errors import ChoiceError

PAGE = (Path(simlab.__file__).parent / "space" / "README.md").read_text(encoding="utf8")


def test_the_code_of_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {}

    exec("\n".join(blocks), names)  # noqa: S102

    assert names["scores"].frame["metric"].tolist() == [
        *("mrr", "ndcg@10", "knn-accuracy@5", "auc", "nmi"),
    ]


def test_the_table_of_metrics_is_complete():
    names = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], names)  # noqa: S102
    try:
        simlab.score(names["space"], metrics=["none of them"])
    except ChoiceError as error:
        choices = set(error.choices)
    rows = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]

    assert {name for row in rows for name in re.findall(r"`(.*?)`", row)} == choices
