"""`torch.overrides`: which functions another class takes over; here none, ever.

`__torch_function__` is not asked, so a function of tensors is always this library's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import absent
from .tensor import Tensor

__all__ = [
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

_WHY = "__torch_function__ is not asked; wrap the functions that are called"
TorchFunctionMode = absent.stand_in("overrides.TorchFunctionMode", _WHY)
handle_torch_function = absent.stand_in("overrides.handle_torch_function", _WHY)


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """False: nothing takes a function over."""
    return False


def has_torch_function_variadic(*relevant_args: Any) -> bool:
    """False: nothing takes a function over."""
    return False


has_torch_function_unary = has_torch_function_variadic


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[[Any], Any]:
    """A decorator that leaves the function as it is."""
    return lambda func: func


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
    """The functions that can be taken over: none."""
    return {}
