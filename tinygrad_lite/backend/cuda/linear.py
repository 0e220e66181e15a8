"""The affine map of a linear layer on CUDA: one product of cuBLAS each."""

from __future__ import annotations

import math
from typing import Any

from ..dtypes import name_of
from ..kernel import kernel
from ..plain import linear as plain
from ..precision import matmul_tf32
from .blas import product
from .source import TYPES, launch, supports
from .sums import MOST_ROWS

__all__ = ["affine", "affine_relu_gradient", "affine_weight_gradient"]


@kernel("cuda")
def affine(xp: Any, x: Any, weight: Any, bias: Any, relu: bool = False) -> Any:
    """See `plain.linear.affine`; the launch that adds the bias takes the larger of that and 0."""
    if name_of(x.dtype) not in TYPES or x.dtype != weight.dtype:
        return plain.affine(xp, x, weight, bias, relu)
    rows = xp.reshape(x, (1, math.prod(x.shape[:-1]), x.shape[-1]))
    y = xp.empty((1, rows.shape[1], weight.shape[0]), dtype=x.dtype)
    product(xp, rows, weight.T[None], y, tf32=matmul_tf32())
    y = xp.reshape(y, (*x.shape[:-1], weight.shape[0]))
    if bias is None:
        return xp.relu(y) if relu else y
    if supports(y, bias) and bias.flags.c_contiguous:
        numbers = (y.size, bias.size, int(relu))
        launch(xp, "elementwise", "add_to_rows", y.dtype, (y, bias, *numbers), count=y.size)
        return y
    y += bias
    return xp.relu(y) if relu else y


@kernel("cuda")
def affine_relu_gradient(xp: Any, g: Any, y: Any, summed: bool) -> tuple[Any, Any]:
    """See `plain.linear.affine_relu_gradient`: in one launch for a matrix of few rows."""
    few = g.ndim == 2 and g.shape == y.shape and 0 < g.shape[0] <= MOST_ROWS and g.size
    dense = few and g.flags.c_contiguous and y.flags.c_contiguous
    if not summed or not dense or not supports(g, y):
        return plain.affine_relu_gradient(xp, g, y, summed)
    rows, columns = g.shape
    h, total = xp.empty((rows, columns), dtype=g.dtype), xp.empty((columns,), dtype=g.dtype)
    launch(
        xp, "sums", "relu_sum_rows", g.dtype, (g, y, h, total, rows, columns),
        grid=-(-columns // 32), block=1024,
    )  # fmt: skip
    return h, total


@kernel("cuda")
def affine_weight_gradient(xp: Any, g: Any, x: Any, order: str) -> Any:
    """See `plain.linear.affine_weight_gradient`."""
    if name_of(x.dtype) not in TYPES or x.dtype != g.dtype:
        return plain.affine_weight_gradient(xp, g, x, order)
    gradient = xp.empty((g.shape[-1], x.shape[-1]), dtype=g.dtype, order=order)
    rows = math.prod(x.shape[:-1])
    g = xp.reshape(g, (1, rows, g.shape[-1]))
    x = xp.reshape(x, (1, rows, x.shape[-1]))
    product(xp, xp.swapaxes(g, 1, 2), x, gradient[None], tf32=matmul_tf32())
    return gradient
