"""Several encoders as one: side by side by name, or one per modality in a shared space."""

import numpy as np
import pytest
from PIL import Image
from torch import nn

from simlab.encoders import Precomputed, WordVectors, embed, encoder
from simlab.errors import ChoiceError, DataError, ShapeError
from simlab.items import Items

PICTURES = [Image.new("RGB", (4, 4), color) for color in ("red", "green", "blue")]
WORDS = ["red", "green", "blue"]
BOTH = [{"image": picture, "text": word} for picture, word in zip(PICTURES, WORDS, strict=True)]


def mean_color(picture):
    return np.asarray(picture, dtype=np.float32).mean(axis=(0, 1)) / 255


def colors(**options):
    return encoder(nn.Identity(), preprocess=mean_color, modalities=["image"], **options)


def words(dim=3):
    return WordVectors(WORDS, np.eye(3, dim))


def test_vectors_stand_side_by_side_in_the_order_of_the_names():
    both = encoder({"text": words(), "image": colors()})
    turned = encoder({"b": colors(), "a": words()})

    assert np.allclose(
        both.encode(BOTH), np.hstack([colors().encode(PICTURES), words().encode(WORDS)])
    )
    assert np.allclose(
        turned.encode([{"a": "red", "b": PICTURES[1]}])[0, :3], words().encode(["red"])[0]
    )


def test_the_order_in_which_parts_are_given_does_not_matter():
    one = encoder({"text": words(), "image": colors()})
    other = encoder({"image": colors(), "text": words()})

    assert one.fingerprint == other.fingerprint
    assert (one.encode(BOTH) == other.encode(BOTH)).all()


def test_parts_of_unit_length_if_asked():
    many = encoder({"text": WordVectors(WORDS, 50 * np.eye(3)), "image": colors()}, normalize=True)
    vectors = many.encode(BOTH)

    assert np.allclose(np.linalg.norm(vectors[:, 3:], axis=1), 1)
    assert many.fingerprint != encoder(many.parts).fingerprint


def test_items_of_one_modality_are_read_by_their_encoder():
    both = encoder({"image": colors(), "text": words()})
    mixed = ["red", PICTURES[1], "blue", PICTURES[0]]
    expected = [
        words().encode(["red"])[0],
        colors().encode([PICTURES[1]])[0],
        words().encode(["blue"])[0],
        colors().encode([PICTURES[0]])[0],
    ]

    assert np.allclose(both.encode(mixed), expected)


def test_a_part_is_found_by_what_it_reads():
    assert encoder({"seen": colors(), "said": words()}).encode(["red"]).tolist() == [[1, 0, 0]]


def test_names_stand_for_ready_encoders():
    assert encoder({"image": "pixels"}).parts["image"] == encoder("pixels")
    with pytest.raises(ChoiceError, match="'pixel'"):
        encoder({"image": "pixel"})


def test_encoders_of_two_sizes_share_no_space():
    several = encoder({"image": encoder("pixels", size=4), "text": words()})

    with pytest.raises(ShapeError) as caught:
        several.encode([*PICTURES, "red"])
    assert str(caught.value) == (
        "items of one modality each need encoders of one shared space, with equal dimensions; "
        "got image 48, text 3; give items as mappings from 'image', 'text' to content, and the "
        "vectors are put side by side; or give each a block of its own with shared=False, and "
        "learn what they have in common"
    )


def test_encoders_that_tell_two_sizes_are_refused_whatever_comes():
    several = encoder({"image": colors(), "text": words(dim=2)})
    several.parts["image"].encode(PICTURES)

    with pytest.raises(ShapeError, match="got image 3, text 2;"):
        several.encode(["red"])


def test_an_item_without_a_part_is_told():
    with pytest.raises(DataError) as caught:
        encoder({"image": colors(), "text": words()}).encode([BOTH[0], {"text": "red"}])

    assert str(caught.value) == (
        "every item must have the part 'image'; 1 of 2 have none (first at row 1, which has "
        "['text']); fill them or leave these items out"
    )


def test_items_with_and_without_parts_are_not_mixed():
    with pytest.raises(DataError, match=r"^either all items are mappings.*got 1 of 2; encode"):
        encoder({"text": words()}).encode([BOTH[0], "red"])


@pytest.mark.parametrize(
    ("parts", "content", "got"),
    [
        ({"text": words()}, np.zeros(3), "array items; of 'text' none does"),
        ({"a": words(), "b": words()}, "red", "text items; of 'a', 'b' 2 do: 'a', 'b'"),
    ],
    ids=["none", "two"],
)
def test_a_modality_that_not_one_encoder_reads_is_told(parts, content, got):
    with pytest.raises(DataError, match=f"^one encoder must read {got}; give items as mappings"):
        encoder(parts).encode([content])


def test_no_parts_are_none_too_few():
    with pytest.raises(DataError, match=r"^encoder needs at least one part"):
        encoder({})


def test_dimensions_add_up_where_all_are_known():
    several = encoder({"image": colors(), "text": words()})
    unknown = several.dim
    several.encode(BOTH)

    assert (unknown, several.dims, several.dim) == (None, {"image": 3, "text": 3}, 6)


def test_a_change_of_one_part_or_name_is_another_fingerprint():
    prints = {
        encoder(parts).fingerprint
        for parts in (
            {"image": colors(), "text": words()},
            {"image": colors(), "text": words(dim=2)},
            {"image": colors(), "word": words()},
            {"text": words()},
        )
    }

    assert len(prints) == 4


def test_items_of_one_modality_are_embedded_and_remembered(texts):
    several = encoder({"image": colors(), "text": Precomputed(texts, np.eye(6, 3))})
    first = embed(texts, several, progress=False)

    assert np.allclose(first.vectors, np.eye(6, 3))


def test_less_precision_of_a_part_is_told_of_the_items_it_reads(texts, capsys):
    fast = encoder(
        {"image": colors(precision="bfloat16"), "text": Precomputed(texts, np.eye(6, 3))}
    )
    embed(texts, fast, progress=False)
    told_of_texts = capsys.readouterr().out
    embed(Items.from_arrays(PICTURES), fast, progress=False)

    assert (fast.precision, fast.exact().precision) == ("bfloat16", "float32")
    assert told_of_texts == ""
    assert "in bfloat16 keeps 1.000 of the 2 nearest neighbors" in capsys.readouterr().out
