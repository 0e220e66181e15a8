"""Scaled dot-product attention as a function, with PyTorch's signature."""

from __future__ import annotations

import math
from typing import Any

from ...backend import namespace
from ...backend.dtypes import FLOATING
from ...ops import attention as ops
from ...tensor import Tensor, apply
from ...tensor.autocast import one_dtype
from ...tensor.base import new
from .dropout import dropout

__all__ = ["scaled_dot_product_attention"]

LARGEST = 2**24
"""Elements of a matrix of scores from which it is computed in blocks; 64 MB in float32."""
BLOCK = 512
"""Queries and keys in a block."""


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(q kᵀ · scale + mask) v: each query's mean of the values, weighted by their keys.

    A. Vaswani et al., "Attention Is All You Need", NIPS 2017. Where the matrix of all queries and
    keys would have more than 2²⁴ elements it is computed in blocks and never written as a whole,
    unless there is dropout or the mask needs a gradient.

    Args:
        query: (…, L, E).
        key: (…, S, E).
        value: (…, S, D).
        attn_mask: of a shape that broadcasts to (…, L, S): True where a query may look, or
            numbers that are added to the scores.
        dropout_p: the probability with which a weight is dropped; also in evaluation.
        is_causal: query i looks at keys up to i only; without attn_mask.
        scale: default: 1/√E.
        enable_gqa: key and value have fewer heads (dimension −3), each for several of the query.

    Returns:
        (…, L, D); 0 for a query that may look nowhere.

    Raises:
        RuntimeError: shapes or dtypes that do not fit, or both a mask and is_causal.
    """
    name = "scaled_dot_product_attention"
    if attn_mask is not None and is_causal:
        raise RuntimeError(f"{name}: Explicit attn_mask should not be set when is_causal=True")
    if min(query.ndim, key.ndim, value.ndim) < 2 or not one_dtype(query, key, value):
        raise RuntimeError(
            f"{name}: expected query, key and value of 2 dimensions or more and one dtype, but got "
            f"{', '.join(f'{t.shape} of {t.dtype}' for t in (query, key, value))}"
        )
    if enable_gqa:
        times = query.shape[-3] // max(key.shape[-3], 1)
        key, value = _repeated(key, times), _repeated(value, times)
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise RuntimeError(
            f"{name}: query {query.shape} and key {key.shape} must agree in the last size, key and "
            f"value {value.shape} in the one before"
        )
    factor = scale if scale is not None else 1 / math.sqrt(query.shape[-1] or 1)
    if attn_mask is not None and attn_mask.dtype.kind in FLOATING:
        attn_mask = attn_mask.to(dtype=query.dtype)
    elif attn_mask is not None and attn_mask.dtype.kind != "b":
        raise RuntimeError(
            f"{name}: Expected attn_mask dtype to be bool or float, but got {attn_mask.dtype}"
        )
    elements = math.prod(query.shape[:-1]) * key.shape[-2]
    whole = dropout_p or (attn_mask is not None and attn_mask.requires_grad)
    if elements > LARGEST and not whole:
        operands = (query, key, value, *(() if attn_mask is None else (attn_mask,)))
        return _in_blocks(*operands, scale=factor, causal=is_causal)
    scores = query @ key.transpose(-2, -1) * factor
    if is_causal:
        attn_mask = causal_mask(query.shape[-2], key.shape[-2], query)
    return dropout(softmax_of(scores, attn_mask), dropout_p) @ value


def _in_blocks(*operands: Tensor, scale: float, causal: bool) -> Tensor:
    query, key, value, *mask = operands
    lead = _broadcast(*(t.shape[:-2] for t in (query, key, value)))
    whole = [t.expand(*lead, *t.shape[-2:]) for t in (query, key, value)]
    # A block of the scores is no larger than the whole matrix may be.
    rows = max(16, min(BLOCK, math.isqrt(LARGEST // max(math.prod(lead), 1))))
    return apply(ops.attention, *whole, *mask, scale=scale, causal=causal, block=rows)


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    rank = max(map(len, shapes))
    full = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(next((n for n in column if n != 1), 1) for column in zip(*full, strict=True))


def causal_mask(rows: int, columns: int, like: Tensor) -> Tensor:
    """True where query i may look at key j, j ≤ i: (rows, columns)."""
    return new(~ops.ahead(namespace(like.array), (0, rows), (0, columns)))


def softmax_of(scores: Tensor, mask: Tensor | None) -> Tensor:
    """The weights of scores (…, L, S) under a mask: True where one may look, or numbers to add."""
    if mask is None:
        return scores.softmax(-1)
    look = mask if mask.dtype.kind == "b" else mask.detach() != -math.inf
    nowhere: Any = ~look.any(-1, keepdim=True)  # whose softmax would be NaN, as would its gradient
    added = scores if mask.dtype.kind == "b" else scores + mask
    return (
        added.masked_fill(~look, -math.inf)
        .masked_fill(nowhere, 0.0)
        .softmax(-1)
        .masked_fill(nowhere, 0.0)
    )


def _repeated(x: Tensor, times: int) -> Tensor:
    """Each head several times over."""
    heads = x.unsqueeze(-3).expand(*x.shape[:-2], times, *x.shape[-2:])
    return heads.reshape(*x.shape[:-3], x.shape[-3] * times, *x.shape[-2:])
