"""Elementwise kernels on CUDA, which keep the memory order they find (CuPy's own do not)."""

from __future__ import annotations

from typing import Any

from .. import capture
from ..flat import rows
from ..kernel import form_of, kernel
from ..plain import elementwise as plain
from .source import launch, supports

__all__ = ["erf", "gelu", "gelu_gradient", "minus", "one", "plus", "relu", "relu_gradient", "times"]


def dense(xp: Any, a: Any) -> Any:
    """The array itself if it fills its memory without gaps, in any order of its axes; or a copy."""
    return a if rows(a) is not None else xp.ascontiguousarray(a)


_ones: dict[Any, Any] = {}  # by namespace, device and dtype


@kernel("cuda")
def one(xp: Any, dtype: Any) -> Any:
    """See `plain.elementwise.one`: the same each time, but for one that a capture would make."""
    device = xp.library.cuda.runtime.getDevice() if xp.name == "cuda" else 0
    found = _ones.get((xp, device, dtype))
    if found is None:
        found = plain.one(xp, dtype)
        if not capture.capturing():  # else its memory is the graph's, and nothing is in it yet
            _ones[xp, device, dtype] = found
    return found


@kernel("cuda")
def relu(xp: Any, x: Any) -> Any:
    """See `plain.elementwise.relu`."""
    return _of_one(xp, "relu", x) if supports(x) else plain.relu(xp, x)


@kernel("cuda")
def erf(xp: Any, x: Any) -> Any:
    """See `plain.elementwise.erf`."""
    return _of_one(xp, "error_function", x) if supports(x) else plain.erf(xp, x)


def _of_one(xp: Any, name: str, x: Any) -> Any:
    a = dense(xp, x)
    y = xp.empty_like(a)
    launch(xp, "elementwise", name, x.dtype, (a, y, x.size), count=_packs(x))
    return y


@kernel("cuda")
def gelu(xp: Any, x: Any, recorded: bool) -> tuple[Any, Any]:
    """See `plain.elementwise.gelu`."""
    if not supports(x):
        form: tuple[Any, Any] = plain.gelu(xp, x, recorded)
        return form
    return _of_one(xp, "gelu", x), x if recorded else None


@kernel("cuda")
def relu_gradient(xp: Any, g: Any, y: Any) -> Any:
    """See `plain.elementwise.relu_gradient`."""
    fits = supports(g, y) and g.shape == y.shape
    return _back(xp, "relu_gradient", g, y) if fits else plain.relu_gradient(xp, g, y)


@kernel("cuda")
def gelu_gradient(xp: Any, g: Any, kept: Any) -> Any:
    """See `plain.elementwise.gelu_gradient`."""
    fits = supports(g, kept) and g.shape == kept.shape
    return _back(xp, "gelu_gradient", g, kept) if fits else plain.gelu_gradient(xp, g, kept)


def _back(xp: Any, name: str, g: Any, y: Any) -> Any:
    """What a kernel makes of g and y of one shape, in the order of y."""
    b = dense(xp, y)
    a = g
    if rows(b, g) is None:  # in the order of y
        a = xp.empty_like(b)
        a[...] = g
    dx = xp.empty_like(b)
    launch(xp, "elementwise", name, y.dtype, (a, b, dx, y.size), count=_packs(y))
    return dx


def _packs(x: Any) -> int:
    """How many 16 bytes an array has: what one thread does at once."""
    return -(-int(x.size) * int(x.itemsize) // 16)


def _in_order(plain_form: Any) -> Any:
    """The function of two arrays, with the result in the memory order of the larger one."""

    @kernel("cuda")
    @form_of(plain_form)
    def function(xp: Any, a: Any, b: Any) -> Any:
        largest = a if getattr(a, "size", 0) >= getattr(b, "size", 0) else b
        if getattr(largest, "ndim", 0) < 2 or largest.flags.c_contiguous or not _same_rank(a, b):
            return plain_form(xp, a, b)
        axes = sorted(range(largest.ndim), key=lambda k: -abs(largest.strides[k]))
        turned = (v.transpose(axes) if getattr(v, "ndim", 0) else v for v in (a, b))
        return plain_form(xp, *turned).transpose(sorted(range(len(axes)), key=axes.__getitem__))

    return function


def _same_rank(a: Any, b: Any) -> bool:
    """Whether two inputs have as many dimensions, or one of them none."""
    ranks = {getattr(a, "ndim", 0), getattr(b, "ndim", 0)} - {0}
    return len(ranks) == 1


plus = _in_order(plain.plus)
minus = _in_order(plain.minus)
times = _in_order(plain.times)
