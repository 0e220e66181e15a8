"""Functions that treat each element by itself; those of several operands broadcast and promote.

Most are rows (`operation`): the rule in `ops` has the equation, which is the docstring too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from ..backend import DType, namespace, numpy
from ..backend.dtypes import DIFFERENTIABLE, FLOATING
from ..ops import activation, analytic, loss, rounding, shape, special
from ..ops import elementwise as ops
from .apply import KEEP_ORDER, apply
from .autocast import in_float32
from .base import TensorBase, new
from .operation import (
    NUMBERS,
    Operand,
    binary,
    plain_binary,
    plain_unary,
    public,
    refuse,
    unary,
)
from .promote import (
    as_float,
    as_number,
    coefficient,
    common_dtype,
    pair,
    real_pair,
    rounded_once,
    scalar_tensor,
    to_dtype,
)
from .replace import clamp

if TYPE_CHECKING:
    from .tensor import Tensor

KEEP_ORDER.update(
    {ops.cast, ops.power, ops.clamp, ops.at_least, ops.at_most, ops.between, rounding.round}
    | {activation.elu, activation.gelu, activation.gelu_tanh, activation.hardtanh}
    | {activation.leaky_relu, activation.silu, activation.softplus, analytic.nan_to_num}
    | {activation.hardswish, activation.log_sigmoid, analytic.lerp, analytic.xlog1py}
    | {ops.div, ops.pow, ops.where, rounding.div_floor, rounding.div_trunc, rounding.nextafter}
    | {special.ldexp, special.polygamma, special.zeta, shape.flip}
    | {loss.binary_cross_entropy, loss.huber, loss.logits_error, loss.poisson_error}
    | {loss.squared_error}
)

# Of one operand. Integers become floats, unless `floats=False`: then the dtype stays.
neg = negative = unary(ops.neg, floats=False)
abs = absolute = unary(ops.abs, floats=False, takes=NUMBERS + "c")
relu = unary(ops.relu, floats=False, takes=NUMBERS)
clone = unary(ops.clone, floats=False, library="copy")
exp = unary(ops.exp)
exp2 = unary(analytic.exp2)
expm1 = unary(ops.expm1)
log = unary(ops.log)
log1p = unary(ops.log1p)
log2 = unary(analytic.log2)
log10 = unary(analytic.log10)
sqrt = unary(ops.sqrt)
sin = unary(ops.sin)
cos = unary(ops.cos)
tan = unary(analytic.tan)
asin = arcsin = unary(analytic.asin, library="arcsin")
acos = arccos = unary(analytic.acos, library="arccos")
atan = arctan = unary(analytic.atan, library="arctan")
sinh = unary(analytic.sinh)
cosh = unary(analytic.cosh)
_logit = unary(analytic.logit)
tanh = unary(ops.tanh)
asinh = arcsinh = unary(analytic.asinh, library="arcsinh")
acosh = arccosh = unary(analytic.acosh, library="arccosh")
atanh = arctanh = unary(analytic.atanh, library="arctanh")
erf = unary(activation.erf)
sigmoid = unary(ops.sigmoid)
floor = unary(rounding.floor, floats=False, takes=NUMBERS)
ceil = unary(rounding.ceil, floats=False, takes=NUMBERS)
trunc = fix = unary(rounding.trunc, floats=False, takes=NUMBERS)
frac = unary(rounding.frac, floats=False, takes=FLOATING)
sign = unary(rounding.sign, floats=False)
isnan = plain_unary("isnan", "True where NaN.", complex=True)
isinf = plain_unary("isinf", "True where infinite.", complex=True)
isfinite = plain_unary("isfinite", "True where neither NaN nor infinite.", complex=True)
logical_not = plain_unary("logical_not", "True where zero or False.", complex=True)
bitwise_not = plain_unary("invert", "Every bit, or boolean, inverted.", "bitwise_not")

# Of two operands.
mul = multiply = binary(ops.mul, library="times")
remainder = binary(rounding.remainder)
fmod = binary(rounding.fmod, numbers="other")
floor_divide = binary(rounding.floor_divide)
maximum = binary(ops.maximum, numbers="none")
minimum = binary(ops.minimum, numbers="none")
fmax = binary(ops.fmax, numbers="none")
fmin = binary(ops.fmin, numbers="none")
atan2 = arctan2 = binary(analytic.atan2, floats=True, numbers="none", library="arctan2")
hypot = binary(analytic.hypot, numbers="none", takes=FLOATING)
logaddexp = binary(analytic.logaddexp, numbers="none", takes=FLOATING)
copysign = binary(analytic.copysign, floats=True, numbers="other")
xlogy = binary(analytic.xlogy, floats=True, wrapped=True)
eq = plain_binary("equal", "True where equal.", "eq", takes=NUMBERS + "bc")
ne = not_equal = plain_binary("not_equal", "True where different.", "ne", takes=NUMBERS + "bc")
lt = less = plain_binary("less", "True where less.", "lt")
le = less_equal = plain_binary("less_equal", "True where less or equal.", "le")
gt = greater = plain_binary("greater", "True where greater.", "gt")
ge = greater_equal = plain_binary("greater_equal", "True where greater or equal.", "ge")
_all = NUMBERS + "bc"
logical_and = plain_binary("logical_and", "True where both are.", numbers="none", takes=_all)
logical_or = plain_binary("logical_or", "True where either is.", numbers="none", takes=_all)
logical_xor = plain_binary("logical_xor", "True where one alone is.", numbers="none", takes=_all)
bitwise_and = plain_binary("bitwise_and", "The bits that are set in both.", "", "either", "iub")
bitwise_or = plain_binary("bitwise_or", "The bits that are set in either.", "", "either", "iub")
bitwise_xor = plain_binary("bitwise_xor", "The bits set in one alone.", "", "either", "iub")
bitwise_left_shift = plain_binary(
    "left_shift", "The bits moved up by other.", "bitwise_left_shift", "either", "iu"
)
bitwise_right_shift = plain_binary(
    "right_shift", "The bits moved down by other.", "bitwise_right_shift", "either", "iu"
)


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """y = ln(x / (1 − x)), of x limited to [ε, 1 − ε] if ε ≥ 0 is given; else NaN beyond [0, 1]."""
    return _logit(input if eps is None or eps < 0 else clamp(input, eps, 1 - eps))


def add(input: Tensor, other: Operand, *, alpha: float = 1) -> Tensor:
    """y = input + alpha · other.

    Args:
        input, other: tensors, or a tensor and a number, of shapes that broadcast.
        alpha: a factor of other.

    Raises:
        RuntimeError: an alpha that other's dtype can't hold, or shapes that do not broadcast.

    Example:
        >>> torch.tensor([1, 2]) + 0.5
        tensor([1.5000, 2.5000])
        >>> torch.add(torch.ones(2), torch.ones(2), alpha=10)
        tensor([11., 11.])
    """
    if alpha != 1 or alpha is True:
        other = _scaled("add", input, other, alpha)
    return apply(ops.add, *pair("add", input, other))


def sub(input: Tensor, other: Operand, *, alpha: float = 1) -> Tensor:
    """y = input − alpha · other; arguments and errors as `add`, and booleans are refused."""
    if alpha != 1 or alpha is True:
        other = _scaled("sub", input, other, alpha)
    return apply(ops.sub, *pair("sub", input, other))


def subtract(input: Tensor, other: Operand, alpha: float = 1) -> Tensor:
    """`sub`, which takes alpha by position too."""
    return sub(input, other, alpha=alpha)


def _scaled(name: str, input: Tensor, other: Operand, alpha: float) -> Operand:
    """alpha · other, in the dtype that it makes with the input.

    Raises:
        RuntimeError: alpha is not of that dtype's kind, or beyond it.
    """
    a, b = pair(name, input, other)
    alpha = alpha.item() if isinstance(alpha, TensorBase) and not alpha.array.shape else alpha
    dtype = (a if isinstance(a, TensorBase) else b).dtype
    if isinstance(alpha, bool) and dtype.kind != "b":
        raise RuntimeError(f"{name}: a boolean alpha is for booleans, not for {dtype}")
    if dtype.kind not in DIFFERENTIABLE and not isinstance(alpha, int | numpy.integer):
        raise RuntimeError(f"{name}: for integers alpha must be an integer, but got {alpha}")
    if dtype.kind == "b":
        return b & bool(alpha)
    return b * coefficient(name, alpha, a if isinstance(a, TensorBase) else b)


def div(input: Tensor, other: Operand, *, rounding_mode: str | None = None) -> Tensor:
    """y = input / other.

    Args:
        input, other: tensors, or a tensor and a number, of shapes that broadcast.
        rounding_mode: "floor" rounds down, "trunc" towards 0; None keeps the fraction, and two
            integers give the default dtype.

    Raises:
        RuntimeError: another rounding mode, or integers rounded that are divided by 0.

    Example:
        >>> torch.tensor([7, -7]) / 2
        tensor([ 3.5000, -3.5000])
        >>> torch.div(torch.tensor([7, -7]), 2, rounding_mode="floor")
        tensor([ 3, -4])
    """
    if rounding_mode is None:
        return apply(ops.div, *real_pair("div", input, other))
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div: rounding_mode must be None, 'trunc' or 'floor', but got {rounding_mode!r}"
        )
    rule = rounding.div_floor if rounding_mode == "floor" else rounding.div_trunc
    return apply(rule, *pair("div", input, other))


divide = true_divide = div


def pow(input: Any, exponent: Operand) -> Tensor:
    """y = inputⁿ for an exponent n: tensors, or one of them a number.

    Raises:
        RuntimeError: integers to a negative integer power, or one beyond their dtype.
        NotImplementedError: booleans.

    Example:
        >>> torch.tensor([1, 2, 3]) ** 2
        tensor([1, 4, 9])
    """
    if isinstance(exponent, TensorBase):
        if not isinstance(input, TensorBase):
            return _reflected_pow(cast("Tensor", exponent), input)
        a, b = pair("pow", input, exponent)
        if a.dtype.kind == "b":
            refuse("pow", a)
        return apply(ops.pow, a, b)
    base, n = pair("pow", input, exponent)
    if isinstance(n, TensorBase):  # of a NumPy array
        return pow(base, n)
    if base.dtype.kind not in DIFFERENTIABLE:
        if exponent < 0:
            raise RuntimeError(
                f"pow: integers to negative integer powers: not allowed (got {exponent})"
            )
        if base.dtype.kind == "b":
            return clone(base) if n else logical_or(base, bitwise_not(base))
        if exponent > numpy.iinfo(base.array.dtype).max:
            raise RuntimeError(
                f"pow: the exponent {exponent} cannot be converted to {base.dtype} without overflow"
            )
    return apply(ops.power, base, n)


@in_float32
def _reflected_pow(input: Tensor, base: Operand) -> Tensor:
    """y = baseˣ, which `base ** x` calls."""
    number, exponent = pair("pow", base, input)
    if exponent.dtype.kind == "b":
        refuse("pow", exponent)
    base = number if isinstance(number, TensorBase) else scalar_tensor(number, exponent)
    return apply(ops.pow, base, exponent)


def float_power(input: Any, exponent: Operand) -> Tensor:
    """`pow` in float64, whatever the dtypes are; of complex numbers in complex128."""
    kinds = [as_number(x) if not isinstance(x, TensorBase) else x for x in (input, exponent)]
    wide: DType = numpy.dtype("float64")
    for x in kinds:
        if isinstance(x, complex) or (isinstance(x, TensorBase) and x.array.dtype.kind == "c"):
            wide = numpy.dtype("complex128")
    a, b = (to_dtype(x, wide) if isinstance(x, TensorBase) else x for x in (input, exponent))
    return pow(a, b)


@in_float32
def _reflected_div(input: Tensor, other: Operand) -> Tensor:
    """y = other / x, which `other / x` calls."""
    return apply(ops.div, *real_pair("div", other, input))


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number with so many decimals, halves to even; its gradient is 0.

    Args:
        input: any dtype but bool.
        decimals: digits behind the point; negative ones are before it.
    """
    if input.dtype.kind not in (FLOATING if decimals else NUMBERS):
        refuse("round", input)
    return apply(rounding.round, input, decimals=decimals)


def positive(input: Tensor) -> Tensor:
    """The tensor itself; booleans are refused (NotImplementedError)."""
    if input.dtype.kind == "b":
        refuse("positive", input)
    return input


def signbit(input: Tensor) -> Tensor:
    """True where the sign is minus, also of −0."""
    x = input.detach()
    xp = namespace(x.array)
    return new(xp.asarray(xp.signbit(x.array))) if x.is_floating_point() else x < 0


def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians."""
    if input.array.dtype.kind == "c":
        refuse("deg2rad", input)
    return as_float(input) * (math.pi / 180)


def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees."""
    if input.array.dtype.kind == "c":
        refuse("rad2deg", input)
    return as_float(input) * (180 / math.pi)


def lerp(input: Tensor, end: Tensor, weight: Operand) -> Tensor:
    """y = input + weight (end − input), exact at weights 0 and 1.

    Args:
        input, end: floating point, of one dtype.
        weight: a tensor or a number.

    Raises:
        RuntimeError: other dtypes, or a number beyond them.
    """
    for name, x in (("end", end), ("weight", weight)):
        if isinstance(x, TensorBase) and x.dtype != input.dtype and (x is end or x.ndim):
            raise RuntimeError(f"lerp: expected {input.dtype} for {name}, but got {x.dtype}")
    if isinstance(weight, TensorBase):
        input, end, weight = _alike(input, end, cast("Tensor", weight))
    if input.dtype.kind not in FLOATING:
        refuse("lerp", input)
    coefficient("lerp", weight, input)
    return apply(analytic.lerp, input, end, pair("lerp", input, weight)[1])


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """y = input + value · tensor1 · tensor2; the three broadcast and promote."""
    a, b, c = _alike(input, tensor1, tensor2)
    if a.dtype.kind == "b":
        refuse("addcmul", a)
    coefficient("addcmul", value, a)
    value = value if a.dtype.kind in DIFFERENTIABLE else int(value)

    def function(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return add(a, (b if value == 1 else b * value) * c)  # PyTorch's order, which may overflow

    return rounded_once(function, a, b, c)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """y = input + value · tensor1 / tensor2; the three broadcast and promote.

    Raises:
        RuntimeError: tensor1 and tensor2 are both integers.
    """
    if tensor1.dtype.kind in "biu" and tensor2.dtype.kind in "biu":
        raise RuntimeError(
            f"addcdiv: integers are not divided here ({tensor1.dtype} by {tensor2.dtype}); "
            "make one of them floating point"
        )
    a, b, c = _alike(input, tensor1, tensor2)
    value = coefficient("addcdiv", value, a)

    def function(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return add(a, (b if value == 1 else b * value) / c)

    return rounded_once(function, a, b, c)


def _alike(*operands: Tensor) -> list[Tensor]:
    """Tensors in the dtype that they promote to."""
    dtype = common_dtype(*operands)
    return [to_dtype(x, dtype) for x in operands]


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


if not TYPE_CHECKING:
    __all__ = public(globals())
