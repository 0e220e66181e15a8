"""Exponential families, which programs derive distributions from."""

from __future__ import annotations

from typing import Any

from ..autograd import grad
from ..tensor import Tensor
from .distribution import Distribution
from .utils import sum_rightmost

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """p(x) = exp(t(x)·θ − F(θ) + k(x)), of natural parameters θ.

    A class that is derived from it says what θ, F and E[k(x)] are, and has its entropy from them:
    F(θ) − θ·∇F(θ) − E[k(x)] (Nielsen & Nock 2010, "Entropies and Cross-entropies of Exponential
    Families"). The distributions here that are of one state their entropies themselves.
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        """θ, as one tensor or several of the batch's shape."""
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Any) -> Any:
        """F(θ), of the batch's shape."""
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> float:
        """E[k(x)]."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """F(θ) − θ·∇F(θ) − E[k(x)]."""
        found = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*found)
        gradients = grad(normalizer.sum(), found, create_graph=True)
        total: Tensor = normalizer - self._mean_carrier_measure
        for p, g in zip(found, gradients, strict=True):
            total = total - sum_rightmost(p * g, p.ndim - len(self._batch_shape))
        return total
