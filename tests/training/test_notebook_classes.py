"""What is defined in a notebook can be trained, saved, and loaded in another session."""

import json

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.notebook

OWN = """
import numpy as np
import torch
from torch import nn
import simlab as sl

class Halving:
    name, modalities, fingerprint = "halving", frozenset({"array"}), "halving-1"

    def encode(self, content):
        return np.stack([array.ravel() / 2 for array in content]).astype("float32")

class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU())

    def forward(self, arrays):
        return self.layers(arrays)

class Turning(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.turn = nn.Linear(dim, 16, bias=False)

    def forward(self, vectors):
        return torch.tanh(self.turn(vectors))

class Spread(nn.Module):
    def __init__(self):
        super().__init__()
        self.temperature = nn.Parameter(torch.tensor(0.1))

    def forward(self, embeddings, labels):
        unit = nn.functional.normalize(embeddings, dim=1)
        logits = unit @ unit.T / self.temperature - 9 * torch.eye(len(labels))
        same = (labels[:, None] == labels) & ~torch.eye(len(labels), dtype=bool)
        return -(logits.log_softmax(dim=1) * same).sum() / same.sum()

digits = sl.load("striped-digits").split(by="label")
encoders = {"class": Halving(), "module": sl.encoder(Backbone())}
quiet = {"epochs": 2, "cache": False, "progress": False}
"""
SAVE = """
for name, encoder in encoders.items():
    dim = 64 if name == "class" else 32
    run = sl.fit(digits, encoder, head=Turning(dim), loss=Spread(), **quiet)
    run.save(f"{name}-run")
    np.save(f"{name}.npy", run.encode(digits.content[:5]))
"""
LOAD = """
import json
told = {}
for name, encoder in encoders.items():
    dim = 64 if name == "class" else 32
    run = sl.Run.load(f"{name}-run", encoder=encoder, head=Turning(dim))
    told[name] = bool((run.encode(digits.content[:5]) == np.load(f"{name}.npy")).all())
    told[name + " loss"] = float(run.loss_state["temperature"]) != 0.1
print(json.dumps(told))
"""


def ran(folder, *cells):
    """Run cells in a kernel of its own; return what the last one printed."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, timeout=200).execute()
    return "".join(one["text"] for one in notebook.cells[-1].outputs if one["name"] == "stdout")


def test_classes_of_a_notebook_are_saved_and_loaded_in_another_session(tmp_path):
    ran(tmp_path, OWN, SAVE)
    told = json.loads(ran(tmp_path, OWN, LOAD))

    assert told == dict.fromkeys(["class", "class loss", "module", "module loss"], True)
