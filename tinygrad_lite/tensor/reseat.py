"""Memory that lies as PyTorch's, for arrays that NumPy writes into.

Nothing tells twins (`twins.py`) what NumPy writes. So that all that shares memory in PyTorch shares
it then, the tensors of twins move to one memory, that lies as PyTorch's would.
"""

from __future__ import annotations

import gc
import sys
import weakref
from typing import TYPE_CHECKING, Any

from ..backend import namespace, numpy
from ..backend.flat import root, rows
from ..graph import Leaf, Node
from . import base as bases
from .base import TensorBase
from .layout import known, place
from .twins import Copied, lock

if TYPE_CHECKING:
    from ..backend import Array


def reseat(tensor: TensorBase) -> None:
    """Move a tensor that has twins, and all that share its memory or theirs, to one memory.

    If there are others than the tensor and its base, they are found among all objects of the
    program, which takes milliseconds. Where they don't lie in PyTorch as one tensor does row by
    row, all stays as it is.
    """
    with lock:
        memories, firsts = _connected(tensor.array)
        if len(firsts) != 1:
            return
        storage = tensor._storage
        base = storage.base() if isinstance(storage, Copied) else None
        shown = [tensor] if base is None or base is tensor else [tensor, base]
        if not _are_all(shown, memories, firsts):
            every = [each for each in gc.get_objects() if issubclass(type(each), TensorBase)]
            shown = [t for t in every if id(root(getattr(t, "array", None))) in memories]
        places = [found for found in map(place, shown) if found is not None]
        layouts: set[Any] = {
            t._storage.ours for t in shown if id(root(t.array)) in firsts and t._storage.ours
        }
        lost = [t for t in shown if t._storage.counts is not t._storage and not t._storage.ours]
        if lost or len(places) < len(shown) or len(layouts) != 1:
            return
        ((layout, *others),) = layouts
        source = firsts.popitem()[1]
        lying = rows(source)
        start, shape, steps, _, item, origin = layout
        if others or start or origin or lying is None or lying[0].itemsize != item:  # type: ignore[union-attr]
            return
        xp = namespace(source)
        whole = xp.as_strided(lying[0], shape, tuple(step // item for step in steps), 0)
        line = xp.array(whole, order="C").reshape(-1)
        for t, (offset, strides) in zip(shown, places, strict=True):
            _move(t, xp, line, offset, strides)
        for key in memories:
            known.pop(key, None)


def unite(tensors: list[Any]) -> bool:
    """Move tensors to one memory where one of them is a twin of another; whether there are such."""
    first: dict[int, int] = {}  # of each group of twins the memory that was met before
    found = False
    for tensor in tensors:
        memory = id(root(tensor.array))
        if memory in known and first.setdefault(min(_connected(tensor.array)[0]), memory) != memory:
            reseat(tensor)
            found = True
    return found


def _connected(array: Array) -> tuple[dict[int, Array], dict[int, Array]]:
    """The memories that are twins of an array's, and of these, and those that were first."""
    found, firsts = {id(root(array)): root(array)}, {}
    waiting = [root(array)]
    for memory in waiting:  # which grows meanwhile
        for twin in known.get(id(memory), ()):
            for n, owner in enumerate(each() for each in twin.owners):
                if owner is not None:
                    if n == 0:
                        firsts[id(owner)] = owner
                    if id(owner) not in found:
                        found[id(owner)] = owner
                        waiting.append(owner)
    return found, firsts


def _are_all(shown: list[TensorBase], memories: dict[int, Array], firsts: dict[int, Array]) -> bool:
    """Whether no other tensors lie in some memories: nothing else refers to these, or views."""
    arrays = {id(t.array): t.array for t in shown}
    nobodys = numpy.empty(0)
    every = {**arrays, **memories, id(nobodys): nobodys}
    counts = {key: sys.getrefcount(each) for key, each in every.items()}
    for key, each in every.items():
        here = sum(key in these for these in (arrays, memories, firsts))
        views = sum(a.base is each for a in arrays.values())
        holders = sum(t.array is each for t in shown)
        if each is not nobodys and counts[key] - (counts[id(nobodys)] - 1) > here + views + holders:
            return False
    return True


def _move(tensor: TensorBase, xp: Any, line: Array, offset: int, strides: tuple[int, ...]) -> None:
    """Give a tensor its place in other memory, in bytes; its storage and node learn of it."""
    before, dtype = tensor.array, tensor.array.dtype
    size, row = dtype.itemsize, line if line.dtype == dtype else line.view(dtype)
    steps = tuple(step // size for step in strides)
    tensor.array = array = xp.as_strided(row, before.shape, steps, offset // size)
    storage = tensor._storage = tensor._storage.counts
    storage.own(array)
    storage.ours = ()
    node = tensor._node
    if isinstance(node, Leaf):
        node.array, node.storage = array, storage
    elif isinstance(node, Node):
        node.storage = storage
        if node.value() is before:
            node.value = weakref.ref(array)


bases.reseat = reseat
