"""Cache: says what is remembered, and makes room without harm to anybody who reads."""

import json
import math
import os
import time

import numpy as np
import pytest

from simlab.encoders import Cache, embed
from simlab.errors import ChoiceError, DataError
from simlab.items import Items


def quiet(items, encoder, **options):
    return embed(items, encoder, progress=False, **options)


@pytest.fixture
def spaces(items, texts, counting, cache_root):
    """Fill two spaces, the second one unused for ten days; returns the two encoders."""
    other = type(counting)("counting-2")
    quiet(items, counting)
    quiet(texts, other)
    for file in (cache_root / "vectors" / "counting-2").iterdir():
        os.utime(file, (time.time() - 10 * 86_400,) * 2)
    return counting, other


def names(cache):
    return list(cache.frame["space"])


def test_an_empty_cache_shows_itself(cache_root):
    cache = Cache.at()

    assert repr(cache) == f"Cache: 0 vectors in 0 spaces, 0.0 MB, in {str(cache_root)!r}"
    assert cache.frame.empty
    assert "Cache" in cache._repr_html_()


@pytest.mark.usefixtures("spaces")
def test_spaces_say_what_they_are(cache_root):
    frame = Cache.at().frame.set_index("space")

    assert frame["encoder"].tolist() == ["counting", "counting"]
    assert frame["vectors"].tolist() == [12, 6]
    assert frame["dim"].tolist() == [4, 6]
    assert frame["dtype"].tolist() == ["float32", "float32"]
    sizes = [
        sum(file.stat().st_size for file in (cache_root / "vectors" / one).iterdir())
        for one in frame.index
    ]
    assert frame["bytes"].tolist() == sizes
    assert frame["last_used"].is_monotonic_decreasing
    assert "counting-1" in Cache.at()._repr_html_()


@pytest.mark.usefixtures("spaces")
def test_the_note_can_be_read_without_simlab(cache_root):
    note = json.loads((cache_root / "vectors" / "counting-1" / "space.json").read_text())

    assert sorted(note) == ["created", "dim", "dtype", "encoder"]


def test_the_hit_rate_is_that_of_this_process(items, counting, tmp_path):
    quiet(items[:6], counting, cache=tmp_path / "one")
    quiet(items, counting, cache=tmp_path / "one")
    [rate] = Cache.at(tmp_path / "one").frame["hit_rate"]
    (tmp_path / "one").rename(tmp_path / "two")
    [foreign] = Cache.at(tmp_path / "two").frame["hit_rate"]

    assert rate == pytest.approx(6 / 18)
    assert math.isnan(foreign)


@pytest.mark.parametrize("note", [None, "", "[1]", '{"encoder": 3}'])
def test_a_missing_or_foreign_note_does_no_harm(items, spaces, cache_root, note):
    path = cache_root / "vectors" / "counting-1" / "space.json"
    path.unlink()
    if note is not None:
        path.write_text(note)

    assert len(quiet(items, spaces[0])) == 12
    assert Cache.at().frame["vectors"].tolist() == [12, 6]
    assert spaces[0].n_encoded == 12


def test_what_was_not_used_for_long_is_pruned(items, texts, spaces):
    assert names(Cache.at().prune(older_than=11)) == ["counting-1", "counting-2"]
    assert names(Cache.at().prune(older_than=9)) == ["counting-1"]

    quiet(items, spaces[0])
    quiet(texts, spaces[1])
    assert [one.n_encoded for one in spaces] == [12, 12]


def test_reading_counts_as_use(texts, spaces, cache_root):
    quiet(Items.from_arrays(["new"]), type(spaces[1])("counting-3"))
    from simlab.encoders._cache import store_at

    store_at.cache_clear()  # as in another process, which notes its use at once
    quiet(texts, spaces[1])

    assert "counting-2" in names(Cache.at(cache_root).prune(older_than=9))


def test_the_longest_unused_goes_first_until_the_rest_fits(spaces):  # noqa: ARG001
    cache = Cache.at()
    [first, _] = cache.frame["bytes"]

    assert names(cache.prune(max_bytes=cache.n_bytes)) == ["counting-1", "counting-2"]
    left = Cache.at().prune(max_bytes=int(first))
    assert (names(left), left.n_bytes) == (["counting-1"], first)
    assert Cache.at().prune(max_bytes=0).n_bytes == 0


def test_one_large_space_loses_its_oldest_segments_only(items, counting, cache_root):
    for row in range(4):
        quiet(items[row : row + 1], counting)
        newest = max(cache_root.rglob("*.safetensors"), key=lambda file: file.stat().st_mtime_ns)
        os.utime(newest, (row, row))
    before = Cache.at()
    after = before.prune(max_bytes=before.n_bytes - 1)
    quiet(items[1:4], counting)

    assert after.frame["vectors"].tolist() == [3]
    assert counting.n_encoded == 4


@pytest.mark.parametrize("ask", [{}, {"older_than": -1}, {"max_bytes": -1}])
def test_pruning_without_a_measure_is_refused(ask):
    with pytest.raises(DataError, match=r"prune needs older_than \(days\) or max_bytes"):
        Cache.at().prune(**ask)


def test_one_space_or_all_are_cleared(items, spaces, cache_root):
    rest = Cache.at().clear("counting-2")
    assert names(rest) == ["counting-1"]
    assert names(rest.clear()) == []
    assert list((cache_root / "vectors").iterdir()) == []

    assert len(quiet(items, spaces[0])) == 12
    assert spaces[0].n_encoded == 24


@pytest.mark.usefixtures("spaces")
def test_an_unknown_space_is_told_with_those_there_are():
    with pytest.raises(ChoiceError, match="Did you mean 'counting-1'"):
        Cache.at().clear("counting-11")


def test_who_reads_while_it_is_cleared_goes_on(items, counting, cache_root):
    quiet(items, counting)
    from simlab.encoders._cache import VectorStore

    rows = VectorStore(cache_root / "vectors" / "counting-1").locate(items.content.digests())
    Cache.at().clear()

    truth = np.stack(list(items.content)).reshape(12, 4)
    assert (rows.take(np.arange(12)) == truth).all()
    assert (quiet(items, counting).vectors == truth).all()


def test_what_killed_writers_left_is_swept_and_what_is_being_written_is_not(spaces, cache_root):  # noqa: ARG001
    space = cache_root / "vectors" / "counting-1"
    for name in ("old.safetensors.1.part", "new.safetensors.1.part", "x.damaged"):
        (space / name).touch()
    os.utime(space / "old.safetensors.1.part", (0, 0))
    Cache.at().prune(max_bytes=10**9)

    assert {file.name for file in space.iterdir() if file.suffix in {".part", ".damaged"}} == {
        "new.safetensors.1.part"
    }


def test_the_folder_vanishing_while_a_segment_is_written_is_no_error(items, counting, monkeypatch):
    from simlab.encoders import _cache

    write, calls = _cache.write_segment, []

    def vanishing(path, *args):
        calls.append(path)
        if len(calls) == 1:
            path.parent.rmdir()
        write(path, *args)

    monkeypatch.setattr(_cache, "write_segment", vanishing)

    assert len(quiet(items, counting)) == 12
    assert len(calls) == 2
    assert Cache.at().frame["vectors"].tolist() == [12]
