"""Execute a notebook in a fresh kernel, save it with outputs and widget state, echo its text."""

import argparse
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def execute(notebook: Path, to: Path) -> None:
    """Run every cell in the notebook's own folder, as a person would.

    Parameters
    ----------
    notebook : Path
        The notebook; it stays as it is.
    to : Path
        Where the executed one is written.
    """
    book = nbformat.read(notebook, as_version=4)
    started = time.perf_counter()

    def say(cell: nbformat.NotebookNode, **_: object) -> None:
        seconds = time.perf_counter() - started
        first = cell.source.splitlines()[-1] if cell.source else ""
        print(f"[{seconds:6.1f} s] {first}", flush=True)
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/plain", output.get("text", ""))
            is_bar = "%|" in text  # of progress, which only a live notebook can move
            if text and output.get("name") != "stderr" and not is_bar:
                print("\n".join(f"    {line}" for line in text.rstrip().splitlines()), flush=True)

    client = NotebookClient(
        book,
        timeout=1200,
        kernel_name="python3",
        resources={"metadata": {"path": str(notebook.parent)}},
        on_cell_executed=say,
    )
    client.execute()
    to.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, to)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    arguments = parser.parse_args()
    execute(arguments.notebook, arguments.to)


if __name__ == "__main__":
    main()
