"""The distribution of a function of a sample."""

from __future__ import annotations

from typing import Any, ClassVar

from ..tensor import Tensor, no_grad
from . import constraints
from .distribution import Distribution, Shape
from .independent import Independent
from .normal import Normal
from .transforms import ComposeTransform, ExpTransform, Transform
from .utils import sum_rightmost

__all__ = ["LogNormal", "TransformedDistribution"]


class TransformedDistribution(Distribution):
    """y = f(x) for x of a base distribution: log p(y) = log p(x) − log |dy/dx|.

    Args:
        base_distribution: of x.
        transforms: f, or a list of transforms, which are applied one after another.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: something that is no transform, or a base of fewer dimensions than an event.
    """

    arg_constraints: ClassVar[Any] = {}

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Any,
        validate_args: bool | None = None,
    ) -> None:
        parts = [transforms] if isinstance(transforms, Transform) else transforms
        if not isinstance(parts, list):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        if not all(isinstance(part, Transform) for part in parts):
            raise ValueError("transforms must be a Transform or a list of Transforms")
        self.transforms = parts
        whole = ComposeTransform(parts)
        shape = tuple(base_distribution.batch_shape + base_distribution.event_shape)
        dims = whole.domain.event_dim
        if len(shape) < dims:
            raise ValueError(
                f"base_distribution needs to have shape with size at least {dims}, but got {shape}."
            )
        out = whole.forward_shape(shape)
        wide = whole.inverse_shape(out)
        if wide != shape:  # a parameter of a transform broadcasts
            own = len(wide) - len(base_distribution.event_shape)
            base_distribution = base_distribution.expand(wide[:own])
        more = dims - len(base_distribution.event_shape)
        self.base_dist = Independent(base_distribution, more) if more > 0 else base_distribution
        events = whole.codomain.event_dim
        events += max(len(base_distribution.event_shape) - dims, 0)
        cut = len(out) - events
        super().__init__(out[:cut], out[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        """See `Distribution.expand`."""
        new = super().expand(batch_shape, _instance)
        whole = ComposeTransform(self.transforms)
        inner = whole.inverse_shape((*batch_shape, *self.event_shape))
        cut = len(inner) - len(self.base_dist.event_shape)
        new.base_dist = self.base_dist.expand(inner[:cut])
        return new

    @property
    def has_rsample(self) -> Any:
        """Whether the base has it."""
        return self.base_dist.has_rsample

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        """The last transform's codomain."""
        if not self.transforms:
            return self.base_dist.support
        found = self.transforms[-1].codomain
        more = len(self.event_shape) - found.event_dim
        return constraints.independent(found, more) if more > 0 else found

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """f of the base's samples."""
        with no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """f of the base's samples, with gradients."""
        return self._forward(self.base_dist.rsample(sample_shape))

    def _forward(self, x: Tensor) -> Tensor:
        for part in self.transforms:
            x = part(x)
        return x

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(x) − log |dy/dx|."""
        self._validate_sample(value)
        dims, y = len(self.event_shape), value
        total: Any = 0.0
        for part in reversed(self.transforms):
            x = part.inv(y)
            own = part.log_abs_det_jacobian(x, y)
            dims += part.domain.event_dim - part.codomain.event_dim
            total = total - sum_rightmost(own, dims - part.domain.event_dim)
            y = x
        own = self.base_dist.log_prob(y)
        found: Tensor = total + sum_rightmost(own, dims - len(self.base_dist.event_shape))
        return found

    def _rising(self, value: Tensor) -> Tensor:
        """p, or 1 − p if f falls."""
        sign: Any = 1
        for part in self.transforms:
            sign = sign * part.sign
        if isinstance(sign, int) and sign == 1:
            return value
        found: Tensor = sign * (value - 0.5) + 0.5
        return found

    def cdf(self, value: Tensor) -> Tensor:
        """The base's, at x, which must be in its support (as PyTorch has it; y need not be)."""
        for part in reversed(self.transforms):
            value = part.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._rising(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        """f of the base's."""
        return self._forward(self.base_dist.icdf(self._rising(value)))


class LogNormal(TransformedDistribution):
    """y = eˣ for a normal x: p(y) = exp(−(log y − μ)² / 2σ²) / (y σ √(2π)) for y above 0.

    Args:
        loc, scale: μ and σ of x.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support: Any = constraints.positive

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Any:
        """μ."""
        return self.base_dist.loc  # type: ignore[attr-defined]

    @property
    def scale(self) -> Any:
        """σ."""
        return self.base_dist.scale  # type: ignore[attr-defined]

    @property
    def mean(self) -> Tensor:
        """exp(μ + σ² / 2)."""
        found: Tensor = (self.loc + self.scale**2 / 2).exp()
        return found

    @property
    def mode(self) -> Tensor:
        """exp(μ − σ²)."""
        found: Tensor = (self.loc - self.scale**2).exp()
        return found

    @property
    def variance(self) -> Tensor:
        """(exp(σ²) − 1) exp(2μ + σ²)."""
        square = self.scale**2
        found: Tensor = square.expm1() * (2 * self.loc + square).exp()
        return found

    def entropy(self) -> Tensor:
        """That of x, plus μ."""
        found: Tensor = self.base_dist.entropy() + self.loc
        return found
