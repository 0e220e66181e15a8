"""Kernels in their plain form, for any namespace: the specification of the fast ones.

Each file is a subject, and importing it registers its kernels (`backend.kernel`).
"""

from __future__ import annotations

from . import (
    amp,
    attention,
    conv,
    deviations,
    elementwise,
    linalg,
    linear,
    loss,
    norm,
    optim,
    pool,
    recurrence,
    running,
    scatter,
    sorting,
    special,
    steps,
    sums,
    transfer,
)
