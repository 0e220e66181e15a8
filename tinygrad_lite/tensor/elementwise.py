"""Functions of each element by itself. Those of two operands broadcast and promote dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend.dtypes import FLOATING
from ..ops import activation
from ..ops import elementwise as ops
from .apply import apply
from .autocast import in_float32
from .base import TensorBase
from .operation import Operand, binary, plain_binary, plain_unary, public, unary
from .promote import as_float, pair, scalar_tensor

if TYPE_CHECKING:
    from .tensor import Tensor

neg = unary(ops.neg, floats=False)
abs = unary(ops.abs, floats=False)
exp = unary(ops.exp)
expm1 = unary(ops.expm1)
log = unary(ops.log)
log1p = unary(ops.log1p)
sqrt = unary(ops.sqrt)
sin = unary(ops.sin)
cos = unary(ops.cos)
tanh = unary(ops.tanh)
erf = unary(activation.erf)
sigmoid = unary(ops.sigmoid)
relu = unary(ops.relu, floats=False)
clone = unary(ops.clone, floats=False, library="copy")

mul = binary(ops.mul, library="times")
div = binary(ops.div, floats=True)
remainder = binary(ops.remainder)
maximum = binary(ops.maximum)
minimum = binary(ops.minimum)

sign = plain_unary("sign", "−1, 0 or 1; no gradient flows through.")
floor = plain_unary("floor", "The largest integer not above; no gradient flows through.")
ceil = plain_unary("ceil", "The smallest integer not below; no gradient flows through.")
round = plain_unary("rint", "The nearest integer, halves to even; no gradient.", "round")
isnan = plain_unary("isnan", "True where NaN.")
isinf = plain_unary("isinf", "True where infinite.")
isfinite = plain_unary("isfinite", "True where neither NaN nor infinite.")
logical_not = plain_unary("logical_not", "True where zero or False.")
bitwise_not = plain_unary("invert", "Every bit, or boolean, inverted.", "bitwise_not")

eq = plain_binary("equal", "True where equal.", "eq")
ne = plain_binary("not_equal", "True where different.", "ne")
lt = plain_binary("less", "True where less.", "lt")
le = plain_binary("less_equal", "True where less or equal.", "le")
gt = plain_binary("greater", "True where greater.", "gt")
ge = plain_binary("greater_equal", "True where greater or equal.", "ge")
logical_and = plain_binary("logical_and", "True where both are.")
logical_or = plain_binary("logical_or", "True where either is.")
bitwise_and = plain_binary("bitwise_and", "The bits, or booleans, that are set in both.")
bitwise_or = plain_binary("bitwise_or", "The bits, or booleans, that are set in either.")
bitwise_xor = plain_binary("bitwise_xor", "The bits, or booleans, that are set in one alone.")
floor_divide = plain_binary("floor_divide", "⌊input / other⌋; no gradient flows through.")


def add(input: Tensor, other: Operand, *, alpha: float = 1) -> Tensor:
    """y = input + alpha · other."""
    return apply(ops.add, *pair("add", input, other if alpha == 1 else other * alpha))


def sub(input: Tensor, other: Operand, *, alpha: float = 1) -> Tensor:
    """y = input − alpha · other."""
    return apply(ops.sub, *pair("sub", input, other if alpha == 1 else other * alpha))


def pow(input: Tensor, exponent: Operand) -> Tensor:
    """y = inputⁿ for a number or a tensor n."""
    if isinstance(exponent, TensorBase):
        return apply(ops.pow, *pair("pow", input, exponent))
    base, n = pair("pow", input, exponent)
    if base.dtype.kind not in FLOATING and n < 0:
        raise RuntimeError(f"pow: integers to negative integer powers are not allowed (got {n})")
    return apply(ops.power, base, n)


@in_float32
def _reflected_pow(input: Tensor, base: Operand) -> Tensor:
    """y = baseˣ, which `base ** x` calls."""
    number, exponent = pair("pow", base, input)
    return apply(ops.pow, scalar_tensor(number, exponent), exponent)


@in_float32
def _reflected_div(input: Tensor, other: Operand) -> Tensor:
    """y = other / x, which `other / x` calls."""
    return apply(ops.div, *pair("div", other, as_float(input)))


def log2(input: Tensor) -> Tensor:
    """The logarithm to base 2."""
    return log(input) * 1.4426950408889634


def log10(input: Tensor) -> Tensor:
    """The logarithm to base 10."""
    return log(input) * 0.4342944819032518


@in_float32
def rsqrt(input: Tensor) -> Tensor:
    """y = 1 / √x."""
    return 1 / sqrt(input)


def square(input: Tensor) -> Tensor:
    """y = x²."""
    return pow(input, 2)


def reciprocal(input: Tensor) -> Tensor:
    """y = 1 / x."""
    return _reflected_div(input, 1)


def clamp(input: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """The elements limited to [min, max]; the gradient passes at the bounds.

    Raises:
        RuntimeError: neither bound is given.
    """
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of min and max must not be None")
    out: Any = input
    if isinstance(min, TensorBase):
        out = min.where(out < min, out)  # type: ignore[attr-defined]
    if isinstance(max, TensorBase):
        out = max.where(out > max, out)  # type: ignore[attr-defined]
    low, high = (None if isinstance(b, TensorBase) else b for b in (min, max))
    if low is None and high is None:
        return out  # type: ignore[no-any-return]
    for bound in (low, high):
        out = out if bound is None else pair("clamp", out, bound)[0]
    return apply(ops.clamp, out, min=low, max=high)


clip = clamp


def clamp_min(input: Tensor, min: Operand) -> Tensor:
    """The elements, at least min."""
    return clamp(input, min=min)


def clamp_max(input: Tensor, max: Operand) -> Tensor:
    """The elements, at most max."""
    return clamp(input, max=max)


def masked_fill(input: Tensor, mask: Tensor, value: float) -> Tensor:
    """The elements, but a number wherever the mask is True."""
    if mask.dtype.kind != "b":
        raise RuntimeError(f"masked_fill: only supports boolean masks, but got {mask.dtype}")
    return apply(ops.where, mask, scalar_tensor(value, input), input)


if not TYPE_CHECKING:
    __all__ = public(globals())
