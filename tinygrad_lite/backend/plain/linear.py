"""The affine map of a linear layer, and its weight's gradient."""

from __future__ import annotations

import math
from typing import Any

from ..kernel import kernel


@kernel("plain")
def affine(xp: Any, x: Any, weight: Any, bias: Any, relu: bool = False) -> Any:
    """y = x Wᵀ + b for x (…, K), W (M, K), b (M) or None: (…, M). With `relu`, max(0, y)."""
    rows = x if x.ndim == 2 else xp.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
    y = xp.matmul(rows, weight.T)
    if bias is not None:
        y += bias
    y = xp.relu(y) if relu else y
    return y if x.ndim == 2 else xp.reshape(y, (*x.shape[:-1], weight.shape[0]))


@kernel("plain")
def affine_weight_gradient(xp: Any, g: Any, x: Any, order: str) -> Any:
    """gᵀ x over all rows of g (…, M) and x (…, K): shape (M, K), in memory in an order, C or F."""
    gradient = xp.empty((g.shape[-1], x.shape[-1]), dtype=g.dtype, order=order)
    rows = math.prod(x.shape[:-1])  # −1 would be ambiguous where a size is 0
    g = xp.reshape(g, (rows, g.shape[-1]))
    x = xp.reshape(x, (rows, x.shape[-1]))
    if order == "F":
        xp.matmul(x.T, g, out=gradient.T)
    else:
        xp.matmul(g.T, x, out=gradient)
    return gradient


@kernel("plain")
def affine_relu_gradient(xp: Any, g: Any, y: Any, summed: bool) -> tuple[Any, Any]:
    """For y = max(0, x Wᵀ + b): h = dL/d(x Wᵀ + b), which is g where y is not 0, else 0; dL/db.

    dL/db = Σ h over rows is wanted if `summed`. It may be None all the same, where a device has it
    no cheaper along with h than by a sum of its own.
    """
    return xp.relu_gradient(g, y), None
