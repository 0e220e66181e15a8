"""How a recurrent layer goes through packed sequences on NumPy.

Each thread takes some of the sequences through all steps: they do not depend on each other, so
that threads meet once a pass and not once a step. What a thread reads and writes lies in arrays
of its own, step behind step in the order in which they run, and of a step gate behind gate: NumPy
takes a contiguous piece in a third of the time of the same in rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..flat import Array
from ..packing import Sizes, spans
from .blas import fits, short_product
from .threads import parallel

__all__ = ["Group", "by_parts", "by_sequences", "from_input", "gathered", "groups", "is_plain",
           "most_rows", "to_input"]  # fmt: skip

SHARED = 1 << 19  # multiplications a step that are worth another thread,
FEWEST = 8  # and sequences: each thread reads all of the weights
BLOCK = 1 << 19  # bytes of gates that stay in the cache, with what is made of them
FEW, ROWS = 4, 256  # steps, and rows, whose products take less time than to turn the weights around


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


def by_parts(part: Callable[..., tuple[Array, ...]], kept: tuple[Any, ...]) -> tuple[Array, ...]:
    """The sums of what `part(*of)` returns for what each thread kept, on as many threads."""
    found: list[Any] = [None] * len(kept)

    def some(first: int, last: int) -> None:
        for k in range(first, last):
            found[k] = part(*kept[k])

    parallel(some, len(kept))
    sums: tuple[Array, ...] = found[0]
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
    """

    def __init__(self, steps: list[tuple[int, int]], low: int, high: int, first: int) -> None:
        (start, stop), (_, end) = min(steps), max(steps)
        self._place, self._backwards = slice(start, end), steps[0][0] > start
        self._packed, self._range = (len(steps), stop - start), slice(low, high)
        self.shape = len(steps), high - low
        self.own = slice(first, first + len(steps) * (high - low))

    def packed(self, a: Array) -> Array:
        """Their rows of a packed array, (S, n, …) in the order in which they run."""
        steps = a[self._place].reshape(*self._packed, a.shape[1])[:, self._range]
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
    return max(group.own.stop - group.own.start for group in steps)


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


def gathered(a: Array, steps: list[Group]) -> Array:
    """The thread's rows of a packed array, in an array of its own."""
    own = np.empty((steps[-1].own.stop, a.shape[1]), a.dtype)
    for group in steps:
        own[group.own].reshape(*group.shape, -1)[...] = group.packed(a)
    return own


def from_input(x: Array, weight: Array, steps: list[Group]) -> Callable[[Group, Array], None]:
    """What writes, for a group, what its input gives to the gates, into an array (S, G, n, H).

    It is a product for each step, or of all rows, here, if those would be too small or large.

    Args:
        x: the packed input (B, F).
        weight: (G, F, H), for G gates.
        steps: all groups.
    """
    if _are_short(steps, *weight.shape[1:]):
        return lambda group, out: short_product(group.packed(x)[:, None], weight, out)
    whole = np.matmul(gathered(x, steps), weight)

    def copy(group: Group, out: Array) -> None:
        rows = whole[:, group.own].reshape(len(weight), *group.shape, whole.shape[2])
        out[...] = rows.transpose(1, 0, 2, 3)

    return copy


def to_input(
    dz: Array, weight: Array, steps: list[Group], dx: Array | None
) -> tuple[Callable[[Group], None], Callable[[], None]]:
    """What writes the input's gradient for a group that has its dz, and for all of them at the end.

    Args:
        dz: of all of the thread's rows, (rows, G·H).
        weight: (G·H, F).
        steps: all groups.
        dx: packed, (B, F), or None if it isn't wanted.
    """
    width = dz.shape[1]
    short = _are_short(steps, *weight.shape)

    def of_group(group: Group) -> None:
        if dx is not None and short:
            short_product(dz[group.own].reshape(*group.shape, width), weight, group.packed(dx))

    def of_all() -> None:
        if dx is not None and not short:
            whole = np.matmul(dz, weight)
            for group in steps:
                group.packed(dx)[...] = whole[group.own].reshape(*group.shape, -1)

    return of_group, of_all


def _are_short(steps: list[Group], k: int, m: int) -> bool:
    """Whether products of a step's rows (n, K) with (K, M) are better than one of all rows."""
    n = max(group.shape[1] for group in steps)
    return n >= FEW and fits(n, k, m)
