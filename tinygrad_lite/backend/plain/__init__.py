"""Kernels in their plain form, for any namespace: the specification of the fast ones.

A kernel is a function `kernel(xp, ...)` marked with `@kernel`; the namespace offers it as
`xp.kernel(...)`.
"""

from __future__ import annotations

import math
from typing import Any

from ..kernel import kernel as kernel
from .amp import *
from .conv import *
from .norm import *
from .norm import narrow, wide
from .optim import adagrad_step as adagrad_step
from .optim import adam_step as adam_step
from .optim import rmsprop_step as rmsprop_step
from .optim import sgd_step as sgd_step
from .optim import updates as updates
from .pool import *
from .special import *


@kernel
def astype(xp: Any, x: Any, dtype: Any) -> Any:
    """A copy in another dtype."""
    return x.astype(dtype)


@kernel
def plus(xp: Any, a: Any, b: Any) -> Any:
    """a + b."""
    return a + b


@kernel
def minus(xp: Any, a: Any, b: Any) -> Any:
    """a − b."""
    return a - b


@kernel
def times(xp: Any, a: Any, b: Any) -> Any:
    """a b, elementwise."""
    return a * b


@kernel
def relu(xp: Any, x: Any) -> Any:
    """max(0, x); NaN stays NaN."""
    return xp.maximum(x, 0)


@kernel
def relu_gradient(xp: Any, g: Any, y: Any) -> Any:
    """G where the output y of `relu` is not 0 (NaN is not), else 0."""
    return g * (y != 0)


@kernel
def device_of(xp: Any, x: Any) -> str:
    """The name of the device of an array."""
    name: str = xp.name
    return name


@kernel
def to_device(xp: Any, x: Any, device: str) -> Any:
    """A copy of an array on a device."""
    from .. import is_array, namespace_for, to_host

    x = x if is_array(x) else xp.asarray(x)  # NumPy may give a scalar
    return namespace_for(device).asarray(to_host(x))


@kernel
def scatter(xp: Any, g: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with g added at an index; see `ops.shape.scatter`."""
    if any(hasattr(part, "dtype") for part in index):
        y = xp.zeros(shape, dtype=wide(g).dtype)
        xp.add.at(y, index, wide(g))
        return narrow(y, g)
    y = xp.zeros(shape, dtype=g.dtype)
    y[index] = g
    return y


@kernel
def scatter_along(xp: Any, g: Any, index: Any, *, axis: int, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with g added at an index along an axis; see `ops.shape.scatter_along`."""
    y = xp.zeros(shape, dtype=wide(g).dtype)
    places = []
    for a, n in enumerate(index.shape):
        places.append(xp.reshape(xp.arange(n), (-1,) + (1,) * (index.ndim - a - 1)))
    places[axis] = index
    xp.add.at(y, tuple(places), wide(g))
    return narrow(y, g)


@kernel
def affine(xp: Any, x: Any, weight: Any, bias: Any) -> Any:
    """x Wᵀ + b for x (…, K), W (M, K), b (M) or None: shape (…, M)."""
    rows = x if x.ndim == 2 else xp.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
    y = xp.matmul(rows, weight.T)
    if bias is not None:
        y += bias
    return y if x.ndim == 2 else xp.reshape(y, (*x.shape[:-1], weight.shape[0]))


@kernel
def affine_weight_gradient(xp: Any, g: Any, x: Any, weight: Any) -> Any:
    """Gᵀ X over all rows of g (…, M) and x (…, K): shape (M, K), in the memory order of W."""
    order = "F" if weight.flags.f_contiguous else "C"
    gradient = xp.empty(weight.shape, dtype=g.dtype, order=order)
    rows = math.prod(x.shape[:-1])  # −1 would be ambiguous where a size is 0
    g = xp.reshape(g, (rows, g.shape[-1]))
    x = xp.reshape(x, (rows, x.shape[-1]))
    if order == "F":
        xp.matmul(x.T, g, out=gradient.T)
    else:
        xp.matmul(g.T, x, out=gradient)
    return gradient


@kernel
def softmax_cross_entropy(xp: Any, x: Any, target: Any) -> tuple[Any, Any]:
    """For logits (N, C) and classes (N): the losses −ln softmax(x)[t] (N), and softmax (N, C)."""
    z = x - xp.amax(x, axis=1, keepdims=True)
    rows = xp.arange(x.shape[0])
    picked = z[rows, target]
    p = xp.exp(z)
    total = xp.sum(p, axis=1, keepdims=True)
    p /= total
    return xp.log(total[:, 0]) - picked, p


@kernel
def softmax_cross_entropy_gradient(xp: Any, g: Any, p: Any, target: Any) -> Any:
    """For cotangents (N), softmax (N, C) and classes (N): (softmax − one-hot) g, (N, C)."""
    column = xp.reshape(g, (-1, 1))
    gradient = p * column
    gradient[xp.arange(p.shape[0]), target] -= g
    return gradient


@kernel
def softmax_cross_entropy_probabilities(xp: Any, x: Any, target: Any) -> tuple[Any, Any]:
    """For logits and weights q (N, C, …): the losses −Σ q ln softmax(x) (N, …), and softmax."""
    z = x - xp.amax(x, axis=1, keepdims=True)
    p = xp.exp(z)
    total = xp.sum(p, axis=1, keepdims=True)
    p /= total
    z -= xp.log(total)
    z *= target
    return -xp.sum(z, axis=1), p


@kernel
def softmax_cross_entropy_probabilities_gradient(xp: Any, g: Any, p: Any, target: Any) -> Any:
    """For cotangents (N, …) or one for all, softmax and weights q (N, C, …): (p Σ q − q) g."""
    gradient = p * xp.sum(target, axis=1, keepdims=True)
    gradient -= target
    gradient *= xp.expand_dims(g, 1) if g.ndim else g
    return gradient


@kernel
def all_below(xp: Any, x: Any, n: int) -> bool:
    """Whether all of some integers are in [0, n); reading the answer waits for the device.

    One pass: a negative number, read as unsigned, is a large one.
    """
    return x.size == 0 or int(xp.amax(x.view(f"u{x.dtype.itemsize}"))) < n
