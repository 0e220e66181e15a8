"""Functions that write at indices: a copy with some elements replaced, or added to.

`Tensor` has each of them in place too, such as `scatter_`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace, numpy
from ..backend.dtypes import FLOATING
from ..ops import shape as ops
from .apply import apply
from .base import TensorBase, new
from .check import need_tensors
from .index import along, common_shape, read_index, rows
from .promote import filling, scalar_tensor, to_dtype

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = [
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_reduce",
    "masked_scatter",
    "put",
    "scatter",
    "scatter_add",
    "scatter_reduce",
]


def _replaced(input: Tensor, places: tuple[Any, ...], value: Tensor) -> Tensor:
    """A copy of the input with a value written at places, an index of tensors and slices."""
    spec, indices = ops.split(places)
    return apply(ops.setitem, input, value, *indices, spec=spec)


def _added(input: Tensor, places: tuple[Any, ...], value: Tensor) -> Tensor:
    """The input plus a value at places; repeats add up."""
    return input + _scattered(input.shape, places, value)


def _scattered(shape: tuple[int, ...], places: tuple[Any, ...], value: Tensor) -> Tensor:
    """Zeros of a shape with a value added at places; repeats add up."""
    spec, indices = ops.split(places)
    return apply(ops.scatter, value, *indices, spec=spec, shape=shape)


def _source(name: str, input: Tensor, index: Tensor, src: Any) -> Tensor:
    """What is written: src[:n, :m, …] for an index of shape (n, m, …), or a number.

    Raises:
        RuntimeError: another dtype than the input's, or smaller than the index.
    """
    if not isinstance(src, TensorBase):
        return filling(name, src, input)
    _need_dtype(name, input, src)
    sizes = zip(index.shape, src.shape, strict=False)
    if max(src.ndim, 1) != max(index.ndim, 1) or any(n > m for n, m in sizes):
        raise RuntimeError(
            f"{name}: expected index {tuple(index.shape)} to be no larger than src "
            f"{tuple(src.shape)}"
        )
    whole: Any = src
    corner = whole if whole.ndim else whole.reshape(1)
    return corner[tuple(map(slice, index.shape or (1,)))]  # type: ignore[no-any-return]


def _need_dtype(name: str, input: Tensor, other: Any) -> None:
    need_tensors(name, source=other)
    if other.dtype != input.dtype:
        raise RuntimeError(
            f"{name}: expected input and source to have the same dtype, but they have "
            f"{input.dtype} and {other.dtype}"
        )


def _lined(name: str, input: Tensor, dim: int, index: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """The input and the places of an index along dim; 0-d ones become 1-d."""
    places, _ = along(name, input, dim, index)
    if index.ndim == 0:
        places = (index.reshape(1),)
    return (input if input.ndim else input.reshape(1)), places


def _empty(input: Tensor, index: Any, src: Any) -> tuple[Any, Any]:
    """An index without elements, which may be of any shape, and its source, in the input's dims."""
    if not isinstance(index, TensorBase) or index.numel() or index.ndim == input.ndim:
        return index, src
    none, there = (0,) * max(input.ndim, 1), isinstance(src, TensorBase)
    whole: Any = index
    return whole.reshape(none), src.reshape(-1)[:0].reshape(none) if there else src


def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: Any = None,
) -> Tensor:
    """A copy of the input with elements written along a dimension.

    For a matrix and dim 1: out[i, index[i, j]] = src[i, j], for each i and j of the index.

    Args:
        input: gives the elements that nothing is written to.
        dim: the dimension that the index counts.
        index: int64, with as many dimensions as the input, and no larger but in `dim`.
        src: a tensor at least as large as the index, of the input's dtype, or a number.
        value: the number by keyword.
        reduce: "add" or "multiply": combine with the input's element instead of replacing it.

    Raises:
        RuntimeError: shapes or dtypes that don't fit, an index out of range (on the CPU), or
            another reduction.

    Example:
        >>> torch.zeros(2, 3).scatter(1, torch.tensor([[0], [2]]), 1.0)
        tensor([[1., 0., 0.],
                [0., 0., 1.]])
    """
    index, src = _empty(input, index, value if src is None else src)
    if reduce is not None:
        names = {"add": "sum", "multiply": "prod"}
        if reduce not in names:
            raise RuntimeError(f"scatter: reduce must be add or multiply, but is {reduce!r}")
        src = (
            src
            if isinstance(src, TensorBase)
            else filling("scatter", src, input).expand(index.shape)
        )
        return scatter_reduce(input, dim, index, src, names[reduce])
    lined, places = _lined("scatter", input, dim, index)
    part = _source("scatter", input, index, src)
    return _replaced(lined, places, part).reshape(input.shape)


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of the input with elements added along a dimension; arguments as for `scatter`.

    For a matrix and dim 1: out[i, index[i, j]] += src[i, j], for each i and j of the index.

    Example:
        >>> index = torch.tensor([0, 1, 0])
        >>> torch.zeros(2).scatter_add(0, index, torch.tensor([1.0, 2.0, 3.0]))
        tensor([4., 2.])
    """
    index, src = _empty(input, index, src)
    lined, places = _lined("scatter_add", input, dim, index)
    part = _source("scatter_add", input, index, src)
    return _added(lined, places, part).reshape(input.shape)


def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`scatter`, but all elements that go to one place are reduced to one.

    Args:
        input: gives the elements that nothing goes to.
        dim, index, src: as for `scatter`; src a tensor.
        reduce: "sum", "prod", "mean", "amax" or "amin".
        include_self: the input's element is reduced with those that go to its place.

    Raises:
        RuntimeError: shapes or dtypes that don't fit, an index out of range (on the CPU), or
            another reduction.

    Example:
        >>> index = torch.tensor([0, 1, 0])
        >>> torch.zeros(2).scatter_reduce(0, index, torch.tensor([1.0, 2.0, 3.0]), "amax")
        tensor([3., 2.])
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(
            "scatter_reduce: reduce must be sum, prod, mean, amax or amin, but is " + repr(reduce)
        )
    index, src = _empty(input, index, src)
    lined, places = _lined("scatter_reduce", input, dim, index)
    part = _source("scatter_reduce", input, index, src)
    before = lined.detach()
    if not include_self:
        neutral: Any = {"sum": 0, "mean": 0, "prod": 1}.get(reduce)
        if neutral is None:
            neutral = _lowest(input) if reduce == "amax" else _highest(input)
        lined = _replaced(lined, places, scalar_tensor(neutral, input))
    if reduce in ("sum", "mean"):
        out = _added(lined, places, part)
        if reduce == "mean":
            counts = _scattered(lined.shape, places, _like(part, 1)) + int(include_self)
            counts = counts.clamp(min=1)
            out = out / counts if out.is_floating_point() else out.floor_divide(counts)
        return out.reshape(input.shape)
    spec, indices = ops.split(places)
    if reduce == "prod":
        out = apply(ops.scatter_prod, lined, part, *indices, spec=spec)
    else:
        rule, largest = ops.scatter_extreme, reduce == "amax"
        out = apply(rule, lined, part, before, *indices, spec=spec, largest=largest)
    return out.reshape(input.shape)


def _like(x: Tensor, value: float) -> Tensor:
    """A tensor of a number, with another's shape, dtype and device."""
    return new(namespace(x.array).full_like(x.array, value))


def _lowest(x: Tensor) -> float:
    """What every element of x's dtype is at least: a maximum ignores it."""
    return -float("inf") if x.is_floating_point() else _limits(x)[0]


def _highest(x: Tensor) -> float:
    """What every element of x's dtype is at most: a minimum ignores it."""
    return float("inf") if x.is_floating_point() else _limits(x)[1]


def _limits(x: Tensor) -> tuple[int, int]:
    """The least and the greatest number of x's dtype, a bool or an integer."""
    bits = 8 * x.dtype.itemsize
    if x.dtype.kind == "b":
        return 0, 1
    return (0, 2**bits - 1) if x.dtype.kind == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """A copy of the input with rows added: out[index[i]] += alpha · source[i], for dim 0.

    Args:
        input: any shape.
        dim: the dimension that the index counts.
        index: 1-D integers, one for each of source's positions along dim.
        source: of the input's dtype, and its shape but for `dim`.
        alpha: the factor.

    Raises:
        IndexError: an index out of range.
        RuntimeError: shapes or dtypes that don't fit.

    Example:
        >>> torch.zeros(3).index_add(0, torch.tensor([2, 2]), torch.tensor([1.0, 5.0]))
        tensor([0., 0., 6.])
    """
    places, part = _row_places("index_add", input, dim, index, source)
    if alpha != 1:  # among integers it is one, and among real numbers real: the dtype stays
        free = part.dtype.kind in FLOATING and not isinstance(alpha, complex)
        part = part * (alpha if free else filling("index_add", alpha, input))
    return _added(_line(input), places, part).reshape(input.shape)


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of the input with rows replaced: out[index[i]] = source[i], for dim 0.

    Arguments and errors are those of `index_add`.
    """
    places, part = _row_places("index_copy", input, dim, index, source)
    return _replaced(_line(input), places, part).reshape(input.shape)


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of the input with rows filled: out[index[i]] = value, for dim 0.

    Value is a number or a 0-d tensor, the index int64; the rest is as for `index_add`.

    Raises:
        IndexError: an index of another dtype; and as `index_add`.
    """
    need_tensors("index_fill", index=index)
    if index.dtype.name != "int64":
        raise IndexError(f"index_fill: expected dtype int64 for index, but got {index.dtype}")
    number = filling("index_fill", value, input)
    index = _wrapped(index, input, dim)
    if number.requires_grad and index.ndim < 2:
        index = index.unique()  # its gradient is that of each row, once
    places = rows("index_fill", input, dim, index)
    return _replaced(_line(input), places, number).reshape(input.shape)


def _wrapped(index: Tensor, input: Tensor, dim: int) -> Tensor:
    """An index along dim, in which negative ones count from the end."""
    n = input.shape[dim] if input.ndim and -input.ndim <= dim < input.ndim else 1
    return (index + n).where(index < 0, index)


def _line(input: Tensor) -> Tensor:
    """The input, with at least one dimension."""
    return input if input.ndim else input.reshape(1)


def _row_places(
    name: str, input: Tensor, dim: int, index: Tensor, source: Tensor
) -> tuple[tuple[Any, ...], Tensor]:
    """The places of rows of the input, and the source in the shape that fits them."""
    places = rows(name, input, dim, index)
    _need_dtype(name, input, source)
    at = len(places) - 1
    wanted = (*input.shape[:at], index.numel(), *input.shape[at + 1 :])
    _check_rows(name, input, at, index.numel(), source)
    return places, source.reshape(wanted)


def _check_rows(name: str, input: Tensor, at: int, count: int, source: Tensor) -> None:
    """Refuse a source that is not one row for each index.

    `index_copy` takes a number for the only row of a vector, and a vector of one for a number.

    Raises:
        IndexError: of `index_copy`, another number of rows or dimensions.
        RuntimeError: rows of another shape; of the others any of these.
    """
    copied = name.startswith("index_copy")
    rows_given = source.shape[at] if at < source.ndim else 1
    inner, outer = ([*t.shape[:at], *t.shape[at + 1 :]] for t in (source, input))
    numbers = not source.ndim or not input.ndim
    if source.ndim != input.ndim and not (numbers and copied):
        kind: type[Exception] = IndexError if copied else RuntimeError
    elif inner != outer:
        kind = RuntimeError
    elif rows_given != count:
        kind = IndexError if copied or not source.ndim else RuntimeError
    else:
        return
    wanted = (*input.shape[:at], count, *input.shape[at + 1 :])
    raise kind(
        f"{name}: source must have the shape {wanted} that index and input give it, but has "
        f"{tuple(source.shape)}"
    )


def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of the input with values written at input[indices].

    Args:
        input: any shape.
        indices: a tuple of tensors, one for each of the first dimensions.
        values: of the input's dtype; broadcasts with input[indices].
        accumulate: add to the elements there; repeats add up.

    Raises:
        IndexError: an index out of range, or None among the indices.
        RuntimeError: shapes or dtypes that don't fit.
    """
    _need_dtype("index_put", input, values)
    view, places = read_index(input, tuple(indices))
    if view:  # not only tensors: a slice, None or a number makes a view first
        raise IndexError("index_put: indices must be tensors")
    if not accumulate:
        return _replaced(input, places, values)
    spec, arrays = ops.split(places)
    shape = apply(ops.getitem, input.detach(), *arrays, spec=spec).shape
    return _added(input, places, values.expand(shape))


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of the input with flat elements written: out.reshape(-1)[index] = source.

    Args:
        input: any shape.
        index: int64.
        source: as many elements as the index has, of the input's dtype.
        accumulate: add to the elements there; repeats add up.

    Raises:
        RuntimeError: numbers of elements or dtypes that don't fit.
    """
    _need_dtype("put", input, source)
    if index.dtype.name != "int64" or index.numel() != source.numel():
        raise RuntimeError(
            f"put: expected an int64 index of as many elements as source, but got {index.dtype} of "
            f"{index.numel()} for {source.numel()}"
        )
    places, part = (index.reshape(-1),), source.reshape(-1)
    write = _added if accumulate else _replaced
    return write(input.reshape(-1), places, part).reshape(input.shape)


def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *,
    include_self: bool = True,
) -> Tensor:  # fmt: skip
    """`index_add`, but all rows that go to one place are reduced to one.

    Args:
        input: gives the rows that nothing goes to.
        dim, index, source: as for `index_add`.
        reduce: "prod", "mean", "amax" or "amin".
        include_self: the input's row is reduced with those that go to its place.
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"index_reduce: reduce must be prod, mean, amax or amin, but is {reduce!r}"
        )
    places, part = _row_places("index_reduce", input, dim, index, source)
    line = _line(input)
    shape = [1] * line.ndim
    shape[len(places) - 1] = -1
    wide = to_dtype(places[-1], numpy.dtype("int64")).reshape(shape).expand(part.shape)
    out = scatter_reduce(line, dim, wide, part, reduce, include_self=include_self)
    return out.reshape(input.shape)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of the input with the first elements of source, in order, where a mask is True.

    Args:
        input, mask: any shapes that broadcast; the mask bool.
        source: at least as many elements as the mask has True, of the input's dtype.

    Raises:
        RuntimeError: too few elements, or dtypes that don't fit.
    """
    _need_dtype("masked_scatter", input, source)
    if mask.dtype.kind != "b":
        raise RuntimeError(f"masked_scatter: expected a bool mask, but got {mask.dtype}")
    shape = common_shape("masked_scatter", input.shape, mask.shape)
    wide = _line(input.expand(shape))
    where = mask.expand(wide.shape)
    count = int(where.sum().item())
    if count > source.numel():
        raise RuntimeError(
            f"masked_scatter: the mask has {count} places, but source {source.numel()} elements"
        )
    return _replaced(wide, (where,), source.reshape(-1)[:count]).reshape(shape)
