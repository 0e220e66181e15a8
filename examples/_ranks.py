"""The processes that share a training: one, or those that `mpiexec` began."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import timedelta
from typing import Any

from _flags import fail
from _stop import Stop

import tinygrad_lite as torch
from tinygrad_lite import distributed as dist
from tinygrad_lite import nn

LIMIT = timedelta(seconds=50)  # to wait for another rank: it is gone


def join(args: argparse.Namespace) -> None:
    """With `--distributed`, meet the other ranks; all but the first are silent from now on.

    Leaves with status 2 if that can't be.
    """
    if not getattr(args, "distributed", False):
        return
    local = os.environ.get("MPI_LOCALRANKID")  # among the ranks of this machine: MPICH says so
    if local is not None:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", local)
    try:
        dist.init_process_group("mpi" if args.device == "cpu" else None, timeout=LIMIT)
    except RuntimeError as error:
        fail(f"--distributed: {error}")
    rank, size = dist.get_rank(), dist.get_world_size()
    if args.batch_size % size:
        fail(f"--batch_size {args.batch_size}: can't be shared out evenly among {size} ranks")
    if rank:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def leave() -> None:
    """At the end of what ranks do together."""
    if dist.is_initialized():
        dist.destroy_process_group()


class Ranks:
    """What a run asks of the others; without `--distributed` there are none.

    Attributes:
        rank: which one this is; the first writes.
        size: how many there are.
    """

    def __init__(self) -> None:
        together = dist.is_initialized()
        self.rank = dist.get_rank() if together else 0
        self.size = dist.get_world_size() if together else 1

    def converted(self, model: nn.Module) -> nn.Module:
        """A model whose batch norm looks at all ranks' batches."""
        return nn.SyncBatchNorm.convert_sync_batchnorm(model) if self.size > 1 else model

    def wrapped(self, model: nn.Module) -> nn.Module:
        """A model whose gradients are the means over all ranks."""
        if self.size == 1:
            return model
        # Statistics are those of all ranks already.
        return nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)

    def seed(self, seed: int) -> None:
        """Draws differ between ranks, for their images do."""
        if self.rank:
            torch.manual_seed(seed + 7919 * self.rank)

    def share(self, rows: Any) -> Any:
        """This rank's part of a batch."""
        return rows[self.rank :: self.size]

    def means(self, *values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Numbers, averaged over the ranks; nobody waits for a GPU."""
        if self.size == 1:
            return values
        together = torch.stack([value.detach() for value in values])
        dist.all_reduce(together, dist.ReduceOp.AVG)
        return tuple(together)

    def agree(self, stop: Stop) -> None:
        """A signal that reached one rank has reached all."""
        if self.size > 1:
            number = torch.tensor(stop.signal)
            dist.all_reduce(number, dist.ReduceOp.MAX)
            stop.signal = int(number)

    def gather(self, value: Any) -> list[Any]:
        """What each rank has."""
        found = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(found, value)
        return found
