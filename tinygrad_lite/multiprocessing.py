"""`torch.multiprocessing`: Python's own, which hands tensors over as it does anything else.

A tensor given to a process or put into a queue is copied, unless `share_memory_()` was called
before: then both have one memory, so that processes can train one model (Hogwild).
"""

from __future__ import annotations

import multiprocessing as _multiprocessing
from collections.abc import Callable as _Callable
from multiprocessing import *  # noqa: F403
from multiprocessing.reduction import ForkingPickler as _ForkingPickler
from typing import Any as _Any

from .absent import explain as _explain
from .backend import shared as _shared
from .nn import Parameter as _Parameter
from .tensor import Tensor as _Tensor


def _attached(kind: _Any, place: _Any, requires_grad: bool) -> _Any:
    data = _Tensor()
    data.array = _shared.attach(place)
    made = data.detach()
    return kind(made, requires_grad) if kind is _Parameter else made.requires_grad_(requires_grad)


def _reduced(tensor: _Tensor) -> _Any:
    """How a tensor is handed over: as a place in shared memory, or else as it is pickled."""
    place = _shared.place_of(tensor.array) if tensor.is_leaf else None
    if place is None:
        return tensor.__reduce_ex__(4)
    return _attached, (type(tensor), place, tensor.requires_grad)


for _kind in (_Tensor, _Parameter):
    _ForkingPickler.register(_kind, _reduced)


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
    """One: a file in memory."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """The name of the one strategy that there is."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Without effect: there is one."""


_explain(__name__)
