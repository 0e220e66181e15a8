"""`torch._utils`, PyTorch's own helpers, of which programs import a few: tensors as one vector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .absent import explain as _explain
from .backend import Device
from .tensor import Tensor
from .tensor.concatenate import cat

__all__ = [
    "_flatten_dense_tensors",
    "_get_device_index",
    "_take_tensors",
    "_unflatten_dense_tensors",
]


def _flatten_dense_tensors(tensors: Sequence[Tensor]) -> Tensor:
    """The elements of tensors of one dtype, one behind the other: (n)."""
    return cat([t.reshape(-1) for t in tensors])


def _unflatten_dense_tensors(flat: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The parts of `flat`, views of it, in the shapes of the tensors that it was made of."""
    parts = flat.split([t.numel() for t in tensors])
    return tuple(part.view(t.shape) for part, t in zip(parts, tensors, strict=True))


def _take_tensors(tensors: Iterable[Tensor], size_limit: int) -> Iterator[list[Tensor]]:
    """Groups of tensors of one dtype, each of at most so many bytes if it has several."""
    groups: dict[Any, list[Tensor]] = {}
    for tensor in tensors:
        group = groups.setdefault(tensor.dtype, [])
        if group and sum(t.nbytes for t in group) + tensor.nbytes > size_limit:
            yield groups[tensor.dtype]
            group = groups[tensor.dtype] = []
        group.append(tensor)
    yield from groups.values()


def _get_device_index(device: Any, optional: bool = False, allow_cpu: bool = False) -> int:
    """The number of a GPU; −1 of the CPU, where that is allowed.

    Raises:
        ValueError: the CPU, or None where a device is wanted.
    """
    if isinstance(device, int):
        return device
    if device is None and optional:
        return 0
    place = None if device is None else Device(device)
    if place is None or (place.type == "cpu" and not allow_cpu):
        raise ValueError(f"expected the device of a GPU, but got {device}")
    return -1 if place.type == "cpu" else place.index or 0


_explain(__name__)
