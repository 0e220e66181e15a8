"""`Function`: an operation with a gradient of your own, as `torch.autograd.Function`.

The tensors that `forward` made are not the tensors that `apply` returns (these share their
memory), so that whatever `forward` leaves on `ctx` makes no reference cycle.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..absent import explain as _explain
from ..absent import lacks
from ..backend.dtypes import FLOATING
from ..graph import mode
from ..tensor import Tensor, no_grad, twins
from ..tensor.apply import node_of
from ..tensor.base import new
from ..tensor.inplace import adopt, base_of
from ..tensor.source_line import user_level
from .node import Saved, record

__all__ = ["Function", "FunctionCtx", "InplaceFunction", "once_differentiable"]


class FunctionCtx:
    """`ctx`: what `forward` leaves for `backward`. Any attribute may be set on it, too.

    Attributes:
        needs_input_grad: for each argument of `forward`, whether it needs a gradient.
    """

    needs_input_grad: tuple[bool, ...]

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._materialize = True
        self._to_save: tuple[Tensor | None, ...] = ()
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._saved: Callable[[], Saved | None] | None = None
        self._node: Callable[[], Any] | None = None

    if TYPE_CHECKING:  # any attribute, which mypy can't know

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs, outputs or other tensors for `backward`; call it once at most.

        Raises:
            TypeError: one is neither a tensor nor None.
        """
        for position, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save tensors, but argument {position} is of type "
                    f"{type(tensor).__name__}; set other values as attributes of ctx"
                )
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to `save_for_backward`, with their places in the graph.

        Raises:
            RuntimeError: they were freed by an earlier backward pass, or one was changed in
                place since.
        """
        if self._saved is None:
            return ()
        saved = self._saved()
        if saved is None:
            raise RuntimeError(
                "saved_tensors: they have been freed by a backward pass; call the first "
                "backward() with retain_graph=True"
            )
        return tuple(saved)

    def name(self) -> str:
        """The name of the node in the graph: that of the class, with "Backward"."""
        node = self._node and self._node()
        return node.name() if node is not None else type(self).__name__

    @property
    def next_functions(self) -> Any:
        """Those of the node in the graph."""
        node = self._node and self._node()
        return node.next_functions if node is not None else ()

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Accepted for PyTorch's sake: there is no forward mode that would read them."""

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no gradient; `backward` gets zeros for them."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs `forward` changed in place; it must return them, as outputs."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros (the default) or None for an output without gradient."""
        self._materialize = value


@lacks(
    "boxed_grads_call clear_saved_tensors_on_access dirty_tensors generate_vmap_rule jvp "
    "mark_dirty mark_non_differentiable mark_shared_storage materialize_grads "
    "maybe_clear_saved_tensors metadata name needs_input_grad next_functions "
    "non_differentiable register_hook register_prehook requires_grad save_for_backward "
    "save_for_forward saved_for_forward saved_tensors saved_variables "
    "set_materialize_grads to_save vmap"
)
class Function:
    """An operation with a gradient of your own; subclass it and call `apply`.

    `forward(ctx, *args)` computes with tensors and other values, unrecorded, and returns a
    tensor or a tuple. `backward(ctx, *grads)` takes dL/doutput for each output and returns
    dL/dargument for each argument of `forward` (None for one that needs no gradient). With
    `create_graph=True` it is recorded, so that second derivatives follow from what it
    computes. Alternatively `forward(*args)` without ctx, and `setup_context(ctx, inputs,
    output)`.

        class Exp(Function):
            @staticmethod
            def forward(ctx, x):
                y = x.exp()
                ctx.save_for_backward(y)
                return y

            @staticmethod
            def backward(ctx, g):
                (y,) = ctx.saved_tensors
                return g * y

        y = Exp.apply(x)
    """

    def __init__(self) -> None:
        warnings.warn(
            f"{type(self).__name__}: a Function needs no instance; call the class's .apply(...)",
            DeprecationWarning,
            stacklevel=user_level(),
        )

    def __call__(self, *args: Any) -> Any:
        """Raise: a Function is not called, but its `apply` is."""
        raise RuntimeError(f"{type(self).__name__}: a Function is called by its .apply(...)")

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The operation: `forward(ctx, *args)`, or `forward(*args)` with `setup_context`."""
        raise NotImplementedError("a Function must implement the static method forward")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Fill ctx after `forward(*inputs)` gave `output`."""
        raise NotImplementedError

    @staticmethod
    def backward(*args: Any, **kwargs: Any) -> Any:
        """The gradient: `backward(ctx, *grads)`."""
        raise NotImplementedError("a Function must implement the static method backward")

    vjp = backward  # its other name

    @classmethod
    def _differentiate(cls, ctx: FunctionCtx, grads: list[Any]) -> Any:
        """What `backward`, or `vjp`, returns."""
        return cls._backward()(ctx, *grads)

    @classmethod
    def _backward(cls) -> Callable[..., Any]:
        """`backward`, or `vjp`, its other name."""
        return cls.vjp if cls.backward is Function.backward else cls.backward

    @classmethod
    def _has_only_jvp(cls) -> bool:
        """Whether there is a `jvp`, but neither `backward` nor `vjp`."""
        own = {name for kind in cls.__mro__ if kind is not Function for name in vars(kind)}
        return "jvp" in own and not own & {"backward", "vjp"}

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` and, if a gradient may be wanted, record it.

        Raises:
            RuntimeError: `forward` marked as dirty a leaf, or what it does not return. What it
                changes unmarked counts as changed outside of the graph, as under `no_grad`.
        """
        if kwargs:
            args = _positional(cls, args, kwargs)
        parents = tuple(node_of(a) if isinstance(a, Tensor) else None for a in args)
        ctx = FunctionCtx(tuple(p is not None for p in parents))
        with no_grad():
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *args)
            else:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
        for changed_in_place in ctx._dirty:
            changed_in_place._storage.version += 1
            twins.changed(changed_in_place.array)
        raw = result if isinstance(result, tuple) else (result,)
        dirty = {id(t): t for t in ctx._dirty}
        if not dirty.keys() <= {id(o) for o in raw}:
            raise RuntimeError(
                f"{cls.__name__}: Some elements marked as dirty during the forward method were not "
                "returned as output. The inputs that are modified inplace must all be outputs of "
                "the Function."
            )
        outputs = [
            _alias(o, args) if isinstance(o, Tensor) and id(o) not in dirty else o for o in raw
        ]
        if mode.grad and any(ctx.needs_input_grad):
            places = {key: base_of(t, cls.__name__) for key, t in dirty.items()}
            # What was changed in place gets its node by way of its base, which a view may have.
            made = [new(o.array) if id(o) in dirty else o for o in outputs]
            record(cls, ctx, args, parents, raw, made)
            for output, part in zip(outputs, made, strict=True):
                if id(output) in dirty:
                    adopt(output, part, *places[id(output)])
        return tuple(outputs) if isinstance(result, tuple) else outputs[0]


def _positional(cls: type[Function], args: Any, kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of `forward` in order, of which some were given by name."""
    import inspect  # here, because few calls need it

    ctx = () if cls.setup_context is not Function.setup_context else (None,)
    bound = inspect.signature(cls.forward).bind(*ctx, *args, **kwargs)
    bound.apply_defaults()
    return bound.args[len(ctx) :]


def _alias(tensor: Tensor, args: tuple[Any, ...]) -> Tensor:
    """A tensor of the same memory, outside of the graph; of an argument, a view."""
    out, storage = new(tensor.array), tensor._storage
    out._storage = storage
    out._seen, out._view = tensor._seen, tensor._view
    if any(tensor is a for a in args):
        out._seen, out._view = storage.moves, (tensor, None)
    return out


class InplaceFunction(Function):
    """A `Function`, by a name that older programs inherit from."""


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` that can't be differentiated: a second derivative raises.

    It runs unrecorded also with `create_graph=True`.
    """

    @functools.wraps(backward)
    def once(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            found = backward(ctx, *grads)
        if not mode.grad:
            return found
        several = found if isinstance(found, tuple) else (found,)
        marked = tuple(
            _Once.apply(g.detach().requires_grad_(), backward.__qualname__)
            if isinstance(g, Tensor) and g.dtype.kind in FLOATING
            else g
            for g in several
        )
        return marked if isinstance(found, tuple) else marked[0]

    return once


class _Once(Function):
    """A gradient that can't be differentiated again."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, name: str) -> Tensor:
        ctx.name = name
        return gradient

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(
            f"{ctx.name}: trying to differentiate twice a function that was marked with "
            "@once_differentiable"
        )


_explain(__name__)
