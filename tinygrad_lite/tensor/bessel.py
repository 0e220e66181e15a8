"""Bessel's functions and Airy's of `torch.special`, through which no gradient flows, as in PyTorch.

`i0`, `i1` and the like, which have one, are in `special.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..ops.rule import plain
from .apply import apply
from .operation import named, refuse
from .promote import as_float

if TYPE_CHECKING:
    from .tensor import Tensor


def _row(name: str, kernel: str, doc: str, **words: Any) -> Callable[[Tensor], Tensor]:
    """A function of each element that a kernel computes, without 16 bits."""
    rule = plain(kernel, name)

    def call(input: Tensor) -> Tensor:
        x = as_float(input, name)
        if x.array.dtype.itemsize == 2:
            refuse(name, x)
        return apply(rule, x.detach(), **words)

    return named(name, doc, call)  # type: ignore[no-any-return]


airy_ai = _row("airy_ai", "airy_ai", "Airy's Ai(x), the solution of y″ = x y that vanishes at ∞.")
bessel_j0 = _row("bessel_j0", "bessel_jy", "J₀(x).", order=0, second=False)
bessel_j1 = _row("bessel_j1", "bessel_jy", "J₁(x).", order=1, second=False)
bessel_y0 = _row("bessel_y0", "bessel_jy", "Y₀(x), NaN below 0.", order=0, second=True)
bessel_y1 = _row("bessel_y1", "bessel_jy", "Y₁(x), NaN below 0.", order=1, second=True)
modified_bessel_i0 = _row("modified_bessel_i0", "bessel_i", "I₀(x), as `i0`.", order=0)
modified_bessel_i1 = _row("modified_bessel_i1", "bessel_i", "I₁(x), as `i1`.", order=1)
modified_bessel_k0 = _row(
    "modified_bessel_k0", "bessel_k", "K₀(x), NaN below 0.", order=0, scaled=False
)
modified_bessel_k1 = _row(
    "modified_bessel_k1", "bessel_k", "K₁(x), NaN below 0.", order=1, scaled=False
)
scaled_modified_bessel_k0 = _row(
    "scaled_modified_bessel_k0", "bessel_k", "eˣ K₀(x), NaN below 0.", order=0, scaled=True
)
scaled_modified_bessel_k1 = _row(
    "scaled_modified_bessel_k1", "bessel_k", "eˣ K₁(x), NaN below 0.", order=1, scaled=True
)


def spherical_bessel_j0(input: Tensor) -> Tensor:
    """j₀(x) = sin x / x, 1 at 0; no gradient flows through it."""
    x = as_float(input, "spherical_bessel_j0").detach()
    if x.array.dtype.itemsize == 2:
        refuse("spherical_bessel_j0", x)
    y = (x.sin() / x).masked_fill(x == 0, 1.0)
    return y.masked_fill(x.isinf(), 0.0)
