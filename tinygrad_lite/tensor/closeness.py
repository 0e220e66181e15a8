"""Comparisons of whole tensors, exact and up to rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .check import need_tensors
from .operation import public
from .promote import as_float

if TYPE_CHECKING:
    from .tensor import Tensor


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether |input − other| ≤ atol + rtol |other| everywhere; arguments, errors as `isclose`."""
    return isclose(input, other, rtol, atol, equal_nan).all().item()  # type: ignore[no-any-return]


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """True where |input − other| ≤ atol + rtol |other|, or both are the same infinity.

    Args:
        input, other: of one dtype, of shapes that broadcast.
        rtol, atol: the tolerances, relative and absolute.
        equal_nan: NaN counts as close to NaN.

    Raises:
        RuntimeError: negative tolerances, or two dtypes.
    """
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol and atol must not be negative, but are {rtol}, {atol}")
    a, b = input.detach(), other.detach()
    if a.dtype != b.dtype:
        raise RuntimeError(f"isclose: expected one dtype, but got {a.dtype} and {b.dtype}")
    if a.dtype.kind == "b":
        return a == b
    same = a == b
    a, b = as_float(a), as_float(b)  # differences of integers would wrap
    close = same | (((a - b).abs() <= (b.abs() * rtol + atol)) & a.isfinite() & b.isfinite())
    return close | (a.isnan() & b.isnan()) if equal_nan else close


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and equal elements (NaN equals nothing)."""
    need_tensors("equal", input=input, other=other)
    return input.shape == other.shape and bool((input == other).all().item())


if not TYPE_CHECKING:
    __all__ = public(globals())
