"""Transforms of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

from ...nn.functional import logsigmoid, pad, softmax, softplus
from ...tensor import Tensor
from ...tensor.create import arange
from ...tensor.decompose import cholesky
from .. import constraints
from ..utils import eps_of, tiny_of
from .base import Alike, Shape, Transform

__all__ = [
    "CorrCholeskyTransform",
    "LowerCholeskyTransform",
    "PositiveDefiniteTransform",
    "ReshapeTransform",
    "SoftmaxTransform",
    "StickBreakingTransform",
]


def _enough(shape: Shape, dims: int) -> Shape:
    if len(shape) < dims:
        raise ValueError(f"Too few dimensions on input: {tuple(shape)}, where an event has {dims}")
    return shape


class SoftmaxTransform(Alike):
    """y = softmax(x), of which the inverse takes x = log y."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return softmax(x, dim=-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: Shape) -> Shape:
        """The same, of one dimension at least."""
        return _enough(shape, 1)

    inverse_shape = forward_shape


class StickBreakingTransform(Alike):
    """A stick of length 1 is broken K times: yᵢ = zᵢ Π_{j<i} (1 − zⱼ), the rest is y_{K+1}.

    z = σ(x − log(K + 1 − i)) for i = 1 … K, so that x = 0 breaks it into equal parts.
    """

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.simplex

    def _shift(self, x: Tensor) -> Tensor:
        n = x.shape[-1]
        found: Tensor = (n - arange(n, dtype=x.dtype, device=x.device)).log()
        return found

    def _call(self, x: Tensor) -> Tensor:
        z = (x - self._shift(x)).sigmoid().clamp(tiny_of(x), 1 - eps_of(x))
        left = (1 - z).cumprod(-1)
        return pad(z, (0, 1), value=1) * pad(left, (1, 0), value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        parts = y[..., :-1]
        left = (1 - parts.cumsum(-1)).clamp(min=tiny_of(y))
        return parts.log() - left.log() + self._shift(parts)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Σ log yᵢ + log σ(−(x − shift))."""
        x = x - self._shift(x)
        return (logsigmoid(x) - x + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Shape) -> Shape:
        """One more element."""
        _enough(shape, 1)
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Shape) -> Shape:
        """One less."""
        _enough(shape, 1)
        return (*shape[:-1], shape[-1] - 1)


class LowerCholeskyTransform(Alike):
    """The lower triangle, with eˣ on the diagonal."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(Alike):
    """y = L Lᵀ of the L that `LowerCholeskyTransform` makes of x."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        low = LowerCholeskyTransform()(x)
        return low @ low.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(cholesky(y))


class CorrCholeskyTransform(Transform):
    """Vectors of n(n − 1)/2 numbers as Cholesky factors of correlation matrices.

    With z = tanh x in the strict lower triangle, row by row, Lᵢⱼ = zᵢⱼ √Π_{k<j} (1 − zᵢₖ²), and the
    diagonal makes each row's length 1.
    """

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.corr_cholesky

    @staticmethod
    def _places(n: int) -> Any:
        """Which places of a flat n × n matrix are in the strict lower triangle, in order."""
        return [i * n + j for i in range(n) for j in range(i)]

    def _call(self, x: Tensor) -> Tensor:
        n = self.forward_shape(tuple(x.shape))[-1]
        eps = eps_of(x)
        z = x.tanh().clamp(-1 + eps, 1 - eps)
        flat = z.new_zeros((*z.shape[:-1], n * n))
        index = arange(n * n, device=z.device)[self._places(n)]
        r = flat.index_add(-1, index, z).reshape(*z.shape[:-1], n, n)
        left = (1 - r * r).sqrt().cumprod(-1)
        unit = arange(n, device=z.device)
        diagonal = (unit.unsqueeze(-1) == unit).to(dtype=z.dtype)
        return (r + diagonal) * pad(left[..., :-1], (1, 0), value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        n = y.shape[-1]
        left = pad((1 - (y * y).cumsum(-1))[..., :-1], (1, 0), value=1)
        places = arange(n * n, device=y.device)[self._places(n)]
        low = y.flatten(-2)[..., places] / left.flatten(-2)[..., places].sqrt()
        return (low.log1p() - (-low).log1p()) / 2

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor, intermediates: Any = None) -> Tensor:
        """Σ ½ log Π (1 − z²) of what is left of each row, and Σ log(1 − tanh² x)."""
        n = y.shape[-1]
        left = 1 - (y * y).cumsum(-1)
        below = [i * n + j for i in range(2, n) for j in range(i - 1)]
        places = arange(n * n, device=y.device)[below]
        first = 0.5 * left.flatten(-2)[..., places].log().sum(-1)
        return first - 2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)

    def forward_shape(self, shape: Shape) -> Shape:
        """n × n, for n(n − 1)/2 numbers.

        Raises:
            ValueError: no n has so many.
        """
        count = _enough(shape, 1)[-1]
        n = round((0.25 + 2 * count) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != count:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return (*shape[:-1], n, n)

    def inverse_shape(self, shape: Shape) -> Shape:
        """n(n − 1)/2, for n × n.

        Raises:
            ValueError: not square.
        """
        n = _enough(shape, 2)[-1]
        if shape[-2] != n:
            raise ValueError(f"Input is not square: {tuple(shape)}")
        return (*shape[:-2], n * (n - 1) // 2)


class ReshapeTransform(Transform):
    """The last dimensions in another shape.

    Args:
        in_shape, out_shape: theirs.
        cache_size: see `Transform`.

    Raises:
        ValueError: of another number of elements.
    """

    bijective = True
    _arguments = ("in_shape", "out_shape")

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        self.in_shape, self.out_shape = tuple(in_shape), tuple(out_shape)
        if math.prod(self.in_shape) != math.prod(self.out_shape):
            raise ValueError("in_shape, out_shape have different numbers of elements")
        super().__init__(cache_size)
        self.domain = constraints.independent(constraints.real, len(self.in_shape))
        self.codomain = constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(self.forward_shape(tuple(x.shape)))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(self.inverse_shape(tuple(y.shape)))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """0."""
        return x.new_zeros(x.shape[: x.ndim - len(self.in_shape)])

    def _exchanged(self, shape: Shape, old: Shape, new: Shape) -> Shape:
        start = len(shape) - len(old)
        if start < 0 or shape[start:] != old:
            raise ValueError(f"Shape mismatch: expected {shape} to end in {old}")
        return (*shape[:start], *new)

    def forward_shape(self, shape: Shape) -> Shape:
        """With out_shape in place of in_shape."""
        return self._exchanged(tuple(shape), self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Shape) -> Shape:
        """With in_shape in place of out_shape."""
        return self._exchanged(tuple(shape), self.out_shape, self.in_shape)
