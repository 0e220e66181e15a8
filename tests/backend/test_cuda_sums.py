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


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (200, 100), (33, 65), (1024, 3)])
def test_rows(xp: Any, shape: tuple[int, int], dtype: str) -> None:
    host = np.random.default_rng(0).integers(-4, 5, shape).astype(dtype)
    found = xp.sum(xp.asarray(host), axis=(0,))
    assert cuda_host.launched() == ["sum_rows"]
    assert (found.dtype, found.base) == (dtype, None)
    np.testing.assert_array_equal(found.get(), host.sum(0, dtype="float64"))


@pytest.mark.parametrize("case", ["axis", "all", "turned", "integers", "long", "kept", "cube"])
def test_all_others_are_the_librarys(xp: Any, case: str) -> None:
    host = np.ones((2000 if case == "long" else 4, 3), "i8" if case == "integers" else "f4")
    host = host[None] if case == "cube" else host
    a = xp.asarray(host).T if case == "turned" else xp.asarray(host)
    axis = {"axis": 1, "all": None}.get(case, 0)
    expected = np.sum(a.get(), axis=axis, keepdims=case == "kept")
    np.testing.assert_array_equal(xp.sum(a, axis=axis, keepdims=case == "kept").get(), expected)
    assert cuda_host.launched() == []


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("size", [0, 1, 200, 5000])
def test_mean_of_all(xp: Any, size: int, dtype: str) -> None:
    host = np.random.default_rng(0).integers(-4, 5, size).astype(dtype)
    found = xp.mean_of_all(xp.asarray(host))
    assert cuda_host.launched() == (["mean_of_all"] if 0 < size < 5000 else [])
    assert (found.shape, found.dtype) == ((), dtype)
    expected = host.mean(dtype="float64") if size else np.nan
    np.testing.assert_allclose(found.get(), expected, rtol=1e-2 if dtype == "float16" else 1e-6)
