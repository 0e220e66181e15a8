"""cuBLAS on the host: `Blas` takes what `backend.cublas.Cublas` takes, and checks it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from tests import strict
from tinygrad_lite.backend.cuda.cublas import FLOAT32, FLOAT64, TF32, Product

ALLOWED = {  # compute type: the dtypes of A and B, and those of C
    (FLOAT64, "float64", "float64"),
    (FLOAT32, "float32", "float32"),
    (TF32, "float32", "float32"),
    (FLOAT32, "float16", "float16"),
    (FLOAT32, "float16", "float32"),
    (FLOAT32, "bfloat16", "bfloat16"),
    (FLOAT32, "bfloat16", "float32"),
}


class Blas:
    """A handle whose products run in NumPy, on memory that strict arrays own."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def gemm(self, product: Product, *addresses: int) -> None:
        """See `Cublas.gemm`; raises for what cuBLAS refuses."""
        operations, sizes, batch = product.operations, product.sizes, product.batch
        compute, beta = product.compute, product.beta
        a, b, c = ((place, *operand) for place, operand in
                   zip(addresses, (product.a, product.b, product.c), strict=True))  # fmt: skip
        m, n, k = sizes
        self.calls.append({"operations": operations, "sizes": sizes, "batch": batch,
                           "compute": compute, "beta": beta,
                           "addresses": (a[0], b[0], c[0])})  # fmt: skip
        assert a[1] == b[1]
        assert (compute, a[1], c[1]) in ALLOWED
        assert min(m, n, k, batch) > 0
        left = _matrices(a, (k, m) if operations[0] else (m, k), batch)
        right = _matrices(b, (n, k) if operations[1] else (k, n), batch)
        out = _matrices(c, (m, n), batch)
        assert batch == 1 or c[3] != 0, "the products would overwrite each other"
        left = left.swapaxes(1, 2) if operations[0] else left
        right = right.swapaxes(1, 2) if operations[1] else right
        wide = np.float64 if compute == FLOAT64 else np.float32

        def run() -> None:
            with np.errstate(all="ignore"):  # cuBLAS does not warn
                y = np.matmul(left.astype(wide), right.astype(wide))
                out[...] = y if beta == 0 else y + wide(beta) * out

        strict._do(run, (left, right, out))


def _matrices(operand: Any, shape: tuple[int, int], batch: int) -> Any:
    """Column-major matrices (batch, rows, columns) at an address."""
    address, name, leading, step = operand
    rows, columns = shape
    dtype = np.dtype(name)  # bfloat16 is known if ml_dtypes was imported
    assert leading >= rows
    assert address % dtype.itemsize == 0
    extent = ((batch - 1) * step + (columns - 1) * leading + rows) * dtype.itemsize
    assert any(_holds(a, address, extent) for a in list(strict._owners.values())), (
        f"{extent} bytes at the address are in no one array"
    )
    memory = np.frombuffer((ctypes.c_char * extent).from_address(address), dtype)
    strides = tuple(s * dtype.itemsize for s in (step, 1, leading))
    return np.lib.stride_tricks.as_strided(memory, (batch, rows, columns), strides)


def _holds(array: Any, address: int, extent: int) -> bool:
    low, high = np.lib.array_utils.byte_bounds(array._host)
    return bool(low <= address and address + extent <= high)
