"""The memory behind tensors, as PyTorch's storages: its address and its size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..absent import explain as _explain
from ..backend import Device, numpy, root
from .base import TensorBase, new

__all__ = ["TypedStorage", "UntypedStorage"]


def address(array: Any) -> int:
    """The memory address of an array's first element, on its device."""
    if isinstance(array, numpy.ndarray):
        return int(array.__array_interface__["data"][0])
    return int(array.data.ptr)


class UntypedStorage:
    """The memory that a tensor is a view of, byte by byte.

    Elements can be read and written. As in PyTorch, writing here is no change that a graph notices.

    Args:
        array: the tensor's.

    Example:
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x.t().storage()[1] = 7
        >>> x.storage()
         1.0
         7.0
         3.0
         4.0
        [torch.storage.TypedStorage(dtype=torch.float32, device=cpu) of size 4]
    """

    def __init__(self, array: Any) -> None:
        self._whole = root(array)
        self._dtype: Any = numpy.uint8

    @property
    def device(self) -> Device:
        """Where it is."""
        return self._elements().device

    def _elements(self) -> TensorBase:
        """All of it in the order of memory, as a tensor of one dimension that shares it."""
        whole = self._whole
        flat = (whole.T if whole.flags.f_contiguous else whole).reshape(-1)
        return new(flat.view(self._dtype))

    def data_ptr(self) -> int:
        """Its address: the same for tensors that share memory."""
        return address(self._whole)

    def nbytes(self) -> int:
        """Its size in bytes."""
        return int(self._whole.nbytes)

    def __sizeof__(self) -> int:
        """What `sys.getsizeof` counts, as those do who sum up what tensors take."""
        return super().__sizeof__() + self.nbytes()

    def size(self) -> int:
        """How many elements it has: bytes, or those of the tensor's dtype."""
        return self.nbytes() // int(numpy.dtype(self._dtype).itemsize)

    __len__ = size

    def tolist(self) -> list[Any]:
        """Its elements as Python numbers."""
        found: list[Any] = self._elements().tolist()
        return found

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, index: int) -> Any:
        """One element, as a Python number.

        Raises:
            IndexError: there is none.
        """
        return self._elements()[self._place(index)].item()  # type: ignore[index]

    def __setitem__(self, index: int, value: Any) -> None:
        self._elements()[self._place(index)] = value  # type: ignore[index]

    def fill_(self, value: Any) -> Any:
        """Write one value everywhere."""
        self._elements()[:] = value  # type: ignore[index]
        return self

    def _place(self, index: int) -> int:
        if not -self.size() <= index < self.size():
            raise IndexError(f"index {index} out of range for storage of size {self.size()}")
        return index

    def _facts(self) -> str:
        return f"device={self.device}"

    def __repr__(self) -> str:
        lines = "\n".join(f" {element}" for element in self.tolist())
        name = f"torch.storage.{type(self).__name__}"
        return f"{lines}\n[{name}({self._facts()}) of size {self.size()}]"


class TypedStorage(UntypedStorage):
    """The memory that a tensor is a view of, element by element of the tensor's dtype."""

    def __init__(self, array: Any) -> None:
        super().__init__(array)
        self._dtype = array.dtype

    @property
    def dtype(self) -> Any:
        """Of its elements."""
        return self._elements().dtype

    def _facts(self) -> str:
        return f"dtype={self.dtype}, device={self.device}"


_explain(__name__)
