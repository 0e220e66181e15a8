"""OpenBLAS's kernels are chosen before NumPy loads, and only where its own choice is poor."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tinygrad_lite.backend.blas import AVX512, better_kernels

FLAGS = " ".join(sorted(AVX512))


def cpuinfo(vendor: str, family: str, flags: str) -> str:
    one = f"processor\t: 0\nvendor_id\t: {vendor}\ncpu family\t: {family}\nflags\t\t: fpu {flags}\n"
    return one + "\n" + one


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (cpuinfo("AuthenticAMD", "26", FLAGS), "SkylakeX"),
        (cpuinfo("AuthenticAMD", "26", "avx2 avx512f"), None),
        (cpuinfo("AuthenticAMD", "25", FLAGS), None),
        (cpuinfo("GenuineIntel", "26", FLAGS), None),
        ("processor : 0\nBogoMIPS : 50.00\nFeatures : fp asimd\n", None),
        ("", None),
    ],
)
def test_better_kernels(text: str, wanted: str | None) -> None:
    assert better_kernels(text) == wanted


CORE = """
import os, sys
{first}
import tinygrad_lite
from tinygrad_lite.backend import blas, threads
import ctypes
assert os.environ.get("OPENBLAS_CORETYPE") == {left!r}, "the environment was changed"
libraries = [l.split()[-1] for l in open("/proc/self/maps") if "openblas" in l]
library = ctypes.CDLL(libraries[0])
name = next(getattr(library, n) for n in ("scipy_openblas_get_corename64_",))
name.restype = ctypes.c_char_p
print(blas.better_kernels(open("/proc/cpuinfo").read(8192)), name().decode())
"""


def loaded(first: str = "", **variables: str) -> list[str]:
    env = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"} | variables
    code = CORE.format(first=first, left=variables.get("OPENBLAS_CORETYPE"))
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    if "IndexError" in done.stderr or "AttributeError" in done.stderr:
        pytest.skip("NumPy's wheel with its own OpenBLAS is not what is installed")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="reads Linux's /proc")
def test_what_openblas_loads() -> None:
    wanted, core = loaded()
    assert wanted in ("None", core)
    plain = loaded("import numpy")[1]
    assert loaded("import numpy")[1] == plain, "NumPy came first: nothing is changed"
    if wanted != "None":
        assert loaded(OPENBLAS_CORETYPE="Haswell")[1] == "Haswell", "the user's choice stands"
