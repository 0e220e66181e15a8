"""`where`, and questions about tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from .base import TensorBase
from .create import tensor
from .operation import public
from .promote import pair, scalar_tensor

if TYPE_CHECKING:
    from .tensor import Tensor


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """The input where the condition holds, else other; both may be numbers.

    With the condition alone, the places where it holds, as `nonzero(as_tuple=True)`.

    Example:
        >>> x = torch.tensor([1.0, -2.0])
        >>> torch.where(x > 0, x, 0.1 * x)
        tensor([ 1.0000, -0.2000])
    """
    if input is None and other is None and is_tensor(condition):
        return condition.nonzero(as_tuple=True)
    if not is_tensor(condition):
        raise TypeError(f"where: condition must be a Tensor, but got {type(condition).__name__}")
    if condition.dtype.kind != "b":
        if condition.dtype != "uint8":
            raise RuntimeError(
                f"where: expected condition to be a boolean tensor, but got {condition.dtype}"
            )
        condition = condition != 0
    if is_tensor(input):
        return input.where(condition, other)
    if is_tensor(other):
        number, other = pair("where", input, other)
        return scalar_tensor(number, other).where(condition, other)
    kinds = [float, int, bool]  # of two numbers the wider kind counts, not its NumPy dtype
    kind = min((type(tensor(x).item()) for x in (input, other)), key=kinds.index)
    return tensor(kind(input), device=condition.device).where(condition, other)


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


def is_tensor(obj: object) -> TypeGuard[Tensor]:
    """Whether a value is a Tensor."""
    return isinstance(obj, TensorBase)


if not TYPE_CHECKING:
    __all__ = public(globals())
