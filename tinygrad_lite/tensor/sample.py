"""Draws whose probabilities, or rates, a tensor holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..backend import capture, namespace, numpy, random, to_host
from ..backend.dtypes import FLOATING
from .base import new
from .dims import whole
from .operation import refuse
from .search import searchsorted

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["bernoulli", "binomial", "multinomial", "poisson"]

Generator = random.Generator | None


def _beside(input: Tensor, draw: Callable[[], Any]) -> Tensor:
    """What `draw` returns, on a tensor's device; a captured step draws anew for each replay."""
    return new(capture.feed(namespace(input.array), draw))


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator = None) -> Tensor:
    """1 with the probability that each element gives (or p for all), else 0.

    Args:
        input: any shape; probabilities, floating point, unless p is given.
        p: the probability of all elements.
        generator: where draws come from; default: the global one.

    Returns:
        The input's shape and dtype; no gradient flows through.

    Raises:
        NotImplementedError: probabilities that are not floating point.
        RuntimeError: probabilities outside 0 to 1 (of a tensor on a GPU this is not checked).
    """
    if p is not None and not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli: expects 0 <= p <= 1, but got {p}")
    if p is None and input.device.type == "cpu":
        bad = ~((input >= 0) & (input <= 1))
        if bool(bad.any()):
            raise RuntimeError("bernoulli: expects probabilities, from 0 to 1")
    if p is None and not input.is_floating_point():
        refuse("bernoulli", input)
    chance = input.detach() if p is None else p
    drawn = _beside(input, lambda: random.uniform(input.shape, "float32", generator))
    return (drawn < chance).to(dtype=input.dtype)


def poisson(input: Tensor, generator: Generator = None) -> Tensor:
    """A draw of the Poisson distribution for each rate, in the rates' dtype.

    Raises:
        RuntimeError: a rate is negative or NaN.
        NotImplementedError: no floats.
    """
    if not input.is_floating_point():
        refuse("poisson", input)
    rate = to_host(input.detach().array)
    if not (rate >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return _beside(input, lambda: random.poisson(rate, generator))


def binomial(count: Tensor, prob: Tensor, generator: Generator = None) -> Tensor:
    """A draw of the binomial distribution for each count and probability, in their dtype.

    Args:
        count: how many trials; floating point, of the shape of prob, or they broadcast. Fewer than
            none count as none.
        prob: the probability of each; beyond 0 and 1 as there. Of a NaN in either it is NaN.
        generator: where draws come from; default: the global one.

    Raises:
        ValueError: no floats.
        RuntimeError: two dtypes.
    """
    for name, given in (("count", count), ("prob", prob)):
        if not given.is_floating_point():
            raise ValueError(f"binomial: {name} must be floating point, but is {given.dtype}")
    if count.dtype != prob.dtype:
        raise RuntimeError(f"binomial: expected {count.dtype} for prob, but got {prob.dtype}")
    trials, chance = numpy.broadcast_arrays(*(to_host(x.detach().array) for x in (count, prob)))
    unknown = (numpy.isnan(chance) & (trials > 0)) | numpy.isnan(trials)
    trials = numpy.where(unknown, 0, numpy.maximum(trials, 0))
    within = numpy.where(numpy.isnan(chance), 0, chance.clip(0, 1))

    def draws() -> Any:
        drawn = random.binomial(trials, within, generator)
        return numpy.where(unknown, numpy.asarray(numpy.nan, drawn.dtype), drawn)

    return _beside(count, draws)


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator = None
) -> Tensor:
    """Categories drawn in proportion to weights, int64 (num_samples) or (N, num_samples).

    With replacement, category k is drawn if u ~ U[0, Σw) lies in [w₁ + … + w₍ₖ₋₁₎, w₁ + … + wₖ).
    Without, each category waits for a time −ln(1 − u) / w, u ~ U[0, 1), exponentially distributed
    with rate w, and the first num_samples are drawn; weight 0 waits forever (Efraimidis & Spirakis
    2006, "Weighted random sampling with a reservoir").

    Args:
        input: (K) or (N, K) weights, not negative; their sum need not be 1.
        num_samples: how many are drawn of each row.
        replacement: whether a category can be drawn more than once.
        generator: where draws come from; default: the global one.

    Raises:
        RuntimeError: shapes or dtypes that don't fit, too many samples; negative weights, NaN or
            infinity, or a row of zeros (on a GPU weights are not looked at, which would wait
            for it).

    Example:
        >>> torch.multinomial(torch.tensor([0.0, 3.0, 0.0, 1.0]), 2).sort().values
        tensor([1, 3])
    """
    name, drawn = "multinomial", whole("multinomial", "num_samples", num_samples)
    if input.ndim not in (1, 2) or not input.shape[-1]:
        raise RuntimeError(f"{name}: expects (K) or (N, K) weights, but got {tuple(input.shape)}")
    if input.dtype.kind not in FLOATING:
        raise RuntimeError(f"{name}: expects floating-point weights, but got {input.dtype}")
    if drawn < 1:
        raise RuntimeError(f"{name}: cannot draw {drawn} samples")
    if not replacement and drawn > input.shape[-1]:
        raise RuntimeError(
            f"{name}: cannot draw {drawn} of {input.shape[-1]} categories without replacement"
        )
    weights = input.detach().double()
    if input.device.type == "cpu":
        _check(name, weights)
    if not replacement:
        u = _beside(input, lambda: random.uniform(weights.shape, "float64", generator))
        times = (-(-u).log1p() / weights).masked_fill(weights == 0, math.inf)
        return times.topk(drawn, largest=False).indices
    shape = (*weights.shape[:-1], drawn)
    running = weights.cumsum(-1)
    total = running[..., -1:]
    u = _beside(input, lambda: random.uniform(shape, "float64", generator)) * total
    last = searchsorted(running, total)  # u < total, which rounding may have made equal
    return searchsorted(running, u, right=True).minimum(last)


def _check(name: str, weights: Tensor) -> None:
    """Refuse weights that are not finite or negative, and rows without one above 0."""
    if bool((~(weights.isfinite() & (weights >= 0))).any()):
        raise RuntimeError(
            f"{name}: the probability tensor contains either `inf`, `nan` or element < 0"
        )
    if weights.numel() and not bool((weights > 0).any(-1).all()):
        raise RuntimeError(f"{name}: invalid multinomial distribution, a row has no weight above 0")
