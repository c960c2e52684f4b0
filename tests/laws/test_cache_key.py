"""What must hold for the key of the cache: the content and the encoder decide, and nothing else.

An encoder counts which contents it is asked for. Whatever is done to names, order, number or
columns of items asks for none; whatever is done to an item asks for this one, and once.
"""

from dataclasses import dataclass, field, replace
from io import BytesIO

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings, strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from simlab.encoders import embed, encoder
from simlab.items import Items

laws = settings(
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
TYPES = ["u1", "i2", "i4", "i8", "f2", "f4", "f8"]
SHAPES = [(1,), (4,), (2, 2), (2, 1, 3)]


def vector_of(value):
    """Give each content a vector of its own, whatever its kind: the truth."""
    if isinstance(value, str):
        raw, kind = value.encode("utf8", "surrogatepass"), "text"
    else:
        value = np.asarray(value)
        raw, kind = value.tobytes(), f"{value.dtype.str}{value.shape}"
    said = np.frombuffer((kind + ":").encode() + raw, dtype=np.uint8)
    weights = np.cos(np.arange(3 * len(said), dtype=np.float64) ** 2).reshape(-1, 3)
    return (said + 1.0) @ weights


def truth(items):
    return np.stack([vector_of(value) for value in items.content]).astype(np.float32)


@dataclass
class Counting:
    """Encodes everything, and counts what it is asked for."""

    fingerprint: str = "counting"
    name: str = "counting"
    modalities: frozenset = frozenset({"array", "image", "text"})
    asked: list = field(default_factory=list)

    def encode(self, content):
        self.asked += content
        return np.stack([vector_of(value) for value in content])


def vectors(items, encoder, folder):
    return embed(items, encoder, cache=folder, progress=False).vectors


def png(pixels):
    file = BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


texts = st.lists(st.text(max_size=4), min_size=1, max_size=8)


@st.composite
def numbers(draw):
    shape = (draw(st.integers(1, 8)), *draw(st.sampled_from(SHAPES)))
    dtype = np.dtype(draw(st.sampled_from(TYPES)))
    few = st.integers(0, 3)  # so that some items are equal
    return list(draw(arrays.arrays(dtype, shape, elements=few)))


@st.composite
def pictures(draw):
    pixels = arrays.arrays(np.uint8, (2, 3, 3), elements=st.sampled_from([0, 9, 255]))
    return [png(one) for one in draw(st.lists(pixels, min_size=1, max_size=8))]


CONTENT = {"texts": texts, "arrays": numbers(), "pictures": pictures()}
every_content = pytest.mark.parametrize("kind", CONTENT)


def key(value):
    """Tell contents apart as people do."""
    return value if isinstance(value, str | bytes) else (value.dtype, value.shape, value.tobytes())


@every_content
@laws
@given(data=st.data())
def test_each_distinct_content_is_encoded_once_and_gets_its_own_vector(
    kind, data, tmp_path_factory
):
    values = data.draw(CONTENT[kind])
    items, counting = Items.from_arrays(values), Counting()
    found = vectors(items, counting, tmp_path_factory.mktemp("cache"))

    assert len(counting.asked) == len({key(value) for value in values})
    assert (found == truth(items)).all()


@every_content
@laws
@given(data=st.data())
def test_names_order_number_and_columns_cost_nothing(kind, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    values = data.draw(CONTENT[kind])
    vectors(Items.from_arrays(values), Counting(), folder)
    # any choice with repeats: a subset, another order, two sets put together, doubles
    rows = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=20))
    names = data.draw(st.lists(st.text(), unique=True, min_size=len(rows), max_size=len(rows)))
    labels = data.draw(st.lists(st.sampled_from("abc"), min_size=len(rows), max_size=len(rows)))
    again = Items.from_arrays([values[row] for row in rows], ids=names, labels=labels)
    again = again.with_column("weight", rows)
    counting = replace(Counting(), name="renamed", asked=[])
    found = vectors(again, counting, folder)

    assert counting.asked == []
    assert (found == truth(again)).all()


def changed(kind, value, data):
    """Change the least there is: one letter, one bit of one number, one pixel."""
    if kind == "texts":
        place = data.draw(st.integers(0, len(value)))
        letter = data.draw(st.characters(codec="utf-8"))
        drop = data.draw(st.booleans()) and place < len(value)
        return value[:place] + letter + value[place + drop :]
    if kind == "arrays":
        spoiled = bytearray(value.tobytes())
        spoiled[data.draw(st.integers(0, len(spoiled) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        return np.frombuffer(bytes(spoiled), value.dtype).reshape(value.shape)
    pixels = np.array(Image.open(BytesIO(value)))
    pixels[tuple(data.draw(st.integers(0, n - 1)) for n in pixels.shape)] ^= 1
    return png(pixels)


@every_content
@laws
@given(data=st.data())
def test_the_least_change_of_an_item_is_encoded_and_nothing_else(kind, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    values = data.draw(CONTENT[kind])
    vectors(Items.from_arrays(values), Counting(), folder)
    place = data.draw(st.integers(0, len(values) - 1))
    other = changed(kind, values[place], data)
    assume(key(other) not in {key(value) for value in values})
    assume(kind != "arrays" or np.isfinite(other).all())
    counting = Counting()
    items = Items.from_arrays([*values[:place], other, *values[place + 1 :]])
    found = vectors(items, counting, folder)

    assert len(counting.asked) == 1
    assert (found == truth(items)).all()


@laws
@given(shape=st.sampled_from(SHAPES), types=st.permutations(TYPES), others=st.permutations(SHAPES))
def test_another_type_or_shape_of_equal_numbers_is_other_content(
    shape, types, others, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("cache")
    first = np.ones((2, *shape), dtype=types[0])
    vectors(Items.from_arrays(first), Counting(), folder)
    by_type, by_shape = Counting(), Counting()
    vectors(Items.from_arrays(first.astype(types[1])), by_type, folder)
    same_size = [one for one in others if np.prod(one) == np.prod(shape) and one != shape]
    for one in same_size[:1]:
        vectors(Items.from_arrays(first.reshape(2, *one)), by_shape, folder)

    assert len(by_type.asked) == 1
    assert len(by_shape.asked) == len(same_size[:1])


@laws
@given(names=st.lists(st.text("abc", min_size=1), min_size=2, max_size=2, unique=True))
def test_encoders_of_two_fingerprints_never_share(names, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    items = Items.from_arrays(["a", "b"])
    one, two = (Counting(f"counting-{name}") for name in names)
    vectors(items, one, folder)
    vectors(items, two, folder)

    assert sorted(two.asked) == ["a", "b"]


class Head(torch.nn.Module):
    """A small foreign model: weights, a buffer and a setting."""

    def __init__(self, scale):
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)
        self.register_buffer("shift", torch.zeros(3))
        self.scale = scale

    def forward(self, batch):
        return self.scale * self.linear(batch) + self.shift


@laws
@given(
    what=st.sampled_from(["weight", "bias", "shift", "scale", "nothing"]),
    place=st.integers(0, 2),
    by=st.sampled_from([1e-6, -0.5, 3.0]),
)
def test_any_weight_or_setting_of_a_model_is_part_of_the_key(what, place, by, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    torch.manual_seed(0)
    model = Head(scale=1.0)
    other = Head(scale=1.0 + by if what == "scale" else 1.0)
    other.load_state_dict(model.state_dict())
    tensors = {**dict(other.linear.named_parameters()), "shift": other.shift}
    if what in tensors:
        with torch.no_grad():
            tensors[what][place] += by
        unchanged = all(
            torch.equal(one, two)
            for one, two in zip(
                model.state_dict().values(), other.state_dict().values(), strict=True
            )
        )
        assume(not unchanged)
    items = Items.from_arrays(np.eye(4, dtype=np.float32))
    vectors(items, encoder(model), folder)
    vectors(items, encoder(other), folder)

    assert len(list((folder / "vectors").iterdir())) == (1 if what == "nothing" else 2)
