"""The device "meta": arrays that have a shape and a dtype, and no memory.

A `MetaArray` holds a NumPy array of its shape whose elements are all one and the same (strides of
0), so NumPy itself says what a view of it or a reduction looks like; the values mean nothing. What
would take time or memory by its size (elementwise functions, products of matrices, reductions,
joining, new arrays) is answered from the shapes. Everything else is done as usual, and its result
forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy

from .devices import Namespace
from .plain.strided import windows_of

__all__ = ["MetaArray", "make"]


def _read() -> NoReturn:
    raise NotImplementedError(
        "Cannot copy out of meta tensor; no data! (Module.to_empty() gives a module memory.)"
    )


class MetaArray(numpy.lib.mixins.NDArrayOperatorsMixin):
    """An array without memory.

    Args:
        shape, dtype: what it has.

    Attributes:
        host: a NumPy array of that shape, of one element.
        base: of a view the array that it is one of, else None.
    """

    __slots__ = ("__weakref__", "base", "host")

    data = SimpleNamespace(ptr=0)  # where it lies, as CuPy says it

    def __init__(self, shape: Any, dtype: Any) -> None:
        shape = tuple(shape) if numpy.iterable(shape) else (shape,)
        one = numpy.ones((), dtype)
        self.host = numpy.lib.stride_tricks.as_strided(one, shape, (0,) * len(shape))
        self.base: MetaArray | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__array_"):  # through which NumPy would take the elements
            raise AttributeError(f"a meta array has no {name}")
        if name in _ALIKE or name in _REDUCTIONS:
            return partial(getattr(_library, name), self)
        value = getattr(self.host, name)
        return _wrapped(value, self) if callable(value) else _outside(value, [self])

    @property
    def strides(self) -> tuple[int, ...]:
        """Those of an array in C order."""
        found = [self.host.itemsize]
        for size in self.host.shape[:0:-1]:
            found.insert(0, found[0] * size)
        return tuple(found[: self.host.ndim])

    @property
    def flags(self) -> SimpleNamespace:
        """Those of an array in C order."""
        return SimpleNamespace(
            c_contiguous=True, f_contiguous=self.host.ndim < 2, contiguous=True, writeable=True
        )

    def copy(self, order: str = "C") -> MetaArray:
        """Another one."""
        return MetaArray(self.host.shape, self.host.dtype)

    def astype(self, dtype: Any, *args: Any, copy: bool = True, **words: Any) -> MetaArray:
        """One of another dtype."""
        same = not copy and self.host.dtype == dtype
        return self if same else MetaArray(self.host.shape, dtype)

    def __getitem__(self, key: Any) -> Any:
        for part in key if isinstance(key, tuple) else (key,):
            if isinstance(part, MetaArray) and part.dtype == bool:
                _read()  # how many it picks
        return _outside(self.host[_inside(key)], [self])

    def __setitem__(self, key: Any, value: Any) -> None:
        shape = self.host[_inside(key)].shape  # an index out of range, or a value too large
        numpy.broadcast_to(_inside(value), shape)

    def __len__(self) -> int:
        return len(self.host)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self.host)))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **words: Any) -> Any:
        out = words.pop("out", None)
        if out is not None:
            return out[0] if len(out) == 1 else out
        if method == "at":
            return None
        if method != "__call__" or (ufunc.signature and ufunc is not numpy.matmul):
            return _wrapped(getattr(ufunc, method))(*inputs, **words)
        arrays = [x for x in inputs if isinstance(x, MetaArray | numpy.ndarray)]
        if ufunc is numpy.matmul:
            shape = _matmul(*(x.shape for x in arrays))
        else:
            shape = numpy.broadcast_shapes(*(x.shape for x in arrays))
        ones = [numpy.ones((), x.dtype) if hasattr(x, "dtype") else x for x in inputs]
        words.pop("where", None)
        one = numpy.multiply if ufunc is numpy.matmul else ufunc
        with numpy.errstate(all="ignore"):
            found = one(*ones, **words)
        if isinstance(found, tuple):
            return tuple(MetaArray(shape, part.dtype) for part in found)
        return MetaArray(shape, found.dtype)

    def __deepcopy__(self, memo: Any) -> MetaArray:
        return self.copy()

    def __reduce__(self) -> Any:
        return MetaArray, (self.host.shape, self.host.dtype)

    def item(self, *args: Any) -> NoReturn:
        """There is no number to be had.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")

    def __array__(self, *args: Any, **words: Any) -> NoReturn:
        _read()

    def __bool__(self) -> NoReturn:
        _read()

    __float__ = __int__ = __index__ = __bool__
    tolist = tobytes = __array__


def _matmul(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a product of matrices.

    Raises:
        ValueError: the sizes do not fit.
    """
    rows, columns = (a if len(a) > 1 else (1, *a)), (b if len(b) > 1 else (*b, 1))
    if rows[-1] != columns[-2]:
        raise ValueError(f"matmul: {rows[-1]} is different from {columns[-2]}")
    end = (rows[-2] if len(a) > 1 else None, columns[-1] if len(b) > 1 else None)
    batch = numpy.broadcast_shapes(rows[:-2], columns[:-2])
    return (*batch, *(size for size in end if size is not None))


def _inside(value: Any) -> Any:
    """The same with NumPy's arrays in place of ours."""
    if isinstance(value, MetaArray):
        return value.host
    if isinstance(value, tuple | list):
        return type(value)(map(_inside, value))
    return value


def _outside(value: Any, sources: Any) -> Any:
    """A result of NumPy's as ours: a view of one of the sources, or new."""
    if isinstance(value, tuple | list):
        parts = [_outside(part, sources) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if not isinstance(value, numpy.ndarray | numpy.generic):
        return value
    made = MetaArray(value.shape, value.dtype)
    for source in sources:
        if isinstance(source, MetaArray):
            if source.host is value:
                return source
            if numpy.may_share_memory(source.host, value):
                made.base = source
    return made


def _wrapped(function: Callable[..., Any], *owner: MetaArray) -> Callable[..., Any]:
    """NumPy's function, or a method of an array, of our arrays."""

    def call(*args: Any, **words: Any) -> Any:
        result = function(*_inside(args), **{word: _inside(v) for word, v in words.items()})
        return _outside(result, [*owner, *args])

    return call


_ALIKE = frozenset("argsort cumprod cumsum flip roll sort tril triu".split())
_REDUCTIONS = frozenset(
    "all amax amin any argmax argmin count_nonzero max mean min prod std sum var".split()
)


def _shrunk(name: str) -> Callable[..., Any]:
    """A function of `_ALIKE` or `_REDUCTIONS`, asked of one element in as many dimensions."""
    function = getattr(numpy, name)
    usual = _wrapped(function)

    def call(a: MetaArray, *args: Any, **words: Any) -> Any:
        words.pop("where", None)
        if a.size == 0:
            return usual(a, *args, **words)
        one = function(numpy.ones((1,) * a.ndim, a.dtype), *args, **words)
        if name in _ALIKE:
            return MetaArray(a.shape, one.dtype)
        axis = words["axis"] if "axis" in words else args[0] if args else None
        axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        gone = {each % a.ndim for each in axes}
        shape = [1 if i in gone else n for i, n in enumerate(a.shape)]
        if numpy.ndim(one) < a.ndim:  # no keepdims
            shape = [n for i, n in enumerate(a.shape) if i not in gone]
        return MetaArray(shape, one.dtype)

    return call


class _Linalg:
    """`numpy.linalg`, whose arrays are ours; no matrix is singular."""

    def __getattr__(self, name: str) -> Any:
        return _wrapped(getattr(numpy.linalg, name))

    def inv(self, a: Any) -> MetaArray:
        """A new array."""
        return MetaArray(a.shape, a.dtype)

    cholesky = inv

    def solve(self, a: Any, b: Any) -> MetaArray:
        """A new array, for b (…, n, k)."""
        batch = numpy.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return MetaArray((*batch, *b.shape[-2:]), numpy.result_type(a.dtype, b.dtype))


class _Library:
    """NumPy, whose arrays are ours."""

    linalg = _Linalg()

    def __getattr__(self, name: str) -> Any:
        if name in _ALIKE or name in _REDUCTIONS:
            return _shrunk(name)
        value = getattr(numpy, name)
        return (
            value
            if isinstance(value, type | numpy.ufunc) or not callable(value)
            else _wrapped(value)
        )

    def empty(self, shape: Any, dtype: Any = float, *args: Any, **words: Any) -> MetaArray:
        """A new array."""
        return MetaArray(shape, dtype)

    zeros = ones = empty

    def ascontiguousarray(self, x: Any) -> MetaArray:
        """Another one."""
        return MetaArray(x.shape, x.dtype)

    def full(self, shape: Any, fill_value: Any, dtype: Any = None) -> MetaArray:
        """A new array."""
        return MetaArray(
            shape, numpy.asarray(_inside(fill_value)).dtype if dtype is None else dtype
        )

    def empty_like(self, x: Any, dtype: Any = None, shape: Any = None, **words: Any) -> MetaArray:
        """A new array of another's shape and dtype, if they are not given."""
        return MetaArray(x.shape if shape is None else shape, x.dtype if dtype is None else dtype)

    zeros_like = ones_like = empty_like

    def full_like(self, x: Any, fill_value: Any, dtype: Any = None, **words: Any) -> MetaArray:
        """A new array of another's shape and dtype, if that is not given."""
        return self.empty_like(x, dtype)

    def concatenate(self, arrays: Any, axis: int = 0) -> MetaArray:
        """A new array of others, one after another; their other sizes are the same."""
        shapes = [[*a.shape] for a in arrays]
        length = sum(shape[axis] for shape in shapes)
        for shape in shapes:
            shape[axis] = 0
        empty = [numpy.empty(shape, a.dtype) for shape, a in zip(shapes, arrays, strict=True)]
        found = numpy.concatenate(empty, axis)
        shape = [*found.shape]
        shape[axis] = length
        return MetaArray(shape, found.dtype)

    def stack(self, arrays: Any, axis: int = 0) -> MetaArray:
        """A new array of others, along a new axis."""
        return self.concatenate([self.expand_dims(a, axis) for a in arrays], axis)

    def take_along_axis(self, a: Any, indices: Any, axis: int) -> MetaArray:
        """The elements of a at indices of an axis."""
        shape = [*a.shape]
        shape[axis] = 1
        return MetaArray(numpy.broadcast_shapes(tuple(shape), indices.shape), a.dtype)

    def where(self, condition: Any, *choices: Any) -> Any:
        """Which element is of which array; of a condition alone nobody can tell where it holds."""
        if not choices:
            _read()
        parts = [c if hasattr(c, "shape") else numpy.asarray(c) for c in (condition, *choices)]
        like = [c.dtype if hasattr(c, "dtype") else c for c in choices]
        shape = numpy.broadcast_shapes(*(part.shape for part in parts))
        return MetaArray(shape, numpy.result_type(*like))

    def nonzero(self, x: Any, *args: Any, **words: Any) -> NoReturn:
        """Nobody can tell how many elements are not 0, or differ, or how large they are.

        Raises:
            NotImplementedError: always.
        """
        _read()

    bincount = unique = nonzero

    def asnumpy(self, array: Any) -> NoReturn:
        """There is nothing to copy.

        Raises:
            NotImplementedError: always.
        """
        _read()


_library = _Library()


def _view(array: MetaArray, shape: Any) -> MetaArray:
    """A view of a shape of one's own."""
    made = MetaArray(shape, array.dtype)
    made.base = array
    return made


def make() -> Namespace:
    """The namespace of the device."""
    space: Any = Namespace("meta", _library, MetaArray, kernels="plain")
    space.copy = lambda x, *args, **words: x.copy()
    space.as_strided = lambda x, size, stride, offset: _view(x, size)
    space.windows = lambda x, axis, size, step: _view(x, windows_of(x, axis, size, step)[0])
    space.all_below = lambda *args, **words: True  # labels, which nobody can check
    return space  # type: ignore[no-any-return]
