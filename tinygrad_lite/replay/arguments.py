"""The arguments of a captured step: each has a fixed place that every call copies to."""

from __future__ import annotations

from typing import Any, Protocol

from ..backend import Namespace, is_array, numpy
from ..backend.capture import CaptureError, Recorder
from ..tensor import Tensor
from ..tensor.base import new


class Argument(Protocol):
    """A place for one argument; `value` is what the step is given."""

    value: Any

    def take(self, value: Any) -> None:
        """Copy the argument of a later call to this place.

        Raises:
            CaptureError: its kind, shape, dtype or (of what is no tensor) value is another one.
        """


def argument(xp: Namespace, recorder: Recorder, name: str | int, value: Any) -> Argument:
    """A place for an argument, which holds `value` already.

    Args:
        xp: the namespace of the capture's device.
        recorder: of the capture; its slots are sent from the host before each replay.
        name: the argument's name, or its number if it is positional.
        value: of the call that is captured.

    Raises:
        CaptureError: a tensor that requires a gradient.
    """
    label = f"argument {name}" if isinstance(name, int) else f"argument {name!r}"
    if isinstance(value, Tensor) and value.requires_grad:
        raise CaptureError(
            f"graph: {label} requires a gradient; arguments are data, and parameters are what the "
            "step finds around it"
        )
    if isinstance(_array(value), numpy.ndarray):
        return _FromHost(recorder, label, value)
    return _FromDevice(xp, label, value) if is_array(_array(value)) else _Constant(label, value)


def _array(value: Any) -> Any:
    return value.array if isinstance(value, Tensor) else value


def _check(label: str, array: Any, fixed: Any, kind: Any) -> None:
    """Check an argument against the array that it has to be copied to.

    Args:
        label: names the argument in messages.
        array: the argument.
        fixed: the array at its place.
        kind: the class that the argument must have: that of arrays on the host, or on the device.

    Raises:
        CaptureError: it has another class, shape or dtype.
    """
    if not isinstance(array, kind):
        where = "in host memory" if kind is numpy.ndarray else "on the device"
        raise CaptureError(
            f"graph: {label} was a tensor {where} when captured, and is now a "
            f"{type(array).__name__}"
        )
    if array.shape != fixed.shape or array.dtype != fixed.dtype:
        raise CaptureError(
            f"graph: {label} has shape {tuple(array.shape)} and dtype {array.dtype}, but was "
            f"captured with {tuple(fixed.shape)} and {fixed.dtype}; use the plain step for it, or "
            "reset() the captured one"
        )


class _FromDevice:
    """The place for a tensor or array on the device."""

    def __init__(self, xp: Namespace, label: str, value: Any) -> None:
        self._xp, self._label = xp, label
        self._array = xp.empty_like(_array(value))
        self.value = new(self._array)
        self.take(value)

    def take(self, value: Any) -> None:
        """Copy it on the device, now."""
        array = _array(value)
        _check(self._label, array, self._array, self._xp.array_type)
        self._xp.copyto(self._array, array)


class _FromHost:
    """The place for a tensor or array in host memory."""

    def __init__(self, recorder: Recorder, label: str, value: Any) -> None:
        self._label = label
        array = _array(value)
        self._slot = recorder.slot(array.shape, array.dtype)
        self.value = new(self._slot.array)
        self.take(value)

    def take(self, value: Any) -> None:
        """Copy it to the memory that the next replay sends to the device."""
        array = _array(value)
        _check(self._label, array, self._slot.array, numpy.ndarray)
        self._slot.write(array)


class _Constant:
    """Any other argument: the capture holds its value, so that calls may not change it."""

    def __init__(self, label: str, value: Any) -> None:
        self._label, self.value = label, value

    def take(self, value: Any) -> None:
        """Check that the value is the one that was captured."""
        same = value is self.value or (type(value) is type(self.value) and value == self.value)
        if not same:
            raise CaptureError(
                f"graph: {self._label} is {value!r}, but was captured as {self.value!r}, for good; "
                "pass a tensor, or reset() the captured step"
            )
