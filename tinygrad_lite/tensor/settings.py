"""PyTorch's settings that programs make, most of which have one possible value here."""

from __future__ import annotations

import warnings
from typing import Any

from . import anomaly

__all__ = [
    "are_deterministic_algorithms_enabled",
    "compiled_with_cxx11_abi",
    "get_deterministic_debug_mode",
    "get_num_interop_threads",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_vulkan_available",
    "is_warn_always_enabled",
    "set_deterministic_debug_mode",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_warn_always",
    "use_deterministic_algorithms",
]

_warn_always = _deterministic = _warn_only = False


def use_deterministic_algorithms(mode: Any, *, warn_only: Any = False) -> None:
    """Kept for those who ask: results are deterministic in either mode, on the GPU too.

    Raises:
        TypeError: not a bool.
    """
    global _deterministic, _warn_only
    if {type(mode), type(warn_only)} != {bool}:
        raise TypeError(
            f"use_deterministic_algorithms: mode and warn_only must be bool, not {mode!r}, "
            f"{warn_only!r}"
        )
    _deterministic, _warn_only = mode, warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was given last; False at first."""
    return _deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """The `warn_only` that `use_deterministic_algorithms` was given last."""
    return _warn_only


_DEBUG_MODES = {"default": 0, "warn": 1, "error": 2}


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by a number or word: 0 "default", 1 "warn", 2 "error".

    Raises:
        TypeError: neither a string nor an integer.
        RuntimeError: another one.
    """
    if not isinstance(debug_mode, int | str):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    number = _DEBUG_MODES.get(debug_mode, -1) if isinstance(debug_mode, str) else debug_mode
    if number not in (0, 1, 2):
        raise RuntimeError(
            "set_deterministic_debug_mode: invalid value of debug_mode, expected 0, 1, or 2, or "
            f"`default`, `warn`, `error`, but got {debug_mode}"
        )
    use_deterministic_algorithms(number > 0, warn_only=number == 1)


def get_deterministic_debug_mode() -> int:
    """0 where `use_deterministic_algorithms` is off, 1 where it is to warn only, else 2."""
    return 0 if not _deterministic else 1 if _warn_only else 2


def compiled_with_cxx11_abi() -> bool:
    """Yes, as PyTorch says: nothing of this library is C++ that could be linked to."""
    return True


def is_vulkan_available() -> bool:
    """No."""
    return False


def set_flush_denormal(mode: bool) -> bool:
    """Whether tiny numbers can be made 0: not here, so False, as PyTorch says where it cannot."""
    return False


def get_num_interop_threads() -> int:
    """The threads that run operations side by side: the one that calls them."""
    return 1


def set_num_interop_threads(num: int) -> None:
    """Accepted for PyTorch's sake: operations run in the thread that calls them.

    Raises:
        RuntimeError: num is not positive.
    """
    if num <= 0:
        raise RuntimeError("set_num_interop_threads: expected a positive number of threads")


def set_warn_always(b: bool) -> None:
    """Show a warning each time, not only the first time that a line gives it."""
    global _warn_always
    _warn_always = bool(b)
    warnings.simplefilter("always" if b else "default", UserWarning)


def is_warn_always_enabled() -> bool:
    """Whether `set_warn_always` was turned on."""
    return _warn_always


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on: see `autograd.detect_anomaly`."""
    return anomaly.watch is not None


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly mode looks at the elements, while it is on."""
    return anomaly.watch is None or anomaly.watch.check


def _assert(condition: object, message: str) -> None:
    """`assert`, as a function: programs call it because PyTorch's compilers can trace it.

    Raises:
        AssertionError: the condition is false.
    """
    if not condition:
        raise AssertionError(message)


def _assert_async(condition: object, message: str = "") -> None:
    """That a tensor of one element is not 0. (PyTorch tells it later, on a GPU.)

    Raises:
        RuntimeError: it is 0, or has more elements.
    """
    if not condition:
        raise RuntimeError(message or "Expected Tensor with single nonzero value, but got zero")
