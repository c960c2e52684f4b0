"""The notebooks: short, paired, executed in a real kernel; the README shows the same cells."""

import re
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def said(path):
    """Read the texts that the cells of an executed notebook gave back."""
    cells = nbformat.read(path, 4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", []) if "data" in output]
    return "\n".join(output.data.get("text/plain", "") for output in outputs)


def code_cells(book):
    return [cell.source for cell in book.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestEveryNotebook:
    def test_is_equal_to_its_twin(self, path):
        book, twin = jupytext.read(path), jupytext.read(path.with_suffix(".py"))

        assert [cell.source for cell in book.cells] == [cell.source for cell in twin.cells]

    def test_is_kept_without_outputs(self, path):
        outputs = [cell for cell in nbformat.read(path, 4).cells if cell.get("outputs")]

        assert not outputs

    def test_has_at_most_ten_short_code_cells(self, path):
        cells = code_cells(nbformat.read(path, 4))

        assert len(cells) <= 10
        assert max(len(cell.splitlines()) for cell in cells) <= 8

    def test_tells_each_step_before_it_is_done(self, path):
        kinds = [cell.cell_type for cell in nbformat.read(path, 4).cells]

        assert kinds.count("markdown") >= kinds.count("code") - 2
        assert kinds[0] == "markdown"


def test_the_readme_shows_the_cells_of_the_quickstart():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = {line.strip() for block in blocks for line in block.splitlines()}
    cells = code_cells(nbformat.read(ROOT / "notebooks" / "01_quickstart.ipynb", 4))

    missing = [line for cell in cells for line in cell.splitlines() if line.strip() not in lines]

    assert missing == []


@pytest.mark.notebook
@pytest.mark.real
def test_the_quickstart_runs_and_shows_the_gain_on_unseen_classes(quickstart):
    told = said(quickstart / "reports" / "01_quickstart.ipynb")
    found = dict(re.findall(r"^\s+(frozen|supcon|triplet) +recall@1 (0\.\d+)", told, re.MULTILINE))

    assert float(found["frozen"]) < 0.65
    assert min(float(found["supcon"]), float(found["triplet"])) >= 0.70


@pytest.mark.notebook
@pytest.mark.real
def test_the_executed_quickstart_keeps_the_state_of_its_widgets(quickstart):
    book = nbformat.read(quickstart / "reports" / "01_quickstart.ipynb", 4)
    state = book.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    titles = [model["state"].get("title") for model in state.values()]

    assert {"before training", "after training, unseen emoji"} <= set(titles)


@pytest.mark.notebook
@pytest.mark.real
def test_views_and_cut_run_and_training_helps(executed):
    told = said(executed("02_views_and_cut") / "reports" / "02_views_and_cut.ipynb")
    rate = r"^ +(frozen|head, views|head|layers above the cut) +recall@1 (0\.\d+)"
    rates = {name: float(value) for name, value in re.findall(rate, told, re.MULTILINE)}

    assert "(1000, 3, 2016)" in told
    assert rates.keys() == {"frozen", "head", "head, views", "layers above the cut"}
    assert min(rates.values()) == rates["frozen"]


@pytest.mark.notebook
@pytest.mark.real
def test_two_sets_run_and_training_helps_the_one_with_fine_labels(executed):
    told = said(executed("03_two_sets") / "reports" / "03_two_sets.ipynb")
    rates = re.findall(r"unseen, named +recall@1 +(0\.\d+)", told)

    assert "array([[ 1., nan]]" in told
    assert float(rates[1]) > float(rates[0]) + 0.05


@pytest.mark.notebook
@pytest.mark.real
def test_unknown_classes_run_and_few_strangers_get_an_answer(executed):
    told = said(executed("06_unknown_classes") / "reports" / "06_unknown_classes.ipynb")
    n, unknown = re.search(r"Classification: (\d+) queries, (\d+) unknown", told).groups()

    assert int(unknown) > 0.85 * int(n)
    assert float(re.search(r"false-accept-rate (0\.\d+)", told)[1]) < 0.15
    assert "100 of 100 classes new" in told


@pytest.mark.notebook
@pytest.mark.real
def test_comparing_losses_runs_and_every_loss_is_better_than_no_training(executed):
    told = said(executed("05_comparing_losses") / "reports" / "05_comparing_losses.ipynb")
    better = re.findall(r"^  (supcon|triplet|softmax) .* better$", told, re.MULTILINE)

    assert set(better) == {"supcon", "triplet", "softmax"}


@pytest.mark.notebook
def test_watching_training_runs_and_advises_on_what_goes_wrong(executed):
    path = executed("04_watching_training") / "reports" / "04_watching_training.ipynb"
    told = said(path)
    state = nbformat.read(path, 4).metadata.widgets["application/vnd.jupyter.widget-state+json"]
    [monitor] = [one["state"] for one in state["state"].values() if "runs" in one["state"]]

    assert "Health: nothing seems wrong" in told
    assert "gradients faded" in told
    assert [run["name"] for run in monitor["runs"]] == ["supcon on pixels", "lr 0.0001", "lr 10"]
    assert len(monitor["runs"][0]["rows"]) == 31


@pytest.mark.notebook
@pytest.mark.real
def test_space_health_finds_confusions_and_training_fixes_more_than_it_breaks(executed):
    told = said(executed("07_space_health") / "reports" / "07_space_health.ipynb")
    anti_hubs = [float(value) for value in re.findall(r"anti_hubs +(0\.\d+)", told)]
    friends = [float(value) for value in re.findall(r"alignment +(\d\.\d+)", told)]

    assert re.search(r"[1-9]\d* pairs? of 24 labels confused", told)
    assert re.search(r"nearest neighbor right: .* better$", told, re.MULTILINE)
    assert friends[1] < friends[0]
    assert anti_hubs[1] > anti_hubs[0]
