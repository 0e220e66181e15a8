"""`torch.multiprocessing`: Python's own, whose queues pickle tensors; memory is not shared."""

from __future__ import annotations

import multiprocessing as _multiprocessing
from collections.abc import Callable as _Callable
from multiprocessing import *  # noqa: F403
from typing import Any as _Any


def spawn(
    fn: _Callable[..., _Any],
    args: tuple[_Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> _Any:
    """Run `fn(i, *args)` in processes i = 0 … nprocs−1.

    Args:
        fn: importable, since each process imports it.
        args: given to each.
        nprocs: how many.
        join: wait for them.
        daemon, start_method: as in `multiprocessing`.

    Returns:
        None, or the processes if they are not joined.

    Raises:
        RuntimeError: a process ended with another status than 0.
    """
    context: _Any = _multiprocessing.get_context(start_method)
    processes = [context.Process(target=fn, args=(i, *args), daemon=daemon) for i in range(nprocs)]
    for process in processes:
        process.start()
    if not join:
        return processes
    for process in processes:
        process.join()
    if failed := [i for i, process in enumerate(processes) if process.exitcode]:
        raise RuntimeError(f"spawn: process {failed[0]} ended with an error, which it printed")
    return None


def get_all_sharing_strategies() -> set[str]:
    """None: memory is not shared."""
    return set()


def set_sharing_strategy(new_strategy: str) -> None:
    """Without effect: memory is not shared."""
