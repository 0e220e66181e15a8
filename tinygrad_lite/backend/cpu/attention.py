"""Attention on NumPy, in blocks of queries whose scores stay in a thread's cache.

A block has all keys, so no later block changes what it found. If no score can be far from 0, by
|q kᵀ| ≤ |q| |k|, exponentials are taken of the scores as they are: to find each query's largest
score and subtract it takes as long as the exponential itself.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from ..flat import Array
from ..kernel import kernel
from ..plain import attention as plain
from ..plain.attention import Attention, ahead, part_of
from .sums import row_sums
from .threads import parallel
from .workspace import scratch

__all__ = ["attention", "attention_gradient"]

BLOCK = 1 << 18  # bytes of scores
FEWEST = 16  # queries in a block, however many keys there are
SHARED = 1 << 17  # scores that are worth another thread
SAFE = 40.0  # the largest score whose exponential is taken as it is: e⁴⁰ and e⁻⁴⁰ are far from inf

Place = tuple[Any, ...]


class _Pieces:
    """How the work is cut: some heads at a time, or some queries of one head.

    Attributes:
        lead: the dimensions (…) in front of q (…, L, E).
        heads: indices into `lead`, each of the heads that are done at once.
        block: how many queries are done at once.
        least: the fewest entries of `heads` that are worth a thread.
    """

    def __init__(self, q: Array, k: Array, how: Attention) -> None:
        self.lead, self.rows, self.columns = q.shape[:-2], q.shape[-2], k.shape[-2]
        self.causal = how.causal
        fits = max(1, BLOCK // max(1, self.columns * q.itemsize))  # rows of scores
        heads = max(1, fits // max(1, self.rows))
        self.block = max(FEWEST, min(self.rows, fits))
        last = self.lead[-1]
        cuts = [slice(i, min(i + heads, last)) for i in range(0, last, heads)]
        outer = itertools.product(*(range(n) for n in self.lead[:-1]))
        self.heads: list[Place] = [(*index, cut) for index in outer for cut in cuts]
        most = heads * self.rows * self.columns
        self.least = max(1, SHARED // max(1, most))

    def spans(self) -> list[tuple[slice, slice]]:
        """For each block the queries, and the keys that they may look at."""
        found = []
        for start in range(0, self.rows, self.block):
            stop = min(start + self.block, self.rows)
            found.append(
                (
                    slice(start, stop),
                    slice(0, min(stop, self.columns) if self.causal else self.columns),
                )
            )
        return found


def _with_lead(*arrays: Array) -> list[Array]:
    """Arrays (…, L, E), with a dimension of 1 in front of those that have only two."""
    return [a if a.ndim > 2 else a[None] for a in arrays]


def _spread(mask: Array | None, lead: tuple[int, ...]) -> Array | None:
    """A mask that is broadcast to the dimensions (…) in front; its last two stay as they are."""
    return None if mask is None else np.broadcast_to(mask, (*lead, *mask.shape[-2:]))


def _is_plain(q: Array, k: Array, v: Array) -> bool:
    """Whether the plain form has to do it.

    It does operands of 16 bits or several dtypes, with other dimensions in front, or empty ones.
    """
    same = q.dtype == k.dtype == v.dtype and q.shape[:-2] == k.shape[:-2] == v.shape[:-2]
    return not same or q.dtype.char not in "fd" or 0 in (q.size, k.size, v.size)


def _bound(q: Array, k: Array, mask: Array | None, how: Attention) -> float:
    """The largest magnitude that a score can have, apart from −∞; NaN or ∞ if none is known."""
    bound = math.sqrt(_largest(q) * _largest(k)) * abs(how.scale)
    if mask is not None and mask.dtype != bool:
        finite = np.where(mask == -math.inf, 0, mask)
        bound += float(np.abs(finite).max(initial=0))
    return bound


def _largest(a: Array) -> float:
    """The largest Σ a² over the last axis."""
    return float(np.vecdot(a, a).max(initial=0))


def _scores(
    q: Array, k: Array, mask: Array | None, how: Attention, rows: slice, columns: slice
) -> Array:
    """A block of scores, in scratch memory; q is scaled already."""
    shape = (*q.shape[:-1], columns.stop)
    s: Array = scratch("scores", shape, q.dtype)
    np.matmul(q, k[..., columns, :].swapaxes(-1, -2), out=s)
    if how.causal:
        low = min(rows.start, columns.stop)
        later = ahead(np, (rows.start, rows.stop), (low, columns.stop))
        np.copyto(s[..., low:], -math.inf, where=later)
    if mask is not None and mask.dtype == bool:
        np.copyto(s, -math.inf, where=~part_of(mask, rows, columns))
    elif mask is not None:
        np.add(s, part_of(mask, rows, columns), out=s)
    return s


def _drop(s: Array, kept: Array | None, rows: slice, columns: slice) -> None:
    """Set the elements of a block s that dropout takes to 0, in place."""
    if kept is not None:
        np.multiply(s, kept[..., rows, columns], out=s)


@kernel("cpu")
def attention(
    xp: Any,
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    kept: Array | None,
    how: Attention,
) -> tuple[Array, Array]:
    """See `plain.attention.attention`."""
    if _is_plain(q, k, v):
        return plain.attention(xp, q, k, v, mask, kept, how)
    shape, (q, k, v) = q.shape, _with_lead(q, k, v)
    pieces = _Pieces(q, k, how)
    mask, kept = _spread(mask, pieces.lead), _spread(kept, pieces.lead)
    # In the memory order of q, so that heads which came from features go back without a copy.
    y = (
        np.empty_like(q)
        if v.shape[-1] == q.shape[-1]
        else np.empty((*q.shape[:-1], v.shape[-1]), q.dtype)
    )
    normal = np.empty((*q.shape[:-1], 1), q.dtype)
    safe = _bound(q, k, mask, how) <= SAFE

    def piece(at: Place, rows: slice, columns: slice) -> None:
        part = None if mask is None else mask[at]
        s = _scores(q[at][..., rows, :] * q.dtype.type(how.scale), k[at], part, how, rows, columns)
        top: Any = 0
        if not safe:
            top = s.max(-1, keepdims=True)
            top[top == -math.inf] = 0
            np.subtract(s, top, out=s)
        np.exp(s, out=s)
        total = row_sums(s.reshape(-1, s.shape[-1])).reshape(*s.shape[:-1], 1)
        total[total == 0] = 1
        normal[at][..., rows, :] = np.log(total) + top
        _drop(s, None if kept is None else kept[at], rows, columns)
        into = y[at][..., rows, :]
        np.matmul(s, v[at][..., columns, :], out=into)
        np.multiply(into, (1 if kept is None else how.gain) / total, out=into)

    def part(first: int, last: int) -> None:
        for at in pieces.heads[first:last]:
            for rows, columns in pieces.spans():
                piece(at, rows, columns)

    parallel(part, len(pieces.heads), least=pieces.least)
    return y.reshape(*shape[:-1], v.shape[-1]) if len(shape) < 3 else y, normal.reshape(
        *shape[:-1], 1
    )


@kernel("cpu")
def attention_gradient(
    xp: Any,
    g: Array,
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    kept: Array | None,
    y: Array,
    normal: Array,
    how: Attention,
    into: tuple[Array, Array, Array] | None = None,
) -> tuple[Array, Array, Array]:
    """See `plain.attention.attention_gradient`."""
    if _is_plain(q, k, v) or g.dtype != q.dtype:
        return plain.attention_gradient(xp, g, q, k, v, mask, kept, y, normal, how, into)
    found = (np.empty_like(q), np.empty_like(k), np.empty_like(v)) if into is None else into
    g, q, k, v, y, normal, dq, dk, dv = _with_lead(g, q, k, v, y, normal, *found)
    pieces = _Pieces(q, k, how)
    mask, kept = _spread(mask, pieces.lead), _spread(kept, pieces.lead)

    def piece(at: Place, rows: slice, columns: slice) -> None:
        gain = 1 if kept is None else how.gain
        mine, left = g[at][..., rows, :], None if kept is None else kept[at]
        scaled = q[at][..., rows, :] * q.dtype.type(how.scale)
        dots = np.vecdot(mine, y[at][..., rows, :])[..., None]
        mine = mine * q.dtype.type(gain)
        p = _scores(scaled, k[at], None if mask is None else mask[at], how, rows, columns)
        np.exp(np.subtract(p, normal[at][..., rows, :], out=p), out=p)
        ds: Array = scratch("gradient of scores", p.shape, p.dtype)
        if left is not None:
            np.multiply(p, left[..., rows, columns], out=ds)
        after = p if left is None else ds
        _add(dv[at][..., columns, :], np.matmul(after.swapaxes(-1, -2), mine), rows)
        np.matmul(mine, v[at][..., columns, :].swapaxes(-1, -2), out=ds)
        _drop(ds, left, rows, columns)
        np.multiply(np.subtract(ds, dots, out=ds), p, out=ds)
        np.multiply(np.matmul(ds, k[at][..., columns, :]), how.scale, out=dq[at][..., rows, :])
        _add(dk[at][..., columns, :], np.matmul(ds.swapaxes(-1, -2), scaled), rows)

    def part(first: int, last: int) -> None:
        for at in pieces.heads[first:last]:
            if pieces.causal:  # a block then has not all keys
                dk[at], dv[at] = 0, 0
            for rows, columns in pieces.spans():
                piece(at, rows, columns)

    parallel(part, len(pieces.heads), least=pieces.least)
    return found


def _add(total: Array, share: Array, rows: slice) -> None:
    """Add a block's share to a gradient; the share of the first block replaces what is there."""
    if rows.start:
        np.add(total, share, out=total)
    else:
        total[...] = share
