"""The page for users of Quaterion: its lines run, and its constants are right."""

import re
from pathlib import Path
from types import SimpleNamespace as Sample

import pytest
import pytorch_lightning as pl
import torch
from torch.nn.functional import cross_entropy, normalize, relu

import simlab as sl
from simlab.items import from_quaterion
from simlab.training.heads import HEADS
from simlab.training.losses import check_loss, ranking_of_pairs, triplet, triplet_all

PAGE = (Path(sl.__file__).parent / "training" / "QUATERION.md").read_text("utf8")
LINES = re.findall(r"\| `((?:[a-z, ]+ = |sl\.|run\.)[^`|]+)` \|", PAGE)
NAMES = [f"{word} {number}" for word in ("lime", "cake", "fox", "car") for number in range(6)]


@pytest.fixture
def known(monkeypatch, tmp_path):
    """Return what the lines name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIMLAB_CACHE", str(tmp_path / "cache"))
    groups = [number // 6 for number in range(24)]
    samples = [Sample(obj=obj, group=group) for obj, group in zip(NAMES, groups, strict=True)]
    encoder, short = sl.encoder("wordllama"), {"epochs": 1, "progress": False, "val": 0}
    items = from_quaterion(samples)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False}
    return {
        "sl": sl,
        "from_quaterion": from_quaterion,
        "encoder": encoder,
        "groups": groups,
        "items": items,
        "objects": NAMES,
        "others": [name + "s" for name in NAMES],
        "run": sl.fit(items, encoder, **short),
        "samples": samples,
        "scores": [0.9] * 24,
        "short": short,
        "subgroups": groups,
        "trainer": pl.Trainer(max_epochs=1, accelerator="cpu", enable_progress_bar=False, **quiet),
    }


@pytest.mark.filterwarnings("ignore::simlab.errors.SimlabWarning")
@pytest.mark.filterwarnings("ignore:.*(num_workers|log_every_n_steps|bottleneck)")
def test_every_line_runs(known):
    assert len(LINES) > 25
    for line in LINES:
        exec(line, known)  # noqa: S102
        if line.startswith("loss") and "ranking-of-pairs" not in line:
            check_loss(known["loss"])

    assert len(known["pairs"]) == 48
    assert 0 <= known["rate"] <= 1
    assert Path("my-run").exists()


def test_every_head_of_the_page_is_there():
    heads = PAGE[PAGE.index("## Heads") :]
    told = {*re.findall(r'"([a-z]+(?:-[a-z]+)*)"(?=[`,])', heads)}

    assert {"identity", "gated-skip", "stacked"} <= told <= {"switch", *HEADS}


@pytest.mark.filterwarnings("ignore::simlab.errors.SimlabWarning")
def test_the_first_block_runs(known):
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {"samples": known["samples"]}
    exec(block, names)  # noqa: S102

    assert len(names["vectors"]) == 24


@pytest.mark.parametrize("loss", ["ranking-of-pairs", "cosent"])
def test_pairs_of_one_subgroup_are_learned_from(loss, blobs):
    values = blobs(20, 2).content[:]
    samples = [
        Sample(obj_a=a, obj_b=b, score=1.0 - 0.1 * (row % 2), subgroup=0)
        for row, (a, b) in enumerate(zip(values[::2], values[1::2], strict=True))
    ]
    items = from_quaterion(samples)
    run = sl.fit(items, sl.encoder("pixels"), loss=loss, epochs=2, val=0, cache=False,
                 progress=False)  # fmt: skip

    assert run.history["loss"][2] < run.history["loss"][1]


# -- constants: Quaterion's formulas, in plain torch --------------------------------------------


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(12, 5), torch.arange(12) % 3


def similarity_matrix(first, second):
    return (normalize(first, dim=1) @ normalize(second, dim=1).T + 1) / 2


def test_scale_20_of_multiple_negatives_acts_as_10(batch):
    vectors, _ = batch
    theirs = cross_entropy(20 * similarity_matrix(vectors[:6], vectors[6:]), torch.arange(6))
    pairs = torch.stack([torch.arange(6), torch.arange(6, 12)], dim=1)

    torch.testing.assert_close(ranking_of_pairs(vectors, pairs, scale=10.0), theirs)


def test_the_hard_triplet_is_that_of_quaterion(batch):
    vectors, labels = batch
    apart = 1 - similarity_matrix(vectors, vectors)
    same = labels[:, None] == labels
    positive = torch.where(same, apart, -1.0).amax(dim=1)
    negative = torch.where(same, 2.0, apart).amin(dim=1)
    theirs = relu((positive - negative) / negative.mean() + 0.5).mean()

    ours = triplet(vectors, labels, margin=0.5, relative=True)
    torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=0)  # both guard the division


def test_all_triplets_cost_twice_as_much(batch):
    vectors, labels = batch
    apart = 1 - similarity_matrix(vectors, vectors)
    cost = relu(apart[:, :, None] - apart[:, None, :] + 0.5)
    same = (labels[:, None] == labels) & ~torch.eye(12, dtype=torch.bool)
    valid = same[:, :, None] & (labels[:, None] != labels)[:, None, :] & (cost > 0)

    torch.testing.assert_close(triplet_all(vectors, labels, margin=1.0), 2 * cost[valid].mean())
