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
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from .backend import Array, DType, Namespace, numpy, root
from .grad_names import grad_name

VJP = Callable[[Any], Any]
JointVJP = Callable[[Any, tuple[bool, ...]], Iterable[Any]]
VJPs = tuple[VJP | None, ...] | JointVJP
"""g ↦ dL/dinput for each input; or one function of g and of which inputs want theirs, for all."""


class Rule(Protocol):
    """A rule: an operation with its derivatives, and the facts that its declaration states.

    See `ops.rule`.
    """

    __name__: str
    autocast: Literal["half", "float32"] | None
    half: Literal["anywhere", "cuda", "free"] | None
    complex: Any
    composition: Callable[..., Any] | None
    part: str | None
    flat: bool | None

    def __call__(self, xp: Any, /, *inputs: Any, **constants: Any) -> tuple[Array, VJPs]:
        """The output for some inputs, and the VJPs."""


class Zero:
    """What a VJP gives in place of zeros: the walk makes them where somebody asks for them.

    Args:
        like: a gradient of the same shape and dtype.
    """

    __slots__ = ("like",)

    def __init__(self, like: Any) -> None:
        self.like = like


_order = itertools.count()


class Storage:
    """What tensors that share memory have in common: the memory's identity, and counts of changes.

    Attributes:
        version: how often elements were changed in place.
        moves: how often the base, of which all others are views, got another place in the graph:
            by a recorded change in place, or because it became a leaf.
        key: the `id` of the array that owns the memory.
        frozen: the leaf that the base was, with its hooks, before requires_grad_(False).
        ours: True if the library chose the order of elements in the memory, as that of a
            convolution's output, where PyTorch's lie row by row; "columns" where those of its
            matrices lie column by column; or how all that lies there does,
            here and in PyTorch (`tensor.layout.Layout`s). Else they lie as PyTorch's do.
        counts: the storage that counts, which is another one of a copy that stands for a part of
            other memory (`tensor/twins.py`).
    """

    __slots__ = ("frozen", "key", "moves", "ours", "version")

    frozen: Leaf
    ours: bool | str | tuple[Any, ...]

    @property
    def counts(self) -> Storage:
        """The storage that counts the changes: itself."""
        return self

    def __init__(self, array: Array) -> None:
        self.version = 0
        self.moves = 0
        self.ours = True
        self.key = id(array if array.base is None else root(array))  # `own`, less a call

    def own(self, array: Array) -> None:
        """Take an array's memory as the one that is counted here."""
        self.key = id(array if array.base is None else root(array))

    def __reduce__(self) -> Any:
        # Copied tensors that shared memory share a new storage; `own` tells it the new memory.
        return _unused, (self.ours,)


def _unused(ours: Any = True) -> Storage:
    """A storage whose memory `own` has still to tell."""
    storage = object.__new__(Storage)
    storage.version, storage.moves = 1, 0  # filling it counts as a change, as in PyTorch
    storage.ours = ours
    return storage


class InferenceStorage(Storage):
    """What tensors of memory that was made in an `inference_mode` block have in common."""

    __slots__ = ()


class _Mode(threading.local):
    """What each thread has of its own.

    Attributes:
        grad: whether operations are recorded.
        storage: the class of what new tensors' memory is marked by; another in `inference_mode`.
        cast: the `autocast` region (`tensor.autocast.Casting`), or None.
        saving: the hooks that saved arrays go through (`tensor.saving.Hooks`), or None.
    """

    grad = True
    storage: type[Storage] = Storage
    cast: Any = None
    saving: Any = None


mode = _Mode()


class Leaf:
    """An end of the graph: a tensor with `requires_grad` that no operation made.

    Attributes:
        waited_for: whether any leaf ever got a hook; until then no pass counts uses.
        tensor: a weak reference to the tensor.
        array, storage: the tensor's.
        hooks: called with the gradient before it is added to `.grad` (`tensor/hooks.py`), or None.
        after: called with the tensor and the gradient when that was added to `.grad`, those that
            are `last` at the end; None for none.
        order: a number that grows from one leaf or node to the next that is made.
    """

    waited_for: ClassVar[bool] = False

    __slots__ = ("__weakref__", "after", "array", "hooks", "order", "storage", "tensor")

    def __init__(self, tensor: Any, array: Array, storage: Storage) -> None:
        self.tensor = weakref.ref(tensor)
        self.array = array
        self.storage = storage
        self.after: dict[int, Callable[[Any, Any], Any]] | None = None
        self.hooks: Any = None
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

    next_functions = ()
    register_hook: Any  # both set by `tensor/hooks.py`
    register_prehook: Any
    variable: Any  # set by `tensor/place.py`

    def name(self) -> str:
        """What PyTorch calls such a node."""
        return "torch::autograd::AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"


class Packed:
    """VJPs whose arrays a user's function keeps elsewhere (`tensor/saving.py`).

    Args:
        restore: gives the VJPs with their arrays.
        boxes: by the position of an input (behind them the output) what keeps it (`saving.Box`).
    """

    __slots__ = ("boxes", "restore")

    def __init__(self, restore: Callable[[], VJPs], boxes: dict[int, Any]) -> None:
        self.restore = restore
        self.boxes = boxes


class Joint:
    """The VJPs of inputs that share work: s = prepare(g, wanted) once, then part(g, s) for each.

    A node drops the parts of inputs that need no gradient, and with them what only they captured.

    Args:
        prepare: (g, which inputs want their gradient) ↦ s, whatever the parts share; None if no
            part is left that needs it.
        parts: for each input (g, s) ↦ dL/dinput, or None.
        sharers: the positions of the inputs whose parts use s; None for all. If none of them
            wants its gradient, nothing is prepared.
    """

    __slots__ = ("parts", "prepare", "sharers")

    def __init__(
        self,
        prepare: Callable[[Any, tuple[bool, ...]], Any] | None,
        *parts: Callable[[Any, Any], Any] | None,
        sharers: tuple[int, ...] | None = None,
    ) -> None:
        self.prepare = prepare
        self.parts = parts
        self.sharers = sharers

    def __call__(self, g: Any, wanted: tuple[bool, ...]) -> list[Any]:
        """dL/dinput for each input that wants it, None for the others."""
        shared = None
        if self.prepare is not None and (self.sharers is None or self._is_shared(wanted)):
            shared = self.prepare(g, wanted)
        return [
            part(g, shared) if asked and part is not None else None
            for part, asked in zip(self.parts, wanted, strict=False)
        ]

    def without(self, parents: Sequence[Any]) -> Joint:
        """The same without the parts of inputs that have no parent, and need no gradient."""
        kept = [v if p is not None else None for v, p in zip(self.parts, parents, strict=False)]
        prepare = self.prepare if self._is_shared(kept) else None
        return Joint(prepare, *kept, sharers=self.sharers)

    def _is_shared(self, inputs: Sequence[Any]) -> bool:
        """Whether s is needed: one of the sharers is among the inputs (their parts, or True)."""
        if self.sharers is None:
            return True
        for i in self.sharers:  # noqa: SIM110 (calls less than any() of a generator)
            if i < len(inputs) and inputs[i]:
                return True
        return False


class Node:
    """One application of a rule: what a backward pass needs to go from its output to its inputs.

    Args:
        rule: the rule, whose name errors give.
        kwargs: the arguments of the rule that are not arrays.
        parents: for each input its `Node` or `Leaf`, or None if it needs no gradient.
        constants: for each input without a parent its value, else None.
        guards: for each input that is a tensor its storage and version when the rule ran.
        vjps: what the rule returned; those of inputs that need no gradient are dropped.
        value: the output; only a weak reference is kept.
        storage: the storage of the output.

    Attributes:
        custom: the rule is a user's `Function`: its VJPs take tensors as they take arrays, and
            it can't be run again.
        shape, dtype, version: of the output; the version when the rule had run.
        hooks: called with the output's gradient (`tensor/hooks.py`), or None.
        called: PyTorch's name of the operation, where the rule is a part of one; else not set.
        retainer: a weak reference to the tensor whose `retain_grad` was called, or None.
        order: a number that grows from one leaf or node to the next that is made.
    """

    __slots__ = (
        "__weakref__",
        "called",
        "constants",
        "dtype",
        "guards",
        "hooks",
        "kwargs",
        "order",
        "parents",
        "retainer",
        "rule",
        "shape",
        "storage",
        "value",
        "version",
        "vjps",
    )
    requires_grad: ClassVar[bool] = True  # to programs: what needs no gradient has no node

    called: str
    custom = False
    outlive: Any  # of those that are custom (`autograd/node.py`)
    register_hook: Any  # both set by `tensor/hooks.py`
    register_prehook: Any
    __getattr__: Any  # of `_saved_…`; set by `tensor/place.py`

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
        self.vjps: VJPs | Packed | None = vjps
        if None in parents or (type(vjps) is tuple and len(vjps) > len(parents)):
            if type(vjps) is tuple:
                self.vjps = tuple(
                    [v if p is not None else None for v, p in zip(vjps, parents, strict=False)]
                )
            elif type(vjps) is Joint:
                self.vjps = vjps.without(parents)
        self.value = weakref.ref(value)
        self.shape: tuple[int, ...] = value.shape
        self.dtype: DType = value.dtype
        self.storage = storage
        self.version = storage.version
        self.retainer: Any = None
        self.hooks: Any = None
        self.order = next(_order)

    @property
    def operation(self) -> str:
        """The rule's name, such as "matmul"."""
        return self.rule.__name__

    def name(self) -> str:
        """What PyTorch calls such a node, such as "MmBackward0"."""
        return grad_name(self)

    @property
    def next_functions(self) -> tuple[tuple[Node | Leaf | None, int], ...]:
        """For each input the node that its gradient goes to, or None, and 0; numbers come last."""
        if len(self.guards) != len(self.parents):  # a user's function
            return tuple((named(parent), 0) for parent in self.parents)
        inputs = [*zip(self.parents, self.guards, strict=True)]
        inputs.sort(key=lambda pair: pair == (None, None))  # of 2 * x as of x * 2
        return tuple((named(parent), 0) for parent, _ in inputs)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for what a program wants to note of this node."""
        return _metadata.setdefault(self, {})

    def release(self) -> None:
        """Let go of VJPs, so that memory is free and a second pass is refused; edges stay.

        A node whose VJPs captured no array, such as that of a sum or a reshape, keeps them: as in
        PyTorch a second pass through such nodes alone is no error.
        """
        if type(self.vjps) is not Joint and not _hold_arrays((self.vjps,)):
            return
        self.vjps = None
        self.constants = (None,) * len(self.constants)  # how many inputs there were, for its name

    def __repr__(self) -> str:
        return f"<{self.name().rpartition(':')[2]} object at {id(self):#x}>"


class Lasting(Node):
    """A node whose VJPs captured what sizes alone tell, such as masks, and no tensor of a program.

    It keeps them, so that a second pass is no error, as for nodes that captured no array.
    """

    __slots__ = ()

    def release(self) -> None:
        """Keep all."""


class GradientEdge(NamedTuple):
    """A place in the graph: a node, and which of its outputs; `grad` takes it for a tensor."""

    node: Any
    output_nr: int = 0
    ownership_token: Any = None  # without effect: the node itself is kept


_classes: dict[tuple[type, str], type] = {}


def named(node: Any) -> Any:
    """A node or leaf itself, now of a class that is called as PyTorch's: `type(node).__name__`.

    None stays None.
    """
    if isinstance(node, Node | Leaf) and (type(node), "") not in _classes:
        key = type(node), node.name().rpartition(":")[2]
        if key not in _classes:
            made = type(key[1], (key[0],), {"__slots__": (), "__module__": __name__})
            _classes[key] = _classes[made, ""] = made
        node.__class__ = _classes[key]
    return node


_metadata: weakref.WeakKeyDictionary[Node, dict[Any, Any]] = weakref.WeakKeyDictionary()


def _hold_arrays(vjps: tuple[Any, ...]) -> bool:
    """Whether VJPs captured an array, or anything that may hold one."""
    values = list(vjps)
    for value in values:  # closures add what they captured, so the list grows meanwhile
        kind = type(value)
        if kind is FunctionType:
            for cell in value.__closure__ or ():
                values.append(cell.cell_contents)  # noqa: PERF401 (a call less than a comprehension)
        elif isinstance(value, tuple | list):
            values += value
        elif kind not in _PLAIN and not isinstance(value, numpy.dtype):
            return True
    return False


# Types of captured values that hold no array.
_PLAIN = frozenset({type(None), bool, int, float, str, slice, type, type(...), Namespace})
