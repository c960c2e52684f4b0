"""The explorer in a real JupyterLab: the page and the kernel agree on query and selection."""

import json
import re

import pytest

pytestmark = pytest.mark.browser

CELLS = [
    """
    import numpy as np
    from simlab.views._explorer import Explorer

    generator = np.random.default_rng(0)
    kinds = np.arange(200) % 4
    points = generator.normal(size=(200, 2)) + 4 * np.eye(4, 2)[kinds]
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    order = np.argsort(distance, axis=1)[:, :12]
    explorer = Explorer.of(
        xy=points,
        neighbors=order,
        similarities=1 / (1 + np.take_along_axis(distance, order, axis=1)),
        labels=kinds,
        thumbnails=[generator.random((8, 8)) for _ in kinds],
    )
    print("neighbors of 7:", order[7].tolist())
    """,
    "explorer",
    'print("query", explorer.query, "selected", len(explorer.selected))',
    "explorer.query = 11",
]


BACKGROUND_CELLS = [
    """
    import numpy as np
    from simlab import Items, explore
    from simlab.space import Embeddings

    kinds = np.arange(60) % 3
    vectors = np.eye(3)[kinds] + np.random.default_rng(0).normal(scale=0.2, size=(60, 3))
    explorer = explore(
        Embeddings(vectors, Items.from_arrays(vectors, labels=kinds)),
        background=True,
        progress=False,
    )
    print(explorer.projection)
    """,
    "explorer",
    "print(explorer.wait().projection)",
]


def written(cells, path):
    """Write a notebook of these cells."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": [],
            "source": "\n".join(line.removeprefix("    ") for line in text.strip().split("\n")),
        }
        for number, text in enumerate(cells)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    path.write_text(
        json.dumps(
            {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        )
    )
    return path


def test_the_page_and_the_kernel_agree(lab, tmp_path):
    notebook = lab(written(CELLS, tmp_path / "explorer.ipynb"))
    page = notebook.page
    notebook.run_all()
    expected = [int(row) for row in re.findall(r"\d+", notebook.printed(0).split(":")[1])]
    page.wait_for_function("document.querySelector('.query .muted')?.textContent === '11'")
    cards = page.locator(".card")
    before = [int(card.get_attribute("data-row")) for card in cards.all()]
    notebook.click_point(7)
    page.wait_for_function("document.querySelector('.query .muted')?.textContent === '7'")
    shown = [int(card.get_attribute("data-row")) for card in cards.all()]

    assert shown == expected
    assert shown != before
    assert "query 7 selected 0" in notebook.run(2)

    cards.first.click()
    page.wait_for_function(
        "row => document.querySelector('.card')?.dataset.row !== row", arg=str(expected[0])
    )

    assert f"query {expected[0]} selected 0" in notebook.run(2)

    box = page.locator(".simlab-explorer .surface").bounding_box()
    corners = [(0.02, 0.02), (0.02, 0.98), (0.98, 0.98), (0.98, 0.02), (0.02, 0.02)]
    page.get_by_role("button", name="Lasso").click()
    page.mouse.move(box["x"] + 0.02 * box["width"], box["y"] + 0.02 * box["height"])
    page.mouse.down()
    for across, down in corners:
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=3)
    page.mouse.up()
    page.wait_for_selector(".selection:not([hidden])")

    assert "selected 200" in notebook.run(2)

    notebook.run(3)
    page.wait_for_function("document.querySelector('.query .muted')?.textContent === '11'")
    page.locator(".surface").focus()
    page.keyboard.press("x")  # which would cut a cell in JupyterLab's own hands
    page.keyboard.press("l")

    assert page.get_by_role("button", name="Lasso").get_attribute("aria-pressed") == "true"
    assert notebook.n_cells == len(CELLS)


def test_umap_takes_the_place_of_pca_in_the_page_when_it_is_ready(lab, tmp_path):
    notebook = lab(written(BACKGROUND_CELLS, tmp_path / "background.ipynb"))
    first = notebook.run(0)
    notebook.run(1)
    caption = notebook.page.locator(".simlab-explorer .caption")
    caption.wait_for()
    told = notebook.run(2)
    notebook.page.wait_for_function(
        "document.querySelector('.simlab-explorer .caption').textContent.startsWith('UMAP')"
    )

    assert (first.strip(), told.strip()) == ("PCA", "UMAP")
    assert not notebook.page.is_visible(".simlab-explorer .progress")
