"""The store of vectors: nothing but sound segments of its own encoder is ever believed."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from simlab.encoders._cache import VectorStore
from simlab.errors import SimlabWarning

KEYS = np.arange(48, dtype=np.uint8).reshape(3, 16)
VECTORS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def folder(tmp_path):
    VectorStore(tmp_path / "encoder").add(KEYS, VECTORS)
    return tmp_path / "encoder"


def segment_of(folder):
    [segment] = folder.glob("*.safetensors")
    return segment


def test_what_was_added_is_found_in_any_order(folder):
    found = VectorStore(folder).find(KEYS[[2, 0]])

    assert np.stack(found).tolist() == [[4, 5], [0, 1]]


def test_what_was_not_added_is_not_found(folder):
    assert VectorStore(folder).find(KEYS + 100) == [None, None, None]


def test_a_store_without_a_folder_knows_nothing_and_makes_none(tmp_path):
    assert VectorStore(tmp_path / "none").find(KEYS[:1]) == [None]
    assert not (tmp_path / "none").exists()


def test_a_store_sees_what_others_add_later(folder):
    store = VectorStore(folder)
    store.find(KEYS)
    VectorStore(folder).add(KEYS + 100, VECTORS)

    assert np.stack(store.find(KEYS + 100)).tolist() == VECTORS.tolist()


def test_other_types_are_kept_as_float32(folder):
    VectorStore(folder).add(KEYS + 100, VECTORS.astype(np.float64)[:, ::-1])

    assert np.stack(VectorStore(folder).find(KEYS + 100)).tolist() == VECTORS[:, ::-1].tolist()


def test_vectors_handed_out_are_not_tied_to_the_file(folder):
    found = VectorStore(folder).find(KEYS)
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
                found = VectorStore(folder).find(KEYS)
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
        assert VectorStore(folder).find(KEYS) == [None, None, None]
    assert [file.name for file in folder.iterdir()] == ["x.damaged"]


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 9, 60, -1])
def test_a_truncated_segment_is_set_aside(folder, keep):
    segment = segment_of(folder)
    segment.write_bytes(segment.read_bytes()[:keep])

    with pytest.warns(SimlabWarning, match="is damaged and set aside"):
        assert VectorStore(folder).find(KEYS) == [None, None, None]


def test_a_damaged_segment_does_not_hide_the_sound_ones(folder):
    VectorStore(folder).add(KEYS + 100, VECTORS)
    first = min(folder.glob("*.safetensors"))
    first.write_bytes(b"")

    with pytest.warns(SimlabWarning):
        found = VectorStore(folder).find(np.concatenate([KEYS, KEYS + 100]))

    assert sum(one is not None for one in found) == 3


def test_a_segment_that_another_process_set_aside_first_does_no_harm(folder, monkeypatch):
    segment_of(folder).write_bytes(b"")

    def too_late(self, target):  # noqa: ARG001
        raise FileNotFoundError

    monkeypatch.setattr("pathlib.Path.rename", too_late)

    with pytest.warns(SimlabWarning):
        assert VectorStore(folder).find(KEYS) == [None, None, None]


def test_a_segment_that_cannot_be_read_is_left_where_it_is(folder):
    (folder / "other.safetensors").mkdir()

    with pytest.warns(SimlabWarning, match=r"cannot be read \(.*\); its vectors"):
        found = VectorStore(folder).find(KEYS)

    assert np.stack(found).tolist() == VECTORS.tolist()
    assert (folder / "other.safetensors").exists()


def test_a_sound_segment_from_the_folder_of_another_encoder_is_not_believed(folder):
    other = folder.rename(folder.with_name("other"))

    with pytest.warns(SimlabWarning, match="is damaged and set aside"):
        assert VectorStore(other).find(KEYS) == [None, None, None]
