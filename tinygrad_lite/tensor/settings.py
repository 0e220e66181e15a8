"""PyTorch's settings that programs make, most of which have one possible value here."""

from __future__ import annotations

import warnings

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

_warn_always = False


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Does nothing: results are always deterministic, on the GPU too."""


def are_deterministic_algorithms_enabled() -> bool:
    """Yes, always."""
    return True


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """No: there is nothing to warn of."""
    return False


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Nothing to set, as `use_deterministic_algorithms`.

    Raises:
        RuntimeError: no mode that PyTorch has.
    """
    if debug_mode not in (0, 1, 2, "default", "warn", "error"):
        raise RuntimeError(f"set_deterministic_debug_mode: expected 0, 1 or 2, not {debug_mode!r}")


def get_deterministic_debug_mode() -> int:
    """2: what is not deterministic would raise, if there were any."""
    return 2


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
