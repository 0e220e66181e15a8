"""Checks of saved states: what every `load_state_dict` asks of the values before it takes any.

A state comes from a file, and a file may be damaged or another program's. Whoever loads one
checks all of it first and changes something only then, so that after an error nothing has
changed. The exceptions are the same everywhere: TypeError for a value of another kind, KeyError
for one that is missing, ValueError for one out of range or unknown.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

__all__ = ["alike", "entries", "flag", "integer", "number", "order"]

LARGEST = 2**53  # counts beyond it are not exact as float64, and nobody has made as many steps


def entries(
    owner: str, state: Any, required: Collection[str], optional: Collection[str] | None = ()
) -> Mapping[str, Any]:
    """A state that is a dict with the keys it should have.

    Args:
        owner: who loads it, for the message.
        state: what was given.
        required: keys that must be there.
        optional: keys that may be there; None admits all strings.

    Raises:
        TypeError: no dict, or a key that is not a string.
        KeyError: a missing key.
        ValueError: an unexpected one.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"{owner}: the state must be a dict, but is {kind(state)}")
    if odd := [key for key in state if not isinstance(key, str)]:
        raise TypeError(f"{owner}: the state has a key that is {kind(odd[0])}, not a string")
    if missing := [key for key in required if key not in state]:
        raise KeyError(f"{owner}: the state lacks {', '.join(map(repr, missing))}")
    if optional is not None:
        known = {*required, *optional}
        if unknown := [key for key in state if key not in known]:
            raise ValueError(f"{owner}: the state has {unknown[0][:60]!r}, which is no part of it")
    return state


def kind(value: Any) -> str:
    """What a value is, in a word or two."""
    return "None" if value is None else type(value).__name__


def plain(value: Any) -> Any:
    """A NumPy scalar as Python's; others unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def integer(owner: str, key: str, value: Any, low: int = -LARGEST, high: int = LARGEST) -> int:
    """A whole number from `low` to `high`.

    Raises:
        TypeError, ValueError: it is not.
    """
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{owner}: {key} must be an integer, but is {kind(value)}")
    if not low <= value <= high:
        shown = value if value.bit_length() < 200 else "longer"
        raise ValueError(f"{owner}: {key} must be from {low} to {high}, but is {shown}")
    return value


def number(
    owner: str,
    key: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    infinite: bool = False,
) -> float:
    """A number from `low` to `high`, finite unless `infinite`, never NaN; integers stay integers.

    Raises:
        TypeError, ValueError: it is not.
    """
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{owner}: {key} must be a number, but is {kind(value)}")
    if isinstance(value, int):
        integer(owner, key, value)
    finite = math.isfinite(value) or (infinite and not math.isnan(value))
    if not finite or not low <= value <= high:
        where = "finite" if low == -math.inf and high == math.inf else f"from {low} to {high}"
        raise ValueError(f"{owner}: {key} must be {where}, but is {value}")
    return value


def flag(owner: str, key: str, value: Any) -> bool:
    """True or False.

    Raises:
        TypeError: neither.
    """
    value = plain(value)
    if not isinstance(value, bool):
        raise TypeError(f"{owner}: {key} must be True or False, but is {kind(value)}")
    return value


def order(owner: str, key: str, value: Any, count: int) -> np.ndarray[Any, Any]:
    """A copy of a permutation of 0 … count−1, int64 (count,).

    Raises:
        TypeError, ValueError: it is none.
    """
    found = np.asarray(value)
    if found.dtype.kind not in "iu" or found.ndim != 1:
        raise TypeError(f"{owner}: {key} must be a list of integers, but is {kind(value)}")
    if len(found) != count:
        raise ValueError(f"{owner}: the state is for {len(found)} samples, but there are {count}")
    if not np.array_equal(np.sort(found), np.arange(count)):
        raise ValueError(f"{owner}: {key} is not a permutation")
    return found.astype(np.int64)


def alike(owner: str, key: str, value: Any, own: Any) -> Any:
    """A copy of a loaded value, checked to be of the same kind as `own`, which it is to replace.

    A flag may replace a flag; a finite number a number; a list one of equal length, part by part.
    Of anything else only the type must agree.

    Raises:
        TypeError, ValueError: it is of another kind.
    """
    own, value = plain(own), plain(value)
    if isinstance(own, bool):
        return flag(owner, key, value)
    if isinstance(own, int | float):
        return number(owner, key, value)
    if not isinstance(value, type(own)):
        raise TypeError(f"{owner}: {key} must be {kind(own)}, but is {kind(value)}")
    if isinstance(own, list | tuple):
        if len(value) != len(own):
            raise ValueError(f"{owner}: {key} must have {len(own)} entries, but has {len(value)}")
        parts = (
            alike(owner, f"{key}[{i}]", v, o)
            for i, (v, o) in enumerate(zip(value, own, strict=True))
        )
        return list(parts) if isinstance(own, list) else tuple(parts)
    return value
