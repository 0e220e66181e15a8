"""Convolution in its plain form: a matrix product with im2col's columns.

Columns are an array (C, kh, kw, OH, OW, N): what element (i, j) of the kernel meets of each channel
and image, at each position of the window. To make them takes a loop over the kernel's elements,
never one over pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ..kernel import kernel
from ..layout import from_chwn, to_chwn
from ..window import Window

__all__ = [
    "conv2d",
    "conv2d_algorithm",
    "conv2d_bias_gradient",
    "conv2d_input_gradient",
    "conv2d_weight_gradient",
    "fold",
    "unfold",
]

Shape = tuple[int, ...]
Gradient = Callable[[Any, Any], Any]


class Recorded(NamedTuple):
    """A convolution's output y, and functions that give its gradients later, for g = dL/dy.

    s = prepare(g) is computed once, and all may use it: of_input(g, s) is dL/dx, of_weight(g, s)
    dL/dW and of_bias(g, s) dL/db. Each function holds what it needs of the forward pass and no
    more, so that memory goes with those that nobody wants.
    """

    y: Any
    prepare: Callable[[Any], Any]
    of_input: Gradient
    of_weight: Gradient
    of_bias: Gradient


class Algorithm(NamedTuple):
    """A way to convolve, chosen once for the shapes of x (N, C, H, W) and W (M, C/groups, kh, kw).

    Args:
        recorded: (x, weight, bias or None) ↦ y with its gradients, a `Recorded`.
        input_gradient: (g, weight, shape of x) ↦ dL/dx, for g (N, M, OH, OW).
        weight_gradient: (g, x, shape of W) ↦ dL/dW.
    """

    recorded: Callable[[Any, Any, Any], Recorded]
    input_gradient: Callable[[Any, Any, Shape], Any]
    weight_gradient: Callable[[Any, Any, Shape], Any]


def im2col(xp: Any, x: Any, window: Window) -> Any:
    """The columns (C, kh, kw, OH, OW, N) of an image x (N, C, H, W)."""
    n, c, *size = x.shape
    padded = xp.zeros((c, *window.padded(size), n), dtype=x.dtype)
    padded[(slice(None), *window.inside(size))] = to_chwn(xp, x)
    columns = xp.empty((c, *window.kernel, *window.positions(size), n), dtype=x.dtype)
    for i, j, rows, cols in window.taps(size):
        columns[:, i, j] = padded[:, rows, cols]
    return columns


def col2im(xp: Any, columns: Any, shape: Shape, window: Window) -> Any:
    """The transpose of `im2col`: every column element added where it came from, (N, C, H, W)."""
    n, c, *size = shape
    padded = xp.zeros((c, *window.padded(size), n), dtype=columns.dtype)
    for i, j, rows, cols in window.taps(size):
        padded[:, rows, cols] += columns[:, i, j]
    return from_chwn(xp, xp.ascontiguousarray(padded[(slice(None), *window.inside(size))]))


@kernel("plain")
def unfold(xp: Any, x: Any, window: Window) -> Any:
    """Columns as `torch.nn.functional.unfold` has them: x (N, C, H, W) to (N, C·kh·kw, OH·OW)."""
    columns = im2col(xp, x, window)
    rows = math.prod(columns.shape[:3])
    return from_chwn(xp, columns.reshape(rows, math.prod(columns.shape[3:5]), x.shape[0]))


@kernel("plain")
def fold(xp: Any, columns: Any, shape: Shape, window: Window) -> Any:
    """The transpose of `unfold`: (N, C·kh·kw, OH·OW) added up to an image (N, C, H, W)."""
    n, c, *size = shape
    full = (c, *window.kernel, *window.positions(size), n)
    return col2im(xp, to_chwn(xp, columns).reshape(full), shape, window)


@kernel("plain")
def conv2d(xp: Any, x: Any, weight: Any, bias: Any, window: Window, groups: int) -> Any:
    """y = W·columns + b for x (N, C, H, W), W (M, C/groups, kh, kw), b (M): (N, M, OH, OW)."""
    m = weight.shape[0]
    columns = im2col(xp, x, window)
    y = xp.matmul(_by_group(weight, groups), _columns_by_group(columns, groups))
    y = y.reshape(m, *columns.shape[3:])
    return from_chwn(xp, y if bias is None else y + bias.reshape(m, 1, 1, 1))


@kernel("plain")
def conv2d_algorithm(
    xp: Any, dtype: Any, shape: Shape, weight_shape: Shape, window: Window, groups: int
) -> Algorithm:
    """The `Algorithm` for images x of a dtype and shape (N, C, H, W) and weights of a shape.

    The plain one is `conv2d` and its gradients; a device may choose among several.
    """

    def input_gradient(g: Any, weight: Any, shape: Shape) -> Any:
        return xp.conv2d_input_gradient(g, weight, shape, window, groups)

    def weight_gradient(g: Any, x: Any, shape: Shape) -> Any:
        return xp.conv2d_weight_gradient(g, x, shape, window, groups)

    def recorded(x: Any, weight: Any, bias: Any) -> Recorded:
        y = xp.conv2d(x, weight, bias, window, groups)
        return from_operands(xp, y, x, weight, input_gradient, weight_gradient)

    return Algorithm(recorded, input_gradient, weight_gradient)


def from_operands(
    xp: Any,
    y: Any,
    x: Any,
    weight: Any,
    input_gradient: Callable[[Any, Any, Shape], Any],
    weight_gradient: Callable[[Any, Any, Shape], Any],
) -> Recorded:
    """The `Recorded` of an output whose gradients need x and W alone, by an `Algorithm`'s two."""
    shape, weight_shape = x.shape, weight.shape

    def of_input(g: Any, _: Any) -> Any:
        return input_gradient(g, weight, shape)

    def of_weight(g: Any, _: Any) -> Any:
        return weight_gradient(g, x, weight_shape)

    def of_bias(g: Any, _: Any) -> Any:
        return xp.conv2d_bias_gradient(g)

    return Recorded(y, lambda g: None, of_input, of_weight, of_bias)


@kernel("plain")
def conv2d_weight_gradient(
    xp: Any, g: Any, x: Any, shape: Shape, window: Window, groups: int
) -> Any:
    """dL/dW = g·columnsᵀ for g (N, M, OH, OW), x (N, C, H, W): of W's shape."""
    columns = _columns_by_group(im2col(xp, x, window), groups)
    g = to_chwn(xp, g).reshape(groups, shape[0] // groups, columns.shape[2])
    gradient = xp.empty(shape, dtype=g.dtype)
    xp.matmul(g, columns.swapaxes(1, 2), out=_by_group(gradient, groups))
    return gradient


@kernel("plain")
def conv2d_input_gradient(
    xp: Any, g: Any, weight: Any, shape: Shape, window: Window, groups: int
) -> Any:
    """dL/dx = col2im(Wᵀ g) for g (N, M, OH, OW): of x's shape (N, C, H, W)."""
    n, c, *size = shape
    full = (c, *window.kernel, *window.positions(size), n)
    g = to_chwn(xp, g).reshape(groups, weight.shape[0] // groups, math.prod(full[3:]))
    columns = xp.matmul(_by_group(weight, groups).swapaxes(1, 2), g)
    return col2im(xp, columns.reshape(full), shape, window)


@kernel("plain")
def conv2d_bias_gradient(xp: Any, g: Any) -> Any:
    """dL/db = Σ g over samples and positions, for g (N, M, OH, OW): (M)."""
    return xp.sum(g, axis=(0, 2, 3))


def _by_group(weight: Any, groups: int) -> Any:
    """W as matrices (groups, M/groups, C/groups·kh·kw)."""
    return weight.reshape(groups, weight.shape[0] // groups, math.prod(weight.shape[1:]))


def _columns_by_group(columns: Any, groups: int) -> Any:
    """im2col's columns as matrices (groups, C/groups·kh·kw, OH·OW·N)."""
    rows, positions = math.prod(columns.shape[:3]), math.prod(columns.shape[3:])
    return columns.reshape(groups, rows // groups, positions)
