"""Functions that make tensors of numbers that are known; `draw.py` has those of random ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..backend import Array, Device, get_default_device, is_array, namespace, namespace_for, numpy
from ..backend.dtypes import FLOATING, as_dtype
from .base import TensorBase, new
from .check import plain
from .data import array_of
from .dims import sizes, whole
from .modes import default_dtype, default_or
from .own_order import lying_as
from .promote import default_complex, element, in_range
from .spaced import spaced
from .tensor import Tensor

__all__ = [
    "arange",
    "as_tensor",
    "empty",
    "empty_like",
    "eye",
    "from_numpy",
    "full",
    "full_like",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "tensor",
    "zeros",
    "zeros_like",
]

Place = str | Device | None


def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor of numbers, nested lists, an array or a tensor; always a copy.

    Args:
        data: what it holds.
        dtype: default: of Python floats the default dtype, of integers int64; arrays keep theirs.
        device: default: where a tensor is, or an array of CuPy; else the default device.
        requires_grad: gather the gradient in `.grad`.
        pin_memory: has no effect.

    Raises:
        RuntimeError: a number that the dtype can't hold.
        TypeError: elements that are not numbers, such as an array of objects.
        ValueError: nested lists of different lengths.

    Example:
        >>> torch.tensor([[1, 2], [3, 4]])
        tensor([[1, 2],
                [3, 4]])
        >>> torch.tensor([0.5, 2], dtype=torch.float64, requires_grad=True)
        tensor([0.5000, 2.0000], dtype=torch.float64, requires_grad=True)
    """
    array, home = array_of(data, None if dtype is None else as_dtype(dtype))
    device = (home or get_default_device()) if device is None else device
    made = of_program(array) if is_array(data) else new(array)
    return made.to(device=device).requires_grad_(requires_grad)


def of_program(array: Any) -> Tensor:
    """A tensor of an array in whose memory the program chose the order of elements."""
    made = new(array)
    made._storage.ours = False
    return made


def as_tensor(data: Any, *, dtype: Any = None, device: Place = None) -> Tensor:
    """The data as a tensor that shares its memory where possible; arguments as `tensor`.

    Lists are copied, and so is what has another dtype or device. A tensor that has both is
    returned itself.

    Example:
        >>> torch.as_tensor([1.5, 2.5])
        tensor([1.5000, 2.5000])
    """
    if isinstance(data, TensorBase):
        out: Tensor = data  # type: ignore[assignment]
    elif is_array(data):
        out = of_program(data.view())  # the program may give its own array object another shape
        if isinstance(data, numpy.ndarray):
            device = device or get_default_device()
    else:
        return tensor(data, dtype=dtype, device=device)
    return out.to(dtype=dtype, device=device)


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares memory with a NumPy array and keeps its dtype.

    Raises:
        TypeError: not a NumPy array, or one of objects, strings or complex numbers.
        ValueError: its byte order is not this machine's.

    Example:
        >>> import numpy as np
        >>> a = np.zeros(3, np.float32)
        >>> x = torch.from_numpy(a)
        >>> a[0] = 5  # the same memory
        >>> x
        tensor([5., 0., 0.])
    """
    if not isinstance(ndarray, numpy.ndarray):
        raise TypeError(f"from_numpy: expected a numpy.ndarray, but got {type(ndarray).__name__}")
    return of_program(ndarray.view(numpy.ndarray))  # an object of its own, whose shape stays


def zeros(
    *size: Any,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    **sized: Any,
) -> Tensor:
    """Zeros of a shape, as integers, one sequence, or `size=`.

    Example:
        >>> torch.zeros(2, 3)
        tensor([[0., 0., 0.],
                [0., 0., 0.]])
    """
    xp, shape = namespace_for(device), shape_of("zeros", size, sized)
    return new(xp.zeros(shape, dtype=default_or(dtype))).requires_grad_(requires_grad)


def ones(
    *size: Any,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    **sized: Any,
) -> Tensor:
    """Ones of a shape, as integers, one sequence, or `size=`.

    Example:
        >>> torch.ones(2, dtype=torch.int64)
        tensor([1, 1])
    """
    xp, shape = namespace_for(device), shape_of("ones", size, sized)
    return new(xp.ones(shape, dtype=default_or(dtype))).requires_grad_(requires_grad)


def empty(
    *size: Any,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    **sized: Any,
) -> Tensor:
    """A tensor of a shape, as integers, one sequence, or `size=`; its elements are not set."""
    xp, shape = namespace_for(device), shape_of("empty", size, sized)
    return new(xp.empty(shape, dtype=default_or(dtype))).requires_grad_(requires_grad)


def shape_of(name: str, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[int, ...]:
    """A shape given as integers, as one sequence, or by the name `size`.

    Raises:
        RuntimeError: a negative size.
        TypeError: no size, two, sizes that are not ints, or an unknown keyword.
    """
    if named.keys() - {"size"} or (given and named) or not (given or named):
        extra = sorted(named.keys() - {"size"})
        raise TypeError(
            f"{name}: unexpected keyword {extra[0]!r}" if extra else f"{name}: give one size"
        )
    shape = sizes(name, (named["size"],) if named else given)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"{name}: negative dimension in the size {shape}")
    return shape


def full(
    size: Sequence[int],
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of a shape, filled with a number.

    Args:
        size: the shape.
        fill_value: the number, or a tensor of one element.
        dtype: default: by the number: bool, int64, the default dtype or its complex one.
        device: default: the default device.
        requires_grad: gather the gradient in `.grad`.

    Raises:
        RuntimeError: a negative size, or a number that the dtype can't hold.

    Example:
        >>> torch.full((2, 2), 7.5)
        tensor([[7.5000, 7.5000],
                [7.5000, 7.5000]])
    """
    if isinstance(fill_value, TensorBase):
        fill_value = plain("full", fill_value)
    if dtype is None:
        whole = isinstance(fill_value, int | numpy.integer)
        dtype = "int64" if whole else default_dtype()
        dtype = default_complex() if numpy.iscomplexobj(fill_value) else dtype
        dtype = "bool" if isinstance(fill_value, bool) else dtype
    dtype = as_dtype(dtype)
    if isinstance(size, int):
        raise TypeError(f"full: size must be a tuple of ints, but got the int {size}")
    shape = shape_of("full", (size,), {})
    value = element("full", fill_value, dtype)
    array = namespace_for(device).full(shape, value, dtype=dtype)
    return new(array).requires_grad_(requires_grad)


def zeros_like(
    input: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of a tensor's shape, and of its dtype and device if no other is given.

    Example:
        >>> torch.zeros_like(torch.tensor([1, 2, 3]))
        tensor([0, 0, 0])
    """
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(
    input: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Ones of a tensor's shape, and of its dtype and device if no other is given.

    Example:
        >>> torch.ones_like(torch.tensor([0.5, 2.0]))
        tensor([1., 1.])
    """
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(
    input: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of another's shape, memory order, dtype and device; its elements are not set."""
    own = input.array.dtype if dtype is None else as_dtype(dtype)
    xp = namespace(input.array)
    there = xp if device is None else namespace_for(device)
    if there is xp:
        return _alike(input, xp.new_like(input.array, dtype=own)).requires_grad_(requires_grad)
    return new(there.empty(input.array.shape, dtype=own)).requires_grad_(requires_grad)


def _alike(input: Tensor, array: Array) -> Tensor:
    """A tensor of an array that lies in memory as a tensor does."""
    return lying_as(input, new(array)) if input._storage.ours else of_program(array)


def full_like(
    input: Tensor,
    fill_value: float,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """A number in a tensor's shape, and in its dtype and on its device if no other is given.

    Raises:
        RuntimeError: a number that the dtype can't hold.
    """
    own = input.array.dtype if dtype is None else as_dtype(dtype)
    value = element("full_like", fill_value, own)
    xp = namespace(input.array)
    there = xp if device is None else namespace_for(device)
    if there is xp:
        made = _alike(input, xp.full_like(input.array, value, dtype=own))
        return made.requires_grad_(requires_grad)
    return new(there.full(input.array.shape, value, dtype=own)).requires_grad_(requires_grad)


def _bound(name: str, value: Any) -> Any:
    """A number as Python's: of Python, of NumPy, or in a tensor of one element.

    Raises:
        TypeError: something else.
    """
    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, int | float):
        raise TypeError(f"{name}: expected numbers, but got {type(value).__name__}")
    return value


def arange(
    start: float | None = None,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, … below end (or 0, 1, … below start, if it is alone).

    Element i is start + i · step, rounded once to the dtype.

    Raises:
        RuntimeError: step is 0, or leads away from end; more elements than any memory holds.

    Example:
        >>> torch.arange(5)
        tensor([0, 1, 2, 3, 4])
        >>> torch.arange(1, 2, 0.25)
        tensor([1.0000, 1.2500, 1.5000, 1.7500])
    """
    if end is None:
        start, end = None, start
    start = 0 if start is None else start
    start, end, step = (_bound("arange", x) for x in (start, end, step))
    if dtype is None:
        whole = all(isinstance(x, int) for x in (start, end, step))
        dtype = "int64" if whole else default_dtype()
    dtype = as_dtype(dtype)
    if dtype.kind == "b":
        raise NotImplementedError("arange: not implemented for bool")
    if not abs(step) > 0:  # nor is a NaN
        raise RuntimeError("arange: step must be nonzero")
    if not math.isfinite(end - start):
        raise RuntimeError(f"arange: unsupported range: {start} to {end}")
    if (end - start) * step < 0:
        raise RuntimeError(f"arange: from {start} to {end} does not go with the step {step}")
    if dtype == "int64":
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("arange: step must be nonzero, also as an int64")
    exactly = all(isinstance(x, int) for x in (start, end, step))
    count = -((start - end) // step) if exactly else math.ceil((end - start) / step)
    if count * 8 >= 2**63:  # elements of int64 or float64, as they are made
        raise RuntimeError(
            f"arange: from {start} to {end} in steps of {step} are {count} elements, more than any "
            "memory holds"
        )
    if dtype.kind in "iu":
        start, step = int(start), int(step)
    xp = namespace_for(device)
    exact = "int64" if dtype.kind in "iu" else "float64"
    array = xp.arange(count, dtype=exact)
    if step != 1 or start != 0:
        array = array * step + start
    return new(array.astype(dtype, copy=False)).requires_grad_(requires_grad)


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers, evenly spaced from start to end, both included.

    Raises:
        RuntimeError: a negative number of steps, or an end that the dtype can't hold.

    Example:
        >>> torch.linspace(0, 1, 5)
        tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    dtype, steps = default_or(dtype), whole("linspace", "steps", steps)
    if steps < 0:
        raise RuntimeError(f"linspace: the number of steps must not be negative, but is {steps}")
    if dtype.kind == "b" and steps > 1:
        raise NotImplementedError("linspace: not implemented for bool")
    for bound in (start, end):
        if getattr(bound, "ndim", 0):
            raise RuntimeError("linspace only supports 0-dimensional start and end tensors")
    first, last = (_bound("linspace", x) for x in (start, end))
    if dtype.kind in "iu":  # the ends are rounded towards 0 first
        first, last = int(first), int(last)
    if steps > 1:
        first, last = (in_range("linspace", x, dtype) for x in (first, last))
    if dtype.kind in "iu":  # below 0 they wrap
        first, last = (int(numpy.asarray(x).astype(dtype)) for x in (first, last))
    array = spaced(first, last, steps, dtype)
    return new(namespace_for(device).asarray(array)).requires_grad_(requires_grad)


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """base^e for `steps` exponents e, evenly spaced from start to end, both included.

    With an integer dtype they go between the whole parts of start and end.

    Raises:
        RuntimeError: a negative number of steps.
    """
    if default_or(dtype).kind not in FLOATING:
        start, end = int(start), int(end)
    exponents = linspace(start, end, steps, dtype="float64", device=device)
    powers = (base**exponents).to(dtype=default_or(dtype))
    return powers.requires_grad_(requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """The identity matrix n × m, or n × n.

    Raises:
        RuntimeError: a negative size.

    Example:
        >>> torch.eye(2)
        tensor([[1., 0.],
                [0., 1.]])
    """
    for size in (n, m):
        if size is not None and whole("eye", "size", size) < 0:
            raise RuntimeError(f"eye: sizes must not be negative, but got {size}")
    array = namespace_for(device).eye(n, m, dtype=default_or(dtype))
    return new(array).requires_grad_(requires_grad)
