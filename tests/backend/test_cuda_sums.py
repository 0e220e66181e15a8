"""CUDA's sums, run on the host, against NumPy's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests import cuda_host
from tests.cuda_host.device import emulated

pytestmark = pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")


@pytest.fixture
def xp() -> Iterator[Any]:
    with emulated() as space:
        cuda_host.launched()
        yield space


DTYPES = ["float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 2), (200, 100), (33, 65), (1024, 3), (40, 5, 7)])
def test_rows(xp: Any, shape: tuple[int, ...], dtype: str) -> None:
    host = np.random.default_rng(0).integers(-4, 5, shape).astype(dtype)
    found = xp.sum(xp.asarray(host), axis=(0,))
    assert cuda_host.launched() == ["sum_rows"]
    assert (found.dtype, found.base) == (dtype, None)
    np.testing.assert_array_equal(found.get(), host.sum(0, dtype="float64"))


LONG = [
    # shape, axes, memory order, kernels
    ((5000, 3), 0, (0, 1), 2),
    ((3000, 300), 0, (0, 1), 2),
    ((2, 3, 1500), (0, 2), (0, 1, 2), 2),
    ((3, 2, 16, 16), (0, 2, 3), (0, 1, 2, 3), 2),
    ((4, 2, 50, 50), (0, 2, 3), (1, 2, 3, 0), 2),  # the order of activations
    ((4, 3, 40, 40), (0, 2, 3), (0, 1, 2, 3), 2),
    ((6, 1030), 1, (0, 1), 1),
    ((9000,), None, (0,), 2),
    ((3, 1, 90, 50), (-2,), (0, 1, 2, 3), 1),
    ((2, 3, 70, 5), (0, 2), (0, 1, 2, 3), 2),
    ((1500, 3), 1, (1, 0), 2),
    ((1, 2000, 257), (0, 1), (0, 1, 2), 2),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("shape", "axis", "order", "launches"), LONG)
def test_runs(
    xp: Any, shape: Any, axis: Any, order: Any, launches: int, keepdims: bool, dtype: str
) -> None:
    """Whole numbers, and their sums below 2¹¹: exact in every dtype and order of additions."""
    host = np.random.default_rng(0).integers(-1, 2, [shape[k] for k in order]).astype(dtype)
    host = host.transpose(np.argsort(order))
    want = host.sum(axis, dtype="float64", keepdims=keepdims)
    names = ["sum_runs", "sum_parts"][:launches]
    if axis == 1 and order == (1, 0):
        names = ["sum_rows"]  # three columns in memory, of which each is a row
        want = host.sum(1, dtype="float64", keepdims=keepdims)
    found = xp.sum(xp.asarray(host), axis=axis, keepdims=keepdims)
    assert cuda_host.launched() == names
    assert (found.dtype, found.shape) == (dtype, want.shape)
    np.testing.assert_array_equal(found.get(), want)


def test_many_numbers_keep_their_digits(xp: Any) -> None:
    host = np.random.default_rng(0).random((40_000, 3), dtype=np.float32)
    found = xp.sum(xp.asarray(host), axis=0).get()
    np.testing.assert_allclose(found, host.sum(0, dtype="float64"), rtol=6e-8)


@pytest.mark.parametrize(
    "case", ["axis", "all", "integers", "one row", "dtype", "gaps", "alternating", "thin"]
)
def test_all_others_are_the_librarys(xp: Any, case: str) -> None:
    host = np.ones((4, 3, 3, 3), "i8" if case == "integers" else "f4")
    a = xp.asarray(host)
    if case == "gaps":
        a = a[:, ::2]
    elif case == "one row":
        a = a[:1]
    axis = {"axis": 3, "all": None, "alternating": (1, 3), "thin": 1}.get(case, 0)
    dtype = "float64" if case == "dtype" else None
    expected = np.sum(a.get(), axis=axis, dtype=dtype)
    np.testing.assert_array_equal(xp.sum(a, axis=axis, dtype=dtype).get(), expected)
    assert cuda_host.launched() == []


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [0, 1, 200, 5000])
def test_mean_of_all(xp: Any, size: int, dtype: str) -> None:
    host = np.random.default_rng(0).integers(-4, 5, size).astype(dtype)
    found = xp.mean_of_all(xp.asarray(host))
    assert cuda_host.launched() == {
        0: [], 1: ["mean_of_all"], 200: ["mean_of_all"], 5000: ["sum_runs"]
    }[size]  # fmt: skip
    assert (found.shape, found.dtype) == ((), dtype)
    expected = host.mean(dtype="float64") if size else np.nan
    np.testing.assert_allclose(found.get(), expected, rtol=1e-2 if dtype == "float16" else 1e-6)
