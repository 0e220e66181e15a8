"""Recurrent layers on NumPy: each thread takes some of the sequences through all steps.

Sequences do not depend on each other, so that threads meet once a pass and not once a step. All
that a step writes it writes where it stays; what of a gradient does not wait for the step behind
it is made before, in blocks of rows. The σ of gates is (1 + tanh(z/2)) / 2.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..flat import Array
from ..kernel import kernel
from ..packing import Sizes, spans
from ..plain import recurrence as plain
from .blas import short_product
from .threads import parallel

__all__ = ["gru", "gru_gradient", "rnn", "rnn_gradient"]

Kept = tuple[Array, ...]
Place = tuple[slice, slice]
Place2 = tuple[int, int]

SHARED = 1 << 19  # multiplications a step that are worth another thread,
FEWEST = 8  # and sequences: each thread reads all of the weight
BLOCK = 1 << 17  # bytes of gates that stay in the cache, with what is made of them


def _is_plain(*arrays: Array | None) -> bool:
    """Whether the plain form has to take them: other than floats of one dtype, or none at all."""
    given = [a for a in arrays if a is not None]
    return len({a.dtype for a in given}) > 1 or given[0].dtype.char not in "fd" or not given[0].size


def _by_sequences(part: Callable[[int, int], None], count: int, weight: Array) -> None:
    """Call `part(low, high)` for ranges of the sequences, on several threads."""
    parallel(part, count, least=max(FEWEST, SHARED // weight.size))


def _places(steps: list[tuple[int, int]], low: int, high: int) -> Iterator[Place]:
    """For each step the rows of the packing, and the sequences, that are of a range of these."""
    for start, end in steps:
        stop = min(high, end - start)
        if stop > low:
            yield slice(start + low, start + stop), slice(low, stop)


def _groups(
    steps: list[tuple[int, int]], low: int, high: int, gates: Array
) -> Iterator[tuple[list[tuple[int, int]], Callable[[Array], Array]]]:
    """Steps in groups whose gates stay in the cache, and what gives an array's rows of a group.

    The steps of a group follow each other and have equally many rows, of which the range's are
    seen: (steps, rows, …).
    """
    for n, same in itertools.groupby(steps, key=lambda step: step[1] - step[0]):
        equal, stop = list(same), min(high, n)
        if stop <= low:
            continue
        most = max(1, BLOCK // ((stop - low) * gates.shape[1] * gates.itemsize))
        for first in range(0, len(equal), most):
            group = equal[first : first + most]
            place = slice(min(group)[0], max(group)[1])
            shape = (len(group), n)

            def seen(
                a: Array, place: slice = place, shape: Place2 = shape, stop: int = stop
            ) -> Array:
                return a[place].reshape(*shape, a.shape[1])[:, low:stop]

            yield group, seen


def _gates(a: Array, count: int) -> list[Array]:
    """Views of the gates of rows (…, count · H)."""
    size = a.shape[-1] // count
    return [a[..., k * size : (k + 1) * size] for k in range(count)]


@kernel("cpu")
def rnn(
    xp: Any, gates: Array, hidden: Array, weight: Array, sizes: Sizes, reverse: bool, relu: bool
) -> tuple[Array, Kept]:
    """See `plain.recurrence.rnn`."""
    if _is_plain(gates, hidden, weight):
        return plain.rnn(xp, gates, hidden, weight, sizes, reverse, relu)
    (total, size), steps = gates.shape, spans(sizes, reverse)
    y = np.empty((total + len(hidden), size), gates.dtype)
    states, before = np.empty((2, total, size), gates.dtype)
    h, turned = y[total:], np.ascontiguousarray(weight.T)
    h[...] = hidden

    def part(low: int, high: int) -> None:
        for rows, own in _places(steps, low, high):
            a, now = states[rows], h[own]
            before[rows] = now
            short_product(now, turned, a)
            np.add(a, gates[rows], out=a)
            now[...] = np.maximum(a, 0, out=a) if relu else np.tanh(a, out=a)
            y[rows] = now

    _by_sequences(part, len(hidden), weight)
    return y, (states, before)


@kernel("cpu")
def rnn_gradient(
    xp: Any, g: Array, kept: Kept, weight: Array, sizes: Sizes, reverse: bool, relu: bool
) -> tuple[Array, Array]:
    """See `plain.recurrence.rnn_gradient`."""
    states = kept[0]
    if _is_plain(states, g, weight):
        return plain.rnn_gradient(xp, g, kept, weight, sizes, reverse, relu)
    dz, dh = np.empty_like(states), g[len(states) :].copy()
    steps, weight = spans(sizes, reverse)[::-1], np.ascontiguousarray(weight)

    def slopes(a: Array, d: Array) -> None:
        if relu:
            np.copyto(d, a > 0)
        else:
            np.subtract(1, np.multiply(a, a, out=d), out=d)

    def part(low: int, high: int) -> None:
        for group, seen in _groups(steps, low, high, states):
            slopes(seen(states), seen(dz))
            for rows, own in _places(group, low, high):
                d, now = dz[rows], dh[own]
                np.add(now, g[rows], out=now)
                np.multiply(d, now, out=d)
                short_product(d, weight, now)

    _by_sequences(part, len(dh), weight)
    return dz, dh


@kernel("cpu")
def gru(
    xp: Any,
    gates: Array,
    hidden: Array,
    weight: Array,
    bias: Array | None,
    sizes: Sizes,
    reverse: bool,
) -> tuple[Array, Kept]:
    """See `plain.recurrence.gru`."""
    if _is_plain(gates, hidden, weight, bias):
        return plain.gru(xp, gates, hidden, weight, bias, sizes, reverse)
    (total, _), (count, size), steps = gates.shape, hidden.shape, spans(sizes, reverse)
    y, gate = np.empty((total + count, size), gates.dtype), np.empty((total, 2 * size), gates.dtype)
    inner, new, before = np.empty((3, total, size), gates.dtype)
    h, turned = y[total:], np.ascontiguousarray(weight.T)
    h[...] = hidden

    def part(low: int, high: int) -> None:
        product = np.empty((high - low, 3 * size), gates.dtype)
        for rows, own in _places(steps, low, high):
            u, x, a, now, n = product[: own.stop - low], gates[rows], gate[rows], h[own], new[rows]
            before[rows] = now
            short_product(now, turned, u)
            if bias is not None:
                np.add(u, bias, out=u)
            np.add(x[:, : 2 * size], u[:, : 2 * size], out=a)
            np.multiply(a, 0.5, out=a)
            np.tanh(a, out=a)
            np.multiply(a, 0.5, out=a)
            np.add(a, 0.5, out=a)
            inner[rows] = u[:, 2 * size :]
            np.multiply(a[:, :size], u[:, 2 * size :], out=n)
            np.add(n, x[:, 2 * size :], out=n)
            np.subtract(now, np.tanh(n, out=n), out=now)
            np.multiply(now, a[:, size:], out=now)
            np.add(now, n, out=now)
            y[rows] = now

    _by_sequences(part, count, weight)
    return y, (gate, inner, new, before)


@kernel("cpu")
def gru_gradient(
    xp: Any, g: Array, kept: Kept, weight: Array, sizes: Sizes, reverse: bool
) -> tuple[Array, Array, Array]:
    """See `plain.recurrence.gru_gradient`."""
    gate, inner, new, before = kept
    if _is_plain(gate, g, weight):
        return plain.gru_gradient(xp, g, kept, weight, sizes, reverse)
    (total, size), steps = new.shape, spans(sizes, reverse)[::-1]
    dx, du = np.empty((2, total, 3 * size), g.dtype)
    dh, weight = g[total:].copy(), np.ascontiguousarray(weight)

    def factors(a: Array, d: Array, un: Array, n: Array, h: Array, t: Array) -> None:
        """Leave in d what dh is multiplied with; t is used in between."""
        z, (dr, dz, dn), t = a[..., size:], _gates(d, 3), t[..., :size]
        np.subtract(1, np.multiply(n, n, out=dn), out=dn)
        np.multiply(dn, np.subtract(1, z, out=t), out=dn)
        np.multiply(a, a, out=d[..., : 2 * size])
        np.subtract(a, d[..., : 2 * size], out=d[..., : 2 * size])
        np.multiply(np.multiply(dr, un, out=dr), dn, out=dr)
        np.multiply(dz, np.subtract(h, n, out=t), out=dz)

    def part(low: int, high: int) -> None:
        product = np.empty((high - low, size), g.dtype)
        for group, seen in _groups(steps, low, high, dx):
            factors(*map(seen, (gate, dx, inner, new, before, du)))
            for rows, own in _places(group, low, high):
                d, e, now, p = dx[rows], du[rows], dh[own], product[: own.stop - low]
                shaped = d.reshape(len(d), 3, size)
                np.add(now, g[rows], out=now)
                np.multiply(shaped, now[:, None], out=shaped)
                e[:, : 2 * size] = d[:, : 2 * size]
                np.multiply(d[:, 2 * size :], gate[rows, :size], out=e[:, 2 * size :])
                short_product(e, weight, p)
                np.multiply(now, gate[rows, size:], out=now)
                np.add(now, p, out=now)

    _by_sequences(part, len(dh), weight)
    return dx, du, dh
