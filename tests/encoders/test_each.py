"""Modules with a preprocessing of one item; models of timm, torchvision and open_clip.

These three need torchvision, which has no build for every torch: stand-ins of the same shape are
always tested, the libraries themselves where they are installed.
"""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from simlab.encoders import embed, encoder
from simlab.errors import DataError, ShapeError
from simlab.items import Items

CHANCE = np.random.default_rng(0)
PICTURES = [Image.fromarray(CHANCE.integers(0, 255, (12, 10, 3), np.uint8)) for _ in range(3)]


# -- any module -----------------------------------------------------------------------------


def test_preprocess_sees_one_item_and_the_module_all():
    seen = []

    def count(text):
        seen.append(text)
        return torch.tensor([float(len(text))])

    assert encoder(nn.Identity(), preprocess=count).encode(["a", "bcd"]).tolist() == [[1], [3]]
    assert seen == ["a", "bcd"]


@pytest.mark.parametrize(
    "preprocess", [len, lambda text: [len(text)], lambda text: np.float64([len(text)])], ids=str
)
def test_numbers_and_arrays_become_tensors(preprocess):
    class Column(nn.Module):
        def forward(self, x):
            return x.reshape(len(x), -1).float()

    assert encoder(Column(), preprocess=preprocess).encode(["a", "bcd"]).tolist() == [[1], [3]]


def test_tensors_of_several_shapes_are_told():
    with pytest.raises(ShapeError) as caught:
        encoder(nn.Flatten(), preprocess=lambda text: torch.zeros(len(text))).encode(["a", "bcd"])

    assert str(caught.value) == (
        "preprocess must make tensors of one shape; got (1,), (3,); resize or pad in it, or use "
        "collate="
    )


def test_anything_but_a_tensor_is_told():
    with pytest.raises(DataError, match=r"^preprocess must make one tensor of an item; got dict;"):
        encoder(nn.Flatten(), preprocess=lambda text: {"text": text}).encode(["a"])


def test_preprocess_and_collate_exclude_each_other():
    with pytest.raises(TypeError, match=r"preprocess= .* or collate= .*, not both$"):
        encoder(nn.Flatten(), preprocess=len, collate=len)


def test_the_code_of_preprocess_counts():
    one, same, other = (
        encoder(nn.Flatten(), preprocess=preprocess).fingerprint
        for preprocess in (lambda x: x * 2, lambda x: x * 2, lambda x: x * 3)
    )

    assert one == same != other


def test_a_module_tells_its_dimensions_once_it_has_encoded():
    ready = encoder(nn.Flatten())
    before = ready.dim
    ready.encode([np.zeros((2, 3))])

    assert (before, ready.dim) == (None, 6)


def test_a_module_with_preprocess_can_be_cut(items):
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    as_tensor = {"preprocess": torch.tensor}
    whole, cut = encoder(net, **as_tensor), encoder(net, **as_tensor, cut="1")
    content = list(items.content)

    assert np.allclose(whole.encode(content), cut.encode(content), atol=1e-6)


# -- stand-ins ------------------------------------------------------------------------------


def test_a_timm_model_brings_its_preprocessing_and_stops_before_the_classes(timm, tiny):
    model = tiny.Features()
    ready = encoder(model)
    expected = model.body(torch.stack([tiny.pixels(one) for one in PICTURES])).mean(dim=(2, 3))

    assert timm == {"input_size": (2, 2), "is_training": False}
    assert np.allclose(ready.encode(PICTURES), expected.detach(), atol=1e-6)
    assert (ready.name, ready.dim) == ("tiny_net", 5)
    assert ready.modalities == {"array", "image"}
    assert ready.libraries >= {"PIL", "timm", "torch"}


def test_a_timm_model_takes_another_preprocessing(timm, tiny):
    ready = encoder(tiny.Features(), preprocess=lambda picture: tiny.pixels(picture) * 2)

    assert ready.encode(PICTURES).shape == (3, 5)
    assert timm == {}


class Classifier(nn.Module):
    """A model as torchvision's."""

    __module__ = "torchvision.models.tiny"

    def forward(self, x):
        return x.mean(dim=(2, 3))


def test_a_torchvision_model_reads_any_picture_in_color(tiny):
    ready = encoder(Classifier(), preprocess=tiny.pixels)
    gray = [Image.new("L", (9, 7), 50), np.full((9, 7), 50, np.uint8)]

    assert ready.dim == 3
    assert ready.modalities == {"array", "image"}
    assert ready.encode(gray[:1]).shape == (1, 3)


def test_towers_are_read_by_the_parts_that_are_given(tiny):
    model = tiny.OpenClipLike()
    both = encoder(model, preprocess=tiny.pixels, tokenizer=tiny.letters, name="tiny-clip")
    image, text = encoder(model, preprocess=tiny.pixels), encoder(model, tokenizer=tiny.letters)

    assert both.name == "tiny-clip"
    assert both.modalities >= {"image", "text"}
    assert (image.modalities, text.modalities) == ({"array", "image"}, {"text"})
    assert (both.encode(["a"]) == text.encode(["a"])).all()
    assert (both.encode(PICTURES) == image.encode(PICTURES)).all()


def test_towers_without_any_way_to_read_say_what_is_needed(tiny):
    with pytest.raises(TypeError, match=r"^OpenClipLike needs preprocess= to read pictures, token"):
        encoder(tiny.OpenClipLike())


def test_pictures_and_texts_of_towers_are_embedded(tiny, photos, texts):
    ready = tiny.open_clip_like()

    assert embed(Items.from_folder(photos), ready, progress=False).dim == 4
    assert embed(texts, ready, progress=False).dim == 4


# -- the libraries themselves -----------------------------------------------------------------


def test_timm_itself():
    timm = pytest.importorskip("timm")
    ready = encoder(timm.create_model("test_vit", pretrained=False, num_classes=7))
    vectors = ready.encode([*PICTURES, Image.new("L", (30, 20))])

    assert vectors.shape == (4, ready.dim)
    assert ready.dim == ready.module.model.num_features
    assert ready.fingerprint == encoder(ready.module.model).fingerprint


def test_torchvision_itself():
    torchvision = pytest.importorskip("torchvision", exc_type=Exception)
    model = torchvision.models.mobilenet_v3_small()
    model.classifier = nn.Identity()
    transforms = torchvision.models.MobileNet_V3_Small_Weights.DEFAULT.transforms
    ready = encoder(model, preprocess=transforms())

    assert ready.encode([*PICTURES, Image.new("LA", (30, 20))]).shape == (4, 576)
    assert ready.dim == 576
    assert ready.fingerprint == encoder(model, preprocess=transforms()).fingerprint
    assert ready.fingerprint != encoder(model, preprocess=transforms(crop_size=96)).fingerprint


def test_open_clip_itself():
    open_clip = pytest.importorskip("open_clip")
    settings = {"width": 16, "layers": 1}
    model = open_clip.CLIP(
        embed_dim=8,
        vision_cfg=settings | {"image_size": 16, "patch_size": 8, "head_width": 8},
        text_cfg=settings | {"context_length": 77, "vocab_size": 49408, "heads": 2},
    )
    preprocess = open_clip.image_transform(16, is_train=False)
    parts = {"preprocess": preprocess, "tokenizer": open_clip.get_tokenizer("ViT-B-32")}
    ready = encoder(model, **parts)
    before = ready.fingerprint
    vectors = ready.encode([*PICTURES, "a red fox", "a car"])

    assert vectors.shape == (5, 8)
    assert ready.dims == {"image": 8, "text": 8}
    assert ready.fingerprint == before == encoder(model, **parts).fingerprint
    with torch.inference_mode():
        assert np.allclose(
            vectors[3], model.eval().encode_text(parts["tokenizer"](["a red fox"]))[0], atol=1e-5
        )
