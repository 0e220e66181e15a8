"""Attention whose matrix is never written as a whole: blocks of queries against blocks of keys."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ..graph import Joint
from .rule import rule

Out = tuple[Any, Any]
Span = tuple[int, int]


def _scores(
    xp: Any, q: Any, k: Any, mask: Any, scale: float, causal: bool, rows: Span, columns: Span
) -> Any:
    """A block of q kᵀ · scale, with −inf where a query must not look."""
    s = xp.matmul(q[..., slice(*rows), :], xp.swapaxes(k[..., slice(*columns), :], -1, -2)) * scale
    if causal:
        s = xp.where(ahead(xp, rows, columns), -math.inf, s)
    if mask is None:
        return s
    part = mask[
        ...,
        slice(*rows) if mask.shape[-2] > 1 else slice(None),
        slice(*columns) if mask.shape[-1] > 1 else slice(None),
    ]
    return xp.where(part, s, -math.inf) if mask.dtype == bool else s + part


def ahead(xp: Any, rows: Span, columns: Span) -> Any:
    """Which keys of a block come after which queries."""
    return xp.arange(*columns) > xp.expand_dims(xp.arange(*rows), 1)


def _spans(size: int, block: int) -> Iterator[Span]:
    return ((start, min(start + block, size)) for start in range(0, size, block))


def attention_composition(
    xp: Any,
    q: Any,
    k: Any,
    v: Any,
    mask: Any = None,
    *,
    scale: float,
    causal: bool,
    block: int,
) -> Any:
    """`attention` with its whole matrix, from elementary operations, for second derivatives."""
    s = xp.matmul(q, xp.swapaxes(k, -1, -2)) * scale
    if causal:
        ones = xp.ones_like(s)
        s = xp.where(xp.cumsum(ones, axis=-1) > xp.cumsum(ones, axis=-2), -math.inf, s)
    if mask is not None:
        s = xp.where(mask, s, -math.inf) if mask.dtype == bool else s + mask
    none = xp.amax(s, axis=-1, keepdims=True) == -math.inf
    e = xp.exp(s - xp.where(none, 0.0, xp.amax(s, axis=-1, keepdims=True)))
    total = xp.sum(e, axis=-1, keepdims=True)
    return xp.matmul(e / xp.where(none, 1.0, total), v)


@rule(autocast="half", composition=attention_composition)
def attention(
    xp: Any,
    q: Any,
    k: Any,
    v: Any,
    mask: Any = None,
    *,
    scale: float,
    causal: bool,
    block: int,
) -> Out:
    """y = p v, p = softmax(scale q kᵀ + mask): q (…, L, E), k (…, S, E), v (…, S, D), y (…, L, D).

    With m and Σ of the keys so far a block of them changes y Σ by e^(m − m′) and adds eˢ⁻ᵐ′ v
    (Milakov & Gimelshein 2018); kept are y and ln Σ eˢ. Backwards each block of p is made again:
    dL/dv = pᵀ g, ds = p (g vᵀ − Σ g y), dL/dq = scale ds k, dL/dk = scale dsᵀ q (Dao et al. 2022).
    The mask (True: look, or numbers to add) gets no gradient. Who may look nowhere gets 0.
    """
    rows, columns = q.shape[-2], k.shape[-2]
    outputs, normals = [], []
    for span in _spans(rows, block):
        m = total = y = None
        for other in _spans(columns, block):
            if causal and other[0] >= span[1]:
                break
            s = _scores(xp, q, k, mask, scale, causal, span, other)
            top = xp.amax(s, axis=-1, keepdims=True)
            top = top if m is None else xp.maximum(m, top)
            safe = xp.where(top == -math.inf, 0.0, top)
            e = xp.exp(s - safe)
            sums, part = xp.sum(e, axis=-1, keepdims=True), xp.matmul(e, v[..., slice(*other), :])
            if m is not None:
                shrink = xp.exp(m - safe)
                sums, part = total * shrink + sums, y * shrink + part
            m, total, y = top, sums, part
        nowhere = total == 0
        outputs.append(y / xp.where(nowhere, 1.0, total))
        normals.append(xp.where(nowhere, 0.0, m) + xp.log(xp.where(nowhere, 1.0, total)))
    y, normal = xp.concatenate(outputs, axis=-2), xp.concatenate(normals, axis=-2)

    def back(g: Any, wanted: tuple[bool, ...]) -> tuple[Any, Any, Any]:
        dots = xp.sum(g * y, axis=-1, keepdims=True)
        dq, dk, dv = xp.zeros_like(q), xp.zeros_like(k), xp.zeros_like(v)
        for span in _spans(rows, block):
            mine = (..., slice(*span), slice(None))
            for other in _spans(columns, block):
                if causal and other[0] >= span[1]:
                    break
                theirs = (..., slice(*other), slice(None))
                p = xp.exp(_scores(xp, q, k, mask, scale, causal, span, other) - normal[mine])
                dv[theirs] += xp.matmul(xp.swapaxes(p, -1, -2), g[mine])
                ds = xp.matmul(g[mine], xp.swapaxes(v[theirs], -1, -2)) - dots[mine]
                ds *= p
                ds *= scale
                dq[mine] += xp.matmul(ds, k[theirs])
                dk[theirs] += xp.matmul(xp.swapaxes(ds, -1, -2), q[mine])
        return dq, dk, dv

    parts = (lambda g, found: found[0], lambda g, found: found[1], lambda g, found: found[2])
    return y, Joint(back, *parts, None)
