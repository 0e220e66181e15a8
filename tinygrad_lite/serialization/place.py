"""To which devices the tensors of a file go: `load`'s `map_location`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from ..backend import Device
from ..files import about
from ..tensor import Tensor
from ..tensor.memory import data_ptr

__all__ = ["Mapped"]


class Mapped:
    """Moves a loaded value's tensors to their devices.

    Args:
        location: a device, a dict of their names, a function, or None for the CPU.

    Raises:
        RuntimeError: no such device.
        TypeError: something else.
    """

    def __init__(self, location: Any) -> None:
        self._device = Device("cpu")
        self._mapping: Mapping[Any, Any] | None = None
        self._function: Callable[..., Any] | None = None
        self._from: dict[int, str] = {}  # where storages were saved, if not on the CPU
        self._moved: dict[Any, Tensor] = {}
        if isinstance(location, Mapping):
            self._mapping = location
        elif isinstance(location, str | Device):
            self._device = Device(location)
        elif callable(location):
            self._function = location
        elif location is not None:
            raise TypeError(
                "load: map_location must be a device or its name, a dict or a function, but is "
                f"{about(location)}"
            )

    def came_from(self, tensor: Tensor, location: str) -> None:
        """Note where a tensor's memory was when it was saved."""
        self._from[id(tensor._storage)] = location

    def move(self, value: Any) -> Any:
        """A value with its tensors on their devices; those that shared memory share it there."""
        if self._function is None and self._mapping is None and self._device.type == "cpu":
            return value
        return self._all(value)

    def _all(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            key = id(value._storage), data_ptr(value), value.shape, value.array.strides
            if key not in self._moved:
                self._moved[key] = self._one(value.detach(), self._from.get(key[0], "cpu"))
            moved = self._moved[key]
            if moved.device == value.device and type(value) is not Tensor:
                return value
            found = moved.detach().requires_grad_(value.requires_grad)
            return found if type(value) is Tensor else type(value)(found, value.requires_grad)
        if isinstance(value, dict):
            moved_dict = copy(value)  # of its kind, and with the versions of a state dict
            for key, item in value.items():
                moved_dict[key] = self._all(item)
            return moved_dict
        if isinstance(value, list) or type(value) is tuple:
            return type(value)(self._all(item) for item in value)
        return value

    def _one(self, tensor: Tensor, location: str) -> Tensor:
        if self._function is not None:
            found = self._function(tensor, location)
            return tensor if found is None else found
        if self._mapping is not None:
            return tensor.to(device=self._mapping.get(location, "cpu"))
        return tensor.to(device=self._device)
