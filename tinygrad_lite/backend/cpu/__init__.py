"""Our own kernels for NumPy: the faster forms, with threads, reused memory and BLAS.

Importing it registers them (`backend.kernel`); what has no form of its own here is taken from
`plain`.
"""

from __future__ import annotations

from . import (
    attention,
    conv,
    deviations,
    elementwise,
    gru,
    library,
    loss,
    lstm,
    norm,
    optim,
    pool,
    recurrence,
    scatter,
    sorting,
    special,
    strided,
    sums,
)
