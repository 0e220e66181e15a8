"""Matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace
from ..ops import linalg as ops
from ..ops.elementwise import mul
from .autocast import one_dtype
from .base import TensorBase, apply, new
from .promote import pair
from .reduce import Reduce

if TYPE_CHECKING:
    from . import Tensor


class Linalg(Reduce):
    """Products of matrices and vectors."""

    __slots__ = ()

    def matmul(self, other: Tensor) -> Tensor:
        """The matrix product, batched over leading dimensions; vectors as in PyTorch.

        Args:
            other: (K), (K, M) or (…, K, M) for self (K), (N, K) or (…, N, K).

        Raises:
            RuntimeError: sizes that do not fit, or a 0-d operand.
            TypeError: other is not a tensor.
        """
        if not isinstance(other, TensorBase):
            raise TypeError(f"matmul: expected a Tensor, but got {type(other).__name__}")
        if not self.ndim or not other.ndim:
            raise RuntimeError(
                "matmul: both arguments need to be at least 1D, but they are "
                f"{self.ndim}D and {other.ndim}D"
            )
        if not one_dtype(self, other):
            raise RuntimeError(
                f"matmul: expected both to have the same dtype, but got {self.dtype} and "
                f"{other.dtype}"
            )
        a: Any = self.unsqueeze(0) if self.ndim == 1 else self
        b: Any = other.unsqueeze(1) if other.ndim == 1 else other
        y = apply(ops.matmul, a, b)
        if other.ndim == 1:
            y = y.squeeze(-1)
        return y.squeeze(-1 if other.ndim == 1 else -2) if self.ndim == 1 else y

    def __matmul__(self, other: Tensor) -> Tensor:
        return self.matmul(other)

    def mm(self, mat2: Tensor) -> Tensor:
        """The product of two matrices."""
        return self._product("mm", mat2, 2, 2)

    def bmm(self, mat2: Tensor) -> Tensor:
        """The products of two batches of matrices."""
        return self._product("bmm", mat2, 3, 3)

    def mv(self, vec: Tensor) -> Tensor:
        """The product of a matrix and a vector."""
        return self._product("mv", vec, 2, 1)

    def dot(self, other: Tensor) -> Tensor:
        """The inner product of two vectors."""
        return self._product("dot", other, 1, 1)

    def _product(self, name: str, other: Tensor, own: int, theirs: int) -> Tensor:
        if self.ndim != own or other.ndim != theirs:
            raise RuntimeError(
                f"{name}: expected {own}D and {theirs}D tensors, but got shapes {self.shape} and "
                f"{other.shape}"
            )
        return self.matmul(other)

    def outer(self, vec2: Tensor) -> Tensor:
        """The outer product of two vectors."""
        if self.ndim != 1 or vec2.ndim != 1:
            raise RuntimeError(f"outer: expected vectors, but got {self.shape} and {vec2.shape}")
        a, b = pair("outer", self.unsqueeze(1), vec2)
        return apply(mul, a, b)

    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
        """Beta · self + alpha · mat1 mat2."""
        return self * beta + mat1.mm(mat2) * alpha

    def tril(self, diagonal: int = 0) -> Tensor:
        """The last two dimensions with zeros above a diagonal."""
        return self._triangle("tril", diagonal)

    def triu(self, diagonal: int = 0) -> Tensor:
        """The last two dimensions with zeros below a diagonal."""
        return self._triangle("triu", diagonal)

    def _triangle(self, name: str, diagonal: int) -> Tensor:
        if self.ndim < 2:
            raise RuntimeError(f"{name}: input must have at least 2 dimensions, not {self.shape}")
        xp = namespace(self.array)
        keep = getattr(xp, name)(xp.ones(self.shape[-2:], dtype=bool), diagonal)
        return self.masked_fill(new(~keep), 0)
