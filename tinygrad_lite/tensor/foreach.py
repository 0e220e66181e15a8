"""`torch._foreach_add_` and its kin: one operation on each tensor of a list.

PyTorch has them for its optimizers, in one launch, and optimizers and moving averages of others
call them by these names. Here they are loops over the operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

from .base import TensorBase

__all__ = ["NAMES", "foreach"]

_OPERATIONS = (
    "abs acos add addcdiv addcmul asin atan ceil clamp_max clamp_min cos cosh div erf erfc exp "
    "expm1 floor frac lerp lgamma log log10 log1p log2 maximum minimum mul neg pow reciprocal "
    "round rsqrt sigmoid sign sin sinh sqrt sub tan tanh trunc"
).split()
_NEW, _CHANGED = ("clone", "max", "mm", "norm"), ("copy", "zero")
NAMES = frozenset(
    [f"_foreach_{name}" for name in (*_OPERATIONS, *_NEW)]
    + [f"_foreach_{name}_" for name in (*_OPERATIONS, *_CHANGED)]
)
"""What they are called; those that end in _ change the tensors."""

_BY_POSITION = (
    "tensor1 tensors1 tensor2 tensors2 src mat2 other weight weights exponent ord scalar scalars"
).split()
"""What PyTorch calls operands; the operation gets them in this order, after those without names."""


def foreach(name: str) -> Callable[..., Any]:
    """The function of a name among `NAMES`."""
    changes = name.endswith("_")
    operation = name.removeprefix("_foreach_").removesuffix("_")

    def one(tensor: Any, *args: Any, **kwargs: Any) -> Any:
        if operation == "norm":
            return _norm(tensor, *args, **kwargs)
        if operation in ("addcdiv", "addcmul") and len(args) == 3:
            kwargs, args = {"value": args[2]}, args[:2]
        if operation in ("maximum", "minimum") and not isinstance(args[0], TensorBase):
            found = getattr(tensor, "clamp_min" if operation == "maximum" else "clamp_max")(*args)
        elif not isinstance(tensor, TensorBase):  # a number to the power of each tensor
            return tensor ** args[0]
        elif changes and hasattr(tensor, f"{operation}_"):
            return getattr(tensor, f"{operation}_")(*args, **kwargs)
        else:
            found = getattr(tensor, operation)(*args, **kwargs)
        return tensor.copy_(found) if changes else found

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(self, list | tuple) and (
            name != "_foreach_pow" or isinstance(self, TensorBase)
        ):
            raise TypeError(f"{name}: expected a list of tensors, but got {type(self).__name__}")
        args += tuple(kwargs.pop(word) for word in _BY_POSITION if word in kwargs)
        operands = [self, *(_operand(name, operation, argument) for argument in args)]
        lists = [a for a in operands if isinstance(a, list | tuple)]
        if not lists or not lists[0]:
            raise RuntimeError(f"{name}: Tensor list must have at least one tensor.")
        if len({len(found) for found in lists}) > 1:
            raise RuntimeError(
                f"{name}: lists must have the same number of elements, got "
                f"{' and '.join(str(len(found)) for found in lists)}"
            )
        count = len(lists[0])
        rows = zip(*(_column(operand, count) for operand in operands), strict=True)
        found = [one(*row, **kwargs) for row in rows]
        return self if changes else tuple(found)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = (
        f"`{operation}` of each tensor of a list, with numbers, tensors or lists of them."
    )
    return call


def _norm(tensor: Any, ord: float = 2, dtype: Any = None) -> Any:
    """The p-norm of all elements, of order `ord`."""
    return tensor.norm(ord, dtype=dtype)


def _operand(name: str, operation: str, argument: Any) -> Any:
    """An argument; a tensor in place of a list is a number, or one for each tensor of `addcmul`.

    Raises:
        RuntimeError: it has more elements than that.
    """
    if not isinstance(argument, TensorBase) or argument.array.ndim == 0:
        return argument
    if operation in ("addcdiv", "addcmul"):
        return argument.tolist()
    raise RuntimeError(
        f"{name}: a tensor for all must have no dimensions, but has shape {tuple(argument.shape)}; "
        "expected a number or a list of tensors"
    )


def _column(argument: Any, count: int) -> Iterable[Any]:
    """An argument for each tensor: a list's elements, or a single one again and again."""
    return argument if isinstance(argument, list | tuple) else repeat(argument, count)
