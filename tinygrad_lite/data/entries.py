"""Samples that hold others: mappings, named tuples and sequences, walked entry by entry."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

__all__ = ["entry_by_entry", "of_entries"]


def entry_by_entry(data: Any, function: Callable[[Any], Any]) -> Any:
    """A function of each entry of a sample, in a sample of its kind; of others, the sample itself.

    A tuple becomes a list.
    """
    if isinstance(data, Mapping):
        return _mapping(data, {key: function(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(function, data))
    if isinstance(data, Sequence):
        return _sequence(data, [function(part) for part in data])
    return data


def of_entries(batch: Sequence[Any], inner: Callable[[Sequence[Any]], Any]) -> Any:
    """The batch of samples that hold others: of each entry the batch that `inner` makes.

    Raises:
        RuntimeError: samples differ in their number of entries.
        TypeError: they hold no others.
    """
    first = batch[0]
    if isinstance(first, Mapping):
        return _mapping(first, {key: inner([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence) and not isinstance(first, str | bytes):
        if len({len(sample) for sample in batch}) > 1:
            raise RuntimeError("each element in list of batch should be of equal size")
        parts = [inner(entries) for entries in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else _sequence(first, parts)
    raise TypeError(
        "default_collate: batch must contain tensors, arrays, numbers, dicts or lists; found "
        f"{type(first)}"
    )


def _mapping(kind: Any, found: dict[Any, Any]) -> Any:
    """A mapping of the kind of another with its entries, or a dict if that cannot be made."""
    if type(kind) is dict:
        return found
    try:
        if not isinstance(kind, MutableMapping):
            return type(kind)(found)
        made = copy.copy(kind)  # which keeps what it has beside its entries
        made.update(found)
        return made
    except TypeError:
        return found


def _sequence(kind: Any, parts: list[Any]) -> Any:
    """A sequence of the kind of another, or a list if that cannot be made, or of a tuple."""
    if type(kind) in (list, tuple) or isinstance(kind, tuple):
        return parts
    try:
        if not isinstance(kind, MutableSequence):
            return type(kind)(parts)
        made = copy.copy(kind)
        for i, part in enumerate(parts):
            made[i] = part
        return made
    except TypeError:
        return parts
