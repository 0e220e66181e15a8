"""Tensors of memory that others made: DLPack, buffers, arrays. The other way: `export.py`.

DLPack: https://dmlc.github.io/dlpack/latest/python_spec.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import Device, is_array, namespace_for, numpy
from ..backend.dtypes import as_dtype
from .base import TensorBase, new
from .create import from_numpy, of_program, tensor
from .modes import default_or

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["asarray", "from_dlpack", "frombuffer"]

_CPU, _CUDA, _PINNED = 1, 2, 3  # DLPack's numbers of devices


class _Capsule:
    """A bare capsule of host memory, as older programs pass them."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return _CPU, 0


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of another library's, such as NumPy's, CuPy's or PyTorch's.

    Args:
        ext_tensor: has `__dlpack__` and `__dlpack_device__`, or is a capsule of host memory.
        device: the result's; default: where the memory is.
        copy: True for memory of its own; False to raise where sharing is not possible.

    Raises:
        BufferError: memory that cannot be shared, such as that of a tensor that requires a
            gradient, or of a dtype that is not here.
        RuntimeError: memory of another device than the CPU and CUDA, or copy=False and a copy.
    """
    source = ext_tensor if hasattr(ext_tensor, "__dlpack__") else _Capsule(ext_tensor)
    kind = int(source.__dlpack_device__()[0])
    if kind not in (_CPU, _CUDA, _PINNED):
        raise RuntimeError(f"from_dlpack: memory of device type {kind}, which is not CPU or CUDA")
    xp = namespace_for("cuda" if kind == _CUDA else "cpu")
    array = xp.from_dlpack(source)
    if isinstance(source, _Capsule):
        array = _writable(array)
    out = of_program(array)
    moved = out if device is None else out.to(device=device)
    if copy is False and moved is not out:
        raise RuntimeError("from_dlpack: memory on another device must be copied")
    return moved.clone() if copy and moved is out else moved


def _writable(array: Any) -> Any:
    """An array over a bare capsule's memory, which NumPy takes for read-only, open for changes.

    The older capsules say nothing of it; as in PyTorch who passes one lets it be written into.
    """
    if array.flags.writeable or not array.size or min(array.strides, default=0) < 0:
        return array
    import ctypes  # which few programs need

    steps = zip(array.shape, array.strides, strict=True)
    size = array.itemsize + sum((n - 1) * stride for n, stride in steps)
    memory: Any = (ctypes.c_char * size).from_address(array.ctypes.data)
    memory.owner = array  # which the result keeps alive so
    return numpy.ndarray(array.shape, array.dtype, memory, 0, array.strides)


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A vector that shares the memory of a buffer, such as a bytearray.

    Args:
        buffer: an object with Python's buffer interface; a read-only one is copied.
        dtype: of its elements.
        count: how many elements; −1 for all.
        offset: bytes before the first.

    Raises:
        ValueError: no buffer, an empty one, an offset or count beyond it, or no whole number of
            elements.
    """
    try:
        size = memoryview(buffer).nbytes
    except TypeError:
        raise ValueError(
            f"frombuffer: {type(buffer).__name__} has not Python's buffer interface"
        ) from None
    if not size or not count:
        raise ValueError(f"frombuffer: neither the buffer's length ({size}) nor count may be 0")
    if not 0 <= offset < size:
        raise ValueError(f"frombuffer: offset {offset} is not within a buffer of {size} bytes")
    found = numpy.frombuffer(buffer, as_dtype(dtype), max(count, -1), offset)
    array = found if found.flags.writeable else found.copy()
    return new(array).requires_grad_(requires_grad)


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: str | Device | None = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """A tensor of anything that holds numbers, sharing memory where possible.

    Args:
        obj: a tensor, an array, an object with `__dlpack__`, a buffer, or nested lists.
        dtype: of the elements; default: their own; of a buffer, whose bytes are read as elements
            of it, the default dtype.
        device: default: where the object is.
        copy: True for memory of its own, False for none.
        requires_grad: gather the gradient; default: as the object does.

    Raises:
        ValueError: copy is False, and the memory can't be shared.
    """
    wanted = bool(requires_grad)
    out: Any
    if isinstance(obj, TensorBase):
        out = obj
    elif is_array(obj):
        out = new(obj) if not isinstance(obj, numpy.ndarray) else from_numpy(obj)
    elif hasattr(obj, "__dlpack__") or type(obj).__name__ == "PyCapsule":
        out = from_dlpack(obj)
    elif isinstance(obj, bytes | bytearray | memoryview):
        out = frombuffer(obj, dtype=default_or(dtype), requires_grad=wanted)
    elif copy is False:
        raise ValueError(f"asarray: the memory of a {type(obj).__name__} can't be shared")
    else:
        return tensor(obj, dtype=dtype, device=device, requires_grad=wanted)
    moved = out.to(dtype=dtype, device=device)
    if copy is False and moved is not out:
        raise ValueError(f"asarray: {out.dtype} can't be shared as {moved.dtype}, nor moved")
    moved = moved.clone() if copy and moved is out else moved
    if requires_grad is not None and requires_grad is not moved.requires_grad:
        moved = moved.detach().requires_grad_(requires_grad)
    made: Tensor = moved
    return made
