"""Matrix products."""

from __future__ import annotations

import math
from typing import Any

from ..graph import Joint
from .rule import rule

Out = tuple[Any, Any]


@rule(autocast="half", half="cuda", complex="analytic")
def matmul(xp: Any, a: Any, b: Any) -> Out:
    """y = a b for a (…, N, K), b (…, K, M): dL/da = g bᵀ, dL/db = aᵀ g."""
    one_product = b.ndim == 2 < a.ndim

    def vjp_b(g: Any) -> Any:
        if one_product:
            # One product over all rows beats a batch of small ones that is summed after.
            n = math.prod(a.shape[:-1])  # −1 would be ambiguous where a size is 0
            rows, g = xp.reshape(a, (n, a.shape[-1])), xp.reshape(g, (n, g.shape[-1]))
            return xp.matmul(xp.swapaxes(rows, 0, 1), g)
        return xp.matmul(xp.swapaxes(a, -1, -2), g)

    if a.shape[-1] != b.shape[-2]:
        raise RuntimeError(
            f"matmul: shapes {tuple(a.shape)} and {tuple(b.shape)} cannot be multiplied "
            f"({a.shape[-1]} columns against {b.shape[-2]} rows)"
        )
    return xp.matmul(a, b), (lambda g: xp.matmul(g, xp.swapaxes(b, -1, -2)), vjp_b)


def linear_composition(
    xp: Any, x: Any, weight: Any, bias: Any = None, *, relu: bool = False
) -> Any:
    """`linear` from elementary operations."""
    y = xp.matmul(x, xp.swapaxes(weight, 0, 1))
    y = y if bias is None else y + bias
    return xp.relu(y) if relu else y


@rule(autocast="half", half="cuda", composition=linear_composition, complex="analytic")
def linear(xp: Any, x: Any, weight: Any, bias: Any = None, *, relu: bool = False) -> Out:
    """y = x Wᵀ + b for x (…, K), W (M, K), b (M): dL/dx = g W, dL/dW = gᵀ x, dL/db = Σ g.

    The report's x̂ = W x + b (equations 20 to 37), one sample a row; the gradients of a batch
    are equations 40, 48 and 51 summed over it. With `relu` it is max(0, y), and g above is 0
    where y ≤ 0.
    """
    _check_linear(x, weight, bias)
    order = "F" if weight.flags.f_contiguous else "C"  # dL/dW does not capture W: it may change
    if not relu:
        return xp.affine(x, weight, bias), (
            lambda g: xp.affine(g, xp.swapaxes(weight, 0, 1), None),
            lambda g: xp.affine_weight_gradient(g, x, order),
            lambda g: g,
        )
    y, biased = xp.affine(x, weight, bias, True), bias is not None
    return y, Joint(
        lambda g, wanted: xp.affine_relu_gradient(g, y, biased and wanted[-1]),
        lambda g, h: xp.affine(h[0], xp.swapaxes(weight, 0, 1), None),
        lambda g, h: xp.affine_weight_gradient(h[0], x, order),
        lambda g, h: h[0] if h[1] is None else h[1],
    )


def _check_linear(x: Any, weight: Any, bias: Any) -> None:
    """Raise unless the shapes fit."""
    if weight.ndim != 2:
        raise RuntimeError(f"linear: weight must be 2-D, but its shape is {tuple(weight.shape)}")
    if x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise RuntimeError(
            f"linear: input has {x.shape[-1] if x.ndim else 'no'} features but weight expects "
            f"{weight.shape[1]} (input.shape = {tuple(x.shape)}, weight.shape = "
            f"{tuple(weight.shape)})"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(
            f"linear: bias must have shape {tuple(weight.shape[:1])}, but has {tuple(bias.shape)}"
        )


@rule(half="anywhere", complex="linear")
def diagonal(xp: Any, x: Any, *, offset: int, axes: Any) -> Out:
    """y[…, k] = x[…, k + down, k + up] of two axes, a view: dL/dx = g there, else 0.

    In a matrix of c columns written as one row these are every (c + 1)th element from down c + up.
    """
    order = (*(a for a in range(x.ndim) if a not in axes), *axes)
    back = tuple(sorted(range(x.ndim), key=order.__getitem__))
    *rest, rows, columns = (x.shape[a] for a in order)
    first = max(offset, 0) + max(-offset, 0) * columns
    y = xp.diagonal(x, offset, *axes)
    if xp.name == "cpu":
        y.flags.writeable = x.flags.writeable  # which NumPy takes away

    def vjp(g: Any) -> Any:
        last = first + (columns + 1) * g.shape[-1]
        flat = xp.scatter(g, (..., slice(first, last, columns + 1)), (*rest, rows * columns))
        return xp.transpose(xp.reshape(flat, (*rest, rows, columns)), back)

    return y, (vjp,)
