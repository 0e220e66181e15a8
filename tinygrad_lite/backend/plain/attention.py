"""Attention whose matrix is never written as a whole, in its plain form."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..kernel import kernel

Span = tuple[int, int]


class Attention(NamedTuple):
    """How attention is done.

    Attributes:
        scale: what q kᵀ is multiplied with.
        causal: query i looks at keys up to i only.
        block: queries and keys in a block of the plain form, at most.
        rate: the probability with which a weight was dropped.
    """

    scale: float
    causal: bool
    block: int = 512
    rate: float = 0.0

    @property
    def gain(self) -> float:
        """What weights that were not dropped are multiplied with."""
        return 1 / (1 - self.rate) if self.rate < 1 else 0.0


def ahead(xp: Any, rows: Span, columns: Span) -> Any:
    """Which keys of a block come after which queries."""
    return xp.arange(*columns) > xp.expand_dims(xp.arange(*rows), 1)


def part_of(mask: Any, rows: slice, columns: slice) -> Any:
    """A block of a mask (…, L, S) that may have one row, or column, for all."""
    return mask[
        ...,
        rows if mask.shape[-2] > 1 else slice(None),
        columns if mask.shape[-1] > 1 else slice(None),
    ]


def _scores(xp: Any, q: Any, k: Any, mask: Any, how: Attention, rows: Span, columns: Span) -> Any:
    """A block of q kᵀ · scale, with −inf where a query must not look."""
    s = xp.matmul(q[..., slice(*rows), :], xp.swapaxes(k[..., slice(*columns), :], -1, -2))
    s *= how.scale
    if how.causal:
        s = xp.where(ahead(xp, rows, columns), -math.inf, s)
    if mask is None:
        return s
    part = part_of(mask, slice(*rows), slice(*columns))
    return xp.where(part, s, -math.inf) if mask.dtype == bool else s + part


def _kept(xp: Any, p: Any, kept: Any, how: Attention, rows: Span, columns: Span) -> Any:
    """A block of weights, or of their gradient, after dropout."""
    if kept is None:
        return p
    return xp.where(kept[..., slice(*rows), slice(*columns)], p * how.gain, 0.0)


def _spans(size: int, q: Any, how: Attention) -> Iterator[Span]:
    """Ranges of queries or keys, so many that a block of scores has 2²⁴ elements at most."""
    fits = math.isqrt((1 << 24) // max(math.prod(q.shape[:-2]), 1))
    block = min(how.block, max(fits, 16))
    return ((start, min(start + block, size)) for start in range(0, size, block))


@kernel("plain")
def attention(
    xp: Any, q: Any, k: Any, v: Any, mask: Any, kept: Any, how: Attention
) -> tuple[Any, Any]:
    """y = p v, p = softmax(scale q kᵀ + mask), q (…, L, E), k (…, S, E), v (…, S, D); and ln Σ eˢ.

    With m and Σ of the keys so far a block of them changes y Σ by e^(m − m′) and adds eˢ⁻ᵐ′ v.
    `mask` (True: look, or numbers to add) broadcasts to (…, L, S); `kept`, of that shape, says
    which weights dropout left; each may be None. Who may look nowhere gets 0.
    """
    rows, columns = q.shape[-2], k.shape[-2]
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
    """dL/dq, dL/dk and dL/dv, written into three arrays if they are given.

    Each block of p is made again from ln Σ eˢ: dL/dv = pᵀ g, ds = p (g vᵀ − Σ g y),
    dL/dq = scale ds k, dL/dk = scale dsᵀ q; behind dropout p and g vᵀ are what it left of them.
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
