"""Settings: whether operations are recorded, and the dtype of Python floats."""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import Any

from ..backend import DType, numpy
from ..backend.dtypes import FLOATING
from ..graph import mode

_default_dtype: DType = numpy.dtype("float32")


class set_grad_enabled(ContextDecorator):
    """Turn recording on or off, at once, and back at the end of a `with` or a function."""

    def __init__(self, enabled: bool) -> None:
        self._before = mode.grad
        self._enabled = enabled
        mode.grad = enabled

    def _recreate_cm(self) -> set_grad_enabled:
        return type(self)(self._enabled)

    def __enter__(self) -> None:
        mode.grad = self._enabled

    def __exit__(self, *_: object) -> None:
        mode.grad = self._before


class _Switch(ContextDecorator):
    """A `with` block, or decorator, that records or does not; may be nested and reused."""

    enabled: bool

    def __init__(self) -> None:
        self._before: list[bool] = []

    def _recreate_cm(self) -> _Switch:
        return type(self)()

    def __enter__(self) -> None:
        self._before.append(mode.grad)
        mode.grad = self.enabled

    def __exit__(self, *_: object) -> None:
        mode.grad = self._before.pop()


class no_grad(_Switch):
    """Operations inside are not recorded: no gradients, and nothing is kept for them."""

    enabled = False


class enable_grad(_Switch):
    """Operations inside are recorded, also within `no_grad`."""

    enabled = True


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread."""
    return mode.grad


def get_default_dtype() -> DType:
    """The dtype that Python floats become, float32 unless changed."""
    return _default_dtype


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype that Python floats become.

    Raises:
        TypeError: not a floating-point dtype.
    """
    global _default_dtype
    if numpy.dtype(dtype).kind not in FLOATING:
        raise TypeError(f"only floating-point types are supported as the default, not {dtype}")
    _default_dtype = numpy.dtype(dtype)
