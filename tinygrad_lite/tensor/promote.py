"""PyTorch's dtype promotion: what two operands become before a rule sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import DType, namespace, numpy
from ..backend.dtypes import FLOATING, promote
from ..ops.elementwise import cast
from .apply import apply
from .base import TensorBase, new
from .modes import get_default_dtype

if TYPE_CHECKING:
    from .tensor import Tensor

_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2, "V": 2}


def as_float(x: TensorBase) -> Tensor:
    """X itself if it is floating point, else x in the default dtype."""
    if x.array.dtype.kind in FLOATING:
        return x  # type: ignore[return-value]
    return apply(cast, x, dtype=get_default_dtype())


def to_dtype(x: TensorBase, dtype: DType) -> Tensor:
    """X itself if it has the dtype, else x cast to it."""
    return x if x.array.dtype == dtype else apply(cast, x, dtype=dtype)  # type: ignore[return-value]


def scalar_tensor(value: Any, like: TensorBase) -> Tensor:
    """A 0-d tensor of a number, with the dtype and on the device of another tensor."""
    xp = namespace(like.array)
    return new(xp.asarray(value, dtype=like.dtype))


def result_type(a: TensorBase, b: TensorBase) -> DType:
    """The dtype of an operation on two tensors.

    The higher of bool < integer < floating point wins; within one of them the wider dtype,
    but a 0-d tensor never widens one that has dimensions.
    """
    rank_a, rank_b = _CATEGORY[a.dtype.kind], _CATEGORY[b.dtype.kind]
    if rank_a != rank_b:
        return a.dtype if rank_a > rank_b else b.dtype
    if (a.ndim == 0) != (b.ndim == 0):
        return b.dtype if a.ndim == 0 else a.dtype
    return promote(a.dtype, b.dtype)


def pair(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Two operands, at least one a tensor, in one dtype; numbers stay Python numbers.

    Raises:
        TypeError: an operand is neither a tensor nor a real number.
    """
    if isinstance(a, TensorBase):
        if isinstance(b, TensorBase):
            if a.array.dtype is b.array.dtype or a.dtype == b.dtype:
                return a, b
            dtype = result_type(a, b)
            return to_dtype(a, dtype), to_dtype(b, dtype)
        return _with_number(name, a, b)
    return _with_number(name, b, a)[::-1]


def _with_number(name: str, x: TensorBase, number: Any) -> tuple[TensorBase, Any]:
    kind = type(number)
    if kind is not float and kind is not int and kind is not bool:
        if not isinstance(number, int | float | numpy.generic) or isinstance(number, numpy.void):
            raise TypeError(
                f"{name}: expected a Tensor or a number, but got {kind.__name__}"
                + ("; use from_numpy() or tensor()" if kind.__name__ == "ndarray" else "")
            )
        # A NumPy scalar would widen the result; a Python number never does.
        number = number.item() if isinstance(number, numpy.generic) else float(number)
        kind = type(number)
    own = x.array.dtype.kind
    if own in FLOATING:
        return x, number
    if kind is float:
        return as_float(x), number
    if own == "b" and kind is int:
        return apply(cast, x, dtype=numpy.dtype("int64")), number
    return x, number
