"""The store of vectors: nothing but sound segments of its own encoder is ever believed."""

import os
import shutil
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from safetensors.numpy import load_file, save_file

from simlab._fingerprint import array_parts, digest
from simlab.encoders.store._cache import VectorStore, _alone_in
from simlab.encoders.store._keys import KeyIndex, distinct
from simlab.errors import CacheError, SimlabWarning

KEYS = np.arange(48, dtype=np.uint8).reshape(3, 16)
VECTORS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def folder(tmp_path):
    VectorStore(tmp_path / "encoder").add(KEYS, VECTORS)
    return tmp_path / "encoder"


def segment_of(folder):
    [segment] = folder.glob("*.safetensors")
    return segment


def find(store, keys):
    """Look up one by one: a list of vectors, None where nothing is known."""
    rows = store.locate(keys)
    vectors = iter(rows.take(np.flatnonzero(rows.known)))
    return [next(vectors) if known else None for known in rows.known]


def test_what_was_added_is_found_in_any_order(folder):
    found = find(VectorStore(folder), KEYS[[2, 0]])

    assert np.stack(found).tolist() == [[4, 5], [0, 1]]


def test_what_was_not_added_is_not_found(folder):
    assert find(VectorStore(folder), KEYS + 100) == [None, None, None]


def test_a_store_without_a_folder_knows_nothing_and_makes_none(tmp_path):
    assert find(VectorStore(tmp_path / "none"), KEYS[:1]) == [None]
    assert not (tmp_path / "none").exists()


def test_a_store_sees_what_others_add_later(folder):
    store = VectorStore(folder)
    find(store, KEYS)
    VectorStore(folder).add(KEYS + 100, VECTORS)

    assert np.stack(find(store, KEYS + 100)).tolist() == VECTORS.tolist()


def test_other_types_are_kept_as_float32(folder):
    VectorStore(folder).add(KEYS + 100, VECTORS.astype(np.float64)[:, ::-1])

    assert np.stack(find(VectorStore(folder), KEYS + 100)).tolist() == VECTORS[:, ::-1].tolist()


def test_vectors_handed_out_are_not_tied_to_the_file(folder):
    found = find(VectorStore(folder), KEYS)
    segment_of(folder).unlink()

    assert np.stack(found).tolist() == VECTORS.tolist()


def test_every_flipped_bit_is_noticed_or_harmless(folder):
    segment = segment_of(folder)
    sound = segment.read_bytes()
    wrong = []
    for place in range(len(sound)):
        for bit in range(8):
            spoiled = bytearray(sound)
            spoiled[place] ^= 1 << bit
            path = folder / "spoiled.safetensors"
            path.write_bytes(spoiled)
            segment.unlink(missing_ok=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SimlabWarning)
                found = find(VectorStore(folder), KEYS)
            pairs = zip(found, VECTORS, strict=True)
            if any(one is not None and (one != vector).any() for one, vector in pairs):
                wrong.append((place, bit))

    assert wrong == []


@settings(max_examples=200)
@given(data=st.data())
def test_any_garbage_is_set_aside_with_a_warning(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("garbage")
    (folder / "x.safetensors").write_bytes(data.draw(st.binary(max_size=200)))

    with pytest.warns(SimlabWarning, match="is damaged and set aside"):
        assert find(VectorStore(folder), KEYS) == [None, None, None]
    assert [file.name for file in folder.iterdir()] == ["x.damaged"]


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 9, 60, -1])
def test_a_truncated_segment_is_set_aside(folder, keep):
    segment = segment_of(folder)
    segment.write_bytes(segment.read_bytes()[:keep])

    with pytest.warns(SimlabWarning, match="is damaged and set aside"):
        assert find(VectorStore(folder), KEYS) == [None, None, None]


def test_a_damaged_segment_does_not_hide_the_sound_ones(folder):
    VectorStore(folder).add(KEYS + 100, VECTORS)
    first = min(folder.glob("*.safetensors"))
    first.write_bytes(b"")

    with pytest.warns(SimlabWarning):
        found = find(VectorStore(folder), np.concatenate([KEYS, KEYS + 100]))

    assert sum(one is not None for one in found) == 3


def test_a_segment_that_another_process_set_aside_first_does_no_harm(folder, monkeypatch):
    segment_of(folder).write_bytes(b"")

    def too_late(self, target):  # noqa: ARG001
        raise FileNotFoundError

    monkeypatch.setattr("pathlib.Path.rename", too_late)

    with pytest.warns(SimlabWarning):
        assert find(VectorStore(folder), KEYS) == [None, None, None]


def test_a_segment_that_cannot_be_read_is_left_where_it_is(folder):
    (folder / "other.safetensors").mkdir()

    with pytest.warns(SimlabWarning, match=r"cannot be read \(.*\); its vectors"):
        found = find(VectorStore(folder), KEYS)

    assert np.stack(found).tolist() == VECTORS.tolist()
    assert (folder / "other.safetensors").exists()


def test_a_sound_segment_from_the_folder_of_another_encoder_is_not_believed(folder):
    other = folder.rename(folder.with_name("other"))

    with pytest.warns(SimlabWarning, match="is damaged and set aside"):
        assert find(VectorStore(other), KEYS) == [None, None, None]


# -- look-up --------------------------------------------------------------------------------

FEW_KEYS = st.lists(st.integers(0, 3), min_size=16, max_size=16).map(
    lambda row: [*[0] * 7, row[0] % 2, *[0] * 7, row[1]]
)
"""Keys of which many agree in one half, or in both."""


def as_keys(rows):
    return np.array(rows, dtype=np.uint8).reshape(-1, 16)


@given(st.lists(st.lists(FEW_KEYS, min_size=1), max_size=4), st.lists(FEW_KEYS, min_size=1))
def test_an_index_finds_what_a_dict_finds(segments, asked):
    segment, row = KeyIndex([as_keys(one) for one in segments]).look_up(as_keys(asked))

    for key, number, place in zip(asked, segment, row, strict=True):
        assert (number >= 0) == any(key in one for one in segments)
        assert number < 0 or segments[number][place] == key


@given(st.lists(FEW_KEYS, min_size=1))
def test_distinct_keys_are_those_of_a_dict(rows):
    first, again = distinct(as_keys(rows))

    assert [rows[place] for place in first[again]] == rows
    assert sorted(first) == sorted({rows.index(row) for row in rows})


def test_an_unknown_row_is_never_read(folder):
    rows = VectorStore(folder).locate(KEYS + 100)

    with pytest.raises(IndexError, match="not known"):
        rows.take(np.array([0]))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("dim", [1, 2, 3, 8, 600])
@pytest.mark.parametrize("n_segments", [1, 2, 7])
def test_vectors_of_any_length_are_gathered_from_any_number_of_segments(
    tmp_path, dtype, dim, n_segments
):
    store = VectorStore(tmp_path / "space", dtype)
    rng = np.random.default_rng(0)
    keys = rng.integers(256, size=(70, 16), dtype=np.uint8)
    vectors = rng.normal(size=(70, dim)).astype(dtype).astype(np.float32)
    for part in np.array_split(np.arange(70), n_segments):
        store.add(keys[part], vectors[part])
    rows = store.locate(np.concatenate([keys, keys + 1]))

    for size in (0, 1, 70, 1100):
        batch = rng.integers(70, size=size)
        assert (rows.take(batch) == vectors[batch]).all()
    with pytest.raises(IndexError, match="not known"):
        rows.take(np.array([3, 100]))


def test_rows_stay_readable_when_their_segments_are_removed(folder):
    rows = VectorStore(folder).locate(KEYS)
    segment_of(folder).unlink()

    assert rows.take(np.array([2, 0, 2])).tolist() == [[4, 5], [0, 1], [4, 5]]


def test_vectors_of_two_lengths_are_an_error(folder):
    VectorStore(folder).add(KEYS + 100, np.ones((3, 5)))

    with pytest.raises(CacheError, match=r"vectors of one length; got \[2, 5\]; delete"):
        VectorStore(folder).locate(np.concatenate([KEYS, KEYS + 100]))


# -- one store for a session ----------------------------------------------------------------


def test_a_flipped_byte_is_noticed_by_a_store_that_has_read_the_segment_before(folder):
    store = VectorStore(folder)
    find(store, KEYS)
    segment = segment_of(folder)
    spoiled = bytearray(segment.read_bytes())
    spoiled[-60] ^= 1
    segment.write_bytes(spoiled)
    os.utime(segment, ns=(1, 1))  # clocks of file systems are coarse

    with pytest.warns(SimlabWarning, match="is damaged and set aside"):
        assert find(store, KEYS) == [None, None, None]
    store.add(KEYS, VECTORS)
    assert np.stack(find(store, KEYS)).tolist() == VECTORS.tolist()


def test_a_segment_is_verified_once(folder, monkeypatch):
    store = VectorStore(folder)
    find(store, KEYS)
    monkeypatch.setattr("simlab.encoders.store._segments.begin", None)

    assert np.stack(find(store, KEYS)).tolist() == VECTORS.tolist()


def test_a_cleared_folder_is_forgotten(folder):
    store = VectorStore(folder)
    find(store, KEYS)
    shutil.rmtree(folder)

    assert find(store, KEYS) == [None, None, None]


def test_the_files_are_safetensors_that_others_read(folder):
    read = load_file(segment_of(folder))

    assert (read["keys"].tolist(), read["vectors"].tolist()) == (KEYS.tolist(), VECTORS.tolist())


def test_segments_written_by_the_library_are_read(folder):
    path = folder / "other.safetensors"
    keys, vectors = KEYS + 100, VECTORS + 1
    check = digest(b"encoder", *array_parts(keys), *array_parts(vectors)).hex()
    save_file({"keys": keys, "vectors": vectors}, path, metadata={"check": check})

    assert np.stack(find(VectorStore(folder), keys)).tolist() == vectors.tolist()


# -- merging --------------------------------------------------------------------------------


def scattered(folder, n=40):
    """Write `n` segments of one vector each; returns keys and vectors."""
    keys = np.random.default_rng(0).integers(256, size=(n, 16), dtype=np.uint8)
    vectors = np.arange(2.0 * n, dtype=np.float32).reshape(n, 2)
    for row in range(n):
        VectorStore(folder).add(keys[[row]], vectors[[row]])
    return keys, vectors


def n_segments(folder):
    return len(list(folder.glob("*.safetensors")))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_small_segments_become_one_and_nothing_is_lost(tmp_path, dtype):
    store = VectorStore(tmp_path / "space", dtype)
    keys = np.random.default_rng(0).integers(256, size=(40, 16), dtype=np.uint8)
    vectors = np.arange(80, dtype=np.float32).reshape(40, 2)
    for row in range(40):
        store.add(keys[[row]], vectors[[row]])
    other = VectorStore(tmp_path / "space", dtype)
    before = other.locate(keys)
    store.tidy()

    assert n_segments(tmp_path / "space") == 1
    everywhere = np.arange(len(keys))
    for rows in (before, other.locate(keys), store.locate(keys)):
        assert (rows.take(everywhere) == vectors).all()


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_few_segments_of_each_size_remain_and_no_vector_is_written_often(tmp_path_factory, lengths):
    from simlab.encoders.store import _cache

    folder = tmp_path_factory.mktemp("merging") / "space"
    keys = np.random.default_rng(0).integers(256, size=(sum(lengths), 16), dtype=np.uint8)
    vectors = np.arange(len(keys), dtype=np.float32)[:, None]
    store, written = VectorStore(folder), np.zeros(len(keys))
    write = _cache.write_segment

    def counted(path, told, keys, vectors):
        written[np.concatenate(vectors)[:, 0].astype(int)] += 1
        write(path, told, keys, vectors)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_cache, "write_segment", counted)
        patch.setattr("simlab.encoders.store._segments.os.fsync", lambda _: None)
        for part in np.split(np.arange(len(keys)), np.cumsum(lengths)[:-1]):
            store.add(keys[part], vectors[part])
            store.tidy()

    rows = VectorStore(folder).locate(keys)
    sizes = [int(np.log2(len(one.keys)) / 2) for one in store._segments.values()]
    assert (rows.take(np.arange(len(keys))) == vectors).all()
    assert max(map(sizes.count, sizes)) <= 3
    assert written.max() <= 2 + np.log2(len(keys)) / 2


def test_segments_of_a_large_file_are_not_written_again(tmp_path, monkeypatch):
    monkeypatch.setattr("simlab.encoders.store._merging._MERGED_BYTES", 40)  # five vectors
    keys, vectors = scattered(tmp_path / "space", 12)
    for _ in range(3):
        VectorStore(tmp_path / "space").tidy()

    assert n_segments(tmp_path / "space") == 3
    assert np.stack(find(VectorStore(tmp_path / "space"), keys)).tolist() == vectors.tolist()


def test_what_two_processes_had_written_is_kept_once_when_merged(tmp_path):
    keys, vectors = scattered(tmp_path / "space", 3)
    VectorStore(tmp_path / "space").add(keys, vectors)
    VectorStore(tmp_path / "space").add(keys[[0]], vectors[[0]])
    VectorStore(tmp_path / "space").tidy()
    store = VectorStore(tmp_path / "space")

    assert np.stack(find(store, keys)).tolist() == vectors.tolist()
    assert [len(one.keys) for one in store._segments.values()] == [3]


def test_a_merge_that_was_cut_off_before_the_old_ones_went_is_finished(tmp_path, monkeypatch):
    keys, vectors = scattered(tmp_path / "space", 16)
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        VectorStore(tmp_path / "space").tidy()
    assert len(list((tmp_path / "space").glob("*.safetensors"))) == 17
    monkeypatch.setattr("simlab.encoders.store._cache.write_segment", None)
    VectorStore(tmp_path / "space").tidy()

    assert len(list((tmp_path / "space").glob("*.safetensors"))) == 1
    assert np.stack(find(VectorStore(tmp_path / "space"), keys)).tolist() == vectors.tolist()


def test_damaged_segments_are_never_merged(tmp_path):
    keys, vectors = scattered(tmp_path / "space", 17)
    damaged = min((tmp_path / "space").glob("*.safetensors"))
    spoiled = bytearray(damaged.read_bytes())
    spoiled[-20] ^= 1
    damaged.write_bytes(spoiled)

    with pytest.warns(SimlabWarning, match="is damaged and set aside"):
        VectorStore(tmp_path / "space").tidy()
    VectorStore(tmp_path / "space").tidy()
    found = find(VectorStore(tmp_path / "space"), keys)

    assert sum(one is None for one in found) == 1
    pairs = zip(found, vectors, strict=True)
    assert all((one == vector).all() for one, vector in pairs if one is not None)


def test_two_do_not_merge_at_once(tmp_path):
    scattered(tmp_path / "space", 16)
    with _alone_in(tmp_path / "space") as is_alone:
        VectorStore(tmp_path / "space").tidy()

    assert is_alone
    assert len(list((tmp_path / "space").glob("*.safetensors"))) == 16
