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

__all__ = ["affine", "affine_weight_gradient"]


@kernel("cuda")
def affine(xp: Any, x: Any, weight: Any, bias: Any) -> Any:
    """See `plain.linear.affine`."""
    if name_of(x.dtype) not in TYPES or x.dtype != weight.dtype:
        return plain.affine(xp, x, weight, bias)
    rows = xp.reshape(x, (1, math.prod(x.shape[:-1]), x.shape[-1]))
    y = xp.empty((1, rows.shape[1], weight.shape[0]), dtype=x.dtype)
    product(xp, rows, weight.T[None], y, tf32=matmul_tf32())
    if bias is not None:
        if supports(y, bias) and bias.flags.c_contiguous:
            numbers = (y.size, bias.size)
            launch(xp, "elementwise", "add_to_rows", y.dtype, (y, bias, *numbers), count=y.size)
        else:
            y += bias
    return xp.reshape(y, (*x.shape[:-1], weight.shape[0]))


@kernel("cuda")
def affine_weight_gradient(xp: Any, g: Any, x: Any, weight: Any) -> Any:
    """See `plain.linear.affine_weight_gradient`."""
    if name_of(x.dtype) not in TYPES or x.dtype != g.dtype:
        return plain.affine_weight_gradient(xp, g, x, weight)
    order = "F" if weight.flags.f_contiguous else "C"
    gradient = xp.empty(weight.shape, dtype=g.dtype, order=order)
    rows = math.prod(x.shape[:-1])
    g = xp.reshape(g, (1, rows, g.shape[-1]))
    x = xp.reshape(x, (1, rows, x.shape[-1]))
    product(xp, xp.swapaxes(g, 1, 2), x, gradient[None], tf32=matmul_tf32())
    return gradient
