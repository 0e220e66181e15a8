"""Floating point of 16 bits: bfloat16's dtype, and who can calculate with it.

NumPy has float16; bfloat16 is a dtype of the package ml_dtypes, which NumPy and CuPy 14
understand once it is imported. Neither keeps a bfloat16 array times a Python float in bfloat16,
as it does for float16: the result is float32 (CuPy) or even float64 (`where`). `ops` therefore
never see bfloat16 but where `handles_half` says so (`tensor/_half.py`).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

FLOATING = "fV"
"""The kinds of floating-point dtypes. A bfloat16 is of kind V, as nothing else in a Tensor."""

# Rules that only move elements, or whose plain form is right for 16 bits.
_ANYWHERE = frozenset(
    str.split(
        """add batch_norm batch_norm_eval cast clone concatenate contiguous expand flip gather
        getitem layer_norm max_pool2d max_pool2d_gradient max_pool2d_pick mul neg relu reshape
        scatter scatter_along setitem sub to_device transpose where"""
    )
)
# Those that CUDA has a kernel for, which reads and writes 16 bits and sums in 32.
_ON_CUDA = _ANYWHERE | frozenset(
    str.split("""avg_pool2d avg_pool2d_gradient conv2d conv_transpose2d linear matmul""")
)


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
        TypeError: no dtype.
    """
    found: np.dtype[Any] = bfloat16() if dtype == "bfloat16" else np.dtype(dtype)
    return found


@functools.cache
def name_of(dtype: np.dtype[Any]) -> str:
    """A dtype's name, such as "float32", which NumPy puts together anew each time."""
    return dtype.name


def is_half(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is float16 or bfloat16."""
    return dtype.itemsize == 2 and dtype.kind in FLOATING


def handles_half(device: str, rule: str) -> bool:
    """Whether a rule calculates with 16-bit arrays of a device itself.

    All others are given float32, and what they return is rounded once.
    """
    return rule in (_ON_CUDA if device == "cuda" else _ANYWHERE)


def promote(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that holds both; float32 for float16 and bfloat16, as in PyTorch."""
    if a.kind == "V" or b.kind == "V":
        if a == b:
            return a
        if a.itemsize == b.itemsize == 2:
            return np.dtype("float32")
    return np.promote_types(a, b)
