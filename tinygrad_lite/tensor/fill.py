"""Methods that fill a tensor in place: with draws from distributions, on a diagonal, by functions.

`generator` is the source of draws; default: the default generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..backend import numpy, random, to_host
from ..backend.dtypes import FLOATING
from .base import new
from .info import finfo
from .inplace import change, copy_, draw
from .promote import filling
from .scatter import index_put

if TYPE_CHECKING:
    from .tensor import Tensor

Generator = random.Generator | None


def _uniform(input: Tensor, generator: Generator) -> Any:
    """Numbers uniform on (0, 1], so that their logarithms are finite."""
    return 1 - random.uniform(input.shape, "float64", generator)


def exponential_(input: Tensor, lambd: float = 1, *, generator: Generator = None) -> Tensor:
    """Fill with draws of density λ e^(−λx), λ being `lambd`; all are above 0, but 0 for λ = ∞.

    Raises:
        RuntimeError: λ ≤ 0, or not floating point.
    """
    if not lambd > 0:  # a NaN is not
        raise RuntimeError(f"exponential_: expects lambd > 0, but found lambd {lambd}")
    whole = input.dtype.kind not in FLOATING or math.isinf(lambd)
    least = 0.0 if whole else float(finfo(input.dtype).tiny)
    make = lambda: numpy.maximum(-numpy.log(_uniform(input, generator)) / lambd, least)  # noqa: E731
    return draw(input, make, "exponential_")


def geometric_(input: Tensor, p: float, *, generator: Generator = None) -> Tensor:
    """Fill with draws of how many trials it takes until one, of probability p, is a success.

    Raises:
        RuntimeError: p is not in (0, 1), or the dtype is bool.
    """
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_: expects p to be in (0, 1), but got p={p}")
    make = lambda: numpy.ceil(numpy.log(_uniform(input, generator)) / math.log1p(-p)).clip(1)  # noqa: E731
    return draw(input, make, "geometric_", kinds=FLOATING + "iu")


def log_normal_(
    input: Tensor, mean: float = 1, std: float = 2, *, generator: Generator = None
) -> Tensor:
    """Fill with eˣ of draws x from N(mean, std²).

    Raises:
        RuntimeError: std is not positive, or the dtype is not floating point.
    """
    if not std > 0:  # a NaN is not
        raise RuntimeError(f"log_normal_: expects std > 0, but found std {std}")
    make = lambda: numpy.exp(random.normal(input.shape, "float64", generator) * std + mean)  # noqa: E731
    return draw(input, make, "log_normal_")


def cauchy_(
    input: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator = None
) -> Tensor:
    """Fill with draws of Cauchy's distribution: median + sigma · tan(π (u − ½)), u uniform.

    Raises:
        RuntimeError: sigma is not positive, or the dtype is not floating point.
    """
    if not sigma > 0:  # a NaN is not
        raise RuntimeError(f"cauchy_: expects sigma > 0, but found sigma {sigma}")
    make = lambda: median + sigma * numpy.tan(math.pi * (_uniform(input, generator) - 0.5))  # noqa: E731
    return draw(input, make, "cauchy_")


def random_(input: Tensor, from_: int = 0, to: Any = ..., *, generator: Generator = None) -> Tensor:
    """Fill with integers, uniform on [from_, to).

    Given one number n, on [0, n). Given none, or None for `to`, up to the largest integer that the
    dtype holds; of a floating-point dtype that it holds with all smaller ones.

    Raises:
        RuntimeError: the range is empty, or beyond an integer dtype.
    """
    own = input.array.dtype
    kind = own.kind
    alone = to is ...
    low, high = (0, from_ or None) if alone else (from_, to)
    if high is None and kind in FLOATING:
        high = int(2 / finfo(own).eps) + 1
    elif high is None:
        high = 2 if kind == "b" else min(int(numpy.iinfo(own).max) + 1, 2**63)
    if high <= low:
        raise RuntimeError(f"random_: expects from < to, but found from={low} and to={high}")
    limits: Any = finfo(own) if kind in FLOATING else numpy.iinfo("int8" if kind == "b" else own)
    least, most = (0, 1) if kind == "b" else (limits.min, limits.max)
    if not least <= low <= high - 1 <= most:
        raise RuntimeError(f"random_: {own} does not hold all from {low} to {high - 1}")
    make = lambda: random.integers(low, high, input.shape, "int64", generator)  # noqa: E731
    return draw(input, make, "random_", kinds=FLOATING + "iub")


def fill_diagonal_(input: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Set the main diagonal to a number, of more than 2 dimensions the elements [i, i, …, i].

    Args:
        input: a matrix, or more dimensions of one size.
        fill_value: the number.
        wrap: in a matrix with more rows than columns, begin again one row below the last column.

    Raises:
        RuntimeError: fewer than 2 dimensions, or more than 2 of different sizes.
    """
    if input.ndim < 2 or (input.ndim > 2 and len(set(input.shape)) > 1):
        raise RuntimeError(
            "fill_diagonal_: needs at least 2 dimensions, and more must have one size, but the "
            f"shape is {tuple(input.shape)}"
        )
    if wrap and input.ndim == 2 and input.shape[0] > input.shape[1] > 0:
        n, m = input.shape
        rows = numpy.asarray([r for r in range(n) if r % (m + 1) < m])
        places = [rows, rows % (m + 1)]
    else:
        places = [numpy.arange(min(input.shape))] * input.ndim
    index = tuple(new(p).to(input.device) for p in places)
    return change(
        input,
        "fill_diagonal_",
        lambda x: index_put(x, index, filling("fill_diagonal_", fill_value, x)),
    )


def _refuse_recorded(name: str, *tensors: Tensor) -> None:
    """Of a Python function there is no derivative."""
    if any(t.requires_grad for t in tensors):
        raise RuntimeError(
            f"{name}: can't be called on a Variable that requires grad; use "
            f"var.detach().{name}() instead"
        )


def apply_(input: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replace each element by what a Python function makes of it; on the host, and slow.

    Raises:
        RuntimeError: the tensor requires a gradient, under `no_grad()` too.
    """
    _refuse_recorded("apply_", input)
    host = to_host(input.array)
    made = [callable(value) for value in host.reshape(-1).tolist()]
    return copy_(input, new(numpy.asarray(made, dtype=host.dtype).reshape(host.shape)))


def _mapped(
    name: str, input: Tensor, others: tuple[Tensor, ...], function: Callable[..., Any]
) -> Tensor:
    _refuse_recorded(name, input, *others)
    host = to_host(input.array)
    wide = [to_host(t.expand(input.shape).array) for t in others]
    places = zip(*(a.reshape(-1).tolist() for a in (host, *wide)), strict=True)
    made = [function(*place) for place in places]
    return copy_(input, new(numpy.asarray(made, dtype=host.dtype).reshape(host.shape)))


def map_(input: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Replace each element by a Python function's value for it and another's; on the host, slow.

    Raises:
        RuntimeError: a tensor requires a gradient, under `no_grad()` too.
    """
    return _mapped("map_", input, (tensor,), callable)


def map2_(input: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """Replace each element by a Python function's value for it and two others'; slow too.

    Raises:
        RuntimeError: a tensor requires a gradient, under `no_grad()` too.
    """
    return _mapped("map2_", input, (x, y), callable)
