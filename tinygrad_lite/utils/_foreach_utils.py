"""`torch.utils._foreach_utils`, of which programs import what sorts tensors by their kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..absent import explain as _explain

__all__ = ["_group_tensors_by_device_and_dtype"]


def _group_tensors_by_device_and_dtype(
    tensorlistlist: Sequence[Sequence[Any]], with_indices: bool = False
) -> dict[tuple[Any, Any], tuple[list[list[Any]], list[int]]]:
    """Lists of tensors, parted by the device and dtype of those of the first list.

    Args:
        tensorlistlist: lists of one length, such as parameters, their gradients and averages.
        with_indices: tell the places too.

    Returns:
        For each (device, dtype) its part of each list, and their places (or none).
    """
    found: dict[tuple[Any, Any], tuple[list[list[Any]], list[int]]] = {}
    for place, column in enumerate(zip(*tensorlistlist, strict=True)):
        first = column[0]
        empty: tuple[list[list[Any]], list[int]] = ([[] for _ in tensorlistlist], [])
        lists, places = found.setdefault((first.device, first.dtype), empty)
        for values, value in zip(lists, column, strict=True):
            values.append(value)
        if with_indices:
            places.append(place)
    return found


_explain(__name__)
