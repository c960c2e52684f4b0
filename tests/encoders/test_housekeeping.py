"""Cache: says what is remembered, and makes room without harm to anybody who reads."""

import json
import math
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from simlab.encoders import Cache, embed
from simlab.errors import ChoiceError, DataError, SimlabWarning
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
    from simlab.encoders.store._cache import store_at

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
    for row in range(3):
        quiet(items[row : row + 1], counting)
        newest = max(cache_root.rglob("*.safetensors"), key=lambda file: file.stat().st_mtime_ns)
        os.utime(newest, (row, row))
    before = Cache.at()
    after = before.prune(max_bytes=before.n_bytes - 1)
    quiet(items[1:3], counting)

    assert after.frame["vectors"].tolist() == [2]
    assert counting.n_encoded == 3


# -- sizes and the limit --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "n_bytes"),
    [
        ("20GB", 20 * 10**9),
        ("500 MB", 500 * 10**6),
        ("1.5tb", 15 * 10**11),
        (" 3 kB ", 3000),
        ("2GiB", 2 << 30),
        ("7", 7),
        ("0 bytes", None),
        ("", None),
        ("-1GB", None),
        ("20 giraffes", None),
        ("1e9", None),
        ("GB", None),
    ],
)
def test_sizes_are_read_as_people_write_them(said, n_bytes, items, counting, monkeypatch):
    if n_bytes is not None:
        monkeypatch.setenv("SIMLAB_CACHE_LIMIT", said)
        assert Cache.at().limit == n_bytes
        return
    with pytest.raises(DataError) as caught:
        Cache.at().prune(max_bytes=said)
    assert str(caught.value) == (
        f"max_bytes must be a size such as '20GB', '500 MB' or a number of bytes; got {said!r}"
    )
    monkeypatch.setenv("SIMLAB_CACHE_LIMIT", said)
    if said:  # empty: not set
        with pytest.raises(DataError, match="SIMLAB_CACHE_LIMIT must be a size"):
            quiet(items, counting)
        assert counting.n_encoded == 0


@pytest.mark.usefixtures("spaces")
def test_pruning_takes_sizes_as_people_write_them():
    assert names(Cache.at().prune(max_bytes="1 GB")) == ["counting-1", "counting-2"]
    assert names(Cache.at().prune(max_bytes="0")) == []


@pytest.fixture
def limited(monkeypatch):
    """Return a function that limits the cache."""
    return lambda n_bytes: monkeypatch.setenv("SIMLAB_CACHE_LIMIT", str(n_bytes))


def test_the_longest_unused_space_goes_when_the_limit_is_passed(
    items, counting, spaces, limited, cache_root
):
    limited(Cache.at().n_bytes + 200)
    (cache_root / "vectors" / "counting-1" / "x.damaged").touch()
    quiet(items, type(counting)("counting-3"))

    cache = Cache.at()
    assert names(cache) == ["counting-1", "counting-3"]
    assert cache.n_bytes <= cache.limit
    quiet(items, spaces[0])
    assert spaces[0].n_encoded == 12


def test_the_space_just_used_stays_though_it_was_unused_for_long(items, texts, spaces, limited):
    limited(Cache.at().n_bytes + 10)
    more = Items.from_arrays([*texts.content, "new"])
    quiet(more, spaces[1])
    n_encoded = spaces[1].n_encoded
    quiet(more, spaces[1])

    assert names(Cache.at()) == ["counting-2"]
    assert n_encoded == spaces[1].n_encoded == 7
    assert len(quiet(items, spaces[0])) == 12


def test_one_warning_tells_of_a_space_larger_than_the_limit_and_nothing_of_it_goes(
    items, counting, limited
):
    limited(100)
    with pytest.warns(SimlabWarning, match=r"keep to 100 bytes \(SIMLAB_CACHE_LIMIT\)") as caught:
        quiet(items[:6], counting)
    quiet(items, counting)
    quiet(items, counting)

    assert len(caught) == 1
    assert counting.n_encoded == 12


def test_reading_removes_nothing(items, spaces, limited):
    limited(0)
    quiet(items, spaces[0])

    assert names(Cache.at()) == ["counting-1", "counting-2"]


@pytest.mark.usefixtures("spaces")
def test_a_space_that_cannot_be_removed_costs_a_warning_and_no_vector(
    items, counting, limited, monkeypatch
):
    def refuse(_, **__):
        raise PermissionError(13, "Permission denied")

    limited(Cache.at().n_bytes)
    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    with pytest.warns(SimlabWarning, match="must be writable"):
        assert len(quiet(items, type(counting)("counting-3"))) == 12


def test_without_a_limit_no_file_is_looked_at(items, counting, monkeypatch):
    monkeypatch.delenv("SIMLAB_CACHE_LIMIT", raising=False)
    monkeypatch.setattr("simlab.encoders.store._housekeeping._sizes", None)

    assert len(quiet(items, counting)) == 12
    assert Cache.at().limit is None


@pytest.mark.usefixtures("spaces")
def test_the_limit_is_shown(limited, cache_root):
    limited("20GB")

    assert repr(Cache.at()) == (
        f"Cache: 18 vectors in 2 spaces, 0.0 MB of at most 20,000.0 MB, in {str(cache_root)!r}"
    )


CROWD = """
import sys
import numpy as np
from simlab.encoders import embed
from simlab.items import Items

class Shifting:
    name = "shifting"
    modalities = frozenset({"array"})
    def __init__(self, by):
        self.by, self.fingerprint = by, f"shifting-{by}"
    def encode(self, content):
        return np.stack(content) + self.by

values = np.random.default_rng(0).normal(size=(200, 8)).astype("f4")
for round in range(12):
    by = (round + int(sys.argv[1])) % 4
    chosen = values[: 20 * round % 200 + 1]
    emb = embed(Items.from_arrays(chosen), Shifting(by), progress=False)
    assert (emb.vectors == chosen + by).all()
"""


def test_several_processes_may_keep_one_cache_to_its_limit(limited):
    limited("9 kB")  # of some spaces; what others merge meanwhile may look larger
    command = [sys.executable, "-W", "error", "-W", "ignore:the cache must keep", "-c", CROWD]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(3)]

    assert [process.wait(timeout=60) for process in processes] == [0] * 3


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
    from simlab.encoders.store._cache import VectorStore

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
    from simlab.encoders.store import _cache

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
