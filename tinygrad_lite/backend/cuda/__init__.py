"""CUDA through CuPy: the device, and kernels that beat their plain form.

Importing it registers them (`backend.kernel`); everything else comes from `plain`.
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
    sums,
    transfer,
)
