"""The normal distribution of vectors."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.arrange import broadcast_shapes
from ..tensor.create import eye
from ..tensor.decompose import cholesky
from ..tensor.draw import randn
from ..tensor.solve import solve_triangular
from . import constraints
from .distribution import Distribution, Shape
from .utils import lazy_property

__all__ = ["MultivariateNormal"]


class WithScaleMatrix(Distribution):
    """Distributions of a matrix Σ = L Lᵀ, of which L is kept."""

    _unbroadcasted_scale_tril: Tensor

    def _whole(self, matrix: Tensor) -> Tensor:
        return matrix.expand(*self._batch_shape, *matrix.shape[-2:])

    @lazy_property
    def scale_tril(self) -> Tensor:
        """L."""
        return self._whole(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """Σ."""
        return self._whole(self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Σ⁻¹."""
        scale = self._unbroadcasted_scale_tril
        unit = eye(scale.shape[-1], dtype=scale.dtype, device=scale.device)
        inverse = solve_triangular(scale, unit.expand(scale.shape), upper=False)
        return self._whole(inverse.mT @ inverse)

    def _half_log_det(self) -> Tensor:
        """½ log det Σ."""
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


class MultivariateNormal(WithScaleMatrix):
    """p(x) = exp(−½ (x − μ)ᵀ Σ⁻¹ (x − μ)) / √((2π)ⁿ det Σ).

    It works with L, lower triangular, where Σ = L Lᵀ.

    Args:
        loc: μ (…, n).
        covariance_matrix: Σ (…, n, n); or
        precision_matrix: Σ⁻¹; or
        scale_tril: L, with a positive diagonal.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: none or several of the three, too few dimensions, or out of their range.
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support: Any = constraints.real_vector
    has_rsample = True
    _event_dims: ClassVar = {
        "loc": 1,
        "covariance_matrix": 2,
        "precision_matrix": 2,
        "scale_tril": 2,
        "_unbroadcasted_scale_tril": 2,
    }

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = {name: matrix for name, matrix in matrices.items() if matrix is not None}
        if len(given) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
                "specified."
            )
        ((name, matrix),) = given.items()
        if matrix.ndim < 2:
            raise ValueError(
                f"{name} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand(*batch, *loc.shape[-1:])
        self.__dict__[name] = matrix.expand(*batch, *matrix.shape[-2:])
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = _precision_to_scale_tril(matrix)

    @property
    def mean(self) -> Tensor:
        """μ."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """μ."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The diagonal of Σ."""
        own = (self._unbroadcasted_scale_tril**2).sum(-1)
        return own.expand(*self._batch_shape, *self._event_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """μ + L ε for standard normal ε."""
        shape = self._extended_shape(sample_shape)
        noise = randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, noise)

    def log_prob(self, value: Tensor) -> Tensor:
        """−½ (n log 2π + |L⁻¹ (x − μ)|²) − Σ log Lᵢᵢ."""
        self._validate_sample(value)
        square = _batch_mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        n = self._event_shape[0]
        found: Tensor = -0.5 * (n * math.log(2 * math.pi) + square) - self._half_log_det()
        return found

    def entropy(self) -> Tensor:
        """½ n (1 + log 2π) + Σ log Lᵢᵢ."""
        n = self._event_shape[0]
        own = 0.5 * n * (1.0 + math.log(2 * math.pi)) + self._half_log_det()
        found: Tensor = own.expand(self._batch_shape)
        return found


def _batch_mv(bmat: Tensor, bvec: Tensor) -> Tensor:
    """The products of matrices (…, n, m) and vectors (…, m)."""
    return (bmat @ bvec.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(bL: Tensor, bx: Tensor) -> Tensor:
    """|L⁻¹ x|² of lower triangular matrices (…, n, n) and vectors (…, n)."""
    batch = broadcast_shapes(bL.shape[:-2], bx.shape[:-1])
    scale, x = bL.expand(*batch, *bL.shape[-2:]), bx.expand(*batch, bx.shape[-1])
    return (solve_triangular(scale, x.unsqueeze(-1), upper=False) ** 2).sum((-2, -1))


def _precision_to_scale_tril(precision: Tensor) -> Tensor:
    """The lower L with L Lᵀ = P⁻¹: of P, read backwards, = M Mᵀ it is M⁻ᵀ read backwards.

    Like `cholesky` it takes P for symmetric, also where it is differentiated again.
    """
    backwards = cholesky(precision.flip((-2, -1))).flip((-2, -1)).mT
    unit = eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return solve_triangular(backwards, unit.expand(precision.shape), upper=False)
