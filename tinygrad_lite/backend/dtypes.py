"""Floating point of 16 bits: bfloat16's dtype, what it promotes to, and arrays made wider for sums.

NumPy has float16; bfloat16 is a dtype of the package ml_dtypes, which NumPy and CuPy 14
understand once it is imported. What calculates with it: `tensor/half.py`.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

FLOATING = "fV"
"""The kinds of floating-point dtypes. A bfloat16 is of kind V, as nothing else in a Tensor."""

DIFFERENTIABLE = FLOATING + "c"
"""The kinds of dtypes that gradients flow through."""

UNHELD = "tinygrad_lite: no tensor is of it"
"""The key of such a dtype's metadata: its name, and what kind of tensors there are not."""


@functools.cache
def bfloat16() -> np.dtype[Any]:
    """The dtype bfloat16.

    Raises:
        RuntimeError: the package ml_dtypes is missing.
    """
    try:
        from ml_dtypes import bfloat16 as scalar
    except ImportError as error:
        raise RuntimeError(
            f"bfloat16 needs the package ml_dtypes ({error}); pip install ml_dtypes"
        ) from None
    dtype: np.dtype[Any] = np.dtype(scalar)
    return dtype


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """A dtype from what stands for one, such as "float32" or, with ml_dtypes, "bfloat16".

    Raises:
        RuntimeError: bfloat16 without ml_dtypes.
        TypeError: no dtype, or one that no tensor can be of.
    """
    try:
        found: np.dtype[Any] = bfloat16() if dtype == "bfloat16" else np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype: expected one such as float32, but got {dtype!r}") from None
    if found.metadata is not None and UNHELD in found.metadata:
        name, kind = found.metadata[UNHELD]
        raise TypeError(f"dtype: can't hold elements of dtype {name}; there are no {kind}")
    return found


@functools.cache
def name_of(dtype: np.dtype[Any]) -> str:
    """A dtype's name, such as "float32"; kept, because `dtype.name` takes NumPy a microsecond."""
    return dtype.name


def is_half(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is float16 or bfloat16."""
    return dtype.itemsize == 2 and dtype.kind in FLOATING


def promote(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """The smallest dtype that holds both; of float16 and bfloat16 it is float32, as in PyTorch."""
    if a.kind == "V" or b.kind == "V":
        if a == b:
            return a
        if a.kind == "c" or b.kind == "c":
            return a if a.kind == "c" else b
        if a.itemsize == b.itemsize == 2:
            return np.dtype("float32")
    return np.promote_types(a, b)


def wide(a: Any) -> Any:
    """An array of 16 bits as float32; any other array, and None, as it is."""
    return a.astype("float32") if a is not None and a.dtype.itemsize == 2 else a


def narrow(a: Any, like: Any) -> Any:
    """An array in the dtype of the array `like`, itself if it has that already; None as it is."""
    return a if a is None or a.dtype == like.dtype else a.astype(like.dtype)
