"""What distributions share: broadcasting of parameters, probabilities and logits."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from ..absent import explain as _explain
from ..backend import namespace, numpy, random, to_host
from ..nn.functional import softmax
from ..ops.special import gamma_sample
from ..tensor import Size, Tensor, apply, enable_grad
from ..tensor.arrange import broadcast_tensors, tril_indices
from ..tensor.base import new
from ..tensor.create import tensor
from ..tensor.draw import randn
from ..tensor.info import finfo
from ..tensor.modes import default_dtype

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "euler_constant",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]


euler_constant = numpy.euler_gamma
"""Euler's, 0.5772…: the mean of a Gumbel distribution."""


def is_number(value: Any) -> bool:
    """Whether a parameter was given as a plain number."""
    return isinstance(value, int | float | numpy.number)


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors and numbers as tensors of one shape; numbers take the first tensor's dtype.

    Raises:
        ValueError: something that is neither.
    """
    if not all(isinstance(v, Tensor) or is_number(v) for v in values):
        raise ValueError("Input arguments must all be instances of Number or torch.Tensor.")
    like = next((v for v in values if isinstance(v, Tensor)), None)
    dtype = default_dtype() if like is None else like.dtype
    device = None if like is None else like.device
    made = [v if isinstance(v, Tensor) else tensor(v, dtype=dtype, device=device) for v in values]
    return tuple(broadcast_tensors(*made))


def eps_of(x: Tensor) -> float:
    """The distance of 1 from the next number of a tensor's dtype."""
    return float(finfo(x.dtype).eps)


def tiny_of(x: Tensor) -> float:
    """The smallest number above 0 of a tensor's dtype that has all its digits."""
    return float(finfo(x.dtype).tiny)


def lowest_of(x: Tensor) -> float:
    """The lowest number of a tensor's dtype."""
    return float(finfo(x.dtype).min)


def shape_of(tensors: tuple[Tensor, ...], *given: Any) -> Size:
    """The batch shape of broadcast parameters; none if all were given as plain numbers."""
    return Size() if all(is_number(value) for value in given) else tensors[0].shape


def vectors(probs: Tensor | None, logits: Tensor | None) -> Tensor:
    """The one of the two vectors that was given.

    Raises:
        ValueError: none or both, or no dimension of events.
    """
    given = either(probs, logits)
    if given.ndim < 1:
        name = "logits" if probs is None else "probs"
        raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
    found: Tensor = given
    return found


def either(probs: Any, logits: Any) -> Any:
    """The one of the two that was given.

    Raises:
        ValueError: none or both.
    """
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return logits if probs is None else probs


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept from 0 and 1 by the dtype's ε."""
    eps = eps_of(probs)
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """The sigmoid of log odds, or the softmax of log probabilities along the last dimension."""
    return logits.sigmoid() if is_binary else softmax(logits, dim=-1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The inverse of `logits_to_probs`, finite for 0 and 1 too."""
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


def sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last `dim` dimensions."""
    return value if dim == 0 else value.sum(dim=tuple(range(-dim, 0)))


_sum_rightmost = sum_rightmost  # programs import it, and what follows


def _standard_normal(shape: Any, dtype: Any, device: Any) -> Tensor:
    """Draws of the standard normal distribution."""
    return randn(*shape, dtype=dtype, device=device)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The elements of matrices (…, n, n) up to a diagonal, row by row.

    Raises:
        ValueError: there is no such diagonal.
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    found: Tensor = mat[(..., *tril_indices(n, n, diag, device=mat.device))]
    return found


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Matrices with such elements, and 0 elsewhere: the inverse of `tril_matrix_to_vec`.

    Raises:
        ValueError: the elements are not as many as a square matrix has.
    """
    m, of_row = vec.shape[-1], 1 + 2 * diag  # n² + (1 + 2d) n − |d| (d + 1) = 2m
    n = round((math.sqrt(of_row**2 + 8 * m + 4 * abs(diag) * (diag + 1)) - of_row) / 2)
    places = tril_indices(n, n, diag, device=vec.device)
    if places.shape[1] != m:
        raise ValueError(
            f"The size of last dimension is {m} which cannot be expressed as the lower triangular "
            "part of a square D x D matrix."
        )
    made: Tensor = vec.new_zeros((*vec.shape[:-1], n, n))
    made[(..., *places)] = vec
    return made


class lazy_property:
    """An attribute that is computed when it is first asked for, and recorded for gradients."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: Any = None) -> Tensor:
        if instance is None:
            return self  # type: ignore[return-value]
        with enable_grad():
            value: Tensor = self.wrapped(instance)
        instance.__dict__[self.wrapped.__name__] = value
        return value


HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def standard_gamma(alpha: Tensor, shape: Any) -> Tensor:
    """Draws of the gamma distribution of shape α and rate 1, with gradients for α; never 0.

    Drawn on the host; the gradient is dx/dα at constant probability (`ops.special.gamma_sample`).
    """
    draws = drawn(random.gamma, alpha, shape).clamp(min=tiny_of(alpha))
    return apply(gamma_sample, alpha.expand(shape), draws)


def drawn(draw: Callable[[Any], Any], parameter: Tensor, shape: Any) -> Tensor:
    """A host draw for each element of a parameter, which is expanded to a shape; detached."""
    whole = parameter.detach().expand(shape)
    xp = namespace(whole.array)
    return new(xp.asarray(draw(to_host(whole.array))))


_explain(__name__)
