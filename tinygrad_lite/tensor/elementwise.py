"""Elementwise methods, operators and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend.dtypes import FLOATING
from ..ops import activation
from ..ops import elementwise as ops
from .autocast import in_float32
from .base import TensorBase, apply
from .modes import no_grad
from .promote import as_float, pair, scalar_tensor

if TYPE_CHECKING:
    from . import Tensor

Operand = Any  # a Tensor or a Python number


class Elementwise(TensorBase):
    """What acts on each element by itself. Binary methods broadcast and promote dtypes."""

    __slots__ = ()

    def add(self, other: Operand, *, alpha: float = 1) -> Tensor:
        """Self + alpha · other."""
        return apply(ops.add, *pair("add", self, other if alpha == 1 else other * alpha))

    def sub(self, other: Operand, *, alpha: float = 1) -> Tensor:
        """Self − alpha · other."""
        return apply(ops.sub, *pair("sub", self, other if alpha == 1 else other * alpha))

    def mul(self, other: Operand) -> Tensor:
        """Self · other."""
        return apply(ops.mul, *pair("mul", self, other))

    def div(self, other: Operand) -> Tensor:
        """Self / other; integers become the default dtype."""
        return apply(ops.div, *pair("div", as_float(self), other))

    def pow(self, exponent: Operand) -> Tensor:
        """Self to a power, a number or a tensor."""
        if isinstance(exponent, TensorBase):
            return apply(ops.pow, *pair("pow", self, exponent))
        base, n = pair("pow", self, exponent)
        if base.dtype.kind not in FLOATING and n < 0:
            raise RuntimeError(
                f"pow: integers to negative integer powers are not allowed (got {n})"
            )
        return apply(ops.power, base, n)

    def __add__(self, other: Operand) -> Tensor:
        return apply(ops.add, *pair("add", self, other))

    def __radd__(self, other: Operand) -> Tensor:
        return apply(ops.add, *pair("add", other, self))

    def __sub__(self, other: Operand) -> Tensor:
        return apply(ops.sub, *pair("sub", self, other))

    def __rsub__(self, other: Operand) -> Tensor:
        return apply(ops.sub, *pair("sub", other, self))

    def __mul__(self, other: Operand) -> Tensor:
        return apply(ops.mul, *pair("mul", self, other))

    def __rmul__(self, other: Operand) -> Tensor:
        return apply(ops.mul, *pair("mul", other, self))

    def __truediv__(self, other: Operand) -> Tensor:
        return self.div(other)

    @in_float32
    def __rtruediv__(self, other: Operand) -> Tensor:
        return apply(ops.div, *pair("div", other, as_float(self)))

    def __pow__(self, exponent: Operand) -> Tensor:
        return self.pow(exponent)

    @in_float32
    def __rpow__(self, base: Operand) -> Tensor:
        number, exponent = pair("pow", base, self)
        return apply(ops.pow, scalar_tensor(number, exponent), exponent)

    def __neg__(self) -> Tensor:
        return apply(ops.neg, self)

    def __pos__(self) -> Tensor:
        return self  # type: ignore[return-value]

    def __abs__(self) -> Tensor:
        return apply(ops.abs, self)

    def neg(self) -> Tensor:
        """−self."""
        return apply(ops.neg, self)

    def abs(self) -> Tensor:
        """|self|; the derivative at 0 is 0."""
        return apply(ops.abs, self)

    def exp(self) -> Tensor:
        """E to the power of self."""
        return apply(ops.exp, as_float(self))

    def expm1(self) -> Tensor:
        """eˢᵉˡᶠ − 1, exact near 0."""
        return apply(ops.expm1, as_float(self))

    def log(self) -> Tensor:
        """The natural logarithm."""
        return apply(ops.log, as_float(self))

    def log2(self) -> Tensor:
        """The logarithm to base 2."""
        return self.log() * 1.4426950408889634

    def log10(self) -> Tensor:
        """The logarithm to base 10."""
        return self.log() * 0.4342944819032518

    def log1p(self) -> Tensor:
        """ln(1 + self), exact near 0."""
        return apply(ops.log1p, as_float(self))

    def sqrt(self) -> Tensor:
        """The square root."""
        return apply(ops.sqrt, as_float(self))

    @in_float32
    def rsqrt(self) -> Tensor:
        """1 / √self."""
        return 1 / apply(ops.sqrt, as_float(self))

    def square(self) -> Tensor:
        """Self²."""
        return self.pow(2)

    def reciprocal(self) -> Tensor:
        """1 / self."""
        return self.__rtruediv__(1)

    def sin(self) -> Tensor:
        """The sine, of radians."""
        return apply(ops.sin, as_float(self))

    def cos(self) -> Tensor:
        """The cosine, of radians."""
        return apply(ops.cos, as_float(self))

    def tanh(self) -> Tensor:
        """The hyperbolic tangent."""
        return apply(ops.tanh, as_float(self))

    def erf(self) -> Tensor:
        """The error function."""
        return apply(activation.erf, as_float(self))

    def sigmoid(self) -> Tensor:
        """1 / (1 + e⁻ˢᵉˡᶠ)."""
        return apply(ops.sigmoid, as_float(self))

    def relu(self) -> Tensor:
        """max(0, self); the derivative at 0 is 0."""
        return apply(ops.relu, self)

    def maximum(self, other: Tensor) -> Tensor:
        """The larger of each pair; at a tie half of the gradient goes to each."""
        return apply(ops.maximum, *pair("maximum", self, other))

    def minimum(self, other: Tensor) -> Tensor:
        """The smaller of each pair; at a tie half of the gradient goes to each."""
        return apply(ops.minimum, *pair("minimum", self, other))

    def clamp(self, min: Operand | None = None, max: Operand | None = None) -> Tensor:
        """Self limited to [min, max]; the gradient passes at the bounds.

        Raises:
            RuntimeError: neither bound is given.
        """
        if min is None and max is None:
            raise RuntimeError("clamp: at least one of min and max must not be None")
        out: Any = self
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

    def where(self, condition: Tensor, other: Operand) -> Tensor:
        """Self where the condition holds, else other."""
        a, b = pair("where", self, other)
        return apply(ops.where, condition, a, b)

    def masked_fill(self, mask: Tensor, value: float) -> Tensor:
        """Self with a number wherever the mask is True."""
        if mask.dtype.kind != "b":
            raise RuntimeError(f"masked_fill: only supports boolean masks, but got {mask.dtype}")
        return apply(ops.where, mask, scalar_tensor(value, self), self)

    def clone(self) -> Tensor:
        """A copy that gradients flow through."""
        return apply(ops.clone, self)

    def sign(self) -> Tensor:
        """−1, 0 or 1; no gradient flows through."""
        return self._plain("sign")

    def floor(self) -> Tensor:
        """The largest integer not above; no gradient flows through."""
        return self._plain("floor")

    def ceil(self) -> Tensor:
        """The smallest integer not below; no gradient flows through."""
        return self._plain("ceil")

    def round(self) -> Tensor:
        """The nearest integer, halves to even; no gradient flows through."""
        return self._plain("rint")

    def isnan(self) -> Tensor:
        """True where NaN."""
        return self._plain("isnan")

    def isinf(self) -> Tensor:
        """True where infinite."""
        return self._plain("isinf")

    def isfinite(self) -> Tensor:
        """True where neither NaN nor infinite."""
        return self._plain("isfinite")

    def logical_not(self) -> Tensor:
        """True where zero or False."""
        return self._plain("logical_not")

    def eq(self, other: Operand) -> Tensor:
        """True where equal."""
        return self._plain("equal", other)

    def ne(self, other: Operand) -> Tensor:
        """True where different."""
        return self._plain("not_equal", other)

    def lt(self, other: Operand) -> Tensor:
        """True where less."""
        return self._plain("less", other)

    def le(self, other: Operand) -> Tensor:
        """True where less or equal."""
        return self._plain("less_equal", other)

    def gt(self, other: Operand) -> Tensor:
        """True where greater."""
        return self._plain("greater", other)

    def ge(self, other: Operand) -> Tensor:
        """True where greater or equal."""
        return self._plain("greater_equal", other)

    def logical_and(self, other: Operand) -> Tensor:
        """True where both are."""
        return self._plain("logical_and", other)

    def logical_or(self, other: Operand) -> Tensor:
        """True where either is."""
        return self._plain("logical_or", other)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return NotImplemented if other is None or isinstance(other, str) else self.eq(other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return NotImplemented if other is None or isinstance(other, str) else self.ne(other)

    __hash__ = TensorBase.__hash__
    __lt__ = lt
    __le__ = le
    __gt__ = gt
    __ge__ = ge

    def __invert__(self) -> Tensor:
        return self._plain("invert")

    def __and__(self, other: Operand) -> Tensor:
        return self._plain("bitwise_and", other)

    def __or__(self, other: Operand) -> Tensor:
        return self._plain("bitwise_or", other)

    def __xor__(self, other: Operand) -> Tensor:
        return self._plain("bitwise_xor", other)

    def __mod__(self, other: Operand) -> Tensor:
        return apply(ops.remainder, *pair("remainder", self, other))

    def __floordiv__(self, other: Operand) -> Tensor:
        return self._plain("floor_divide", other)

    def _plain(self, name: str, *others: Operand) -> Tensor:
        """A function of the array library that has no gradient."""
        operands = pair(name, self, others[0]) if others else (self,)

        def rule(xp: Any, *arrays: Any) -> tuple[Any, tuple[()]]:
            return getattr(xp, name)(*arrays), ()

        rule.__name__ = name
        with no_grad():
            return apply(rule, *operands)
