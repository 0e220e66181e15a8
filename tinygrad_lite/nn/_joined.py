"""Neighbours in a `Sequential` that may run as one, because the result is the same.

A module's `_joined_with(following)` returns None, or a function of the input that gives what the
module and some of those behind it give one after another, and how many of those it stands for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .module import Module

Joined = tuple[Callable[[Any], Any], int] | None
"""The function, and how many of the modules behind it takes the place of."""


def is_usual(module: Module, kind: type[Module]) -> bool:
    """Whether a module computes as `kind` does: nothing is overridden, no hook is called."""
    mine = type(module)
    return (
        mine.forward is kind.forward
        and mine.__call__ is Module.__call__
        and not dict.__contains__(vars(module), "forward")  # less a call than `in`
        and not (module._listened_to and module._is_hooked())
    )


@functools.cache
def owner(kind: Any) -> type[Module]:
    """The base of a class that defines `_without_bias`, and the `forward` that goes with it."""
    found: type[Module] = next(c for c in kind.__mro__ if "_without_bias" in vars(c))
    return found


def without_bias(module: Any, following: Sequence[Module]) -> Joined:
    """A layer less its bias, joined with the batch normalisation behind it.

    In training the normalisation subtracts the batch's mean, and the bias with it. So the layer
    need not add it; only the running mean depends on it, and for that the normalisation is told.

    Args:
        module: has a `bias`, and beside `forward` a method `_without_bias(input)`.
        following: the modules behind it.
    """
    own: Any = type(module)
    kind = owner(own)
    if module.bias is None or not following or not is_usual(module, kind):
        return None
    normalise = getattr(following[0], "_shifted", None)
    if normalise is None or not following[0].training:
        return None
    normalised = normalise(module.bias, following[1:])
    if normalised is None:
        return None
    call, more = normalised
    return (lambda input: call(module._without_bias(input))), 1 + more
