"""Our own kernels in their plain form, for any array library: the definition of the fast ones.

Each file is a subject, and importing it registers its kernels (`backend.kernel`). They are written
in NumPy's names alone, as `xp` answers to them on every device.
"""

from __future__ import annotations

from . import (
    amp,
    attention,
    conv,
    deviations,
    elementwise,
    incomplete_gamma,
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
    strided,
    sums,
    transfer,
)
