"""Kernels for NumPy that beat their plain form; everything else comes from `plain`.

Importing it registers them (`backend.kernel`).
"""

from __future__ import annotations

from . import (
    attention,
    conv,
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
    sums,
)
