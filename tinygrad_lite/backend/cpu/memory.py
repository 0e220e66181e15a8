"""Keep freed memory for the next array, as PyTorch's allocators on GPUs do.

By default glibc gives large arrays back to the operating system as soon as they are freed, and
the next step's arrays are fresh pages, which the kernel has to clear one by one: of a ConvNet's
training step that took a sixth. Told to keep them, it hands the same pages out again.
"""

from __future__ import annotations

import functools
import os

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of glibc's <malloc.h>


@functools.cache
def keep_freed_memory() -> bool:
    """Tell the C library so, once; False where it isn't glibc or the user does not want it.

    $TINYGRAD_LITE_KEEP_MEMORY=0 leaves the C library as it is, and so does any setting of the
    user's own ($MALLOC_TRIM_THRESHOLD_, $MALLOC_MMAP_THRESHOLD_, $GLIBC_TUNABLES).
    """
    own = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
    if os.environ.get("TINYGRAD_LITE_KEEP_MEMORY") == "0" or any(
        name in os.environ for name in own
    ):
        return False
    import ctypes  # here, because it takes milliseconds to load

    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - only glibc has it
        mallopt = library.mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, -1))
