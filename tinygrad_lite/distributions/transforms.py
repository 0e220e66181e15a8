"""Invertible functions that make distributions of others, as `torch.distributions.transforms`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..nn.functional import softplus
from ..tensor import Tensor
from ..tensor.create import full_like
from . import constraints
from .utils import broadcast_all, eps_of, is_number, sum_rightmost

__all__ = [
    "AffineTransform",
    "ComposeTransform",
    "ExpTransform",
    "PowerTransform",
    "SigmoidTransform",
    "TanhTransform",
    "Transform",
]


class Transform:
    """Base class: y = f(x) with an inverse, and log |dy/dx|.

    Args:
        cache_size: 1 to remember the last x and y, so that the inverse of what was just computed
            is exact; 0 for not.

    Attributes:
        domain, codomain: what x and y satisfy.
        sign: whether f rises (1) or falls (−1).
    """

    bijective = True
    domain: Any = constraints.real
    codomain: Any = constraints.real
    sign: Any = 1

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size = cache_size
        self._last: tuple[Any, Any] = (None, None)

    @property
    def inv(self) -> Transform:
        """The inverse, a transform too."""
        return _Inverse(self)

    def __call__(self, x: Tensor) -> Tensor:
        """f(x)."""
        if self._cache_size and x is self._last[0]:
            y: Tensor = self._last[1]
            return y
        y = self._call(x)
        if self._cache_size:
            self._last = x, y
        return y

    def _inverted(self, y: Tensor) -> Tensor:
        if self._cache_size and y is self._last[1]:
            x: Tensor = self._last[0]
            return x
        x = self._inverse(y)
        if self._cache_size:
            self._last = x, y
        return x

    def _call(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _inverse(self, y: Tensor) -> Tensor:
        raise NotImplementedError

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log |dy/dx|."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _Inverse(Transform):
    """f⁻¹ of a transform f."""

    def __init__(self, base: Transform) -> None:
        super().__init__()
        self._base = base
        self.domain, self.codomain, self.sign = base.codomain, base.domain, base.sign

    @property
    def inv(self) -> Transform:
        """f itself."""
        return self._base

    def __call__(self, x: Tensor) -> Tensor:
        return self._base._inverted(x)

    def _inverted(self, y: Tensor) -> Tensor:
        return self._base(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """−log |f'(y)|."""
        return -self._base.log_abs_det_jacobian(y, x)

    def __repr__(self) -> str:
        return f"_InverseTransform({self._base!r})"


class ExpTransform(Transform):
    """y = eˣ."""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """x."""
        return x


class PowerTransform(Transform):
    """y = xᵏ for x above 0.

    Args:
        exponent: k: a number or a tensor.
        cache_size: see `Transform`.
    """

    domain = codomain = constraints.positive

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        (self.exponent,) = broadcast_all(exponent)

    @property
    def sign(self) -> Any:
        """Whether it rises: that of k."""
        return self.exponent.sign()

    def _call(self, x: Tensor) -> Tensor:
        found: Tensor = x**self.exponent
        return found

    def _inverse(self, y: Tensor) -> Tensor:
        found: Tensor = y ** (1 / self.exponent)
        return found

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log |k y / x|."""
        found: Tensor = (self.exponent * y / x).abs().log()
        return found


class SigmoidTransform(Transform):
    """y = 1 / (1 + e⁻ˣ)."""

    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        eps = eps_of(x)
        return x.sigmoid().clamp(min=eps * eps, max=1 - eps)

    def _inverse(self, y: Tensor) -> Tensor:
        eps = eps_of(y)
        y = y.clamp(min=eps * eps, max=1 - eps)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """−log(1 + eˣ) − log(1 + e⁻ˣ)."""
        return -softplus(-x) - softplus(x)


class TanhTransform(Transform):
    """y = tanh x; with `cache_size=1`, the inverse of a large y is exact too."""

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        return 0.5 * (y.log1p() - (-y).log1p())

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log(1 − tanh² x) = 2 (log 2 − x − log(1 + e⁻²ˣ))."""
        return 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))


class AffineTransform(Transform):
    """y = loc + scale x.

    Args:
        loc, scale: numbers or tensors.
        event_dim: how many of the last dimensions make one event.
        cache_size: see `Transform`.
    """

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self.event_dim = loc, scale, event_dim
        if event_dim:
            self.domain = self.codomain = constraints.independent(constraints.real, event_dim)

    @property
    def sign(self) -> Any:
        """That of the scale."""
        if is_number(self.scale):
            return (self.scale > 0) - (self.scale < 0)
        return self.scale.sign()

    def _call(self, x: Tensor) -> Tensor:
        found: Tensor = self.loc + self.scale * x
        return found

    def _inverse(self, y: Tensor) -> Tensor:
        found: Tensor = (y - self.loc) / self.scale
        return found

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log |scale|, summed over an event."""
        if is_number(self.scale):
            found = full_like(x, math.log(abs(self.scale)))
        else:
            found = self.scale.abs().log().expand(x.shape)
        return sum_rightmost(found, self.event_dim)


class ComposeTransform(Transform):
    """Several transforms, one after another.

    Args:
        parts: the first one first.
        cache_size: see `Transform`.
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = list(parts)
        if parts:
            self.domain, self.codomain = parts[0].domain, parts[-1].codomain
        self.sign = 1
        for part in parts:
            self.sign = self.sign * part.sign

    def _call(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def _inverse(self, y: Tensor) -> Tensor:
        for part in reversed(self.parts):
            y = part._inverted(y)
        return y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of the parts'."""
        total: Any = full_like(x, 0.0)
        dims = max((part.domain.event_dim for part in self.parts), default=0)
        total = sum_rightmost(total, dims)
        for part in self.parts:
            x, last = part(x), x
            found = part.log_abs_det_jacobian(last, x)
            total = total + sum_rightmost(found, dims - part.domain.event_dim)
        result: Tensor = total
        return result

    def __repr__(self) -> str:
        return f"ComposeTransform(\n    {', '.join(map(repr, self.parts))}\n)"
