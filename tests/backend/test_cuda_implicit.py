"""Convolution on the tensor cores against its plain form, run on the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lite
from tests import cuda_host
from tests.backend.test_cuda_conv import CPU, normal
from tests.cuda_host.device import emulated
from tinygrad_lite.backend import precision
from tinygrad_lite.backend.cuda import implicit as cuda_implicit
from tinygrad_lite.backend.plain import conv as plain_conv
from tinygrad_lite.backend.window import Window

pytestmark = pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")


@pytest.fixture
def xp() -> Iterator[Any]:
    tinygrad_lite.set_conv_algorithm("implicit")
    with emulated() as space:
        cuda_host.launched()
        yield space
    tinygrad_lite.set_conv_algorithm("auto")
    precision.set_conv_tf32(True)


def tf32(a: Any) -> Any:
    """Rounded to 10 bits of mantissa, half away from zero."""
    bits = np.ascontiguousarray(a, np.float32).view(np.uint32)
    return ((bits + 0x1000) & 0xFFFFE000).view(np.float32).astype(np.float64)


def close(found: Any, expected: Any) -> None:
    scale = np.abs(expected).max()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.get(), expected, rtol=0, atol=3e-6 * scale)


CASES = {  # N, C, H, W, M, window
    "one tile": (4, 4, 6, 6, 5, Window((3, 3), padding=(1, 1))),
    "uneven": (12, 8, 7, 5, 70, Window((3, 3), padding=(1, 1))),
    "two tiles of channels": (4, 4, 5, 5, 130, Window((3, 3))),
    "deep": (4, 36, 4, 4, 9, Window((3, 3), padding=(1, 1))),
    "stride and dilation": (8, 4, 11, 10, 6, Window((3, 3), (2, 1), (1, 2), (1, 2))),
    "1x1": (8, 8, 4, 4, 6, Window((1, 1))),
    "one channel": (4, 1, 5, 5, 4, Window((2, 2))),
    "2x5": (4, 2, 6, 9, 3, Window((2, 5), padding=(1, 2))),
}


@pytest.mark.parametrize("case", CASES)
def test_all_three_products(xp: Any, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The factors are rounded to TF32 and nothing else is."""
    n, c, height, width, m, window = CASES[case]
    x, weight, bias = normal(n, c, height, width), normal(m, c, *window.kernel), normal(m)
    dx, dw, db = (xp.asarray(a) for a in (x, weight, bias))
    y = plain_conv.conv2d(CPU, tf32(x), tf32(weight), bias.astype("float64"), window, 1)
    close(xp.conv2d(dx, dw, db, window, 1), y)
    close(xp.conv2d(dx, dw, None, window, 1), y - bias[:, None, None])
    assert set(cuda_host.launched()) == {"implicit_128" if m > 64 else "implicit_64"}
    g = normal(*y.shape, seed=1)
    expected = plain_conv.conv2d_weight_gradient(CPU, tf32(g), tf32(x), weight.shape, window, 1)
    for least in (1, 1000):  # many shares, and one
        monkeypatch.setattr(cuda_implicit, "LEAST_STEPS", least)
        close(xp.conv2d_weight_gradient(xp.asarray(g), dx, weight.shape, window, 1), expected)
    assert sorted(cuda_host.launched()) == ["implicit_total", *["implicit_weight"] * 2]
    assert xp.blas.calls == []
    expected = plain_conv.conv2d_input_gradient(CPU, tf32(g), tf32(weight), x.shape, window, 1)
    close_enough = window.stride == (1, 1) and m * np.prod(window.kernel) % 4 == 0
    found = xp.conv2d_input_gradient(xp.asarray(g), dw, x.shape, window, 1)
    if close_enough:
        close(found, expected)
    assert ("implicit_64" in cuda_host.launched()) == close_enough


@pytest.mark.parametrize("why", ["batch", "depth", "groups", "dtype", "exact", "auto", "address"])
def test_what_does_not_fit_goes_through_columns(xp: Any, why: str) -> None:
    n, c, groups, dtype = 4, 4, 1, "float32"
    if why == "batch":
        n = 6
    if why == "depth":
        c = 3
    if why == "groups":
        groups = 2
    if why == "dtype":
        dtype = "float64"
    if why == "exact":
        precision.set_conv_tf32(False)
    if why == "auto":
        tinygrad_lite.set_conv_algorithm("auto")
    image = xp.asarray(normal(c * 5 * 5 * n + 1).astype(dtype))[1 if why == "address" else 0 :]
    image = xp.reshape(image[: c * 25 * n], (c, 5, 5, n))
    x = xp.transpose(image, (3, 0, 1, 2))
    weight, window = xp.asarray(normal(4, c // groups, 3, 3).astype(dtype)), Window((3, 3))
    y = xp.conv2d(x, weight, None, window, groups)
    xp.conv2d_weight_gradient(y, x, weight.shape, window, groups)
    expected = plain_conv.conv2d(CPU, x.get(), weight.get(), None, window, groups)
    np.testing.assert_allclose(y.get(), expected, rtol=1e-4, atol=1e-4)
    assert not any("implicit" in name for name in cuda_host.launched())


def test_sizes_are_those_of_the_kernel_file() -> None:
    text = cuda_implicit.__file__.replace("implicit.py", "kernels/conv_implicit.cu")
    with open(text, encoding="utf-8") as file:
        source = file.read()
    assert f"WIDE_TILE = {cuda_implicit.TILE}, STEP = {cuda_implicit.STEP}" in source
    assert f"STAGES = {cuda_implicit.STAGES};" in source
