"""`where` of a number and an array on the CPU: NumPy's results to the bit, and NumPy's dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import select

xp = namespace_for("cpu")


@pytest.fixture(autouse=True, params=[(1, 1), (7, 1 << 18)])
def _sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "LEAST", 1)
    monkeypatch.setattr(select, "BLOCK", request.param[0])
    monkeypatch.setattr(select, "SHARED", request.param[1])


def same(condition: Any, a: Any, b: Any) -> None:
    found, want = xp.where(condition, a, b), np.where(condition, a, b)
    assert found.dtype == want.dtype
    assert found.shape == want.shape
    assert found.tobytes() == want.tobytes()
    assert found.strides == want.strides or 0 in want.shape or 1 in want.shape


def values(shape: tuple[int, ...], dtype: Any) -> Any:
    x = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    x.reshape(-1)[:4] = (np.nan, -0.0, np.inf, -np.inf)[: x.size]
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "mask"),
    [
        ((5, 3, 4), (5, 3, 4)),
        ((5, 3, 4), (4,)),
        ((5, 3, 4), (5, 1, 1)),
        ((5, 3, 4), (1, 3, 1)),
        ((1, 1, 6, 4), (6, 4)),
        ((1, 6, 4), (1, 6, 4)),
        ((6,), ()),
    ],
)
def test_a_number_and_an_array(shape: Any, mask: Any, dtype: Any) -> None:
    x, condition = values(shape, dtype), values(mask, np.float32) > 0 if mask else np.array(True)
    for number in (0.0, -np.inf, np.nan, -0.0, 7, dtype(2.5), np.array(2.5, dtype)):
        same(condition, x, number)
        same(condition, number, x)


def test_other_operands_are_numpys() -> None:
    x = values((4, 6), np.float32)
    for condition, a, b in [
        (x > 0, x, x + 1),
        (x > 0, x.T.copy().T, 0.0),
        (x > 0, x, np.float64(2)),
        (x > 0, x, np.array([2.0], np.float32)),
        (x > 0, np.arange(24).reshape(4, 6), 0),
        (np.ones((3, 4, 6), bool), x, 0.0),
        (np.arange(6), x, 0.0),
        (x[:, :1] > 0, 1.0, 2.0),
        (x > 0, x, True),
        (np.ones((4, 0), bool), np.ones((4, 0), np.float32), 0.0),
    ]:
        same(condition, a, b)


def test_a_condition_in_any_memory_order() -> None:
    x = values((4, 6), np.float32)
    same((x.T > 0).T, x, 0.0)
    same((values((8, 6), np.float32) > 0)[::2], 0.0, x)
