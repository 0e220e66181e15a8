"""The gamma distribution, and chi squared."""

from __future__ import annotations

from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.create import as_tensor
from ..tensor.elementwise import xlogy
from ..tensor.special import digamma, gammainc, lgamma
from . import constraints
from .distribution import Shape
from .exp_family import ExponentialFamily
from .utils import broadcast_all, shape_of, standard_gamma, tiny_of

__all__ = ["Chi2", "Gamma"]


class Gamma(ExponentialFamily):
    """p(x) = βᵅ xᵅ⁻¹ exp(−β x) / Γ(α).

    Args:
        concentration: α, above 0: a number or a tensor.
        rate: β, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    support: Any = constraints.nonnegative
    has_rsample = True
    _event_dims: ClassVar = {"concentration": 0, "rate": 0}

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        shape = shape_of((self.rate,), concentration, rate)
        super().__init__(shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """α / β."""
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        """(α − 1) / β; 0 where α is below 1."""
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        """α / β²."""
        return self.concentration / self.rate**2

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """x / β for draws x of rate 1, whose gradients for α are implicit."""
        shape = self._extended_shape(sample_shape)
        drawn = standard_gamma(self.concentration, shape) / self.rate
        return drawn.clamp(min=tiny_of(drawn))

    def log_prob(self, value: Tensor) -> Tensor:
        """α log β + (α − 1) log x − β x − log Γ(α), x a tensor or a number."""
        value = as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        self._validate_sample(value)
        alpha, beta = self.concentration, self.rate
        return xlogy(alpha, beta) + xlogy(alpha - 1, value) - beta * value - lgamma(alpha)

    def cdf(self, value: Tensor) -> Tensor:
        """P(α, β x), the incomplete gamma function."""
        self._validate_sample(value)
        return gammainc(*broadcast_all(self.concentration, self.rate * value))

    def entropy(self) -> Tensor:
        """α − log β + log Γ(α) + (1 − α) ψ(α)."""
        alpha = self.concentration
        return alpha - self.rate.log() + lgamma(alpha) + (1.0 - alpha) * digamma(alpha)


class Chi2(Gamma):
    """The sum of the squares of n standard normal numbers: `Gamma` with α = n/2 and β = ½.

    Args:
        df: the degrees of freedom n, above 0: a number or a tensor.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Tensor:
        """n."""
        return self.concentration * 2
