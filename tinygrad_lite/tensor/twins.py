"""Row-major copies of what the library lays out in another order, kept equal to it.

The output of a convolution and the weights of layers lie in memory as suits their products.
PyTorch's lie row by row, so that there `w.view(-1)` shares their memory, and programs write into
it. Here it must be a copy; both are *twins* then: what is changed in place in either memory is
written into the other, as long as both live. In the graph the copy is the view that it stands for.

As long as no such copy was made, all of this costs a look at an empty dictionary.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..backend import Array, capture, namespace
from ..backend.flat import address, root, rows
from ..graph import Node, Rule, Storage, mode
from .base import TensorBase
from .layout import known as known
from .layout import layout_of, restrided, theirs
from .layout import place as place_of

if TYPE_CHECKING:
    from .tensor import Tensor

lock = threading.RLock()
"""Held while twins are made, written into and forgotten: threads may share them."""


class Copied(Storage):
    """The storage of a copy that stands for a part of other memory, which counts its changes.

    Args:
        array: the copy.
        whole: the storage of that other memory.
        base: the tensor that was viewed, or is the base of that; a weak reference is kept.
        ours: as in `Storage`.
    """

    __slots__ = ("base", "whole")

    def __init__(self, array: Array, whole: Storage, base: Tensor, ours: Any) -> None:
        self.whole = whole
        self.base = weakref.ref(base)
        self.ours = ours
        self.own(array)

    @property
    def counts(self) -> Storage:
        """The storage that counts the changes."""
        return self.whole.counts

    @property
    def version(self) -> int:
        """See `Storage`."""
        return self.whole.version

    @version.setter
    def version(self, value: int) -> None:
        self.whole.version = value

    @property
    def moves(self) -> int:
        """See `Storage`."""
        return self.whole.moves

    @moves.setter
    def moves(self, value: int) -> None:
        self.whole.moves = value


class Twin:
    """One row-major copy of what an array shows.

    Args:
        array: of the library's order.
        copy: its elements, row by row.

    Attributes:
        owners: weak references to the arrays that own the memory of the two.
        place: where `array` is in the memory of the first.
        shape: of `array`.
    """

    __slots__ = ("owners", "place", "shape")

    def __init__(self, array: Array, copy: Array) -> None:
        first, second = root(array), root(copy)
        keys = id(first), id(second)
        self.place, self.shape = _place(array), array.shape
        self.owners = (
            weakref.ref(first, lambda _: _forget(*keys)),
            weakref.ref(second, lambda _: _forget(*keys)),
        )
        with lock:
            for key in keys:
                _replace(key, self)

    def alive(self) -> bool:
        """Whether there are both."""
        return self.owners[0]() is not None and self.owners[1]() is not None

    def follow(self, memory: Array) -> Array | None:
        """Take over what was changed in the memory that an array owns; give the other's owner."""
        first, second = self.owners[0](), self.owners[1]()
        if first is None or second is None or (memory is not first and memory is not second):
            return None
        recording = capture.current()
        if recording is not None:  # replays will copy from one to the other
            recording.hold(first)
            recording.hold(second)
        array, lines = _at(first, self.place), second.reshape(self.shape)
        if memory is first:
            lines[...] = array
            return second
        array[...] = lines
        return first


def _replace(key: int, added: Twin | None) -> None:
    """Leave out the twins of a memory that are none any more, and add one.

    The garbage collector may come in between and do the same: then it is done again.
    """
    while True:
        before = known.get(key)
        left = tuple(twin for twin in before or () if twin.alive())
        left = left if added is None else (*left, added)
        if known.get(key) is before:
            if left:
                known[key] = left
            else:
                known.pop(key, None)
            return


def _place(array: Array) -> tuple[Any, ...]:
    """Where an array is in the memory of its owner, counted in elements.

    Offset, shape, strides and dtype; in memory that has gaps in it, the array itself.
    """
    owner, item = root(array), array.dtype.itemsize
    if rows(owner) is None:
        return (array,)
    offset = (address(array) - address(owner)) // item
    return offset, array.shape, tuple(step // item for step in array.strides), array.dtype


def _at(owner: Array, place: tuple[Any, ...]) -> Array:
    """The array at a place that `_place` gave."""
    if len(place) == 1:
        return place[0]
    offset, shape, strides, dtype = place
    line: Any = rows(owner)
    if line[0].dtype != dtype:
        line = [line[0].view(dtype)]
    return namespace(owner).as_strided(line[0], shape, strides, offset)


def _forget(*keys: int) -> None:
    """Twins of which one is gone are none any more."""
    with lock:
        for key in keys:
            _replace(key, None)


def as_theirs(input: Tensor, out: Tensor, rule: Rule, constants: dict[str, Any]) -> Tensor:
    """What is to stand for a reshaped tensor: sharing its memory where PyTorch's shares it.

    Args:
        input: a tensor whose memory the library laid out, or may have.
        out: its elements, row by row, of the input's or another shape; of its memory or a copy.
        rule, constants: the step that leads from the input to `out`.

    Returns:
        `out`; or a copy of it; or `out` as a view of the input's base, a twin of the input.
    """
    shared = out._storage is input._storage
    if shared and input._view is None and input._storage.ours is True:
        return out
    strides = theirs(input)
    if strides is None or not input._storage.ours or not input.array.size:
        return out
    seen = restrided(input.shape, strides, out.shape)
    if shared:
        return out if seen is not None else out.clone()
    return out if seen is None else stand_in(input, out, rule, constants)


def stand_in(input: Tensor, out: Tensor, rule: Rule, constants: dict[str, Any]) -> Tensor:
    """A copy, made a view of the base of what it is a copy of, and its twin.

    Args:
        input, out, rule, constants: see `as_theirs`.
    """
    array, made, whole = input.array, out.array, input._storage
    if namespace(array).name == "meta":
        return out
    found = place_of(input)
    strides = None if found is None else restrided(input.shape, found[1], out.shape)
    ours = () if strides is None or found is None else (layout_of(made, strides, found[0]),)
    base, steps = input._view or (input, ())
    out._storage = Copied(made, whole, base, ours)
    replayable = mode.grad and steps is not None
    out._view = base, ((steps, rule, constants) if replayable else None)
    out._seen = whole.moves
    if out._node is not None:
        out._node.storage = out._storage
    if isinstance(out._node, Node):
        out._node.version = whole.version  # what was changed before is no change since
    twin = Twin(array, made)
    if threading.active_count() > 1:  # which may have written before there was a twin
        with lock:
            twin.follow(root(array))
    return out


def changed(*arrays: Array) -> None:
    """Tell the twins of arrays' memories that these were changed in place."""
    with lock:
        told: set[int] = set()
        memories = [root(array) for array in arrays]
        for memory in memories:  # which grows meanwhile
            for twin in known.get(id(memory), ()):
                if id(twin) not in told:
                    told.add(id(twin))
                    other = twin.follow(memory)
                    if other is not None:
                        memories.append(other)


def replayed() -> None:
    """Let the copies follow a captured step, of which Python sees nothing when it is replayed.

    Of what changes a copy in the step itself, the memory that was viewed has got it there.
    """
    with lock:
        found = {id(twin): twin for twins in known.values() for twin in twins}.values()
        copies = {id(twin.owners[1]()) for twin in found}
        viewed = [first for twin in found if (first := twin.owners[0]()) is not None]
        changed(*(first for first in viewed if id(first) not in copies))


@contextlib.contextmanager
def stepping(groups: list[dict[str, Any]], state: dict[Any, dict[str, Any]]) -> Iterator[None]:
    """While an optimizer changes its parameters, and what it keeps for them; their twins follow."""
    with lock:
        try:
            yield
        finally:
            for param in [p for group in groups for p in group["params"]]:
                held = (param, *state.get(param, {}).values())
                changed(*(each.array for each in held if isinstance(each, TensorBase)))
