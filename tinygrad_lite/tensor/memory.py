"""Where a tensor's elements lie: addresses, strides, sizes in bytes, and changes of its size."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..backend import Device, address, namespace, root, shared
from ..graph import Leaf, Storage, mode
from . import info
from .base import TensorBase
from .base import new as new_of
from .dims import axis, sizes
from .storages import TypedStorage, UntypedStorage

if TYPE_CHECKING:
    from .tensor import Tensor


def data_ptr(input: Tensor) -> int:
    """The address of the first element; 0 if there is none."""
    return address(input.array) if input.numel() else 0


def rows_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a shape that lies row by row."""
    return tuple(math.prod(max(size, 1) for size in shape[n + 1 :]) for n in range(len(shape)))


def stride(input: Tensor, dim: int | None = None) -> Any:
    """How many elements lie in memory from one to its neighbour along each dimension, or along one.

    The library chooses the order of images and weights in memory: see docs/architecture.md.
    """
    array = input.array
    if array.size:
        steps = tuple(step // array.itemsize for step in array.strides)
    else:  # where NumPy has zeros
        steps = rows_of(array.shape)
    return steps if dim is None else steps[axis("stride", input, dim)]


def storage_offset(input: Tensor) -> int:
    """How many elements lie before this tensor's first one in the memory that it is a view of."""
    whole = root(input.array)
    return (address(input.array) - address(whole)) // input.array.itemsize if whole.size else 0


def element_size(input: Tensor) -> int:
    """The bytes of one element."""
    return input.array.itemsize  # type: ignore[no-any-return]


def nbytes(input: Tensor) -> int:
    """The bytes of all elements."""
    return input.numel() * element_size(input)


def get_device(input: Tensor) -> int:
    """The number of the GPU; −1 for the CPU."""
    return input.device.index or 0 if input.device.type == "cuda" else -1


def untyped_storage(input: Tensor) -> UntypedStorage:
    """The memory that this tensor is a view of, counted in bytes."""
    return UntypedStorage(input.array)


def storage(input: Tensor) -> TypedStorage:
    """The memory that this tensor is a view of, counted in elements."""
    return TypedStorage(input.array)


def same(input: Tensor, *args: Any) -> Tensor:
    """The tensor itself: what PyTorch would do to its memory, such as pinning, has no use here."""
    return input


def to_dense(input: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself, which is dense, or a copy of another dtype.

    Args:
        dtype: that dtype.
        masked_grad: of what is not dense; has no effect.
    """
    return input if dtype is None else input.to(dtype)


def to_sparse(
    input: Tensor,
    sparse_dim: int | None = None,
    *,
    layout: Any = None,
    blocksize: Any = None,
    dense_dim: int | None = None,
) -> Tensor:
    """The elements that are not zero, as a sparse tensor (`torch.sparse`).

    Args:
        sparse_dim: how many dimensions, the first ones, are sparse; default: all.
        layout, blocksize, dense_dim: must be left out, or `torch.sparse_coo`.

    Raises:
        NotImplementedError: another layout.
        RuntimeError: too few or too many sparse dimensions.

    Example:
        >>> torch.tensor([[0.0, 2.0], [0.0, 0.0]]).to_sparse().indices()
        tensor([[0],
                [1]])
    """
    made = import_module(f"{__package__}.sparse_operations")  # which knows Tensor; few need it
    words = {"layout": layout, "blocksize": blocksize, "dense_dim": dense_dim}
    return made.to_sparse(input, sparse_dim, **words)  # type: ignore[no-any-return]


def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Whether both show the same elements of one memory in the same shape."""
    same = input.shape == tensor.shape and stride(input) == stride(tensor)
    if not input.numel():  # no address says which memory that is
        return same and input._storage is tensor._storage
    return same and data_ptr(input) == data_ptr(tensor)


def record_stream(input: Tensor, s: Any) -> None:
    """Nothing: memory goes back to the stream that took it, and there is one."""


def no(input: Tensor) -> bool:
    """False: there are no such tensors here."""
    return False


def share_memory_(input: Tensor) -> Tensor:
    """Move the elements into memory that other processes can map, see `multiprocessing`.

    Tensors that shared this one's memory stay with the old memory. On a GPU nothing happens.
    """
    if input.device.type == "cpu":
        moved = shared.share(input.array)
        if moved is not input.array:
            input.data = new_of(moved)
    return input


def is_shared(input: Tensor) -> bool:
    """Whether the elements are in memory that other processes can map; on a GPU they are."""
    return input.device.type != "cpu" or shared.place_of(input.array) is not None


def is_cpu(input: Tensor) -> bool:
    """Whether the elements are in host memory."""
    return input.device.type == "cpu"


def is_meta(input: Tensor) -> bool:
    """Whether it has a shape and a dtype alone, and no memory."""
    return input.device.type == "meta"


def strided(input: Tensor) -> info.layout:
    """The layout, `torch.strided`."""
    return info.strided


def resize_(input: Tensor, *shape: Any, size: Any = None, memory_format: Any = None) -> Tensor:
    """Give this tensor another shape, row by row in its memory from its first element on.

    What is beyond the memory is not set, and is in memory of its own. Of memory that the library
    laid out in its own order the elements are taken as they are shown.

    Args:
        shape: as integers or one sequence.
        size: the same by name.
        memory_format: has no effect.

    Raises:
        RuntimeError: the tensor requires a gradient.
    """
    wanted = sizes("resize_", shape, size)
    if input.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if tuple(input.array.shape) == wanted:
        return input
    here, changes, count = _from_first(input), input._storage.version + 1, math.prod(wanted)
    old = input.array.reshape(-1) if here is None else here
    if here is not None and count <= here.size:
        input.array, input._view, input._seen = here[:count].reshape(wanted), None, -1
        input._storage.version = changes
        return input
    made = namespace(input.array).empty(count, dtype=input.array.dtype)
    made[: old.size] = old[:count]
    input.array = made.reshape(wanted)
    input._storage, input._view, input._seen = Storage(input.array), None, -1
    input._storage.version = changes
    return input


def _from_first(input: Tensor) -> Any:
    """The memory from a tensor's first element on, as one row, or None if it is not seen so."""
    array, memory = input.array, root(input.array)
    if not memory.size:
        return array.reshape(-1)
    turned = input._storage.ours and not array.flags.c_contiguous
    if turned or memory.dtype != array.dtype or not memory.flags.c_contiguous:
        return None
    if any(step < 0 for step in array.strides):  # of which the first element is not the first
        return None
    return memory.reshape(-1)[(address(array) - address(memory)) // array.itemsize :]


def resize_as_(input: Tensor, other: Tensor, *, memory_format: Any = None) -> Tensor:
    """`resize_` to another tensor's shape."""
    return resize_(input, other.shape)


def set_(
    input: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = ()
) -> Tensor:
    """Take another tensor's elements, sharing its memory; none if no source is given.

    Args:
        source: a tensor, or a storage, whose bytes are read as elements of the input's dtype.
        storage_offset: of a storage, or with a size: the place of the first element in memory.
        size: the shape; default: the tensor's, or all that a storage has, in one dimension.
        stride: steps in memory along each dimension; default: row by row.

    Raises:
        RuntimeError: a leaf that requires a gradient, while gradients are recorded; another dtype;
            or places beyond the memory.
    """
    if source is None:
        return resize_(input, 0)
    if isinstance(source, UntypedStorage):
        if isinstance(source, TypedStorage) and source.dtype != input.dtype:
            raise RuntimeError(
                f"set_: Expected a Storage of type {input.dtype} or an UntypedStorage, but got "
                f"type {source.dtype}"
            )
        whole: Any = source.elements(input.array.dtype)
        size = (whole.numel() - storage_offset,) if size is None else size
    else:
        whole = source
    if whole.dtype != input.dtype:
        raise RuntimeError(
            f"Could not set tensor of type {whole.dtype} to a tensor of type {input.dtype}"
        )
    if mode.grad and isinstance(input._node, Leaf):
        raise RuntimeError(
            "set_: a leaf Variable that requires grad is being used in an in-place operation; do "
            "it under no_grad(), or on .data"
        )
    if size is not None:
        shape = sizes("set_", (size,))
        whole = whole.detach().as_strided(shape, stride or rows_of(shape), storage_offset)
    input.data = whole
    return input


def detach_(input: Tensor) -> Tensor:
    """Take this tensor out of the graph: it becomes a leaf that needs no gradient.

    What several of our rules make may be a view of a tensor that nobody sees, such as a state that
    `nn.LSTMCell` returns, so views are refused only where their base is a leaf of the program's.

    Raises:
        RuntimeError: it is a view of a leaf that requires a gradient, which `detach` is for.
    """
    base, steps = input._view or (input, None)
    if steps is not None and isinstance(base._node, Leaf):
        raise RuntimeError("Can't detach views in-place; use detach() instead")
    input._node, input._seen, input._view = None, -1, None
    return input


def new(input: Tensor, *data: Any, device: str | Device | None = None) -> Any:
    """A new tensor of this one's dtype and device, as its legacy constructor makes it.

    Args:
        data: sizes, or a nested list, an array or a tensor.
        device: default: this one's.
    """
    from .legacy import array_of

    array = array_of("new", data, input.array.dtype, device or input.device)
    made: TensorBase = type(input).__new__(type(input.detach()))
    TensorBase.__init__(made, array)
    return made
