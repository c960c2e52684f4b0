"""Large batches: remembered, in chunks, over processes; for any loss and miner."""

import json
import os
import subprocess
import sys
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from simlab.encoders import embed, encoder
from simlab.errors import DataError
from simlab.items import Items
from simlab.training import SimilarityModule
from simlab.training.large import Memory, in_chunks
from simlab.training.losses import ADAPTED, LOSSES, make_loss
from simlab.training.miners import MINERS, make_miner

pytestmark = [  # of pytorch-metric-learning
    pytest.mark.filterwarnings("ignore:Using a non-tuple sequence:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning"),
]
torch.manual_seed(0)
VECTORS = torch.randn(60, 12)
LABELS = torch.arange(60) % 6


def network(dropout=0.0):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(12, 32), nn.Tanh(), nn.Dropout(dropout), nn.Linear(32, 8))


def gradients(head, loss):
    """Return the gradients of a module's step, and the loss."""
    return loss.item(), torch.cat(
        [
            one.flatten()
            for one in torch.autograd.grad(loss, list(head.parameters()), allow_unused=True)
        ]
    )


def relative(error, truth):
    return ((error - truth).abs().max() / truth.abs().max()).item()


# -- chunks (GradCache) -----------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LOSSES, *ADAPTED])
def test_gradients_in_chunks_are_those_of_the_full_batch(name):
    head = network()
    torch.manual_seed(2)
    loss = make_loss(name, head(VECTORS).detach(), LABELS)
    found = []
    for size in (None, 7):
        torch.manual_seed(3)
        module = SimilarityModule(head, deepcopy(loss), grad_cache=size)
        found.append(gradients(head, module.judge(VECTORS, LABELS)))
    (value, truth), (again, ours) = found

    assert again == pytest.approx(value, rel=1e-6)
    assert relative(ours, truth) < 1e-5


@pytest.mark.parametrize("name", MINERS)
def test_gradients_in_chunks_hold_for_every_miner(name):
    head = network()
    loss = make_loss("triplet-all", head(VECTORS).detach(), LABELS, miner=make_miner(name))
    found = []
    for size in (None, 7):
        torch.manual_seed(3)
        np.random.seed(3)  # noqa: NPY002 (miners of pytorch-metric-learning draw from it)
        module = SimilarityModule(head, loss, grad_cache=size)
        found.append(gradients(head, module.judge(VECTORS, LABELS))[1])

    assert relative(found[1], found[0]) < 1e-5


def test_a_chunk_drops_the_same_numbers_when_it_is_computed_again():
    head = network(dropout=0.5)
    torch.manual_seed(4)
    vectors = in_chunks(head, VECTORS, 10)
    loss = vectors.square().sum()
    torch.manual_seed(4)
    by_hand = torch.cat([head(part) for part in VECTORS.split(10)]).square().sum()

    assert relative(gradients(head, loss)[1], gradients(head, by_hand)[1]) < 1e-6


def test_only_one_chunk_of_activations_is_held():
    head = network()
    seen = []
    head[0].register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    held = []

    def keep(tensor):
        held.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = in_chunks(head, VECTORS, 20).square().sum()
    loss.backward()

    assert seen == [20] * 6  # forward, and again going backward
    assert sum(held) < 60 * 32  # the activations of the full batch


def test_fit_in_chunks_learns_the_same_head(blobs, learn):
    how = {"dropout": 0, "epochs": 3, "lr": 1e-2, "batch_size": 40}
    plain, chunked = learn(blobs(), **how), learn(blobs(), grad_cache=6, **how)

    for ours, theirs in zip(chunked.head.parameters(), plain.head.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


# -- memory -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LOSSES, *ADAPTED])
def test_with_memory_a_loss_is_that_of_the_large_batch(name):
    head = network()
    torch.manual_seed(2)
    loss = make_loss(name, head(VECTORS).detach(), LABELS)
    memory = Memory(40, 8)
    module = SimilarityModule(head, deepcopy(loss), memory=memory)
    order = torch.cat([torch.arange(40, 60), torch.arange(40)])
    memory(head(VECTORS[:40]).detach(), LABELS[:40])
    torch.manual_seed(3)
    value, ours = gradients(head, module.judge(VECTORS[40:], LABELS[40:]))
    torch.manual_seed(3)
    joined = torch.cat([head(VECTORS[40:]), head(VECTORS[:40]).detach()])
    truth_value, truth = gradients(head, loss(joined, LABELS[order]))

    assert value == pytest.approx(truth_value, rel=1e-6)
    assert relative(ours, truth * 3) < 1e-5  # 20 of 60 items learn for all


@pytest.mark.parametrize("name", MINERS)
def test_a_miner_chooses_from_the_memory_too(name):
    head = network()
    asked = []

    def watched(embeddings, labels):
        asked.append(len(labels))
        return make_miner(name)(embeddings, labels)

    loss = make_loss("triplet-all", head(VECTORS).detach(), LABELS, miner=watched)
    module = SimilarityModule(head, loss, memory=Memory(100, 8))
    for part in range(0, 60, 20):
        assert module.judge(VECTORS[part : part + 20], LABELS[part : part + 20]).isfinite()

    assert asked == [20, 40, 60]


def test_memory_and_chunks_together_have_the_gradient_of_memory_alone():
    found = []
    for size in (None, 7):
        head = network()
        module = SimilarityModule(
            head, make_loss("supcon", VECTORS, LABELS), memory=Memory(30, 8), grad_cache=size
        )
        module.judge(VECTORS[:30], LABELS[:30])
        found.append(gradients(head, module.judge(VECTORS[30:], LABELS[30:]))[1])

    assert relative(found[1], found[0]) < 1e-5


def test_the_oldest_vectors_give_way():
    memory = Memory(5, 1)
    for start in range(0, 12, 3):
        numbers = torch.arange(start, start + 3)
        _, labels = memory(numbers[:, None].float(), numbers)

    assert labels.tolist() == [9, 10, 11, 4, 5, 6, 7, 8]
    vectors, labels = memory(torch.zeros(1, 1), torch.zeros(1).long())
    assert labels.tolist() == [0, 7, 8, 9, 10, 11]
    assert vectors[1:, 0].tolist() == labels[1:].tolist()


def test_of_a_batch_larger_than_the_memory_the_last_vectors_are_remembered():
    memory = Memory(3, 1)
    memory(torch.arange(7.0)[:, None], torch.arange(7))

    assert memory(torch.zeros(1, 1), torch.zeros(1).long())[1].tolist() == [0, 4, 5, 6]


def test_remembered_vectors_get_no_gradient_and_stay_as_they_were():
    memory = Memory(4, 2)
    first = torch.ones(2, 2, requires_grad=True)
    memory(first, torch.zeros(2).long())
    joined, _ = memory(torch.ones(1, 2, requires_grad=True), torch.zeros(1).long())
    joined.sum().backward()

    assert first.grad is None


@pytest.mark.parametrize("size", [64, 512])
def test_memory_lets_a_small_batch_learn_more(digits, learn, size):
    items = digits.where(split="train").split(by="item", test=0.3)
    how = {"batch_size": 8, "per_class": 2, "epochs": 2, "refit": False}
    small, remembered = learn(items, **how), learn(items, memory=size, **how)

    assert remembered.history["val_map@r"].max() > small.history["val_map@r"].max() + 0.05


def test_a_run_does_not_keep_the_memory(blobs, learn):
    assert learn(blobs(), memory=50).loss_state == {}


@pytest.mark.parametrize("forms", ["several labels", "pairs", "sources", "levels"])
def test_memory_knows_every_form_of_similarity(forms, blobs, learn):
    items = blobs(12, 6)
    if forms == "several labels":
        labels = [[label, f"half {row % 2}"] for row, label in enumerate(items.labels)]
        items = Items.from_arrays(items.content, labels=labels)
    elif forms == "pairs":
        items = Items.from_pairs(items.content[:36], items.content[36:], [0.0, 0.5, 1.0] * 12)
    elif forms == "levels":
        labels = [f"{label[-1]}/{label}" for label in items.labels]
        items = Items.from_arrays(items.content, labels=labels)
    else:
        items = Items.concat({"one": items, "two": blobs(12, 6, seed=5)})
    loss = "cosent" if forms == "pairs" else "supcon"
    how = {"loss": loss, "val": 0, "batch_size": 20, "per_class": 2}
    run = learn(items, memory=64, **how)

    assert np.isfinite(run.history["loss"][1:]).all()
    assert run.fingerprint != learn(items, **how).fingerprint


def test_between_remembered_items_of_two_sets_nothing_is_learned(blobs):
    both = Items.concat({"one": blobs(4, 4), "two": blobs(4, 4, seed=5)})
    known = both.similarity
    space = embed(both, encoder("pixels"), cache=False, progress=False)
    seen = []

    def loss(embeddings, relevance):
        seen.append(relevance)
        return embeddings.sum()

    module = SimilarityModule(nn.Identity(), loss, memory=Memory(16, 8), similarity=known)
    vectors = torch.from_numpy(space.vectors.copy())
    module.judge(vectors[:16], torch.arange(16))
    module.judge(vectors[16:], torch.arange(16, 32))

    assert seen[1][:16, 16:].isnan().all()
    assert not seen[1][:16, :16].isnan().any()


def test_two_views_of_a_batch_have_no_use_for_a_memory(learn):
    noisy = encoder("pixels", augment=lambda array: array + 1)
    items = Items.from_arrays(np.eye(12, dtype="f4"))

    with pytest.raises(DataError, match=r"loss 'vicreg' compares two views .* no use for memory="):
        learn(items, noisy, loss="vicreg", views=2, memory=10)


def test_a_miner_a_memory_and_several_sets_do_not_go_together(blobs, learn):
    both = Items.concat({"one": blobs(4, 4), "two": blobs(4, 4, seed=5)})

    with pytest.raises(DataError, match="leave out miner= or memory="):
        learn(both, loss="triplet-all", miner="batch-hard", memory=10)


@pytest.mark.parametrize("name", ["memory", "grad_cache"])
@pytest.mark.parametrize("value", [0, 2.5, "8"])
def test_sizes_are_whole_numbers(blobs, learn, name, value):
    with pytest.raises(DataError, match=f"{name} must be a whole number, at least 1; got"):
        learn(blobs(), **{name: value})


# -- processes --------------------------------------------------------------------------------

RANK = """
import json, sys
import numpy as np
import pytorch_lightning as pl
import torch
from simlab.encoders import embed, encoder
from simlab.items import Items
from simlab.training import SimilarityData, SimilarityModule, fit
from simlab.training.heads import make_head
from simlab.training.large import Memory
from simlab.training.losses import make_loss
from simlab.training.miners import make_miner

n_ranks, batch_size, form = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rng = np.random.default_rng(0)
codes = np.repeat(np.arange(12), 7)
values = (rng.normal(size=(12, 6))[codes] + rng.normal(size=(84, 6))).astype("f4")
labels = [[f"label {code}", f"half {code % 2}"] if form == "several labels" else int(code)
          for code in codes]
items = Items.from_arrays(values, labels=None if form == "views" else labels)
if form == "views":
    noisy = encoder("pixels", augment=lambda array: array + np.random.normal(size=6))
    space = embed(items, noisy, views=2, cache=False, progress=False)
else:
    space = embed(items, encoder("pixels"), cache=False, progress=False)

def trainer():
    many = {"strategy": "ddp", "devices": n_ranks} if n_ranks > 1 else {"devices": 1}
    return pl.Trainer(accelerator="cpu", max_epochs=3, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, **many)

torch.manual_seed(0)
head = make_head("linear", torch.tensor(space.vectors), dropout=0)
if form == "views":  # vicreg says nothing of a bias
    head = torch.nn.Linear(6, 16, bias=False)
start = head(torch.tensor(space.vectors)).detach()
how = {"memory": Memory(40, start.shape[1])} if form == "memory" else {}
if form == "several labels":
    how["similarity"] = items.similarity
    from simlab.training._form_losses import form_loss
    loss, _ = form_loss("supcon", items, start, miner=None)
elif form == "views":
    from simlab.training._form_losses import form_loss
    loss, _ = form_loss("vicreg", items, start, miner=None)
else:
    name = "arcface" if form == "centers" else "triplet-all" if form == "miner" else "supcon"
    miner = make_miner("multi-similarity") if form == "miner" else None
    loss = make_loss(name, start, torch.from_numpy(codes), miner=miner)
module = SimilarityModule(head, loss, lr=1e-2, **how)
data = SimilarityData(space, batch_size=batch_size, per_class=3)
mine = trainer()
mine.fit(module, datamodule=data)
weights = torch.cat([one.flatten() for one in module.parameters()]).tolist()
told = [mine.global_step, weights]
if form == "labels":
    run = fit(items, encoder("pixels"), head="linear", dropout=0, lr=1e-2, val=0.25,
        batch_size=batch_size, per_class=3, cache=False, progress=False, trainer=trainer())
    told.append([run.history.drop(columns="seconds").fillna(0).values.tolist(), run.best_epoch])
if mine.is_global_zero:
    print(json.dumps(told))
"""


def trained(folder, n_ranks, batch_size, form):
    """Train in so many processes; return steps, weights and what fit tells."""
    script = folder / "train.py"
    script.write_text(RANK)
    done = subprocess.run(
        [sys.executable, script, str(n_ranks), str(batch_size), form],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "form", ["labels", "memory", "miner", "centers", "several labels", "views"]
)
def test_two_processes_equal_one_with_the_doubled_batch(tmp_path, form):
    steps, weights, *run = trained(tmp_path, 2, 12, form)
    truth_steps, truth, *truth_run = trained(tmp_path, 1, 24, form)

    assert steps == truth_steps > 3
    assert np.abs(np.subtract(weights, truth)).max() < 1e-5 * np.abs(truth).max()
    for ours, theirs in zip(run, truth_run, strict=True):
        assert np.allclose(ours[0], theirs[0], rtol=1e-4, atol=1e-5)
        assert ours[1] == theirs[1]
