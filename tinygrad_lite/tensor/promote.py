"""PyTorch's dtype promotion: what two operands become before a rule sees them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

from ..backend import DType, namespace, numpy
from ..backend.dtypes import DIFFERENTIABLE, FLOATING, as_dtype, is_half, promote
from ..ops.elementwise import cast
from .apply import apply
from .base import TensorBase, new
from .check import not_a_tensor, plain
from .element import dtype, dtype_of
from .modes import default_dtype
from .source_line import user_level

if TYPE_CHECKING:
    from .tensor import Tensor

_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2, "V": 2, "c": 3}  # of NumPy's letters; "V": bfloat16


def as_float(x: TensorBase, name: str = "") -> Tensor:
    """x itself if it is floating point or complex, else x in the default dtype.

    Raises:
        TypeError: not a tensor.
    """
    try:
        kind = x.array.dtype.kind
    except AttributeError:
        raise not_a_tensor(name, x, "input") from None
    if kind in DIFFERENTIABLE:
        return x  # type: ignore[return-value]
    return apply(cast, x, dtype=default_dtype())


def to_dtype(x: TensorBase, dtype: DType) -> Tensor:
    """x itself if it has the dtype, else x cast to it; imaginary parts are lost with a warning."""
    if x.array.dtype == dtype:
        return x  # type: ignore[return-value]
    if x.array.dtype.kind == "c" != dtype.kind and dtype.kind != "b":
        warnings.warn(
            "Casting complex values to real discards the imaginary part",
            UserWarning,
            stacklevel=user_level(),
        )
    return apply(cast, x, dtype=dtype)


def to_own_kind(name: str, x: Tensor, dtype: Any) -> Tensor:
    """x itself, or cast to a dtype if one is given, of complex numbers if x is complex.

    Raises:
        RuntimeError: a real dtype of complex numbers, or a complex one of real numbers.
    """
    if dtype is None:
        return x
    wanted, own = as_dtype(dtype), x.array.dtype
    if "c" in (wanted.kind, own.kind) and wanted.kind != own.kind:
        kind = "complex" if own.kind == "c" else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {dtype}")
    return to_dtype(x, wanted)


def in_wider(name: str, x: TensorBase, dtype: Any) -> Tensor:
    """x in a dtype, if one is given, that holds all of x's: what norms are calculated in.

    Raises:
        RuntimeError: integers, a narrower dtype, or one of the other of real and complex numbers.
    """
    if dtype is not None:
        wanted, own = as_dtype(dtype), x.array.dtype
        if own.kind not in DIFFERENTIABLE or wanted.kind not in DIFFERENTIABLE:
            raise RuntimeError(f"{name}: expected floating point, but got {x.dtype} and {dtype}")
        if wanted.kind == own.kind and together(wanted, own) != wanted:
            raise RuntimeError(f"{name}: {x.dtype} can't be {dtype} without being narrowed")
    return to_own_kind(name, x, dtype)  # type: ignore[arg-type]


def rounded_once(function: Callable[..., Tensor], *operands: Tensor) -> Tensor:
    """A function of several operations, of tensors of one dtype: of 16 bits in float32 inside."""
    dtype = operands[0].array.dtype
    if not is_half(dtype):
        return function(*operands)
    wide = numpy.dtype("float32")
    return to_dtype(function(*(to_dtype(x, wide) for x in operands)), dtype)


def scalar_tensor(value: Any, like: TensorBase) -> Tensor:
    """A 0-d tensor of a number, with the dtype and on the device of another tensor."""
    xp = namespace(like.array)
    return new(xp.asarray(value, dtype=like.array.dtype))


def tensors_of(a: Any, b: Any) -> tuple[Any, Any]:
    """Two operands, at least one of them a tensor; a number becomes a 0-d tensor of its dtype."""
    a = a if isinstance(a, TensorBase) else scalar_tensor(a, b)
    return a, b if isinstance(b, TensorBase) else scalar_tensor(b, a)


def common_dtype(*operands: TensorBase) -> DType:
    """The dtype of an operation on several tensors, such as `cat`.

    The higher of bool < integer < floating point wins; within one of them the wider dtype,
    but a 0-d tensor never widens those that have dimensions.
    """
    # with dimensions, and without
    large, small = (
        [x.array.dtype for x in operands if (x.ndim > 0) is own] for own in (True, False)
    )
    if not large or not small:
        return reduce(together, large or small)
    return _led(reduce(together, large), reduce(together, small))


def pair_dtype(tensor: Any, other: Any) -> DType:
    """The dtype of an operation on two tensors or numbers: see `result_type`."""
    a, b = tensor, other
    if not isinstance(a, TensorBase) or not isinstance(b, TensorBase):
        own, more = (x.array.dtype if isinstance(x, TensorBase) else _of_number(x) for x in (a, b))
        return _led(more, own) if isinstance(b, TensorBase) else _led(own, more)
    first: DType = a.array.dtype
    second: DType = b.array.dtype
    if (a.ndim == 0) != (b.ndim == 0):
        return _led(second, first) if a.ndim == 0 else _led(first, second)
    return together(first, second)


def _led(leading: DType, other: DType) -> DType:
    """The dtype of a tensor with dimensions and one without, or of a tensor and a number.

    The higher kind wins, but of floats and complex numbers it is the complex dtype that holds the
    leading ones.

    Raises:
        TypeError: that would be complex32.
    """
    rank, its = _CATEGORY[leading.kind], _CATEGORY[other.kind]
    if rank >= its:
        return leading
    return as_dtype(dtype_of(leading).to_complex()) if (rank, its) == (2, 3) else other


def promote_types(type1: Any, type2: Any) -> dtype:
    """The smallest dtype that both can be promoted to."""
    return dtype_of(together(as_dtype(type1), as_dtype(type2)))


def result_type(tensor: Any, other: Any) -> dtype:
    """The dtype of an operation on two tensors or numbers.

    The higher of bool < integer < floating point wins; within one of them the wider dtype,
    but a 0-d tensor never widens one that has dimensions, nor a number any tensor.
    """
    return dtype_of(pair_dtype(tensor, other))


def _of_number(value: Any) -> DType:
    """The dtype of a Python or NumPy number.

    Raises:
        TypeError: it is not a number.
    """
    if isinstance(value, bool | numpy.bool_):
        return numpy.dtype("bool")
    if isinstance(value, int | numpy.integer):
        return numpy.dtype("int64")
    if isinstance(value, float | numpy.floating):
        return default_dtype()
    if isinstance(value, complex | numpy.complexfloating):
        return default_complex()
    raise TypeError(f"result_type: expected tensors or numbers, but got {type(value).__name__}")


def default_complex() -> DType:
    """The complex dtype of Python's complex numbers: that of parts in the default dtype."""
    return as_dtype(dtype_of(default_dtype()).to_complex())


def together(a: DType, b: DType) -> DType:
    """The dtype of an operation on two tensors with dimensions: the higher kind, then the wider.

    Of floats and complex numbers the complex dtype that holds both.
    """
    rank, its = _CATEGORY[a.kind], _CATEGORY[b.kind]
    if rank != its and rank + its != 5:
        return a if rank > its else b
    return promote(a, b)


def pair(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Two operands, at least one a tensor, in one dtype; numbers stay Python numbers.

    Of two numbers the first becomes a tensor, in the operations in which PyTorch's does.

    Raises:
        TypeError: an operand is neither a tensor nor a real number.
        RuntimeError: a subtraction with a boolean.
        OverflowError: an integer beyond 64 bits.
    """
    if isinstance(a, TensorBase):
        if isinstance(b, TensorBase):
            if a.array.dtype == b.array.dtype:
                return a, b
            if name == "sub" and "b" in (a.array.dtype.kind, b.array.dtype.kind):
                raise RuntimeError(_NO_MINUS)
            dtype = pair_dtype(a, b)
            if is_half(dtype) and a.ndim and not b.ndim and name in ("mul", "div"):
                # As a number, which 16 bits need not hold: h / tensor(65536.) is not 0.
                return to_dtype(a, dtype), to_dtype(b, numpy.dtype("float32"))
            return to_dtype(a, dtype), to_dtype(b, dtype)
        return _with_number(name, a, b)
    if not isinstance(b, TensorBase):
        return pair(name, _of_two_numbers(name, a), b)
    return _with_number(name, b, a)[::-1]


def _of_two_numbers(name: str, first: Any) -> TensorBase:
    if name not in _OF_NUMBERS or not isinstance(first, bool | int | float | complex):
        raise not_a_tensor(name, first)
    return new(numpy.asarray(first, dtype=_of_number(first)))


_OF_NUMBERS = frozenset({"add", "sub", "mul", "div", "floor_divide"})


def real_pair(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """`pair` for operations whose results are fractions: two integers become the default dtype."""
    if not (isinstance(a, TensorBase) and isinstance(b, TensorBase)):
        # The tensor becomes floating point first: an integer tensor would wrap the number.
        if isinstance(a, TensorBase):
            a = as_float(a)
        if isinstance(b, TensorBase):
            b = as_float(b)
        if not isinstance(a, TensorBase) and not isinstance(b, TensorBase):
            a = as_float(_of_two_numbers(name, a))
        return pair(name, a, b)
    if a.array.dtype.kind not in DIFFERENTIABLE and b.array.dtype.kind not in DIFFERENTIABLE:
        return as_float(a), as_float(b)  # before one of them wraps in the other's dtype
    return pair(name, a, b)


_ROUNDED = frozenset({"add", "sub", "eq", "ne", "lt", "le", "gt", "ge", "fmod", "remainder"})
"""Which take a number as 16 bits hold it: x == 0.3 is true of the tensor of 0.3."""

_NO_MINUS = (
    "sub: the `-` operator with a bool tensor is not supported; use `^` or logical_xor() to "
    "compare, ~ or logical_not() to invert a mask"
)


def _with_number(name: str, x: TensorBase, number: Any) -> tuple[TensorBase, Any]:
    """`pair` of a tensor and what should be a number: a boolean < an integer < a float.

    A number of a higher kind than the tensor's makes the tensor of that kind; any other becomes
    what the tensor's dtype holds, so that no result is wider than the tensor.
    """
    kind = type(number)
    if kind is not float and kind is not int and kind is not bool:
        if isinstance(number, numpy.ndarray) and number.dtype.kind in "biufc":
            return pair(name, x, new(namespace(x.array).asarray(number)))
        if not isinstance(number, int | float | complex | numpy.generic) or isinstance(
            number, numpy.void
        ):
            raise TypeError(f"{name}: expected a Tensor or a number, but got {kind.__name__}")
        number = as_number(number)
        kind = type(number)
    own = x.array.dtype.kind
    if name == "sub" and (kind is bool or own == "b"):
        raise RuntimeError(_NO_MINUS)
    if own == "c" or (own in FLOATING and kind is not complex):
        if is_half(x.array.dtype):
            number = float(number)  # bfloat16's library rounds integers, or takes them not
            if name in _ROUNDED:
                number = float(x.array.dtype.type(number))
        elif kind is int and not -(2**63) <= number < 2**63:
            number = float(number)
        return x, number
    if kind is float:
        return as_float(x), number
    if own == "b" and kind is int:
        return apply(cast, x, dtype=numpy.dtype("int64")), number
    if kind is complex:
        return to_dtype(x, pair_dtype(x, number)), number
    if not 0 <= number <= 127:
        number = wrapped(name, number, x.array.dtype)
    return x, number


def as_number(value: Any) -> Any:
    """A NumPy scalar as a Python number, because NumPy would widen a result to its dtype.

    Other things are returned as they are. A `numpy.bool_`, which is no `numpy.number`,
    becomes a float.
    """
    if isinstance(value, numpy.generic):
        return value.item() if isinstance(value, numpy.number) else float(value)
    return value


def wrapped(name: str, number: int, dtype: DType) -> int:
    """A Python integer as an integer dtype holds it: modulo its range.

    Raises:
        OverflowError: it does not fit into 64 bits, signed or not.
    """
    if not -(2**63) <= number < 2**64:
        raise OverflowError(f"{name}: the integer {number} is too big for int64")
    bits = 8 * dtype.itemsize
    number &= 2**bits - 1
    return number - 2**bits if dtype.kind == "i" and number >> (bits - 1) else number


def element(name: str, value: Any, dtype: DType) -> Any:
    """A number that is to become an element of a dtype, as that dtype holds it.

    Raises:
        TypeError: not a number.
        RuntimeError: the dtype can't hold it; only a negative number wraps, in unsigned ones.
        OverflowError: an integer beyond 64 bits.
    """
    value = plain(name, value)
    if isinstance(value, complex):
        if dtype.kind != "c":
            raise RuntimeError(
                f"{name}: value {value} cannot be converted to type {dtype_of(dtype)} without "
                "overflow"
            )
        return in_range(name, value, dtype)
    if not isinstance(value, int | float):
        raise TypeError(f"{name}: value must be a number, but got {type(value).__name__}")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise OverflowError(f"{name}: the integer {value} is too big for 64 bits")
    in_range(name, value, dtype)
    return wrapped(name, int(value), dtype) if dtype.kind in "iu" else value


def filling(name: str, value: Any, like: TensorBase) -> Tensor:
    """A number, or a tensor without dimensions, as a 0-d tensor of another tensor's dtype.

    Raises:
        RuntimeError: a tensor with dimensions; and as `element`.
    """
    if not isinstance(value, TensorBase):
        return scalar_tensor(element(name, value, like.array.dtype), like)
    if value.ndim:
        raise RuntimeError(
            f"{name}: only supports a 0-dimensional value tensor, but got one of shape "
            f"{tuple(value.shape)}"
        )
    return to_dtype(value, like.array.dtype)


def in_range(name: str, value: Any, dtype: DType) -> Any:
    """A value that is to become an element of a dtype, as it is.

    Raises:
        RuntimeError: the dtype can't hold it.
    """
    if not isinstance(value, int | float | complex | numpy.number) or dtype.kind == "b":
        return value
    if isinstance(value, complex | numpy.complexfloating):
        fits: Any = dtype.kind == "c"
        for part in (value.real, value.imag) if fits else ():
            in_range(name, float(part), numpy.finfo(dtype).dtype)
    elif dtype.kind in "iu":
        limits = numpy.iinfo(dtype)
        low = (
            -limits.max
            if dtype.kind == "u" and isinstance(value, int | numpy.integer)
            else limits.min
        )
        fits = low <= value <= limits.max
    else:
        largest = float(numpy.finfo("float32" if dtype.kind == "V" else dtype).max)
        fits = not largest < abs(float(value)) < float("inf")
    if not fits:  # as NaN does not in integers
        raise RuntimeError(
            f"{name}: value {value} cannot be converted to type {dtype_of(dtype)} without overflow"
        )
    return value


def coefficient(name: str, value: Any, like: TensorBase) -> Any:
    """A number that scales what a tensor's dtype holds, as it is; 16 bits are scaled in float32.

    Raises:
        RuntimeError: the dtype can't hold the number.
        TypeError: not a number.
    """
    if not isinstance(value, int | float | complex | numpy.generic | TensorBase):
        raise TypeError(f"{name}: expected a number, but got {type(value).__name__}")
    dtype = like.array.dtype
    if dtype.kind not in DIFFERENTIABLE:
        return value
    return in_range(name, value, dtype if dtype.itemsize > 2 else numpy.dtype("float32"))
