"""Vector-Jacobian products that share a part of their work."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from ..graph import VJP, mode


def shared(prepare: Callable[[Any], Any], *of: Callable[[Any, Any], Any]) -> tuple[VJP, ...]:
    """VJPs g ↦ of(g, s) of several inputs, with one s = prepare(g) for all of them.

    The walk asks for them one after another, with the same g. s is kept from the first that
    asks to the last that is still there: the VJP of an input that needs no gradient is dropped.
    """
    held: tuple[Any, Any, Any] | None = None  # walk, g, s: one object, as threads may share a graph
    waiting: list[weakref.ref[VJP]] = []

    def prepared(g: Any, number: int) -> Any:
        nonlocal held
        mine = held
        if mine is None or mine[0] != mode.walk or mine[1]() is not g:
            mine = (mode.walk, weakref.ref(g), prepare(g))
        held = None if all(vjp() is None for vjp in waiting[number + 1 :]) else mine
        return mine[2]

    def vjp_of(number: int, function: Callable[[Any, Any], Any]) -> VJP:
        def vjp(g: Any) -> Any:
            return function(g, prepared(g, number))

        waiting.append(weakref.ref(vjp))
        return vjp

    return tuple(vjp_of(*numbered) for numbered in enumerate(of))
