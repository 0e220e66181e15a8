"""The methods of tensors that treat each element by itself, by name from files by subject."""

from __future__ import annotations

from . import elementwise, methods, numbers, real, rectifier, replace, special
from .base import TensorBase
from .inplace import both


class Pointwise(TensorBase):
    """What `Tensor` has of functions of one element, or of elements at one place."""

    __slots__ = ()

    # One operand.
    abs, abs_ = both(elementwise.abs)
    absolute, absolute_ = both(elementwise.absolute)
    acos, acos_ = both(elementwise.acos)
    acosh, acosh_ = both(elementwise.acosh)
    arccos, arccos_ = both(elementwise.arccos)
    arccosh, arccosh_ = both(elementwise.arccosh)
    arcsin, arcsin_ = both(elementwise.arcsin)
    arcsinh, arcsinh_ = both(elementwise.arcsinh)
    arctan, arctan_ = both(elementwise.arctan)
    arctanh, arctanh_ = both(elementwise.arctanh)
    asin, asin_ = both(elementwise.asin)
    asinh, asinh_ = both(elementwise.asinh)
    atan, atan_ = both(elementwise.atan)
    atanh, atanh_ = both(elementwise.atanh)
    ceil, ceil_ = both(elementwise.ceil)
    clamp, clamp_ = both(replace.clamp)
    clamp_max, clamp_max_ = both(replace.clamp_max)
    clamp_min, clamp_min_ = both(replace.clamp_min)
    clip, clip_ = clamp, clamp_
    clone = elementwise.clone
    cos, cos_ = both(elementwise.cos)
    cosh, cosh_ = both(elementwise.cosh)
    deg2rad, deg2rad_ = both(elementwise.deg2rad)
    digamma, digamma_ = both(special.digamma)
    erf, erf_ = both(elementwise.erf)
    erfc, erfc_ = both(special.erfc)
    erfinv, erfinv_ = both(special.erfinv)
    exp, exp_ = both(elementwise.exp)
    exp2, exp2_ = both(elementwise.exp2)
    expm1, expm1_ = both(elementwise.expm1)
    fix, fix_ = both(elementwise.fix)
    floor, floor_ = both(elementwise.floor)
    frac, frac_ = both(elementwise.frac)
    frexp = numbers.frexp
    hardshrink = rectifier.hardshrink
    i0, i0_ = both(special.i0)
    isfinite = elementwise.isfinite
    isinf = elementwise.isinf
    isnan = elementwise.isnan
    isneginf = numbers.isneginf
    isposinf = numbers.isposinf
    isreal = numbers.isreal
    lgamma, lgamma_ = both(special.lgamma)
    log, log_ = both(elementwise.log)
    log10, log10_ = both(elementwise.log10)
    log1p, log1p_ = both(elementwise.log1p)
    log2, log2_ = both(elementwise.log2)
    logit, logit_ = both(elementwise.logit)
    masked_fill, masked_fill_ = both(replace.masked_fill)
    mvlgamma, mvlgamma_ = both(special.mvlgamma)
    nan_to_num, nan_to_num_ = both(replace.nan_to_num)
    neg, neg_ = both(elementwise.neg)
    negative, negative_ = both(elementwise.negative)
    polygamma, polygamma_ = both(special.of_order)
    positive = elementwise.positive
    rad2deg, rad2deg_ = both(elementwise.rad2deg)
    reciprocal, reciprocal_ = both(elementwise.reciprocal)
    relu, relu_ = both(elementwise.relu)
    round, round_ = both(elementwise.round)
    rsqrt, rsqrt_ = both(elementwise.rsqrt)
    sgn, sgn_ = both(real.sgn)
    sigmoid, sigmoid_ = both(elementwise.sigmoid)
    sign, sign_ = both(elementwise.sign)
    signbit = elementwise.signbit
    sin, sin_ = both(elementwise.sin)
    sinc, sinc_ = both(special.sinc)
    sinh, sinh_ = both(elementwise.sinh)
    sqrt, sqrt_ = both(elementwise.sqrt)
    square, square_ = both(elementwise.square)
    tan, tan_ = both(elementwise.tan)
    tanh, tanh_ = both(elementwise.tanh)
    trunc, trunc_ = both(elementwise.trunc)

    # Two that broadcast, or three.
    add, add_ = both(elementwise.add)
    addcdiv, addcdiv_ = both(elementwise.addcdiv)
    addcmul, addcmul_ = both(elementwise.addcmul)
    arctan2, arctan2_ = both(elementwise.arctan2)
    atan2, atan2_ = both(elementwise.atan2)
    bitwise_and, bitwise_and_ = both(elementwise.bitwise_and)
    bitwise_left_shift, bitwise_left_shift_ = both(elementwise.bitwise_left_shift)
    bitwise_not, bitwise_not_ = both(elementwise.bitwise_not)
    bitwise_or, bitwise_or_ = both(elementwise.bitwise_or)
    bitwise_right_shift, bitwise_right_shift_ = both(elementwise.bitwise_right_shift)
    bitwise_xor, bitwise_xor_ = both(elementwise.bitwise_xor)
    copysign, copysign_ = both(elementwise.copysign)
    div, div_ = both(elementwise.div)
    divide, divide_ = both(elementwise.divide)
    eq, eq_ = both(elementwise.eq)
    float_power, float_power_ = both(elementwise.float_power)
    floor_divide, floor_divide_ = both(elementwise.floor_divide)
    fmax = elementwise.fmax
    fmin = elementwise.fmin
    fmod, fmod_ = both(elementwise.fmod)
    gcd, gcd_ = both(numbers.gcd)
    ge, ge_ = both(elementwise.ge)
    greater, greater_ = both(elementwise.greater)
    greater_equal, greater_equal_ = both(elementwise.greater_equal)
    gt, gt_ = both(elementwise.gt)
    heaviside, heaviside_ = both(numbers.heaviside)
    hypot, hypot_ = both(elementwise.hypot)
    igamma, igamma_ = both(special.igamma)
    igammac, igammac_ = both(special.igammac)
    lcm, lcm_ = both(numbers.lcm)
    ldexp, ldexp_ = both(numbers.ldexp)
    le, le_ = both(elementwise.le)
    lerp, lerp_ = both(elementwise.lerp)
    less, less_ = both(elementwise.less)
    less_equal, less_equal_ = both(elementwise.less_equal)
    logaddexp = elementwise.logaddexp
    logaddexp2 = numbers.logaddexp2
    logical_and, logical_and_ = both(elementwise.logical_and)
    logical_not, logical_not_ = both(elementwise.logical_not)
    logical_or, logical_or_ = both(elementwise.logical_or)
    logical_xor, logical_xor_ = both(elementwise.logical_xor)
    lt, lt_ = both(elementwise.lt)
    maximum = elementwise.maximum
    minimum = elementwise.minimum
    mul, mul_ = both(elementwise.mul)
    multiply, multiply_ = both(elementwise.multiply)
    ne, ne_ = both(elementwise.ne)
    nextafter, nextafter_ = both(numbers.nextafter)
    not_equal, not_equal_ = both(elementwise.not_equal)
    pow, pow_ = both(elementwise.pow)
    prelu = rectifier.prelu
    remainder, remainder_ = both(elementwise.remainder)
    sub, sub_ = both(elementwise.sub)
    subtract, subtract_ = both(elementwise.subtract)
    true_divide, true_divide_ = both(elementwise.true_divide)
    where = methods.where
    xlogy, xlogy_ = both(elementwise.xlogy)
