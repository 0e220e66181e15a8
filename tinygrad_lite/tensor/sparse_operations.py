"""What is calculated of sparse tensors: products, sums, softmax, and what moves their places.

Each rule has PyTorch's name and is found by it, as a function, method or operator
(`SparseTensor.__torch_function__`). All are made of recorded operations on indices and values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .arrange import repeat_interleave
from .base import TensorBase
from .check import is_int
from .concatenate import cat
from .create import arange
from .dims import axes, axis
from .elementwise import add as dense_add
from .order import unique
from .sparse import (
    CASTS,
    RULES,
    ZERO_TO_ZERO,
    SparseTensor,
    flat,
    made,
    shaped,
    sparse_coo_tensor,
    to_sparse,
)

__all__ = ["addmm", "log_softmax", "mm", "softmax", "sparse_coo_tensor", "sum", "to_sparse"]


def _rule(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function be what PyTorch's functions of some names do with sparse tensors."""

    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        RULES.update(dict.fromkeys(names, function))
        return function

    return keep


def _is(x: Any) -> bool:
    return isinstance(x, SparseTensor)


def _of(new: Any, source: Any) -> Any:
    """A sparse tensor, and the dense one that a gradient of all its elements goes to.

    What is linear in a sparse tensor made of a dense one passes such a gradient on, as in PyTorch.
    """
    new._source = source
    return new


def _casting(name: str) -> Callable[..., Any]:
    def cast(x: Any, *args: Any, **kwargs: Any) -> Any:
        values = getattr(x._values_, name)(*args, **kwargs)
        if values is x._values_:
            return x
        cast = x._with(values)
        if x._source is None or name == "detach":
            return cast
        return _of(cast, getattr(x._source, name)(*args, **kwargs))

    return cast


def _each(name: str) -> Callable[..., Any]:
    def of_values(x: Any) -> Any:
        whole = x.coalesce()
        new = whole._with(getattr(whole._values_, name)())
        return _of(new, -x._source) if name == "neg" and x._source is not None else new

    return of_values


RULES.update({name: _casting(name) for name in CASTS}, data=_casting("detach"))
RULES.update(to_sparse=to_sparse, is_same_size=lambda x, y: x.shape == y.shape)
RULES.update(element_size=lambda x: x._values_.element_size())
RULES.update({name: _each(name) for name in ZERO_TO_ZERO})


@_rule("mm", "matmul", "spmm", "dsmm", "mv")
def product(a: Any, b: Any) -> Any:
    """A B for matrices of which one or both are sparse: sparse if both are, else dense.

    A gradient reaches all of a dense tensor that A or B was made of, as in PyTorch.
    """
    if a._source is not None if _is(a) else False:
        return product(a._source, b)
    if b._source is not None if _is(b) else False:
        return product(a, b._source)
    return mm(a, b) if _is(a) or _is(b) else a @ b


def mm(mat1: Any, mat2: Any, reduce: str | None = None) -> Any:
    """A B for matrices of which one or both are sparse: sparse if both are, else dense.

    A gradient reaches what A and B name.

    Args:
        mat1: A, (n, m).
        mat2: B, (m, k), or (m) beside a sparse A.
        reduce: must be None.

    Raises:
        RuntimeError: shapes or dtypes that don't fit.
        NotImplementedError: batches, dense dimensions, or another reduction.

    Example:
        >>> torch.sparse.mm(torch.eye(2).to_sparse(), torch.ones(2, 1))
        tensor([[1.],
                [1.]])
    """
    if reduce is not None:
        raise NotImplementedError("sparse.mm: there is no reduction but the sum")
    a, b = mat1, mat2
    if not (_is(a) or _is(b)):
        return a.mm(b)
    for x in (a, b):
        if _is(x) and (x.sparse_dim(), x.dense_dim()) != (2, 0):
            raise NotImplementedError("mm: a sparse operand must be a matrix of sparse dimensions")
    if a.dtype != b.dtype:
        raise RuntimeError(f"mm: expected operands of one dtype, but got {a.dtype} and {b.dtype}")
    if not _is(a):  # Bᵀ Aᵀ, turned
        turned = mm(transpose(b, 0, 1), a.t())
        return turned.t() if a.ndim > 1 else turned
    if a.shape[1] != b.shape[0] or b.ndim > 2:
        raise RuntimeError(f"mm: shapes {tuple(a.shape)} and {tuple(b.shape)} cannot be multiplied")
    if b.ndim == 1 and not _is(b):
        return mm(a, b[:, None]).squeeze(1)
    rows, cols = a._indices_
    if _is(b):
        return _both(a, b.coalesce(), rows, cols)
    terms = b.index_select(0, cols) * a._values_[:, None]
    return b.new_zeros((a.shape[0], b.shape[1])).index_add(0, rows, terms)


def _both(a: Any, b: Any, rows: Any, cols: Any) -> Any:
    """A B of two sparse matrices: each of A's places beside all of B's in the row of its column."""
    counts = b._indices_[0].bincount(minlength=b.shape[0])
    first = (counts.cumsum(0) - counts)[cols]
    n = counts[cols]
    of_a = repeat_interleave(arange(len(cols)), n)
    within = arange(len(of_a)) - (n.cumsum(0) - n)[of_a]
    of_b = first[of_a] + within
    indices = cat([rows[of_a][None], b._indices_[1][of_b][None]])
    values = a._values_[of_a] * b._values_[of_b]
    return made(indices, values, (a.shape[0], b.shape[1])).coalesce()


@_rule("addmm")
def _addmm(mat: Any, mat1: Any, mat2: Any, *, beta: float = 1.0, alpha: float = 1.0) -> Any:
    return beta * mat + alpha * product(mat1, mat2)


def addmm(mat: Any, mat1: Any, mat2: Any, *, beta: float = 1.0, alpha: float = 1.0) -> Any:
    """β C + α A B, for a dense C and a sparse A."""
    return beta * mat + alpha * mm(mat1, mat2)


@_rule("linear")
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """x Wᵀ + b of a sparse x."""
    y = product(input, weight.t())
    return y if bias is None else y + bias


@_rule("add_", "iadd")
def added(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """x += α y of a dense x and a sparse y."""
    if _is(input):
        raise NotImplementedError("add_: sparse tensors are not changed in place")
    return input.add_(other._whole(), alpha=alpha)


@_rule("add")
def add(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """x + α y: dense if x is, sparse if both are."""
    if not _is(input):
        return dense_add(input, other._whole(), alpha=alpha)
    if not _is(other):
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
    _need_one_shape("add", input, other)
    other = other if alpha == 1 else mul(other, alpha)
    values = cat([input._values_, other._values_])
    indices = cat([input._indices_, other._indices_], 1)
    new = made(indices, values, input._size).coalesce()
    if input._source is None and other._source is None:
        return new
    return _of(new, input._whole() + other._whole())


@_rule("sub")
def sub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """x − α y, as `add`."""
    return add(input, other, alpha=-alpha)


@_rule("mul", "multiply")
def mul(input: Any, other: Any) -> Any:
    """x y for a sparse x: sparse, with its places."""
    x, y = (input, other) if _is(input) else (other, input)
    if _is(y):
        raise NotImplementedError("mul: of two sparse tensors")
    factor = y.expand(x._size)[tuple(x._indices_)] if getattr(y, "ndim", 0) else y
    new = x._with(x._values_ * factor)
    return new if x._source is None else _of(new, x._source * y)


@_rule("div", "divide", "true_divide", "truediv")
def div(input: Any, other: Any) -> Any:
    """x / y for a number y."""
    if not _is(input) or _is(other) or (isinstance(other, TensorBase) and other.ndim):
        raise RuntimeError("div: a sparse tensor is divided by a number alone")
    new = input._with(input._values_ / other)
    return new if input._source is None else _of(new, input._source / other)


def _need_one_shape(name: str, x: Any, y: Any) -> None:
    if x.shape != y.shape or (_is(y) and y.sparse_dim() != x.sparse_dim()):
        raise RuntimeError(f"{name}: sparse tensors of shapes {x._size} and {tuple(y.shape)}")


@_rule("sum")
def _sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """As `sum`, but of integers int64; and all elements get the gradient of their sum."""
    if dim is None and input._source is not None:
        return input._source.sum(dtype=dtype)
    whole = RULES["long"](input) if dtype is None and input.dtype.kind in "iub" else input
    return sum(whole, dim, keepdim, dtype=dtype)


def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum over all elements, dense; or over some sparse dimensions, sparse if any are left.

    Args:
        input: a sparse tensor.
        dim: an integer or several.
        keepdim: keep these with size 1.
        dtype: of the sum.
    """
    x = input if dtype is None else RULES["to"](input, dtype)
    gone = axes("sum", shaped(x._size), dim)
    if len(gone) == len(x._size) and not keepdim:
        return x._values_.sum()
    if any(d >= x.sparse_dim() for d in gone):
        raise NotImplementedError("sum: over sparse dimensions, or all")
    kept = [d for d in range(len(x._size)) if d not in gone or keepdim]
    rows = [x._indices_[d] * (d not in gone) for d in kept if d < x.sparse_dim()]
    if not rows:
        return x._values_.sum(0)
    size = tuple(1 if d in gone else x._size[d] for d in kept)
    return made(cat([row[None] for row in rows]), x._values_, size).coalesce()


def softmax(input: Any, dim: int, *, dtype: Any = None, _log: bool = False) -> Any:
    """softmax along a sparse dimension among the elements that are named; others stay zero.

    Args:
        input: a sparse tensor, floating point, without dense dimensions.
        dim: the dimension.
        dtype: what the elements become first.
    """
    x = (input if dtype is None else input.to(dtype)).coalesce()
    at = axis("softmax", shaped(x._size), dim)
    if x.dense_dim() or not x.is_floating_point():
        raise NotImplementedError("sparse.softmax: of real numbers, without dense dimensions")
    others = [d for d in range(len(x._size)) if d != at]
    line = flat(x._indices_[others], tuple(x._size[d] for d in others))
    lines, which = unique(line, return_inverse=True)
    v, n = x._values_, len(lines)
    top = v.detach().new_zeros(n).scatter_reduce(0, which, v.detach(), "amax", include_self=False)
    short = v - top[which]
    e = short.exp()
    total = e.new_zeros(n).index_add(0, which, e)[which]
    return x._with(short - total.log() if _log else e / total)


def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """ln softmax along a sparse dimension; see `softmax`."""
    return softmax(input, dim, dtype=dtype, _log=True)


@_rule("t", "T", "mT", "adjoint")
def t(input: Any) -> Any:
    """The transpose of a matrix."""
    return transpose(input, 0, 1)


@_rule("transpose", "swapaxes", "swapdims")
def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Two sparse dimensions in each other's place."""
    a, b = (
        axis("transpose", shaped(input._size), dim0),
        axis("transpose", shaped(input._size), dim1),
    )
    if max(a, b) >= input.sparse_dim():
        raise NotImplementedError("transpose: of sparse dimensions")
    order = [*range(len(input._size))]
    order[a], order[b] = b, a
    indices = input._indices_[order[: input.sparse_dim()]]
    size = tuple(input._size[d] for d in order)
    turned = made(indices, input._values_, size, a == b and input._sorted)
    return turned if input._source is None else _of(turned, input._source.transpose(a, b))


@_rule("getitem")
def getitem(input: Any, index: Any) -> Any:
    """The part at integers along the first dimensions."""
    x = input
    for at in index if isinstance(index, tuple) else (index,):
        if not is_int(at):
            raise NotImplementedError("sparse tensors: an index must be an int, or several")
        x = select(x, 0, at)
    return x


@_rule("unbind")
def unbind(input: Any, dim: int = 0) -> Any:
    """The parts along a sparse dimension."""
    return tuple(select(input, dim, at) for at in range(input.size(dim)))


@_rule("copy_")
def overwrite(input: Any, src: Any, non_blocking: bool = False) -> Any:
    """Another sparse tensor's places and numbers in place of a leaf's own, as a state dict asks."""
    if not (_is(input) and _is(src)) or input.shape != src.shape or input.requires_grad:
        raise RuntimeError("copy_: of one sparse tensor into another of its size, without gradient")
    input._indices_, input._sorted = src._indices_, src._sorted
    input._values_ = src._values_.detach().to(input.dtype)
    return input


@_rule("zeros_like")
def zeros_like(input: Any, *, dtype: Any = None, **_: Any) -> Any:
    """A sparse tensor of the same size that names nothing."""
    return made(input._indices_[:, :0], input._values_.detach()[:0].to(dtype), input._size, True)


@_rule("select")
def select(input: Any, dim: int, index: int) -> Any:
    """The part at an index along a sparse dimension; dense if no dimension is left."""
    d = axis("select", shaped(input._size), dim)
    size = input._size[d]
    if not -size <= index < size or d >= input.sparse_dim():
        raise IndexError(f"select: index {index} is out of range of sparse dimension {d} of {size}")
    here = input._indices_[d] == index % size
    rest = [k for k in range(input.sparse_dim()) if k != d]
    if not rest:
        return input._values_[here].sum(0)
    sizes = input._size[:d] + input._size[d + 1 :]
    return made(input._indices_[rest][:, here], input._values_[here], sizes, input._sorted)
