"""Print the page of this room: `python -m simlab.training.losses > README.md`."""

from simlab.training.losses._table import page

print(page(), end="")  # noqa: T201 (it is what this is for)
