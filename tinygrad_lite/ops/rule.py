"""How a rule is declared.

A rule is a function `rule(xp, *inputs, **constants)` of raw arrays of the namespace `xp`. It
returns the output and one vector-Jacobian product (VJP) for each input: g = dL/doutput ↦
dL/dinput. Broadcasting is undone by the walk, so a VJP may return a gradient of the
broadcast shape. An output must not be one of the inputs itself (a view is fine).

For second derivatives the rule runs again with Tensors for arrays and the Tensor namespace
for `xp`. A rule that calls a fused kernel can't do that; it names its *composition*, a
function of the same arguments that gives the same output from elementary operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph import Rule

RULES: dict[str, Rule] = {}
"""Every rule by its name."""

COMPOSITIONS: dict[Rule, Callable[..., Any]] = {}
"""What a fused rule is composed of."""


def rule(function: Rule) -> Rule:
    """Declare a rule that is written in elementary operations."""
    RULES[function.__name__] = function
    return function


def fused(composition: Callable[..., Any]) -> Callable[[Rule], Rule]:
    """Declare a rule that calls a kernel, with the composition that specifies it."""

    def declare(function: Rule) -> Rule:
        COMPOSITIONS[function] = composition
        return rule(function)

    return declare
