"""Elementwise rules: each output element depends on one element of each input.

Inputs broadcast against each other. A Python scalar may stand for any input of a
two-input rule; it never changes the dtype. Sums and products are asked of `xp` by name, because
on CUDA the operators give row-major results whatever the order of images in memory.
"""

from __future__ import annotations

from typing import Any

from ..graph import Zero
from .complex import modulus
from .rule import rule

Out = tuple[Any, Any]


@rule(half="anywhere", complex="linear")
def add(xp: Any, a: Any, b: Any) -> Out:
    """y = a + b: dL/da = g, dL/db = g."""
    return xp.plus(a, b), (lambda g: g, lambda g: g)


@rule(half="anywhere", complex="linear")
def sub(xp: Any, a: Any, b: Any) -> Out:
    """y = a − b: dL/da = g, dL/db = −g."""
    return xp.minus(a, b), (lambda g: g, lambda g: -g)


@rule(half="anywhere", complex="analytic")
def mul(xp: Any, a: Any, b: Any) -> Out:
    """y = a b: dL/da = g b, dL/db = g a."""
    return xp.times(a, b), (lambda g: xp.times(g, b), lambda g: xp.times(g, a))


@rule(complex="analytic")
def div(xp: Any, a: Any, b: Any) -> Out:
    """y = a / b: dL/da = g / b, dL/db = −g a / b²."""
    return a / b, (lambda g: g / b, lambda g: -g * (a / b / b))  # b² may overflow


@rule(half="anywhere", complex="linear")
def neg(xp: Any, x: Any) -> Out:
    """y = −x: dL/dx = −g."""
    return -x, (lambda g: -g,)


@rule(autocast="float32", shown="pow", complex="analytic")
def power(xp: Any, a: Any, n: float) -> Out:
    """y = aⁿ for a constant n: dL/da = g n aⁿ⁻¹, which is 0 for n = 0."""
    y = _to_constant(xp, a, n)
    return y, (lambda g: g * (n * _to_constant(xp, a, n - 1)) if n != 0 else xp.zeros_like(g),)


def _to_constant(xp: Any, a: Any, n: float) -> Any:
    """aⁿ; of −½ as of ½ by the root, so of −0 it is −∞, and of −∞ there is none."""
    return a**n if n != -0.5 else 1 / xp.sqrt(a)


@rule(autocast="float32")
def pow(xp: Any, a: Any, b: Any) -> Out:
    """y = aᵇ: dL/da = g b aᵇ⁻¹ (0 where b = 0), dL/db = g aᵇ ln a (0 where a = 0 ≤ b)."""
    integers = hasattr(a, "dtype") and a.dtype.kind in "biu"
    y = xp.integer_power(a, b) if integers else xp.power(a, b)
    return y, (
        lambda g: g * xp.where(b == 0, 0.0, b * xp.power(a, xp.where(b == 0, 1.0, b - 1))),
        lambda g: g * xp.where((a == 0) & (b >= 0), 0.0, xp.power(a, b) * xp.log(a)),
    )


@rule(autocast="float32", complex="analytic")
def exp(xp: Any, x: Any) -> Out:
    """y = eˣ: dL/dx = g y."""
    y = xp.exp(x)
    return y, (lambda g: g * y,)


@rule(autocast="float32")
def expm1(xp: Any, x: Any) -> Out:
    """y = eˣ − 1: dL/dx = g (y + 1)."""
    y = xp.expm1(x)
    return y, (lambda g: g * (y + 1),)


@rule(autocast="float32", complex="analytic")
def log(xp: Any, x: Any) -> Out:
    """y = ln x: dL/dx = g / x."""
    return xp.log(x), (lambda g: g / x,)


@rule(autocast="float32")
def log1p(xp: Any, x: Any) -> Out:
    """y = ln(1 + x): dL/dx = g / (1 + x)."""
    return xp.log1p(x), (lambda g: g / (x + 1),)


@rule(complex="analytic")
def sqrt(xp: Any, x: Any) -> Out:
    """y = √x: dL/dx = g / 2y."""
    y = xp.sqrt(x)
    return y, (lambda g: g / (y * 2),)


@rule(complex="analytic")
def sin(xp: Any, x: Any) -> Out:
    """y = sin x: dL/dx = g cos x."""
    return xp.sin(x), (lambda g: g * xp.cos(x),)


@rule(complex="analytic")
def cos(xp: Any, x: Any) -> Out:
    """y = cos x: dL/dx = −g sin x."""
    return xp.cos(x), (lambda g: -g * xp.sin(x),)


@rule(complex="analytic")
def tanh(xp: Any, x: Any) -> Out:
    """y = tanh x: dL/dx = g (1 − y²)."""
    y = xp.tanh(x)
    return y, (lambda g: g * (1 - y * y),)


def sigmoid_composition(xp: Any, x: Any) -> Any:
    """`sigmoid` as (1 + tanh(x/2)) / 2, whose derivatives can't overflow."""
    return xp.tanh(x * 0.5) * 0.5 + 0.5


@rule(composition=sigmoid_composition, complex="analytic")
def sigmoid(xp: Any, x: Any) -> Out:
    """y = 1 / (1 + e⁻ˣ), exact where y is small: dL/dx = g y (1 − y)."""
    y = xp.sigmoid(x)
    return y, (lambda g: xp.sigmoid_gradient(g, y),)


@rule(half="anywhere", flat=True)
def relu(xp: Any, x: Any) -> Out:
    """y = max(0, x): dL/dx = g where y > 0 (or NaN), else 0 (the report's equations 12 to 19)."""
    y = xp.relu(x)
    return y, (lambda g: xp.relu_gradient(g, y),)


@rule(half="anywhere", flat=True)
def relu_of_kept(xp: Any, x: Any) -> Out:
    """y = max(0, x): dL/dx = g where x > 0 (or NaN), else 0. It keeps x, so that y may change."""
    return xp.relu(x), (lambda g: xp.relu_gradient(g, xp.relu(x)),)


@rule(complex=modulus)
def abs(xp: Any, x: Any) -> Out:
    """y = |x|: dL/dx = g sign(x), which is 0 at 0."""
    return xp.abs(x), (lambda g: g * xp.sign(x),)


@rule
def fmax(xp: Any, a: Any, b: Any) -> Out:
    """y = max(a, b), or the one that is no NaN: g goes to a where a ≥ b or b is NaN, else to b."""
    own = (a >= b) | (b != b)
    return xp.fmax(a, b), (lambda g: xp.where(own, g, 0.0), lambda g: xp.where(own, 0.0, g))


@rule
def fmin(xp: Any, a: Any, b: Any) -> Out:
    """y = min(a, b), or the one that is no NaN: g goes to a where a ≤ b or b is NaN, else to b."""
    own = (a <= b) | (b != b)
    return xp.fmin(a, b), (lambda g: xp.where(own, g, 0.0), lambda g: xp.where(own, 0.0, g))


@rule
def maximum(xp: Any, a: Any, b: Any) -> Out:
    """y = max(a, b): g goes to the larger input, half to each at a tie, all to both at a NaN."""
    return xp.maximum(a, b), (
        lambda g: xp.where(a == b, g * 0.5, xp.where(a < b, 0.0, g)),
        lambda g: xp.where(a == b, g * 0.5, xp.where(a > b, 0.0, g)),
    )


@rule
def minimum(xp: Any, a: Any, b: Any) -> Out:
    """y = min(a, b): g goes to the smaller input, half to each at a tie, all to both at a NaN."""
    return xp.minimum(a, b), (
        lambda g: xp.where(a == b, g * 0.5, xp.where(a > b, 0.0, g)),
        lambda g: xp.where(a == b, g * 0.5, xp.where(a < b, 0.0, g)),
    )


@rule
def clamp(xp: Any, x: Any, *, min: float | None, max: float | None) -> Out:
    """y = min(max(x, lo), hi): dL/dx = g where lo ≤ x ≤ hi, both ends included, else 0.

    Of equal operands NumPy gives the second: so a zero keeps its sign, as in PyTorch.
    """
    y = x if min is None else xp.maximum(min, x)
    y = y if max is None else xp.minimum(max, y)

    def vjp(g: Any) -> Any:
        inside = True if min is None else x >= min
        return xp.where(inside if max is None else inside & (x <= max), g, 0.0)

    return y, (vjp,)


@rule(shown="clamp")
def at_least(xp: Any, x: Any, low: Any) -> Out:
    """y = max(x, lo): g goes to x where x ≥ lo, to lo where x < lo, nowhere at a NaN."""
    return xp.maximum(low, x), (
        lambda g: xp.where(x >= low, g, 0.0),
        lambda g: xp.where(x < low, g, 0.0),
    )


@rule(shown="clamp")
def at_most(xp: Any, x: Any, high: Any) -> Out:
    """y = min(x, hi): g goes to x where x ≤ hi, to hi where x > hi, nowhere at a NaN."""
    return xp.minimum(high, x), (
        lambda g: xp.where(x <= high, g, 0.0),
        lambda g: xp.where(x > high, g, 0.0),
    )


@rule(shown="clamp")
def between(xp: Any, x: Any, low: Any, high: Any) -> Out:
    """y = min(max(x, lo), hi): g goes to x where lo ≤ x ≤ hi, else to the bound that replaces it.

    To hi where it is below lo, to lo where it is below hi and above x, and nowhere at a NaN.
    """
    return xp.minimum(high, xp.maximum(low, x)), (
        lambda g: xp.where((x >= low) & (x <= high), g, 0.0),
        lambda g: xp.where((x < low) & (low < high), g, 0.0),
        lambda g: xp.where((x > high) | (high < low), g, 0.0),
    )


@rule(half="anywhere", complex="linear")
def where(xp: Any, condition: Any, a: Any, b: Any) -> Out:
    """y = a where the condition holds, else b: g goes to whichever was taken."""
    return xp.where(condition, a, b), (
        None,
        lambda g: xp.where(condition, g, 0.0),
        lambda g: xp.where(condition, 0.0, g),
    )


@rule(half="free", shown="to", complex="own")
def cast(xp: Any, x: Any, *, dtype: Any) -> Out:
    """y = x in another dtype: dL/dx = g in x's own. Of complex x a real y is the real part."""
    own = x.dtype

    def part(x: Any, dtype: Any) -> Any:
        return xp.astype(xp.real(x) if x.dtype.kind == "c" and dtype.kind not in "cb" else x, dtype)

    return part(x, dtype), (lambda g: part(g, own),)


@rule(half="anywhere", complex="linear")
def clone(xp: Any, x: Any) -> Out:
    """y = a copy of x: dL/dx = g."""
    return xp.copy(x), (lambda g: g,)


@rule(half="free", complex="own")
def tied(xp: Any, g: Any, x: Any) -> Out:
    """y = g, as if it depended on x: dL/dg = h, and dL/dx = 0, wherever that goes."""
    return xp.reshape(g, g.shape), (lambda h: h, Zero)


@rule(half="free", complex="linear", flat=True)
def hinge(xp: Any, x: Any) -> Out:
    """y = x, a view: dL/dx = g. What is made of it has a slope that is `flat`."""
    return xp.reshape(x, x.shape), (lambda g: g,)


@rule(half="free", complex="own")
def overwrite(xp: Any, x: Any, y: Any) -> Out:
    """y, of x's shape, in the place of x: dL/dx = 0, dL/dy = g."""
    return xp.array(xp.broadcast_to(y, x.shape)), (Zero, lambda g: g)


@rule(half="free", shown="to", complex="linear")
def to_device(xp: Any, x: Any, *, device: str) -> Out:
    """y = a copy of x on another device: dL/dx = g on x's own."""
    home = xp.device_of(x)
    return xp.to_device(x, device), (lambda g: xp.to_device(g, home),)
