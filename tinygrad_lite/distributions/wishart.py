"""Wishart's distribution of positive definite matrices."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.arrange import broadcast_shapes
from ..tensor.compare import where
from ..tensor.create import arange, as_tensor, full_like
from ..tensor.decompose import cholesky
from ..tensor.draw import randn
from ..tensor.solve import inv, slogdet, solve_triangular
from ..tensor.special import digamma, mvlgamma
from . import constraints
from .distribution import Shape
from .exp_family import ExponentialFamily
from .gamma import Gamma
from .multivariate_normal import WithScaleMatrix
from .utils import is_number

__all__ = ["Wishart"]


class Wishart(WithScaleMatrix, ExponentialFamily):
    """p(X) ∝ det(X)^((ν − n − 1)/2) exp(−½ tr V⁻¹X): the sum of ν squares x xᵀ of normal vectors.

    x is of mean 0 and covariance V = L Lᵀ (J. Wishart, "The generalised product moment distribution
    in samples from a normal multivariate population", Biometrika 20A, 1928).

    Args:
        df: the degrees of freedom ν, above n − 1: a number or a tensor.
        covariance_matrix: V (…, n, n); or
        precision_matrix: V⁻¹; or
        scale_tril: L, with a positive diagonal.
        validate_args: whether arguments are checked.

    Raises:
        AssertionError: none or several of the three, as in PyTorch.
        ValueError: too few dimensions, or out of their range.
    """

    support: Any = constraints.positive_definite
    has_rsample = True
    _event_dims: ClassVar = {
        "df": 0,
        "covariance_matrix": 2,
        "precision_matrix": 2,
        "scale_tril": 2,
        "_unbroadcasted_scale_tril": 2,
    }

    @property
    def arg_constraints(self) -> Any:
        """What the parameters must satisfy."""
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = {name: matrix for name, matrix in matrices.items() if matrix is not None}
        if len(given) != 1:
            raise AssertionError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
                "specified."
            )
        ((name, matrix),) = given.items()
        if matrix.ndim < 2:
            raise ValueError(
                "scale_tril must be at least two-dimensional, with optional leading batch "
                "dimensions"
            )
        number = is_number(df)
        if number or not df.is_floating_point():
            df = as_tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch = broadcast_shapes(matrix.shape[:-2], df.shape)
        n = matrix.shape[-1]
        self.df: Tensor = df if number else df.expand(batch)
        if bool((self.df <= n - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        if bool((self.df < n).any()):
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 "
                "< df < ndim.",
                stacklevel=2,
            )
        self.__dict__[name] = matrix.expand(*batch, n, n)
        super().__init__(batch, matrix.shape[-2:], validate_args=validate_args)
        if name != "scale_tril":
            matrix = cholesky(matrix if name == "covariance_matrix" else inv(matrix))
        self._unbroadcasted_scale_tril = matrix

    @property
    def mean(self) -> Tensor:
        """ν V."""
        return self.df[..., None, None] * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        """(ν − n − 1) V; NaN for ν up to n + 1."""
        factor = (self.df - self.covariance_matrix.shape[-1] - 1)[..., None, None]
        scaled = factor * self.covariance_matrix
        found: Tensor = where(factor > 0, scaled, full_like(scaled, math.nan))
        return found

    @property
    def variance(self) -> Tensor:
        """ν (Vᵢⱼ² + Vᵢᵢ Vⱼⱼ)."""
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        both = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df[..., None, None] * (v**2 + both)

    def rsample(self, sample_shape: Shape = (), max_try_correction: int | None = None) -> Tensor:
        """L A Aᵀ Lᵀ: Aᵢᵢ² of χ²(ν − i), i from 0, below it normal numbers (Bartlett 1933).

        Args:
            sample_shape: how many samples.
            max_try_correction: without effect: nothing is drawn again, also where a sample is
                singular.
        """
        n, nu = self._event_shape[-1], self.df.expand(self._batch_shape)
        i = arange(n, dtype=nu.dtype, device=nu.device)
        chi2 = Gamma(0.5 * (nu.unsqueeze(-1) - i), 0.5).rsample(sample_shape)
        noise = randn(self._extended_shape(sample_shape), dtype=nu.dtype, device=nu.device)
        low = self._unbroadcasted_scale_tril @ (noise.tril(-1) + chi2.sqrt().diag_embed())
        return low @ low.mT

    def log_prob(self, value: Tensor) -> Tensor:
        """½ (ν − n − 1) log det X − ½ tr V⁻¹X − ν/2 (n log 2 + log det V) − log Γₙ(ν/2)."""
        self._validate_sample(value)
        n, nu = self._event_shape[-1], self.df
        low = self._unbroadcasted_scale_tril
        batch = broadcast_shapes(low.shape[:-2], value.shape[:-2])
        low, x = low.expand(*batch, n, n), value.expand(*batch, n, n)
        half = solve_triangular(low, x, upper=False)  # L⁻¹ X
        whole = solve_triangular(low, half.mT, upper=False)  # L⁻¹ X L⁻ᵀ, of the trace of V⁻¹X
        trace = whole.diagonal(dim1=-2, dim2=-1).sum(-1)
        found: Tensor = (
            (nu - n - 1) / 2 * slogdet(value).logabsdet
            - trace / 2
            - nu * (n * math.log(2) / 2 + self._half_log_det())
            - mvlgamma(nu / 2, n)
        )
        return found

    def entropy(self) -> Tensor:
        """(n + 1) (n/2 log 2 + ½ log det V) + log Γₙ(ν/2) − ½ (ν − n − 1) ψₙ(ν/2) + ν n/2."""
        n, nu = self._event_shape[-1], self.df
        scale = (n + 1) * (n * math.log(2) / 2 + self._half_log_det())
        found: Tensor = (
            scale + mvlgamma(nu / 2, n) - (nu - n - 1) / 2 * self._digamma() + nu * n / 2
        )
        return found

    def _digamma(self) -> Tensor:
        """ψₙ(ν/2) = Σ ψ((ν − i)/2), i from 0 to n − 1."""
        i = arange(self._event_shape[-1], dtype=self.df.dtype, device=self.df.device)
        found: Tensor = digamma((self.df.unsqueeze(-1) - i) / 2).sum(-1)
        return found
