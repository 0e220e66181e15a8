"""Functions of whole numbers, and of mantissas and exponents; and a few that fit nowhere else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..backend import namespace, numpy
from ..backend.dtypes import FLOATING
from ..ops import rounding
from ..ops import special as ops
from .apply import apply
from .arrange import broadcast_tensors
from .base import TensorBase, new
from .check import need_tensors, not_a_tensor, tensor_of
from .elementwise import exp2, logaddexp
from .operation import Operand, ordered, plain_binary, public, refuse
from .promote import pair, real_pair, to_dtype
from .real import imag
from .results import Named, of

if TYPE_CHECKING:
    from .tensor import Tensor

_gcd = plain_binary("gcd", "The greatest common divisor.", numbers="none")
_lcm = plain_binary("lcm", "The least common multiple.", numbers="none")


def _of_kind(name: str, kinds: str, input: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Two tensors in the dtype that they promote to, which must be of some kinds."""
    if not isinstance(other, TensorBase):
        raise not_a_tensor(name, other, "other")
    a, b = pair(name, input, other)
    if a.dtype.kind not in kinds:
        refuse(name, a)
    return a, b


def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor of integers, element by element.

    Raises:
        NotImplementedError: not integers.
    """
    return _gcd(*_of_kind("gcd", "iu", input, other))


def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of integers, element by element.

    Raises:
        NotImplementedError: not integers.
    """
    return _lcm(*_of_kind("lcm", "iu", input, other))


def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next float of the dtype from the input towards other; no gradient flows through."""
    return apply(rounding.nextafter, *_of_kind("nextafter", FLOATING, input, other)).detach()


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 below 0, 1 above, and `values` at 0; no gradient flows through.

    Raises:
        RuntimeError: different dtypes.
    """
    ordered("heaviside", input)
    if input.dtype != values.dtype:
        raise RuntimeError(
            f"heaviside: input and values must have one dtype, but have {input.dtype} and "
            f"{values.dtype}"
        )
    xp, (x, y) = namespace(input.array), (t.array for t in broadcast_tensors(input, values))
    return new(xp.where(x == 0, y, xp.astype(x > 0, x.dtype)))


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """y = input · 2^other."""
    need_tensors("ldexp", input=input, other=other)
    if other.dtype.kind == "b" and input.dtype.kind in FLOATING:
        refuse("ldexp", other)
    return apply(ops.ldexp, *real_pair("ldexp", input, other))


class Frexp(Named):
    """What `frexp` returns."""

    mantissa: Tensor
    exponent: Tensor


def frexp(input: Tensor) -> Frexp:
    """The mantissas (of magnitude ½ to 1) and exponents (int32) of input = m 2ᵉ."""
    if input.dtype.kind not in FLOATING:
        refuse("frexp", input)
    xp = namespace(input.array)
    exponent = new(xp.asarray(xp.frexp(input.array)[1], dtype="int32"))
    half = exponent // 2  # in two steps: 2⁻ᵉ overflows for the smallest numbers
    scale, rest = (to_dtype(exp2(to_dtype(-e, numpy.dtype("float64"))), input.array.dtype)
                   for e in (half, exponent - half))  # fmt: skip
    return of("frexp", Frexp(input * scale * rest, exponent))


def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """y = log₂(2ᵃ + 2ᵇ)."""
    a, b = _of_kind("logaddexp2", FLOATING, input, other)
    return logaddexp(a * math.log(2), b * math.log(2)) / math.log(2)


def isposinf(input: Tensor) -> Tensor:
    """True where +∞."""
    return input.isinf() & (input > 0)


def isneginf(input: Tensor) -> Tensor:
    """True where −∞."""
    return input.isinf() & (input < 0)


def isreal(input: Tensor) -> Tensor:
    """True where there is no imaginary part."""
    if input.array.dtype.kind == "c":
        return imag(input.detach()) == 0
    return new(namespace(input.array).ones_like(input.array, dtype="bool"))


def rsub(input: Tensor, other: Operand, alpha: float = 1) -> Tensor:
    """y = other − alpha · input.

    Raises:
        TypeError: the input is no tensor.
    """
    tensor_of("rsub", input)
    a, b = pair("sub", other, input)
    if isinstance(b, TensorBase) and b.dtype.kind in "iu" and isinstance(alpha, float):
        raise RuntimeError(f"rsub: for integers alpha must be an integer, but got {alpha}")
    return a - b * alpha  # type: ignore[no-any-return]


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape."""
    return input.shape == other.shape


if not TYPE_CHECKING:
    __all__ = [name for name in public(globals()) if name not in ("exp2", "logaddexp")]
