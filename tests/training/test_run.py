"""A Run is an Encoder, shows itself without script, and comes back from disk as it was."""

import json
from copy import deepcopy
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from simlab.encoders import Encoder, embed, encoder
from simlab.errors import DataError
from simlab.space import Index
from simlab.training import Run
from simlab.training.heads import HEADS

FACTS = ("best_epoch", "seconds", "finished", "refitted")


# -- an encoder -----------------------------------------------------------------------------


def test_a_run_is_an_encoder(run):
    assert isinstance(run, Encoder)
    assert encoder(run) is run


def test_embed_transform_and_encode_agree(run, blobs):
    items = blobs(3, 4, seed=1)
    below = embed(items, run.base, cache=False, progress=False)
    embedded = embed(items, run, cache=False, progress=False).vectors

    np.testing.assert_array_equal(embedded, run.transform(below.vectors))
    np.testing.assert_allclose(embedded, run.encode(list(items.content)), rtol=1e-5, atol=1e-6)


def test_a_run_moves_items(run, blobs):
    items = blobs(3, 4, seed=1)
    start = (
        np.stack(list(items.content)) - run.head.enter.center.numpy()
    ) * run.head.enter.scale.item()

    assert np.abs(run.encode(list(items.content)) - start).max() > 0.01


def test_many_items_go_through_the_head_in_parts(run, monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(10, 8)).astype(np.float32)
    whole = run.transform(vectors)
    monkeypatch.setattr("simlab.training._run._CHUNK", 4)

    np.testing.assert_allclose(run.transform(vectors), whole, rtol=1e-5, atol=1e-6)


def test_vectors_that_may_not_be_written_can_be_transformed(run):
    vectors = np.ones((2, 8), dtype=np.float32)
    vectors.flags.writeable = False

    assert run.transform(vectors).shape == (2, 8)


def test_no_vectors_give_no_vectors(run):
    assert run.transform(np.empty((0, 8))).shape == (0, 8)


def test_embedding_by_a_run_asks_the_base_encoder_once(blobs, learn, counting):
    items = blobs(4, 6)
    run = learn(items, counting, val=0, cache="default")
    asked = counting.n_encoded
    first = embed(items, run, progress=False)
    again = embed(items, run, progress=False)

    assert (asked, counting.n_encoded) == (24, 24)
    assert first.vectors.tobytes() == again.vectors.tobytes()


def test_equal_weights_have_equal_fingerprints(blobs, learn):
    one, again, other = (learn(blobs(4, 6), val=0, seed=seed) for seed in (0, 0, 1))

    assert (one.fingerprint == again.fingerprint, one.fingerprint == other.fingerprint) == (
        True,
        False,
    )


@pytest.mark.parametrize("part", ["correction.weight", "enter.center", "enter.scale"])
def test_the_fingerprint_changes_with_every_part_of_the_head(run, part):
    head = deepcopy(run.head)
    head.state_dict()[part].add_(1)

    assert replace(run, head=head).fingerprint != run.fingerprint


def test_the_fingerprint_changes_with_the_encoder_below(run):
    other = replace(run, base=encoder("pixels", size=8))

    assert other.fingerprint != run.fingerprint


def test_spaces_of_two_runs_are_not_searched_together(blobs, learn):
    items = blobs(4, 6)
    one, other = (
        embed(items, learn(items, val=0, seed=seed), cache=False, progress=False) for seed in (0, 1)
    )

    with pytest.raises(DataError, match="queries must come from the encoder of the gallery"):
        Index(one).search(other, k=1)


def test_a_run_cannot_be_changed(run):
    with pytest.raises(FrozenInstanceError):
        run.best_epoch = 3


def test_the_weights_of_a_run_no_longer_learn(run):
    assert not any(parameter.requires_grad for parameter in run.head.parameters())
    assert not run.head.training


# -- showing --------------------------------------------------------------------------------


def test_the_repr_says_what_was_trained(run):
    shown = replace(run, seconds=1.25)

    assert repr(shown) == (
        f"Run: supcon on pixels, skip head, best of 5 epochs: {run.best_epoch}, 1.2 s"
    )


def test_the_html_draws_loss_and_validation_and_marks_the_kept_epoch(run):
    html = run._repr_html_()

    assert (html.count("<polyline"), html.count("<circle")) == (2, 2)
    assert f"best weights: epoch {run.best_epoch}; {run.seconds:.1f} s" in html


def test_the_html_holds_no_script_and_escapes_names(run):
    class Evil:
        name, modalities, fingerprint = "<script>alert(1)</script>", frozenset({"array"}), "evil"

    html = replace(run, base=Evil())._repr_html_()

    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_run_that_was_stopped_at_once_can_be_shown(run):
    started = replace(run, history=run.history[:1], best_epoch=0, finished=False)

    assert started._repr_html_().count("<polyline") == 1


# -- on disk --------------------------------------------------------------------------------


@pytest.fixture
def saved(run, tmp_path):
    folder = tmp_path / "runs" / "one"
    run.save(folder)
    return folder


def test_a_run_is_two_files_and_none_of_them_is_a_pickle(saved):
    assert sorted(path.name for path in saved.iterdir()) == ["head.safetensors", "run.json"]
    assert [path.name for path in saved.parent.iterdir()] == ["one"]


def test_a_loaded_run_gives_the_same_vectors(run, saved, blobs):
    content = list(blobs(3, 4, seed=1).content)
    loaded = Run.load(saved)

    assert loaded.encode(content).tobytes() == run.encode(content).tobytes()
    assert loaded.fingerprint == run.fingerprint


def test_a_loaded_run_has_its_record(run, saved):
    loaded = Run.load(saved)

    assert loaded.config == run.config
    assert loaded.history.equals(run.history)
    assert loaded.seen_labels == run.seen_labels
    assert [getattr(loaded, name) for name in FACTS] == [getattr(run, name) for name in FACTS]


@pytest.mark.parametrize("head", HEADS)
def test_every_head_comes_back(blobs, learn, tmp_path, head):
    run = learn(blobs(4, 6), head=head, val=0)
    run.save(tmp_path / "run")

    assert Run.load(tmp_path / "run").fingerprint == run.fingerprint


def test_a_run_that_was_stopped_at_once_can_be_saved_and_shown(run, tmp_path):
    replace(run, history=run.history[:1], best_epoch=0, finished=False).save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run")

    assert loaded._repr_html_().count("<polyline") == 1


def test_numbers_of_numpy_can_be_saved(blobs, learn, tmp_path):
    learn(blobs(4, 6), val=0, seed=np.arange(4)[3], lr=np.float32(1e-3)).save(tmp_path / "run")

    assert Run.load(tmp_path / "run").config.seed == 3


def test_whole_numbers_as_labels_come_back_as_whole_numbers(digits, learn, tmp_path):
    run = learn(digits[:300], epochs=1)
    run.save(tmp_path / "run")

    assert {type(label) for label in Run.load(tmp_path / "run").seen_labels} == {int}


def test_the_options_of_a_ready_encoder_come_back(blobs, learn, tmp_path):
    learn(blobs(4, 6), encoder("pixels", size=4), val=0).save(tmp_path / "run")

    assert Run.load(tmp_path / "run").base == encoder("pixels", size=4)


def test_an_encoder_that_has_changed_is_refused(saved):
    with pytest.raises(DataError) as caught:
        Run.load(saved, encoder("pixels", size=4))

    assert str(caught.value) == (
        "the run was trained on 'pixels' with other weights or settings than the 'pixels' given; "
        "pass the same encoder with encoder="
    )


def test_an_encoder_of_ones_own_must_be_given(blobs, learn, counting, tmp_path):
    learn(blobs(4, 6), counting, val=0).save(tmp_path / "run")

    assert Run.load(tmp_path / "run", counting).base is counting
    with pytest.raises(DataError) as caught:
        Run.load(tmp_path / "run")
    assert str(caught.value) == (
        "the run was trained on 'counting', which is no ready encoder; pass it with encoder="
    )


def test_a_run_is_not_written_over_something_else(run, tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(FileExistsError) as caught:
        run.save(tmp_path / "mine")

    assert str(caught.value) == (
        f"a run is written to a new folder; {str(tmp_path / 'mine')!r} exists already"
    )
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_run_that_cannot_be_written_leaves_nothing_behind(run, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(OSError, match="no space left"):
        run.save(tmp_path / "run")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [True, False])
def test_a_loaded_run_knows_whether_it_was_refitted_and_finished(run, tmp_path, value):
    replace(run, refitted=value, finished=not value).save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run")

    assert (loaded.refitted, loaded.finished) == (value, not value)


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def without(name):
    def change(path):
        record = json.loads(path.read_text())
        del record[name]
        path.write_text(json.dumps(record))

    return change


DAMAGES = {
    "no weights": ("head.safetensors", lambda path: path.unlink(), "No such file"),
    "empty weights": ("head.safetensors", lambda path: path.write_bytes(b""), "header too small"),
    "half the weights": ("head.safetensors", cut, "Error while deserializing"),
    "no record": ("run.json", lambda path: path.unlink(), "No such file"),
    "half a record": ("run.json", cut, "Expecting|Unterminated"),
    "no text": ("run.json", lambda path: path.write_bytes(b"\xff\xfe"), "utf-8"),
    "no config": ("run.json", without("config"), "'config' is missing"),
    "no history": ("run.json", without("history"), "'history' is missing"),
    "no encoder": ("run.json", without("encoder"), "'encoder' is missing"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_folder_is_named(saved, kind):
    name, damage, reason = DAMAGES[kind]
    damage(saved / name)

    with pytest.raises(DataError, match=rf"must be a folder written by run\.save .*({reason})"):
        Run.load(saved)


def test_weights_of_another_head_are_refused(blobs, learn, saved, tmp_path):
    learn(blobs(4, 6), head="linear", val=0).save(tmp_path / "other")
    (tmp_path / "other" / "head.safetensors").replace(saved / "head.safetensors")

    with pytest.raises(DataError, match=r"must be a folder written by run\.save"):
        Run.load(saved)


@pytest.mark.parametrize("text", ["[]", '{"format": 99}'])
def test_a_record_of_another_format_is_refused(saved, text):
    (saved / "run.json").write_text(text)

    with pytest.raises(DataError, match=r"run format must be 1; got .*; update simlab"):
        Run.load(saved)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"must be a folder written by run\.save"):
        Run.load(tmp_path / "nothing")
