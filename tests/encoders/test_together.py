"""Several encoders behind `embed`: each part is read, remembered and told by itself."""

import numpy as np
import pytest
from PIL import Image
from torch import nn

from simlab.encoders import Tabular, WordVectors, embed, encoder
from simlab.errors import DataError, ShapeError
from simlab.items import Items
from simlab.space import Index
from simlab.views import gallery

WORDS = ["red", "green", "blue"]
PICTURES = [Image.new("RGB", (4, 4), color) for color in WORDS]
BOTH = Items.from_arrays({"image": PICTURES, "text": WORDS})
VARIOUS = Items.from_arrays(["red", PICTURES[1], "blue", PICTURES[0]], labels=[0, 1, 2, 0])


def mean_color(picture):
    return np.asarray(picture, dtype=np.float32).mean(axis=(0, 1)) / 255


def colors(**options):
    return encoder(nn.Identity(), preprocess=mean_color, modalities=["image"], **options)


def words(dim=3):
    return WordVectors(WORDS, np.eye(3, dim))


@pytest.fixture
def counted(counting):
    """Return a counting encoder of texts, one of pictures, and a function for both."""
    texts, pictures = type(counting)("texts"), type(counting)("pictures")
    texts.modalities, pictures.modalities = frozenset({"text"}), frozenset({"image"})
    return texts, pictures


def test_embedding_is_what_encoding_gives():
    both = encoder({"image": colors(), "text": words()})

    np.testing.assert_array_equal(
        embed(BOTH, both, progress=False).vectors, both.encode(BOTH.content[:])
    )
    np.testing.assert_array_equal(
        embed(VARIOUS, both, progress=False).vectors, both.encode(VARIOUS.content[:])
    )


def test_a_part_that_changed_is_encoded_anew_and_the_others_are_remembered(counted):
    texts, pictures = counted
    both = encoder({"image": pictures, "text": texts})
    embed(BOTH, both, progress=False)
    changed = Items.from_arrays({"image": PICTURES, "text": ["red", "green", "pink"]})
    embed(changed, both, progress=False)

    assert (texts.n_encoded, pictures.n_encoded) == (4, 3)


def test_a_part_is_remembered_as_items_of_this_part_alone(counted):
    texts, pictures = counted
    embed(BOTH.part("text"), texts, progress=False)
    embed(BOTH, encoder({"image": pictures, "text": texts}), progress=False)
    embed(VARIOUS[[0, 2]], texts, progress=False)

    assert texts.n_encoded == 3


def test_items_of_each_modality_are_read_by_their_encoder_in_one_space():
    space = embed(VARIOUS, encoder({"image": colors(), "text": words()}), progress=False)
    found = Index(space).search(space[[0]], k=1, exclude_self=True)

    assert found.ids[0, 0] == VARIOUS.ids[3]  # the red picture for the word


def test_without_a_shared_space_each_encoder_has_a_block():
    several = encoder(
        {
            "image": encoder(nn.Identity(), preprocess=mean_color, modalities=["image"]),
            "text": words(dim=2),
        },
        shared=False,
    )
    several.parts["image"].encode(PICTURES)
    vectors = embed(VARIOUS, several, progress=False).vectors

    assert several.blocks == {"image": 3, "text": 2}
    assert vectors[0].tolist() == [0, 0, 0, 1, 0]
    assert vectors[3].tolist() == [1, 0, 0, 0, 0]
    assert embed(BOTH, several, progress=False).vectors[0].tolist() == [1, 0, 0, 1, 0]
    np.testing.assert_array_equal(several.encode(VARIOUS.content[:]), vectors)
    assert several.fingerprint != encoder(several.parts).fingerprint


def test_a_block_of_unknown_size_is_told():
    several = encoder({"image": "pixels", "text": words()}, shared=False)

    with pytest.raises(DataError, match=r"^the encoder of 'image' must know its dimension.*pixels"):
        several.encode(["red"])


def test_the_size_of_a_block_is_known_once_it_was_seen():
    several = encoder({"image": encoder("pixels", size=2), "text": words()}, shared=False)
    several.encode(VARIOUS.content[:])

    assert several.blocks == {"image": 12, "text": 3}
    assert several.encode(["red"])[0, 12:].tolist() == [1, 0, 0]


def test_encoders_of_two_sizes_share_no_space_whatever_was_remembered():
    several = encoder({"image": colors(), "text": words(dim=2)})

    with pytest.raises(ShapeError, match="got image 3, text 2;"):
        embed(VARIOUS, several, progress=False)


def test_parts_of_a_table_are_read_by_an_encoder_of_tables():
    content = {"text": WORDS, "row": {"price": [1.0, 2.0, 3.0], "color": ["a", "b", "a"]}}
    items = Items.from_arrays(content)
    table = Tabular(items.part("row").content[:])
    vectors = embed(items, encoder({"row": table, "text": words()}), progress=False).vectors

    assert table.features == ("price", "color=a", "color=b")
    np.testing.assert_allclose(vectors[2], [np.sqrt(1.5), 1, 0, 0, 0, 1], rtol=1e-6)


def test_views_are_those_of_the_parts_that_augment():
    turned = colors(augment=lambda _: Image.effect_noise((4, 4), 50).convert("RGB"))
    both = encoder({"image": turned, "text": words()})
    seen = embed(BOTH, both, views=2, progress=False)

    assert seen.views.shape == (3, 2, 6)
    assert (seen.views[:, 0, :3] != seen.views[:, 1, :3]).any()
    np.testing.assert_array_equal(seen.views[:, 0, 3:], seen.vectors[:, 3:])
    assert embed(VARIOUS, both, views=2, progress=False).views.shape == (4, 2, 3)


def test_a_part_that_items_lack_is_told():
    with pytest.raises(DataError) as caught:
        embed(BOTH, encoder({"image": colors(), "word": words()}), progress=False)

    assert str(caught.value) == (
        f"items must have the part 'word', which {words().name} reads; got items of image and "
        "text; name the encoders after these parts"
    )


def test_an_encoder_of_one_kind_says_what_to_do_with_parts_and_mixtures():
    with pytest.raises(DataError, match=r"got mixed items; give a mapping.* items.part\('image'\)"):
        embed(BOTH, words(), progress=False)
    with pytest.raises(DataError, match="reads text items; got image and text items; choose"):
        embed(VARIOUS, words(), progress=False)


def test_an_unreadable_picture_is_told_with_item_and_part():
    items = Items.from_arrays({"image": [*PICTURES[:2], b"broken"], "text": WORDS})

    with pytest.raises(DataError, match=r"^part 'image' of the item in row 2: image of 6 bytes"):
        embed(items, encoder({"image": colors(), "text": words()}), progress=False)


@pytest.mark.parametrize("items", [BOTH, VARIOUS], ids=["parts", "kinds"])
def test_embeddings_of_parts_and_mixtures_are_an_encoder_of_these_items(items):
    space = embed(items, encoder({"image": colors(), "text": words()}), progress=False)
    known = encoder(space)

    np.testing.assert_array_equal(known.encode(items.content[:]), space.vectors)
    np.testing.assert_array_equal(embed(items, known, progress=False).vectors, space.vectors)


@pytest.mark.parametrize("items", [BOTH, VARIOUS], ids=["parts", "kinds"])
def test_neighbors_show_pictures_and_texts(items):
    space = embed(items, encoder({"image": colors(), "text": words()}), progress=False)
    shown = gallery(Index(space).search(space, k=2))._repr_html_()

    assert "<img" in shown
    assert "red</div>" in shown
