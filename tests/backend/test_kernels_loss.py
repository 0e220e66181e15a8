"""The CPU's softmax against its plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.backend.test_kernels_norm import same
from tests.strategies import LAYOUTS
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import loss as cpu
from tinygrad_lite.backend.plain import loss as plain

XP = namespace_for("cpu")


@pytest.fixture(params=["one row at a time", "all at once"], autouse=True)
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "SMALL", 0)
    if "one" in request.param:
        monkeypatch.setattr(cpu, "BLOCK", 1)
        monkeypatch.setattr(cpu, "SHARED", 1)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from(["small", "large", "far below 0", "some at minus infinity", "not a number"]),
    st.sampled_from([*LAYOUTS]),
    st.data(),
)
def test_softmax(shape: tuple[int, ...], dtype: Any, size: str, order: str, data: Any) -> None:
    rng = np.random.default_rng(sum(shape))
    x = rng.standard_normal(shape)
    x = {"large": x * 1e4, "far below 0": x - 1e3}.get(size, x)
    if size.startswith("some"):
        x[rng.random(shape) < 0.4] = -np.inf
        x[..., 0] = 1
    if size == "not a number":
        x[rng.random(shape) < 0.2] = np.nan
    x, g = (LAYOUTS[order](XP, a.astype(dtype)) for a in (x, rng.standard_normal(shape)))
    axis = data.draw(st.sampled_from([-1, len(shape) - 1]))
    y = cpu.softmax(XP, x, axis)
    same(y, plain.softmax(XP, x, axis), dtype)
    same(cpu.softmax_gradient(XP, g, y, axis), plain.softmax_gradient(XP, g, y, axis), dtype)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([*LAYOUTS]),
    st.booleans(),
)
def test_poisson_error(shape: tuple[int, ...], dtype: Any, order: str, one: bool) -> None:
    rng = np.random.default_rng(sum(shape))
    x = LAYOUTS[order](XP, rng.standard_normal(shape).astype(dtype))
    t = rng.random(shape[-1:] if one else shape).astype(dtype)
    same(cpu.poisson_error(XP, x, t), plain.poisson_error(XP, x, t), dtype)


def test_poisson_error_is_rounded_once_before_it_is_subtracted() -> None:
    x = np.random.default_rng(0).uniform(-5, 5, 5000).astype(np.float32)
    _, e = cpu.poisson_error(XP, x, x)
    exact = np.exp(x.astype(np.float64))
    assert np.all(np.abs(e - exact) <= np.spacing(e) / 2)
