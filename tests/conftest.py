"""What every test stands on: one thread, fixed seeds, no network, a temporary cache, tiny items."""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from simlab.items import Items

settings.register_profile("untimed", deadline=None)  # a busy machine breaks no law
settings.load_profile("untimed")

ROOT = Path(__file__).parents[1]
LABELS = ["ash", "ash", "ash", "ash", "elm", "elm", "elm", "elm", "oak", "oak", "oak", "oak"]


def pytest_configure(config):
    """Give doctests a temporary cache too: fixtures of this file do not reach them."""
    config.stash["folder"] = os.environ["SIMLAB_CACHE"] = tempfile.mkdtemp(prefix="simlab-tests-")


def pytest_unconfigure(config):
    shutil.rmtree(config.stash["folder"], ignore_errors=True)


@pytest.fixture(autouse=True)
def cache_root(tmp_path_factory, monkeypatch):
    """Let each test begin with an empty cache of its own; returns its folder."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SIMLAB_CACHE", str(folder))
    monkeypatch.delenv("SIMLAB_CACHE_LIMIT", raising=False)
    return folder


@pytest.fixture(autouse=True)
def fixed_chance():
    """Seed every source of chance; torch only where a test has imported it."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (libraries still draw from it)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
        torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def no_network():
    """Refuse every connection that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self, address):
        if isinstance(address, tuple) and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            message = f"tests must not use the network; tried {address}"
            raise RuntimeError(message)
        return connect(self, address)

    socket.socket.connect = guarded
    yield
    socket.socket.connect = connect


class CountingEncoder:
    """Reads everything; counts what it is asked; equal content gets equal vectors."""

    name = "counting"
    modalities = frozenset({"array", "image", "text"})

    def __init__(self, fingerprint="counting-1"):
        self.fingerprint = fingerprint
        self.batches = []

    @property
    def n_encoded(self):
        return sum(self.batches)

    def encode(self, content):
        self.batches.append(len(content))
        return np.stack([self._vector(value) for value in content])

    def _vector(self, value):
        if isinstance(value, str):
            value = [len(value), *(value.count(letter) for letter in "aeiou")]
        return np.asarray(value, dtype=np.float32).ravel()


@pytest.fixture
def counting():
    """Return an encoder that counts; `type(counting)(fingerprint)` makes others."""
    return CountingEncoder()


@pytest.fixture
def items():
    """Return twelve arrays of shape (2, 2) in three labels of four; one corner per label."""
    values = np.random.default_rng(0).normal(scale=0.1, size=(12, 2, 2)).astype(np.float32)
    values.reshape(12, 4)[np.arange(12), np.repeat([0, 1, 2], 4)] += 1
    return Items.from_arrays(values, labels=LABELS, ids=[f"tree-{row}" for row in range(12)])


@pytest.fixture
def texts():
    """Return six sentences in two labels."""
    said = ["a red fox", "the fox runs", "foxes", "a blue car", "the car stops", "two cars"]
    return Items.from_arrays(said, labels=["fox"] * 3 + ["car"] * 3)


@pytest.fixture
def photos(tmp_path) -> Path:
    """Return a folder of two labels with three small PNG files each."""
    folder = tmp_path / "photos"
    for label, color in [("blue", (0, 0, 200)), ("red", (200, 0, 0))]:
        (folder / label).mkdir(parents=True)
        for number in range(3):
            picture = Image.new("RGB", (8, 6), tuple(min(255, part + number) for part in color))
            picture.save(folder / label / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def executed(tmp_path_factory):
    """Execute a notebook in a fresh kernel: `executed(name)` is the folder that holds `reports/`.

    All share one cache, and none is executed twice.
    """
    folder = tmp_path_factory.mktemp("executed")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")

    def execute(name):
        notebook, to = (folder / where / f"{name}.ipynb" for where in ("notebooks", "reports"))
        if not to.exists():
            done = subprocess.run(
                [sys.executable, notebook.parent / "execute.py", notebook, "--to", to],
                env=os.environ
                | {"SIMLAB_CACHE": str(folder / "cache"), "JUPYTER_PLATFORM_DIRS": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        return folder

    return execute


@pytest.fixture(scope="session")
def quickstart(executed) -> Path:
    """Return the folder that holds `reports/` of the executed quickstart."""
    return executed("01_quickstart")
