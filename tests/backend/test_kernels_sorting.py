"""The CPU's few of many against its plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import sorting as cpu
from tinygrad_lite.backend.plain import sorting as plain

XP = namespace_for("cpu")


@pytest.fixture(params=["rows as they are", "groups first"], autouse=True)
def groups(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "groups" in request.param:
        monkeypatch.setattr(cpu, "LONG", 1)
        monkeypatch.setattr(cpu, "SHORT", 1)


@given(
    st.integers(1, 3),
    st.integers(8, 90),
    st.integers(1, 3),
    st.sampled_from(["f4", "f8", "i4", "i8", "u1"]),
    st.sampled_from(["few values", "many", "none a number", "infinite", "zeros of both signs"]),
    st.booleans(),
    st.booleans(),
)
def test_few_of_many(
    rows: int, n: int, k: int, dtype: str, values: str, largest: bool, last: bool
) -> None:
    rng = np.random.default_rng(rows * n)
    a = rng.integers(0, 5, (rows, n)) if values == "few values" else rng.normal(0, 50, (rows, n))
    a = a.astype(np.float64)
    if dtype.startswith("f"):
        special = {"none a number": [np.nan, -np.nan], "infinite": [np.inf, -np.inf]}
        a[rng.random(a.shape) < 0.2] = special.get(values, [-0.0])[0]
        a[rng.random(a.shape) < 0.2] = special.get(values, [0.0])[-1]
    a = np.abs(a).astype(dtype) if dtype == "u1" else a.astype(dtype)
    a, axis = (a, 1) if last else (np.asfortranarray(a).T, 0)
    found = cpu.argtopk(XP, a, k, axis, largest)
    wanted = plain.argtopk(XP, a, k, axis, largest)
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    picked, want = (np.take_along_axis(a, i, axis) for i in (found, wanted))
    np.testing.assert_array_equal(picked, want)
    every: Any = np.sort(found, axis=axis)
    assert (np.diff(every, axis=axis) > 0).all()  # no place twice
    ahead, behind = (np.delete(picked, i, axis) for i in (-1, 0))
    equal = ahead == behind
    assert (np.diff(found, axis=axis)[equal] > 0).all()  # equal ones keep their order


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("value", [np.nan, -np.nan])
def test_none_a_number_is_the_largest(value: float, largest: bool) -> None:
    a = np.arange(40, dtype=np.float32)[None] - 20
    a[0, 7] = value
    assert cpu.argtopk(XP, a, 2, 1, largest).tolist() == ([[7, 39]] if largest else [[0, 1]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 50, 100, 101, 1000])
@pytest.mark.parametrize("values", ["many", "few", "a NaN", "infinite", "zeros of both signs"])
def test_few_of_one_row(values: str, n: int, dtype: Any) -> None:
    rng = np.random.default_rng(n)
    a = rng.normal(0, 9, n).astype(dtype)
    if values == "few":
        a = rng.integers(0, 3, n).astype(dtype)
    elif values == "a NaN":
        a[n // 2] = np.nan
    elif values == "infinite":
        a = np.where(rng.random(n) < 0.9, np.array(-np.inf, dtype), a)
        a[1] = np.inf
    elif values != "many":
        a = np.copysign(np.zeros(n, dtype), a)
    before = a.copy()
    for signed in (a, -a, a[::-1], np.repeat(a, 2)[::2]):
        for k in (1, 3):
            for largest in (True, False):
                found = cpu.argtopk(XP, signed, k, 0, largest)
                assert found.dtype == np.int64
                np.testing.assert_array_equal(found, plain.argtopk(XP, signed, k, 0, largest))
    np.testing.assert_array_equal(a, before)
