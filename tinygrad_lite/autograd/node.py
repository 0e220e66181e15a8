"""What an application of a `Function` leaves in the graph.

One `FunctionNode` whose VJPs are one callable, `Backward`, which runs the user's `backward`.
With several outputs each of them has a node of its own, and all of these have one parent,
the node that calls `backward`. A gradient of that shared node is a `Slots`: one gradient
for each output, gathered by the walk like any sum.

`forward` runs once: its outputs can't be computed again, so a node keeps them until it is
released, for second derivatives of what follows.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from types import CodeType
from typing import TYPE_CHECKING, Any

from ..backend import Array, namespace
from ..backend.dtypes import FLOATING
from ..engine import saved_vjps
from ..graph import Leaf, Node, Storage, VJPs, mode, named
from ..tensor import Tensor, anomaly, enable_grad
from ..tensor.base import new
from ..tensor.differentiate import run_backward
from ..tensor.hooks import register_joint_prehook
from ..tensor.saving import Box

if TYPE_CHECKING:
    from .function import Function, FunctionCtx


class _ForwardMode(threading.local):
    """Whether `forward_ad` finds a tangent: then a Function's `jvp` stands for its `backward`."""

    on = False


forward_mode = _ForwardMode()


class Slots(dict[int, Any]):
    """Values for several outputs, by position: a vector of the product of their spaces."""

    shape = ()
    dtype = None
    base = None

    def __add__(self, other: Slots) -> Slots:
        return Slots({**self, **other})  # each output sends its gradient once


class FunctionNode(Node):
    """One application of a `Function`."""

    __slots__ = ("output",)

    custom = True

    def __init__(
        self,
        function: Any,
        parents: tuple[Node | Leaf | None, ...],
        vjps: VJPs,
        output: Any,
        storage: Storage,
    ) -> None:
        super().__init__(function, {}, parents, (), (), vjps, output, storage)
        self.output = output

    def release(self) -> None:
        """Drop what was saved: a second pass is refused where `backward` reads it, as in PyTorch.

        And where `forward` left more on its ctx than numbers, which may take memory.
        """
        if isinstance(self.vjps, Backward) and self.vjps.is_light():
            self.vjps.saved.records = None
        else:
            super().release()
        self.output = None

    def outlive(self, output: Array, storage: Storage) -> None:
        """Take a copy of the output for what it was, before it is changed in place."""
        self.value, self.output = weakref.ref(output), output
        self.storage, self.version = storage, storage.version

    @property
    def next_functions(self) -> tuple[tuple[Node | Leaf | None, int], ...]:
        """For each argument that is a tensor the node that its gradient goes to, or None, and 0."""
        given = self.vjps.inputs if isinstance(self.vjps, Backward) else self.parents
        pairs = zip(self.parents, given, strict=True)
        return tuple((named(parent), 0) for parent, known in pairs if known is not None)

    def __getattr__(self, name: str) -> Any:
        """What `forward` left on its `ctx`."""
        if name == "vjps" or name.startswith("__"):
            raise AttributeError(name)
        if isinstance(self.vjps, Backward) and name in vars(self.vjps.ctx):
            return vars(self.vjps.ctx)[name]
        return super().__getattr__(name)

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{self.name()} object at {id(self):#x}>"

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` was given.

        Raises:
            RuntimeError: a backward pass has freed it.
        """
        joint = saved_vjps(self)
        return tuple(joint.saved) if isinstance(joint, Backward) else ()

    def name(self) -> str:
        """The name of the Function's class, with "Backward"."""
        return f"{self.operation}Backward"


class OutputNode(FunctionNode):
    """One of several outputs; its only parent is the node that calls `backward`."""

    __slots__ = ()

    @property
    def next_functions(self) -> tuple[tuple[Node | Leaf | None, int], ...]:
        """Those of the node that calls `backward`."""
        return self.parents[0].next_functions if self.parents and self.parents[0] else ()

    def register_hook(self, fn: Callable[[Any, Any], Any]) -> Any:
        """Of the node that calls `backward`: it sees the gradients of all outputs."""
        return self.parents[0].register_hook(fn)  # type: ignore[union-attr]

    def register_prehook(self, fn: Callable[[Any], Any]) -> Any:
        """Of the node that calls `backward`: it is given the gradients of all outputs."""
        return register_joint_prehook(self.parents[0], fn)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        """What `forward` left on its `ctx`."""
        if name in ("parents", "vjps") or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.parents[0], name)


def _output_node(shared: Node, position: int, array: Array, storage: Storage) -> FunctionNode:
    """The node of one of several outputs."""
    send = (lambda g: Slots({position: g}),)
    return OutputNode(shared.rule, (shared,), send, array, storage)


def record(
    function: type[Function],
    ctx: FunctionCtx,
    args: tuple[Any, ...],
    parents: tuple[Node | Leaf | None, ...],
    raw: tuple[Any, ...],
    outputs: list[Any],
) -> None:
    """Set the nodes of those outputs that have a gradient."""
    slots = [
        i
        for i, o in enumerate(raw)
        if isinstance(o, Tensor)
        and o.dtype.kind in FLOATING
        and not any(o is t for t in ctx._non_differentiable)
    ]
    if not slots:
        return
    saved = Saved(function.__name__)
    joint = Backward(function, ctx, saved, args, parents, outputs, slots[0])
    nodes: dict[int, Node] = {}
    if len(slots) == 1:
        out = outputs[slots[0]]
        shared = FunctionNode(function, parents, joint, out.array, out._storage)
        nodes[slots[0]] = out._node = shared
    else:
        shared = FunctionNode(function, parents, joint, Slots(), Storage(Slots()))
        for i in slots:
            out = outputs[i]
            nodes[i] = out._node = _output_node(shared, i, out.array, out._storage)
    if anomaly.watch is not None:
        for node in (shared, *nodes.values()):
            anomaly.watch.made(node)
    dirty, given = {id(t) for t in ctx._dirty}, {id(a) for a in args}
    made = {
        id(o): i for i, o in enumerate(raw) if i in nodes and (id(o) in dirty or id(o) not in given)
    }
    saved.keep(ctx._to_save, made, nodes, shared)
    ctx._to_save = ctx._non_differentiable = ctx._dirty = ()
    ctx._saved, ctx._node = weakref.ref(saved), weakref.ref(shared)


class Saved:
    """What `save_for_backward` was given. Only the node's VJPs own it, so it goes with them."""

    __slots__ = ("__weakref__", "name", "nodes", "records", "shared")

    def __init__(self, name: str) -> None:
        self.name = name

    def keep(
        self,
        tensors: tuple[Tensor | None, ...],
        made: dict[int, int],
        nodes: dict[int, Node],
        shared: Node,
    ) -> None:
        """Take the arrays of tensors; `made` tells the positions of those that are outputs.

        An output's node owns this object, so it is referred to weakly.
        """
        self.nodes = {i: weakref.ref(node) for i, node in nodes.items()}
        self.shared = weakref.ref(shared)
        self.records: list[Any] | None = [
            None
            if t is None
            else (
                t.array if mode.saving is None else Box(t),
                *(t._storage, t._storage.version, t._seen, made.get(id(t), t._node)),
            )
            for t in tensors
        ]

    def __iter__(self) -> Iterator[Tensor | None]:
        if self.records is None:
            raise RuntimeError(
                f"{self.name}: trying to backward through the graph a second time, or to read "
                "saved_tensors, but they have been freed by a backward pass; call the first "
                "backward() with retain_graph=True"
            )
        for position, record in enumerate(self.records):
            if record is None:
                yield None
                continue
            array, storage, version, seen, source = record
            if isinstance(array, Box):
                array, seen = array.open(), -1
                storage = source.storage if isinstance(source, Leaf) else Storage(array)
            elif storage.version != version:
                raise RuntimeError(
                    f"{self.name}: saved tensor {position}, of shape {tuple(array.shape)}, has "
                    "been modified by an in-place operation: it is at version "
                    f"{storage.version}, expected version {version}"
                )
            tensor = new(array)
            tensor._storage, tensor._seen = storage, seen
            if isinstance(source, int):
                # The output's node, or (if that output was dropped) a new one in its place.
                shared, node = self.shared(), self.nodes[source]()
                if node is None and shared is not None:
                    node = _output_node(shared, source, array, storage)
                tensor._node = node
            else:
                tensor._node = source
            yield tensor


class Backward:
    """g ↦ dL/dargument for each argument: a call of the user's `backward`, checked.

    Given arrays it returns arrays, given tensors (a recorded pass) tensors.
    """

    __slots__ = ("blanks", "ctx", "function", "inputs", "only", "saved")

    def __init__(
        self,
        function: type[Function],
        ctx: FunctionCtx,
        saved: Saved,
        args: tuple[Any, ...],
        parents: tuple[Node | Leaf | None, ...],
        outputs: list[Any],
        only: int,
    ) -> None:
        self.function, self.ctx, self.saved, self.only = function, ctx, saved, only
        self.inputs = [
            (type(a.array), p) if isinstance(a, Tensor) else None
            for a, p in zip(args, parents, strict=True)
        ]
        self.blanks = [
            (namespace(o.array), o.shape, o.array.dtype) if isinstance(o, Tensor) else None
            for o in outputs
        ]

    def __call__(self, grad: Any, wanted: tuple[bool, ...]) -> list[Any]:
        """The gradients, from dL/doutput or a `Slots` of them."""
        slots = grad if isinstance(grad, Slots) else {self.only: grad}
        recorded = any(isinstance(g, Tensor) for g in slots.values())
        given = [self._given(i, slots.get(i)) for i in range(len(self.blanks))]
        if _may_write(self.function):
            given = [None if g is None else g.clone() for g in given]
        before = [(g, None if g is None else g._storage.version) for g in given]
        backward: Callable[[FunctionCtx, list[Any]], Any] = self.function._differentiate
        if forward_mode.on and self.function._has_only_jvp():
            backward = self._transposed
        found = backward(self.ctx, given)
        found = list(found) if isinstance(found, tuple) else [found]
        name, count = self.function.__name__, len(self.inputs)
        for i, (g, version) in enumerate(before):
            if g is not None and g._storage.version != version and not _may_write(self.function):
                raise RuntimeError(
                    f"{name}: backward changed the gradient of output {i} in place, which other "
                    "operations may share; work on a copy"
                )
        if len(found) < count or any(g is not None for g in found[count:]):
            raise RuntimeError(
                f"{name}: backward returned {len(found)} gradients, expected {count}, one for each "
                "argument of forward"
            )
        return [self._returned(i, g, recorded) for i, g in enumerate(found[:count])]

    def _transposed(self, ctx: FunctionCtx, given: list[Any]) -> Any:
        """g ↦ Jᵀ g from a user's `jvp`, t ↦ J t: the gradient of what is linear, at t = 0."""
        xp = next(blank[0] for blank in self.blanks if blank is not None)
        parents = [known[1] if known is not None else None for known in self.inputs]
        with enable_grad():
            tangents = [
                None if p is None else new(xp.zeros(p.shape, dtype=p.dtype)).requires_grad_()
                for p in parents
            ]
            moved = self.function.jvp(ctx, *tangents)  # type: ignore[attr-defined]
        moved = moved if isinstance(moved, tuple) else (moved,)
        pairs = [
            (o, g) for o, g in zip(moved, given, strict=True) if o is not None and g is not None
        ]
        wanted = [t for t in tangents if t is not None]
        found = iter(
            run_backward(
                [o for o, _ in pairs],
                [g.to(o.dtype) for o, g in pairs],
                inputs=wanted,
                create_graph=mode.grad,
                accumulate=False,
            )
        )
        return tuple(None if t is None else next(found) for t in tangents)

    def _given(self, position: int, grad: Any) -> Any:
        """The gradient of an output as the user's `backward` gets it."""
        blank = self.blanks[position]
        if blank is None or isinstance(grad, Tensor):
            return grad
        xp, shape, dtype = blank
        if grad is None:
            return new(xp.zeros(shape, dtype=dtype)) if self.ctx._materialize else None
        return new(xp.asarray(grad))

    def _returned(self, position: int, grad: Any, recorded: bool) -> Any:
        """The gradient of an argument as the walk gets it."""
        if grad is None:
            return None
        where = f"{self.function.__name__}: backward returned for argument {position} "
        if not isinstance(grad, Tensor):
            raise RuntimeError(f"{where}a {type(grad).__name__}, expected a Tensor or None")
        expected = self.inputs[position]
        if expected is None:
            raise RuntimeError(f"{where}a gradient, but that argument is no tensor; expected None")
        kind, parent = expected
        if parent is None:
            return None
        if not _expands(parent.shape, grad.shape):
            raise RuntimeError(
                f"{where}a gradient of shape {tuple(grad.shape)}, expected "
                f"{tuple(parent.shape)} or a shape "
                "that this broadcasts to"
            )
        if grad.array.dtype != parent.dtype:  # it takes the argument's, as in PyTorch
            grad = grad.to(parent.dtype)
        if type(grad.array) is not kind:
            raise RuntimeError(f"{where}a gradient on {grad.device}, not on the argument's device")
        # A view, because the walk may add into an array that nobody else can see.
        return grad if recorded else grad.array[...]

    def is_light(self) -> bool:
        """Whether what `forward` left on its ctx, beside what it saved, is numbers and names."""
        own = [value for name, value in vars(self.ctx).items() if name not in ("_saved", "_node")]
        for value in own:  # which grows by what tuples have
            if isinstance(value, tuple):
                own += value
            elif not isinstance(value, _PLAIN):
                return False
        return True

    def held(self) -> Iterator[Any]:
        """Everything that is kept for `backward`; for measurements."""
        yield from (record[0] for record in self.saved.records or () if record is not None)
        yield from vars(self.ctx).values()


_writers: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()


def _may_write(function: type[Function]) -> bool:
    """Whether a Function's `backward` may change its gradients in place, as far as its code tells.

    Then it is given copies: what comes from above may be shared with other operations.
    """
    backward: Any = function._backward()
    while hasattr(backward, "__wrapped__"):
        backward = backward.__wrapped__
    code = getattr(backward, "__code__", None)
    if code is None:
        return True
    if code not in _writers:
        _writers[code] = _writes(code)
    return _writers[code]


def _writes(code: CodeType) -> bool:
    """Whether code stores at an index, changes in place (`g.mul_`, `g *= 2`) or names `out=`."""
    if any(n.endswith("_") and not n.endswith("__") for n in code.co_names):
        return True
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and _writes(constant):
            return True
        if isinstance(constant, tuple) and "out" in constant:
            return True
    from dis import get_instructions  # here, because few programs need it

    return any(
        step.opname == "STORE_SUBSCR"
        or step.opname.startswith("INPLACE_")
        or (step.opname == "BINARY_OP" and step.argrepr.endswith("="))
        for step in get_instructions(code)
    )


_PLAIN = (type(None), bool, int, float, str, type)


def _expands(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether a shape broadcasts to another."""
    tail = to[len(to) - len(shape) :] if len(to) >= len(shape) else None
    return tail is not None and all(n in (1, m) for n, m in zip(shape, tail, strict=True))
