"""Row-major copies of what the library lays out in another order, kept equal to it.

The output of a convolution and the weights of layers lie in memory as suits their products.
PyTorch's lie row by row, so that there `w.view(-1)` shares their memory, and programs write into
it. Here it must be a copy; both are *twins* then: what is changed in place in one memory is
written into the other. They are twins while the copy lives.

As long as no such copy was made, all of this costs a look at an empty dictionary.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from ..backend import Array, capture, namespace
from ..backend.flat import root
from ..graph import Leaf, Storage
from ..ops.shape import reshape, transpose
from .apply import apply
from .base import TURNED

if TYPE_CHECKING:
    from .tensor import Tensor

known: dict[int, list[Twin]] = {}
"""The twins of each memory, by the `id` of the array that owns it: of either kind."""


class Twin:
    """One row-major copy.

    Args:
        base: the tensor that was viewed, of the library's order; or what that is a view of.
        copy: the copy, maybe of another shape.

    Attributes:
        keys: in `known`, of the memory of `base` and of the copy's.
        array, memory: weak references to the array of `base`, and to the owner of the copy's.
        storages: of `base` and of the copy.
        base, copy: weak references to the two tensors; others may share their memory.
    """

    __slots__ = ("array", "base", "copy", "keys", "memory", "storages")

    def __init__(self, base: Tensor, copy: Tensor) -> None:
        owner = root(copy.array)
        self.keys = keys = id(root(base.array)), id(owner)
        self.array = weakref.ref(base.array, lambda _: _forget(keys))
        self.memory = weakref.ref(owner, lambda _: _forget(keys))
        self.storages: tuple[Storage, Storage] = base._storage, copy._storage
        self.base, self.copy = weakref.ref(base), weakref.ref(copy)
        for key in keys:
            known.setdefault(key, []).append(self)

    def follow(self, key: int) -> None:
        """Take over what was changed in the memory of that key."""
        array, owner = self.array(), self.memory()
        if array is None or owner is None:
            return
        recording = capture.current()
        if recording is not None:  # replays will copy from one to the other
            recording.hold(array)
            recording.hold(owner)
        rows = owner.reshape(array.shape)
        if key == self.keys[0]:
            rows[...] = array
            self.storages[1].version += 1
            return
        array[...] = rows
        self.storages[0].version += 1
        for other in tuple(known.get(self.keys[0], ())):
            if other is not self:
                other.follow(self.keys[0])


def _forget(keys: tuple[int, int], parted: Twin | None = None) -> None:
    """Twins of which one is gone, or that part, are none any more."""
    for key in keys:
        left = [t for t in known.pop(key, ()) if t.array() is not None and t is not parted]
        left = [t for t in left if t.memory() is not None]
        if left:
            known[key] = left


def paired(first: Tensor, copy: Tensor) -> Tensor:
    """The copy, a twin of `first` if PyTorch's would share its memory.

    Args:
        first: a tensor.
        copy: its elements, row by row.
    """
    array, (base, steps) = first.array, first._view or (first, ())
    untold = steps is None or base._seen == TURNED  # how the program came to this order
    if first._storage.ours and array.size and namespace(array).name != "meta":
        while steps:
            steps, rule, _ = steps
            if rule is transpose:
                return copy
        if (_is_all(array) and not untold) or (_is_one(array) and not first.requires_grad):
            Twin(base if base.numel() == first.numel() else first, copy)
    return copy


def _is_all(array: Array) -> bool:
    """Whether memory without gaps lies as the library lays it out: with an axis put last."""
    n = array.ndim
    if array.flags.c_contiguous or root(array).size != array.size:
        return False
    orders = (*range(1, n), 0), (0, *range(2, n), 1)
    return any(array.transpose(order).flags.c_contiguous for order in orders)


def _is_one(array: Array) -> bool:
    """Whether an array is one of a batch that lies innermost: row by row, but for even gaps."""
    step = array.strides[-1:] or (0,)
    expected = step[0]
    for size, stride in zip(reversed(array.shape), reversed(array.strides), strict=True):
        if stride != expected and size > 1:
            return False
        expected *= size
    return bool(step[0] > array.dtype.itemsize)


def changed(array: Array) -> None:
    """Tell the twins of an array's memory that it was changed in place."""
    key = id(root(array))
    for twin in tuple(known.get(key, ())):
        twin.follow(key)


def replayed() -> None:
    """Let the copies follow a captured step, of which Python sees nothing when it is replayed.

    Of what changes a copy in the step itself, the memory that was viewed has got it there.
    """
    for key, found in tuple(known.items()):
        for twin in tuple(found):
            if key == twin.keys[0]:
                twin.follow(key)


def unite(name: str, base: Tensor) -> None:
    """Make the tensor that was viewed a view of its copy, which a recorded change is to change.

    Its old memory stays as it is: gradients may need it, and what shared it goes its own way.

    Args:
        name: the operation's, for messages.
        base: the copy, or another tensor.

    Raises:
        RuntimeError: a leaf that requires a gradient was viewed.
    """
    twin = next((t for t in known.get(id(root(base.array)), ()) if t.copy() is base), None)
    first = None if twin is None else twin.base()
    if twin is None or first is None or first._view is not None:
        return
    if isinstance(first._node, Leaf):
        raise RuntimeError(
            f"{name}: a view of a leaf Variable that requires grad is being used in an in-place "
            "operation; do it under no_grad(), or on .data"
        )
    _forget(twin.keys, twin)
    shape = tuple(first.shape)
    first.array = base.array.reshape(shape)
    first._storage, first._seen = base._storage, base._storage.moves
    first._view = base, ((), reshape, {"shape": shape})
    if first._node is not None:
        first._node.value = weakref.ref(first.array)


def moved(base: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The copies of a tensor that has got another place in the graph, with theirs.

    Args:
        base: a tensor that was changed in place by a recorded operation.

    Returns:
        Pairs: a copy, and a tensor that has the place that the copy takes.
    """
    copies = [t.copy() for t in known.get(id(root(base.array)), ()) if t.base() is base]
    return [
        (copy, apply(reshape, base, shape=tuple(copy.shape)))
        for copy in copies
        if copy is not None and copy._view is None
    ]
