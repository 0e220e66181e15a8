"""Modules that `Sequential` may run as one, because nothing can tell.

A module's `_joined_with(following)` says what it computes together with the modules behind it,
and how many of them that takes; or None. The results are those of the modules one after another.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .module import Module

Joined = tuple[Callable[[Any], Any], int] | None


def is_usual(module: Module, kind: type[Module]) -> bool:
    """Whether a module computes as its class `kind` does, with nobody listening before or after."""
    mine = type(module)
    return (
        mine.forward is kind.forward
        and mine.__call__ is Module.__call__
        and "forward" not in vars(module)
        and not (module._listened_to and module._is_hooked())
    )


@functools.cache
def _owner(kind: Any) -> type[Module]:
    """The class that has the `_without_bias` of a class, and with it its `forward`."""
    owner: type[Module] = next(c for c in kind.__mro__ if "_without_bias" in vars(c))
    return owner


def without_bias(module: Any, following: Sequence[Module]) -> Joined:
    """A layer that adds a bias, and the batch normalisation behind it, which takes it away again.

    In training the batch's mean is subtracted, so a constant of a channel changes nothing but the
    running mean: the layer leaves its bias out, and the normalisation is told of it.

    Args:
        module: has a `bias`; its class has `_without_bias(input)`, the output without, beside
            `forward`.
        following: what comes behind.
    """
    own: Any = type(module)
    kind = _owner(own)
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
