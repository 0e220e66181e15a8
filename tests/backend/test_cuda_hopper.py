"""Convolution on Hopper's tensor cores against its plain form, run on the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests import cuda_host
from tests.backend.test_cuda_conv import CPU, normal
from tests.backend.test_cuda_implicit import close, tf32
from tests.cuda_host.device import emulated
from tinygrad_lite.backend import precision
from tinygrad_lite.backend.cuda import hopper
from tinygrad_lite.backend.plain import conv as plain_conv
from tinygrad_lite.backend.window import Window

pytestmark = pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")


@pytest.fixture
def xp() -> Iterator[Any]:
    with emulated() as space:
        cuda_host.launched()
        yield space
    precision.set_conv_tf32(True)
    hopper._shares.cache_clear()


def cut(a: Any) -> Any:
    """Cut off after 10 bits of mantissa."""
    bits = np.ascontiguousarray(a, np.float32).view(np.uint32)
    return (bits & 0xFFFFE000).view(np.float32).astype(np.float64)


def share(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Cut sums into so many shares, where they are long enough."""
    monkeypatch.setattr(hopper, "MOST_SHARES", most)
    monkeypatch.setattr(hopper, "START", 0)
    hopper._shares.cache_clear()


CASES = {  # N, C, H, W, M, window
    "uneven": (12, 64, 5, 3, 68, Window((3, 3), padding=(1, 1))),
    "more than a tile": (8, 32, 5, 5, 160, Window((3, 3), padding=(1, 1))),
    "stride and dilation": (8, 32, 6, 7, 8, Window((3, 2), (2, 1), (1, 2), (1, 2))),
    "1x1": (8, 64, 4, 5, 32, Window((1, 1))),
}


@pytest.mark.parametrize("case", CASES)
def test_all_three_products(xp: Any, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes through registers is rounded to TF32, what through shared memory cut off."""
    n, c, height, width, m, window = CASES[case]
    x, weight, bias = normal(n, c, height, width), normal(m, c, *window.kernel), normal(m)
    dx, dw, db = (xp.asarray(a) for a in (x, weight, bias))
    y = plain_conv.conv2d(CPU, tf32(x), cut(weight), bias.astype("float64"), window, 1)
    kernel = "hopper_128" if m > 64 else "hopper_64"
    for most in (4, 1):  # several shares of the sum, and one
        share(monkeypatch, most)
        close(xp.conv2d(dx, dw, db, window, 1), y)
        close(xp.conv2d(dx, dw, None, window, 1), y - bias[:, None, None])
        many = ["hopper_total"] if most > 1 and c * np.prod(window.kernel) > 32 else []
        assert cuda_host.launched() == [kernel, *many] * 2
    g = normal(*y.shape, seed=1)
    expected = plain_conv.conv2d_weight_gradient(CPU, cut(g), cut(x), weight.shape, window, 1)
    for most in (4, 1):
        share(monkeypatch, most)
        close(xp.conv2d_weight_gradient(xp.asarray(g), dx, weight.shape, window, 1), expected)
    assert cuda_host.launched() == ["hopper_weight", "hopper_total", "hopper_weight"]
    if window.stride == (1, 1) and m % 32 == 0:
        expected = plain_conv.conv2d_input_gradient(CPU, tf32(g), cut(weight), x.shape, window, 1)
        close(xp.conv2d_input_gradient(xp.asarray(g), dw, x.shape, window, 1), expected)
        assert cuda_host.launched() == ["hopper_turn", "hopper_64"]
    assert xp.blas.calls == []
