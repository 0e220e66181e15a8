"""A gated recurrent unit on NumPy (see `sequences` for how it goes through them).

A step's arrays are r, z, n and u_n, the part of W h_{t−1} + b that r lets through. Their gradients
lie in the order u_n, r, z, n: the first three are those of W h + b, the last three of the input.
The σ of gates is (1 + tanh(z/2)) / 2, with the halves of z in the weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..flat import Array
from ..kernel import kernel
from ..packing import Sizes
from ..plain import recurrence as plain
from .blas import short_product
from .sequences import (
    by_parts,
    by_sequences,
    from_input,
    gathered,
    groups,
    is_plain,
    most_rows,
    to_input,
)
from .workspace import scratch

__all__ = ["gru", "gru_gradient"]

Kept = tuple[Any, ...]


def _turned(weight: Array, size: int) -> Array:
    """A weight (3H, F) as (3, F, H), the gates with a σ halved."""
    turned = np.array(weight.reshape(3, size, -1).transpose(0, 2, 1), order="C")  # a copy
    turned[:2] *= 0.5
    return turned


@kernel("cpu")
def gru(
    xp: Any,
    x: Array,
    hidden: Array,
    weight_in: Array,
    weight: Array,
    bias_in: Array | None,
    bias: Array | None,
    sizes: Sizes,
    reverse: bool,
) -> tuple[Array, Kept]:
    """See `plain.recurrence.gru`. Kept is, of each thread: its sequences, r z n u_n, and h."""
    if is_plain(sizes, x, hidden, weight_in, weight, bias_in, bias):
        return plain.gru(xp, x, hidden, weight_in, weight, bias_in, bias, sizes, reverse)
    total, (count, size), half = len(x), hidden.shape, x.dtype.type(0.5)
    y = np.empty((total + count, size), x.dtype)
    h = y[total:]
    h[...] = hidden
    turned_in, turned = _turned(weight_in, size), _turned(weight, size)
    shift, inner = (
        np.zeros((3, 1, size), x.dtype) if b is None else _turned(b, size) for b in (bias_in, bias)
    )
    shift[:2] += inner[:2]

    def part(low: int, high: int) -> Kept:
        steps = groups(sizes, reverse, low, high, 3 * size * x.itemsize)
        rows = steps[-1].own.stop
        active = np.empty((rows, 4 * size), x.dtype)
        before = np.empty((rows, size), x.dtype)
        room = scratch("gru", (3 * (high - low), size), x.dtype)
        filling = {some[0]: f for some, f in from_input(x, turned_in, shift, steps, active)}
        for group in steps:
            last, n = group.shape[0] - 1, group.shape[1]
            a, states = group.gates(active, 4), group.gates(before, 1)
            now, t = h[low : low + n], room[: 3 * n].reshape(3, n, size)
            to_inner = np.repeat(inner[2:], n, axis=1)
            if group in filling:
                filling[group]()
            states[0, 0] = now
            for s, step in enumerate(a):
                h_s, after = states[s, 0], states[s + 1, 0] if s < last else now
                gates, new, u = step[:2], step[2], step[3]
                short_product(h_s, turned, t)
                np.tanh(np.add(gates, t[:2], out=gates), out=gates)
                np.multiply(gates, half, out=gates)
                np.add(gates, half, out=gates)
                np.add(t[2], to_inner[0], out=u)
                np.add(new, np.multiply(gates[0], u, out=t[0]), out=new)
                np.tanh(new, out=new)
                np.multiply(np.subtract(h_s, new, out=t[0]), gates[1], out=t[0])
                np.add(new, t[0], out=after)
            target = group.packed(y)
            target[:-1], target[-1] = states[1:, 0], now
        return low, high, active, before

    return y, tuple(by_sequences(part, count, weight))


def _factors(a: Array, h: Array, d: Array) -> None:
    """Leave in d (S, 4, n, H) what dh is multiplied with: u_n, r, z, n."""
    (r, z, n, u), (du, dr, dz, dn) = (of.transpose(1, 0, 2, 3) for of in (a, d))
    np.subtract(1, z, out=du)
    np.subtract(1, np.multiply(n, n, out=dn), out=dn)
    np.multiply(dn, du, out=dn)
    np.multiply(np.subtract(h[:, 0], n, out=dz), z, out=dz)
    np.multiply(dz, du, out=dz)
    np.subtract(r, np.multiply(r, r, out=dr), out=dr)
    np.multiply(np.multiply(dr, u, out=dr), dn, out=dr)
    np.multiply(dn, r, out=du)


@kernel("cpu")
def gru_gradient(
    xp: Any,
    g: Array,
    kept: Kept,
    x: Array,
    weight_in: Array,
    weight: Array,
    sizes: Sizes,
    reverse: bool,
    wanted: bool,
) -> tuple[Any, ...]:
    """See `plain.recurrence.gru_gradient`."""
    if isinstance(kept[0], np.ndarray):
        return plain.gru_gradient(xp, g, kept, x, weight_in, weight, sizes, reverse, wanted)
    total, size = len(x), weight.shape[1]
    dx = np.empty(x.shape, x.dtype) if wanted else None
    dh, weight_in = g[total:].copy(), np.ascontiguousarray(weight_in)
    ordered = weight.reshape(3, size, size)[[2, 0, 1]]

    def part(low: int, high: int, active: Array, before: Array) -> Any:
        steps = groups(sizes, reverse, low, high, 3 * size * x.itemsize)
        rows = np.empty((len(before), 4 * size), x.dtype)
        due = {some[0]: write for some, write in to_input(rows[:, size:], weight_in, steps, dx)}
        room = scratch("gru", (4 * (high - low), size), x.dtype)
        factors = scratch("gru 4", (most_rows(steps), 4 * size), x.dtype)
        for group in reversed(steps):
            (length, n), of_y = group.shape, group.packed(g)
            a, now = group.gates(active, 4), dh[low : low + n]
            d, t = group.room(factors, 4), room[: 4 * n].reshape(4, n, size)
            t[3], t[:3] = now, 0
            _factors(a, group.gates(before, 1), d)
            for s in reversed(range(length)):
                np.add(np.add.reduce(t, axis=0, out=now), of_y[s], out=now)
                np.multiply(d[s], now, out=d[s])
                np.multiply(now, a[s, 1], out=t[3])
                short_product(d[s, :3], ordered, t[:3])
            np.add.reduce(t, axis=0, out=now)
            rows[group.own].reshape(length, n, 4, size)[...] = d.transpose(0, 2, 1, 3)
            if group in due:
                due[group]()
        of_h = np.matmul(rows[:, : 3 * size].T, before)
        of_x, ones = np.matmul(rows[:, size:].T, gathered(x, steps)), np.ones(len(rows), x.dtype)
        return of_x, of_h, np.matmul(ones, rows)

    of_x, of_h, biases = by_parts(part, kept)
    after = np.concatenate
    of_h, bias = (after([of[size:], of[:size]]) for of in (of_h, biases[: 3 * size]))
    return dx, dh, of_x, of_h, biases[size:], bias
