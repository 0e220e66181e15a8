"""Memory order of activations: logically N, C, spatial…; in memory C, spatial…, N.

With the batch innermost, every slice of a window and every channel is made of long
contiguous runs, and a convolution is one matrix product whose result is in the next
layer's order already.
"""

from __future__ import annotations

from typing import Any

# The order of the axes by how many there are, at most NumPy's 64: made once, they are asked often.
TO_CHWN = tuple([(*range(1, n), 0) for n in range(65)])
FROM_CHWN = tuple([(n - 1, *range(n - 1)) for n in range(65)])


def to_chwn(xp: Any, x: Any) -> Any:
    """An array (N, C, …) as a contiguous one (C, …, N); no copy if it lies so in memory."""
    turned = x.transpose(TO_CHWN[x.ndim])
    return turned if turned.flags.c_contiguous else xp.ascontiguousarray(turned)


def from_chwn(xp: Any, a: Any) -> Any:
    """An array (C, …, N) seen as (N, C, …); no view, if that owns the memory."""
    turned, whole = a.transpose(FROM_CHWN[a.ndim]), a.base
    if whole is not None and (whole.shape, whole.strides) == (turned.shape, turned.strides):
        return whole
    return turned


def channels_last(xp: Any, weight: Any) -> Any:
    """A convolution's weight (M, C, kh, kw) as contiguous (M, kh, kw, C).

    `nn.Conv2d` keeps its weight so in memory, and then this is a view: each element of the
    kernel is a matrix (M, C), and all of them together are one matrix (M, kh·kw·C).
    """
    turned = weight.transpose((0, 2, 3, 1))
    return turned if turned.flags.c_contiguous else xp.ascontiguousarray(turned)


def empty_channels_last(xp: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A new array (M, C, kh, kw), no view, whose memory is (M, kh, kw, C)."""
    m, c, kh, kw = shape
    return xp.empty_like(xp.empty((m, kh, kw, c), dtype=dtype).transpose((0, 3, 1, 2)))


def lies_by_sample(x: Any) -> bool:
    """Whether x is a matrix (N, C) whose samples are rows of memory; all else lies by channels."""
    return x.ndim == 2 and not x.flags.f_contiguous


def channel_rows(xp: Any, x: Any) -> Any:
    """An array (N, C, …) as a contiguous matrix with a row for each channel."""
    return to_chwn(xp, x).reshape(x.shape[1], -1 if x.size else 0)


def from_channel_rows(xp: Any, rows: Any, shape: tuple[int, ...]) -> Any:
    """The rows of `channel_rows` seen in the array's shape (N, C, …)."""
    n, *rest = shape
    return from_chwn(xp, rows.reshape(*rest, n))
