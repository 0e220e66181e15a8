"""The plain recurrent layer on NumPy: each thread takes some of the sequences through all steps.

Sequences do not depend on each other, so that threads meet once a pass and not once a step. All
that a step writes it writes where it stays; what of a gradient does not wait for the step behind
it is made before, in blocks of rows.
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
from .sequences import by_sequences

__all__ = ["rnn", "rnn_gradient"]

Kept = tuple[Array, ...]
Place = tuple[slice, slice]
Place2 = tuple[int, int]

BLOCK = 1 << 17  # bytes of gates that stay in the cache, with what is made of them


def _is_plain(*arrays: Array | None) -> bool:
    """Whether the plain form has to take them: other than floats of one dtype, or none at all."""
    given = [a for a in arrays if a is not None]
    return len({a.dtype for a in given}) > 1 or given[0].dtype.char not in "fd" or not given[0].size


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

    by_sequences(part, len(hidden), weight)
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

    by_sequences(part, len(dh), weight)
    return dz, dh
