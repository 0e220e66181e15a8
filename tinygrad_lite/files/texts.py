"""JSON from files that nobody vouches for: no key twice, no overlong integers, no deep nesting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import Malformed

__all__ = ["parse"]


def parse(text: str | bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The value of a JSON text.

    Args:
        text: the text, or its bytes in UTF-8; the caller has bounded its size.
        pairs: makes a value of an object's pairs; default: a dict, without keys given twice.

    Raises:
        Malformed: it is no JSON, nests too deeply, or has an integer of thousands of digits or a
            key twice.
    """
    import json  # here, because it would add to the package's import time

    try:
        # In UTF-8 alone: json would guess the encoding, and import what it takes for it.
        text = text.decode() if isinstance(text, bytes) else text
        return json.loads(text, object_pairs_hook=pairs or _dict)
    except RecursionError:
        raise Malformed("JSON that is nested too deeply") from None
    except Malformed:
        raise
    except ValueError as error:  # also UnicodeDecodeError and the limit on digits
        raise Malformed(f"JSON that cannot be read: {error}") from None


def _dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("JSON with a key that is given twice")
    return found
