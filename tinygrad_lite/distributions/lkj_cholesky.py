"""The LKJ distribution of correlation matrices, by their Cholesky factors."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor, no_grad
from ..tensor.concatenate import cat
from ..tensor.create import arange
from ..tensor.draw import randn
from ..tensor.special import lgamma, mvlgamma
from . import constraints
from .beta import Beta
from .distribution import Distribution, Shape
from .utils import broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """p(L) ∝ Π_{i=2}^{D} Lᵢᵢ^(D − i + 2 (η − 1)), so that p(L Lᵀ) ∝ det(L Lᵀ)^(η − 1).

    D. Lewandowski, D. Kurowicka and H. Joe, "Generating random correlation matrices based on vines
    and extended onion method", Journal of Multivariate Analysis 100, 2009.

    Args:
        dim: D, at least 2.
        concentration: η, above 0: a number or a tensor; 1 makes all correlation matrices equally
            likely.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: D below 2, or η out of its range.
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive}
    support: Any = constraints.corr_cholesky
    _event_dims: ClassVar = {"concentration": 0}

    def __init__(
        self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        if not isinstance(dim, int):
            raise TypeError(f"LKJCholesky: dim must be an int, but is {dim!r}")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)

    def _numbers(self, first: int, last: int) -> Tensor:
        """first, …, last, in the parameter's dtype."""
        eta = self.concentration
        return arange(first, last + 1, dtype=eta.dtype, device=eta.device)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Factors whose rows end at drawn distances in drawn directions (section 3.2, the onion).

        The squared length of row i before its diagonal is of Beta(i/2, η + (D − 1 − i)/2), i = 1
        to D − 1; the diagonal makes the row's length 1.
        """
        eta, n = self.concentration, self.dim
        with no_grad():
            i = self._numbers(1, n - 1)
            beta = Beta(i / 2 + 0 * eta.unsqueeze(-1), eta.unsqueeze(-1) + (n - 1 - i) / 2)
            squared = beta.sample(sample_shape)
            squared = cat([squared.new_zeros((*squared.shape[:-1], 1)), squared], -1).unsqueeze(-1)
            shape = self._extended_shape(sample_shape)
            way = randn(shape, dtype=eta.dtype, device=eta.device).tril(-1)
            length = way.norm(dim=-1, keepdim=True)
            below = squared.sqrt() * way / (length + (length == 0))
            return below + (1 - squared.squeeze(-1)).sqrt().diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        """Σ (D − i + 2 (η − 1)) log Lᵢᵢ − log c (Lewandowski et al., page 1999)."""
        self._validate_sample(value)
        n, eta = self.dim, self.concentration
        order = 2 * (eta - 1).unsqueeze(-1) + n - self._numbers(2, n)
        own = (order * value.diagonal(dim1=-1, dim2=-2)[..., 1:].log()).sum(-1)
        alpha = eta + 0.5 * (n - 1)
        norm = mvlgamma(alpha - 0.5, n - 1) - (n - 1) * lgamma(alpha)
        return own - norm - 0.5 * (n - 1) * math.log(math.pi)
