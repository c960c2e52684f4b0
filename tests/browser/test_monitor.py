"""The monitor: curves in a page without a kernel, and live in a real JupyterLab."""

import re

import nbformat
import pytest

from simlab.reports._page import Widget, page
from simlab.views import Monitor

pytestmark = pytest.mark.browser


def trained(monitor, name, values, **end):
    monitor.start(name, len(values), metric="val_map@r", refits=False)
    for epoch, value in enumerate(values):
        loss = float("nan") if epoch == 0 else 1 / epoch
        row = {"epoch": epoch, "loss": loss, "val_map@r": value, "seconds": epoch / 2}
        monitor.epoch(row, end.get("advice", []))
    best = max(range(len(values)), key=values.__getitem__)
    monitor.end(best_epoch=best, finished=end.get("finished", True))


@pytest.fixture
def two():
    monitor = Monitor("Two losses")
    trained(monitor, "supcon", [0.1, 0.3, 0.5, 0.4])
    trained(monitor, "triplet", [0.1, 0.2, 0.3], finished=False, advice=["The space collapsed."])
    return monitor


@pytest.fixture
def shown(two, offline):
    found = offline(page([Widget(two)], title="Monitor"))
    found.page.wait_for_selector(".simlab-monitor polyline")
    return found


def test_curves_are_drawn_without_kernel_and_network(shown):
    lines = shown.page.locator(".charts polyline")

    assert lines.count() == 4
    assert [len(one.get_attribute("points").split()) for one in lines.all()] == [3, 2, 4, 3]
    assert (
        shown.complaints,
        [url for url in shown.requests if not url.startswith(("file:", "blob:"))],
    ) == ([], [])


def test_runs_are_told_apart_by_color_and_dash(shown):
    lines = shown.page.locator("figure:first-child polyline").all()

    assert len({one.get_attribute("stroke") for one in lines}) == 2
    assert len({one.get_attribute("stroke-dasharray") for one in lines}) == 2


def test_the_table_names_runs_and_what_became_of_them(shown):
    table = shown.page.locator(".runs").inner_text()

    assert re.search(r"supcon\s+done, 3 epochs\s+0.5\s+0.5\s+epoch 2, the best", table)
    assert re.search(r"triplet\s+stopped in epoch 3", table)


def test_advice_is_told_with_the_run_it_is_for(shown):
    assert shown.page.locator(".advice li").inner_text() == "triplet: The space collapsed."


def test_a_training_that_is_over_has_no_button(shown):
    assert not shown.page.locator(".stop").is_visible()


def test_the_table_shows_the_epoch_under_the_pointer(shown):
    box = shown.page.locator(".charts svg").last.bounding_box()
    shown.page.mouse.move(box["x"] + box["width"] - 8, box["y"] + 40)

    assert "at epoch 3" in shown.page.locator(".runs").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_decides_between_light_and_dark(shown, scheme):
    shown.page.emulate_media(color_scheme=scheme)

    shown.page.wait_for_selector(f".simlab-monitor[data-theme={scheme}]")


def test_an_empty_monitor_says_what_to_do(offline):
    found = offline(page([Widget(Monitor())], title="Monitor"))

    assert "progress=monitor" in found.page.locator(".simlab-monitor .empty").inner_text()
    assert not found.page.locator(".charts").is_visible()


def test_names_are_text(offline):
    monitor = Monitor()
    trained(monitor, "<img src=x onerror=alert(1)>", [0.1, 0.2])
    found = offline(page([Widget(monitor)], title="Monitor"))

    assert "<img" in found.page.locator(".runs").inner_text()
    assert found.page.locator(".simlab-monitor img").count() == 0


# -- JupyterLab -----------------------------------------------------------------------------

CELLS = [
    """
import simlab as sl
from simlab.views import Monitor
digits = sl.load("striped-digits").split(by="label")
monitor = Monitor()
monitor
""",
    """
how = {"epochs": 100_000, "patience": 100_000, "cache": False, "progress": monitor}
run = sl.fit(digits, sl.encoder("pixels"), **how)
""",
    "print(run.finished, run.best_epoch in set(run.history['epoch']))",
]


@pytest.fixture
def notebook_path(tmp_path):
    cells = [nbformat.v4.new_code_cell(text.strip()) for text in CELLS]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(book, tmp_path / "monitor.ipynb")
    return tmp_path / "monitor.ipynb"


N_POINTS = "document.querySelector('.charts polyline')?.getAttribute('points').split(' ').length"


def test_curves_grow_while_fit_runs_and_an_interruption_keeps_the_run(lab, notebook_path):
    notebook = lab(notebook_path)
    page = notebook.page
    notebook.run(0)
    page.wait_for_selector(".simlab-monitor .empty:not([hidden])")
    page.evaluate(
        """() => {
            const panel = jupyterapp.shell.currentWidget;
            panel.content.activeCellIndex = 1;
            panel.content.deselectAll();
            jupyterapp.commands.execute("notebook:run-cell");
        }"""
    )
    page.wait_for_function(f"() => {N_POINTS} > 3")
    first = page.evaluate(N_POINTS)
    page.wait_for_function(f"() => {N_POINTS} > {first}")

    assert page.locator(".stop").is_visible()
    assert "works always" in page.locator(".hint").inner_text()

    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    page.wait_for_function("() => document.querySelector('.runs')?.innerText.includes('stopped')")
    notebook.wait_until_idle()

    assert notebook.run(2).split() == ["False", "True"]
