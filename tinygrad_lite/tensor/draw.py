"""Functions that make tensors of random numbers. Draws happen on the host, whatever the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..backend import DType, capture, namespace_for, numpy, random
from ..backend.dtypes import DIFFERENTIABLE, FLOATING, as_dtype
from .base import TensorBase, new
from .create import Place, shape_of
from .dims import whole
from .element import dtype_of
from .index import common_shape
from .info import finfo
from .modes import default_or
from .tensor import Tensor

__all__ = [
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
]

Generator = random.Generator | None


def _drawn(device: Place, draw: Callable[[], Any], requires_grad: bool = False) -> Tensor:
    """A tensor of what `draw` draws on the host; it draws anew before each replay of a capture."""
    xp = namespace_for(device)
    return new(capture.feed(xp, draw)).requires_grad_(requires_grad)


def rand(
    *size: Any,
    generator: Generator = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    **sized: Any,
) -> Tensor:
    """Draws uniform on [0, 1), in a shape given as integers, one sequence, or `size=`.

    Args:
        generator: the source of draws; default: the default generator.
        dtype: floating point; default: the default dtype.
        device, requires_grad: of the result.

    Raises:
        NotImplementedError: a dtype that is not floating point.

    Example:
        >>> torch.rand(2, 3).shape
        torch.Size([2, 3])
    """
    shape, dtype = shape_of("rand", size, sized), _reals("rand", dtype)
    return _drawn(device, lambda: random.uniform(shape, dtype, generator), requires_grad)


def randn(
    *size: Any,
    generator: Generator = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    **sized: Any,
) -> Tensor:
    """Draws from the standard normal distribution; arguments and errors as `rand`.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> x = torch.randn(1000)
        >>> bool(x.mean().abs() < 0.1), bool((x.std() - 1).abs() < 0.1)
        (True, True)
    """
    shape, dtype = shape_of("randn", size, sized), _reals("randn", dtype)
    return _drawn(device, lambda: random.normal(shape, dtype, generator), requires_grad)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draws from normal distributions.

    Args:
        mean, std: numbers, with a size; or one or both tensors: a draw for each element then.
        size: the shape.
        generator: the source of draws; default: the default generator.
        dtype, device, requires_grad: of the result, with a size.

    Raises:
        RuntimeError: a negative deviation.
        TypeError: neither a size nor a tensor.
    """
    if not isinstance(std, TensorBase) and not std >= 0:  # a NaN is not
        raise RuntimeError(f"normal: expects std >= 0, but found std {std}")
    on_host = isinstance(std, TensorBase) and std.device.type == "cpu"
    if on_host and not bool((std.array >= 0).all()):
        raise RuntimeError("normal: expects all elements of std >= 0")
    if size is not None:
        alone = randn(size, generator=generator, dtype=dtype, device=device)
        return alone.mul(std).add(mean).requires_grad_(requires_grad)
    like = mean if isinstance(mean, TensorBase) else std
    if not isinstance(like, TensorBase):
        raise TypeError("normal: give a size, or tensors as mean or std")
    shape = common_shape("normal", *(tuple(getattr(x, "shape", ())) for x in (mean, std)))
    drawn = randn(shape, generator=generator, dtype=like.dtype, device=like.device)
    return drawn.mul(std).add(mean).detach().to(like.dtype)


def _place(input: Tensor, dtype: Any, device: Place) -> dict[str, Any]:
    """A dtype and a device, those of a tensor where none is given."""
    return {"dtype": dtype or input.dtype, "device": device or input.device}


def rand_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    generator: Generator = None,
) -> Tensor:
    """`rand` of a tensor's shape, and of its dtype and device if no other is given."""
    own = _place(input, dtype, device)
    return rand(input.shape, generator=generator, requires_grad=requires_grad, **own)


def randn_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    generator: Generator = None,
) -> Tensor:
    """`randn` of a tensor's shape, and of its dtype and device if no other is given."""
    own = _place(input, dtype, device)
    return randn(input.shape, generator=generator, requires_grad=requires_grad, **own)


def randint(
    low: int = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers uniform on [low, high), or on [0, low) if high is left out.

    Args:
        low, high: the bounds.
        size: the shape.
        generator: the source of draws; default: the default generator.
        dtype: default: int64.
        device, requires_grad: of the result.

    Raises:
        RuntimeError: no integer is in the range, or the dtype can't hold all of them.
        TypeError: bounds that are not ints, or a size that is no sequence.

    Example:
        >>> x = torch.randint(0, 10, (100,))
        >>> x.dtype, bool((x >= 0).all()), bool((x < 10).all())
        (torch.int64, True, True)
    """
    if isinstance(high, tuple | list):
        high, size = None, high
    if high is None:
        low, high = 0, low
    low, high = whole("randint", "low", low), whole("randint", "high", high)
    if low >= high:
        raise RuntimeError(f"randint: expects low < high, but got {low} and {high}")
    own = as_dtype("int64" if dtype is None else dtype)
    for end in (low, high - 1):
        _in_dtype(end, own)
    if not isinstance(size, Sequence):
        raise TypeError(f"randint: size must be a tuple of ints, but got {type(size).__name__}")
    shape = shape_of("randint", (size,), {})
    draw = lambda: random.integers(low, high, shape, own, generator)  # noqa: E731
    return _drawn(device, draw, requires_grad)


def _in_dtype(end: int, dtype: DType) -> None:
    """Refuse a bound that a dtype can't hold."""
    low, high = 0.0, 1.0
    if dtype.kind != "b":
        limits: Any = numpy.iinfo(dtype) if dtype.kind in "iu" else finfo(dtype)
        low, high = limits.min, limits.max
    if not low <= end <= high:
        raise RuntimeError(f"randint: {end} is out of bounds for {dtype_of(dtype)}")


def _reals(name: str, dtype: Any) -> DType:
    """The dtype of draws of real or complex numbers; the default dtype if none is given.

    Raises:
        NotImplementedError: it is neither floating point nor complex.
    """
    own: DType = default_or(dtype)
    if own.kind not in DIFFERENTIABLE:
        raise NotImplementedError(f"{name}: not implemented for {dtype_of(own)}")
    return own


def randint_like(
    input: Tensor,
    low: int = 0,
    high: Any = None,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    generator: Generator = None,
) -> Tensor:
    """`randint` of a tensor's shape, and of its dtype and device if no other is given."""
    own = {"requires_grad": requires_grad, **_place(input, dtype, device)}
    return randint(low, high, input.shape, generator=generator, **own)


def randperm(
    n: int,
    *,
    generator: Generator = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """The integers 0 … n − 1 in a random order.

    Args:
        n: how many.
        generator: the source of draws; default: the default generator.
        dtype: default: int64.
        device, requires_grad: of the result.

    Raises:
        RuntimeError: n is negative, or more than the dtype holds.
        NotImplementedError: the dtype is bool.

    Example:
        >>> torch.randperm(5).sort().values
        tensor([0, 1, 2, 3, 4])
    """
    n = whole("randperm", "n", n)
    if n < 0:
        raise RuntimeError(f"randperm: n must not be negative, but is {n}")
    own = as_dtype("int64" if dtype is None else dtype)
    if own.kind == "b":
        raise NotImplementedError("randperm: not implemented for torch.bool")
    # The largest of the integers, all of which from 0 on the dtype holds.
    last = int(2 / finfo(own).eps) if own.kind in FLOATING else int(numpy.iinfo(own).max)
    if n > last + 1:
        raise RuntimeError(f"randperm: n is too large for {own}: {n}, where {last + 1} is the most")
    draw = lambda: random.permutation(n, generator).astype(own, copy=False)  # noqa: E731
    return _drawn(device, draw, requires_grad)
