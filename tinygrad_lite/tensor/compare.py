"""`where`, and questions about tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from ..backend import namespace
from ..backend.dtypes import as_dtype, is_half, promote
from ..ops import elementwise
from .apply import apply
from .base import TensorBase, new
from .modes import default_dtype
from .operation import public
from .promote import as_number, element, filling, in_range, pair, scalar_tensor

if TYPE_CHECKING:
    from .tensor import Tensor


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """The input where the condition holds, else other.

    With the condition alone, the places where it holds, as `nonzero(as_tuple=True)`.

    Args:
        condition: a tensor of booleans (or uint8).
        input, other: tensors or numbers; all three broadcast.

    Raises:
        TypeError: something else.
        RuntimeError: a condition of another dtype, or shapes that do not broadcast.

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
        if condition.array.dtype != "uint8":
            raise RuntimeError(
                f"where: expected condition to be a boolean tensor, but got {condition.dtype}"
            )
        condition = condition != 0
    if not is_tensor(input) and not is_tensor(other):
        # Two numbers make bool, int64 or the default dtypes, whatever NumPy dtypes they have.
        real = default_dtype()
        kinds = {
            bool: "bool",
            int: "int64",
            float: real,
            complex: promote(as_dtype(real), as_dtype("complex64")),
        }
        found = [type(as_number(x)) for x in (input, other)]
        if not {*found} <= {*kinds}:
            words = " and ".join(type(x).__name__ for x in (input, other))
            raise TypeError(f"where: expected Tensors or numbers, but got {words}")
        dtype = kinds[max(found, key=[*kinds].index)]
        xp = namespace(condition.array)
        input = new(xp.asarray(element("where", input, as_dtype(dtype)), dtype=dtype))
    a, b = pair("where", input, other)
    if not is_tensor(a):
        a = _side(input, b)
    elif not is_tensor(b):
        b = _side(other, a)
    return apply(elementwise.where, condition, a, b)


def _side(number: Any, like: Tensor) -> Tensor:
    """A number as a side of `where`, in the other side's dtype.

    Beside 16 bits it may be as large as the default dtype allows, and becomes infinite.
    """
    if is_half(like.array.dtype):
        return scalar_tensor(in_range("where", number, default_dtype()), like)
    return filling("where", number, like)


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


def is_tensor(obj: object) -> TypeGuard[Tensor]:
    """Whether a value is a Tensor."""
    return isinstance(obj, TensorBase)


if not TYPE_CHECKING:
    __all__ = public(globals())
