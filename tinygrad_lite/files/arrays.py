"""NumPy's arrays and numbers in pickles: what it asks to be called for one, and what is made."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_lite.backend import numpy as np

from . import Malformed, about
from .machine import Call, Name

__all__ = ["ADMITTED", "SCALARS", "as_array", "as_number"]

ADMITTED = frozenset(
    {"numpy.ndarray", "numpy.dtype"}
    | {f"numpy.{core}.multiarray._reconstruct" for core in ("core", "_core")}
    | {f"numpy.{core}.numeric._frombuffer" for core in ("core", "_core")}
)
"""The names in pickles of arrays: old files say numpy.core, new ones numpy._core."""

SCALARS = frozenset(f"numpy.{core}.multiarray.scalar" for core in ("core", "_core"))
"""The names in pickles of single numbers, such as `np.float64(0.5)`."""

_DTYPES = frozenset("b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split())


def as_array(value: Any) -> np.ndarray[Any, Any] | None:
    """The array that a stand-in describes, read-only and in the file's memory; None if it is none.

    Raises:
        Malformed: it is to be an array, but its parts disagree or are not admitted.
    """
    if type(value) is not Call or value.name not in ADMITTED - {"numpy.dtype", "numpy.ndarray"}:
        return None
    if value.name.endswith("_frombuffer"):
        if len(value.arguments) != 4 or value.state is not None:
            raise Malformed("an array of a buffer has other arguments than NumPy gives")
        data, described, shape, order = value.arguments
        fortran = order == "F" if order in ("C", "F") else None
    else:
        first = value.arguments[:1]
        state = value.state
        if first != (Name("numpy", "ndarray"),) or type(state) is not tuple or len(state) != 5:
            raise Malformed("an array has another state than NumPy gives")
        _, shape, described, fortran, data = state
    if type(data) is str:  # Python 2's
        data = data.encode("latin1")
    if type(data) is not bytes or type(fortran) is not bool:
        raise Malformed(f"an array's data is {about(data)}")
    sizes = shape if type(shape) is tuple and len(shape) <= 8 else (-1,)
    if not all(type(size) is int and 0 <= size < 2**40 for size in sizes):
        raise Malformed("an array's shape is no tuple of a few sizes")
    dtype = _dtype(described)
    if math.prod(sizes) * dtype.itemsize != len(data):
        raise Malformed(f"an array {dtype} {sizes} cannot have {len(data):,} bytes")
    return np.frombuffer(data, dtype).reshape(sizes, order="F" if fortran else "C")


def as_number(value: Any) -> np.generic[Any] | None:
    """The number that a stand-in describes, of NumPy's dtypes; None if it is none.

    Raises:
        Malformed: it is to be a number, but its parts disagree or are not admitted.
    """
    if type(value) is not Call or value.name not in SCALARS:
        return None
    if len(value.arguments) != 2 or value.state is not None:
        raise Malformed("a number has other arguments than NumPy gives")
    dtype, data = _dtype(value.arguments[0]), value.arguments[1]
    if type(data) is not bytes or len(data) != dtype.itemsize:
        raise Malformed(f"a number {dtype} is {about(data)}")
    made: np.generic[Any] = np.frombuffer(data, dtype)[0]
    return made


def _dtype(described: Any) -> np.dtype[Any]:
    """The dtype that a stand-in describes: a plain number's."""
    if type(described) is Call and described.name == "numpy.dtype":
        code, state = described.arguments[:1], described.state
        plain = type(state) is tuple and len(state) >= 5 and state[2:5] == (None, None, None)
        if plain and len(code) == 1 and type(code[0]) is str and code[0] in _DTYPES:
            order = state[1]
            if type(order) is str and order in ("<", ">", "|", "="):
                return np.dtype(("" if order == "|" else order) + code[0])
    raise Malformed("an array has a dtype that is not admitted")
