"""How a rule is declared.

A rule is a function `rule(xp, *inputs, **constants)` of raw arrays of the namespace `xp`. It
returns the output and one vector-Jacobian product (VJP) for each input: g = dL/doutput ↦
dL/dinput; or a `Joint`, if they share work. Broadcasting is undone by the walk, so a VJP may
return a gradient of the broadcast shape. An output must not be one of the inputs itself (a view
is fine).

For second derivatives the rule runs again with Tensors for arrays and the Tensor namespace
for `xp`. A rule that calls a fused kernel can't do that; it names its *composition*, a
function of the same arguments that gives the same output from elementary operations.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal, cast, overload

from ..graph import Rule

RULES: dict[str, Rule] = {}
"""Every rule by its name."""

Function = Callable[..., tuple[Any, Any]]


@overload
def rule(function: Function) -> Rule: ...
@overload
def rule(
    *,
    autocast: Literal["half", "float32"] | None = None,
    half: Literal["anywhere", "cuda", "free"] | None = None,
    complex: Literal["linear", "analytic", "own"] | Rule | None = None,
    composition: Callable[..., Any] | None = None,
    shown: str | None = None,
    part: str | None = None,
    flat: bool | None = None,
) -> Callable[[Function], Rule]: ...
def rule(
    function: Function | None = None,
    *,
    autocast: Literal["half", "float32"] | None = None,
    half: Literal["anywhere", "cuda", "free"] | None = None,
    complex: Literal["linear", "analytic", "own"] | Rule | None = None,
    composition: Callable[..., Any] | None = None,
    shown: str | None = None,
    part: str | None = None,
    flat: bool | None = None,
) -> Any:
    """Declare a rule, with what the rest of the library has to know of it.

    Args:
        function: the rule.
        autocast: inside of `autocast` its floating-point inputs become the region's 16-bit dtype
            ("half") or, where they have 16 bits, "float32"; default: they stay as they are.
        half: where it takes 16-bit arrays as they are: "anywhere", or on "cuda" alone; elsewhere
            it is given float32, and what it returns is rounded once. "free": it takes all dtypes
            as they are, and the dtype that it returns is left alone.
        complex: what it does with complex inputs, None if it refuses them (`tensor/complex.py`):
            it is "linear" with real coefficients, or "analytic", with VJPs that are multiplied by
            a derivative; or they are its "own", PyTorch's gradients already; or another rule, that
            runs in its place.
        composition: for a rule that calls a kernel, the same from elementary operations.
        shown: the name under which users know it, if that is another; messages have it.
        part: for y = x[i], the name of the argument that is i: what x has of its gradient already
            may get that of y added at i, in place of zeros with it there.
        flat: the slope along an input does not change with that input, but where it jumps. A second
            derivative with respect to it is 0 then, as PyTorch's, and not missing.
    """
    facts: dict[str, Any] = {"autocast": autocast, "half": half, "complex": complex}
    facts |= {"composition": composition, "shown": shown, "part": part, "flat": flat}
    # A partial function, as there are some two hundred: a frame less for each when imported.
    register: Callable[[Function], Rule] = functools.partial(declare, listed=True, **facts)
    return register if function is None else register(function)


def declare(function: Function, *, listed: bool = False, **facts: Any) -> Rule:
    """A function as a rule with the facts that `rule` takes; in `RULES` if that is asked for."""
    declared = cast(Any, function)
    for fact in ("autocast", "half", "complex", "composition", "shown", "part", "flat"):
        setattr(declared, fact, facts.get(fact))
    if listed:
        RULES[declared.__name__] = declared
    return cast(Rule, declared)


def plain(library: str, name: str = "", complex: bool = False) -> Rule:
    """A rule without gradient that calls a function of the array library.

    Args:
        library: the function's name in `xp`.
        name: the rule's; default: the same.
        complex: whether it takes complex inputs.
    """

    def function(xp: Any, *arrays: Any, **words: Any) -> tuple[Any, tuple[()]]:
        return getattr(xp, library)(*arrays, **words), ()

    function.__name__ = name or library
    return declare(function, complex="own" if complex else None)
