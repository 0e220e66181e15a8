"""The head of a `.npy` entry, and the array that follows it.

NumPy's own reader evaluates the head as Python and takes memory for whatever shape it says. Here
one pattern admits what `numpy.lib.format.write_array` writes for plain numbers, and the shape must
agree with the size of the entry before there is an array.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from tinygrad_lite.backend import numpy as np

from . import Malformed, about

__all__ = ["DTYPES", "Head", "head_of", "read_head", "text"]

# How files spell the dtypes of plain numbers: little-endian, and nothing that depends on the
# machine, such as long double. Other kinds (objects, records, dates) cannot be in a Tensor.
_BYTES = ("b1", "i1", "u1")
_WIDER = ("i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
DTYPES = frozenset([*(f"|{code}" for code in _BYTES), *(f"<{code}" for code in _WIDER)])
LONGEST_HEAD = 1000  # bytes
_HEAD = re.compile(
    rb"\{'descr': '([^']{1,20})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,18}, )*(?:\d{1,18},?)?)\), \} *\n"
)


class Head(NamedTuple):
    """What an entry says of its array."""

    descr: str
    fortran: bool
    shape: tuple[int, ...]
    size: int  # of the head, in bytes

    def empty(self, entry: int) -> np.ndarray[Any, Any]:
        """An array to be filled, for an entry of so many bytes. Errors as `checked`."""
        return np.empty(self.shape, self.checked(entry), order="F" if self.fortran else "C")

    def checked(self, entry: int) -> np.dtype[Any]:
        """The dtype of an entry of so many bytes.

        Raises:
            Malformed: one that is not in `DTYPES`, or a shape that the entry does not fit.
        """
        if self.descr not in DTYPES:
            raise Malformed(f"an array of dtype {self.descr!r}, which is not admitted")
        dtype = np.dtype(self.descr)
        if math.prod(self.shape) * dtype.itemsize != entry - self.size:
            raise Malformed(
                f"an array {self.descr} {self.shape} cannot have {entry - self.size:,} bytes"
            )
        return dtype


def head_of(descr: str, shape: tuple[int, ...]) -> bytes:
    """The head of a file of an array in C order; as long for any first dimension below 10¹⁸."""
    room = 18 - len(str(shape[0]))
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}" + " " * room
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("ascii")


def read_head(start: bytes) -> Head:
    """The head of an entry from its first `LONGEST_HEAD` bytes, or all if it has fewer.

    Raises:
        Malformed: it is not what NumPy writes.
    """
    if start[:8] != b"\x93NUMPY\x01\x00":
        raise Malformed(f"an entry begins with {about(start[:8])}, not as version 1 of .npy")
    size = 10 + int.from_bytes(start[8:10], "little")
    found = _HEAD.fullmatch(start[10:size])
    if size > len(start) or found is None:
        raise Malformed(f"an entry has the head {about(start[10:size])}")
    descr, fortran, shape = found.groups()
    sizes = tuple(int(part) for part in shape.decode().replace(",", " ").split())
    if len(sizes) > 32:
        raise Malformed(f"an array of {len(sizes)} dimensions")
    return Head(descr.decode("ascii"), fortran == b"True", sizes, size)


def text(content: bytes) -> str:
    """The string of an entry that is one: dtype <U…, no dimensions.

    Raises:
        Malformed: it is not.
    """
    head = read_head(content[:LONGEST_HEAD])
    if head.shape != () or head.descr != f"<U{(len(content) - head.size) // 4}":
        raise Malformed(f"expected one string, but the entry is {head.descr} {head.shape}")
    return content[head.size :].decode("utf-32-le").rstrip("\0")
