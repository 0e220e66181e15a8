"""Many calls of one row, drawn from a seed, and how they differ."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from .compare import Difference


def by_kind(
    row: Any, examples: int, seed: int, differ: Callable[[Any], Difference | None]
) -> dict[str, list[tuple[Any, Difference]]]:
    """Of each kind of difference the calls that `differ` found one in, with it."""
    found: dict[str, list[tuple[Any, Difference]]] = collections.defaultdict(list)

    @seeded(seed)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(row.calls)
    def look(call: Any) -> None:
        one = differ(call)
        if one is not None:
            found[one.kind].append((call, one))

    look()
    return found
