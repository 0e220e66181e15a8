"""What `dir` and tab completion show of a module: its public names, not the files behind them."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any


def listing(scope: Mapping[str, Any], *rooms: str) -> list[str]:
    """The public names of a module.

    Args:
        scope: its `globals()`. Of these are shown what `__all__` lists; without it, what has no
            leading underscore and is no module.
        rooms: further names: public modules, loaded or not, and what is made when asked for.
    """
    own = scope.get("__all__") or [
        name
        for name, value in scope.items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    return sorted({*own, *rooms})
