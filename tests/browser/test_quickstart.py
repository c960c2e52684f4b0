"""The quickstart as its reader meets it: live in JupyterLab, and as a report with no network."""

import shutil
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.real]

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_quickstart.ipynb"
TEN_MINUTES = 600_000


def cards(root):
    return root.locator(".card").all_inner_texts()


def test_a_click_on_the_map_changes_the_gallery_of_the_live_notebook(lab):
    notebook = lab(NOTEBOOK)
    notebook.page.set_default_timeout(TEN_MINUTES)
    notebook.run_all()
    root = notebook.page.locator(".simlab-explorer[data-ready]").first
    notebook.click_point(3)
    root.locator(".card").first.wait_for()
    before = cards(root)

    notebook.click_point(500)
    notebook.page.wait_for_function(
        "told => document.querySelector('.simlab-explorer .query')?.innerText !== told", arg=""
    )

    assert cards(root) != before
    assert len(cards(root)) == len(before) == 12


@pytest.fixture
def report(quickstart, offline):
    return offline((quickstart / "reports" / "quickstart.html").read_text("utf-8"))


def test_a_click_in_the_report_shows_neighbors_without_kernel_and_network(report):
    root = report.page.locator(".simlab-explorer[data-ready]").first
    root.locator(".surface").scroll_into_view_if_needed()

    report.click_point(3)

    assert len(cards(root)) == 12
    assert not [url for url in report.requests if url.startswith(("http", "ws"))]
    assert report.complaints == []


def test_a_click_on_a_neighbor_in_the_report_walks_on_to_it(report):
    root = report.page.locator(".simlab-explorer[data-ready]").first
    root.locator(".surface").scroll_into_view_if_needed()
    report.click_point(3)

    root.locator(".card").first.click()
    report.page.wait_for_function(
        "() => document.querySelector('[data-widget]').model.get('query') !== 3"
    )

    assert len(cards(root)) == 12


def test_the_report_answers_to_the_pointer(report):
    root = report.page.locator(".simlab-explorer[data-ready]").first
    root.locator(".surface").scroll_into_view_if_needed()
    x, y = report.point(3)

    report.page.mouse.move(x, y)

    root.locator(".tooltip").wait_for(state="visible")


def test_the_report_opens_from_anywhere_as_one_file(quickstart, tmp_path, offline):
    moved = shutil.copy(quickstart / "reports" / "quickstart.html", tmp_path / "moved.html")

    page = offline(Path(moved).read_text("utf-8"))

    page.page.locator(".simlab-explorer[data-ready]").first.wait_for()
    assert page.complaints == []
