"""Special functions, as `torch.special` has them, and those of them that `torch` has too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..backend import numpy
from ..backend.dtypes import FLOATING
from ..ops import activation, analytic
from ..ops import special as ops
from .apply import apply
from .base import TensorBase
from .dims import whole
from .elementwise import exp2 as exp2
from .elementwise import expm1 as expm1
from .elementwise import log1p, sigmoid
from .elementwise import logit as logit
from .elementwise import round as round
from .elementwise import xlogy as xlogy
from .modes import no_grad
from .operation import Operand, binary, refuse, unary
from .own_order import own_order
from .promote import as_float, real_pair, tensors_of, to_dtype
from .reduce import log_softmax as log_softmax
from .reduce import logsumexp as logsumexp
from .reduce import softmax as softmax

if TYPE_CHECKING:
    from .tensor import Tensor

_LOG_ROOT = math.log(2 * math.pi) / 2  # ln √2π
erfc = unary(ops.erfc)
erfcx = unary(ops.erfcx)
erfinv = unary(ops.erfinv)
lgamma = gammaln = unary(ops.lgamma)
digamma = psi = unary(ops.digamma)
i0 = unary(ops.i0)
i0e = unary(ops.i0e)
i1 = unary(ops.i1)
i1e = unary(ops.i1e)
gammainc = binary(ops.gammainc, numbers="none", takes=FLOATING)
gammaincc = binary(ops.gammaincc, numbers="none", takes=FLOATING)
sinc = unary(ops.sinc)
erf = unary(activation.erf)
expit = sigmoid

__all__ = ["digamma", "erfc", "erfinv", "i0", "igamma", "igammac", "lgamma", "mvlgamma",
           "polygamma", "sinc"]  # fmt: skip


def igamma(input: Tensor, other: Tensor) -> Tensor:
    """`special.gammainc`: P(input, other), the lower incomplete gamma function over Γ(input)."""
    return gammainc(input, other)


def igammac(input: Tensor, other: Tensor) -> Tensor:
    """`special.gammaincc`: Q(input, other) = 1 − P(input, other)."""
    return gammaincc(input, other)


def polygamma(n: Any, input: Any) -> Tensor:
    """ψ⁽ⁿ⁾(x), the n-th derivative of `digamma`; the arguments may come in either order.

    Raises:
        RuntimeError: n is negative.
    """
    if isinstance(n, TensorBase) and not isinstance(input, TensorBase):
        n, input = input, n
    n = whole("polygamma", "n", n)
    if n < 0:
        raise RuntimeError(f"polygamma: n must not be negative, but is {n}")
    return digamma(input) if n == 0 else apply(ops.polygamma, as_float(input), n=n)


def of_order(input: Tensor, n: int) -> Tensor:
    """ψ⁽ⁿ⁾(x), the n-th derivative of `digamma`, as the method `x.polygamma(n)`."""
    return polygamma(n, input)


of_order.__name__ = "polygamma"


@own_order
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """ln Γ_p(x) = p (p − 1)/4 ln π + Σ_{i < p} ln Γ(x − i/2).

    Raises:
        RuntimeError: p < 1, or booleans.
    """
    if p < 1:
        raise RuntimeError(f"mvlgamma: p must be at least 1, but is {p}")
    if input.dtype.kind == "b":
        refuse("mvlgamma", input)
    x, total = as_float(input), p * (p - 1) / 4 * math.log(math.pi)
    y = lgamma(x) + total
    for i in range(1, p):
        y = y + lgamma(x - i / 2)
    return y


multigammaln = mvlgamma


def xlog1py(input: Operand, other: Operand) -> Tensor:
    """y = input ln(1 + other), 0 where the input is 0."""
    return apply(analytic.xlog1py, *tensors_of(*real_pair("xlog1py", input, other)))


def entr(input: Tensor) -> Tensor:
    """The entropy −x ln x: 0 at 0, −∞ below."""
    return apply(analytic.entr, as_float(input))


def ndtr(input: Tensor) -> Tensor:
    """The standard normal distribution's Φ(x) = erfc(−x/√2) / 2: the probability of at most x."""
    return erfc(as_float(input) * -math.sqrt(0.5)) * 0.5


def ndtri(input: Tensor) -> Tensor:
    """The inverse of `ndtr`: the x of Φ(x) = input."""
    given = as_float(input)
    p = to_dtype(given, numpy.dtype("float64"))
    low = (p > 0) & (p < 1e-3)  # 2p − 1 would round them away
    p = p.where(p >= 0, p - 1)  # and what lies just below 0, of which there is no inverse
    x = erfinv(p.masked_fill(low, 0.5) * 2 - 1) * math.sqrt(2)
    x = _lower_ndtri(p.masked_fill(~low, 1e-4)).where(low, x)
    return to_dtype(x, given.array.dtype)


def _lower_ndtri(p: Tensor) -> Tensor:
    """`ndtri` of small p, by Newton's method on ln Φ(x) = ln p.

    Two of its three steps are recorded: each doubles the number of derivatives that are right.
    """
    log = p.log()
    with no_grad():
        far = (log * -2).sqrt()
        x = (far.log() + _LOG_ROOT) / far - far
        x = _newton(x, log)
    return _newton(_newton(x, log), log)


def _newton(x: Tensor, log: Tensor) -> Tensor:
    own = log_ndtr(x)
    return x - (own - log) * (own + x * x * 0.5 + _LOG_ROOT).exp()


def log_ndtr(input: Tensor) -> Tensor:
    """ln Φ(x), also far below 0, where Φ(x) underflows."""
    x = as_float(input)
    low = x < -1
    below = x.masked_fill(~low, -1.0)
    tail = (erfcx(below * -math.sqrt(0.5)) * 0.5).log() - below * below * 0.5
    return tail.where(low, log1p(erfc(x.masked_fill(low, 0.0) * math.sqrt(0.5)) * -0.5))


def zeta(input: Operand, other: Operand) -> Tensor:
    """Hurwitz's ζ(x, q) = Σ_{k ≥ 0} (k + q)⁻ˣ for x > 1; no gradient flows to x.

    Raises:
        NotImplementedError: 16 bits; or in the backward pass, if x requires a gradient.
    """
    x, q = real_pair("zeta", input, other)
    like = x if isinstance(x, TensorBase) else q
    if like.dtype.itemsize == 2:
        refuse("zeta", like)
    return apply(ops.zeta, x, q)
