"""OpenBLAS's choice of kernels, made before NumPy loads it.

OpenBLAS picks its kernels by the processor's model. The release in NumPy's wheels (0.3.31) does
not know AMD's family 26 (Zen 5) and falls back to AVX2; told to use its AVX-512 kernels, a
2048² product is 1.8 times as fast there on each thread. `OPENBLAS_CORETYPE` is its documented
switch; it works only if this package is imported before NumPy.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "OPENBLAS_CORETYPE"
AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}


def better_kernels(cpuinfo: str) -> str | None:
    """The name of kernels better than OpenBLAS's own choice, or None.

    Args:
        cpuinfo: the start of Linux's /proc/cpuinfo, one processor at least.
    """
    first = cpuinfo.split("\n\n")[0]
    pairs = (line.partition(":")[::2] for line in first.splitlines())
    about = {key.strip(): value.strip() for key, value in pairs}
    family = about.get("cpu family", "")
    known = about.get("vendor_id") != "AuthenticAMD" or not family.isdigit() or int(family) < 26
    return None if known or not set(about.get("flags", "").split()) >= AVX512 else "SkylakeX"


@contextmanager
def kernels_chosen() -> Iterator[None]:
    """While NumPy is imported inside, OpenBLAS is told of better kernels if there are any.

    The environment is left as it was; a choice that the user made there stands.
    """
    name = None
    if "numpy" not in sys.modules and VARIABLE not in os.environ:
        try:
            with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
                name = better_kernels(file.read(8192))
        except OSError:  # not Linux
            name = None
    if name is None:
        yield
        return
    os.environ[VARIABLE] = name
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
