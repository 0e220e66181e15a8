"""Convolution on Hopper's tensor cores against its plain form, run on the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests import cuda_host
from tests.backend.test_cuda_conv import CPU, normal
from tests.cuda_host.device import emulated
from tinygrad_lite.backend import namespace_for, precision
from tinygrad_lite.backend.algorithm import set_conv_algorithm
from tinygrad_lite.backend.cuda import hopper, source
from tinygrad_lite.backend.dtypes import as_dtype
from tinygrad_lite.backend.plain import conv as plain_conv
from tinygrad_lite.backend.window import Window


@pytest.fixture
def xp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The emulated device; a few positions are enough there."""
    if cuda_host.COMPILER is None:
        pytest.skip("needs g++")
    monkeypatch.setattr(hopper, "LEAST", dict.fromkeys(hopper.LEAST, 4))
    monkeypatch.setattr(hopper, "LEAST_OF_HALF", 4)
    with emulated() as space:
        cuda_host.launched()
        yield space
    precision.set_conv_tf32(True)
    set_conv_algorithm("auto")
    hopper._shares.cache_clear()


def tf32(a: Any) -> Any:
    """Rounded to 10 bits of mantissa, half away from zero."""
    return cut((np.ascontiguousarray(a).view(np.uint32) + 0x1000).view(np.float32))


def close(found: Any, expected: Any, tolerance: float = 3e-6) -> None:
    scale = np.abs(expected).max()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.get(), expected, rtol=0, atol=tolerance * scale)


def cut(a: Any) -> Any:
    """Cut off after 10 bits of mantissa."""
    bits = np.ascontiguousarray(a, np.float32).view(np.uint32)
    return (bits & 0xFFFFE000).view(np.float32).astype(np.float64)


def share(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Cut sums into so many shares, where they are long enough."""
    monkeypatch.setattr(hopper, "MOST_SHARES", most)
    monkeypatch.setattr(hopper, "START", 0)
    hopper._shares.cache_clear()
    source.forget_plans()


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


HALVES = {  # N, C, H, W, M, window
    "uneven": (16, 64, 3, 5, 72, Window((3, 3), padding=(1, 1))),
    "stride": (8, 64, 6, 7, 64, Window((2, 3), (2, 1), (1, 0), (2, 1))),
}


@pytest.mark.parametrize("case", HALVES)
def test_16_bits(xp: Any, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Factors as they are, sums in float32."""
    n, c, height, width, m, window = HALVES[case]
    x, weight = normal(n, c, height, width, dtype="float16"), normal(m, c, *window.kernel)
    weight = (weight / 16).astype("float16")
    dx, dw = xp.asarray(x), xp.asarray(weight)
    exact = [a.astype("float64") for a in (x, weight)]
    y = plain_conv.conv2d(CPU, *exact, None, window, 1)
    g = normal(*y.shape, seed=1, dtype="float16")
    for most in (4, 1):
        share(monkeypatch, most)
        found = xp.conv2d(dx, dw, None, window, 1)
        assert found.dtype == "float16"
        close(found, y, 1e-3)
        of_weight = plain_conv.conv2d_weight_gradient(
            CPU, g.astype("float64"), exact[0], weight.shape, window, 1
        )
        close(
            xp.conv2d_weight_gradient(xp.asarray(g), dx, weight.shape, window, 1), of_weight, 1e-3
        )
    assert {"hopper_total", "hopper_weight"} < set(cuda_host.launched())
    if window.stride == (1, 1) and m % 64 == 0:
        of_input = plain_conv.conv2d_input_gradient(
            CPU, g.astype("float64"), exact[1], x.shape, window, 1
        )
        close(xp.conv2d_input_gradient(xp.asarray(g), dw, x.shape, window, 1), of_input, 1e-3)
    assert xp.blas.calls == []


@pytest.mark.parametrize(
    "why", ["batch", "depth", "groups", "dtype", "exact", "asked", "address", "few", ""]
)
def test_what_does_not_fit_goes_through_columns(xp: Any, why: str) -> None:
    n = 6 if why == "batch" else 4
    c = 16 if why == "depth" else 32
    groups = 2 if why == "groups" else 1
    if why == "few":
        hopper.LEAST["output"] = hopper.LEAST["weight"] = 5
    dtype = "float64" if why == "dtype" else "float32"
    precision.set_conv_tf32(why != "exact")
    set_conv_algorithm("im2col" if why == "asked" else "auto")
    image = xp.asarray(normal(c * 9 * n + 1).astype(dtype))[1 if why == "address" else 0 :]
    x = xp.transpose(xp.reshape(image[: c * 9 * n], (c, 3, 3, n)), (3, 0, 1, 2))
    weight, window = xp.asarray(normal(4, c // groups, 3, 3).astype(dtype)), Window((3, 3))
    y = xp.conv2d(x, weight, None, window, groups)
    expected = plain_conv.conv2d(CPU, x.get(), weight.get(), None, window, groups)
    np.testing.assert_allclose(y.get(), expected, rtol=1e-2, atol=1e-2)
    xp.conv2d_weight_gradient(y, x, weight.shape, window, groups)
    assert any("hopper" in name for name in cuda_host.launched()) == (why == "")


def test_shares_fill_the_gpu() -> None:
    """More than one where there are few tiles, and none where a GPU is full anyway."""
    for tiles, steps, shares in ((512, 18, 1), (256, 36, 1), (128, 72, 2), (32, 144, 8), (4, 3, 3)):
        share, found = hopper._shares(tiles, steps)
        assert (found, share * found >= steps > share * (found - 1)) == (shares, True)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 2e-3), ("float16", 2e-3), ("bfloat16", 2e-2)]
)
def test_on_a_gpu(dtype: str, tolerance: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """All three products, twice the same bits, with sums in one share and in several."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU")
    cuda = namespace_for("cuda")
    if not source.is_hopper(cuda.library):
        pytest.skip("needs compute capability 9.0")
    kind, window = as_dtype(dtype), Window((3, 3), padding=(1, 1))
    x, w, g = normal(24, 64, 5, 6), normal(192, 64, 3, 3) / 24, normal(24, 192, 5, 6, seed=1)
    exact = [a.astype("float64") for a in (x, w, g)]
    dx, dw, dg = (cuda.asarray(a.astype(kind)) for a in (x, w, g))
    expected = [
        plain_conv.conv2d(CPU, exact[0], exact[1], None, window, 1),
        plain_conv.conv2d_weight_gradient(CPU, exact[2], exact[0], w.shape, window, 1),
        plain_conv.conv2d_input_gradient(CPU, exact[2], exact[1], x.shape, window, 1),
    ]
    seen: list[str] = []

    def spy(*args: Any, **words: Any) -> Any:
        seen.append(args[2])
        return source.prepare(*args, **words)

    monkeypatch.setattr(hopper, "prepare", spy)
    monkeypatch.setattr(hopper, "LEAST", dict.fromkeys(hopper.LEAST, 0))
    monkeypatch.setattr(hopper, "LEAST_OF_HALF", 0)
    for most in (4, 1):
        share(monkeypatch, most)
        for _ in range(2):
            found = [
                cuda.conv2d(dx, dw, None, window, 1),
                cuda.conv2d_weight_gradient(dg, dx, w.shape, window, 1),
                cuda.conv2d_input_gradient(dg, dw, x.shape, window, 1),
            ]
            hosts = [a.get().astype("float64") for a in found]
            for host, want in zip(hosts, expected, strict=True):
                assert np.linalg.norm(host - want) <= tolerance * np.linalg.norm(want)
        again = cuda.conv2d(dx, dw, None, window, 1).get().astype("float64")
        np.testing.assert_array_equal(again, hosts[0])
        assert {"hopper_128", "hopper_64", "hopper_weight", "hopper_turn"} <= set(seen)
