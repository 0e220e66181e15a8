"""Indexing in brackets, read as PyTorch reads it, and functions that gather elements at indices.

NumPy takes an integer beside an index array for an array too. PyTorch applies integers, slices and
None first, which gives a view, and then the tensors: x[0, :, [1, 0]] is x[0][:, [1, 0]]. So an
index is read as these two steps, each of which means the same in every array library.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as as_int
from types import EllipsisType, NoneType
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..backend import capture, is_array, namespace, numpy, to_host
from ..graph import mode
from ..ops import shape as ops
from . import anomaly
from .apply import apply, view_of
from .base import TensorBase, new
from .check import need_tensors
from .dims import axis

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["gather", "index_select", "masked_select", "take", "take_along_dim"]

_ALL = slice(None)
_INDICES = frozenset(map(numpy.dtype, ("int32", "int64", "uint8", "bool")))


def read_index(x: Tensor, index: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """A user's index of a tensor as two steps, either of which may be empty.

    Returns:
        The view: integers, slices, None and `...`; and the places: for each dimension of that view
        slice(None), a tensor of integers, or a mask (which may take several dimensions).

    Raises:
        IndexError: too many indices, or something that is no index.
        ValueError: a slice's step is not positive.
    """
    view: list[Any] = []
    places: list[Any] = []
    rest = None  # where in places the dimensions go that `...` stands for
    used = 0
    gathers = False
    for part in _with_one_ellipsis(index) if _is_several(index) else (index,):
        part = _part(x, part)
        if isinstance(part, TensorBase):
            dims = part.ndim if part.array.dtype.kind == "b" else 1
            view += [_ALL] * dims
            places.append(part)
            used, gathers = used + dims, True
        elif part is True or part is False:  # a mask of no dimensions, which takes all or nothing
            view.append(None)
            places.append(new(namespace(x.array).zeros(int(part), dtype="int64")))
            gathers = True
        else:
            view.append(part)
            if part is Ellipsis:
                if rest is not None:
                    raise IndexError("getitem: an index can only have a single ellipsis ('...')")
                rest = len(places)
            else:
                used += part is not None
                if not isinstance(part, int):
                    places.append(_ALL)
    if used > x.ndim:
        raise IndexError(f"getitem: too many indices ({used}) for a tensor of dimension {x.ndim}")
    if not gathers:
        # With an ellipsis NumPy gives a view also of a single element.
        return tuple(view) if rest is not None else (*view, ...), ()
    if rest is not None:
        places[rest:rest] = [_ALL] * (x.ndim - used)
    if view.count(_ALL) + view.count(...) == len(view):
        view = []
    return tuple(view), tuple(places)


def _with_one_ellipsis(index: Any) -> list[Any]:
    """The parts without the ellipses at the end that stand for no dimensions: `x[..., 0, ...]`.

    The first takes all that the other parts leave.
    """
    parts = list(index)
    while parts and parts[-1] is Ellipsis and any(part is Ellipsis for part in parts[:-1]):
        parts.pop()
    return parts


def _is_several(index: Any) -> bool:
    """Whether an index has a part for each dimension: a tuple, or a list with more than numbers.

    PyTorch takes such a list for a tuple if it is shorter than 32.
    """
    if not isinstance(index, list):
        return isinstance(index, tuple)
    kinds = (TensorBase, list, tuple, range, slice, NoneType, EllipsisType)
    return len(index) < 32 and any(is_array(part) or isinstance(part, kinds) for part in index)


def _part(x: Tensor, part: Any) -> Any:
    """A part of an index as an int, a slice, None, `...`, a bool, or a tensor on x's device.

    Raises:
        IndexError, TypeError: it is no index.
        ValueError: a slice's step is not positive.
    """
    if part is None or part is Ellipsis or isinstance(part, int):
        return part
    if isinstance(part, slice):
        return _slice(part)
    if isinstance(part, TensorBase):
        return _tensor_part(x, part)
    if isinstance(part, list | tuple | range):
        part = _from_list(part)
    if is_array(part):  # copied, because the graph keeps it and the user may change the array
        return _tensor_part(x, new(namespace(x.array).array(to_host(part))))
    if isinstance(part, SupportsIndex):
        return as_int(part)
    if isinstance(part, numpy.bool_):
        return bool(part)
    raise (TypeError if isinstance(part, str) else IndexError)(
        "getitem: only integers, slices (`:`), ellipsis (`...`), None and tensors or lists of "
        f"integers or bools are valid indices, but got {type(part).__name__}"
    )


def _slice(part: slice) -> slice:
    """A slice with ints for what may be tensors or NumPy's integers."""
    start, stop, step = part.start, part.stop, part.step
    start = None if start is None else as_int(start)
    stop = None if stop is None else as_int(stop)
    step = None if step is None else as_int(step)
    if step is not None and step <= 0:
        raise ValueError(f"getitem: a slice's step must be greater than zero, but got {step}")
    return slice(start, stop, step)


def _from_list(part: Sequence[Any]) -> Any:
    """A list of integers or booleans as an array; an empty one as one of integers."""
    found = numpy.asarray(
        [p.tolist() if isinstance(p, TensorBase) else p for p in part],
        dtype=None if len(part) else "int64",
    )
    if found.size == 0 and found.dtype.kind == "f":
        found = found.astype("int64")
    return found


def _tensor_part(x: Tensor, part: Any) -> Any:
    """A tensor in an index: on x's device, bytes as a mask, a single element as a number."""
    dtype = part.array.dtype
    if dtype not in _INDICES and not (dtype.kind == "i" and part.array.ndim == 0):
        raise IndexError(
            "getitem: tensors used as indices must be int32, int64, uint8 or bool tensors, not "
            f"{part.dtype}"
        )
    if dtype.kind == "u":  # a mask from before there was bool
        part = part.ne(0)
    on_host = isinstance(part.array, numpy.ndarray)
    if part.array.ndim == 0 and (on_host or dtype.kind != "i"):
        return part.item()  # an integer, so the result is a view; a GPU is not waited for
    if type(part.array) is not type(x.array):
        part = new(namespace(x.array).asarray(to_host(part.array)))
    return part


_ENDS = (int, NoneType)


def _is_plain(part: Any) -> bool:
    """Whether a part is an int, or a slice of ints without a step: NumPy reads those as we do."""
    kind = type(part)
    if kind is int:
        return True
    if kind is not slice or part.step is not None:
        return False
    return type(part.start) in _ENDS and type(part.stop) in _ENDS


def _plain_view(input: Tensor, index: Any) -> Tensor | None:
    """The view of an index of plain parts, if there is nothing to record; else None.

    That is the most frequent use (rows of a batch, windows of a text), and costs a fraction of
    reading any index.
    """
    if (mode.grad and (input._node or input._view)) or anomaly.watch or capture.note:
        return None
    spec = (*index, ...) if type(index) is tuple else (index, ...)
    try:
        array = input.array[spec]
    except IndexError:
        return None  # so that `getitem` goes the long way, which says what is wrong
    return view_of(input, array, ops.getitem, {"spec": spec})


def getitem(input: Tensor, index: Any) -> Tensor:
    """The elements at an index: a view, unless tensors, lists or masks are in it.

    Raises:
        IndexError: out of range, too many indices, or something that is no index.
        ValueError: a slice's step is not positive.

    Example:
        >>> x = torch.arange(12).reshape(3, 4)
        >>> x[1]
        tensor([4, 5, 6, 7])
        >>> x[:, -1]
        tensor([ 3,  7, 11])
        >>> x[x > 8]
        tensor([ 9, 10, 11])
        >>> x[[0, 2], [1, 3]]
        tensor([ 1, 11])
    """
    plain = all(map(_is_plain, index)) if type(index) is tuple else _is_plain(index)
    if plain and (found := _plain_view(input, index)) is not None:
        return found
    view, places = read_index(input, index)
    if view:
        input = apply(ops.getitem, input, spec=view)
    if not places:
        return input
    spec, indices = ops.split(places)
    return apply(ops.getitem, input, *indices, spec=spec)


def along(name: str, input: Tensor, dim: int, index: Tensor) -> tuple[tuple[Any, ...], int]:
    """The index that picks input[i, index[i, j, …], …] (for dim 1), and the dim as a number ≥ 0.

    Raises:
        RuntimeError: an index of another rank or dtype (but an empty one, which may be of any),
            larger than the input apart from dim, or out of range.
    """
    at = axis(name, input, dim)
    need_tensors(name, index=index)
    if not index.numel():
        index = index.long()
    if index.dtype.name not in ("int64", "int32"):
        raise RuntimeError(f"{name}: expected dtype int64 for index, but got {index.dtype}")
    if max(index.ndim, 1) != max(input.ndim, 1):
        raise RuntimeError(
            f"{name}: the index must have the same number of dimensions as the input, but their "
            f"shapes are {tuple(index.shape)} and {tuple(input.shape)}"
        )
    sizes = zip(index.shape, input.shape, strict=False)
    if index.numel() and any(n > m for d, (n, m) in enumerate(sizes) if d != at):
        raise RuntimeError(
            f"{name}: expected index {tuple(index.shape)} to be no larger than the input "
            f"{tuple(input.shape)} apart from dimension {dim}"
        )
    in_range(name, index, input.shape[at] if input.ndim else 1, RuntimeError)
    xp = namespace(input.array)
    places = list(xp.meshgrid(*map(xp.arange, index.shape), indexing="ij", sparse=True))
    places[at : at + 1] = [index.array]
    return tuple(new(p) for p in places), at


def in_range(name: str, index: Tensor, size: int, error: type[Exception]) -> None:
    """Refuse indices that are negative or too large; on a GPU, which would be waited for, none."""
    if not isinstance(index.array, numpy.ndarray) or not index.numel():
        return
    low, high = int(index.array.min()), int(index.array.max())
    if low < 0 or high >= size:
        raise error(
            f"{name}: index {low if low < 0 else high} is out of bounds for a dimension of size "
            f"{size}"
        )


def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """out[i, j, …] = input[i, index[i, j, …], …] for dim 1, and so on.

    Args:
        input: any shape.
        dim: the dimension that the indices are positions of.
        index: int64 or int32, no larger than the input apart from `dim`; the result has its shape.
        sparse_grad: has no effect.

    Raises:
        RuntimeError: an index of another rank, dtype or size, or out of range.

    Example:
        >>> x = torch.tensor([[1, 2], [3, 4]])
        >>> x.gather(1, torch.tensor([[1], [0]]))
        tensor([[2],
                [3]])
    """
    return _gathered("gather", input, dim, index)


def _gathered(name: str, input: Tensor, dim: int, index: Tensor) -> Tensor:
    """`gather` under a name, for messages."""
    if not index.numel():  # of any dtype and rank
        axis(name, input, dim)
        return input.reshape(-1)[:0].reshape(index.shape)
    places, at = along(name, input, dim, index)
    if not input.ndim or not index.ndim:
        return input.reshape(-1)[index.reshape(-1)].reshape(index.shape)  # a number is a row of one
    if all(
        n == m for d, (n, m) in enumerate(zip(index.shape, input.shape, strict=True)) if d != at
    ):
        return apply(ops.gather, input, index, axis=at)
    spec, indices = ops.split(places)
    return apply(ops.getitem, input, *indices, spec=spec)


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` of an index that broadcasts against the input; without a dim both are flattened.

    Raises:
        RuntimeError: other ranks or dtypes, or shapes that do not broadcast apart from dim.

    Example:
        >>> x = torch.tensor([[3, 1, 2]])
        >>> x.take_along_dim(x.argsort(1), 1)
        tensor([[1, 2, 3]])
    """
    need_tensors("take_along_dim", indices=indices)
    if dim is None:
        return _gathered("take_along_dim", input.reshape(-1), 0, indices.reshape(-1))
    if indices.dtype.name != "int64":
        raise RuntimeError(f"take_along_dim: indices must be int64, but are {indices.dtype}")
    if input.ndim != indices.ndim:
        raise RuntimeError(
            f"take_along_dim: input and indices should have the same number of dimensions, but "
            f"their shapes are {tuple(input.shape)} and {tuple(indices.shape)}"
        )
    at = axis("take_along_dim", input, dim)
    if not input.ndim:
        raise IndexError(f"take_along_dim: dim {dim} is given, but the tensor has no dimensions")
    indices = (indices + input.shape[at]).where(indices < 0, indices)
    rest = [(*t.shape[:at], 1, *t.shape[at + 1 :]) for t in (input, indices)]
    try:
        common = numpy.broadcast_shapes(*rest)
    except ValueError:
        raise RuntimeError(
            f"take_along_dim: shapes {tuple(input.shape)} and {tuple(indices.shape)} do not "
            f"broadcast apart from dim {dim}"
        ) from None
    wide = [(*common[:at], t.shape[at], *common[at + 1 :]) for t in (input, indices)]
    return _gathered("take_along_dim", input.expand(wide[0]), at, indices.expand(wide[1]))


def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at places of the flattened input, in the index's shape.

    Raises:
        RuntimeError: an index that is not int64.
        IndexError: out of range.
    """
    if index.dtype.name != "int64":
        raise RuntimeError(f"take: expected int64 for index, but got {index.dtype}")
    return input.reshape(-1)[index.reshape(-1)].reshape(index.shape)


def rows(name: str, input: Tensor, dim: int, index: Tensor) -> tuple[Any, ...]:
    """The index that picks the positions `index` of a dimension.

    Raises:
        IndexError: the index has more than one dimension, or is out of range.
        RuntimeError: it is neither int64 nor int32.
    """
    at = axis(name, input, dim)
    need_tensors(name, index=index)
    if index.ndim > 1:
        raise IndexError(
            f"{name}: index is supposed to be a vector, but has shape {tuple(index.shape)}"
        )
    if index.dtype.name not in ("int64", "int32"):
        raise RuntimeError(f"{name}: expected int32 or int64 for index, but got {index.dtype}")
    in_range(name, index, input.shape[at] if input.ndim else 1, IndexError)
    return ((_ALL,) * at) + (index.reshape(-1),)


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Positions of a dimension, in the order in which an index names them (a copy).

    Args:
        input: any shape.
        dim: the dimension.
        index: int64 or int32, 1-D or 0-d.

    Raises:
        IndexError: the index has more dimensions, or is out of range.
        RuntimeError: it is of another dtype.

    Example:
        >>> torch.arange(6).reshape(3, 2).index_select(0, torch.tensor([2, 0]))
        tensor([[4, 5],
                [0, 1]])
    """
    axis("index_select", input, dim)
    if not input.ndim:
        if index.numel() != 1:
            raise RuntimeError(
                f"index_select: the index of a 0-d tensor has 1 element, not {index.numel()}"
            )
        rows("index_select", input, dim, index)
        return input.clone()
    spec, indices = ops.split(rows("index_select", input, dim, index))
    return apply(ops.getitem, input, *indices, spec=spec)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where a mask is True, in one dimension; input and mask broadcast.

    Raises:
        RuntimeError: the mask is not of booleans, or the shapes do not broadcast.

    Example:
        >>> x = torch.tensor([-1.0, 2.0, 3.0])
        >>> x.masked_select(x > 0)
        tensor([2., 3.])
    """
    need_tensors("masked_select", mask=mask)
    if mask.dtype.kind != "b":
        raise RuntimeError(f"masked_select: expected a bool mask, but got {mask.dtype}")
    shape = common_shape("masked_select", input.shape, mask.shape)
    if not shape:
        shape = (1,)
    return apply(ops.getitem, input.expand(shape), mask.expand(shape), spec=(ops.Hole(0),))


def common_shape(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that shapes broadcast to.

    Raises:
        RuntimeError: they do not.
    """
    try:
        return numpy.broadcast_shapes(*shapes)
    except ValueError:
        texts = " and ".join(str(tuple(shape)) for shape in shapes)
        raise RuntimeError(f"{name}: shapes {texts} cannot be broadcast together") from None
