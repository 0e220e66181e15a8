"""Distributions of a location and a scale."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, shape_of


class LocationScale(Distribution):
    """A distribution whose density is a function of (x − loc) / scale, divided by scale.

    Args:
        loc: the location, such as the mean: a number or a tensor.
        scale: how wide it is, above 0. Broadcast with `loc`.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support: Any = constraints.real
    has_rsample = True
    _event_dims: ClassVar = {"loc": 0, "scale": 0}

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(shape_of((self.loc,), loc, scale), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The location, of symmetric densities."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """The location."""
        return self.loc

    def _standardized(self, value: Tensor) -> Tensor:
        """(x − loc) / scale."""
        self._validate_sample(value)
        return (value - self.loc) / self.scale


ROOT_2 = math.sqrt(2)
