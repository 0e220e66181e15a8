"""Functions of the package made of methods, such as `relu_`, and a few that are no methods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..backend import numpy
from .base import new
from .check import tensor_of
from .modes import default_or
from .promote import element
from .tensor import Tensor

IN_PLACE = (
    "abs_ acos_ acosh_ addmv_ arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ asin_ "
    "asinh_ atan_ atanh_ ceil_ clamp_ clamp_max_ clamp_min_ clip_ cos_ cosh_ deg2rad_ "
    "detach_ erf_ erfc_ exp2_ exp_ expm1_ fill_ fix_ floor_ frac_ gcd_ i0_ index_put_ "
    "lcm_ ldexp_ log10_ log1p_ log2_ log_ logit_ nan_to_num_ neg_ negative_ rad2deg_ "
    "reciprocal_ relu_ resize_as_ round_ rsqrt_ sigmoid_ sin_ sinc_ sinh_ sqrt_ square_ "
    "tan_ tanh_ trunc_ xlogy_ zero_"
).split()
OTHERS = (
    "broadcast_to detach get_device index_reduce put split_with_sizes unsafe_chunk unsafe_split "
    "unsafe_split_with_sizes"
).split()

for _name in (*IN_PLACE, *OTHERS):
    globals()[_name] = getattr(Tensor, _name)

__all__ = [*IN_PLACE, *OTHERS, "fill", "range", "scalar_tensor", "unravel_index"]


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of the input's shape, dtype and device, full of a number."""
    return input.clone().fill_(value)


def scalar_tensor(
    s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A 0-d tensor of a number, by default of the default dtype."""
    made = default_or(dtype)
    return (
        new(numpy.asarray(element("scalar_tensor", s, made), dtype=made))
        .to(device=device)
        .requires_grad_(requires_grad)
    )


def range(
    start: float,
    end: float,
    step: float = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, … up to end, which is included; deprecated in PyTorch for `arange`.

    Raises:
        RuntimeError: step is 0 (of integers, what is left of it without its fraction), or leads
            away from end, or an end is not finite.
        NotImplementedError: booleans.
    """
    made = default_or(dtype)
    if made.kind == "b":
        raise NotImplementedError("range: not implemented for bool")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"range: unsupported range: {start} to {end}")
    cut: Any = int if made.kind in "iu" else float
    first, last, by = cut(start), cut(end), cut(step)
    if by == 0 or (last - first) * by < 0 or (end - start) * step < 0:
        raise RuntimeError(f"range: no steps of {step} lead from {start} to {end}")
    array = (numpy.arange(int((last - first) / by) + 1) * by + first).astype(made)
    return new(array).to(device=device).requires_grad_(requires_grad)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Indices of a flattened tensor as indices along each dimension.

    Args:
        indices: integers, any shape; those out of range wrap.
        shape: of the tensor that was flattened.

    Returns:
        For each dimension a tensor of the indices' shape, int64.

    Raises:
        TypeError: indices, or a shape, that are no integers.
        ValueError: a negative size.
    """
    if tensor_of("unravel_index", indices).dtype.kind not in "iu":
        raise TypeError(f"unravel_index: expected integers, but got {indices.dtype}")
    shape = (shape,) if isinstance(shape, int) else shape
    if not isinstance(shape, Sequence) or not all(isinstance(n, int) for n in shape):
        raise TypeError(f"unravel_index: shape must be an int or a sequence of ints, not {shape!r}")
    if min(shape, default=0) < 0:
        raise ValueError(f"unravel_index: a shape has no negative sizes, but is {tuple(shape)}")
    found, rest = [], indices.long()
    for size in reversed(shape):
        found.append(rest % size)
        rest = rest.div(size, rounding_mode="floor")
    return tuple(reversed(found))
