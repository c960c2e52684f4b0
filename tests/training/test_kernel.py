"""The stop button of a real kernel: the best head so far, and a kernel that goes on."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.notebook

PREPARE = """
import numpy as np
from simlab import Items, encoder, fit
values = np.random.default_rng(0).normal(size=(120, 6)).astype("f4")
items = Items.from_arrays(values, labels=[row % 10 for row in range(120)])
class Listener:
    asks_to_stop = False
    def start(self, name, epochs, *, metric, refits):
        pass
    def epoch(self, row, advice):
        print("epoch", row["epoch"], flush=True)
    def end(self, *, best_epoch, finished):
        print("end", finished, flush=True)
"""
TRAIN = """
how = {"epochs": 100_000, "patience": 100_000, "cache": False, "progress": Listener()}
run = fit(items, encoder("pixels"), **how)
"""
LOOK = "print(run.finished, run.best_epoch in set(run.history['epoch']), type(run).__name__)"


@pytest.fixture
def kernel(tmp_path):
    """Return a client of a kernel of this Python, and its manager."""
    manager_of = pytest.importorskip("jupyter_client").KernelManager
    manager = manager_of(kernel_name="python3")
    manager.kernel_spec.argv[0] = sys.executable
    environment = os.environ | {"IPYTHONDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    manager.start_kernel(env=environment, cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    yield client, manager
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def said(client, message, *, until=None):
    """Collect what a cell prints, until it rests or has printed a word."""
    texts = []
    while True:
        got = client.get_iopub_msg(timeout=120)
        if got["parent_header"].get("msg_id") != message:
            continue
        kind, content = got["msg_type"], got["content"]
        if kind == "error":
            raise AssertionError("\n".join(content["traceback"]))
        if kind == "stream":
            texts.append(content["text"])
        if kind == "status" and content["execution_state"] == "idle":
            return "".join(texts)
        if until is not None and until in "".join(texts):
            return "".join(texts)


def test_the_stop_button_gives_a_run_twice_in_a_row(kernel):
    client, manager = kernel
    said(client, client.execute(PREPARE))
    for _ in range(2):
        training = client.execute(TRAIN)
        said(client, training, until="epoch 3")
        manager.interrupt_kernel()

        assert "end False" in said(client, training)
        assert said(client, client.execute(LOOK)).split() == ["False", "True", "Run"]
