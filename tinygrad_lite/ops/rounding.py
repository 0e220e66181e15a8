"""Rules that round, and division with a remainder: steps, whose derivative is 0 between them."""

from __future__ import annotations

from typing import Any

from ..backend.dtypes import FLOATING
from .rule import declare, rule

Out = tuple[Any, Any]


def _step(xp: Any, x: Any, y: Any) -> Out:
    """What a rule of a step function returns: y, a new array, and dL/dx = 0."""
    return y, (lambda g: xp.zeros_like(g),)


@rule
def floor(xp: Any, x: Any) -> Out:
    """y = ⌊x⌋, the largest integer not above x: dL/dx = 0."""
    return _step(xp, x, xp.copy(x) if x.dtype.kind in "iu" else xp.floor(x))


@rule
def ceil(xp: Any, x: Any) -> Out:
    """y = ⌈x⌉, the smallest integer not below x: dL/dx = 0."""
    return _step(xp, x, xp.copy(x) if x.dtype.kind in "iu" else xp.ceil(x))


@rule
def trunc(xp: Any, x: Any) -> Out:
    """y = x without its fraction, rounded towards 0: dL/dx = 0."""
    return _step(xp, x, xp.copy(x) if x.dtype.kind in "iu" else xp.trunc(x))


@rule
def round(xp: Any, x: Any, *, decimals: int) -> Out:
    """y = x rounded to decimals, halves to even: dL/dx = 0."""
    if x.dtype.kind in "iu":
        return _step(xp, x, xp.copy(x))
    if not decimals:
        return _step(xp, x, xp.rint(x))
    scale = 10.0 ** abs(decimals)
    y = xp.rint(x * scale) / scale if decimals > 0 else xp.rint(x / scale) * scale
    return _step(xp, x, y)


@rule
def frac(xp: Any, x: Any) -> Out:
    """y = x − trunc x, the fraction with x's sign: dL/dx = g."""
    return x - xp.trunc(x), (lambda g: g,)


@rule
def sign(xp: Any, x: Any) -> Out:
    """y = −1, 0 or 1, which is 0 for NaN: dL/dx = 0."""
    if x.dtype.kind == "b":
        return xp.copy(x), (None,)
    return _step(xp, x, xp.sign(x))


def _check_integers(name: str, xp: Any, a: Any, b: Any) -> None:
    """Refuse booleans, and integers divided by 0; the latter on the CPU alone.

    Elsewhere the question would wait for the device.
    """
    kinds = [x.dtype.kind for x in (a, b) if hasattr(x, "dtype")]
    if "b" in kinds:
        raise RuntimeError(f"{name}: not implemented for booleans")
    whole = kinds[0] in "iu" and xp.name == "cpu" and 0 not in getattr(a, "shape", ())
    if whole and not (b.all() if hasattr(b, "dtype") else b):
        raise RuntimeError(f"{name}: ZeroDivisionError: integers can't be divided by 0")


@rule
def remainder(xp: Any, a: Any, b: Any) -> Out:
    """y = a − b ⌊a/b⌋, of b's sign, but a 0 of a's: dL/da = g, dL/db = −g ⌊a/b⌋."""
    _check_integers("remainder", xp, a, b)
    y = xp.remainder(a, b)
    if y.dtype.kind in FLOATING:
        y = xp.where(y == 0, xp.copysign(y, a), y)  # of b's sign, as NumPy has it
    return y, (lambda g: g, lambda g: -g * xp.floor_divide(a, b))


@rule
def fmod(xp: Any, a: Any, b: Any) -> Out:
    """y = a − b trunc(a/b), of a's sign: dL/da = g, dL/db = −g trunc(a/b)."""
    _check_integers("fmod", xp, a, b)
    return xp.fmod(a, b), (lambda g: g, lambda g: -g * xp.trunc(a / b))


@rule
def floor_divide(xp: Any, a: Any, b: Any) -> Out:
    """y = ⌊a/b⌋; asking for its gradient raises, as in PyTorch."""
    _check_integers("floor_divide", xp, a, b)

    def none(_: Any) -> Any:
        raise NotImplementedError(
            "floor_divide: the derivative is not implemented; that of div(…, "
            "rounding_mode='floor') is 0"
        )

    return xp.floor_divide(a, b), (none, none)


@rule(shown="div")
def div_floor(xp: Any, a: Any, b: Any) -> Out:
    """y = ⌊a/b⌋: dL/da = dL/db = 0."""
    _check_integers("div", xp, a, b)
    return xp.floor_divide(a, b), (lambda g: xp.zeros_like(g), lambda g: xp.zeros_like(g))


@rule(shown="div")
def div_trunc(xp: Any, a: Any, b: Any) -> Out:
    """y = trunc(a/b), towards 0: dL/da = dL/db = 0."""
    _check_integers("div", xp, a, b)
    if any(getattr(x, "dtype", None) is not None and x.dtype.kind not in "iu" for x in (a, b)):
        y = xp.trunc(a / b)
    else:  # exact beyond 2⁵³, where a/b is not
        y = xp.floor_divide(a, b)
        y = y + ((y < 0) & (y * b != a))
    return y, (lambda g: xp.zeros_like(g), lambda g: xp.zeros_like(g))


def _nextafter(xp: Any, a: Any, b: Any) -> tuple[Any, tuple[()]]:
    """The next number of the dtype from a towards b; of 16 bits by their bits.

    As an integer they count up from 0 with the magnitude.
    """
    if a.dtype.itemsize > 2:
        return xp.nextafter(a, b), ()
    step = xp.where((b > a) == (a > 0), 1, -1)
    along = xp.astype(a.view("int16") + step, "int16").view(a.dtype)
    from_zero = xp.astype(xp.where(b > 0, 1, 1 - (1 << 15)), "int16").view(a.dtype)
    found = xp.where(a == b, b, xp.where(a == 0, from_zero, along))
    return xp.where(a == a, xp.where(b == b, found, b), a), ()


_nextafter.__name__ = "nextafter"
nextafter = declare(_nextafter, half="free")
