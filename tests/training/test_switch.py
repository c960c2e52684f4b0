"""A head for each modality, and what is learned from pictures and their captions."""

import numpy as np
import pytest
import torch
from PIL import Image

from simlab.encoders import embed, encoder
from simlab.errors import ChoiceError, DataError, ShapeError
from simlab.items import Items, load
from simlab.space import Index, score
from simlab.training import Run, fit
from simlab.training.heads import LinearHead, SwitchHead, check_head, make_head

BLOCKS = {"image": 3, "text": 2}
ROWS = torch.tensor([[1.0, 2, 3, 0, 0], [0, 0, 0, 4, 5], [6, 7, 8, 0, 0], [0, 0, 0, 9, 8]])
MODALITIES = ("image", "text")


class Numbers:
    """Reads a picture of one color, or a text of numbers, as vectors that share nothing."""

    def __init__(self, modality, dim):
        self.name, self.fingerprint = f"numbers-{modality}", f"numbers-{modality}-{dim}"
        self.modalities, self.dim = frozenset({modality}), dim

    def encode(self, content):
        read = [
            np.array(value.split(), dtype=np.float32)
            if isinstance(value, str)
            else np.asarray(value, dtype=np.float32)[0, 0]
            for value in content
        ]
        return np.stack(read)


@pytest.fixture(scope="module")
def towers():
    """Return encoders without a shared space."""
    return encoder({"image": Numbers("image", 3), "text": Numbers("text", 4)}, shared=False)


@pytest.fixture(scope="module")
def pairs():
    """Return 120 pictures of one color and captions that tell it in other numbers, split."""
    rng = np.random.default_rng(0)
    colors = rng.integers(0, 255, size=(120, 3))
    told = (colors / 64 - 2) @ rng.normal(size=(3, 4))
    content = {
        "image": [Image.new("RGB", (2, 2), tuple(color)) for color in colors.tolist()],
        "text": [" ".join(f"{number:.3f}" for number in row) for row in told],
    }
    return Items.from_arrays(content).as_pairs().split(by="label", test=0.3)


@pytest.fixture(scope="module")
def learned(pairs, towers):
    return fit(
        pairs,
        towers,
        loss="multiple-negatives-ranking",
        epochs=40,
        lr=1e-2,
        weight_decay=0,
        dropout=0,
        cache=False,
        progress=False,
    )


def test_each_modality_goes_through_its_own_head():
    head = SwitchHead(5, blocks=BLOCKS, heads=("linear", {"out": 4}))
    vectors = head(ROWS)

    torch.testing.assert_close(vectors[[0, 2]], head.heads["image"](ROWS[[0, 2], :3]))
    torch.testing.assert_close(vectors[[1, 3]], head.heads["text"](ROWS[[1, 3], 3:]))


def test_an_item_of_both_parts_is_the_sum_of_both_ways():
    head = SwitchHead(5, blocks=BLOCKS, heads=("linear", {"out": 4}))

    torch.testing.assert_close(head(ROWS[:1] + ROWS[1:2]), head(ROWS[:1]) + head(ROWS[1:2]))


def test_each_head_is_centered_by_its_modality():
    head = make_head(("switch", {"blocks": BLOCKS}), ROWS)

    torch.testing.assert_close(head.heads["image"].enter.center, ROWS[[0, 2], :3].mean(dim=0))
    torch.testing.assert_close(head.heads["text"].enter.center, ROWS[[1, 3], 3:].mean(dim=0))


def test_a_batch_without_a_modality_and_a_row_of_zeros_are_no_trouble():
    head = SwitchHead(5, blocks=BLOCKS)
    head(ROWS[:1]).sum().backward()

    assert head.heads["text"].map.weight.grad.abs().sum() == 0
    assert head(torch.zeros(1, 5)).abs().sum() == 0


def test_heads_may_differ_and_gates_never_decay():
    told = {"image": ("mlp", {"hidden": [6], "out": 2}), "text": "gated"}
    head = SwitchHead(5, blocks=BLOCKS, heads=told)

    assert head(ROWS).shape == (4, 2)
    assert head.never_decay == {"heads.text.gates"}
    assert set(dict(head.named_parameters())) >= head.never_decay


def test_dropout_reaches_the_heads_that_do_not_say_theirs():
    told = {"image": "linear", "text": ("linear", {"dropout": 0.1})}
    head = make_head(("switch", {"blocks": BLOCKS, "heads": told}), ROWS, dropout=0.5)

    assert [head.heads[name].dropout for name in MODALITIES] == [0.5, 0.1]


@pytest.mark.parametrize(
    ("parameters", "kind", "said"),
    [
        ({"blocks": {"image": 3}}, ShapeError, "blocks must add up to 5 numbers; got {'image': 3}"),
        ({"blocks": BLOCKS, "heads": "skip"}, ShapeError, "got dimensions {'image': 3, 'text': 2}"),
        ({"blocks": BLOCKS, "heads": {"image": "linear"}}, DataError, "'text' has none"),
        (
            {"blocks": BLOCKS, "heads": {"image": "linear", "txt": "linear"}},
            ChoiceError,
            "modality of a head must be one of 'image', 'text'; got 'txt'",
        ),
    ],
)
def test_a_switch_that_cannot_be_is_told(parameters, kind, said):
    with pytest.raises(kind) as caught:
        make_head(("switch", parameters), ROWS)

    assert said in str(caught.value)


def test_wrong_heads_are_told_before_any_work():
    with pytest.raises(ChoiceError, match=r"^head of a switch must be one of .*got 'liner'"):
        check_head(("switch", {"heads": {"image": "liner"}}))
    with pytest.raises(TypeError, match=r"^head of a switch must be a name, or a name and"):
        check_head(("switch", {"heads": [LinearHead(3)]}))


def test_an_encoder_without_blocks_is_told(items, pixels):
    with pytest.raises(
        DataError, match=r"needs an encoder with a block.*shared=False\); got pixels"
    ):
        fit(items, pixels, head="switch", cache=False, progress=False)


def test_pictures_and_captions_without_labels_learn_a_shared_space(pairs, towers, learned):
    test = pairs.where(split="test")
    before = score(embed(test, towers, progress=False), k=[1])
    after = score(embed(test, learned, progress=False), k=[1])

    assert learned.config.head == ("switch", {"blocks": {"image": 3, "text": 4}})
    assert before.value("recall@1") < 0.1
    assert after.value("recall@1", "unseen, text") > 0.6
    assert after.value("recall@1", "unseen, image") > 0.6


def test_a_caption_finds_its_picture_among_pictures(pairs, learned):
    space = embed(pairs.where(split="test"), learned, progress=False)
    found = Index(space.where(role="image")).search(space.where(role="text"), k=1)

    assert found.matches.mean() > 0.6
    assert set(found.gallery.items.column("role")) == {"image"}


def test_a_saved_run_encodes_new_content_of_each_modality(learned, towers, tmp_path):
    learned.save(tmp_path / "run")
    read = Run.load(tmp_path / "run", encoder=towers)
    content = ["1 2 3 4", Image.new("RGB", (2, 2), (9, 8, 7))]
    vectors = read.encode(content)

    assert read.config.head == learned.config.head
    assert read.fingerprint == learned.fingerprint
    np.testing.assert_array_equal(vectors, learned.encode(content))
    np.testing.assert_allclose(vectors[:1], read.encode(content[:1]), rtol=1e-5)
    np.testing.assert_allclose(vectors[1:], read.encode(content[1:]), rtol=1e-5)


@pytest.mark.parametrize("loss", ["supcon", "triplet-all", "contrastive"])
def test_any_loss_that_takes_a_miner_learns_from_pairs(pairs, towers, loss):
    run = fit(pairs, towers, loss=loss, epochs=2, cache=False, progress=False)

    assert np.isfinite(run.history["loss"].iloc[1:]).all()


def test_questions_and_answers_learn_from_their_columns_alone(towers):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(40, 4))
    said = [[" ".join(f"{one:.3f}" for one in row) for row in part] for part in (numbers, -numbers)]
    pairs = Items.from_arrays({"question": said[0], "answer": said[1]}).as_pairs()
    run = fit(
        pairs.split(),
        towers.parts["text"],
        head="linear",
        loss="multiple-negatives-ranking",
        epochs=3,
        cache=False,
        progress=False,
    )

    assert set(run.scores.frame["classes"]) == {"seen", "seen, answer", "seen, question"}


@pytest.mark.real
def test_names_of_emoji_find_their_pictures():
    emoji = load("emoji-styles")
    emoji = emoji[np.flatnonzero(emoji.label_codes < 60)]
    both = Items.from_arrays({"image": list(emoji.content), "text": emoji.labels.tolist()})
    pairs = both.as_pairs().split()
    real = encoder({"image": "efficientnet-lite0", "text": "wordllama"}, shared=False)
    run = fit(pairs, real, loss="multiple-negatives-ranking", epochs=15, progress=False)
    test = pairs.where(split="test")
    before, after = (score(embed(test, one, progress=False)) for one in (real, run))

    assert repr(pairs).startswith("Items: 300 images and 60 texts, 60 labels")
    assert after.value("recall@5", "unseen, text") > before.value("recall@5", "unseen, text") + 0.1
