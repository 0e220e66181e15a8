"""The half-Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any

from ..tensor import Tensor
from ..tensor.create import full_like
from .cauchy import Cauchy
from .half_normal import Half

__all__ = ["HalfCauchy"]


class HalfCauchy(Half):
    """|x| for x of a Cauchy distribution around 0: it has no mean.

    Args:
        scale: γ of x, above 0: a number or a tensor.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    _base: Any = Cauchy

    @property
    def mean(self) -> Tensor:
        """Infinite."""
        return full_like(self.scale, math.inf)

    variance = mean
