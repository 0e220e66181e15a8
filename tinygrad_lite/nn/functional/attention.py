"""Scaled dot-product attention as a function, with PyTorch's signature."""

from __future__ import annotations

import math
from typing import Any

from ...backend import namespace
from ...backend.dtypes import FLOATING
from ...backend.plain.attention import Attention, ahead
from ...ops import attention as ops
from ...tensor import Tensor, apply
from ...tensor.autocast import one_dtype
from ...tensor.base import new
from ...tensor.check import takes_tensors
from ...tensor.operation import refuse
from .dropout import drawn_kept, dropout

__all__ = ["scaled_dot_product_attention"]

LARGEST = 2**24
"""Elements of a matrix of scores beyond which it is computed in blocks; 64 MB in float32."""


@takes_tensors
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
    """softmax(q kᵀ · scale + mask) v: for each query the values' mean, weighted by their keys.

    A. Vaswani et al., "Attention Is All You Need", NIPS 2017. On a CPU, and where the matrix of
    all queries and keys would have more than 2²⁴ elements, it is computed in blocks and never
    written as a whole, unless the mask needs a gradient.

    Args:
        query: (…, L, E).
        key: (…, S, E).
        value: (…, S, D).
        attn_mask: of a shape that broadcasts to (…, L, S): True where a query may look, or
            numbers that are added to the scores.
        dropout_p: the probability with which a weight is set to 0; give 0 in evaluation.
        is_causal: query i looks at keys up to i only; not together with attn_mask.
        scale: the factor of the scores; default: 1/√E.
        enable_gqa: key and value may have fewer heads (dimension −3) than the query; each of theirs
            stands for several neighbouring ones.

    Returns:
        (…, L, D); 0 for a query that may look nowhere.

    Raises:
        RuntimeError: shapes or dtypes that do not fit, or both a mask and is_causal.
        ValueError: dropout_p is not in [0, 1].
    """
    name = "scaled_dot_product_attention"
    if attn_mask is not None and is_causal:
        raise RuntimeError(f"{name}: Explicit attn_mask should not be set when is_causal=True")
    if min(query.ndim, key.ndim, value.ndim) < 2 or not one_dtype(query, key, value):
        raise RuntimeError(
            f"{name}: expected query, key and value of 2 dimensions or more and one dtype, but got "
            f"{', '.join(f'{t.shape} of {t.dtype}' for t in (query, key, value))}"
        )
    if query.dtype.kind not in FLOATING:
        refuse(name, query)
    if enable_gqa:
        times = query.shape[-3] // max(key.shape[-3], 1)
        key, value = _repeated(key, times), _repeated(value, times)
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise RuntimeError(
            f"{name}: query {query.shape} and key {key.shape} must agree in the last size, key and "
            f"value {value.shape} in the one before"
        )
    factor = scale if scale is not None else 1 / math.sqrt(query.shape[-1] or 1)
    lead = _broadcast(*(t.shape[:-2] for t in (query, key, value)))
    scores = (*lead, query.shape[-2], key.shape[-2])
    if attn_mask is not None:
        attn_mask = _fitting(name, attn_mask, query, scores)
    if _is_fused(query, scores, attn_mask):
        whole = [t.expand(*lead, *t.shape[-2:]) for t in (query, key, value)]
        kept, how = _settings(query, scores, factor, is_causal, dropout_p)
        return apply(ops.attention, *whole, _at_least_2d(attn_mask), kept, how=how)
    products = query @ key.transpose(-2, -1) * factor
    if is_causal:
        attn_mask = causal_mask(query.shape[-2], key.shape[-2], query)
    return dropout(softmax_of(products, attn_mask), dropout_p) @ value


def packed_attention(packed: Tensor, heads: int, mask: Tensor | None, dropout_p: float) -> Tensor:
    """Self-attention of queries, keys and values that lie side by side.

    Args:
        packed: (N, L, 3E), [q k v] for each place.
        heads: how many heads there are; each has E / heads features of q, of k and of v.
        mask: numbers to add to the scores, of a shape that broadcasts to (N, heads, L, L).
        dropout_p: as in `scaled_dot_product_attention`.

    Returns:
        The heads' outputs side by side, (N, L, E).
    """
    n, length, size = packed.shape[0], packed.shape[1], packed.shape[2] // 3
    scores = (n, heads, length, length)
    if _is_fused(packed, scores, mask):
        factor = 1 / math.sqrt(size // heads)
        kept, how = _settings(packed, scores, factor, False, dropout_p)
        return apply(ops.self_attention, packed, _at_least_2d(mask), kept, heads=heads, how=how)
    q, k, v = (in_heads(t, heads) for t in packed.chunk(3, -1))
    y = scaled_dot_product_attention(q, k, v, mask, dropout_p)
    return y.transpose(1, 2).reshape(n, length, size)


def in_heads(x: Tensor, heads: int) -> Tensor:
    """Features (N, L, E) split into heads: (N, heads, L, E / heads)."""
    return x.reshape(*x.shape[:2], heads, x.shape[2] // heads).transpose(1, 2)


def _is_fused(x: Tensor, scores: tuple[int, ...], mask: Tensor | None) -> bool:
    """Whether one rule does it in blocks: where the scores' matrix is large, and always on a CPU.

    There blocks stay in the cache. A mask that wants a gradient needs the whole matrix.
    """
    if mask is not None and mask.requires_grad:
        return False
    return math.prod(scores) > LARGEST or namespace(x.array).name == "cpu"


def _settings(
    x: Tensor, scores: tuple[int, ...], scale: float, causal: bool, rate: float
) -> tuple[Tensor | None, Attention]:
    """Which weights dropout keeps (None for all), and the rule's settings."""
    kept = drawn_kept(x, scores, rate) if rate else None
    return kept, Attention(scale, causal, rate=rate)


def _fitting(name: str, mask: Tensor, query: Tensor, scores: tuple[int, ...]) -> Tensor:
    """A mask for scores of a shape, numbers in the query's dtype.

    Raises:
        RuntimeError: it is neither bool, float32 nor of the query's dtype, or of another shape.
    """
    if mask.dtype.kind != "b" and mask.dtype.name not in ("float32", query.dtype.name):
        raise RuntimeError(
            f"{name}: Expected attn_mask dtype to be bool or float, or the query's, but got "
            f"{mask.dtype} and {query.dtype}"
        )
    sizes = zip(reversed(mask.shape), reversed(scores), strict=False)
    if mask.ndim > len(scores) or any(n not in (1, of) for n, of in sizes):
        raise RuntimeError(
            f"{name}: expected attn_mask to broadcast to the scores' shape {scores}, but got "
            f"{tuple(mask.shape)}"
        )
    return mask if mask.dtype.kind == "b" else mask.to(dtype=query.dtype)


def _at_least_2d(mask: Tensor | None) -> Tensor | None:
    """A mask with the dimensions of queries and keys, as the rules take it."""
    while mask is not None and mask.ndim < 2:
        mask = mask.unsqueeze(0)
    return mask


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that shapes broadcast to; what does not fit, `expand` refuses afterwards."""
    rank = max(map(len, shapes))
    full = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(next((n for n in column if n != 1), 1) for column in zip(*full, strict=True))


def causal_mask(rows: int, columns: int, like: Tensor) -> Tensor:
    """True where query i may look at key j, j ≤ i: (rows, columns)."""
    return new(~ahead(namespace(like.array), (0, rows), (0, columns)))


def softmax_of(scores: Tensor, mask: Tensor | None) -> Tensor:
    """The softmax of scores (…, L, S) over the keys, 0 for a query that may look nowhere.

    The mask is True where a query may look, or numbers to add, −∞ where it may not.
    """
    if mask is None:
        return scores.softmax(-1)
    look = mask if mask.dtype.kind == "b" else mask.detach() != -math.inf
    nowhere: Any = ~look.any(-1, keepdim=True)  # rows of −∞: softmax and gradient would be NaN
    added = scores if mask.dtype.kind == "b" else scores + mask
    return (
        added.masked_fill(~look, -math.inf)
        .masked_fill(nowhere, 0.0)
        .softmax(-1)
        .masked_fill(nowhere, 0.0)
    )


def _repeated(x: Tensor, times: int) -> Tensor:
    """Each head (dimension −3) several times over, one beside the other."""
    heads = x.unsqueeze(-3).expand(*x.shape[:-2], times, *x.shape[-2:])
    return heads.reshape(*x.shape[:-3], x.shape[-3] * times, *x.shape[-2:])
