"""The memory behind tensors, as PyTorch's storages: its address and its size."""

from __future__ import annotations

from typing import Any

from ..backend import numpy, root

__all__ = ["TypedStorage", "UntypedStorage"]


def address(array: Any) -> int:
    """The memory address of an array's first element, on its device."""
    if isinstance(array, numpy.ndarray):
        return int(array.__array_interface__["data"][0])
    return int(array.data.ptr)


class UntypedStorage:
    """The memory that a tensor is a view of.

    Args:
        array: the tensor's.
    """

    def __init__(self, array: Any) -> None:
        self._whole = root(array)

    def data_ptr(self) -> int:
        """Its address: the same for tensors that share memory."""
        return address(self._whole)

    def nbytes(self) -> int:
        """Its size in bytes."""
        return int(self._whole.nbytes)

    def size(self) -> int:
        """Its size in bytes."""
        return self.nbytes()

    __len__ = size


class TypedStorage(UntypedStorage):
    """The memory that a tensor is a view of, counted in the tensor's elements."""

    def size(self) -> int:
        """Its size in elements."""
        return int(self._whole.size)

    __len__ = size
