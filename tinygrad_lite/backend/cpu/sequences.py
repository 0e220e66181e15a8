"""How a recurrent layer goes through packed sequences on NumPy.

Each thread takes some of the sequences through all steps: they do not depend on each other, so
that threads meet once a pass and not once a step. What a thread reads and writes lies in arrays
of its own, step behind step in the order in which they run, and of a step gate behind gate: NumPy
takes a contiguous piece in a third of the time of the same in rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ..flat import Array
from ..num_threads import get_num_threads
from ..packing import Sizes, spans
from .blas import fits, short_product
from .threads import parallel

__all__ = ["Group", "by_parts", "by_sequences", "from_input", "gathered", "groups", "is_plain",
           "most_rows", "to_input"]  # fmt: skip

SHARED = 1 << 19  # multiplications a step that are worth another thread,
FEWEST = 8  # and sequences: each thread reads all of the weights
STEADY = 1 << 21  # multiplications a step of a thread that has long calls of its own
BLOCK = 1 << 19  # bytes of gates that stay in the cache, with what is made of them
FEW, ROWS = 4, 256  # steps, and rows, whose products take less time than to turn the weights around
LONG = 512  # rows of a long product, where a step's are not


def is_plain(sizes: Sizes, *arrays: Array | None) -> bool:
    """Whether the plain form takes them: few, other than floats of one dtype, or none at all."""
    given = [a for a in arrays if a is not None]
    kinds = {a.dtype for a in given}
    if len(kinds) > 1 or given[0].dtype.char not in "fd" or not all(a.size for a in given):
        return True
    return len(sizes) < FEW and sum(sizes) < ROWS


def by_sequences(part: Callable[[int, int], Any], count: int, weight: Array) -> list[Any]:
    """What `part(low, high)` returns for ranges of the sequences, on several threads."""
    found: dict[int, Any] = {}

    def kept(low: int, high: int) -> None:
        found[low] = part(low, high)

    parallel(kept, count, least=max(FEWEST, SHARED // weight.size))
    return [found[low] for low in sorted(found)]


def shares(count: int, weight: Array) -> tuple[list[tuple[int, int]], int]:
    """The ranges of the sequences that a thread each takes, and how many threads help these.

    Threads that make short calls get in each other's way, so that one does its long products
    beside it (see `beside`). Where a step's are long as well, all threads take sequences.
    """
    threads = get_num_threads()
    most = max(1, min(threads, count // max(FEWEST, SHARED // weight.size)))
    if most > 1 and count * weight.size < most * STEADY:
        most = min(most, (threads + 1) // 2)
    ranges = itertools.pairwise(count * i // most for i in range(most + 1))
    return list(ranges), helpers(most)


def helpers(parts: int) -> int:
    """How many threads are left to help so many parts: one each at most."""
    return min(parts, max(0, get_num_threads() - parts))


def by_parts(part: Callable[..., tuple[Array, ...]], kept: tuple[Any, ...]) -> tuple[Array, ...]:
    """The sums of what `part(*of)` returns for what each thread kept, on as many threads."""
    found: list[Any] = [None] * len(kept)

    def some(first: int, last: int) -> None:
        for k in range(first, last):
            found[k] = part(*kept[k])

    parallel(some, len(kept))
    return summed(found)


def summed(found: list[tuple[Array, ...]]) -> tuple[Array, ...]:
    """The sums, in place, of what several threads found."""
    sums = found[0]
    for others in found[1:]:
        for whole, share in zip(sums, others, strict=True):
            np.add(whole, share, out=whole)
    return sums


class Group:
    """Steps that follow each other and have equally many of a thread's sequences.

    Args:
        steps: their rows of the packing, in the order in which they run.
        low, high: the thread's sequences, of those of each step.
        first: the first of their rows in the thread's own arrays.

    Attributes:
        shape: how many steps, and sequences, (S, n).
        own: their rows in the thread's own arrays.
        rows: how many these are.
        place: where they lie in the packing, between rows of other threads' sequences.
        in_place: whether the packing has their rows in the same order, and no others between them.
    """

    def __init__(self, steps: list[tuple[int, int]], low: int, high: int, first: int) -> None:
        (start, stop), (_, end) = min(steps), max(steps)
        self.place, self._backwards = slice(start, end), steps[0][0] > start
        self._packed, self._range = (len(steps), stop - start), slice(low, high)
        self.shape = len(steps), high - low
        self.rows = len(steps) * (high - low)
        self.own = slice(first, first + self.rows)
        self.in_place = self.rows == end - start and not self._backwards

    def packed(self, a: Array) -> Array:
        """Their rows of a packed array, (S, n, …) in the order in which they run."""
        steps = a[self.place].reshape(*self._packed, a.shape[1])[:, self._range]
        return steps[::-1] if self._backwards else steps

    def gates(self, a: Array, count: int) -> Array:
        """Their part of an array (rows, count · H) of the thread's own, as (S, count, n, H)."""
        steps, n = self.shape
        return a[self.own].reshape(steps, count, n, a.shape[1] // count)

    def room(self, a: Array, count: int) -> Array:
        """The same of the first rows of an array that all groups use in turn."""
        steps, n = self.shape
        return a[: steps * n].reshape(steps, count, n, a.shape[1] // count)


def most_rows(steps: list[Group]) -> int:
    """How many rows the largest group has."""
    return max(group.rows for group in steps)


def groups(sizes: Sizes, reverse: bool, low: int, high: int, row: int) -> list[Group]:
    """All steps in groups whose rows, of so many bytes each, stay in the cache."""
    found: list[Group] = []
    for n, same in itertools.groupby(spans(sizes, reverse), key=lambda step: step[1] - step[0]):
        steps, stop = list(same), min(high, n)
        if stop <= low:
            continue
        most = max(1, BLOCK // ((stop - low) * row))
        for i in range(0, len(steps), most):
            first = found[-1].own.stop if found else 0
            found.append(Group(steps[i : i + most], low, stop, first))
    return found


def gathered(a: Array, some: list[Group]) -> Array:
    """The rows of groups that follow each other in a packed array: a view where it can be."""
    follow = all(a.place.stop == b.place.start for a, b in itertools.pairwise(some))
    if follow and all(group.in_place for group in some):
        return a[some[0].place.start : some[-1].place.stop]
    parts = [group.packed(a).reshape(group.rows, a.shape[1]) for group in some]
    return np.concatenate(parts)


def stretches(steps: list[Group], least: int) -> list[list[Group]]:
    """All groups, those that follow each other together until they have so many rows."""
    found: list[list[Group]] = [[]]
    for group in steps:
        if sum(of.rows for of in found[-1]) >= least:
            found.append([])
        found[-1].append(group)
    return found


def own_rows(some: list[Group]) -> slice:
    """The rows of groups that follow each other in the thread's own arrays."""
    return slice(some[0].own.start, some[-1].own.stop)


def from_input(
    x: Array, weight: Array, shift: Array | None, steps: list[Group], active: Array
) -> list[tuple[list[Group], Callable[[], None]]]:
    """Groups, and for each of these what writes what their input gives to the gates.

    It is a product for each step, or, if those would be too small or large, for many rows.

    Args:
        x: the packed input (B, F).
        weight: (G, F, H), for G gates.
        shift: what is added, (G, 1, H).
        steps: all groups.
        active: the thread's own rows (rows, k · H), of which the gates are the first G · H.
    """
    gates, _, size = weight.shape

    def out(group: Group) -> Array:
        return group.gates(active, active.shape[1] // size)[:, :gates]

    def products(some: list[Group]) -> None:
        for group in some:
            a = out(group)
            short_product(group.packed(x)[:, None], weight, a)
            if shift is not None:
                np.add(a, np.repeat(shift, group.shape[1], axis=1), out=a)

    def product(some: list[Group]) -> None:
        whole = np.matmul(gathered(x, some), weight)
        if shift is not None:
            np.add(whole, shift, out=whole)
        for group, rows in _apart(whole, some):
            out(group)[...] = rows.reshape(gates, *group.shape, size).transpose(1, 0, 2, 3)

    fill, least = (products, 1) if _are_short(steps, *weight.shape[1:]) else (product, LONG)
    return [(some, partial(fill, some)) for some in stretches(steps, least)]


def to_input(
    dz: Array, weight: Array, steps: list[Group], dx: Array | None
) -> list[tuple[list[Group], Callable[[], None]]]:
    """Groups, and for each of these what writes the input's gradient once they have their dz.

    Args:
        dz: of all of the thread's rows, (rows, G·H).
        weight: (G·H, F).
        steps: all groups.
        dx: packed, (B, F), or None if it isn't wanted.
    """
    if dx is None:
        return []

    def products(some: list[Group]) -> None:
        for group in some:
            rows = dz[group.own].reshape(*group.shape, dz.shape[1])
            short_product(rows, weight, group.packed(dx))

    def product(some: list[Group]) -> None:
        for group, rows in _apart(np.matmul(dz[own_rows(some)], weight), some):
            group.packed(dx)[...] = rows.reshape(*group.shape, dx.shape[1])

    write, least = (products, 1) if _are_short(steps, *weight.shape) else (product, LONG)
    return [(some, partial(write, some)) for some in stretches(steps, least)]


def to_weights(
    dz: Array, x: Array, before: Array, steps: list[Group]
) -> tuple[list[tuple[Array, ...]], list[tuple[list[Group], Callable[[], None]]]]:
    """Room for the gradients of W_ih, W and b, and what writes them once some groups have their dz.

    The sum of all the rooms is the gradient: a few, so that it can begin before dz is complete.

    Args:
        dz: of all of the thread's rows, (rows, G·H).
        x: the packed input (B, F).
        before: the states that W met, of the thread's rows (rows, H).
        steps: all groups.
    """
    width, found = dz.shape[1], []

    def write(some: list[Group], room: tuple[Array, ...]) -> None:
        rows, inputs = dz[own_rows(some)], gathered(x, some)
        np.matmul(rows.T, inputs, out=room[0])
        np.matmul(rows.T, before[own_rows(some)], out=room[1])
        np.matmul(np.ones(len(rows), dz.dtype), rows, out=room[2])

    works: list[tuple[list[Group], Callable[[], None]]] = []
    for some in stretches(steps, max(LONG, len(dz) // 4)):
        room = tuple(np.empty((width, *of.shape[1:]), dz.dtype) for of in (x, before, dz[0]))
        found.append(room)
        works.append((some, partial(write, some, room)))
    return found, works


def _apart(whole: Array, some: list[Group]) -> Iterator[tuple[Group, Array]]:
    """Each of some groups with its rows (…, rows, M) of an array of theirs."""
    first = some[0].own.start
    for group in some:
        yield group, whole[..., group.own.start - first : group.own.stop - first, :]


def _are_short(steps: list[Group], k: int, m: int) -> bool:
    """Whether products of a step's rows (n, K) with (K, M) are better than one of many rows."""
    n = max(group.shape[1] for group in steps)
    return n >= FEW and fits(n, k, m)
