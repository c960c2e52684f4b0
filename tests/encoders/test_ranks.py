"""Ranks of a distributed training share the filling of the cache, and never wait in vain."""

import json
import os
import subprocess
import sys

import pytest
from torch import distributed

from simlab.encoders.filling._ranks import Ranks

RANK = """
import json, sys, time, warnings
from datetime import timedelta
import numpy as np
from torch import distributed
from simlab.encoders import embed, encoder
from simlab.encoders.filling import _ranks
from simlab.items import Items

rank, folder = int(sys.argv[1]), sys.argv[2]
warnings.simplefilter("error")
distributed.init_process_group(
    "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2,
    timeout=timedelta(seconds=60),
)
texts = [f"text {number}" for number in range(40)] + ["text 3"]
told = {}

class Letters:
    modalities = frozenset({"text"})
    def __init__(self, name, fails_at=None):
        self.name = self.fingerprint = name
        self.asked, self.fails_at = [], fails_at
    def encode(self, content):
        if self.fails_at == rank:
            raise ValueError("no more memory")
        self.asked += content
        return truth(content)

def truth(content):
    return np.array([[len(text), hash_of(text)] for text in content], dtype=np.float32)

def hash_of(text):
    return sum(place * ord(letter) for place, letter in enumerate(text, 1))

def run(what, texts, letters, **options):
    options = {"progress": False, "cache": f"{folder}/cache"} | options
    emb = embed(Items.from_arrays(texts), letters, **options)
    assert (emb.vectors == truth(texts)).all(), what
    told[what] = letters.asked

run("together", texts, Letters("one"), progress=True, batch_size=4)
run("again", texts, Letters("one"))
run("own items", texts[::-1] + [f"only {rank} {number}" for number in range(9)], Letters("two"))
run("no cache", texts, Letters("three"), cache=False)
run("half precision", texts, Letters("one"), dtype="float16")
run("other machines", texts, Letters("four"), cache=f"{folder}/cache-{rank}")
run("other encoders", texts, Letters(f"five {rank}"), cache=False)

try:
    run("failure", texts, Letters("six", fails_at=1))
except Exception as error:
    told["failure"] = f"{type(error).__name__}: {error}"
run("after a failure", texts, Letters("six"))

noisy = encoder("pixels", augment=lambda array: array + np.random.normal(size=3))
items = Items.from_arrays(np.eye(3))
views = embed(items, noisy, views=2, cache=f"{folder}/cache", progress=False).views
told["views"] = views.tolist()

if rank == 0:  # the others do not come: nothing is missing, so nobody is waited for
    run("known alone", texts, Letters("one"))
    _ranks._MEETING_SECONDS = 0.1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run("alone", texts, Letters("seven"))
    told["warning"] = str(caught[0].message)
    _ranks._MEETING_SECONDS = 30.0
distributed.barrier()
run("together again", texts, Letters("eight"))
distributed.barrier()
distributed.destroy_process_group()
run("after all", texts, Letters(f"nine {rank}"))
print(json.dumps(told))
"""


def answers(commands):
    """Run commands side by side; returns what each says on its last line, and on stderr."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, env=environment, **pipes) for command in commands]
    try:
        said = [process.communicate(timeout=100) for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0] * len(running), said
    return [(json.loads(out.splitlines()[-1]), err) for out, err in said]


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """Let two ranks embed; returns what each tells, and its stderr."""
    folder = str(tmp_path_factory.mktemp("ranks"))
    return answers([[sys.executable, "-c", RANK, str(rank), folder] for rank in range(2)])


def asked(ranks, what):
    return [told[what] for told, _ in ranks]


TEXTS = [f"text {number}" for number in range(40)]


@pytest.mark.parametrize("what", ["together", "no cache", "half precision", "together again"])
def test_each_content_is_encoded_on_one_rank(ranks, what):
    first, second = asked(ranks, what)

    assert sorted(first + second) == sorted(TEXTS)
    assert min(len(first), len(second)) > 5


def test_what_is_known_is_encoded_by_nobody(ranks):
    assert asked(ranks, "again") == [[], []]


def test_what_one_rank_alone_has_it_encodes(ranks):
    first, second = asked(ranks, "own items")

    assert sorted(first + second) == sorted(
        [*TEXTS, *(f"only {rank} {number}" for rank in range(2) for number in range(9))]
    )


@pytest.mark.parametrize("what", ["other machines", "other encoders"])
def test_what_the_others_cannot_share_is_encoded_here(ranks, what):
    assert [sorted(one) for one in asked(ranks, what)] == [sorted(TEXTS)] * 2


def test_a_failure_of_one_rank_is_raised_on_all(ranks):
    assert asked(ranks, "failure") == [
        "RankError: embed failed on rank 1, and so on all; there: ValueError: no more memory",
        "ValueError: no more memory",
    ]


def test_what_was_done_before_a_failure_is_kept(ranks):
    first, second = asked(ranks, "after a failure")

    assert first == []
    assert 5 < len(second) < 40


def test_views_are_the_same_on_all_ranks(ranks):
    first, second = asked(ranks, "views")

    assert first == second
    assert first[0][0] != first[0][1]


def test_a_rank_that_calls_alone_does_not_wait_for_ever(ranks):
    told, _ = ranks[0]

    assert told["known alone"] == []
    assert sorted(told["alone"]) == sorted(TEXTS)
    assert told["warning"].startswith("not all 2 ranks called embed within 0 s; rank 0 encodes")


def test_without_a_process_group_each_process_is_alone(ranks):
    assert [sorted(one) for one in asked(ranks, "after all")] == [sorted(TEXTS)] * 2


@pytest.mark.parametrize(("worker", "n_ranks"), [(None, 2), (None, 1), (object(), 2)])
def test_a_worker_of_a_data_loader_is_no_rank(monkeypatch, worker, n_ranks):
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: n_ranks)
    monkeypatch.setattr(distributed, "get_rank", lambda: 0)
    monkeypatch.setattr("torch.utils.data.get_worker_info", lambda: worker)

    assert Ranks.now() == (Ranks(0, 2) if worker is None and n_ranks > 1 else None)


def test_one_bar_is_shown(ranks):
    assert ["embed: one" in err for _, err in ranks] == [True, False]


LIGHTNING = """
import json, sys, warnings
import numpy as np
import pytorch_lightning as pl
import torch
from simlab.encoders import embed
from simlab.items import Items

class Doubling:
    name = fingerprint = "doubling"
    modalities = frozenset({"array"})
    asked = 0
    def encode(self, content):
        self.asked += len(content)
        return 2 * np.stack(content)

values = np.random.default_rng(0).normal(size=(60, 4)).astype("f4")
encoder = Doubling()

class Data(pl.LightningDataModule):
    def setup(self, stage):
        self.vectors = embed(Items.from_arrays(values), encoder, progress=False).vectors
        assert (self.vectors == 2 * values).all()
    def train_dataloader(self):
        return torch.utils.data.DataLoader(torch.from_numpy(self.vectors.copy()), batch_size=8)

class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 1)
    def training_step(self, batch, _):
        return self.linear(batch).square().mean()
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

trainer = pl.Trainer(
    accelerator="cpu", strategy="ddp", devices=2, max_steps=2, logger=False,
    enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
)
trainer.fit(Model(), datamodule=Data())
asked = [None] * 2
torch.distributed.all_gather_object(asked, encoder.asked)
if trainer.is_global_zero:
    print(json.dumps(asked))
"""


def test_the_ranks_of_a_lightning_trainer_share_the_filling(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(LIGHTNING)

    [(shares, _)] = answers([[sys.executable, script]])
    assert sum(shares) == 60
    assert min(shares) > 10
