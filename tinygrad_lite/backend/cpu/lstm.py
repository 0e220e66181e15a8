"""A long short-term memory on NumPy (see `sequences` for how it goes through them).

A step's gates lie in the order o i f g, and behind them c_{t−1}: so these are neighbours that are
taken at once: the gates with a σ, the two addends of c_t and what they are multiplied with, and
the gates whose gradients come through c_t. The σ of gates is (1 + tanh(z/2)) / 2, with the halves
of z in the weights.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from ..flat import Array
from ..kernel import kernel
from ..packing import Sizes
from ..plain import recurrence as plain
from .beside import Jobs, beside
from .blas import short_product
from .sequences import (
    from_input,
    groups,
    helpers,
    is_plain,
    most_rows,
    shares,
    summed,
    to_input,
    to_weights,
)
from .workspace import scratch

__all__ = ["lstm", "lstm_gradient"]

Kept = tuple[Any, ...]
ORDER = (3, 0, 1, 2)  # o, i, f, g as gates of a weight


def _turned(weight: Array, size: int) -> Array:
    """A weight (4H, F) as (4, F, H): its gates in our order, those with a σ halved."""
    turned = np.empty((4, weight.shape[1], size), weight.dtype)
    for k, gate in enumerate(ORDER):
        rows = weight[gate * size : (gate + 1) * size]
        np.multiply(rows.T, 0.5 if k < 3 else 1, out=turned[k])
    return turned


@kernel("cpu")
def lstm(
    xp: Any,
    x: Array,
    hidden: Array,
    cell: Array,
    weight_in: Array,
    weight: Array,
    bias: Array | None,
    sizes: Sizes,
    reverse: bool,
) -> tuple[Array, Kept]:
    """See `plain.recurrence.lstm`. Kept is, of each thread: its sequences, gates, tanh c and h."""
    if is_plain(sizes, x, hidden, cell, weight_in, weight, bias):
        return plain.lstm(xp, x, hidden, cell, weight_in, weight, bias, sizes, reverse)
    total, (count, size), half = len(x), hidden.shape, x.dtype.type(0.5)
    y = np.empty((total + 2 * count, size), x.dtype)
    h, c = y[total : total + count], y[total + count :]
    h[...], c[...] = hidden, cell
    turned_in, turned = _turned(weight_in, size), _turned(weight, size)
    shift = None if bias is None else _turned(bias[:, None], size)

    ranges, helping = shares(count, weight)

    def part(jobs: Jobs, low: int, high: int) -> Kept:
        steps = groups(sizes, reverse, low, high, 4 * size * x.itemsize)
        rows = steps[-1].own.stop
        active = np.empty((rows, 5 * size), x.dtype)
        bent, before = np.empty((2, rows, size), x.dtype)
        room = scratch("lstm", (4 * (high - low), size), x.dtype)
        filled = {
            some[0]: jobs.add(fill) for some, fill in from_input(x, turned_in, shift, steps, active)
        }
        for group in steps:
            last, n = group.shape[0] - 1, group.shape[1]
            a, b, states = (group.gates(of, k) for of, k in ((active, 5), (bent, 1), (before, 1)))
            now, inside = h[low : low + n], c[low : low + n]
            t = room[: 4 * n].reshape(4, n, size)
            if group in filled:
                jobs.need(filled[group])
            states[0, 0], a[0, 4] = now, inside
            for s, step in enumerate(a):
                z, bounded, tanh_c = step[:4], step[:3], b[s, 0]
                next_h, next_c = (states[s + 1, 0], a[s + 1, 4]) if s < last else (now, inside)
                short_product(states[s, 0], turned, t)
                np.tanh(np.add(z, t, out=z), out=z)
                np.multiply(bounded, half, out=bounded)
                np.add(bounded, half, out=bounded)
                np.multiply(step[1:3], step[3:], out=t[:2])
                np.tanh(np.add(t[0], t[1], out=next_c), out=tanh_c)
                np.multiply(step[0], tanh_c, out=next_h)
            target = group.packed(y)
            target[:-1], target[-1] = states[1:, 0], now
        return low, high, active, bent, before

    return y, tuple(beside(part, ranges, helping))


def _factors(a: Array, b: Array, d: Array, t: Array) -> None:
    """Leave in d (S, 4, n, H) and t (S, 1, n, H) what the gradients of gates and c begin with.

    Those of i, f and g are multiplied with dc, that of o and what c gets through h with dh.
    """
    bounded, of_g = a[:, :3], d[:, 3:]
    np.multiply(a[:, :4], a[:, :4], out=d)
    np.subtract(bounded, d[:, :3], out=d[:, :3])
    np.subtract(1, of_g, out=of_g)
    np.multiply(d[:, :1], b, out=d[:, :1])
    np.multiply(d[:, 1:3], a[:, 3:], out=d[:, 1:3])
    np.multiply(of_g, a[:, 1:2], out=of_g)
    np.subtract(1, np.multiply(b, b, out=t), out=t)
    np.multiply(t, a[:, :1], out=t)


@kernel("cpu")
def lstm_gradient(
    xp: Any,
    grad: Array,
    kept: Kept,
    x: Array,
    weight_in: Array,
    weight: Array,
    sizes: Sizes,
    reverse: bool,
    wanted: bool,
) -> tuple[Any, ...]:
    """See `plain.recurrence.lstm_gradient`."""
    if isinstance(kept[0], np.ndarray):
        return plain.lstm_gradient(xp, grad, kept, x, weight_in, weight, sizes, reverse, wanted)
    total, (count, size) = len(x), (sizes[0], weight.shape[1])
    dx = np.empty(x.shape, x.dtype) if wanted else None
    dh, dc = grad[total : total + count].copy(), grad[total + count :].copy()
    weight_in = np.ascontiguousarray(weight_in)
    ordered = weight.reshape(4, size, size)[list(ORDER)]

    def part(jobs: Jobs, low: int, high: int, active: Array, bent: Array, before: Array) -> Any:
        steps = groups(sizes, reverse, low, high, 4 * size * x.itemsize)
        dz = np.empty((len(bent), 4 * size), x.dtype)
        room = scratch("lstm", (4 * (high - low), size), x.dtype)
        factors, of_c = (
            scratch(f"lstm {k}", (most_rows(steps), k * size), x.dtype) for k in (4, 1)
        )
        found, of_weights = to_weights(dz, x, before, steps)
        due = defaultdict(list)
        for some, work in to_input(dz, weight_in, steps, dx) + of_weights:
            due[some[0]].append(work)
        for group in reversed(steps):
            (length, n), g = group.shape, group.packed(grad)
            a, b = group.gates(active, 5), group.gates(bent, 1)
            now, inside = dh[low : low + n], dc[low : low + n]
            d, through, t = group.room(factors, 4), group.room(of_c, 1), room[: 4 * n]
            t = t.reshape(4, n, size)
            t[0], t[1:] = now, 0
            _factors(a, b, d, through)
            for s in reversed(range(length)):
                step, more = d[s], through[s, 0]
                np.add(np.add.reduce(t, axis=0, out=now), g[s], out=now)
                np.add(inside, np.multiply(more, now, out=more), out=inside)
                np.multiply(step[0], now, out=step[0])
                np.multiply(step[1:], inside, out=step[1:])
                np.multiply(inside, a[s, 2], out=inside)
                short_product(step, ordered, t)
            np.add.reduce(t, axis=0, out=now)
            rows = dz[group.own].reshape(length, n, 4, size)
            rows[:, :, :3], rows[:, :, 3] = d[:, 1:].transpose(0, 2, 1, 3), d[:, 0]
            for work in due[group]:
                jobs.add(work)
        jobs.finish()
        return summed(found)

    return dx, dh, dc, *summed(beside(part, kept, helpers(len(kept))))
