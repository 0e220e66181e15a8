"""Differences and integrals of samples: `diff`, `gradient`, `trapezoid`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .base import TensorBase
from .concatenate import cat
from .dims import axis
from .operation import public

if TYPE_CHECKING:
    from .tensor import Tensor


def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """Differences of neighbours along a dimension, taken n times; of booleans, where they differ.

    Args:
        input: at least 1-D.
        n: how often differences are taken.
        dim: the dimension.
        prepend, append: tensors that are joined to the input before and behind it first.

    Raises:
        RuntimeError: a 0-d input, a negative n, or shapes that can't be joined.
    """
    if not input.ndim:
        raise RuntimeError("diff: the input must have at least one dimension")
    if n < 0:
        raise RuntimeError(f"diff: n must not be negative, but is {n}")
    parts = [t for t in (prepend, input, append) if t is not None]
    for t in parts:
        if t.ndim != input.ndim:
            raise RuntimeError(
                f"diff: what is joined to a tensor of {input.ndim} dimensions must have as many, "
                f"but has {t.ndim}"
            )
    at = axis("diff", input, dim) if n or len(parts) > 1 else 0
    y = cat(parts, at) if len(parts) > 1 else input
    if n == 0:
        return input.clone()
    for _ in range(min(n, y.shape[at])):
        k = max(y.shape[at] - 1, 0)
        after, before = y.narrow(at, y.shape[at] - k, k), y.narrow(at, 0, k)
        y = after.logical_xor(before) if y.dtype.kind == "b" else after - before
    return y.clone() if y is input else y


def _widths(name: str, y: Tensor, x: Any, dx: Any, dim: int) -> tuple[Tensor, Any, int]:
    """y itself, the distances between its samples, and the dimension as a non-negative number.

    Raises:
        RuntimeError: booleans, or another number of x.
    """
    if "b" in (y.dtype.kind, x is not None and x.dtype.kind):
        raise RuntimeError(f"{name}: booleans are not supported, neither as x nor as y")
    if x is None:
        return y, dx, axis(name, y, dim)
    at = axis(name, y, dim)
    if x.ndim == 1:
        if x.numel() != y.shape[at]:
            raise RuntimeError(
                f"{name}: there must be one x for each sample, but there are {x.numel()} for "
                f"{y.shape[at]}"
            )
        x = x.reshape((-1,) + (1,) * (y.ndim - at - 1))
        return y, diff(x, dim=0), at
    x = x.expand_as(y) if x.ndim < y.ndim else x
    return y, diff(x, dim=dim), at


def _areas(y: Tensor, width: Any, at: int) -> Tensor:
    """The areas of the trapezoids between neighbouring samples."""
    n = max(y.shape[at] - 1, 0)
    pairs: Tensor = y.narrow(at, y.shape[at] - n, n) + y.narrow(at, 0, n)
    return pairs * width / 2  # type: ignore[no-any-return]


def trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """The integral of samples along a dimension: Σ (yᵢ + yᵢ₊₁)/2 · (xᵢ₊₁ − xᵢ).

    Args:
        y: the samples.
        x: where the samples are: (n), or of y's shape.
        dx: their distance, if no x is given; default: 1.
        dim: the dimension.

    Raises:
        RuntimeError: another number of x.
    """
    y, width, at = _widths("trapezoid", y, x, 1 if dx is None else dx, dim)
    return _areas(y, width, at).sum(at)


trapz = trapezoid


def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """The integrals of `trapezoid` up to each sample but the first; arguments as there."""
    y, width, at = _widths("cumulative_trapezoid", y, x, 1 if dx is None else dx, dim)
    return _areas(y, width, at).cumsum(at)


def gradient(
    input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """Estimates of the derivative along each of some dimensions, from samples.

    Inside they are central differences, of second order also for uneven spacing; at the edges
    one-sided ones.

    Args:
        input: the samples, at least edge_order + 1 a dimension.
        spacing: their distance: a number (1 if None), one for each dimension, or tensors of
            coordinates.
        dim: a dimension or several; default: all.
        edge_order: 1 or 2, the order at the edges.

    Returns:
        For each dimension a tensor of the input's shape.

    Raises:
        RuntimeError: too few samples, spacings that don't fit, a dimension twice, or uint8.
    """
    if input.dtype.name == "uint8":
        raise RuntimeError("gradient: not implemented for torch.uint8, of which differences wrap")
    spacing = 1 if spacing is None else spacing
    dims = range(input.ndim) if dim is None else dim if isinstance(dim, Sequence) else [dim]
    places = [axis("gradient", input, d) for d in dims]
    if len(set(places)) < len(places):
        raise RuntimeError(f"gradient: a dimension appears more than once in {tuple(dims)}")
    many = isinstance(spacing, Sequence)
    if many and len(spacing) != len(places):
        raise RuntimeError(
            f"gradient: {len(spacing)} spacings are given for {len(places)} dimensions"
        )
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: edge_order must be 1 or 2, but is {edge_order}")
    if many and any(isinstance(s, TensorBase) and s.ndim != 1 for s in spacing):
        raise RuntimeError("gradient: expected tensors of coordinates to have one dimension")
    if isinstance(spacing, TensorBase) and not spacing.ndim:
        spacing = spacing.item()
    steps = list(spacing) if many else [spacing] * len(places)
    return tuple(
        _slopes(input, at, step, edge_order) for at, step in zip(places, steps, strict=True)
    )


def _slopes(y: Tensor, at: int, step: Any, order: int) -> Tensor:
    """The slopes along one dimension: the coordinates' steps divide, and so say the dtype too.

    An even step weighs no sample with 0: one that is infinite or NaN stays out of its own slope.
    """
    n = y.shape[at]
    if n < order + 1:
        raise RuntimeError(f"gradient: dimension {at} has {n} samples, and needs {order + 1}")

    def sample(start: int, count: int = 1) -> Tensor:
        return y.narrow(at, start % n, count)

    inner = max(n - 2, 0)
    if not isinstance(step, TensorBase):
        middle = (sample(2, inner) - sample(0, inner)) / step / 2 if inner else y.narrow(at, 0, 0)
        left, right = (sample(1) - sample(0)) / step, (sample(-1) - sample(-2)) / step
        if order == 2:
            left = (-1.5 * sample(0) + 2 * sample(1) - 0.5 * sample(2)) / step
            right = (0.5 * sample(-3) - 2 * sample(-2) + 1.5 * sample(-1)) / step
        return cat([left, middle, right], at)
    h = diff(step)  # type: ignore[arg-type]
    a, b = (part.reshape((-1,) + (1,) * (y.ndim - at - 1)) for part in (h[:-1], h[1:]))
    middle = (
        -b / (a * (a + b)) * sample(0, inner)
        + (b - a) / (a * b) * sample(1, inner)
        + a / (b * (a + b)) * sample(2, inner)
    ) if inner else y.narrow(at, 0, 0)  # fmt: skip
    left, right = (sample(1) - sample(0)) / h[0], (sample(-1) - sample(-2)) / h[-1]
    if order == 2:
        a, b = h[0], h[1]
        left = (
            -(2 * a + b) / (a * (a + b)) * sample(0)
            + (a + b) / (a * b) * sample(1)
            - a / (b * (a + b)) * sample(2)
        )
        a, b = h[-2], h[-1]
        right = (
            b / (a * (a + b)) * sample(-3)
            - (a + b) / (a * b) * sample(-2)
            + (a + 2 * b) / (b * (a + b)) * sample(-1)
        )
    return cat([left, middle, right], at)


if not TYPE_CHECKING:
    __all__ = public(globals())
