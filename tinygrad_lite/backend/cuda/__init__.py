"""Our own kernels for GPUs, through CuPy: the faster forms. (PyTorch's `torch.cuda`: `cuda`.)

Importing it offers the device and registers the kernels (`backend.kernel`); what has no form of
its own here is taken from `plain`.
"""

from __future__ import annotations

from . import (
    amp,
    blas,
    columns,
    conv,
    device,
    elementwise,
    graph,
    linear,
    loss,
    memory,
    nccl,
    norm,
    optim,
    pool,
    scatter,
    strided,
    sums,
    transfer,
)
