"""Digests: in bulk from the buffers of Arrow, and the same as one by one."""

from io import BytesIO

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from simlab._fingerprint import array_parts, digest
from simlab.items import Items
from simlab.items._column import IMAGE_TYPE, Column
from simlab.items._digests import digests


def one_by_one(parts):
    return [digest(*one) for one in parts]


def said(found):
    return [row.tobytes() for row in found]


@given(st.lists(st.lists(st.text(max_size=4), min_size=1), min_size=1, max_size=3), st.data())
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_texts_of_any_chunks_and_rows(kind, chunks, data):
    arrays = [pa.array(["before", *chunk, None], kind)[1:] for chunk in chunks]
    places = [
        start + row
        for start, chunk in zip(np.cumsum([0, *(len(one) for one in arrays)]), chunks, strict=False)
        for row in range(len(chunk))
    ]
    texts = dict(zip(places, (text for chunk in chunks for text in chunk), strict=True))
    rows = data.draw(st.lists(st.sampled_from(places), min_size=1))

    found = digests(pa.chunked_array(arrays), "text", np.array(rows, dtype=np.uint64))

    assert said(found) == one_by_one((b"text", texts[row].encode()) for row in rows)


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i8", "u1"])
@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3), (2, 3, 4)])
def test_arrays_of_any_type_and_shape(dtype, shape):
    values = np.arange(5 * np.prod(shape)).reshape(5, *shape).astype(dtype)
    items = Items.from_arrays(values)

    expected = one_by_one((b"array", *array_parts(value)) for value in values)
    assert said(items.content.digests()) == expected
    assert said(items[::-2].content.digests()) == expected[::-2]


def test_a_slice_of_a_column_of_arrays():
    column = Items.from_arrays(np.arange(12.0).reshape(6, 2)).content.stored
    content = Column(column.slice(2, 3), np.array([2, 0]))

    expected = one_by_one(
        (b"array", *array_parts(np.array(one))) for one in ([8.0, 9.0], [4.0, 5.0])
    )
    assert said(content.digests()) == expected


def test_pictures_in_bytes_and_in_files(tmp_path):
    files = []
    for number in range(4):
        Image.new("L", (2 + number, 2)).save(file := BytesIO(), format="PNG")
        files.append(file.getvalue())
    (tmp_path / "one.png").write_bytes(files[1])
    stored = [{"bytes": one, "path": None} for one in files]
    stored[1] = {"bytes": None, "path": str(tmp_path / "one.png")}
    column = pa.chunked_array([pa.array(stored, IMAGE_TYPE)[1:], pa.array(stored[2:], IMAGE_TYPE)])
    content = Column(column, np.array([4, 0, 1, 3, 2]))

    order = [3, 1, 2, 2, 3]
    assert said(content.digests()) == one_by_one((b"image", files[one]) for one in order)


def test_digests_are_remembered_and_cannot_be_spoilt(monkeypatch):
    items = Items.from_arrays(["a", "b", "a"])
    first = items.content.digests()
    expected = first.copy()
    first[:] = 0
    monkeypatch.setattr("simlab.items._column.digests", None)

    assert (items.content.digests() == expected).all()
    assert (items[1:].content.digests() == expected[1:]).all()


def test_files_are_looked_at_each_time(photos):
    items = Items.from_folder(photos)
    before = items.content.digests()
    (photos / "red" / "0.png").write_bytes((photos / "blue" / "0.png").read_bytes())

    assert (items.content.digests() != before).any(axis=1).tolist() == [0, 0, 0, 1, 0, 0]
