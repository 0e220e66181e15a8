"""Which device an array is on, and copies of it on another one."""

from __future__ import annotations

from typing import Any

from ..devices import is_array, namespace_for, to_host
from ..kernel import kernel


@kernel("plain")
def join(xp: Any, arrays: Any) -> Any:
    """Arrays of one dtype and shape, one after another along their first axis."""
    return xp.concatenate(arrays, axis=0)


@kernel("plain")
def device_of(xp: Any, x: Any) -> str:
    """The name of the device of an array."""
    name: str = xp.name
    return name


@kernel("plain")
def to_device(xp: Any, x: Any, device: str) -> Any:
    """A copy of an array on a device."""
    x = x if is_array(x) else xp.asarray(x)  # NumPy may give a scalar
    return namespace_for(device).asarray(to_host(x))


@kernel("plain")
def check_index(xp: Any, index: int) -> None:
    """Check that a device of this number exists; here all do, as there is only the one."""
