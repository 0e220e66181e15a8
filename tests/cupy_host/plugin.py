"""pytest's plugin: `python -m pytest -p tests.cupy_host.plugin -m gpu`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cuda_host.blas import ALLOWED
from tests.cupy_host.install import install, memory
from tinygrad_lite.backend.cuda import cublas, source

EMULATED = install()


class Blas:
    """cuBLAS on device memory, in NumPy."""

    def gemm(self, product: cublas.Product, *addresses: int) -> None:
        """See `Cublas.gemm`."""
        operations, sizes, batch = product.operations, product.sizes, product.batch
        compute, beta = product.compute, product.beta
        a, b, c = ((place, *operand) for place, operand in
                   zip(addresses, (product.a, product.b, product.c), strict=True))  # fmt: skip
        m, n, k = sizes
        assert (compute, a[1], c[1]) in ALLOWED
        assert min(m, n, k, batch) > 0
        numbers = (*operations, *sizes, *a[2:], *b[2:], *c[2:], a[0], b[0], c[0], batch)
        assert all(type(number) is int for number in numbers)
        left = _matrices(a, (k, m) if operations[0] else (m, k), batch)
        right = _matrices(b, (n, k) if operations[1] else (k, n), batch)
        out = _matrices(c, (m, n), batch)
        left = left.swapaxes(1, 2) if operations[0] else left
        right = right.swapaxes(1, 2) if operations[1] else right
        wide = np.float64 if compute == cublas.FLOAT64 else np.float32

        def work() -> None:
            with np.errstate(all="ignore"):
                y = np.matmul(left.astype(wide), right.astype(wide))
                out[...] = y if beta == 0 else y + wide(beta) * out

        EMULATED.do(work)


def _matrices(operand: Any, shape: tuple[int, int], batch: int) -> Any:
    """Column-major matrices (batch, rows, columns) at an address."""
    address, name, leading, step = operand
    rows, columns = shape
    assert leading >= rows
    flat = memory(address, name, (batch - 1) * step + (columns - 1) * leading + rows)
    strides = tuple(s * flat.itemsize for s in (step, 1, leading))
    return np.lib.stride_tricks.as_strided(flat, (batch, rows, columns), strides)


source.is_cupy = lambda library: False  # g++ compiles for every GPU
cublas.handle = lambda: Blas()  # type: ignore[assignment, return-value]
