"""What `dir` and tab completion show of a module: what is public, and not in which files."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any


def listing(scope: Mapping[str, Any], *rooms: str) -> list[str]:
    """The public names of a module.

    Args:
        scope: its names; of them all that `__all__` lists, else what has no leading underscore
            and is no module.
        rooms: public modules, loaded or not, and other names that are made when asked for.
    """
    own = scope.get("__all__") or [
        name
        for name, value in scope.items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    return sorted({*own, *rooms})
