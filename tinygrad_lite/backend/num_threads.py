"""How many threads work on the CPU. The plain kernels use one; `cpu/threads.py` has more."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

__all__ = ["get_num_threads", "set_num_threads"]


def _default() -> int:
    for name in ("TINYGRAD_LITE_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "")
        if value.isdigit() and int(value) > 0:
            return int(value)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_count = _default()
_listeners: list[Callable[[int], None]] = []


def set_num_threads(num: Any) -> None:
    """Use `num` threads in the CPU's kernels and in BLAS, as `torch.set_num_threads`.

    The default is $TINYGRAD_LITE_NUM_THREADS, else $OPENBLAS_NUM_THREADS, else $OMP_NUM_THREADS,
    else the cores that this process may use.

    Raises:
        RuntimeError: num is not a positive integer.
    """
    global _count
    if not isinstance(num, int) or isinstance(num, bool) or num < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, but got {num!r}")
    _count = num
    for tell in _listeners:
        tell(num)


def get_num_threads() -> int:
    """How many threads the CPU's kernels and BLAS use."""
    return _count


def on_change(tell: Callable[[int], None]) -> Callable[[int], None]:
    """Decorate a function that is to be called with each number that is set from now on."""
    _listeners.append(tell)
    return tell
