"""What `backend/cpu/blas.py` does with OpenBLAS against the same in NumPy."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tinygrad_lite.backend.cpu import blas


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("m", "k", "length"),
    [(36, 36, 512 * 3 + 7), (16, 36, 1024), (64, 28, 5000), (3, 2, 10), (1000, 999, 70), (4, 4, 0)],
)
def test_a_long_product_in_pieces(
    m: int, k: int, length: int, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where rows are parts of longer ones, as in a range of channels."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, length + 9))
    b = b.astype(dtype)[:, 4 : length + 4]
    out = np.full((m, length + 3), np.nan, dtype)
    shapes = []
    matmul = np.matmul
    monkeypatch.setattr(
        np, "matmul", lambda x, y, out: shapes.append(out.shape) or matmul(x, y, out=out)
    )
    blas.multiply_long(a, b, out[:, 1:-2])
    np.testing.assert_allclose(
        out[:, 1:-2], a @ b, rtol=0, atol=1e-4 if dtype == np.float32 else 1e-10
    )
    assert np.isnan(out[:, :1]).all()
    assert np.isnan(out[:, -2:]).all()
    if (m, k) == (36, 36):
        assert shapes == [(3, 36, 512), (36, 7)]  # pieces, and what is left over
        assert m * k * 512 <= blas.SMALL < m * k * 1024
    if m == 1000:
        assert shapes == [(1000, 70)]  # too large for pieces


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("size", [0, 1, 1001, blas.SHORT + 1])
def test_axpby(dtype: Any, size: int) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, size)).astype(dtype)
    want = 0.25 * x + 1.5 * y
    blas.axpby(0.25, x, 1.5, y)
    np.testing.assert_allclose(y, want, rtol=2e-3 if dtype == np.float16 else 1e-6)


def in_a_process(code: str, **environment: str) -> str:
    """What a fresh process prints that has NumPy's products in threads; OpenBLAS's own alone."""
    given = {k: v for k, v in os.environ.items() if k != "OPENBLAS_THREAD_TIMEOUT"}
    given["OPENBLAS_NUM_THREADS"] = "2"
    text = (
        "import os, threading\nimport numpy as np\n"
        "a = np.random.default_rng(0).random((900, 900), np.float32)\nbefore = a @ a\n"
        f"{code}\n"
        "from tinygrad_lite.backend.cpu import blas\nlibrary = blas._library()[0]\n"
        "assert np.array_equal(a @ a, before)\n"
        "print(library.openblas_thread_timeout(), os.environ.get('OPENBLAS_THREAD_TIMEOUT'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", text],
        env=given | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.skipif(
    not hasattr(blas._library()[0], "blas_thread_shutdown_"), reason="another BLAS than OpenBLAS"
)
def test_idle_threads_of_blas_sleep_soon() -> None:
    """Unless the user wants them otherwise, or a product may be under way in another thread."""
    assert in_a_process("import tinygrad_lite") == "20 None\n"
    assert in_a_process("import tinygrad_lite", OPENBLAS_THREAD_TIMEOUT="12") == "12 12\n"
    wait = "end = threading.Event(); threading.Thread(target=end.wait).start()\n"
    assert in_a_process(f"{wait}import tinygrad_lite; end.set()") == "0 None\n"
