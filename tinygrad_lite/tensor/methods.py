"""What PyTorch has as methods alone: sizes, views, indexing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..backend import is_array, namespace, numpy, to_host
from ..backend.dtypes import as_dtype
from ..ops import elementwise
from ..ops import shape as ops
from .apply import apply
from .base import TensorBase, new
from .dims import axis, sizes
from .operation import Operand
from .promote import in_range, pair

if TYPE_CHECKING:
    from .tensor import Tensor


def size(input: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one dimension."""
    return input.shape if dim is None else input.shape[axis("size", input, dim)]


def dim(input: Tensor) -> int:
    """The number of dimensions."""
    return input.ndim


def view(input: Tensor, *shape: Any) -> Tensor:
    """`reshape`."""
    return input.reshape(*shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """The same elements in another tensor's shape."""
    return input.reshape(other.shape)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Broadcast to another tensor's shape."""
    return input.expand(other.shape)


def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """The tensor tiled: `repeats[i]` copies along dimension i."""
    counts = sizes("repeat", repeats)
    if len(counts) < input.ndim:
        raise RuntimeError(f"repeat: {len(counts)} repeats for a tensor of {input.ndim} dims")
    own = (1,) * (len(counts) - input.ndim) + input.shape
    paired = tuple(n for c, s in zip(counts, own, strict=True) for n in (c, s))
    spread = input.reshape(tuple(n for s in own for n in (1, s))).expand(paired)
    if all(c == 1 for c in counts):
        return input.clone().reshape(own)
    return spread.reshape(tuple(c * s for c, s in zip(counts, own, strict=True)))


def contiguous(input: Tensor) -> Tensor:
    """Itself if its memory is in row-major order, else a copy that is."""
    if input.array.flags.c_contiguous:
        return input
    return apply(ops.contiguous, input)


def is_contiguous(input: Tensor) -> bool:
    """Whether the memory is in row-major order."""
    return bool(input.array.flags.c_contiguous)


def expand(input: Tensor, *shape: Any) -> Tensor:
    """Broadcast to a shape, without copying; −1 keeps a size.

    Raises:
        RuntimeError: the shape does not broadcast.
    """
    wanted = sizes("expand", shape)
    own = (1,) * (len(wanted) - input.ndim) + input.shape
    full = tuple(n if w == -1 else w for w, n in zip(wanted, own, strict=False))
    if len(own) != len(wanted) or any(n not in (1, w) for w, n in zip(full, own, strict=True)):
        raise RuntimeError(f"expand: shape {tuple(input.shape)} does not broadcast to {wanted}")
    return apply(ops.expand, input, shape=full)


def iterate(input: Tensor) -> Iterator[Tensor]:
    """The positions of the first dimension."""
    if not input.shape:
        raise TypeError("iteration over a 0-d tensor")
    return iter(input.unbind(0))


def getitem(input: Tensor, index: Any) -> Tensor:
    """The elements at an index, as in NumPy."""
    spec, indices = ops.split(prepare_index(input, index))
    return apply(ops.getitem, input, *indices, spec=spec)


def new_zeros(input: Tensor, *size: Any, **words: Any) -> Tensor:
    """Zeros of a shape, of this tensor's dtype and device if no other is given."""
    return new_full(input, _size("new_zeros", size, words), 0, **words)


def new_ones(input: Tensor, *size: Any, **words: Any) -> Tensor:
    """Ones of a shape, of this tensor's dtype and device if no other is given."""
    return new_full(input, _size("new_ones", size, words), 1, **words)


def new_empty(input: Tensor, *size: Any, **words: Any) -> Tensor:
    """A shape, of this tensor's dtype and device if no other is given."""
    return new_full(input, _size("new_empty", size, words), 0, **words)


def _size(name: str, size: tuple[Any, ...], words: dict[str, Any]) -> tuple[int, ...]:
    return sizes(name, (words.pop("size"),) if "size" in words else size)


def new_full(
    input: Tensor,
    size: Any,
    fill_value: float,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A shape filled with a number, of this tensor's dtype and device if no other is given."""
    own = input.dtype if dtype is None else as_dtype(dtype)
    value, shape = in_range("new_full", fill_value, own), sizes("new_full", (size,))
    if any(n < 0 for n in shape):
        raise RuntimeError(f"new_full: negative dimension in the size {shape}")
    array = namespace(input.array).full(shape, value, dtype=own)
    return new(array).to(device=device).requires_grad_(requires_grad)


def new_tensor(
    input: Tensor, data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A new tensor of data, of this tensor's dtype and device if no other is given."""
    array = numpy.asarray(data.tolist() if isinstance(data, TensorBase) else data)
    out = new(namespace(input.array).array(array, dtype=dtype or input.dtype))
    return out.to(device=device).requires_grad_(requires_grad)


def where(input: Tensor, condition: Tensor, other: Operand) -> Tensor:
    """The elements where the condition holds, else other."""
    a, b = pair("where", input, other)
    return apply(elementwise.where, condition, a, b)


def prepare_index(x: TensorBase, index: Any) -> Any:
    """A user's index with lists and arrays as tensors on x's device.

    Raises:
        IndexError: a float tensor, or too many indices.
    """
    parts = index if isinstance(index, tuple) else (index,)
    xp = namespace(x.array)

    def part(i: Any) -> Any:
        if isinstance(i, list | range):
            i = numpy.asarray(i, dtype=None if len(i) else "int64")
        if is_array(i):
            i = new(xp.array(to_host(i)))  # a copy, that no one can change
        elif isinstance(i, TensorBase) and type(i.array) is not type(x.array):
            i = new(xp.asarray(to_host(i.array)))
        if isinstance(i, TensorBase) and i.dtype.kind not in "iub":
            raise IndexError(
                f"getitem: tensors used as indices must be integers or bools, not {i.dtype}"
            )
        return i

    found = tuple(part(i) for i in parts)
    # With an ellipsis NumPy gives a view also of a single element.
    return found if any(i is Ellipsis for i in found) else (*found, ...)
