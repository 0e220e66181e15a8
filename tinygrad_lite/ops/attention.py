"""Attention whose matrix is never written as a whole (`backend.plain.attention`)."""

from __future__ import annotations

import math
from typing import Any

from ..backend.plain.attention import Attention
from ..graph import Joint
from .rule import rule

Out = tuple[Any, Any]


def attention_composition(
    xp: Any, q: Any, k: Any, v: Any, mask: Any = None, kept: Any = None, *, how: Attention
) -> Any:
    """`attention` with its whole matrix, from elementary operations, for second derivatives."""
    s = xp.matmul(q, xp.swapaxes(k, -1, -2)) * how.scale
    if 0 in s.shape[-2:]:
        return xp.matmul(s, v)
    if how.causal:
        ones = xp.ones_like(s)
        s = xp.where(xp.cumsum(ones, axis=-1) > xp.cumsum(ones, axis=-2), -math.inf, s)
    if mask is not None:
        s = xp.where(mask, s, -math.inf) if mask.dtype == bool else s + mask
    none = xp.amax(s, axis=-1, keepdims=True) == -math.inf
    e = xp.exp(s - xp.where(none, 0.0, xp.amax(s, axis=-1, keepdims=True)))
    p = e / xp.where(none, 1.0, xp.sum(e, axis=-1, keepdims=True))
    return xp.matmul(p if kept is None else xp.where(kept, p * how.gain, 0.0), v)


@rule(autocast="half", composition=attention_composition)
def attention(
    xp: Any, q: Any, k: Any, v: Any, mask: Any = None, kept: Any = None, *, how: Attention
) -> Out:
    """y = p v, p = softmax(s), s = scale q kᵀ + mask.

    q (…, L, E), k (…, S, E), v (…, S, D), y (…, L, D); the mask is True where a query may look, or
    numbers to add; `kept` is True for the elements of p that dropout keeps.
    What is kept for the gradient is y and ln Σ eˢ of each row (Milakov & Gimelshein 2018), from
    which p is made again: dL/dv = pᵀ g, dL/ds = p (g vᵀ − Σ g y), dL/dq = scale dL/ds k,
    dL/dk = scale (dL/ds)ᵀ q (Dao et al. 2022). Mask and `kept` get no gradient.
    """
    y, normal = xp.attention(q, k, v, mask, kept, how)

    def back(g: Any, wanted: tuple[bool, ...]) -> Any:
        return xp.attention_gradient(g, q, k, v, mask, kept, y, normal, how)

    parts = (lambda g, found: found[0], lambda g, found: found[1], lambda g, found: found[2])
    return y, Joint(back, *parts, None, None)


def _heads(xp: Any, x: Any, heads: int) -> list[Any]:
    """Queries, keys and values (N, heads, L, d) of packed ones (N, L, 3 · heads · d), as views."""
    n, length, size = x.shape
    split = xp.transpose(xp.reshape(x, (n, length, 3, heads, size // (3 * heads))), (2, 0, 3, 1, 4))
    return [split[0], split[1], split[2]]


def _together(xp: Any, y: Any) -> Any:
    """Heads (N, heads, L, d) side by side, as features (N, L, heads · d)."""
    n, heads, length, size = y.shape
    return xp.reshape(xp.transpose(y, (0, 2, 1, 3)), (n, length, heads * size))


def self_attention_composition(
    xp: Any, x: Any, mask: Any = None, kept: Any = None, *, heads: int, how: Attention
) -> Any:
    """`self_attention` from elementary operations."""
    q, k, v = _heads(xp, x, heads)
    return _together(xp, attention_composition(xp, q, k, v, mask, kept, how=how))


@rule(autocast="half", composition=self_attention_composition)
def self_attention(
    xp: Any, x: Any, mask: Any = None, kept: Any = None, *, heads: int, how: Attention
) -> Out:
    """`attention` of x = [q k v] (N, L, 3E) in heads of E / heads features: y (N, L, E).

    dL/dx = [dL/dq dL/dk dL/dv], as of `attention`; each is written into its place of one array.
    """
    q, k, v = _heads(xp, x, heads)
    y, normal = xp.attention(q, k, v, mask, kept, how)

    def vjp(g: Any) -> Any:
        dx = xp.empty(x.shape, dtype=x.dtype)
        dq, dk, dv = _heads(xp, dx, heads)
        split = xp.reshape(g, (*g.shape[:2], heads, g.shape[2] // heads))
        turned = xp.transpose(split, (0, 2, 1, 3))
        xp.attention_gradient(turned, q, k, v, mask, kept, y, normal, how, (dq, dk, dv))
        return dx

    return _together(xp, y), (vjp, None, None)
