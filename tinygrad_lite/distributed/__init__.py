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
    monitored_barrier,
    reduce,
)
from .exchange import (
    all_gather_into_tensor,
    all_to_all,
    all_to_all_single,
    gather,
    irecv,
    isend,
    recv,
    reduce_scatter,
    reduce_scatter_tensor,
    scatter,
    send,
)
from .group import TIMEOUT as _TIMEOUT
from .group import (
    ProcessGroup,
    destroy_process_group,
    get_backend,
    get_global_rank,
    get_group_rank,
    get_node_local_rank,
    get_process_group_ranks,
    get_rank,
    get_world_size,
    init_process_group,
    is_available,
    is_backend_available,
    is_gloo_available,
    is_initialized,
    is_mpi_available,
    is_nccl_available,
    is_torchelastic_launched,
    is_ucc_available,
    is_xccl_available,
    new_group,
)
from .objects import (
    broadcast_object_list,
    gather_object,
    recv_object_list,
    scatter_object_list,
    send_object_list,
)
from .pairs import P2POp, batch_isend_irecv
from .work import Backend, DistBackendError, ReduceOp, Work

__all__ = [
    "Backend",
    "DistBackendError",
    "P2POp",
    "ProcessGroup",
    "ReduceOp",
    "Work",
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_object",
    "all_reduce",
    "all_to_all",
    "all_to_all_single",
    "barrier",
    "batch_isend_irecv",
    "broadcast",
    "broadcast_object_list",
    "destroy_process_group",
    "gather",
    "gather_object",
    "get_backend",
    "get_global_rank",
    "get_group_rank",
    "get_node_local_rank",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "irecv",
    "is_available",
    "is_backend_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "is_ucc_available",
    "is_xccl_available",
    "isend",
    "monitored_barrier",
    "new_group",
    "recv",
    "recv_object_list",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "scatter",
    "scatter_object_list",
    "send",
    "send_object_list",
]


default_pg_timeout = _TIMEOUT
"""How long an operation may take where `init_process_group` is not told."""


def __dir__() -> list[str]:
    return _listing(globals())


_explain(__name__)
