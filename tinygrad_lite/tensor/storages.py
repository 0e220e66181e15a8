"""The memory behind tensors, as PyTorch's storages: its address and its size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..absent import explain as _explain
from ..absent import lacks
from ..backend import Device, address, numpy, root
from .base import TensorBase, new

__all__ = ["TypedStorage", "UntypedStorage"]


@lacks(
    "byteswap complex_double complex_float filename float8_e4m3fn float8_e4m3fnuz "
    "float8_e5m2 float8_e5m2fnuz from_buffer from_file hpu is_hpu is_sparse is_sparse_csr "
    "mps pickle_storage_type pin_memory resizable resize_ new"
)
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

    def elements(self, dtype: Any) -> TensorBase:
        """All of it in the order of memory, as a tensor of one dimension that shares it."""
        whole = self._whole
        flat = (whole.T if whole.flags.f_contiguous else whole).reshape(-1)
        return new(flat.view(dtype))

    def _elements(self) -> TensorBase:
        """Those of its own dtype."""
        return self.elements(self._dtype)

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
            RuntimeError: the index is no integer.
            IndexError: there is none.
        """
        return self._elements()[self._place(index)].item()  # type: ignore[index]

    def __setitem__(self, index: int, value: Any) -> None:
        self._elements()[self._place(index)] = value  # type: ignore[index]

    def _like(self, elements: Any) -> Any:
        """A storage of its own of these elements."""
        return self.__class__(elements.array)

    def clone(self) -> Any:
        """A copy."""
        return self._like(self._elements().clone())  # type: ignore[attr-defined]

    def copy_(self, source: UntypedStorage, non_blocking: bool = False) -> Any:
        """Take the elements of another one."""
        self._elements().copy_(source._elements())  # type: ignore[attr-defined]
        return self

    def to(self, *, device: Any, non_blocking: bool = False) -> Any:
        """Itself, or a copy on another device."""
        moved = self._elements().to(device)  # type: ignore[attr-defined]
        return self if moved.device == self.device else self._like(moved)

    def cpu(self) -> Any:
        """Itself, or a copy on the CPU."""
        return self.to(device="cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Any:
        """Itself, or a copy on the GPU."""
        return self.to(device="cuda" if device is None else device)

    def element_size(self) -> int:
        """Bytes of an element."""
        return int(numpy.dtype(self._dtype).itemsize)

    def get_device(self) -> int:
        """The number of the GPU it is on; −1 of the CPU."""
        return -1 if self.device.type == "cpu" else self.device.index or 0

    @property
    def is_cuda(self) -> bool:
        """Whether it is on a GPU."""
        return self.device.type == "cuda"

    def is_pinned(self, device: Any = None) -> bool:
        """False: no memory is pinned."""
        return False

    def is_shared(self) -> bool:
        """Whether other processes see it (`Tensor.share_memory_`)."""
        return bool(self._elements().is_shared())  # type: ignore[attr-defined]

    def share_memory_(self) -> Any:
        """Say so.

        Raises:
            NotImplementedError: always; `Tensor.share_memory_` moves a tensor.
        """
        raise NotImplementedError("storage.share_memory_: use Tensor.share_memory_")

    def untyped(self) -> UntypedStorage:
        """The same memory, byte by byte."""
        return UntypedStorage(self._whole)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of its class."""
        return f"torch.storage.{self.__class__.__name__}"

    def fill_(self, value: Any) -> Any:
        """Write one value everywhere."""
        self._elements()[:] = value  # type: ignore[index]
        return self

    def _place(self, index: int) -> int:
        if not isinstance(index, int | numpy.integer):
            raise RuntimeError(
                f"can't index a {type(self).__name__} with {type(index).__name__}; tensors have "
                "slices"
            )
        if not -self.size() <= index < self.size():
            raise IndexError(f"index {index} out of range for storage of size {self.size()}")
        return index

    def _facts(self) -> str:
        return f"device={self.device}"

    def __repr__(self) -> str:
        lines = "\n".join(f" {element}" for element in self.tolist())
        name = f"torch.storage.{self.__class__.__name__}"
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

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of the class that PyTorch had for it, or a copy of another dtype."""
        elements: Any = self._elements()
        if dtype is None:
            return elements.type().replace("Tensor", "Storage")
        return self._like(elements.to(dtype))

    def _facts(self) -> str:
        return f"dtype={self.dtype}, device={self.device}"


def _cast(name: str) -> Any:
    def cast(self: Any) -> Any:
        return self._like(getattr(self._elements(), name)())

    cast.__name__, cast.__doc__ = name, f"A copy, as `Tensor.{name}` converts."
    return cast


for _name in "bfloat16 bool byte char double float half int long short".split():
    setattr(UntypedStorage, _name, _cast(_name))


_explain(__name__)
