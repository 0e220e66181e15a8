"""`torch.library`: operations that a program names, in Python, with a gradient of their own.

Nothing is compiled, so such an operation is its function: recorded as one step if its gradient
was registered. What tells a compiler of it (`register_fake`, `mutates_args`, tags) has no effect.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from . import ops
from .absent import explain as _explain
from .autograd import Function

__all__ = ["CustomOpDef", "custom_op", "register_autograd", "register_fake", "register_kernel"]

_KNOWN: dict[str, CustomOpDef] = {}
"""The operations, by their names."""


class CustomOpDef:
    """An operation, called as the function is that it was made of.

    Args:
        name: "namespace::name".
        function: computes it, unrecorded.
        signature: its arguments.
    """

    def __init__(
        self, name: str, function: Callable[..., Any], signature: inspect.Signature
    ) -> None:
        self._qualname, self._kernels, self._signature = name, {"": function}, signature
        self._backward: Callable[..., Any] | None = None
        self._setup: Callable[..., Any] | None = None

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute it."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return _Operation.apply(self, bound.kwargs, *bound.args)

    def register_autograd(
        self, backward: Callable[..., Any], /, *, setup_context: Callable[..., Any] | None = None
    ) -> None:
        """Say what its gradient is.

        Args:
            backward: of `(ctx, *grads)`, dL/doutput for each output: dL/dargument for each
                positional argument, None for what needs none.
            setup_context: of `(ctx, inputs, output)`, called after it was computed; with
                arguments by keyword alone, of `(ctx, inputs, keyword_only_inputs, output)`.
        """
        self._backward, self._setup = backward, setup_context

    def register_fake(self, fn: Callable[..., Any], /) -> Callable[..., Any]:
        """The function, unchanged: it would tell a compiler what the results look like."""
        return fn

    def register_kernel(
        self, device_types: Any, fn: Callable[..., Any] | None = None, /
    ) -> Callable[..., Any]:
        """Say how devices of a type, such as "cuda", or of several, compute it."""

        def take(fn: Callable[..., Any]) -> Callable[..., Any]:
            kinds = [device_types] if isinstance(device_types, str) else device_types or [""]
            self._kernels.update(dict.fromkeys(kinds, fn))
            return fn

        return take if fn is None else take(fn)

    def _compute(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kinds = (a.device.type for a in args if hasattr(a, "device"))
        return self._kernels.get(next(kinds, ""), self._kernels[""])(*args, **kwargs)


class _Operation(Function):
    """A call of one. Its first two arguments are the operation and what was given by keyword."""

    @staticmethod
    def forward(ctx: Any, op: CustomOpDef, kwargs: dict[str, Any], *args: Any) -> Any:
        ctx._op = op
        ctx.needs_input_grad = ctx.needs_input_grad[2:]
        result = op._compute(args, kwargs)
        if op._setup is not None:
            named = {"keyword_only_inputs": kwargs} if kwargs else {}
            op._setup(ctx=ctx, inputs=args, output=result, **named)
        return tuple(result) if isinstance(result, list) else result

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        backward = ctx._op._backward
        if backward is None:
            raise RuntimeError(
                f"Trying to backward through {ctx._op._qualname} but no autograd formula was "
                "registered. Please use register_autograd to add one."
            )
        found = backward(ctx, *grads)
        return None, None, *(found if isinstance(found, tuple | list) else (found,))


class _Namespace:
    """What `torch.ops` has under the name of a program's operations."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"torch.ops.{self._name} has no operation {name!r}; see custom_op")


def custom_op(
    name: str,
    fn: Callable[..., Any] | None = None,
    /,
    *,
    mutates_args: str | Iterable[str],
    device_types: Any = None,
    schema: str | None = None,
    tags: Any = None,
) -> Any:
    """Make an operation of a function, which `torch.ops.namespace.name` gives, too.

    Args:
        name: "namespace::name".
        fn: the function; None to decorate one.
        mutates_args: without effect: what it changes in place counts as changed outside of the
            graph, as under `no_grad`.
        device_types: which it is for; None for all.
        schema: the types of its arguments as text; None asks the function's annotations.
        tags: without effect.

    Raises:
        ValueError: a name without a namespace, or with that of this library's own rules; an
            argument without an annotation.

    Example:
        >>> @torch.library.custom_op("mine::twice", mutates_args=())
        ... def twice(x: torch.Tensor) -> torch.Tensor:
        ...     return 2 * x
        >>> twice.register_autograd(lambda ctx, g: 2 * g)
        >>> torch.ops.mine.twice(torch.ones(2))
        tensor([2., 2.])
    """

    def make(fn: Callable[..., Any]) -> CustomOpDef:
        space, colons, short = name.partition("::")
        if not (colons and space.isidentifier() and short.isidentifier()):
            raise ValueError(f"custom_op: expected a name such as 'namespace::name', got {name!r}")
        there = vars(ops).get(space)
        if there is not None and not isinstance(there, _Namespace):
            raise ValueError(f"custom_op: {space!r} names rules of this library; choose another")
        signature = inspect.signature(fn)
        for parameter in signature.parameters.values():
            if schema is None and parameter.annotation is parameter.empty:
                raise ValueError(f"custom_op: parameter {parameter.name} of {name} has no type")
        made = _KNOWN[name] = CustomOpDef(name, fn, signature)
        if device_types is not None:
            made.register_kernel(device_types, fn)
        if there is None:
            setattr(ops, space, _Namespace(space))
        setattr(vars(ops)[space], short, made)
        return made

    return make if fn is None else make(fn)


def _known(caller: str, op: str | CustomOpDef) -> CustomOpDef:
    found = _KNOWN.get(op) if isinstance(op, str) else op
    if found is None:
        raise ValueError(f"{caller}: there is no operation {op!r}; custom_op makes one")
    return found


def register_autograd(
    op: str | CustomOpDef,
    backward: Callable[..., Any],
    /,
    *,
    setup_context: Callable[..., Any] | None = None,
    lib: Any = None,
) -> None:
    """Say what an operation's gradient is: `CustomOpDef.register_autograd`.

    Raises:
        ValueError: there is no operation of that name.
    """
    _known("register_autograd", op).register_autograd(backward, setup_context=setup_context)


def register_fake(
    op: str | CustomOpDef, func: Callable[..., Any] | None = None, /, *, lib: Any = None
) -> Any:
    """The function, or a decorator that leaves one unchanged: no compiler asks for it."""
    return func if func is not None else lambda func: func


def register_kernel(
    op: str | CustomOpDef,
    device_types: Any,
    func: Callable[..., Any] | None = None,
    /,
    *,
    lib: Any = None,
) -> Any:
    """Say how devices of a type compute an operation: `CustomOpDef.register_kernel`.

    Raises:
        ValueError: there is no operation of that name.
    """
    return _known("register_kernel", op).register_kernel(device_types, func)


def load_library(path: Any) -> NoReturn:
    """`torch.ops.load_library`: refuse, as PyTorch does where a library does not fit.

    Raises:
        OSError: always. Packages that have their operations in Python as well take those.
    """
    raise OSError(f"{path}: nothing here is bound to C++: operations are rules in Python, see ops/")


_explain(__name__)
