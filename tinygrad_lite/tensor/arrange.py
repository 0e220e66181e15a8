"""Functions that arrange elements anew: repeated, rolled, turned, paired, put on diagonals."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as as_int
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..backend import namespace, numpy
from ..backend.dtypes import as_dtype
from ..ops import shape as ops
from .apply import apply
from .base import TensorBase, in_our_order, new
from .check import not_a_tensor
from .concatenate import cat, stack
from .dims import axis, named_axes, sizes, whole
from .index import common_shape
from .operation import public
from .own_order import own_order
from .shown import lasting
from .size import Size

if TYPE_CHECKING:
    from .tensor import Tensor


def repeat(input: Tensor, *counts: Any, repeats: Any = None) -> Tensor:
    """The tensor tiled (a copy): `repeats[i]` copies along dimension i.

    Raises:
        RuntimeError: fewer repeats than dimensions, or a negative one.

    Example:
        >>> torch.tensor([1, 2]).repeat(2, 2)
        tensor([[1, 2, 1, 2],
                [1, 2, 1, 2]])
    """
    many = sizes("repeat", counts, repeats)
    if len(many) < input.ndim:
        raise RuntimeError(
            f"repeat: {len(many)} repeats are fewer than the {input.ndim} dimensions of the tensor"
        )
    return _tiled("repeat", input, many)


def tile(input: Tensor, *counts: Any, dims: Any = None) -> Tensor:
    """The tensor tiled (a copy), as `Tensor.repeat`; fewer numbers are for the last dimensions."""
    many = () if counts == () and dims is None else sizes("tile", counts, dims)
    return _tiled("tile", input, (1,) * (input.ndim - len(many)) + many)


def _tiled(name: str, input: Tensor, many: tuple[int, ...]) -> Tensor:
    """many[i] copies along dimension i; there may be more of them than dimensions."""
    if min(many, default=0) < 0:
        raise RuntimeError(f"{name}: repeats must not be negative, but are {many}")
    own = (1,) * (len(many) - input.ndim) + input.shape
    paired = tuple(n for c, s in zip(many, own, strict=True) for n in (c, s))
    spread = input.reshape(tuple(n for s in own for n in (1, s))).expand(paired)
    shape = tuple(c * s for c, s in zip(many, own, strict=True))
    return apply(ops.contiguous, spread).reshape(shape)


def repeat_interleave(
    input: Tensor | None = None,
    repeats: Any = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Each position of a dimension several times, one behind the other: a a b b c c.

    Args:
        input: any shape.
        repeats: how often each comes: a number, or a tensor of integers, one for each position.
            Alone, 1-D, they say how often each of their own places comes.
        dim: the dimension; default: all elements of the flattened input.
        output_size: how long the dimension is then, for a check; default: what comes of it.

    Raises:
        RuntimeError: repeats that are negative, no integers, or another number of them, or with
            another sum than output_size.

    Example:
        >>> torch.tensor([1, 2]).repeat_interleave(2)
        tensor([1, 1, 2, 2])
    """
    if input is None:
        input, repeats = repeats, None
    if not isinstance(input, TensorBase):
        raise not_a_tensor("repeat_interleave", input)
    if repeats is None:
        if input.ndim != 1:
            raise RuntimeError(
                f"repeat_interleave: repeats alone must be 1-D, but are {tuple(input.shape)}"
            )
        places = new(namespace(input.array).arange(input.shape[0], dtype=input.array.dtype))
        return repeat_interleave(places, input, dim, output_size=output_size)
    if isinstance(repeats, bool):
        raise TypeError("repeat_interleave: repeats must be an int or a Tensor, but got bool")
    if dim is not None and not input.ndim:
        raise IndexError(f"repeat_interleave: dim {dim} is given, but the tensor has no dimensions")
    flat = input.reshape(-1) if dim is None else input
    at = axis("repeat_interleave", flat, 0 if dim is None else dim)
    n = flat.shape[at]
    times = repeats.array if isinstance(repeats, TensorBase) else numpy.asarray(repeats)
    if times.ndim > 1 or (times.size not in (1, n)):
        raise RuntimeError(
            f"repeat_interleave: repeats must be a number or have {n} elements, as dim {dim}, but "
            f"has shape {tuple(times.shape)}"
        )
    if times.dtype.kind not in "iu":
        raise RuntimeError(f"repeat_interleave: repeats must be integers, not {times.dtype}")
    if times.size and int(times.min()) < 0:
        raise RuntimeError("repeat_interleave: repeats can not be negative")
    made = int(times.sum()) * (n if times.size == 1 else 1)
    if output_size not in (None, made):
        raise RuntimeError(
            f"repeat_interleave: output_size is {output_size}, but the repeats make {made}"
        )
    if times.size == 1:  # its gradient is a sum
        shape = (*flat.shape[:at], n, int(times.reshape(-1)[0]), *flat.shape[at + 1 :])
        return flat.unsqueeze(at + 1).expand(shape).clone().flatten(at, at + 1)
    xp = namespace(flat.array)
    places = xp.repeat(xp.arange(n), times.tolist())
    return flat[(slice(None),) * at + (new(places),)]


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """The elements shifted along dimensions; what leaves at the end comes in at the start.

    Args:
        input: any shape.
        shifts: by how many positions: a number, or one for each dim.
        dims: one dimension or several; default: all elements as one row.

    Raises:
        RuntimeError: not as many shifts as dims.

    Example:
        >>> torch.roll(torch.arange(5), 2)
        tensor([3, 4, 0, 1, 2])
    """
    if dims is None or dims in ((), []):
        if not isinstance(shifts, SupportsIndex) and len(shifts) != 1:
            raise RuntimeError(f"roll: shifts {shifts} need as many dims")
        return roll(input.reshape(-1), shifts, 0).reshape(input.shape)
    steps = [as_int(s) for s in (shifts if isinstance(shifts, Sequence) else (shifts,))]
    along = dims if isinstance(dims, Sequence) else (dims,)
    if len(steps) != len(along):
        raise RuntimeError(f"roll: shifts {shifts} and dims {dims} must be as many")
    if not input.numel():
        return input.clone()
    if not input.ndim:
        raise IndexError(f"roll: dim {dims} is given, but the tensor has no dimensions")
    wheres = [axis("roll", input, d) for d in along]
    out = input.clone()
    for step, at in zip(steps, wheres, strict=True):
        n = out.shape[at]
        cut = -step % n
        if cut:
            out = cat([out.narrow(at, cut, n - cut), out.narrow(at, 0, cut)], at)
    return in_our_order(out)


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """The tensor turned by k quarters in the plane of two dimensions, the first to the second.

    Raises:
        RuntimeError: not two dims, or fewer than 2 dimensions.
    """
    if len(dims) != 2:
        raise RuntimeError(f"rot90: expected 2 dims to turn in, but got {tuple(dims)}")
    if input.ndim < 2:
        raise RuntimeError(
            f"rot90: needs at least 2 dimensions, but the shape is {tuple(input.shape)}"
        )
    a, b = named_axes("rot90", input, tuple(dims))
    if k % 4 == 2:
        return input.flip(a, b)
    if k % 4 == 0:
        return input.clone()
    return input.flip(b).transpose(a, b) if k % 4 == 1 else input.flip(a).transpose(a, b)


def fliplr(input: Tensor) -> Tensor:
    """The columns (dimension 1) in reverse order, a copy.

    Raises:
        RuntimeError: fewer than 2 dimensions.
    """
    if input.ndim < 2:
        raise RuntimeError(
            f"fliplr: needs at least 2 dimensions, but the shape is {tuple(input.shape)}"
        )
    return input.flip(1)


def flipud(input: Tensor) -> Tensor:
    """The rows (dimension 0) in reverse order, a copy.

    Raises:
        RuntimeError: no dimension.
    """
    if input.ndim < 1:
        raise RuntimeError("flipud: needs at least 1 dimension, but the tensor has none")
    return input.flip(0)


@own_order
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the elements of the last dimension on a diagonal, else 0.

    Args:
        input: (…, n).
        offset: which diagonal: 0 the main one, above it if positive.
        dim1, dim2: the dimensions of the result that are the matrices' rows and columns.

    Returns:
        (…, n + |offset|, n + |offset|), with the last two moved to dim1 and dim2.

    Raises:
        IndexError: a 0-d input.
        RuntimeError: dim1 and dim2 are the same.
    """
    if not input.ndim:
        raise IndexError("diag_embed: needs at least 1 dimension, but the tensor has none")
    offset = whole("diag_embed", "offset", offset)
    n = input.shape[-1] + abs(offset)
    xp = namespace(input.array)
    zeros = new(xp.zeros((*input.shape[:-1], n, n), dtype=input.array.dtype))
    a, b = axis("diag_embed", zeros, dim1), axis("diag_embed", zeros, dim2)
    if a == b:
        raise RuntimeError(f"diag_embed: dims must be different, but are {dim1} and {dim2}")
    along = xp.arange(input.shape[-1])
    rows, columns = along + max(-offset, 0), along + max(offset, 0)
    spec, places = ops.split((*((slice(None),) * (input.ndim - 1)), new(rows), new(columns)))
    out = lasting(apply(ops.scatter, input, *places, spec=spec, shape=zeros.shape))
    return in_our_order(out.movedim((-2, -1), (a, b)))


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that shapes broadcast to; an int stands for a shape of one size.

    Raises:
        RuntimeError: they do not broadcast, or one is neither an int nor a sequence.
        ValueError: a negative size.
    """
    for s in shapes:
        if not isinstance(s, int | Sequence):
            raise RuntimeError(f"broadcast_shapes: expected ints and sequences of ints, got {s!r}")
    each = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    if any(n < 0 for s in each for n in s):
        raise ValueError(f"broadcast_shapes: a shape has no negative sizes, but got {each}")
    return Size(common_shape("broadcast_shapes", *each))


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors as views of the shape that they broadcast to; what has it, as it is.

    Raises:
        RuntimeError: they do not broadcast.
    """
    each = _several(tensors)
    shape = common_shape("broadcast_tensors", *(t.shape for t in each))
    return tuple(t if t.shape == shape else t.expand(shape) for t in each)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid's points: one tensor for each axis, of the grid's shape (views).

    Args:
        tensors: the coordinates along each axis, 1-D or 0-d, of one dtype.
        indexing: "ij": the first axis is dimension 0 of the grid; "xy": the first two exchanged.

    Raises:
        RuntimeError: another indexing, more dimensions, or several dtypes.

    Example:
        >>> rows, columns = torch.meshgrid(torch.arange(2), torch.arange(3))
        >>> rows
        tensor([[0, 0, 0],
                [1, 1, 1]])
        >>> columns
        tensor([[0, 1, 2],
                [0, 1, 2]])
    """
    indexing = "ij" if indexing is None else indexing
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing must be ij or xy, but is {indexing!r}")
    each = _several(tensors)
    if not each:
        raise RuntimeError("meshgrid: expected at least one tensor, but got none")
    if any(t.ndim > 1 for t in each):
        raise RuntimeError("meshgrid: expected 0-d or 1-D tensors")
    if len({t.array.dtype for t in each}) > 1:
        raise RuntimeError("meshgrid: expects all tensors to have the same dtype")
    swap = indexing == "xy" and len(each) > 1
    lines = [each[1], each[0], *each[2:]] if swap else each
    shape = tuple(t.numel() for t in lines)
    grids = []
    for i, line in enumerate(lines):
        own = [1] * len(lines)
        own[i] = -1 if line.numel() else 0
        grids.append(line.reshape(own).expand(shape))
    return tuple([grids[1], grids[0], *grids[2:]] if swap else grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of one element of each 1-D tensor, one a row.

    Raises:
        RuntimeError: another rank.
    """
    each = _several(tensors)
    if any(t.ndim != 1 for t in each):
        raise RuntimeError("cartesian_prod: expects 1-D tensors")
    if len(each) == 1:
        return each[0]
    return stack([g.reshape(-1) for g in meshgrid(*each)], 1)


def _several(tensors: Any) -> list[Tensor]:
    """Tensors that are given one by one, or in one sequence, as a list.

    Raises:
        TypeError: other values are among them.
    """
    one = len(tensors) == 1 and not isinstance(tensors[0], TensorBase)
    each = list(tensors[0] if one else tensors)
    for place, given in enumerate(each):
        if not isinstance(given, TensorBase):
            raise TypeError(f"expected Tensor as element {place}, but got {type(given).__name__}")
    return each


def atleast_1d(*tensors: Any) -> Any:
    """0-d tensors as vectors of one element; others as they are. Of several tensors a tuple."""
    return _each(tensors, lambda t: t if t.ndim else t.reshape(1))


def atleast_2d(*tensors: Any) -> Any:
    """Tensors of fewer than 2 dimensions as matrices of one row; others as they are."""
    return _each(
        tensors, lambda t: t if t.ndim > 1 else (t.unsqueeze(0) if t.ndim else t.reshape(1, 1))
    )


def atleast_3d(*tensors: Any) -> Any:
    """`atleast_2d` with a last dimension of size 1; tensors of 3 dimensions or more as they are."""

    def made(t: Tensor) -> Tensor:
        return t if t.ndim > 2 else atleast_2d(t).unsqueeze(-1)

    return _each(tensors, made)


def _each(tensors: Any, function: Any) -> Any:
    """A function of one tensor, or the tuple of what it makes of several."""
    if len(tensors) == 1 and isinstance(tensors[0], TensorBase):
        return function(tensors[0])
    return tuple(function(t) for t in _several(tensors))


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Rows and columns (2, count) of the elements of a matrix's lower triangle.

    Args:
        row, col: the matrix's sizes.
        offset: which diagonal it reaches to: 0 the main one, above it if positive.
        dtype: default: int64.
        device, requires_grad: of the result.
    """
    return _places("tril_indices", row, col, offset, dtype, device).requires_grad_(requires_grad)


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Rows and columns (2, count) of a matrix's upper triangle; arguments as `tril_indices`."""
    return _places("triu_indices", row, col, offset, dtype, device).requires_grad_(requires_grad)


def _places(name: str, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    """The indices of a triangle, by the name of NumPy's function.

    Raises:
        RuntimeError: a negative size.
        NotImplementedError: a dtype of other than integers.
    """
    if min(row, col) < 0:
        raise RuntimeError(f"{name}: sizes must be non-negative, but are {row} and {col}")
    if dtype is not None and as_dtype(dtype).kind not in "iu":
        raise NotImplementedError(f"{name}: not implemented for {dtype}")
    found = getattr(numpy, name)(row, offset, col)
    return new(numpy.stack(found).astype("int64")).to(dtype=dtype, device=device)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Windows of a dimension as a new last dimension, a view.

    Args:
        input: any shape.
        dimension: the dimension.
        size: how many positions a window has.
        step: how many positions lie between the starts of two windows.

    Raises:
        RuntimeError: the size or the step does not fit.

    Example:
        >>> torch.arange(5).unfold(0, 3, 2)
        tensor([[0, 1, 2],
                [2, 3, 4]])
    """
    at = axis("unfold", input, dimension)
    n = input.shape[at] if input.ndim else 1
    if not 0 <= size <= n or step <= 0:
        raise RuntimeError(
            f"unfold: windows of size {size}, {step} apart, don't fit dimension {dimension} of "
            f"size {n}"
        )
    if not input.ndim:
        return input.reshape(1)[:size]
    return apply(ops.windows, input, axis=at, size=as_int(size), step=as_int(step))


if not TYPE_CHECKING:
    __all__ = [n for n in public(globals()) if n not in ("repeat", "unfold")]
