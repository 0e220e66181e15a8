"""Order, counts and places: `sort`, `topk`, `unique`, `nonzero` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace
from ..ops import shape as shape_ops
from . import results
from .apply import apply
from .base import new
from .dims import axis, whole
from .operation import ordered, public, refuse
from .own_order import lying_as
from .results import ValuesIndices
from .shown import lasting

if TYPE_CHECKING:
    from .tensor import Tensor


def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = True
) -> Tensor:
    """The indices (int64) that sort along a dimension; NaN counts as greater than all numbers.

    Args:
        input: any shape.
        dim: the dimension.
        descending: the greatest first.
        stable: has no effect: equal elements keep their order always.

    Example:
        >>> torch.tensor([3, 1, 2]).argsort()
        tensor([1, 2, 0])
    """
    ordered("sort", input)
    at = axis("argsort", input, dim)
    xp = namespace(input.array)
    if input.ndim == 0:
        return new(xp.zeros((), dtype="int64"))
    array = xp.flip(input.array, at) if descending else input.array
    order = xp.argsort(array, at)
    if descending:
        order = input.shape[at] - 1 - xp.flip(order, at)
    return lying_as(input, new(xp.ascontiguousarray(order)))


def sort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = True
) -> ValuesIndices:
    """(values, indices): the elements in order along a dimension, and where they were (int64).

    Arguments are those of `argsort`.

    Example:
        >>> torch.tensor([3, 1, 2]).sort()
        torch.return_types.sort(
        values=tensor([1, 2, 3]),
        indices=tensor([1, 2, 0]))
        >>> torch.tensor([3, 1, 2]).sort(descending=True).values
        tensor([3, 2, 1])
    """
    indices = input.argsort(dim, descending)
    if input.ndim == 0:
        return results.of("sort", ValuesIndices(input.clone(), indices))
    values = apply(shape_ops.gather, input, indices, axis=axis("sort", input, dim))
    return results.of("sort", ValuesIndices(lying_as(input, values), indices))


def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesIndices:
    """(values, indices): the k largest elements along a dimension, and where they were (int64).

    Args:
        input: any shape.
        k: how many.
        dim: the dimension.
        largest: False: the k smallest.
        sorted: has no effect: they are in order always.

    Raises:
        RuntimeError: k is negative, or above the dimension's size.

    Example:
        >>> torch.tensor([1, 9, 3, 7]).topk(2)
        torch.return_types.topk(
        values=tensor([9, 7]),
        indices=tensor([1, 3]))
    """
    ordered("topk", input)
    at = axis("topk", input, dim)
    array = input.array
    if not 0 <= k <= (array.shape[at] if array.ndim else 1):
        raise RuntimeError(
            f"topk: k={k} is out of range for dim {dim} of shape {tuple(input.shape)}"
        )
    if array.ndim == 0:
        return results.of("topk", input.sort())
    xp = namespace(array)
    indices = new(xp.ascontiguousarray(xp.argtopk(array, k, at, largest)))
    values = apply(shape_ops.gather, input, indices, axis=at)
    return results.of("topk", ValuesIndices(values, indices))


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Where the elements are that are not 0, in row-major order.

    Returns:
        int64: a matrix (count, dimensions), one row for each element; or `as_tuple`, its columns,
        one tensor (count) for each dimension, as an index.

    Example:
        >>> torch.tensor([0, 5, 0, 7]).nonzero()
        tensor([[1],
                [3]])
    """
    xp = namespace(input.array)
    if input.ndim == 0:
        places = (xp.zeros(int(bool(input.array)), dtype="int64"),)
        return (new(places[0]),) if as_tuple else new(places[0].reshape(-1, 1)[:, :0])
    places = xp.nonzero(input.array)
    if as_tuple:
        return tuple(new(p) for p in places)
    out = new(xp.stack(places, axis=1))
    out._storage.ours = "columns"  # in PyTorch
    return out


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """`nonzero` of a fixed number of places, (size, dimensions): the first ones, or filled up.

    Raises:
        RuntimeError: a negative size.
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: size must be non-negative, but is {size}")
    found = nonzero(input)[:size]
    out: Tensor = found.new_full((size, input.ndim), fill_value)
    out[: len(found)] = found
    return out


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The elements in ascending order, each once.

    Args:
        input: any shape.
        sorted: has no effect: they are in order always.
        return_inverse: also give the index that each element of the input has in the result.
        return_counts: also give how often each element occurs in the input.
        dim: take the slices of this dimension in place of elements; they are put in order by
            their first element, then by the second, and so on, as words are.

    Returns:
        The elements; or a tuple of them, the inverse (int64, of the input's shape, or (n) with a
        dim) and the counts (int64), as asked for. There is no gradient: a backward pass through
        it raises.

    Example:
        >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
        (tensor([1, 3]), tensor([1, 2]))
    """
    if dim is not None:
        if not input.ndim:
            raise IndexError(f"unique: dimension specified as {dim}, but the tensor has none")
        return _unique_slices(input, axis("unique", input, dim), return_inverse, return_counts)
    found = namespace(input.array).unique(
        input.array.reshape(-1), return_inverse=return_inverse, return_counts=return_counts
    )
    if not (return_inverse or return_counts):
        return apply(shape_ops.unique, input, found=found)
    parts = [apply(shape_ops.unique, input, found=found[0]), *map(new, found[1:])]
    if return_inverse:
        parts[1] = parts[1].reshape(input.shape)
    return tuple(parts)


def _unique_slices(input: Tensor, at: int, return_inverse: bool, return_counts: bool) -> Any:
    """`unique` of the slices of a dimension: rows of a matrix for the array library."""
    if 0 in input.shape[:at] + input.shape[at + 1 :]:
        raise RuntimeError(
            f"unique: the slices of dim {at} have no elements (shape {tuple(input.shape)})"
        )
    xp, line = namespace(input.array), input.detach().movedim(at, 0)
    n = line.shape[0] if line.ndim else 1
    rows = line.reshape(n, line.numel() // n if n else 0).array
    words = {"return_index": True, "return_inverse": True, "return_counts": True}
    _, first, inverse, counts = xp.library.unique(rows, axis=0, **words)
    found = [(line if line.ndim else line.reshape(1))[new(first)].movedim(0, at)]
    found += [new(inverse.reshape(-1))] if return_inverse else []
    found += [new(counts)] if return_counts else []
    return tuple(found) if len(found) > 1 else found[0]


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often 0, 1, 2, … occur, or the sums of the weights of those elements.

    Args:
        input: (n) integers, not negative.
        weights: (n), what each element counts; default: 1.
        minlength: the least length of the result, which else ends with the greatest element.

    Sums are float32 of float32, else float64; of nothing they are int64, as counts are.

    Raises:
        RuntimeError: not 1-D, not integers, or negative ones.

    Example:
        >>> torch.bincount(torch.tensor([0, 2, 2]), minlength=4)
        tensor([1, 0, 2, 0])
    """
    if input.ndim != 1 or input.dtype.kind not in "iu":
        raise RuntimeError(
            f"bincount: expected 1-D integers, but got shape {tuple(input.shape)} of {input.dtype}"
        )
    xp = namespace(input.array)
    if not input.numel() and minlength >= 0:
        return new(xp.zeros(minlength, dtype="int64"))
    try:
        masses = None if weights is None else weights.array
        found = xp.bincount(input.array, masses, minlength=minlength)
    except ValueError as error:
        raise RuntimeError("bincount: expected integers that are not negative") from error
    if masses is not None and masses.dtype == "float32":  # added in float64, as all are
        found = found.astype("float32")
    return new(found)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Of a matrix (n, m), a copy of a diagonal; of a vector, the matrix that has it there.

    Args:
        input: a matrix or a vector.
        diagonal: which: 0 the main one, k > 0 the k-th above it, k < 0 below.

    Raises:
        RuntimeError: neither a matrix nor a vector.

    Example:
        >>> torch.diag(torch.tensor([1, 2]))
        tensor([[1, 0],
                [0, 2]])
        >>> torch.diag(torch.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
    diagonal = whole("diag", "diagonal", diagonal)
    if input.ndim == 2:
        return input.diagonal(diagonal).clone()
    if input.ndim != 1:
        raise RuntimeError(f"diag: expected 1 or 2 dimensions, but got shape {tuple(input.shape)}")
    xp, n = namespace(input.array), input.shape[0] + abs(diagonal)
    up, down = max(diagonal, 0), max(-diagonal, 0)
    place = xp.arange(input.shape[0])
    spec, places = shape_ops.split((new(place + down), new(place + up)))
    return lasting(apply(shape_ops.scatter, input, *places, spec=spec, shape=(n, n)))


def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal.

    Raises:
        RuntimeError: not a matrix.
        NotImplementedError: booleans.

    Example:
        >>> torch.trace(torch.tensor([[1, 2], [3, 4]]))
        tensor(5)
    """
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got shape {tuple(input.shape)}")
    if input.dtype.kind == "b":
        refuse("trace", input)
    return input.diagonal().sum()


if not TYPE_CHECKING:
    __all__ = public(globals())
