"""Filling keeps the machine busy: pictures decoded in parallel, memory kept, progress told."""

import threading

import numpy as np
import pytest

from simlab.encoders import embed
from simlab.encoders.filling import _memory
from simlab.encoders.filling._reading import Reader
from simlab.items import Items, _column


@pytest.fixture
def two_workers(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)


@pytest.mark.usefixtures("two_workers")
def test_two_pictures_are_decoded_at_once(photos, monkeypatch):
    """Each of a pair waits for the other: one after the other, they would wait in vain."""
    read, together = _column.read_image, threading.Barrier(2, timeout=10)

    def met(stored):
        together.wait()
        return read(stored)

    monkeypatch.setattr(_column, "read_image", met)
    with Reader(Items.from_folder(photos).content, np.arange(6)) as reader:
        assert len(reader.take(6)) == 6


@pytest.mark.usefixtures("two_workers")
def test_the_next_batch_is_read_while_one_is_encoded(photos, monkeypatch):
    read, taken = _column.read_image, threading.Semaphore(0)

    def counted(stored):
        taken.release()
        return read(stored)

    monkeypatch.setattr(_column, "read_image", counted)
    with Reader(Items.from_folder(photos).content, np.arange(6)) as reader:
        reader.take(3)
        assert all(taken.acquire(timeout=10) for _ in range(6))


def test_pictures_come_in_the_order_asked_for(photos):
    content, order = Items.from_folder(photos).content, np.array([4, 0, 5, 1])
    with Reader(content, order) as reader:
        found = [np.asarray(one) for one in (*reader.take(3), *reader.take(3))]

    assert all((one == np.asarray(content[at])).all() for one, at in zip(found, order, strict=True))


def test_the_bar_tells_rate_and_remaining_time(items, counting, capsys):
    embed(items, counting, batch_size=4)

    assert "item/s]" in (told := capsys.readouterr().err)
    assert "<" in told


class FakeLibrary:
    def __init__(self):
        self.asked = []

    def mallopt(self, option, value):
        self.asked.append((option, value))

    def malloc_trim(self, _):
        self.asked.append("trimmed")


@pytest.fixture
def library(monkeypatch):
    fake = FakeLibrary()
    monkeypatch.setattr(_memory, "_glibc", lambda: fake)
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    return fake


def test_memory_is_kept_while_content_is_encoded_and_given_back(library, items, counting):
    embed(items, counting, progress=False)

    assert (_memory._TRIM_THRESHOLD, 1 << 30) in library.asked
    assert library.asked[-1] == "trimmed"


def test_what_the_environment_says_of_memory_stays(library, items, counting, monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=1")
    embed(items, counting, progress=False)

    assert library.asked == []
