"""Convolution, its transpose, and the columns that both are matrix products with.

`window` is a `backend.window.Window`. Images are (N, C, H, W).
"""

from __future__ import annotations

from typing import Any

from ..backend.window import Window
from ..graph import Joint
from .rule import rule

Out = tuple[Any, Any]
Shape = tuple[int, ...]


@rule
def unfold(xp: Any, x: Any, *, window: Window) -> Out:
    """y = the patches of x as columns, (N, C·kh·kw, OH·OW): dL/dx = fold(g)."""
    shape = x.shape
    return xp.unfold(x, window), (lambda g: xp.fold(g, shape, window),)


@rule
def fold(xp: Any, columns: Any, *, shape: Shape, window: Window) -> Out:
    """y = columns added up where they came from, (N, C, H, W): dL/dcolumns = unfold(g)."""
    return xp.fold(columns, shape, window), (lambda g: xp.unfold(g, window),)


def conv2d_composition(
    xp: Any, x: Any, weight: Any, bias: Any = None, *, window: Window, groups: int
) -> Any:
    """`conv2d` from elementary operations: one matrix product with the columns."""
    n, m = x.shape[0], weight.shape[0]
    columns = xp.unfold(x, window)
    columns = xp.reshape(columns, (n, groups, columns.shape[1] // groups, columns.shape[2]))
    matrices = xp.reshape(weight, (groups, m // groups, columns.shape[2]))
    y = xp.reshape(xp.matmul(matrices, columns), (n, m, *window.positions(x.shape[2:])))
    return y if bias is None else y + xp.reshape(bias, (m, 1, 1))


@rule(autocast="half", half="cuda", composition=conv2d_composition)
def conv2d(xp: Any, x: Any, weight: Any, bias: Any = None, *, window: Window, groups: int) -> Out:
    """y = W·im2col(x) + b: dL/dx = col2im(Wᵀ g), dL/dW = g im2col(x)ᵀ, dL/db = Σ g.

    x (N, C, H, W), W (M, C/groups, kh, kw), b (M). The columns im2col(x) are kh·kw times as large
    as x, so they are not kept: an algorithm makes them again, or does without.
    (Chellapilla, Puri & Simard 2006.)
    """
    _check("conv2d", x, weight, bias, window, groups, weight.shape[1:2], weight.shape[0])
    way = xp.conv2d_algorithm(x.dtype, x.shape, weight.shape, window, groups)
    y, prepare, *gradients = way.recorded(x, weight, bias)
    return y, Joint(lambda g, _: prepare(g), *gradients)


def conv_transpose2d_composition(
    xp: Any, x: Any, weight: Any, bias: Any = None, *, window: Window, groups: int, size: Shape
) -> Any:
    """`conv_transpose2d` from elementary operations: a matrix product, then `fold`."""
    n, c = x.shape[:2]
    patches = xp.reshape(x, (n, groups, c // groups, x.shape[2] * x.shape[3]))
    matrices = xp.reshape(weight, (groups, c // groups, -1))
    columns = xp.matmul(xp.swapaxes(matrices, -1, -2), patches)
    m = weight.shape[1] * groups
    columns = xp.reshape(columns, (n, groups * matrices.shape[2], patches.shape[3]))
    y = xp.fold(columns, (n, m, *size), window)
    return y if bias is None else y + xp.reshape(bias, (m, 1, 1))


@rule(autocast="half", half="cuda", composition=conv_transpose2d_composition)
def conv_transpose2d(
    xp: Any, x: Any, weight: Any, bias: Any = None, *, window: Window, groups: int, size: Shape
) -> Out:
    """y = col2im(Wᵀ x) + b, the transpose of `conv2d`: dL/dx = W·im2col(g), dL/dW = x im2col(g)ᵀ.

    x (N, C, H, W), W (C, M/groups, kh, kw), b (M), y (N, M, *size). (Dumoulin & Visin 2016.)
    """
    m = weight.shape[1] * groups
    _check("conv_transpose2d", x, weight, bias, window, groups, weight.shape[:1], m)
    out, weight_shape = (x.shape[0], m, *size), weight.shape
    way = xp.conv2d_algorithm(x.dtype, out, weight_shape, window, groups)
    y = way.input_gradient(x, weight, out)
    return y if bias is None else y + xp.reshape(bias, (m, 1, 1)), (
        lambda g: way.recorded(g, weight, None).y,
        lambda g: way.weight_gradient(x, g, weight_shape),
        xp.conv2d_bias_gradient,
    )


def _check(
    name: str, x: Any, weight: Any, bias: Any, window: Window, groups: int, own: Shape, out: int
) -> None:
    """Raise unless the operands fit.

    `own` is the part of the weight's shape that says the input's channels (of one group, for
    conv2d), `out` the number of output channels.
    """
    if x.ndim != 4 or weight.ndim != 4:
        raise RuntimeError(
            f"{name}: expected a 4-D input (N, C, H, W) and a 4-D weight, but got shapes "
            f"{tuple(x.shape)} and {tuple(weight.shape)}"
        )
    if groups < 1:
        raise RuntimeError(f"{name}: groups must be at least 1, but is {groups}")
    channels, expects = x.shape[1], own[0] * (groups if name == "conv2d" else 1)
    if channels != expects:
        raise RuntimeError(
            f"{name}: input has {channels} channels but weight expects {expects} "
            f"(weight.shape = {tuple(weight.shape)}, groups = {groups})"
        )
    if channels % groups or out % groups:
        raise RuntimeError(
            f"{name}: groups must divide the channels, but groups = {groups} with {channels} "
            f"input and {out} output channels"
        )
    if bias is not None and tuple(bias.shape) != (out,):
        raise RuntimeError(f"{name}: bias must have shape ({out},), but has {tuple(bias.shape)}")
    reach, padded = window.reach, window.padded(x.shape[2:])
    if name == "conv2d" and (reach[0] > padded[0] or reach[1] > padded[1]):
        raise RuntimeError(
            f"{name}: kernel {reach} (with dilation) is larger than the padded input {padded}"
        )
