"""Fingerprints: the same value has the same name everywhere, another value another."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab._fingerprint import array_parts, digest, fingerprint

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(st.binary(max_size=5), max_size=5), st.lists(st.binary(max_size=5), max_size=5))
def test_parts_are_told_apart_from_their_neighbors(one, other):
    assert (digest(*one) == digest(*other)) == (one == other)


@given(JSON)
def test_equal_values_have_equal_names(value):
    assert fingerprint(value) == fingerprint(value)


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_matter(value):
    assert fingerprint(value) == fingerprint(dict(reversed(value.items())))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1,), (1.0,)),
        ((1,), (True,)),
        ((1,), ("1",)),
        ((None,), ("null",)),
        (("ab",), ("a", "b")),
        (([1, 2],), ([2, 1],)),
        ((np.zeros(2),), (np.zeros(3),)),
        ((np.zeros((2, 3)),), (np.zeros((3, 2)),)),
        ((np.zeros(2, "f4"),), (np.zeros(1, "f8"),)),
        ((np.array([1, 2]),), (np.array([2, 1]),)),
        ((np.array([1], "<i4"),), (np.array([1], ">i4"),)),
    ],
)
def test_different_values_have_different_names(one, other):
    assert fingerprint(*one) != fingerprint(*other)


def test_the_layout_of_an_array_in_memory_does_not_matter():
    array = np.arange(12.0).reshape(3, 4)

    assert fingerprint(array) == fingerprint(np.asfortranarray(array))
    assert fingerprint(array[:, ::2]) == fingerprint(array[:, ::2].copy())


def test_arrays_of_objects_have_no_fingerprint():
    with pytest.raises(TypeError, match="no stable fingerprint"):
        list(array_parts(np.array(["a", None], dtype=object)))


def test_a_name_has_32_hexadecimal_digits():
    assert len(bytes.fromhex(fingerprint("x"))) == 16


def test_a_name_is_the_same_on_every_day():
    assert fingerprint("head", {"dim": 3}, np.arange(3, dtype="<i8"), b"\0") == (
        "e0190a07a57f2e96de384af5d0110521"
    )


def test_a_name_is_the_same_in_another_process():
    script = "from simlab._fingerprint import fingerprint; print(fingerprint({'a': [1, 'b']}))"
    told = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )

    assert told.stdout.strip() == fingerprint({"a": [1, "b"]})
