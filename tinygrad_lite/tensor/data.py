"""Arrays of the data that users give: numbers, nested lists, arrays, tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from ..backend import Device, DType, is_array, namespace, numpy
from .bad_data import refuse_complex, refuse_elements, refuse_ragged
from .base import TensorBase
from .modes import default_or
from .promote import default_complex, in_range, together

_NUMBERS = int, float, complex, numpy.number


def array_of(data: Any, dtype: DType | None) -> tuple[Any, Device | str | None]:
    """A copy of data as an array, and the device that it comes from.

    Args:
        data: what a user gives to `tensor`; errors as there.
        dtype: of the array; None for the data's own.

    Returns:
        The array, and the device; None for data of Python or NumPy.
    """
    home: Device | str | None = None
    if isinstance(data, TensorBase):
        array, home = namespace(data.array).copy(data.array), data.device
    elif is_array(data) or isinstance(data, numpy.generic):
        if isinstance(data, numpy.generic):
            data = numpy.asarray(data if dtype is None else in_range("tensor", data, dtype))
        array = namespace(data).copy(data)
        home = None if isinstance(data, numpy.ndarray) else namespace(data).name
    else:
        array = _from_numbers(data, dtype)
    return array if dtype is None else array.astype(dtype, copy=False), home


def _from_numbers(data: Any, dtype: Any) -> Any:
    """An array of a number or nested lists."""
    flat = list(_pieces(data))
    if any(isinstance(x, TensorBase) for x in flat):
        data = numbers(data)
    try:
        array = numpy.array(data)
    except ValueError:
        refuse_ragged(data)
    except OverflowError as error:
        raise RuntimeError(f"tensor: {error}") from None
    own = _dtype_of(flat) if dtype is None else dtype
    if (
        array.dtype.kind == "O"
        and own.kind not in "iu"
        and all(isinstance(x, _NUMBERS) for x in flat)
    ):
        # Integers beyond 64 bits, beside fractions or for a dtype that holds them.
        array = array.astype(own if own.kind == "b" else numpy.result_type(own, "float64"))
    held = array.dtype.kind in "bi" or array.dtype == "uint8"  # what a bytearray is
    beyond = dtype is None and own.kind == "i" and array.size and not held
    if array.dtype.kind not in "biufc" or beyond:
        refuse_elements(flat)
    if dtype is not None:
        if array.dtype.kind == "c" and dtype.kind not in "cb":
            refuse_complex(flat)
        if dtype.kind in "iu" and array.size and array.dtype.kind in "iuf":
            in_range("tensor", array.min(), dtype)
            in_range("tensor", array.max(), dtype)
        return array
    return array.astype(own, copy=False)


def _dtype_of(flat: list[Any]) -> DType:
    """The dtype that elements make: of Python numbers by kind, of NumPy's and tensors their own."""
    python: dict[Any, Any] = {bool: "bool", int: "int64"}
    if any(type(x) is complex for x in flat):  # which float16, as a default, has none of
        python[complex] = default_complex()
    kinds = {x.dtype if hasattr(x, "dtype") else python.get(type(x)) for x in flat}
    dtypes = [default_or(kind) for kind in kinds]
    return reduce(together, dtypes) if dtypes else default_or(None)


def _pieces(value: Any) -> Iterator[Any]:
    """The elements of nested lists."""
    if _is_list(value):
        for part in value:
            yield from _pieces(part)
    else:
        yield value


def _is_list(value: Any) -> bool:
    """Whether a value is a list, or stands for one as a range or a deque does."""
    if isinstance(value, list | tuple):
        return True
    if isinstance(value, int | float | complex | str | bytes | Mapping) or hasattr(value, "dtype"):
        return False
    return hasattr(value, "__getitem__") and hasattr(value, "__len__")


def numbers(data: Any) -> Any:
    """Nested lists with numbers in place of the tensors in them.

    Raises:
        ValueError: a tensor of more elements than one.
    """
    if isinstance(data, TensorBase):
        if data.numel() != 1:
            raise ValueError(
                "tensor: in a list only tensors of one element become numbers, but one has the "
                f"shape {tuple(data.shape)}; use stack()"
            )
        return data.item()
    return [numbers(x) for x in data] if _is_list(data) else data
