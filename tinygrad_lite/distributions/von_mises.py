"""Von Mises' distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..backend import random
from ..tensor import Tensor, no_grad
from ..tensor.elementwise import cos
from ..tensor.special import i0e, i1e
from . import constraints
from .distribution import Distribution, Shape
from .utils import broadcast_all, drawn, shape_of

__all__ = ["VonMises"]


class VonMises(Distribution):
    """p(x) = exp(κ cos(x − μ)) / (2π I₀(κ)) for angles x: the normal distribution of a circle.

    Args:
        loc: the angle μ: a number or a tensor.
        concentration: κ, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real,
        "concentration": constraints.positive,
    }
    support: Any = constraints.real
    _event_dims: ClassVar = {"loc": 0, "concentration": 0}

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        shape = shape_of((self.loc,), loc, concentration)
        super().__init__(shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """μ, the mean direction."""
        return self.loc

    mode = mean

    @property
    def variance(self) -> Tensor:
        """That of directions, 1 − I₁(κ) / I₀(κ)."""
        found: Tensor = 1 - i1e(self.concentration) / i0e(self.concentration)
        return found

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Angles in [−π, π), drawn on the host."""
        with no_grad():
            shape = self._extended_shape(sample_shape)
            angle = drawn(random.von_mises, self.concentration, shape) + self.loc
            return (angle + math.pi) % (2 * math.pi) - math.pi

    def log_prob(self, value: Tensor) -> Tensor:
        """κ cos(x − μ) − log 2π − log I₀(κ)."""
        self._validate_sample(value)
        k = self.concentration
        return k * (cos(value - self.loc) - 1) - math.log(2 * math.pi) - i0e(k).log()
