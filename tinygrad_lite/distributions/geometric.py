"""The geometric distribution."""

from __future__ import annotations

from typing import Any

from ..nn.functional import binary_cross_entropy_with_logits
from ..tensor import Tensor, no_grad
from ..tensor.create import zeros_like
from ..tensor.draw import rand
from . import constraints
from .bernoulli import WithProbability
from .distribution import Shape
from .utils import broadcast_all, eps_of

__all__ = ["Geometric"]


class Geometric(WithProbability):
    """How many trials fail before the first success: (1 − p)ᵏ p for k = 0, 1, …

    Args:
        probs: p of a success: a number or a tensor; or
        logits: log(p / (1 − p)).
        validate_args: whether arguments are checked.

    Raises:
        ValueError: neither or both of them, or out of their range.
    """

    support: Any = constraints.nonnegative_integer

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        super().__init__(probs, logits, validate_args)
        found = self._param
        if self._validate_args and probs is not None and not bool((found > 0).all()):
            raise ValueError(
                f"Expected parameter probs (Tensor of shape {tuple(found.shape)}) of distribution "
                f"{self!r} to be positive but found invalid values:\n{found[found <= 0]}"
            )

    @property
    def mean(self) -> Tensor:
        """1 / p − 1."""
        found: Tensor = 1.0 / self.probs - 1.0
        return found

    @property
    def mode(self) -> Tensor:
        """0."""
        return zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        """(1 / p − 1) / p."""
        return self.mean / self.probs

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """⌊log(1 − u) / log(1 − p)⌋ for u uniform on (0, 1)."""
        with no_grad():
            probs: Tensor = self.probs
            shape = self._extended_shape(sample_shape)
            u = rand(shape, dtype=probs.dtype, device=probs.device).clamp(min=eps_of(probs) / 2)
            return (u.log() / (-probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        """k log(1 − p) + log p."""
        self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        sure = (probs == 1) & (value == 0)  # 0 log 0 = 0
        return value * (-probs.masked_fill(sure, 0.0)).log1p() + probs.log()

    def entropy(self) -> Tensor:
        """(−p log p − (1 − p) log(1 − p)) / p."""
        found = binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")
        return found / self.probs
