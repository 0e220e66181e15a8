"""Matrix products on CUDA: which cuBLAS call an array's strides ask for.

cuBLAS takes column-major matrices with a leading dimension. A matrix with unit stride in one
direction is one, or is the transpose of one, so views (transposes, slices) need no copy.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from ..dtypes import name_of
from ..kernel import kernel
from ..precision import matmul_tf32
from . import cublas
from .source import TYPES

__all__ = ["matmul"]

Shape = tuple[int, ...]


def product(xp: Any, a: Any, b: Any, out: Any, *, beta: float = 0.0, tf32: bool = False) -> None:
    """out = a b + β out for stacks of matrices (B, M, K), (B, K, N), (B, M, N).

    a and b have one dtype, a key of `TYPES`. Sums are float64 for float64, else float32; out
    may be float32 where a and b are half. A stride of 0 repeats a matrix of a or b; out must
    have unit stride in a row or a column.

    Args:
        xp: the namespace of the arrays.
        a: the first factors.
        b: the second factors.
        out: where the products go.
        beta: 0 to replace what is in out, 1 to add to it.
        tf32: whether float32 factors may be rounded to TF32.
    """
    if out.size == 0:
        return
    if a.shape[2] == 0:
        if beta == 0:
            out.fill(0)
        return
    found = _asked(
        a.shape, a.strides, b.shape, b.strides, out.shape, out.strides,
        a.dtype, out.dtype, beta, tf32,
    )  # fmt: skip
    if found is None:
        product(xp, _readable(xp, a), _readable(xp, b), out, beta=beta, tf32=tf32)
        return
    call, turned = found
    if turned:
        a, b = b, a
    cublas.handle().gemm(call, a.data.ptr, b.data.ptr, out.data.ptr)
    # Copies that `_readable` made are released here: the pool gives their memory only to work
    # that follows on this stream.


def settled(
    a: Shape, a_steps: Shape, b: Shape, b_steps: Shape, out: Shape, out_steps: Shape,
    dtype: Any, tf32: bool,
) -> Callable[[Any, Any, Any], None]:  # fmt: skip
    """`product` of arrays that will lie as these shapes and strides say, which cuBLAS can read.

    It looks at their addresses alone.
    """
    found = _asked(a, a_steps, b, b_steps, out, out_steps, dtype, dtype, 0.0, tf32)
    assert found is not None
    call, turned = found

    def multiply(a: Any, b: Any, out: Any) -> None:
        if turned:
            a, b = b, a
        cublas.handle().gemm(call, a.data.ptr, b.data.ptr, out.data.ptr)

    return multiply


@functools.lru_cache(maxsize=4096)
def _asked(
    a: Shape, a_steps: Shape, b: Shape, b_steps: Shape, out: Shape, out_steps: Shape,
    dtype: Any, out_dtype: Any, beta: float, tf32: bool,
) -> tuple[cublas.Product, bool] | None:  # fmt: skip
    """What `product` asks of cuBLAS for arrays of such shapes, strides and dtypes.

    Returns:
        The call, and whether it is that of outᵀ = bᵀ aᵀ, with b first; None if cuBLAS can't read
        a factor as it lies.
    """
    of_out = _layout(out, out_steps, out_dtype.itemsize)
    assert of_out is not None, f"product: out has strides {out_steps}"
    turned = of_out[0] == cublas.TRANSPOSED  # out is row-major
    factors = [(a, a_steps), (b, b_steps)]
    if turned:
        factors = [(_turned(shape), _turned(steps)) for shape, steps in reversed(factors)]
        of_out = _layout(_turned(out), _turned(out_steps), out_dtype.itemsize)
    left, right = (_layout(*factor, dtype.itemsize) for factor in factors)
    if left is None or right is None or min(*a_steps, *b_steps) < 0 or of_out is None:
        return None
    name = name_of(dtype)
    compute = cublas.FLOAT64 if name == "float64" else cublas.FLOAT32
    if name == "float32" and tf32:
        compute = cublas.TF32
    (rows, depth), columns = factors[0][0][1:], factors[1][0][2]
    call = cublas.Product(
        (left[0], right[0]), (rows, columns, depth), (name, *left[1:]), (name, *right[1:]),
        (name_of(out_dtype), *of_out[1:]), out[0], compute, beta,
    )  # fmt: skip
    return call, turned


def _turned(shape: Shape) -> Shape:
    """The shape, or strides, of transposed matrices."""
    return shape[0], shape[2], shape[1]


def _layout(shape: Shape, strides: Shape, itemsize: int) -> tuple[int, int, int] | None:
    """A stack of matrices for cuBLAS: operation, leading dimension, step to the next matrix.

    None if neither rows nor columns have unit stride. A dimension of size 1 may have any.
    """
    step, down, across = (s // itemsize for s in strides)
    count, rows, columns = shape
    if (rows == 1 or down == 1) and (columns == 1 or across >= rows):
        return cublas.PLAIN, across if columns > 1 else rows, step if count > 1 else 0
    if (columns == 1 or across == 1) and (rows == 1 or down >= columns):
        return cublas.TRANSPOSED, down if rows > 1 else columns, step if count > 1 else 0
    return None


def _readable(xp: Any, m: Any) -> Any:
    """The factor itself if cuBLAS can read it as it lies, else a copy."""
    if _layout(m.shape, m.strides, m.itemsize) is not None and min(m.strides) >= 0:
        return m
    dense = xp.ascontiguousarray(m)
    # One element, backwards, is contiguous as it is.
    return dense if min(dense.strides) >= 0 else dense.copy()


@kernel("cuda")
def matmul(xp: Any, a: Any, b: Any, out: Any = None) -> Any:
    """`numpy.matmul`: a b for (…, M, K) and (…, K, N), one dimension standing for a vector.

    What is not float goes to the library.
    """
    name = name_of(a.dtype)
    if (
        name not in TYPES
        or b.dtype != a.dtype
        or not a.ndim
        or not b.ndim
        or (out is not None and out.dtype != a.dtype)
    ):
        return xp.library.matmul(a, b) if out is None else xp.library.matmul(a, b, out=out)
    vectors = tuple(axis for axis, m in ((-2, a), (-1, b)) if m.ndim == 1)
    left = a[None] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} cannot be multiplied")
    shape = _batch(left.shape[:-2], right.shape[:-2])
    full = (*shape, left.shape[-2], right.shape[-1])
    if out is not None and not vectors and out.ndim in (2, 3) and out.shape == full:
        target = out if out.ndim == 3 else out[None]
        if _layout(target.shape, target.strides, target.itemsize) is not None:
            _stacks(xp, left, right, shape, target)
            return out
    y = xp.empty((math.prod(shape), *full[-2:]), dtype=a.dtype)
    _stacks(xp, left, right, shape, y)
    y = xp.reshape(y, tuple(n for axis, n in enumerate(full, -len(full)) if axis not in vectors))
    if out is None:
        return y
    out[...] = y
    return out


def _batch(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that two stacks broadcast to.

    Raises:
        ValueError: they do not.
    """
    rank = max(len(first), len(second))
    pairs = zip(
        (1,) * (rank - len(first)) + first, (1,) * (rank - len(second)) + second, strict=True
    )
    sizes = []
    for n, m in pairs:
        if n != m and 1 not in (n, m):
            raise ValueError(f"matmul: batches {first} and {second} do not broadcast")
        sizes.append(m if n == 1 else n)
    return tuple(sizes)


def _stacks(xp: Any, a: Any, b: Any, batch: tuple[int, ...], y: Any) -> None:
    """y = a b for stacks that broadcast to the shape `batch`, y (B, M, N)."""
    one_for_all = math.prod(b.shape[:-2]) == 1 < math.prod(a.shape[:-2]) == y.shape[0]
    if one_for_all and a.size and a.flags.c_contiguous and y.flags.c_contiguous:
        # The rows of all matrices of a are one matrix.
        a = xp.reshape(a, (1, -1, a.shape[-1]))
        y = xp.reshape(y, (1, a.shape[1], y.shape[2]))
        batch = (1,)
    product(xp, _stack(xp, a, batch), _stack(xp, b, batch), y, tf32=matmul_tf32())


def _stack(xp: Any, m: Any, batch: tuple[int, ...]) -> Any:
    """Matrices (…, R, C) as (B, R, C): a view if one stride can lead through them all."""
    if math.prod(m.shape[:-2]) == 1:
        one = xp.reshape(m, (1, *m.shape[-2:]))
        return xp.broadcast_to(one, (math.prod(batch), *m.shape[-2:]))
    m = xp.broadcast_to(m, (*batch, *m.shape[-2:]))
    return m if m.ndim == 3 else xp.reshape(m, (math.prod(batch), *m.shape[-2:]))
