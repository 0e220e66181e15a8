"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from ..nn.functional import one_hot
from ..tensor import Tensor
from ..tensor.compare import where
from ..tensor.elementwise import xlogy
from ..tensor.special import digamma, lgamma
from . import constraints
from .distribution import Shape
from .exp_family import ExponentialFamily
from .utils import eps_of, standard_gamma, tiny_of

__all__ = ["Dirichlet"]


def sample_dirichlet(input: Tensor, generator: Any = None) -> Tensor:
    """`torch._sample_dirichlet`: one draw for each row of concentrations, without a gradient."""
    return Dirichlet(input.detach(), validate_args=False).sample()


class Dirichlet(ExponentialFamily):
    """p(x) = Γ(Σ αᵢ) / Π Γ(αᵢ) · Π xᵢ^(αᵢ − 1) for x (K) ≥ 0 whose sum is 1.

    Args:
        concentration: α (…, K), above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: α without dimensions, or not above 0.
    """

    arg_constraints: ClassVar[Any] = {
        "concentration": constraints.independent(constraints.positive, 1)
    }
    support: Any = constraints.simplex
    has_rsample = True
    _event_dims: ClassVar = {"concentration": 1}

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        shape = concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """α / Σα."""
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        """(α − 1)₊ / Σ (α − 1)₊; where all α are below 1, a 1 at the largest and else 0."""
        less = (self.concentration - 1).clamp(min=0.0)
        inner = less / less.sum(-1, True)
        below = (self.concentration < 1).all(dim=-1, keepdim=True)
        largest = one_hot(self.concentration.argmax(dim=-1), less.shape[-1])
        found: Tensor = where(below, largest.to(inner.dtype), inner)
        return found

    @property
    def variance(self) -> Tensor:
        """αᵢ (s − αᵢ) / (s² (s + 1)) with s = Σα."""
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total**2 * (total + 1))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Draws of the gamma distributions of α over their sum; none is rounded to 0 or 1.

        Those of a small α are far below what float32 holds, where all would be alike.
        """
        alpha = self.concentration
        draws = standard_gamma(alpha.double(), self._extended_shape(sample_shape))
        parts: Tensor = (draws / draws.sum(-1, True)).to(alpha.dtype)
        within = parts.detach().clamp(min=tiny_of(parts), max=1 - eps_of(parts) / 2)
        return parts + (within - parts.detach())  # whose gradient is that of all parts

    def log_prob(self, value: Tensor) -> Tensor:
        """Σ (αᵢ − 1) log xᵢ + log Γ(Σα) − Σ log Γ(αᵢ)."""
        self._validate_sample(value)
        alpha = self.concentration
        powers = xlogy(alpha - 1.0, value).sum(-1)
        return powers + lgamma(alpha.sum(-1)) - lgamma(alpha).sum(-1)

    def entropy(self) -> Tensor:
        """log B(α) + (s − K) ψ(s) − Σ (αᵢ − 1) ψ(αᵢ)."""
        alpha = self.concentration
        k, total = alpha.shape[-1], alpha.sum(-1)
        found: Tensor = (
            lgamma(alpha).sum(-1)
            - lgamma(total)
            - (k - total) * digamma(total)
            - ((alpha - 1.0) * digamma(alpha)).sum(-1)
        )
        return found
