"""embed: what was encoded once is remembered, by what it is and by nothing else."""

import shutil
import subprocess
import sys
from contextlib import ExitStack

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from simlab.encoders import embed
from simlab.errors import CacheError, ChoiceError, DataError, ShapeError, SimlabWarning
from simlab.items import Items


def quiet(items, encoder, **options):
    return embed(items, encoder, progress=False, **options)


def files(folder, pattern="*"):
    return sorted(file for file in folder.rglob(pattern) if file.is_file())


def segments(folder):
    return files(folder, "*.safetensors")


# -- laws of the cache ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["items", "texts"])
def test_the_second_call_encodes_nothing_and_gives_equal_bytes(kind, counting, request):
    items = request.getfixturevalue(kind)
    first = quiet(items, counting)
    n_encoded = counting.n_encoded
    second = quiet(items, counting)

    assert counting.n_encoded == n_encoded == len(items)
    assert second.vectors.tobytes() == first.vectors.tobytes()


@pytest.mark.parametrize("kind", ["items", "texts"])
def test_remembered_vectors_equal_those_encoded_without_a_cache(kind, counting, request):
    items = request.getfixturevalue(kind)
    quiet(items[::2], counting)

    assert (quiet(items, counting).vectors == quiet(items, counting, cache=False).vectors).all()


@given(st.lists(st.text(max_size=3), min_size=1, max_size=12), st.integers(1, 5), st.booleans())
def test_each_vector_belongs_to_its_own_text(tmp_path_factory, texts, batch_size, warm):
    encoder = Letters()
    folder = tmp_path_factory.mktemp("cache")
    if warm:
        quiet(Items.from_arrays(texts[::2]), encoder, cache=folder)

    emb = quiet(Items.from_arrays(texts), encoder, cache=folder, batch_size=batch_size)

    assert (emb.vectors == encoder.encode(texts)).all()


class Letters:
    """Gives every text a vector that no other text has."""

    name = fingerprint = "letters"
    modalities = frozenset({"text"})

    def encode(self, content):
        return np.array([[len(text), *map(ord, text.ljust(3, "\0"))] for text in content], "f4")


def test_another_file_name_or_folder_costs_nothing(photos, counting, tmp_path):
    quiet(Items.from_folder(photos), counting)
    shutil.move(photos, tmp_path / "moved")

    quiet(Items.from_folder(tmp_path / "moved"), counting)

    assert counting.n_encoded == 6


def test_the_source_of_equal_content_does_not_matter(photos, counting):
    quiet(Items.from_folder(photos), counting)

    quiet(Items.from_arrays([file.read_bytes() for file in photos.rglob("*.png")]), counting)

    assert counting.n_encoded == 6


def test_a_picture_changed_in_place_misses(photos, counting):
    items = Items.from_folder(photos)
    before = quiet(items, counting)
    Image.new("RGB", (8, 6), "white").save(photos / "red" / "0.png")
    after = quiet(items, counting)

    assert counting.n_encoded == 7
    assert (before.vectors != after.vectors).any(axis=1).tolist() == [0, 0, 0, 1, 0, 0]


def test_another_encoder_misses(items, counting):
    quiet(items, counting)
    other = type(counting)("counting-2")

    quiet(items, other)

    assert other.n_encoded == 12


def test_an_equal_encoder_hits_and_its_name_does_not_matter(items, counting):
    quiet(items, counting)
    other = type(counting)()
    other.name = "renamed"

    assert quiet(items, other).source is other
    assert other.n_encoded == 0


# -- where the cache is ---------------------------------------------------------------------


def test_without_a_cache_nothing_is_written_and_nothing_is_remembered(items, counting, cache_root):
    quiet(items, counting, cache=False)
    quiet(items, counting, cache=False)

    assert (counting.n_encoded, files(cache_root)) == (24, [])


def test_float16_is_kept_apart_and_rounds_with_and_without_a_cache(items, counting, cache_root):
    quiet(items, counting)
    first = quiet(items, counting, dtype="float16")
    second = quiet(items, counting, dtype="float16")
    without = quiet(items, counting, dtype="float16", cache=False)
    truth = np.stack(list(items.content)).reshape(12, 4)

    assert counting.n_encoded == 36
    for emb in (first, second, without):
        assert emb.vectors.dtype == np.float32
        assert (emb.vectors == truth.astype("f2")).all()
    assert (quiet(items, counting).vectors == truth).all()
    assert {file.parent.name for file in segments(cache_root)} == {
        "counting-1",
        "counting-1-float16",
    }


def test_a_number_too_large_for_float16_is_refused(cache_root):
    with pytest.raises(DataError) as caught:
        quiet(Items.from_arrays(["a"]), Faulty(lambda vectors: vectors * 1e6), dtype="float16")

    assert str(caught.value) == (
        "vectors kept as float16 must lie within ±65504; letters returned 9.7e+07; "
        "use dtype='float32'"
    )
    assert files(cache_root) == []


def test_an_unknown_dtype_is_refused(items, counting):
    with pytest.raises(ChoiceError, match="dtype must be one of 'float16', 'float32'; got 'int8'"):
        quiet(items, counting, dtype="int8")


def test_a_run_keeps_what_lies_below_it_in_the_asked_type(items, counting, cache_root):
    class Run:
        name, fingerprint, modalities, base = "run", "run-1", counting.modalities, counting

        def transform(self, vectors):
            return vectors

    quiet(items, Run(), dtype="float16")

    assert [file.parent.name for file in segments(cache_root)] == ["counting-1-float16"]


def test_a_given_folder_is_used_instead_of_the_default_one(items, counting, cache_root, tmp_path):
    quiet(items, counting, cache=tmp_path / "mine")

    assert (len(files(tmp_path / "mine", "*.safetensors")), files(cache_root)) == (1, [])


def test_a_folder_may_start_with_a_tilde(items, counting, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))

    quiet(items, counting, cache="~/mine")

    assert len(segments(tmp_path / "mine")) == 1


def test_only_safetensors_and_a_note_are_written(items, counting, cache_root):
    quiet(items, counting)

    assert {file.suffix for file in files(cache_root)} == {".json", ".safetensors"}


def test_a_second_call_writes_nothing(items, counting, cache_root):
    quiet(items, counting)
    before = files(cache_root)
    quiet(items, counting)

    assert files(cache_root) == before


def test_a_folder_that_cannot_be_written_is_named_with_three_ways_out(items, counting, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(CacheError) as caught:
        quiet(items, counting, cache=tmp_path / "file")

    folder = tmp_path / "file" / "vectors" / "counting-1"
    assert str(caught.value) == (
        f"the cache folder {str(folder)!r} must be writable (Not a directory); free some space, "
        "set SIMLAB_CACHE to another folder, or call with cache=False"
    )


def test_a_disk_that_fills_up_leaves_no_half_file(items, counting, cache_root, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("simlab.encoders.store._cache.os.fsync", full)

    with pytest.raises(CacheError, match=r"\(No space left on device\)"):
        quiet(items, counting)
    assert files(cache_root) == []


# -- interruption ---------------------------------------------------------------------------


class Stopping(Letters):
    """Stops at a batch, like the notebook's stop button or a failing model."""

    def __init__(self, reason, at):
        self.reason, self.at, self.n_encoded, self.n_batches = reason, at, 0, 0

    def encode(self, content):
        self.n_batches += 1
        if self.n_batches == self.at:
            raise self.reason
        self.n_encoded += len(content)
        return super().encode(content)


@pytest.mark.parametrize("reason", [KeyboardInterrupt(), RuntimeError("out of memory")])
def test_what_was_done_before_an_interruption_is_kept(reason):
    items = Items.from_arrays([f"{row:03}" for row in range(30)])
    encoder = Stopping(reason, at=3)

    with pytest.raises(type(reason)):
        quiet(items, encoder, batch_size=8)
    emb = quiet(items, encoder, batch_size=8)

    assert encoder.n_encoded == 30
    assert (emb.vectors == Letters().encode(list(items.content))).all()


def test_an_interruption_of_the_first_batch_writes_nothing(cache_root):
    with pytest.raises(KeyboardInterrupt):
        quiet(Items.from_arrays(["a"]), Stopping(KeyboardInterrupt(), at=1))

    assert files(cache_root) == []


def test_an_interruption_while_writing_leaves_no_half_file(items, counting, cache_root):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simlab.encoders.store._cache.os.fsync", stop)
        with pytest.raises(KeyboardInterrupt):
            quiet(items, counting)
    left = files(cache_root)

    assert (left, len(quiet(items, counting))) == ([], 12)


def test_an_unreadable_picture_in_the_middle_keeps_the_others(photos, counting):
    items = Items.from_folder(photos)
    good = (photos / "red" / "2.png").read_bytes()
    (photos / "red" / "2.png").write_bytes(good[:45])
    with pytest.raises(DataError, match=r"red/2\.png"):
        quiet(items, counting, batch_size=1)
    (photos / "red" / "2.png").write_bytes(good)

    quiet(items, counting)

    assert counting.n_encoded == 6


def test_segments_are_written_while_encoding_goes_on(monkeypatch, cache_root):
    monkeypatch.setattr("simlab.encoders.filling._fill._SEGMENT_ITEMS", 4)
    quiet(Items.from_arrays([f"{row:03}" for row in range(10)]), Letters(), batch_size=2)

    assert len(segments(cache_root)) == 3


def test_a_slow_encoder_is_written_down_every_few_seconds(monkeypatch, cache_root):
    monkeypatch.setattr("simlab.encoders.filling._fill._SEGMENT_SECONDS", 0.0)
    quiet(Items.from_arrays([f"{row:03}" for row in range(6)]), Letters(), batch_size=2)

    assert len(segments(cache_root)) == 3


# -- damage ---------------------------------------------------------------------------------


def test_a_damaged_segment_is_set_aside_and_filled_again(items, counting, cache_root):
    first = quiet(items, counting)
    [segment] = segments(cache_root)
    segment.write_bytes(segment.read_bytes()[:-7])

    with pytest.warns(SimlabWarning) as caught:
        second = quiet(items, counting)
    third = quiet(items, counting)

    assert str(caught[0].message) == (
        f"the cache segment {str(segment)!r} is damaged and set aside; its vectors are computed "
        "again"
    )
    assert segment.with_suffix(".damaged").exists()
    assert counting.n_encoded == 24
    assert first.vectors.tobytes() == second.vectors.tobytes() == third.vectors.tobytes()


def test_a_segment_of_another_encoder_is_not_taken(items, texts, counting, cache_root):
    other = type(counting)("counting-2")
    quiet(items, counting)
    quiet(texts, other)
    [ours] = segments(cache_root / "vectors" / "counting-1")
    shutil.copy(ours, cache_root / "vectors" / "counting-2")

    with pytest.warns(SimlabWarning, match="is damaged and set aside"):
        quiet(items, other)
    assert other.n_encoded == 18


def test_files_that_are_still_being_written_are_passed_over(items, counting, cache_root):
    first = quiet(items, counting)
    [segment] = segments(cache_root)
    segment.with_name(f"{segment.name}.part").write_bytes(segment.read_bytes()[:50])

    assert (quiet(items, counting).vectors == first.vectors).all()


# -- four at once ---------------------------------------------------------------------------

FILL = """
import numpy as np
from simlab.encoders import embed, encoder
from simlab.encoders.filling import _fill
from simlab.items import Items
_fill._SEGMENT_ITEMS = 20  # so that segments are merged while others fill
values = np.arange(3000.0).reshape(1000, 3)
print("ready", flush=True)
input()
vectors = embed(Items.from_arrays(values), encoder("pixels"), progress=False, batch_size=7).vectors
assert (vectors == values).all()
"""


def test_four_processes_may_fill_one_cache_at_once(cache_root):
    command = [sys.executable, "-W", "error", "-c", FILL]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with ExitStack() as stack:
        processes = [stack.enter_context(subprocess.Popen(command, **pipes)) for _ in range(4)]
        for process in processes:
            process.stdout.readline()
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()

    assert [process.returncode for process in processes] == [0] * 4
    assert {file.suffix for file in files(cache_root)} == {".json", ".safetensors"}


# -- what an encoder may get wrong ----------------------------------------------------------


class Faulty(Letters):
    def __init__(self, answer):
        self.answer = answer

    def encode(self, content):
        return self.answer(super().encode(content))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_numbers_that_are_not_finite_are_named_and_never_stored(bad, cache_root):
    def spoil(vectors):
        vectors = vectors.astype(float)
        vectors[1:, 0] = bad
        return vectors

    items = Items.from_arrays(["aa", "b", "a"], ids=["x", "y", "z"])

    with pytest.raises(DataError) as caught:
        quiet(items, Faulty(spoil))
    assert str(caught.value) == (
        "letters must return finite vectors; got NaN or infinity for item 'y' (2 in this batch); "
        "mend the encoder or leave them out"
    )
    assert files(cache_root) == []


def test_good_batches_before_a_bad_one_are_kept():
    def spoil(vectors):
        return vectors * np.where(vectors[:, :1] == 1, np.nan, 1)

    with pytest.raises(DataError, match="for item"):
        quiet(Items.from_arrays(["aaa", "aa", "a"]), Faulty(spoil), batch_size=1)

    assert len(quiet(Items.from_arrays(["aaa", "aa"]), Stopping(AssertionError, at=1))) == 2


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            lambda vectors: vectors[:-1],
            (
                "letters must return one vector per item, an array of shape (2, dim) for 2 items; "
                "got (1, 4)"
            ),
        ),
        (
            lambda vectors: vectors[0],
            (
                "letters must return one vector per item, an array of shape (2, dim) for 2 items; "
                "got (4,)"
            ),
        ),
        (
            lambda vectors: vectors[:, :, None],
            (
                "letters must return one vector per item, an array of shape (2, dim) for 2 items; "
                "got (2, 4, 1)"
            ),
        ),
    ],
)
def test_vectors_of_a_wrong_shape_are_told_in_full(answer, text, cache_root):
    with pytest.raises(ShapeError) as caught:
        quiet(Items.from_arrays(["a", "b"]), Faulty(answer))

    assert str(caught.value) == text
    assert files(cache_root) == []


def test_vectors_must_have_one_length():
    encoder = Faulty(lambda vectors: vectors[:, : int(vectors[0, 0])])

    with pytest.raises(ShapeError) as caught:
        quiet(Items.from_arrays(["aaa", "aa"]), encoder, batch_size=1)

    assert str(caught.value) == "letters must return vectors of one length; got 3 and 2"


def test_an_encoder_that_uses_its_buffer_again_does_no_harm():
    buffer = np.empty((1, 4), dtype=np.float32)

    def reuse(vectors):
        buffer[:] = vectors
        return buffer

    texts = ["a", "b", "c"]
    emb = quiet(Items.from_arrays(texts), Faulty(reuse), batch_size=1)

    assert (emb.vectors == Letters().encode(texts)).all()


def test_an_encoder_may_answer_with_lists():
    assert quiet(Items.from_arrays(["a"]), Faulty(lambda vectors: vectors.tolist())).dim == 4


# -- what embed asks for --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "kind", "text"),
    [
        (
            lambda items, encoder: embed(items[:0], encoder),
            DataError,
            "embed needs at least one item; got none",
        ),
        (
            lambda items, encoder: embed(items, encoder, batch_size=0),
            DataError,
            "batch_size must be 'auto' or at least 1; got 0",
        ),
        (
            lambda items, _: embed(items, "minilm"),
            TypeError,
            "embed needs an encoder; got 'minilm'; make one with simlab.encoder('minilm')",
        ),
        (
            lambda items, _: embed(items, Letters()),
            DataError,
            (
                "letters reads text items; got array items; choose another encoder or another "
                "content column"
            ),
        ),
    ],
)
def test_what_cannot_be_embedded_is_told_in_full(items, counting, ask, kind, text):
    with pytest.raises(kind) as caught:
        ask(items, counting)

    assert str(caught.value) == text


@pytest.mark.parametrize("size", [1, 5, 12, 100])
def test_the_batch_size_changes_calls_and_not_vectors(items, counting, size):
    emb = quiet(items, counting, batch_size=size)

    assert len(counting.batches) == -(-12 // size)
    assert (emb.vectors == np.stack(list(items.content)).reshape(12, 4)).all()


def test_texts_are_encoded_longest_first_so_that_little_is_padded(counting):
    class Lengths(type(counting)):
        def encode(self, content):
            self.batches.append([len(text) for text in content])
            return np.ones((len(content), 1))

    encoder = Lengths()
    quiet(Items.from_arrays(["a", "aaaa", "aa", "aaa"]), encoder, batch_size=2)

    assert encoder.batches == [[4, 3], [2, 1]]


def test_the_embeddings_know_their_items_and_their_encoder(items, counting):
    emb = quiet(items, counting)

    assert (emb.items, emb.source) == (items, counting)


def test_a_run_is_remembered_below_its_head(items, counting):
    class Run:
        name, fingerprint, modalities, base = "run", "run-1", counting.modalities, counting

        def transform(self, vectors):
            return vectors * 2

        def encode(self, _):
            raise AssertionError

    quiet(items, counting)
    emb = quiet(items, Run())

    assert counting.n_encoded == 12
    assert (emb.vectors == 2 * np.stack(list(items.content)).reshape(12, 4)).all()


def test_an_encoder_with_a_base_of_its_own_is_no_run(items, counting):
    counting.base = "bert-base"

    assert len(quiet(items, counting)) == 12


def test_progress_is_shown_once_and_only_if_something_is_encoded(items, counting, capsys):
    embed(items, counting)
    first = capsys.readouterr().err
    embed(items, counting)

    assert "embed: counting" in first
    assert capsys.readouterr().err == ""
