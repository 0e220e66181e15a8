"""Functions that make tensors. Draws happen on the host, whatever the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..backend import Device, capture, is_array, namespace, namespace_for, numpy, random
from .base import TensorBase
from .dims import sizes
from .modes import get_default_dtype
from .tensor import Tensor

__all__ = [
    "arange",
    "as_tensor",
    "bernoulli",
    "empty",
    "empty_like",
    "eye",
    "from_numpy",
    "full",
    "full_like",
    "linspace",
    "normal",
    "ones",
    "ones_like",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "tensor",
    "zeros",
    "zeros_like",
]

Place = str | Device | None


def tensor(
    data: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """A new tensor of numbers, nested lists, an array or a tensor; always a copy.

    Python floats become the default dtype, integers int64; arrays keep their dtype.

    Raises:
        TypeError: elements that are not numbers, such as an array of objects.
        ValueError: nested lists of different lengths.
    """
    if isinstance(data, TensorBase):
        array = namespace(data.array).array(data.array)
        device = data.device if device is None else device
    elif is_array(data):
        array = namespace(data).array(data)
        device = namespace(data).name if device is None else device
    else:
        array = _from_numbers(data, dtype)
    if dtype is not None:
        array = array.astype(dtype, copy=False)
    return Tensor(array).to(device=device or "cpu").requires_grad_(requires_grad)


def _from_numbers(data: Any, dtype: Any) -> Any:
    flat = list(_pieces(data))
    if any(isinstance(x, TensorBase) for x in flat):
        data = _numbers(data)
    array = numpy.array(data)
    if array.dtype == object or array.dtype.kind not in "biuf":
        raise TypeError(f"tensor: can't make a tensor of {type(data).__name__} with {array.dtype}")
    own = any(isinstance(x, numpy.generic) for x in flat)
    if dtype is None and (not flat or (array.dtype.kind == "f" and not own)):
        array = array.astype(get_default_dtype())
    return array


def _pieces(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for part in value:
            yield from _pieces(part)
    else:
        yield value


def _numbers(data: Any) -> Any:
    if isinstance(data, TensorBase):
        return data.tolist()
    return [_numbers(x) for x in data] if isinstance(data, list | tuple) else data


def as_tensor(data: Any, dtype: Any = None, device: Place = None) -> Tensor:
    """The data as a tensor, without a copy where possible."""
    if isinstance(data, TensorBase):
        out: Tensor = data  # type: ignore[assignment]
    else:
        out = Tensor(data) if is_array(data) else tensor(data)
    return out.to(dtype=dtype, device=device)


def from_numpy(array: Any) -> Tensor:
    """A tensor that shares memory with a NumPy array and keeps its dtype.

    Raises:
        TypeError: not a NumPy array, or one of objects, strings or complex numbers.
    """
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"from_numpy: expected a numpy.ndarray, but got {type(array).__name__}")
    return Tensor(array if type(array) is numpy.ndarray else array.view(numpy.ndarray))


def zeros(
    *size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of a shape."""
    return full(sizes("zeros", size), 0.0, dtype, device, requires_grad)


def ones(
    *size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Ones of a shape."""
    return full(sizes("ones", size), 1.0, dtype, device, requires_grad)


def empty(
    *size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """A shape with whatever elements the memory held."""
    array = namespace_for(device or "cpu").empty(
        sizes("empty", size), dtype=dtype or get_default_dtype()
    )
    return Tensor(array, requires_grad)


def full(
    size: Sequence[int] | int,
    fill_value: float,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """A shape filled with a number, whose type gives the dtype if none is given."""
    if dtype is None:
        whole = isinstance(fill_value, int | numpy.integer)
        dtype = "int64" if whole else get_default_dtype()
        dtype = "bool" if isinstance(fill_value, bool | numpy.bool_) else dtype
    shape = sizes("full", (size,)) if isinstance(size, Sequence) else (size,)
    array = namespace_for(device or "cpu").full(shape, fill_value, dtype=dtype)
    return Tensor(array, requires_grad)


def zeros_like(input: Tensor, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of a tensor's shape, dtype and device."""
    return full_like(input, 0, dtype, requires_grad)


def ones_like(input: Tensor, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of a tensor's shape, dtype and device."""
    return full_like(input, 1, dtype, requires_grad)


def empty_like(input: Tensor, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Memory of a tensor's shape, dtype and device, with whatever elements it held."""
    xp = namespace(input.array)
    return Tensor(xp.empty_like(input.array, dtype=dtype or input.dtype), requires_grad)


def full_like(
    input: Tensor, fill_value: float, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor's shape, dtype and device, filled with a number."""
    xp = namespace(input.array)
    array = xp.full_like(input.array, fill_value, dtype=dtype or input.dtype)
    return Tensor(array, requires_grad)


def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Start, start + step, … below end (or 0, 1, … below start, if it is alone)."""
    if end is None:
        start, end = 0, start
    if dtype is None:
        whole = all(isinstance(x, int | numpy.integer) for x in (start, end, step))
        dtype = "int64" if whole else get_default_dtype()
    array = namespace_for(device or "cpu").arange(start, end, step, dtype=dtype)
    return Tensor(array, requires_grad)


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers evenly spaced from start to end, both included."""
    array = numpy.linspace(start, end, steps).astype(dtype or get_default_dtype())
    return Tensor(namespace_for(device or "cpu").asarray(array), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Place = None) -> Tensor:
    """The identity matrix, n × m."""
    return Tensor(namespace_for(device or "cpu").eye(n, m, dtype=dtype or get_default_dtype()))


def _drawn(device: Place, draw: Callable[[], Any], requires_grad: bool = False) -> Tensor:
    """A tensor of host draws, made anew before each replay of a captured step."""
    return Tensor(capture.feed(namespace_for(device or "cpu"), draw), requires_grad)


def rand(
    *size: Any,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draws uniform on [0, 1)."""
    shape, dtype = sizes("rand", size), dtype or get_default_dtype()
    return _drawn(device, lambda: random.uniform(shape, dtype, generator), requires_grad)


def randn(
    *size: Any,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draws from the standard normal distribution."""
    shape, dtype = sizes("randn", size), dtype or get_default_dtype()
    return _drawn(device, lambda: random.normal(shape, dtype, generator), requires_grad)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Place = None,
) -> Tensor:
    """Normal draws: of one mean and deviation, in a shape; or elementwise, of tensors of them."""
    if size is not None:
        alone = randn(size, generator=generator, dtype=dtype, device=device)
        return alone.mul(std).add(mean)
    like = mean if isinstance(mean, TensorBase) else std
    if not isinstance(like, TensorBase):
        raise TypeError("normal: give a size, or tensors as mean or std")
    shape = numpy.broadcast_shapes(*(getattr(x, "shape", ()) for x in (mean, std)))
    drawn = randn(shape, generator=generator, dtype=like.dtype, device=like.device)
    return drawn.mul(std).add(mean).detach()


def rand_like(input: Tensor) -> Tensor:
    """Draws uniform on [0, 1), of a tensor's shape, dtype and device."""
    return rand(input.shape, dtype=input.dtype, device=input.device)


def randn_like(input: Tensor) -> Tensor:
    """Standard normal draws, of a tensor's shape, dtype and device."""
    return randn(input.shape, dtype=input.dtype, device=input.device)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Place = None,
) -> Tensor:
    """Integers uniform on [low, high), or on [0, low) if high is left out."""
    if not isinstance(high, int):
        low, high, size = 0, low, high if size is None else size
    shape = sizes("randint", (size,))
    return _drawn(device, lambda: random.integers(low, high, shape, dtype or "int64", generator))


def randperm(n: int, *, generator: random.Generator | None = None, device: Place = None) -> Tensor:
    """A random order of 0 … n−1, int64."""
    return _drawn(device, lambda: random.permutation(n, generator))


def bernoulli(input: Tensor, *, generator: random.Generator | None = None) -> Tensor:
    """1 with the probability that each element gives, else 0."""
    drawn = rand(input.shape, generator=generator, dtype="float32", device=input.device)
    return (drawn < input.detach()).to(dtype=input.dtype)
