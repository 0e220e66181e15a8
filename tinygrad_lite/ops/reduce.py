"""Reductions. `axis` is a tuple of non-negative axes; with `keepdims` they stay as size 1.

Every VJP first puts the reduced axes back (`_spread`), so that g broadcasts against x.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .rule import rule

Out = tuple[Any, Any]
Axis = tuple[int, ...]


def _spread(xp: Any, g: Any, axis: Axis, keepdims: bool) -> Any:
    """A gradient with the reduced axes back, as size 1."""
    return g if keepdims else xp.expand_dims(g, axis)


def _count(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements are reduced to one."""
    return math.prod([shape[a] for a in axis])


@rule(autocast="float32", complex="linear")
def sum(xp: Any, x: Any, *, axis: Axis, keepdims: bool = False) -> Out:
    """y = Σ x: dL/dx = g, the same for every element of the sum."""
    shape = x.shape
    return xp.sum(x, axis=axis, keepdims=keepdims), (
        lambda g: xp.broadcast_to(_spread(xp, g, axis, keepdims), shape),
    )


@rule(half="anywhere")
def without_nan(xp: Any, x: Any) -> Out:
    """y = x, with 0 for NaN: dL/dx = g · 1, and g · 0 there, which is NaN for an infinite g."""
    return xp.where(x != x, 0.0, x), (lambda g: g * xp.astype(x == x, g.dtype),)


@rule(complex="linear")
def mean(xp: Any, x: Any, *, axis: Axis, keepdims: bool = False) -> Out:
    """y = Σ x / n: dL/dx = g / n. The mean of no elements is NaN."""
    shape, n = x.shape, _count(x.shape, axis)
    y = xp.sum(x, axis=axis, keepdims=keepdims) / (n or math.nan)
    return y, (lambda g: xp.broadcast_to(_spread(xp, g, axis, keepdims) / n, shape),)


def _centred(xp: Any, x: Any, axis: Axis) -> Any:
    """x − x̄."""
    return x - xp.sum(x, axis=axis, keepdims=True) / (_count(x.shape, axis) or math.nan)


Spread = Callable[[Any], Any]


def _of_variance(xp: Any, x: Any, axis: Axis, left: float, named: bool) -> Spread:
    """dL/dx of Σ (x − x̄)² / left, for a gradient that broadcasts against x.

    With nothing left it is ∞ of g's sign; over axes that were `named`, 2 g (x − x̄) / left always.
    """

    def vjp(g: Any) -> Any:
        t = _centred(xp, x, axis)
        if left > 0 or (named and left):
            return g * (t * (2 / left))
        return g * ((t if named else xp.abs(t)) * math.inf)

    return vjp


def _root(xp: Any, x: Any, square: Any, axis: Axis, left: float, named: bool) -> tuple[Any, Spread]:
    """y = √ Σ (x − x̄)² / left, with dL/dx as in `_of_variance`; `square` keeps its axes."""
    flat = square == 0
    root = xp.sqrt(xp.where(flat, 1.0, square))
    scale = 1 / left if left > 0 or (named and left) else math.nan

    def vjp(g: Any) -> Any:
        divided = xp.where(flat, 0.0, g / xp.astype(root, x.dtype))
        return divided * (_centred(xp, x, axis) * scale)

    return xp.astype(xp.where(flat, 0.0, root), x.dtype), vjp


@rule
def var(
    xp: Any, x: Any, *, axis: Axis, correction: float, keepdims: bool = False, named: bool = False
) -> Out:
    """y = Σ (x − x̄)² / (n − correction): dL/dx = 2 g (x − x̄) / (n − correction).

    NaN or infinite, as in PyTorch, where n ≤ correction; dL/dx then depends on whether the axes
    were `named` (`_of_variance`), there too.
    """
    left = _count(x.shape, axis) - correction
    y = xp.astype(xp.variance(x, axis, max(left, 0), keepdims), x.dtype)
    vjp = _of_variance(xp, x, axis, left, named)
    return y, (lambda g: vjp(_spread(xp, g, axis, keepdims)),)


@rule
def std(
    xp: Any, x: Any, *, axis: Axis, correction: float, keepdims: bool = False, named: bool = False
) -> Out:
    """y = √var x: dL/dx = g (x − x̄) / ((n − correction) y), which is 0 where y = 0."""
    left = _count(x.shape, axis) - correction
    y, vjp = _root(xp, x, xp.variance(x, axis, max(left, 0), True), axis, left, named)
    return (y if keepdims else xp.squeeze(y, axis)), (
        lambda g: vjp(_spread(xp, g, axis, keepdims)),
    )


@rule
def var_mean(
    xp: Any, x: Any, *, axis: Axis, correction: float, keepdims: bool = False, named: bool = False
) -> Out:
    """y = [var x, mean x], (2, …), which share their work: dL/dx is the sum of theirs."""
    n = _count(x.shape, axis)
    y = xp.astype(xp.variance_and_mean(x, axis, max(n - correction, 0), keepdims), x.dtype)
    vjp = _of_variance(xp, x, axis, n - correction, named)

    def both(g: Any) -> Any:
        of_variance, of_mean = (_spread(xp, g[k], axis, keepdims) for k in (0, 1))
        return vjp(of_variance) + of_mean / n

    return y, (both,)


@rule
def std_mean(
    xp: Any, x: Any, *, axis: Axis, correction: float, keepdims: bool = False, named: bool = False
) -> Out:
    """y = [std x, mean x], (2, …), as `var_mean`."""
    n = _count(x.shape, axis)
    square, middle = xp.variance_and_mean(x, axis, max(n - correction, 0), True)
    root, vjp = _root(xp, x, square, axis, n - correction, named)
    y = xp.stack([root, xp.astype(middle, x.dtype)], axis=0)

    def both(g: Any) -> Any:
        of_root, of_mean = (_spread(xp, g[k], axis, keepdims) for k in (0, 1))
        return vjp(of_root) + of_mean / n

    return (y if keepdims else xp.squeeze(y, tuple(k + 1 for k in axis))), (both,)


@rule
def amax(xp: Any, x: Any, *, axis: Axis, keepdims: bool = False, same: bool = False) -> Out:
    """y = max x: g is shared evenly among the elements that equal the maximum.

    If y is NaN, no element equals it, and dL/dx is NaN; but if `same`, NaN counts as equal to NaN,
    and g is shared among the NaNs. (PyTorch's amax and max differ so.)
    """
    y = xp.amax(x, axis=axis, keepdims=keepdims)
    return y, (lambda g: _share(xp, g, x, y, axis, keepdims, same),)


@rule
def amin(xp: Any, x: Any, *, axis: Axis, keepdims: bool = False, same: bool = False) -> Out:
    """y = min x: g is shared evenly among the elements that equal the minimum; NaN as in `amax`."""
    y = xp.amin(x, axis=axis, keepdims=keepdims)
    return y, (lambda g: _share(xp, g, x, y, axis, keepdims, same),)


def _share(xp: Any, g: Any, x: Any, y: Any, axis: Axis, keepdims: bool, same: bool) -> Any:
    """g, shared evenly among the elements of x that equal the extreme y.

    The others' share is 0, if `same` of an infinite g too (as in PyTorch, whose amax multiplies).
    """
    extreme, g = _spread(xp, y, axis, keepdims), _spread(xp, g, axis, keepdims)
    if same:
        return _part(xp, g, (x == extreme) | ((x != x) & (extreme != extreme)), axis)
    ties = xp.astype(x == extreme, x.dtype)
    return g * (ties / xp.sum(ties, axis=axis, keepdims=True))


def _part(xp: Any, g: Any, ties: Any, axis: Axis) -> Any:
    """g, divided evenly among the elements that are ties, and 0 for all others."""
    return xp.where(ties, g / xp.sum(xp.astype(ties, g.dtype), axis=axis, keepdims=True), 0.0)


def logsumexp_composition(xp: Any, x: Any, *, axis: Axis, keepdims: bool = False) -> Any:
    """`logsumexp` from elementary operations."""
    m = xp.amax(x, axis=axis, keepdims=True)
    m = xp.where(abs(m) == xp.inf, 0.0, m)
    y = xp.log(xp.sum(xp.exp(x - m), axis=axis, keepdims=True)) + m
    return y if keepdims else xp.squeeze(y, axis)


@rule(autocast="float32", composition=logsumexp_composition)
def logsumexp(xp: Any, x: Any, *, axis: Axis, keepdims: bool = False) -> Out:
    """y = ln Σ eˣ = m + ln Σ eˣ⁻ᵐ, m = max x: dL/dx = g eˣ⁻ʸ.

    A row of −∞ gives −∞, and a gradient of 0.
    """
    y = xp.logsumexp(x, axis)

    def vjp(g: Any) -> Any:
        finite = xp.where(y == -xp.inf, 0.0, y)
        return _spread(xp, g, axis, keepdims) * xp.exp(x - finite)

    return (y if keepdims else xp.squeeze(y, axis)), (vjp,)


@rule(autocast="float32")
def norm(xp: Any, x: Any, *, axis: Axis, keepdims: bool = False) -> Out:
    """y = √Σ x²: dL/dx = g x / y, which is 0 where y = 0. Of one element |x|, without a square."""
    alone = _count(x.shape, axis) == 1
    y = xp.abs(x) if alone else xp.sqrt(xp.sum(x * x, axis=axis, keepdims=True))
    return (y if keepdims else xp.squeeze(y, axis)), (
        lambda g: _spread(xp, g, axis, keepdims) * (x / xp.where(y == 0, 1.0, y)),
    )


@rule(autocast="float32", shown="norm")
def p_norm(xp: Any, x: Any, *, p: float, axis: Axis, keepdims: bool = False) -> Out:
    """y = (Σ |x|ᵖ)^(1/p): dL/dx = g sign(x) (|x| / y)ᵖ⁻¹, which is 0 where x or y is 0.

    Where both powers overflow it is not known: NaN. An order that is infinite when it is rounded
    gives y = (Σ |x|ᵖ)⁰ = 1, as in PyTorch.
    """
    alone = _count(x.shape, axis) == 1
    if alone:
        y = xp.abs(x)
    else:  # of no slope at 0, where the root's is infinite
        total = xp.sum(xp.abs(x) ** p, axis=axis, keepdims=True)
        rooted = xp.where(total == 0, total, xp.where(total == 0, 1.0, total) ** (1 / p))
        y = rooted if 1 / p else xp.ones_like(total)

    def vjp(g: Any) -> Any:
        zero = ((x == 0) & (y == y)) | (y == 0)
        ratio = xp.where(zero, 1.0, xp.abs(x) / xp.where(y == 0, 1.0, y))
        slope = xp.where(zero, 0.0, xp.sign(x) * ratio ** (p - 1))
        lost = (y == xp.inf) & (xp.abs(xp.where(zero, 1.0, x)) ** (p - 1) == xp.inf)
        return _spread(xp, g, axis, keepdims) * xp.where(lost, xp.nan, slope)

    return (y if keepdims else xp.squeeze(y, axis)), (vjp,)


def _any_norm(xp: Any, x: Any, p: float, axis: Axis) -> tuple[Any, Any]:
    """The p-norm, of infinite order too, with its VJP; the axes stay as size 1."""
    found: Any
    if p == xp.inf:
        y, found = amax(xp, xp.abs(x), axis=axis, keepdims=True, same=True)
        return y, lambda g: found[0](g) * xp.sign(x)
    if p == 2:
        y, found = norm(xp, x, axis=axis, keepdims=True)
    else:
        y, found = p_norm(xp, x, p=p, axis=axis, keepdims=True)
    return y, found[0]


@rule
def renorm(xp: Any, x: Any, *, p: float, at: int, most: float) -> Out:
    """y = f x, f = min(1, M / (n + 10⁻⁷)), for the p-norm n of each slice along the axis `at`.

    dL/dx = f (g − dn/dx Σ g x / (n + 10⁻⁷)) where f < 1, else g: a difference that cancels, so all
    of it is float64.
    """
    axis = tuple(k for k in range(x.ndim) if k != at)

    def slope(g: Any, x: Any) -> Any:
        n, vjp = _any_norm(xp, x, p, axis)
        along = xp.sum(g * x, axis=axis, keepdims=True) / (n + 1e-7)
        less = x * (along / n) if p == 2 else vjp(along)
        return xp.where(n > most, (g - less) * (most / (n + 1e-7)), g)

    n, _ = _any_norm(xp, x, p, axis)
    y = x * xp.where(n > most, most / (n + 1e-7), 1.0)
    return y, (lambda g: xp.in_float64(slope, at, g, x),)


@rule(autocast="float32", shown="cdist")
def farthest(xp: Any, x: Any) -> Out:
    """y = max |x| along the last axis: dL/dx = g sign(x) wherever |x| = y, of ties to each."""
    y = xp.amax(xp.abs(x), axis=-1, keepdims=True)
    at = xp.astype(xp.abs(x) == y, x.dtype)
    return xp.squeeze(y, -1), (lambda g: xp.expand_dims(g, -1) * (xp.sign(x) * at),)


@rule(autocast="float32", complex="linear")
def cumsum(xp: Any, x: Any, *, axis: int) -> Out:
    """yᵢ = Σ_{k ≤ i} xₖ: dL/dxₖ = Σ_{i ≥ k} gᵢ."""
    return xp.cumsum(x, axis=axis), (
        lambda g: xp.flip(xp.cumsum(xp.flip(g, axis), axis=axis), axis),
    )


def logcumsumexp_composition(xp: Any, x: Any, *, axis: int) -> Any:
    """`log_running_sum` by doubling: after step k, each element is ln Σ eˣ of the last 2ᵏ."""
    before = (slice(None),) * axis
    step = 1
    while step < x.shape[axis]:
        head, tail = x[(*before, slice(None, step))], x[(*before, slice(step, None))]
        joined = xp.logaddexp(tail, x[(*before, slice(None, -step))])
        x = xp.concatenate([head, joined], axis=axis)
        step *= 2
    return x


@rule(autocast="float32", composition=logcumsumexp_composition, shown="logcumsumexp")
def log_running_sum(xp: Any, x: Any, *, axis: int) -> Out:
    """yᵢ = ln Σ_{k ≤ i} eˣᵏ of numbers at most 600 apart: dL/dxₖ = eˣᵏ Σ_{i ≥ k} gᵢ e⁻ʸⁱ.

    In float64, where what lies so far apart keeps all digits: e⁶⁰⁰ is 10²⁶⁰.
    """
    wide = xp.astype(x, "float64")
    top = xp.amax(wide, axis=axis, keepdims=True)
    power = xp.exp(wide - top)
    sums = xp.cumsum(power, axis=axis)
    y = xp.astype(xp.log(sums) + top, x.dtype)

    def vjp(g: Any) -> Any:
        later = xp.flip(xp.cumsum(xp.flip(g / sums, axis), axis=axis), axis)
        return xp.astype(power * later, x.dtype)

    return y, (vjp,)


def cumprod_composition(xp: Any, x: Any, *, axis: int) -> Any:
    """`cumprod` by doubling: after step k, each element is the product of the last 2ᵏ."""
    before = (slice(None),) * axis
    step = 1
    while step < x.shape[axis]:
        head, tail = x[(*before, slice(None, step))], x[(*before, slice(step, None))]
        product = tail * x[(*before, slice(None, -step))]
        x = xp.concatenate([head, product], axis=axis)
        step *= 2
    return x


@rule(autocast="float32", composition=cumprod_composition)
def cumprod(xp: Any, x: Any, *, axis: int) -> Out:
    """yᵢ = Π_{k ≤ i} xₖ: dL/dxₖ = Σ_{i ≥ k} gᵢ yᵢ / xₖ.

    Where x has zeros, that divides by 0. From the first 0 on every y is 0 (or NaN, beside what is
    infinite, which no gradient is made of); the gradient of that 0 is made of the products without
    it up to the next 0, and the gradients of the elements behind it are 0.
    """
    y = xp.cumprod(x, axis=axis)

    def tails(g: Any) -> Any:
        return xp.flip(xp.cumsum(xp.flip(g, axis), axis=axis), axis)

    def vjp(g: Any) -> Any:
        if x.shape[axis] == 1:
            return g
        zeros = xp.cumsum(xp.astype(x == 0, "int64"), axis=axis)
        first = (x == 0) & (zeros == 1)
        without = xp.cumprod(xp.where(first, 1.0, x), axis=axis)
        usual = tails(xp.where(zeros > 0, 0.0, g * y)) / xp.where(x == 0, 1.0, x)
        alone = tails(xp.where(zeros == 1, g * without, 0.0))
        return xp.where(first, alone, xp.where(zeros > 0, 0.0, usual))

    return y, (vjp,)


@rule(half="anywhere")
def median(xp: Any, x: Any, place: Any) -> Out:
    """y = a vector's element at a place (1): g is shared evenly among those that equal it."""
    y = xp.take_along_axis(x, place, axis=0)

    vjp = lambda g: _part(xp, g, (x == y) | ((x != x) & (y != y)), (0,))  # noqa: E731
    return y, (vjp, None)
