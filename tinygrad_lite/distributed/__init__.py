"""Several processes that train one model, as `torch.distributed`: MPI between CPUs, NCCL on GPUs.

`mpiexec -n 2 python train.py` begins the processes, and each calls `init_process_group()`. What
carries the numbers is mpi4py (`pip install 'tinygrad-lite[distributed]'` brings it and an MPI), and
between GPUs NCCL, through CuPy.
"""

from ..absent import explain as _explain
from ..backend.listing import listing as _listing
from .collectives import (
    all_gather,
    all_gather_object,
    all_reduce,
    barrier,
    broadcast,
    reduce,
)
from .group import (
    destroy_process_group,
    get_backend,
    get_rank,
    get_world_size,
    init_process_group,
    is_available,
    is_initialized,
    is_mpi_available,
)
from .work import DistBackendError, ReduceOp, Work

__all__ = [
    "DistBackendError",
    "ReduceOp",
    "Work",
    "all_gather",
    "all_gather_object",
    "all_reduce",
    "barrier",
    "broadcast",
    "destroy_process_group",
    "get_backend",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
    "is_mpi_available",
    "reduce",
]


def __dir__() -> list[str]:
    return _listing(globals())


_explain(__name__)
