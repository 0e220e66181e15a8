"""The normal distribution of vectors whose covariance is a diagonal and few columns."""

from __future__ import annotations

from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.arrange import broadcast_shapes
from ..tensor.create import eye
from ..tensor.decompose import cholesky
from ..tensor.draw import randn
from ..tensor.solve import solve_triangular
from . import constraints
from .distribution import Distribution, Shape
from .utils import HALF_LOG_2PI, lazy_property

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """The normal distribution of mean μ and covariance Σ = W Wᵀ + D.

    It works with the matrix C = 1 + Wᵀ D⁻¹ W of few rows: det Σ = det C det D, and
    Σ⁻¹ = D⁻¹ − D⁻¹ W C⁻¹ Wᵀ D⁻¹ (Woodbury).

    Args:
        loc: μ (…, n).
        cov_factor: W (…, n, m).
        cov_diag: the diagonal of D (…, n), above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: shapes that don't fit, or out of their range.
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support: Any = constraints.real_vector
    has_rsample = True
    _event_dims: ClassVar = {"loc": 1, "cov_factor": 2, "cov_diag": 1, "_capacitance": 2}

    def __init__(
        self,
        loc: Tensor,
        cov_factor: Tensor,
        cov_diag: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        n = loc.shape[-1]
        if cov_factor.ndim < 2 or cov_factor.shape[-2] != n:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {n} x m")
        if cov_diag.shape[-1:] != (n,):
            raise ValueError(f"cov_diag must be a batch of vectors with shape {(n,)}")
        try:
            batch = broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, "
                f"cov_diag {cov_diag.shape}"
            ) from None
        self.loc = loc.expand(*batch, n)
        self.cov_factor = cov_factor.expand(*batch, *cov_factor.shape[-2:])
        self.cov_diag = cov_diag.expand(*batch, n)
        super().__init__(batch, (n,), validate_args=validate_args)
        w, m = self.cov_factor, cov_factor.shape[-1]
        unit = eye(m, dtype=loc.dtype, device=loc.device)
        self._capacitance = cholesky(unit + (w / self.cov_diag.unsqueeze(-1)).mT @ w)

    @property
    def mean(self) -> Tensor:
        """μ."""
        return self.loc

    mode = mean

    @lazy_property
    def variance(self) -> Tensor:
        """The diagonal of Σ."""
        found: Tensor = (self.cov_factor**2).sum(-1) + self.cov_diag
        return found

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """Σ."""
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @lazy_property
    def scale_tril(self) -> Tensor:
        """L of Σ = L Lᵀ, lower triangular."""
        return cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Σ⁻¹."""
        part = (self.cov_factor / self.cov_diag.unsqueeze(-1)).mT
        inner = solve_triangular(self._capacitance, part, upper=False)
        return self.cov_diag.reciprocal().diag_embed() - inner.mT @ inner

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """μ + W ε + √D ε′ for standard normal ε and ε′."""
        shape = self._extended_shape(sample_shape)
        words: Any = {"dtype": self.loc.dtype, "device": self.loc.device}
        few = randn((*shape[:-1], self.cov_factor.shape[-1]), **words)
        own = self.cov_diag.sqrt() * randn(shape, **words)
        return self.loc + (self.cov_factor @ few.unsqueeze(-1)).squeeze(-1) + own

    def _half_log_det(self) -> Tensor:
        few = self._capacitance.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return few + 0.5 * self.cov_diag.log().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """−½ (n log 2π + log det Σ + (x − μ)ᵀ Σ⁻¹ (x − μ))."""
        self._validate_sample(value)
        difference = value - self.loc
        scaled = difference / self.cov_diag
        few = (self.cov_factor.mT @ scaled.unsqueeze(-1)).squeeze(-1).unsqueeze(-1)
        batch = broadcast_shapes(few.shape[:-2], self._capacitance.shape[:-2])
        low = self._capacitance.expand(*batch, *self._capacitance.shape[-2:])
        inner = solve_triangular(low, few, upper=False)
        square = (difference * scaled).sum(-1) - (inner**2).sum((-2, -1))
        found: Tensor = -self._event_shape[0] * HALF_LOG_2PI - self._half_log_det() - 0.5 * square
        return found

    def entropy(self) -> Tensor:
        """½ n (1 + log 2π) + ½ log det Σ."""
        own = self._event_shape[0] * (0.5 + HALF_LOG_2PI) + self._half_log_det()
        found: Tensor = own.expand(self._batch_shape)
        return found
