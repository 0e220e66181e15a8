"""The CPU's elementwise kernels against their plain form."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_lite.backend import cpu_elementwise as cpu
from tinygrad_lite.backend import namespace_for, plain


@pytest.fixture(params=[1, 10, cpu.SHARED])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """From which size on the blocks are taken; some are smaller than a block."""
    monkeypatch.setattr(cpu, "SHARED", request.param)
    monkeypatch.setattr(cpu, "BLOCK", 7)
    return int(request.param)


def orders(shape: tuple[int, ...]) -> list[np.ndarray]:
    """The same kind of numbers in row-major, batch-innermost and strided memory."""
    rng = np.random.default_rng(1)
    base = rng.standard_normal((*shape[:-1], 2 * shape[-1])).astype(np.float32)
    dense = np.ascontiguousarray(base[..., ::2])
    return [
        dense,
        np.moveaxis(np.ascontiguousarray(np.moveaxis(dense, 0, -1)), -1, 0),
        base[..., ::2],
    ]


@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 5), (2, 0)])
def test_relu_and_its_gradient(shape: tuple[int, ...], small: int) -> None:
    xp = namespace_for("cpu")
    xs = orders(shape) if shape else [np.array(-1.5), np.array(2.0)]
    for x in xs:
        for g in orders(shape) if shape else [np.array(3.0)]:
            if x.size > 2:
                x.flat[1], x.flat[2] = np.nan, 0.0
            before = x.copy()
            y = np.asarray(cpu.relu(xp, x))
            np.testing.assert_array_equal(y, plain.relu(xp, x))
            dx = np.asarray(cpu.relu_gradient(xp, g, y))
            np.testing.assert_array_equal(dx, plain.relu_gradient(xp, g, y))
            assert y.dtype == dx.dtype == x.dtype
            assert not np.shares_memory(dx, g)
            np.testing.assert_array_equal(x, before)


def test_a_large_array_goes_through_the_blocks_and_keeps_its_order() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 33, 32, 32)).astype(np.float32).transpose(3, 0, 1, 2)
    g = rng.standard_normal(x.shape).astype(np.float32)
    assert x.size > 2 * cpu.SHARED
    xp = namespace_for("cpu")
    y = cpu.relu(xp, x)
    assert y.strides == x.strides
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    for cotangent in (
        g,
        g.copy(order="F"),
        np.ascontiguousarray(g.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2),
    ):
        dx = cpu.relu_gradient(xp, cotangent, y)
        np.testing.assert_array_equal(dx, np.where(x > 0, cotangent, 0))
