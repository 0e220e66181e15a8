"""Padding as a function, with PyTorch's signature."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

from ...tensor import Tensor
from ...tensor.create import full
from ...tensor.join import cat

__all__ = ["pad"]


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Pad the last dimensions with a number: (left, right, top, bottom, …), last dim first.

    Args:
        input: any shape and dtype, which the output keeps.
        pad: how many to add on each side; pairs of sizes, at most one for each dimension.
        mode: "constant".
        value: the number; None for 0.

    Raises:
        NotImplementedError: a mode other than "constant".
        TypeError: sizes that are not ints.
        RuntimeError: an odd number of sizes, more than the input has, or negative ones.
    """
    if mode != "constant":
        raise NotImplementedError(f"pad: mode {mode!r} is not supported, only 'constant'")
    try:
        pad = [index(n) for n in pad]
    except TypeError:
        raise TypeError(f"pad: sizes must be ints, but are {pad!r}") from None
    if len(pad) % 2 or len(pad) > 2 * input.ndim or min(pad, default=0) < 0:
        raise RuntimeError(
            f"pad: expected pairs of sizes of at least 0 for at most {input.ndim} dimensions, but "
            f"got {tuple(pad)}"
        )
    out = input
    for i in range(len(pad) // 2):
        dim, parts = input.ndim - 1 - i, [out]
        for n, place in zip(pad[2 * i : 2 * i + 2], (0, 2), strict=True):
            if n:
                shape = (*out.shape[:dim], n, *out.shape[dim + 1 :])
                parts.insert(place, full(shape, value or 0, out.dtype, out.device))
        out = cat(parts, dim) if len(parts) > 1 else out
    return out
