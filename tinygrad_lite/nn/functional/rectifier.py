"""Activations that are linear on a part of the line, and gated ones; compositions.

All keep their input's dtype and shape, and take any shape of floating point; `inplace` overwrites
the input. At a bend the derivative is PyTorch's, which each docstring gives. What is no Tensor
raises TypeError, another dtype NotImplementedError.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from ...backend.dtypes import FLOATING
from ...ops import activation
from ...ops.elementwise import where
from ...tensor import Tensor, apply
from ...tensor.check import plain, takes_tensors
from ...tensor.draw import rand
from ...tensor.info import finfo
from ...tensor.inplace import change
from ...tensor.operation import NUMBERS, refuse
from ...tensor.promote import coefficient, filling, rounded_once, scalar_tensor
from ...tensor.rectifier import hardshrink, prelu
from ...tensor.shown import called
from .activation import elu, implied_dim, softmax, softplus

__all__ = [
    "celu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "mish",
    "prelu",
    "rrelu",
    "rrelu_",
    "selu",
    "softmin",
    "softshrink",
    "softsign",
    "tanhshrink",
    "threshold",
]


def _checked(name: str, input: Any, takes: str = FLOATING) -> Tensor:
    """The input itself, if it is a tensor whose dtype is of the kinds that a function takes."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}: input must be a Tensor, not {type(input).__name__}")
    if input.dtype.kind not in takes:
        refuse(name, input)
    return input


def _perhaps_in_place(
    name: str, input: Tensor, inplace: bool, function: Callable[[Tensor], Tensor]
) -> Tensor:
    """What a function gives for the input, which takes its elements if `inplace`."""
    _checked(name, input)
    return change(input, f"{name}_", function) if inplace else function(input)


def _where(condition: Tensor, a: Tensor, b: Any) -> Tensor:
    """a where the condition holds, else b, a tensor or a number."""
    return apply(where, condition, a, b if isinstance(b, Tensor) else scalar_tensor(b, a))


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """y = value where x ≤ threshold, else x, NaN included; the derivative at the threshold is 0.

    Args:
        input: x, floating point or integers.
        threshold: what x is compared with.
        value: what stands in its place.
        inplace: overwrite the input.
    """
    value = plain("threshold", value)

    def function(x: Tensor) -> Tensor:
        for number in (threshold, value):
            coefficient("threshold", number, x)
        put = filling("threshold", value, x)
        if x.array.dtype.kind in "iu":
            return _where(x <= threshold, put, x)
        return apply(activation.threshold, x, threshold=threshold, value=value)

    if input.array.dtype.kind in "iu":
        return change(input, "threshold_", function) if inplace else function(input)
    return _perhaps_in_place("threshold", input, inplace, function)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """y = λ x for x > 0, else λ α (eˣ − 1): keeps mean 0 and variance 1 from layer to layer.

    λ = 1.0507… and α = 1.6733…; the derivative at 0 is λ α. (G. Klambauer et al.,
    "Self-Normalizing Neural Networks", NIPS 2017.)
    """

    def function(x: Tensor) -> Tensor:
        return elu(x, 1.6732632423543772) * 1.0507009873554805

    return _perhaps_in_place("selu", input, inplace, partial(rounded_once, function))


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else α (e^(x/α) − 1), whose derivative is continuous.

    J. T. Barron, "Continuously Differentiable Exponential Linear Units", 2017.

    Args:
        input: x.
        alpha: α; y tends to −α far below 0.
        inplace: overwrite the input.

    Raises:
        RuntimeError: α is 0.
    """
    alpha = plain("celu", alpha)
    if alpha == 0:
        raise RuntimeError("celu: alpha cannot be 0")

    def function(x: Tensor) -> Tensor:
        coefficient("celu", alpha, x)
        below = elu(x / alpha) if alpha > 0 else (x.clamp_max(0) / alpha).expm1()
        return _where(x > 0, x, below * alpha)

    return _perhaps_in_place("celu", input, inplace, function)


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """y = x for x > 0, else a x, a drawn for each element from [lower, upper).

    B. Xu et al., "Empirical Evaluation of Rectified Activations in Convolutional Network", 2015.

    Args:
        input: x.
        lower, upper: the bounds of a.
        training: False for a = (lower + upper) / 2.
        inplace: overwrite the input.

    Raises:
        RuntimeError: a bound is not finite, or the lower one is above the upper one.
    """
    return _rrelu(input, lower, upper, training, inplace)


def rrelu_(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Any = None,
) -> Tensor:
    """`rrelu` in place; `generator` is the source of draws, default: the default generator."""
    return _rrelu(input, lower, upper, training, True, generator)


def _rrelu(
    input: Tensor,
    lower: float,
    upper: float,
    training: bool,
    inplace: bool,
    generator: Any = None,
) -> Tensor:
    for word, bound in (("lower", lower), ("upper", upper)):
        if not math.isfinite(bound):
            raise RuntimeError(f"rrelu: {word} bound must be finite, but is {bound}")
    if lower > upper:
        raise RuntimeError(
            "rrelu: Lower bound should be less than or equal to the upper bound, but they are "
            f"{lower} and {upper}"
        )

    def function(x: Tensor) -> Tensor:
        slope: Any = coefficient("rrelu", (lower + upper) / 2, x)
        if not training:
            return apply(activation.leaky_relu, x, negative_slope=slope)
        drawn = rand(x.shape, dtype=x.dtype, device=x.device, generator=generator)
        return apply(activation.prelu, x, drawn * (upper - lower) + lower)

    return _perhaps_in_place("rrelu", input, inplace, function)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """y = min(max(x + 3, 0), 6) / 6; the derivative at ±3 and NaN is 0."""

    def function(x: Tensor) -> Tensor:
        return apply(activation.hardsigmoid, x)

    return _perhaps_in_place("hardsigmoid", input, inplace, function)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x min(max(x + 3, 0), 6) / 6; the derivative at −3 is 0, at 3 it is 1.

    A. Howard et al., "Searching for MobileNetV3", ICCV 2019.
    """

    def function(x: Tensor) -> Tensor:
        return apply(activation.hardswish, x)

    return _perhaps_in_place("hardswish", input, inplace, function)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x tanh(ln(1 + eˣ)). (D. Misra, "Mish", 2019.)"""

    def function(x: Tensor) -> Tensor:
        return x * softplus(x).tanh()

    return _perhaps_in_place("mish", input, inplace, partial(rounded_once, function))


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """y = x − λ above λ, x + λ below −λ, else 0; λ is `lambd`; the derivative at ±λ is 0.

    Raises:
        RuntimeError: λ is negative.
    """
    _checked("softshrink", input)
    lambd = coefficient("softshrink", plain("softshrink", lambd), input)
    if lambd < 0:
        raise RuntimeError(
            f"softshrink: lambda must be greater or equal to 0, but found to be {lambd}"
        )
    return apply(activation.softshrink, input, lambd=lambd)


def softsign(input: Tensor) -> Tensor:
    """y = x / (1 + |x|); integers give floats."""
    return _checked("softsign", input, NUMBERS) / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """y = x − tanh x; integers give floats."""
    return _checked("tanhshrink", input, NUMBERS) - input.tanh()


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """y = a σ(b), a and b the halves of the input along a dimension.

    Y. N. Dauphin et al., "Language Modeling with Gated Convolutional Networks", ICML 2017.

    Raises:
        RuntimeError: the dimension's size is odd, or the input has no dimensions.
    """
    _checked("glu", input)
    if not input.ndim:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    if input.shape[dim] % 2:
        raise RuntimeError(
            f"glu: Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}"
        )
    a, b = input.chunk(2, dim) if input.shape[dim] else (input, input)
    return called(rounded_once(lambda a, b: a * b.sigmoid(), a, b), "Glu")


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """e⁻ˣ / Σ e⁻ˣ along a dimension; see `softmax` for the arguments."""
    along = implied_dim("softmin", input) if dim is None else dim
    return softmax(-input, along, dtype=dtype)


@takes_tensors
def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """softmax((logits + G) / τ) with Gumbel noise G: draws of classes that have a gradient.

    E. Jang, S. Gu and B. Poole, "Categorical Reparameterization with Gumbel-Softmax", ICLR 2017.

    Args:
        logits: any shape, unnormalised log-probabilities along `dim`.
        tau: τ, the temperature: the smaller, the closer to one-hot.
        hard: return the largest element as one-hot, with the gradient of the soft values.
        eps: without effect, as in PyTorch.
        dim: the dimension that the classes lie along.
    """
    wide = "float32" if logits.dtype.itemsize == 2 else logits.dtype
    drawn = rand(logits.shape, dtype=wide, device=logits.device)
    least = float(finfo(drawn.dtype).eps) / 2  # of −log(1 − u), which is 0 for u = 0
    noise = (-(-(1 - drawn).log()).clamp(min=least).log()).to(logits.dtype)
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    first = soft.max(dim, keepdim=True).indices
    one_hot = soft.detach().new_zeros(soft.shape).scatter_(dim, first, 1.0)
    return one_hot - soft.detach() + soft
