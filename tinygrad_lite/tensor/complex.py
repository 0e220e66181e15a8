"""Rules on complex arrays: those that say how they are differentiated there, and no others.

A gradient of a complex z = a + i b is, as in PyTorch, dL/da + i dL/db, for a real L. A rule's VJP
is g ↦ g f′, for y = f(z); where f is analytic, and g such a gradient, that of z is g times the
conjugate of f′. So its VJPs are given the conjugate of g, and what they return is conjugated:
of a sum or a view, whose f′ is real, that changes nothing. Of a real input the real part is wanted.

What is not analytic (|z|, the parts, the transforms of real signals) has rules of its own, in
`ops/complex.py` and `ops/fourier.py`. All others refuse: array libraries would order complex
numbers, or drop imaginary parts, and give what nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backend.dtypes import FLOATING
from ..graph import VJP, Joint, Rule, VJPs
from .half import run_half


def run_odd(rule: Rule, xp: Any, arrays: list[Any], kwargs: dict[str, Any]) -> tuple[Any, VJPs]:
    """`rule(xp, *arrays, **kwargs)` where an array may be of 16 bits, or complex.

    Raises:
        NotImplementedError: one is complex, and the rule is not for that.
    """
    kinds = [getattr(getattr(a, "dtype", None), "kind", "") for a in arrays]
    if "c" not in kinds:
        return run_half(rule, xp, arrays, kwargs)
    form = rule.complex
    if callable(form):
        return form(xp, *arrays, **kwargs)  # type: ignore[no-any-return]
    if form is None:
        _refuse(rule, arrays, kinds)
    value, vjps = rule(xp, *arrays, **kwargs)
    real = [kind != "" and kind in FLOATING for kind in kinds]
    if form == "own" or (form == "linear" and True not in real):
        return value, vjps
    return value, _conjugated(xp, vjps, real, form == "analytic")


def _refuse(rule: Rule, arrays: list[Any], kinds: list[str]) -> None:
    """Say that a rule is not for complex numbers."""
    name = getattr(rule, "shown", None) or rule.__name__
    found = arrays[kinds.index("c")].dtype.name
    raise NotImplementedError(
        f"{name}: not implemented for {found}; x.real, x.imag and torch.view_as_real(x) are real"
    )


def _conjugated(xp: Any, vjps: VJPs, real: list[bool], analytic: bool) -> VJPs:
    """A rule's VJPs as those of complex inputs.

    Args:
        xp: the namespace of the gradients.
        vjps: what the rule returned.
        real: which inputs are real.
        analytic: whether derivatives are to be conjugated.
    """

    def given(g: Any) -> Any:
        return xp.conj(g) if analytic else g

    def found(g: Any, is_real: bool) -> Any:
        if g is None or g.dtype.kind != "c":
            return g
        return xp.real(g) if is_real else xp.conj(g) if analytic else g

    def alone(vjp: VJP, is_real: bool) -> VJP:
        return lambda g: found(vjp(given(g)), is_real)

    def part(function: Callable[[Any, Any], Any], is_real: bool) -> Callable[[Any, Any], Any]:
        return lambda g, shared: found(function(given(g), shared), is_real)

    if isinstance(vjps, tuple):
        pairs = zip(vjps, real, strict=False)
        return tuple(None if v is None else alone(v, is_real) for v, is_real in pairs)
    if not isinstance(vjps, Joint):
        return lambda g, wanted: [
            found(share, is_real)
            for share, is_real in zip(vjps(given(g), wanted), real, strict=True)
        ]
    prepare = vjps.prepare
    return Joint(
        None if prepare is None else lambda g, wanted: prepare(given(g), wanted),
        *(None if p is None else part(p, r) for p, r in zip(vjps.parts, real, strict=False)),
        sharers=vjps.sharers,
    )
