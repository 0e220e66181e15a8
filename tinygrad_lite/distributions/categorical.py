"""The categorical distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Size, Tensor, no_grad
from ..tensor.arrange import broadcast_tensors
from ..tensor.create import empty, full
from ..tensor.draw import rand
from . import constraints
from .distribution import Distribution, Shape
from .utils import eps_of, lazy_property, logits_to_probs, lowest_of, probs_to_logits, vectors

__all__ = ["Categorical"]


class Categorical(Distribution):
    """0 … K−1 with probabilities p₀ … p_{K−1}.

    Args:
        probs: p (…, K), or multiples of it; or
        logits: log p (…, K), up to a constant for each distribution.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: neither or both of them, without dimensions, or out of their range.
    """

    arg_constraints: ClassVar[Any] = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    has_enumerate_support = True
    _event_dims: ClassVar = {"probs": 1, "logits": 1, "_param": 1}

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = vectors(probs, logits)
        if probs is not None:
            self._param = self.__dict__["probs"] = given / given.sum(-1, keepdim=True)
        else:
            whole = given.logsumexp(dim=-1, keepdim=True)
            self._param = self.__dict__["logits"] = given - whole
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """0 … K−1."""
        return constraints.integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self) -> Tensor:
        """log p."""
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Tensor:
        """p."""
        return logits_to_probs(self.logits)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape

    def _nothing(self) -> Tensor:
        like = self._param
        return full(self._extended_shape(), math.nan, dtype=like.dtype, device=like.device)

    @property
    def mean(self) -> Tensor:
        """NaN: categories are no numbers."""
        return self._nothing()

    @property
    def mode(self) -> Tensor:
        """The likeliest."""
        found: Tensor = self.probs.argmax(dim=-1)
        return found

    @property
    def variance(self) -> Tensor:
        """NaN: categories are no numbers."""
        return self._nothing()

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Categories, int64: argminₖ −log(1 − uₖ) / pₖ for u uniform on [0, 1).

        Those are waiting times of events with the rates p: the k-th is the first with probability
        pₖ. No time is 0, which would be the first whatever pₖ is; for pₖ = 0 it is infinite.
        """
        with no_grad():
            shape = (*sample_shape, *self.probs.shape)
            if not all(shape):
                own = self._extended_shape(sample_shape)
                return empty(own, dtype="int64", device=self._param.device)
            probs = self.probs.float() if self.probs.dtype.itemsize == 2 else self.probs
            u = rand(shape, dtype=probs.dtype, device=probs.device).clamp(min=eps_of(probs) / 2)
            times: Tensor = -(-u).log1p() / probs
            return times.argmin(dim=-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """log pₓ."""
        self._validate_sample(value)
        index, log_p = broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return log_p.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        """−Σ p log p, where 0 log 0 = 0."""
        logits = self.logits.clamp(min=lowest_of(self.logits))
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 … K−1, int64."""
        return self._listed(self._num_events, empty(0, dtype="int64"), expand).to(
            self._param.device
        )
