"""Attention in blocks, so that its matrix of scores is never there as a whole; plain form.

Rabe, Staats, "Self-attention Does Not Need O(n²) Memory", 2021: https://arxiv.org/abs/2112.05682
Dao et al., "FlashAttention", NeurIPS 2022: https://arxiv.org/abs/2205.14135
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..kernel import kernel

Span = tuple[int, int]  # of queries or keys: first, and behind the last


class Attention(NamedTuple):
    """The settings of an attention.

    Attributes:
        scale: the factor of q kᵀ.
        causal: query i looks at the keys 0 … i only.
        block: the most queries, and the most keys, of a block in the plain form.
        rate: dropout's probability, with which a weight was set to 0.
    """

    scale: float
    causal: bool
    block: int = 512
    rate: float = 0.0

    @property
    def gain(self) -> float:
        """Dropout's factor of the weights that it keeps, 1 / (1 − rate)."""
        return 1 / (1 - self.rate) if self.rate < 1 else 0.0


def ahead(xp: Any, rows: Span, columns: Span) -> Any:
    """For a block, bool (queries, keys): whether a key comes after a query."""
    return xp.arange(*columns) > xp.expand_dims(xp.arange(*rows), 1)


def part_of(mask: Any, rows: slice, columns: slice) -> Any:
    """A block of a mask (…, L, S) that may have one row, or column, for all."""
    return mask[
        ...,
        rows if mask.shape[-2] > 1 else slice(None),
        columns if mask.shape[-1] > 1 else slice(None),
    ]


def _scores(xp: Any, q: Any, k: Any, mask: Any, how: Attention, rows: Span, columns: Span) -> Any:
    """A block of the scores scale · q kᵀ + mask, with −∞ where a query must not look."""
    s = xp.matmul(q[..., slice(*rows), :], xp.swapaxes(k[..., slice(*columns), :], -1, -2))
    s *= how.scale
    if how.causal:
        s = xp.where(ahead(xp, rows, columns), -math.inf, s)
    if mask is None:
        return s
    part = part_of(mask, slice(*rows), slice(*columns))
    return xp.where(part, s, -math.inf) if mask.dtype == bool else s + part


def _kept(xp: Any, p: Any, kept: Any, how: Attention, rows: Span, columns: Span) -> Any:
    """A block of weights, or of their gradient, with dropout as `kept` says (None for none)."""
    if kept is None:
        return p
    return xp.where(kept[..., slice(*rows), slice(*columns)], p * how.gain, 0.0)


def _spans(size: int, q: Any, how: Attention) -> Iterator[Span]:
    """Ranges that cover 0 … size, short enough for a block of scores of at most 2²⁴ elements."""
    fits = math.isqrt((1 << 24) // max(math.prod(q.shape[:-2]), 1))
    block = min(how.block, max(fits, 16))
    return ((start, min(start + block, size)) for start in range(0, size, block))


@kernel("plain")
def attention(
    xp: Any, q: Any, k: Any, v: Any, mask: Any, kept: Any, how: Attention
) -> tuple[Any, Any]:
    """y = p v with p = softmax(s) and the scores s = scale · q kᵀ + mask; and ln Σ eˢ.

    A query goes through blocks of keys with m, the largest score so far, the sum Σ eˢ⁻ᵐ and the sum
    Σ eˢ⁻ᵐ v. When a block raises m to m′, both sums are first multiplied by e^(m − m′). The
    quotient of the two is y at the end.

    Args:
        xp: the namespace of all arrays.
        q, k, v: (…, L, E), (…, S, E) and (…, S, D).
        mask: bool, True where a query may look, or numbers; broadcasts to (…, L, S); or None.
        kept: bool (…, L, S), the weights that dropout keeps; or None without dropout.
        how: scale, causality, dropout's rate.

    Returns:
        y (…, L, D), 0 for queries that may look at no key, and ln Σ eˢ of each query, (…, L, 1),
        which the gradient makes p from again.
    """
    rows, columns = q.shape[-2], k.shape[-2]
    if 0 in (rows, columns):
        none = xp.matmul(q, xp.swapaxes(k, -1, -2))
        return xp.matmul(none, v), xp.sum(none, axis=-1, keepdims=True)
    outputs, normals = [], []
    for span in _spans(rows, q, how):
        m = total = y = None
        for other in _spans(columns, q, how):
            if how.causal and other[0] >= span[1]:
                break
            s = _scores(xp, q, k, mask, how, span, other)
            top = xp.amax(s, axis=-1, keepdims=True)
            top = top if m is None else xp.maximum(m, top)
            safe = xp.where(top == -math.inf, 0.0, top)
            e = xp.exp(s - safe)
            sums = xp.sum(e, axis=-1, keepdims=True)
            part = xp.matmul(_kept(xp, e, kept, how, span, other), v[..., slice(*other), :])
            if m is not None:
                shrink = xp.exp(m - safe)
                sums, part = total * shrink + sums, y * shrink + part
            m, total, y = top, sums, part
        nowhere = total == 0
        outputs.append(y / xp.where(nowhere, 1.0, total))
        normals.append(xp.where(nowhere, 0.0, m) + xp.log(xp.where(nowhere, 1.0, total)))
    return xp.concatenate(outputs, axis=-2), xp.concatenate(normals, axis=-2)


@kernel("plain")
def attention_gradient(
    xp: Any,
    g: Any,
    q: Any,
    k: Any,
    v: Any,
    mask: Any,
    kept: Any,
    y: Any,
    normal: Any,
    how: Attention,
    into: tuple[Any, Any, Any] | None = None,
) -> tuple[Any, Any, Any]:
    """dL/dq, dL/dk and dL/dv of `attention`, for g = dL/dy (…, L, D).

    Block by block, with p = exp(s − ln Σ eˢ) made again:

        dL/dv = pᵀ g,   ds = p (g vᵀ − Σ g y),   dL/dq = scale · ds k,   dL/dk = scale · dsᵀ q

    where Σ g y is over the features of a query. With dropout, the p in dL/dv and g vᵀ have 0 where
    it dropped a weight, and its gain elsewhere.

    Args:
        xp: the namespace of all arrays.
        g: dL/dy.
        q, k, v, mask, kept, how: as they were given to `attention`.
        y, normal: what it returned.
        into: three arrays to write the results into, and to return; None for new ones.
    """
    dots = xp.sum(g * y, axis=-1, keepdims=True)
    dq, dk, dv = (xp.zeros_like(a) for a in (q, k, v)) if into is None else into
    for a in into or ():
        a[...] = 0
    for span in _spans(q.shape[-2], q, how):
        mine = (..., slice(*span), slice(None))
        for other in _spans(k.shape[-2], q, how):
            if how.causal and other[0] >= span[1]:
                break
            theirs = (..., slice(*other), slice(None))
            p = xp.exp(_scores(xp, q, k, mask, how, span, other) - normal[mine])
            left = _kept(xp, p, kept, how, span, other)
            dv[theirs] += xp.matmul(xp.swapaxes(left, -1, -2), g[mine])
            ds = xp.matmul(g[mine], xp.swapaxes(v[theirs], -1, -2))
            ds = _kept(xp, ds, kept, how, span, other) - dots[mine]
            ds *= p
            ds *= how.scale
            dq[mine] += xp.matmul(ds, k[theirs])
            dk[theirs] += xp.matmul(xp.swapaxes(ds, -1, -2), q[mine])
    return dq, dk, dv
