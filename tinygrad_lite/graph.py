"""The graph of a computation.

`Node` is one application of a rule, `Leaf` a tensor that gathers its gradient; edges go
from a node to the nodes of its inputs. A node holds what its vector-Jacobian products
(VJPs) captured, never its own output: there are no reference cycles, and memory goes with
the last reference.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable
from typing import Any

from .backend import Array, DType, root

VJP = Callable[[Any], Any]
VJPs = tuple[VJP | None, ...] | Callable[..., Any]
Rule = Callable[..., tuple[Array, VJPs]]

_order = itertools.count()


class _Mode(threading.local):
    """What each thread has: whether it records, its `autocast` region, how many walks it made."""

    grad = True
    cast: Any = None
    walk = 0


mode = _Mode()


class Storage:
    """What tensors that share memory share: how often it was changed in place."""

    __slots__ = ("key", "recorded", "version")

    def __init__(self, array: Array) -> None:
        self.version = 0
        self.recorded = 0  # the version that the last recorded change made
        self.key = id(array if array.base is None else root(array))


class Leaf:
    """The end of the graph: a tensor with `requires_grad` that no operation made."""

    __slots__ = ("__weakref__", "array", "hooks", "order", "storage", "tensor")

    def __init__(self, tensor: Any, array: Array, storage: Storage) -> None:
        self.tensor = weakref.ref(tensor)
        self.array = array
        self.storage = storage
        self.hooks: list[Callable[[Any], Any]] | None = None
        self.order = next(_order)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the tensor and of its gradient."""
        shape: tuple[int, ...] = self.array.shape
        return shape

    @property
    def dtype(self) -> DType:
        """The dtype of the tensor and of its gradient."""
        dtype: DType = self.array.dtype
        return dtype


class Node:
    """One application of a rule.

    Args:
        rule: the rule, whose name errors give.
        kwargs: the arguments of the rule that are not arrays.
        parents: for each input its `Node` or `Leaf`, or None if it needs no gradient.
        constants: for each input without a parent its value, else None.
        guards: for each input that is a tensor its storage and version when the rule ran.
        vjps: for each input g ↦ dL/dinput, or one callable that returns them all.
        value: the output; only a weak reference is kept.
        storage: the storage of the output.

    Attributes:
        custom: the rule is a user's `Function`: its VJPs take tensors as they take arrays, and
            it can't be run again.
    """

    __slots__ = (
        "__weakref__",
        "constants",
        "dtype",
        "guards",
        "hooks",
        "kwargs",
        "order",
        "parents",
        "rule",
        "shape",
        "storage",
        "value",
        "version",
        "vjps",
    )

    custom = False

    def __init__(
        self,
        rule: Rule,
        kwargs: dict[str, Any],
        parents: tuple[Node | Leaf | None, ...],
        constants: tuple[Any, ...],
        guards: tuple[tuple[Storage, int] | None, ...],
        vjps: VJPs,
        value: Array,
        storage: Storage,
    ) -> None:
        self.rule = rule
        self.kwargs = kwargs
        self.parents = parents
        self.constants = constants
        self.guards = guards
        self.vjps: VJPs | None = (
            tuple([v if p is not None else None for v, p in zip(vjps, parents, strict=False)])
            if type(vjps) is tuple
            else vjps
        )
        self.value = weakref.ref(value)
        self.shape: tuple[int, ...] = value.shape
        self.dtype: DType = value.dtype
        self.storage = storage
        self.version = storage.version
        self.hooks: list[Callable[[Any], Any]] | None = None
        self.order = next(_order)

    @property
    def name(self) -> str:
        """The rule's name, such as "matmul"."""
        return self.rule.__name__

    def release(self) -> None:
        """Let go of everything that only a backward pass needs."""
        self.vjps = None
        self.parents = self.constants = self.guards = ()

    def __repr__(self) -> str:
        return f"<{self.name.title().replace('_', '')}Backward>"
