"""`torch.overrides`: which functions another class takes over, by `__torch_function__`.

It is asked of classes that programs derive from `Tensor`, and once there is one of those, of other
classes that have it (`tensor/subclass.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from .absent import explain as _explain
from .tensor import Tensor, subclass
from .tensor.subclass import DisableTorchFunctionSubclass

__all__ = [
    "BaseTorchFunctionMode",
    "DisableTorchFunctionSubclass",
    "TorchFunctionMode",
    "get_ignored_functions",
    "get_overridable_functions",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]


class TorchFunctionMode:
    """A `with` block whose `__torch_function__` is given each call of a function of tensors.

    Derived classes say what it makes of them. While it runs, what it calls is given to the blocks
    around this one alone; classes' own `__torch_function__` come after all of them.

    Example:
        >>> class Names(torch.overrides.TorchFunctionMode):
        ...     def __torch_function__(self, func, types, args=(), kwargs=None):
        ...         print(func.__name__)
        ...         return func(*args, **(kwargs or {}))
        >>> with Names():
        ...     y = torch.ones(2).exp()
        ones
        exp
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """What comes of a call of `func`.

        Args:
            func: the function.
            types: the classes among its arguments that take functions over by themselves.
            args, kwargs: its arguments.
        """
        raise NotImplementedError

    def __enter__(self) -> Any:
        subclass.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        subclass.leave()


class BaseTorchFunctionMode(TorchFunctionMode):
    """The mode that calls each function as it is."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """`func` itself."""
        return func(*args, **(kwargs or {}))


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether the class of one of them, or a mode, takes functions over."""
    state = subclass._state
    return bool(not state.off and (state.modes or subclass.types_of(relevant_args)))


def has_torch_function_variadic(*relevant_args: Any) -> bool:
    """Whether the class of one of them takes functions over."""
    return has_torch_function(relevant_args)


has_torch_function_unary = has_torch_function_variadic


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """What the classes of some arguments make of a call of a function.

    Raises:
        TypeError: each of them leaves it to the others.
    """
    if subclass._state.modes and not subclass._state.off:
        return subclass._in_mode(public_api, args, kwargs)
    return subclass.handle(public_api, subclass.types_of(relevant_args), args, kwargs)


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[[Any], Any]:
    """A decorator of a function that classes may take over.

    Args:
        dispatcher: gives, of the function's arguments, those whose classes are asked.
    """

    def decorate(func: Any) -> Any:
        @functools.wraps(func)
        def call(*args: Any, **kwargs: Any) -> Any:
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(call, relevant, *args, **kwargs)
            return func(*args, **kwargs)

        return call

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Whether it is a tensor, or says that it behaves as one (`__torch_function__`)."""
    return isinstance(inp, Tensor) or hasattr(inp, "__torch_function__")


def is_tensor_method_or_property(func: Any) -> bool:
    """Whether `Tensor` has it."""
    return getattr(Tensor, getattr(func, "__name__", ""), None) is func


def resolve_name(f: Any) -> str | None:
    """Where a function is found, such as "torch.Tensor.add"; None of what has no name."""
    name = getattr(f, "__name__", None)
    if name is None:
        return None
    owner = "Tensor" if is_tensor_method_or_property(f) else getattr(f, "__module__", "")
    return ".".join(["torch", *filter(None, [owner.partition(".")[2] or owner]), name])


def get_ignored_functions() -> set[Any]:
    """The functions that can't be taken over, as far as they are listed: none are."""
    return set()


def get_overridable_functions() -> dict[Any, list[Any]]:
    """The functions that can be taken over, of each module and of `Tensor`."""
    return {owner: [*found.values()] for owner, found in subclass.overridable().items()}


_explain(__name__)
