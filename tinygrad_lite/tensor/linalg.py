"""Matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace
from ..ops import linalg as ops
from ..ops.elementwise import mul
from .apply import apply
from .autocast import one_dtype
from .base import TensorBase, new
from .operation import public
from .promote import pair

if TYPE_CHECKING:
    from .tensor import Tensor


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product, batched over leading dimensions; vectors as in PyTorch.

    Args:
        other: (K), (K, M) or (…, K, M) for input (K), (N, K) or (…, N, K).

    Raises:
        RuntimeError: sizes that do not fit, or a 0-d operand.
        TypeError: other is not a tensor.
    """
    if not isinstance(other, TensorBase):
        raise TypeError(f"matmul: expected a Tensor, but got {type(other).__name__}")
    if not input.ndim or not other.ndim:
        raise RuntimeError(
            "matmul: both arguments need to be at least 1D, but they are "
            f"{input.ndim}D and {other.ndim}D"
        )
    if not one_dtype(input, other):
        raise RuntimeError(
            f"matmul: expected both to have the same dtype, but got {input.dtype} and {other.dtype}"
        )
    a: Any = input.unsqueeze(0) if input.ndim == 1 else input
    b: Any = other.unsqueeze(1) if other.ndim == 1 else other
    y = apply(ops.matmul, a, b)
    if other.ndim == 1:
        y = y.squeeze(-1)
    return y.squeeze(-1 if other.ndim == 1 else -2) if input.ndim == 1 else y


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices."""
    return _product(input, "mm", mat2, 2, 2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices."""
    return _product(input, "bmm", mat2, 3, 3)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector."""
    return _product(input, "mv", vec, 2, 1)


def dot(input: Tensor, other: Tensor) -> Tensor:
    """The inner product of two vectors."""
    return _product(input, "dot", other, 1, 1)


def _product(input: Tensor, name: str, other: Tensor, own: int, theirs: int) -> Tensor:
    if input.ndim != own or other.ndim != theirs:
        raise RuntimeError(
            f"{name}: expected {own}D and {theirs}D tensors, but got shapes {input.shape} and "
            f"{other.shape}"
        )
    return input.matmul(other)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The outer product of two vectors."""
    if input.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(f"outer: expected vectors, but got {input.shape} and {vec2.shape}")
    a, b = pair("outer", input.unsqueeze(1), vec2)
    return apply(mul, a, b)


def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta · input + alpha · mat1 mat2."""
    return input * beta + mat1.mm(mat2) * alpha


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The last two dimensions with zeros above a diagonal."""
    return _triangle(input, "tril", diagonal)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The last two dimensions with zeros below a diagonal."""
    return _triangle(input, "triu", diagonal)


def _triangle(input: Tensor, name: str, diagonal: int) -> Tensor:
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions, not {input.shape}")
    xp = namespace(input.array)
    keep = getattr(xp, name)(xp.ones(input.shape[-2:], dtype=bool), diagonal)
    return input.masked_fill(new(~keep), 0)


if not TYPE_CHECKING:
    __all__ = public(globals())
