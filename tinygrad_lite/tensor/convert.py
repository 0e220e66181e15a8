"""A tensor in another dtype, or on another device."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..backend import Device, namespace, namespace_for
from ..backend.dtypes import as_dtype
from ..ops import elementwise as rules
from .apply import apply
from .base import TensorBase
from .dtypes import legacy_place, plain_dtype, type_name
from .info import contiguous_format
from .promote import to_dtype

if TYPE_CHECKING:
    from .tensor import Tensor


def is_cuda(input: Tensor) -> bool:
    """Whether the elements are on a GPU."""
    return input.device.type == "cuda"


def to(
    input: Tensor,
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """This tensor in a dtype and on a device; gradients flow back through both.

    Args:
        args: a dtype, a device (an integer is a GPU's), both, or a tensor to take both from; after
            them `non_blocking` and `copy`.
        dtype, device: the same by name.
        copy: a copy also if nothing changes; otherwise the tensor itself.
        non_blocking: has no effect.
        memory_format: `contiguous_format` makes a result of another dtype so; others do nothing.

    Example:
        >>> torch.tensor([1.7, 2.2]).to(torch.int64)
        tensor([1, 2])
    """
    switches = [arg for arg in args if arg is True or arg is False]  # non_blocking, copy
    copy = switches[1] if len(switches) > 1 else copy
    device, dtype = _named(args, device, dtype)
    out: Tensor = input if dtype is None else to_dtype(input, as_dtype(dtype))
    out = out if device is None else _moved(out, device)
    if memory_format is contiguous_format and out is not input:
        out = out.contiguous()
    return out.clone() if copy and out is input else out


def parse_to(
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> tuple[Device | None, Any, bool, Any]:
    """What `to` reads of its arguments: a device, a dtype, `non_blocking` and a memory format."""
    switches = [arg for arg in args if arg is True or arg is False]
    device, dtype = _named(args, device, dtype)
    place = None if device is None else Device(device)
    return place, dtype, bool([*switches, non_blocking][0]), memory_format


def _named(args: tuple[Any, ...], device: Any, dtype: Any) -> tuple[Any, Any]:
    """The device and the dtype among arguments by position, or those given by name."""
    for arg in args:
        if arg is True or arg is False or arg is None:
            continue
        if isinstance(arg, TensorBase):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, int):
            device = f"cuda:{arg}"
        elif isinstance(arg, Device) or (isinstance(arg, str) and not _names_dtype(arg)):
            device = arg
        else:
            dtype = arg
    return device, dtype


def _names_dtype(name: str) -> bool:
    """Whether a string is the name of a dtype, not of a device."""
    return name.startswith(("float", "int", "uint", "bool", "bfloat", "complex"))


def _moved(input: Tensor, device: str | Device) -> Tensor:
    """A tensor on a device; itself if it is there."""
    target = namespace_for(device)
    if namespace(input.array) is target:
        return input
    return apply(rules.to_device, input, device=target.name)


def cpu(input: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor on the CPU; `memory_format` has no effect."""
    return _moved(input, "cpu")


def cuda(
    input: Tensor, device: int | str | Device | None = None, non_blocking: bool = False
) -> Tensor:
    """This tensor on a GPU, by its number or name; `non_blocking` has no effect."""
    return _moved(input, f"cuda:{device}" if isinstance(device, int) else device or "cuda")


def type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """This tensor in a dtype; without a dtype, the name of its type, such as `"torch.FloatTensor"`.

    Args:
        dtype: a dtype, or such a name or legacy type, which say the device too.
        non_blocking: has no effect.
    """
    if dtype is None:
        return type_name(input)
    return input.to(dtype=plain_dtype(dtype), device=legacy_place(dtype))


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """This tensor in another's dtype."""
    return input.to(dtype=other.dtype)


def _cast(name: str, dtype: str) -> Callable[..., Tensor]:
    """The method `name`, which gives a tensor in a dtype."""

    def call(input: Tensor, *, memory_format: Any = None) -> Tensor:
        return input.to(dtype=dtype, memory_format=memory_format)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"This tensor as {dtype}; `memory_format` as of `to`."
    return call


as_float32 = _cast("float", "float32")
as_float64 = _cast("double", "float64")
as_float16 = _cast("half", "float16")
as_bfloat16 = _cast("bfloat16", "bfloat16")
as_int64 = _cast("long", "int64")
as_int32 = _cast("int", "int32")
as_int16 = _cast("short", "int16")
as_int8 = _cast("char", "int8")
as_uint8 = _cast("byte", "uint8")
as_bool = _cast("bool", "bool")
as_complex64 = _cast("cfloat", "complex64")
as_complex128 = _cast("cdouble", "complex128")
