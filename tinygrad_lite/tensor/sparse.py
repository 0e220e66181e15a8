"""Sparse tensors: places and the numbers there, as PyTorch's `torch.sparse_coo` has them.

A sparse tensor is made of two dense ones, `indices` (sparse dimensions, n) and `values` (n, …), and
of a size; what is named twice counts as the sum. Its gradients are those of its values: all that is
here is calculated by recorded operations on them. It has no array, so what is not here refuses,
wherever it looks for one, and what is says so in `RULES`.

Loaded when the first sparse tensor is made: programs without one pay nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from . import info
from .concatenate import stack
from .create import as_tensor, zeros
from .dims import axis
from .functions import unravel_index
from .order import nonzero, unique
from .printing import _notes, _tensor_str, noted
from .size import Size
from .subclass import DisableTorchFunctionSubclass, adopt
from .tensor import Tensor

CASTS = frozenset(
    "to cpu cuda double float half bfloat16 long int short char byte bool cfloat cdouble clone "
    "detach".split()
)
ZERO_TO_ZERO = frozenset(
    "abs neg sqrt relu sign sin tan sinh tanh asin asinh atan atanh ceil floor trunc round expm1 "
    "log1p square erf".split()
)
_FACTS = frozenset(
    "is_floating_point is_complex is_signed is_tensor get_device is_sparse layout".split()
)


def shaped(size: tuple[int, ...]) -> Any:
    """What `dims` looks at of a tensor: its shape."""
    return SimpleNamespace(array=SimpleNamespace(shape=size))


RULES: dict[str, Callable[..., Any]] = {}
"""What a function of a name makes of sparse tensors; `sparse_operations.py` fills it."""


class SparseTensor(Tensor):
    """A sparse tensor; `sparse_coo_tensor` and `Tensor.to_sparse` make it."""

    _indices_: Any
    _values_: Any
    _size: tuple[int, ...]
    _sorted: bool  # whether each place is named once, in order
    _source: Any  # a copy of the dense tensor that this was made of, if it requires a gradient

    @property
    def array(self) -> Any:
        """There is none.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("sparse tensors: not implemented; x.to_dense() is dense")

    layout = property(lambda self: info.sparse_coo)
    is_sparse = property(lambda self: True)
    shape = property(lambda self: Size(self._size))
    dtype = property(lambda self: self._values_.dtype)
    device = property(lambda self: self._values_.device)
    ndim = property(lambda self: len(self._size))
    requires_grad = property(lambda self: self._values_.requires_grad)
    is_leaf = property(lambda self: not self._values_.requires_grad)
    grad_fn = property(lambda self: self._values_.grad_fn)

    def size(self, dim: int | None = None) -> Any:
        """The size, or that of a dimension."""
        return self.shape if dim is None else self._size[axis("size", shaped(self._size), dim)]

    def dim(self) -> int:
        """The number of dimensions."""
        return len(self._size)

    def numel(self) -> int:
        """The number of elements, zeros included."""
        return math.prod(self._size)

    def __len__(self) -> int:
        return int(self._size[0])

    def _nnz(self) -> int:
        return int(self._indices_.shape[1])

    def sparse_dim(self) -> int:
        """How many dimensions the indices are of."""
        return int(self._indices_.shape[0])

    def dense_dim(self) -> int:
        """How many dimensions each value has."""
        return int(self._values_.ndim - 1)

    def is_coalesced(self) -> bool:
        """Whether each place is named once, in order."""
        return self._sorted

    def _indices(self) -> Any:
        return self._indices_

    def _values(self) -> Any:
        return self._values_

    def indices(self) -> Any:
        """The places, (sparse dimensions, n).

        Raises:
            RuntimeError: a place may be named twice.
        """
        return self._known("indices", self._indices_)

    def values(self) -> Any:
        """The numbers, (n, …). Raises as `indices`."""
        return self._known("values", self._values_)

    def _known(self, what: str, found: Any) -> Any:
        if not self._sorted:
            raise RuntimeError(
                f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first"
            )
        return found

    def coalesce(self) -> Any:
        """The same with each place named once, in order: the numbers there are added."""
        if self._sorted:
            return self
        sizes = self._size[: self.sparse_dim()]
        places, which = unique(flat(self._indices_, sizes), return_inverse=True)
        given = self._values_
        whole = given.long() if given.dtype.kind == "b" else given
        sums = whole.new_zeros((places.shape[0], *given.shape[1:])).index_add(0, which, whole)
        rows = unravel_index(places, sizes) if sizes else ()
        indices = stack(rows) if sizes else self._indices_[:, :1]
        return made(indices, sums.to(given.dtype), self._size, True)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Any:
        """The dense tensor; a gradient reaches the places that are named.

        Args:
            dtype: must be None, as in PyTorch.
            masked_grad: has no effect.
        """
        if dtype is not None:
            raise RuntimeError("dtype argument is not supported by sparse_to_dense")
        sizes, given = self._size[: self.sparse_dim()], self._values_
        whole = given.long() if given.dtype.kind == "b" else given
        zero = whole.new_zeros((math.prod(sizes), *given.shape[1:]))
        filled = zero.index_add(0, flat(self._indices_, sizes), whole)
        return filled.to(given.dtype).reshape(self._size)

    def _whole(self) -> Any:
        """The dense tensor, whose gradient reaches all of what this was made of."""
        return self.to_dense() if self._source is None else self._source

    def _with(self, values: Any) -> Any:
        """Other values in the same places."""
        return made(self._indices_.to(values.device), values, self._size, self._sorted)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Itself, if nothing changes.

        Raises:
            NotImplementedError: it would become a leaf; its values may be one.
        """
        if requires_grad is not self.requires_grad:
            raise NotImplementedError("sparse tensors: let their values require a gradient")
        return self

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """In a dtype; without one the name of its type, such as "torch.sparse.FloatTensor"."""
        if dtype is None:
            return self._values_.type().replace("torch.", "torch.sparse.")
        return self._with(self._values_.type(dtype))

    def item(self) -> Any:
        """The only element."""
        return self.to_dense().item()

    def tolist(self) -> Any:
        """Not possible: RuntimeError."""
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")

    def numpy(self, *, force: bool = False) -> Any:
        """Not possible: TypeError."""
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self._with(self._values_.detach().clone())

    def __reduce_ex__(self, protocol: Any) -> Any:
        values = self._values_.detach()
        return made, (self._indices_, values, self._size, self._sorted)

    def __repr__(self) -> str:
        parts = []
        for name, part in ("indices", self._indices_), ("values", self._values_.detach()):
            text = _tensor_str(part, len(f"tensor({name}=tensor("))
            size = "" if part.numel() else f", size={tuple(part.shape)}"
            parts.append(f"{name}=tensor({text}{size})")
        notes = [note for note in _notes(self._values_) if not note.startswith("size=")]
        at = 1 if self.device.type != "cpu" else 0
        notes[at:at] = [f"size={self._size}", f"nnz={self._nnz()}"]
        at += 3 if any(note.startswith("dtype=") for note in notes) else 2
        notes.insert(at, f"layout={self.layout}")
        return noted("tensor(" + ",\n       ".join(parts), notes, 7, apart=True)

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """What a function makes of sparse tensors.

        Raises:
            NotImplementedError: it is not here for them.
        """
        name = func.__name__
        rule = RULES.get(name[2:-2] if name.startswith("__") else name)
        with DisableTorchFunctionSubclass():
            if name in _FACTS:
                return func(*args, **(kwargs or {}))
            if rule is None:
                raise NotImplementedError(
                    f"{name}: not implemented for sparse tensors; x.to_dense() is dense"
                )
            return rule(*args, **(kwargs or {}))


def made(indices: Any, values: Any, size: tuple[int, ...], in_order: bool = False) -> Any:
    """A sparse tensor of its parts, which are not looked at."""
    adopt(SparseTensor)  # the first time functions begin to look for such
    new = object.__new__(SparseTensor)
    new._grad = new._node = new._view = new._source = None
    new._indices_, new._values_, new._size, new._sorted = indices, values, size, in_order
    return new


def flat(indices: Any, sizes: tuple[int, ...]) -> Any:
    """The number of each place, counted row by row."""
    found = indices.new_zeros(indices.shape[1])
    for row, size in zip(indices, sizes, strict=True):
        found = found * size + row
    return found


def sparse_coo_tensor(
    indices: Any = None,
    values: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Any:
    """A sparse tensor of places and the numbers there; what is named twice counts as the sum.

    Args:
        indices: (sparse dimensions, n), integers; without values all is zero.
        values: (n, …); a gradient of the result is theirs.
        size: of all dimensions; default: what the indices need.
        dtype, device: of the result; default: the values'.
        requires_grad: must be False, unless the values require a gradient.
        pin_memory, check_invariants: without effect: indices are always looked at.
        is_coalesced: whether each place is named once, in order.

    Raises:
        RuntimeError: indices that are negative or beyond the size, or parts that don't fit.
        NotImplementedError: `requires_grad`.

    Example:
        >>> torch.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
        tensor([[0., 0., 3.],
                [4., 0., 0.]])
    """
    if values is None:
        size = indices if size is None else size
        indices, values = zeros(len(size), 0), zeros(0, dtype=dtype)
    values = as_tensor(values, dtype=dtype, device=device)
    places = as_tensor(indices, device=values.device).long()
    if places.ndim != 2:
        raise RuntimeError(
            f"sparse_coo_tensor: indices must be (dimensions, n), but are {tuple(places.shape)}"
        )
    count = places.shape[1]
    if values.ndim == 0:
        values = values.expand(count)
    if values.shape[0] != count:
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {count}, nnz from "
            f"values: {values.shape[0]}"
        )
    ends = (places.amax(1) + 1).tolist() if count else [0] * places.shape[0]
    sizes = (*ends, *values.shape[1:]) if size is None else tuple(map(int, size))
    if len(sizes) != len(ends) + values.ndim - 1 or sizes[len(ends) :] != values.shape[1:]:
        raise RuntimeError(
            f"sparse_coo_tensor: size {sizes} does not fit indices of {len(ends)} dimensions and "
            f"values of shape {tuple(values.shape)}"
        )
    if count and (places.amin() < 0 or any(e > s for e, s in zip(ends, sizes, strict=False))):
        raise RuntimeError(f"sparse_coo_tensor: indices beyond the size {sizes}")
    if requires_grad and not values.requires_grad:
        raise NotImplementedError("sparse_coo_tensor: let the values require a gradient")
    return made(places, values, sizes, count < 2 or bool(is_coalesced))  # one place is in order


def to_sparse(
    input: Any,
    sparse_dim: int | None = None,
    *,
    layout: Any = None,
    blocksize: Any = None,
    dense_dim: int | None = None,
) -> Any:
    """See `Tensor.to_sparse`."""
    if layout not in (None, info.sparse_coo) or blocksize is not None or dense_dim is not None:
        raise NotImplementedError(f"to_sparse: {layout}: there is torch.sparse_coo alone")
    if isinstance(input, SparseTensor):
        if sparse_dim not in (None, input.sparse_dim()):
            raise RuntimeError("to_sparse: a sparse tensor keeps its sparse dimensions")
        return input
    n = input.ndim if sparse_dim is None else sparse_dim
    if not min(1, input.ndim) <= n <= input.ndim:
        raise RuntimeError(f"to_sparse: sparse_dim must be in [1, {input.ndim}], but is {n}")
    given = input.detach() != 0
    places = nonzero(given.flatten(n).any(-1) if n < input.ndim else given).t()
    values = input[tuple(places)] if n else input.reshape(1)[: places.shape[1]]
    new = made(places, values, tuple(input.shape), True)
    if values.requires_grad:
        new._source = input.clone()  # which stays what it is now
    return new
