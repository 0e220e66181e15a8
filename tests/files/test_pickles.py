"""The pickle machine: equal to Python's on plain values, and nothing is called or believed."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lite.files import Malformed, about
from tinygrad_lite.files.arrays import ADMITTED, as_array
from tinygrad_lite.files.machine import Call, Name
from tinygrad_lite.files.pickles import unpickle

keys = st.text() | st.binary()
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**300), 2**300)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(plain, st.integers(0, 5))
def test_plain_values_are_as_pythons(value: Any, protocol: int) -> None:
    content = pickle.dumps(value, protocol)
    if b"__builtin__\nbytes" in content:  # how protocols 0 to 2 write empty bytes: a call
        with pytest.raises(Malformed, match=r"refused __builtin__\.bytes"):
            unpickle(content, ())
    else:
        assert unpickle(content, ()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_a_value(content: bytes) -> None:
    with contextlib.suppress(Malformed, ValueError, OverflowError):
        unpickle(content, ADMITTED)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("dtype", ["u1", "<i8", ">i4", "<f4", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_is_made_of_its_description(protocol: int, dtype: str, order: Any) -> None:
    value = np.asarray(np.arange(6).reshape(2, 3) % 3, dtype, order=order)
    made = as_array(unpickle(pickle.dumps(value, protocol), ADMITTED))
    assert made is not None
    np.testing.assert_array_equal(made, value)
    assert made.dtype == value.dtype
    assert not made.flags.writeable


def test_what_is_no_array_is_none() -> None:
    for value in (None, 3, [1], {}, Call("numpy.dtype", ("u1", False, True))):
        assert as_array(value) is None


class Asked:
    """Pickles as a call, which would leave a witness."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


def test_nothing_is_called_not_even_what_is_admitted(tmp_path: Any) -> None:
    witness = tmp_path / "witness"
    content = pickle.dumps(Asked(os.mkdir, str(witness)), 2)
    with pytest.raises(Malformed, match=r"refused posix\.mkdir|refused nt\.mkdir"):
        unpickle(content, ())
    found = unpickle(content, {f"{os.mkdir.__module__}.mkdir"})
    assert isinstance(found, Call)
    assert found.arguments == (str(witness),)
    assert not witness.exists()


def test_a_name_is_a_name() -> None:
    assert unpickle(b"cnumpy\nndarray\n.", {"numpy.ndarray"}) == Name("numpy", "ndarray")


# What each of these did to Python's machine is in its name.
def call(name: str, arguments: bytes) -> bytes:
    module, _, function = name.rpartition(".")
    return f"c{module}\n{function}\n".encode() + arguments + b"R"


EIGHT = b"C\x08" + b"A" * 8
DTYPE_O = call("numpy.dtype", b"U\x01O\x85")
DTYPE_U1 = call("numpy.dtype", b"U\x02u1\x88\x89\x87")
PLAIN = b"(K\x03U\x01|NNNK\x00K\x00K\x00tb"


def array(shape: bytes, dtype: bytes) -> bytes:
    start = call("numpy.core.multiarray._reconstruct", b"cnumpy\nndarray\nK\x00\x85C\x01b\x87")
    return start + b"(K\x01" + shape + b"\x85" + dtype + b"\x89" + EIGHT + b"tb."


CRAFTED = {
    # ndarray((1,), dtype("O"), buffer=…): bytes of the file as object pointers.
    "pointers": call("numpy.ndarray", b"K\x01\x85" + DTYPE_O + EIGHT + b"\x87") + b".",
    "pointers-again": array(b"K\x01", DTYPE_O),
    "pointers-by-state": array(b"K\x01", DTYPE_O + b"(K\x03U\x01|NNNK\x08K\x08K\x3ftb"),
    "forged-flags": array(b"K\x08", DTYPE_U1 + b"(K\x03U\x01|NN}K\x08K\x08K\x3ftb"),
    "long-shape": array(b"J\xff\xff\xff\x7f", DTYPE_U1 + PLAIN),
    "negative-shape": array(b"J\xf8\xff\xff\xff", DTYPE_U1 + PLAIN),
    "huge-shape": array(b"\x8a\x20" + b"\x7f" * 32, DTYPE_U1 + PLAIN),
    "text-shape": array(b"U\x018", DTYPE_U1 + PLAIN),
}


def test_the_crafted_arrays_are_near_a_right_one() -> None:
    made = as_array(unpickle(array(b"K\x08", DTYPE_U1 + PLAIN), ADMITTED))
    assert made is not None
    assert made.tobytes() == b"A" * 8


@pytest.mark.parametrize("name", CRAFTED)
def test_no_array_of_what_disagrees(name: str) -> None:
    value = unpickle(CRAFTED[name], ADMITTED)
    with contextlib.suppress(Malformed):
        assert as_array(value) is None


def test_the_memory_is_that_of_the_file() -> None:
    hostile = [
        b"Nr" + struct.pack("<I", 0x0FFFFFFF) + b".",  # the memo, at a large index
        b"\x96" + struct.pack("<Q", 2**40) + b".",  # a bytearray
        b"\x8e" + struct.pack("<Q", 2**62) + b".",
        b"T" + struct.pack("<i", -5) + b".",
        b"\x8b" + struct.pack("<i", 2**30) + b"1.",
        b"p99999999999999999999\n.",
    ]
    tracemalloc.start()
    try:
        for content in hostile:
            with contextlib.suppress(Malformed):
                unpickle(content, ())
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_text_is_not_made_bytes_over_and_over() -> None:
    text = b"c_codecs\nencode\n0X" + struct.pack("<I", 50_000) + b"a" * 50_000 + b"q\x000"
    again = b"(" + b"c_codecs\nencode\n(h\x00U\x06latin1tR" * 500 + b"t."
    with pytest.raises(Malformed, match="many times over"):
        unpickle(text + again, ())
    with pytest.raises(Malformed, match="refused the encoding 'utf-8'"):
        unpickle(b"c_codecs\nencode\n(U\x01aU\x05utf-8tR.", ())


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "no end"),
        (b"N", "no end"),
        (b".", "stack is empty"),
        (b"a.", "stack is empty"),
        (b"Na.", "stack is empty|expected a list"),
        (b"}Na.", "expected a list"),
        (b"e.", "no mark"),
        (b"]NNs.", "expected a dict"),
        (b"}K\x01Ns.", "a dict has the key 1"),
        (b"}(U\x01aNNu.", "key without a value"),
        (b"N\x87.", "stack is empty"),
        (b"h\x07.", "nothing was stored under 7"),
        (b"\x80\x09.", "protocol 9"),
        (b"I" + b"9" * 5000 + b"\n.", "does not end"),
        (b"Fabc", "does not end"),
        (b"S'a\\qb'\n.", "without its quotes"),
        (b"Sabc\n.", "without its quotes"),
        (b"NNb.", "expected a Call"),
        (b"NN)R.", r"refused a call of None"),
        (b"\x8aA" + b"1" * 65 + b".", "an integer of 65 bytes"),
        (b"P7\n.", "refused the instruction 0x50"),
        (b"\x82\x01.", "refused the instruction 0x82"),
        (b"(i__main__\nX\n.", "refused the instruction 0x69"),
        (b"\x8c\x02os\x8c\x06system\x93.", r"refused os\.system"),
        (b"NN\x93.", "no text"),
    ],
)
def test_what_is_wrong_is_said(content: bytes, match: str) -> None:
    with pytest.raises(Malformed, match=match):
        unpickle(content, ())


def test_a_state_is_set_once() -> None:
    made = call("numpy.dtype", b"U\x01O\x85")
    assert unpickle(made + b"Nb.", ADMITTED).state is None
    with pytest.raises(Malformed, match="set twice"):
        unpickle(made + b"K\x01bK\x02b.", ADMITTED)


def test_depth_neither_crashes_nor_hangs() -> None:
    deep = unpickle(b"N" + b"\x85" * 200_000 + b".", ())
    assert about(deep) == "tuple of 1"
    with pytest.raises(Malformed, match="a dict has the key tuple of 1"):
        unpickle(b"}N" + b"\x85" * 200_000 + b"Ns.", ())
    with pytest.raises(Malformed, match="1,000,000 steps"):
        unpickle(b"]" * 2_000_000, ())
    assert about(unpickle(b"]q\x00h\x00a.", ())) == "list of 1"  # it contains itself


def test_python2s_escapes() -> None:
    assert unpickle(rb"S'\x00\xff\n\'\\ \"'" + b"\n.", ()) == "\x00\xff\n'\\ \""
    content = pickle.dumps({"a": [1, 2]}, 0)
    assert unpickle(content, ()) == pickle.Unpickler(io.BytesIO(content)).load()


def test_about_is_short() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested, nested]
    for value in (nested, "x" * 10**6, b"y" * 10**6, 10**5000, {"a": nested}, Call("f", ())):
        assert len(about(value)) < 100
