"""Constructors from before PyTorch had dtypes, such as `FloatTensor`, for older course code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

from ..backend import Device, is_array, namespace_for, numpy
from ..backend.dtypes import as_dtype
from .base import TensorBase, new
from .data import numbers
from .dims import sizes
from .dtypes import LEGACY_NAMES
from .element import BY_NAME, dtype_of
from .modes import default_dtype
from .promote import in_range
from .size import Size

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
]


def array_of(
    name: str, data: tuple[Any, ...], dtype: Any, device: str | Device | None = None
) -> Any:
    """The array of a legacy constructor's arguments.

    Args:
        name: the constructor, for messages.
        data: sizes, or one list, array or tensor.
        dtype: of the array; None for the default dtype, and for a tensor's own.
        device: default: the default device.

    Raises:
        RuntimeError: a negative size.
        TypeError: arguments that are neither sizes nor data.
    """
    xp, own = namespace_for(device), default_dtype() if dtype is None else dtype
    given = data[0] if len(data) == 1 else None
    if isinstance(given, TensorBase):  # shared; its dtype must be right but for Tensor(...)
        if dtype is not None and given.array.dtype != dtype:
            raise TypeError(
                f"{name}: expected a tensor of {dtype_of(dtype)}, but got {given.dtype}"
            )
        return given.array
    given = list(given) if isinstance(given, range) else given
    if isinstance(given, Size) or (not isinstance(given, list | tuple) and not is_array(given)):
        shape = sizes(name, data or (0,))
        if any(n < 0 for n in shape):
            raise RuntimeError(f"{name}: negative dimension in the size {shape}")
        return xp.empty(shape, dtype=own)
    host: Any = given if is_array(given) else numpy.array(numbers(given))
    if host.dtype.kind not in "biuf":
        raise TypeError(
            f"{name}: can't hold elements of dtype {host.dtype}; the supported types are "
            "floating point, integers and bool"
        )
    if not is_array(given) and host.size and as_dtype(own).kind in "iu":
        for end in (host.min(), host.max()):
            in_range(name, end, as_dtype(own))
    host = host.astype(own, copy=not is_array(given))  # an array of that dtype is shared
    return host if is_array(given) and device is None else xp.asarray(host)


class LegacyType:
    """A constructor of tensors of one dtype; `isinstance` and `Tensor.type` take it for a type.

    Args:
        dtype: the dtype's name.
        device: of the tensors; None for the default device, which is the CPU unless changed.
    """

    def __init__(self, dtype: str, device: str | None = None) -> None:
        self.dtype = BY_NAME[dtype]
        self.device = device

    def __call__(self, *data: Any, device: str | Device | None = None) -> Tensor:
        """A tensor of this dtype: of sizes, or of a list, an array or a tensor.

        An array or a tensor of this dtype is shared.
        """
        place = device or self.device
        made = new(array_of(LEGACY_NAMES[self.dtype.name], data, self.dtype.dtype, place))
        if len(data) == 1 and is_array(data[0]):
            made._storage.ours = False  # the program chose the order of its elements
        return made

    def __instancecheck__(self, value: object) -> bool:
        return (
            isinstance(value, TensorBase)
            and value.dtype is self.dtype
            and value.device.type == (self.device or "cpu")
        )

    def __or__(self, other: Any) -> Any:  # of annotations: `torch.LongTensor | None`
        return Union[self, other]  # noqa: UP007 (it is the operator)

    def __ror__(self, other: Any) -> Any:
        return Union[other, self]  # noqa: UP007

    def __repr__(self) -> str:
        place = f"{self.device}." if self.device else ""
        return f"<class 'torch.{place}{LEGACY_NAMES[self.dtype.name]}'>"


HalfTensor = LegacyType("float16")
FloatTensor = LegacyType("float32")
DoubleTensor = LegacyType("float64")
ByteTensor = LegacyType("uint8")
CharTensor = LegacyType("int8")
ShortTensor = LegacyType("int16")
IntTensor = LegacyType("int32")
LongTensor = LegacyType("int64")
BoolTensor = LegacyType("bool")
