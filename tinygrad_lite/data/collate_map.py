"""Collating by a table of types, which programs extend by their own: PyTorch's `collate`.

`default_collate` does by itself what the table says, and asks it once it was changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.tensor import Tensor

from .entries import of_entries

__all__ = ["Table", "by_table", "own_kind", "table_of"]

Table = Mapping[Any, Callable[..., Any]]


def own_kind(sample: Any, table: Table) -> Callable[..., Any] | None:
    """The function of the table for a sample: that of its own type, else of the first that fits."""
    if (exact := table.get(type(sample))) is not None:
        return exact
    return next((function for kind, function in table.items() if isinstance(sample, kind)), None)


def by_table(batch: Sequence[Any], table: Table) -> Any:
    """A batch of samples by the table; mappings and sequences of what it knows, entry by entry.

    Args:
        batch: the samples, of one type.
        table: for each type, or tuple of types, a function of the samples.

    Raises:
        RuntimeError: entries differ in number.
        TypeError: no entry of the table fits.
    """
    if (function := own_kind(batch[0], table)) is not None:
        return function(batch, collate_fn_map=table)
    return of_entries(batch, lambda entries: by_table(entries, table))


def table_of(default: Callable[[Sequence[Any]], Any]) -> dict[Any, Callable[..., Any]]:
    """The table that says what `default` does."""

    def collate(batch: Sequence[Any], *, collate_fn_map: Table | None = None) -> Any:
        return default(batch)

    numbers = (np.bool_, np.number, np.object_)
    kinds = (Tensor, np.ndarray, numbers, float, int, str, bytes)
    return dict.fromkeys(kinds, collate)
