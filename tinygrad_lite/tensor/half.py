"""Rules on float16 and bfloat16: those that don't take 16 bits compute in float32, rounded once.

What a rule keeps for its gradient is then float32 too, which costs memory. So CUDA's kernels for
what nets are made of take 16 bits as they are; a rule's declaration says so (`half` in
`ops.rule`). The other rules never see bfloat16: with NumPy and CuPy a bfloat16 array times a Python
float would be float32.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..backend import numpy
from ..backend.dtypes import FLOATING, is_half
from ..graph import VJP, Joint, Rule, VJPs

_WIDE = numpy.dtype("float32")


def run_half(rule: Rule, xp: Any, arrays: list[Any], kwargs: dict[str, Any]) -> tuple[Any, VJPs]:
    """`rule(xp, *arrays, **kwargs)` where an array may be float16 or bfloat16.

    A floating-point output has the inputs' 16-bit dtype, and each gradient its input's dtype. Only
    if inputs of 16 bits and of more come together (batch norm: 16-bit images, float32 γ) the
    output's dtype is what the rule gives; a number without dimensions widens nothing.
    """
    own = [getattr(a, "dtype", None) for a in arrays]
    low = next((d for d in own if d is not None and is_half(d)), None)
    if low is None or rule.half == "free":
        return rule(xp, *arrays, **kwargs)
    more = [
        a.ndim
        for a, d in zip(arrays, own, strict=True)
        if d is not None and d.kind == "f" and d.itemsize > 2
    ]
    numbers = bool(more) and not any(more)
    widen = numbers or rule.half not in ("anywhere", getattr(xp, "name", None))
    value, vjps = rule(xp, *(wide(xp, a) if widen else a for a in arrays), **kwargs)
    if not more or (numbers and value.ndim):
        value = _narrow(xp, value, low)
    return value, _rounded(xp, vjps, own, widen)


def _rounded(xp: Any, vjps: VJPs, own: list[Any], widen: bool) -> VJPs:
    """A rule's VJPs so that they return each input's dtype, and get g in float32 if `widen`."""

    def given(g: Any) -> Any:
        return wide(xp, g) if widen else g

    def alone(vjp: VJP, dtype: Any) -> VJP:
        return lambda g: _narrow(xp, vjp(given(g)), dtype)

    def part(function: Callable[[Any, Any], Any], dtype: Any) -> Callable[[Any, Any], Any]:
        return lambda g, shared: _narrow(xp, function(given(g), shared), dtype)

    if isinstance(vjps, tuple):
        return tuple(None if v is None else alone(v, d) for v, d in zip(vjps, own, strict=False))
    if isinstance(vjps, FunctionType):
        return lambda g, wanted: [
            _narrow(xp, found, d) for found, d in zip(vjps(given(g), wanted), own, strict=True)
        ]
    if not isinstance(vjps, Joint) or vjps.prepare is None:
        raise TypeError(f"a rule must return VJPs or a Joint, not {type(vjps).__name__}")
    prepare = vjps.prepare
    return Joint(
        lambda g, wanted: prepare(given(g), wanted),
        *(None if p is None else part(p, d) for p, d in zip(vjps.parts, own, strict=False)),
        sharers=vjps.sharers,
    )


def wide(xp: Any, a: Any) -> Any:
    """An array of 16 bits (in second derivatives a tensor) as float32; other things as they are."""
    return xp.astype(a, _WIDE) if hasattr(a, "dtype") and is_half(a.dtype) else a


def _narrow(xp: Any, a: Any, dtype: Any) -> Any:
    """A floating-point result in a dtype, if that has 16 bits; otherwise it is right already."""
    if a is None or dtype is None or not is_half(dtype) or a.dtype == dtype:
        return a
    return xp.astype(a, dtype) if a.dtype.kind in FLOATING else a
