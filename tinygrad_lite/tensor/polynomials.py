"""Orthogonal polynomials of each element, by their recurrences in the degree.

M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", 1964, chapter 22. Two degrees
lead to the next one: pₖ₊₁ = step(k, x, pₖ, pₖ₋₁), from p₀ = 1 and p₁ on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ..backend import namespace
from .base import TensorBase, new
from .compare import where
from .operation import Operand
from .promote import real_pair, scalar_tensor

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = [
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]

Step = Callable[[int, Any, Any, Any], Any]


def _polynomial(name: str, equation: str, first: Callable[[Any], Any], step: Step) -> Any:
    """The function of a family.

    Args:
        name: the function's.
        equation: what the docstring says.
        first: p₁ of x.
        step: the next degree.
    """

    def polynomial(input: Operand, n: Operand) -> Tensor:
        if not isinstance(input, TensorBase) and not isinstance(n, TensorBase):
            raise TypeError(f"{name}: expected a Tensor among the arguments")
        x: Any
        x, other = real_pair(name, input, n)
        if not isinstance(n, TensorBase):
            degree = int(n) if n < 2**63 else -1  # as the conversion to int64 has it
            last: Tensor = _of_degrees(x, {degree}, first, step)[degree] if n >= 0 else _zeros(x)
            return last.clone() if last is input else last
        x = x if isinstance(x, TensorBase) else scalar_tensor(x, other)
        degrees = n.detach().long()  # towards 0
        found = _zeros(x) + degrees * 0  # a negative degree has no polynomial
        wanted = set(degrees.flatten().tolist())
        for k, value in _of_degrees(x, wanted, first, step).items():
            found = where(degrees == k, value, found)
        return cast("Tensor", found)

    polynomial.__name__ = polynomial.__qualname__ = name
    polynomial.__doc__ = f"{equation}, of degree n: a number, or a tensor that broadcasts."
    return polynomial


def _zeros(x: Any) -> Any:
    """0 of x's shape, also where x is not finite, that differentiates."""
    return (x * 0).nan_to_num() + 0  # not −0


_FEW = 64
"""Degrees up to which steps are taken on tensors, whether they are recorded or not."""


def _of_degrees(
    x: Any, wanted: set[int], first: Callable[[Any], Any], step: Step
) -> dict[int, Any]:
    """The wanted ones of the polynomials pₙ of x, of degrees from 0 on.

    Of high degrees, where no gradient is wanted, the steps are taken on arrays; they end where
    nothing is finite any more.
    """
    most = max(wanted, default=-1)
    found: dict[int, Any] = {-1: _zeros(x)} if -1 in wanted else {}
    if most > _FEW and not x.requires_grad and x.array.dtype.itemsize > 2:
        low = _of_degrees(x, {k for k in wanted if k < 0}, first, step)
        line = x.array.reshape(-1)  # also of no dimensions, which NumPy gives as numbers
        arrays = _of_degrees_of_arrays(line, wanted, first, step)
        return low | {k: new(value.reshape(x.shape)) for k, value in arrays.items()}
    before, p = _zeros(x) + 1, None
    for k in range(most + 1):
        if k == 1:
            before, p = before, first(x)
        elif k > 1:
            before, p = p, step(k - 1, x, p, before)
        if k in wanted:
            found[k] = before if k == 0 else p
    return found


def _of_degrees_of_arrays(
    x: Any, wanted: set[int], first: Callable[[Any], Any], step: Step
) -> dict[int, Any]:
    """`_of_degrees` of an array."""
    xp = namespace(x)
    before, p = xp.ones_like(x), first(x)
    found = {k: value for k, value in ((0, before), (1, p)) if k in wanted}
    for k in range(1, max(wanted)):
        before, p = p, step(k, x, p, before)
        if k + 1 in wanted:
            found[k + 1] = p
        if k % 1024 == 0 and not bool(xp.isfinite(p).any()):
            found |= {n: p for n in wanted if n > k}
            break
    return found


def _chebyshev(k: int, x: Any, p: Any, before: Any) -> Any:
    return 2 * x * p - before


def _shifted(k: int, x: Any, p: Any, before: Any) -> Any:
    return 2 * (2 * x - 1) * p - before


def _chebyshevs(kind: str, title: str, first: Callable[[Any], Any]) -> tuple[Any, Any]:
    """A kind of Chebyshev's polynomials, and the same of 2x − 1."""
    name = f"chebyshev_polynomial_{kind}"
    return (
        _polynomial(name, f"Chebyshev's polynomial {title}(x)", first, _chebyshev),
        _polynomial(
            f"shifted_{name}",
            f"Chebyshev's polynomial {title}(2x − 1)",
            lambda x: first(2 * x - 1),
            _shifted,
        ),
    )


chebyshev_polynomial_t, shifted_chebyshev_polynomial_t = _chebyshevs("t", "Tₙ", lambda x: x)
chebyshev_polynomial_u, shifted_chebyshev_polynomial_u = _chebyshevs("u", "Uₙ", lambda x: 2 * x)
chebyshev_polynomial_v, shifted_chebyshev_polynomial_v = _chebyshevs("v", "Vₙ", lambda x: 2 * x - 1)
chebyshev_polynomial_w, shifted_chebyshev_polynomial_w = _chebyshevs("w", "Wₙ", lambda x: 2 * x + 1)
hermite_polynomial_h = _polynomial(
    "hermite_polynomial_h",
    "Hermite's polynomial Hₙ(x) of physics",
    lambda x: 2 * x,
    lambda k, x, p, before: 2 * x * p - 2 * k * before,
)
hermite_polynomial_he = _polynomial(
    "hermite_polynomial_he",
    "Hermite's polynomial Heₙ(x) of probability",
    lambda x: x,
    lambda k, x, p, before: x * p - k * before,
)
laguerre_polynomial_l = _polynomial(
    "laguerre_polynomial_l",
    "Laguerre's polynomial Lₙ(x)",
    lambda x: 1 - x,
    lambda k, x, p, before: ((2 * k + 1 - x) * p - k * before) / (k + 1),
)
legendre_polynomial_p = _polynomial(
    "legendre_polynomial_p",
    "Legendre's polynomial Pₙ(x)",
    lambda x: x,
    lambda k, x, p, before: ((2 * k + 1) * x * p - k * before) / (k + 1),
)
