"""Kernels for NumPy that beat their plain form; everything else comes from `plain`.

Importing it registers them (`backend.kernel`).
"""

from __future__ import annotations

from . import (
    attention,
    conv,
    deviations,
    elementwise,
    library,
    loss,
    norm,
    optim,
    pool,
    recurrence,
    scatter,
    sorting,
    sums,
)
