"""Sums keep float32's digits, along every axis and in every memory order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as torch
from tests import strict
from tests.strategies import LAYOUTS
from tinygrad_lite import nn
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import sums
from tinygrad_lite.backend.plain import sums as plain
from tinygrad_lite.nn import functional as F

XP = namespace_for("cpu")
Array = np.ndarray[Any, Any]
EPS = 6e-8  # half of float32's last digit


@st.composite
def summands(draw: Any) -> tuple[Array, Any, bool]:
    """An array in some order of memory, the axes to sum over, and whether they stay."""
    sizes = st.sampled_from([1, 2, 3, 7, 16, 33, 50, 64, 100, 129])
    shape = draw(st.lists(sizes, min_size=1, max_size=4).filter(lambda s: np.prod(s) < 300_000))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    a = rng.random(shape, dtype=np.float32).astype(draw(st.sampled_from([np.float32, float])))
    order = draw(st.permutations(range(a.ndim)))
    a = np.ascontiguousarray(a.transpose(order)).transpose(np.argsort(order))
    layout = draw(st.sampled_from(["as it is", *LAYOUTS]))
    a = a if layout == "as it is" else LAYOUTS[layout](XP, a)
    axes = draw(
        st.lists(st.integers(-a.ndim, a.ndim - 1), min_size=1, unique_by=lambda k: k % a.ndim)
    )
    axis = draw(st.sampled_from([None, tuple(axes), axes[0]]))
    return a, axis, draw(st.booleans())


@given(summands())
def test_a_sum_is_right_to_the_last_digits(drawn: tuple[Array, Any, bool]) -> None:
    a, axis, keepdims = drawn
    want = np.sum(a, axis=axis, dtype=np.longdouble, keepdims=keepdims)
    y = XP.sum(a, axis=axis, keepdims=keepdims)
    assert y.dtype == a.dtype
    assert y.shape == want.shape
    rtol = 8 * np.finfo(a.dtype).eps
    np.testing.assert_allclose(y, want.astype(float), rtol=rtol)
    np.testing.assert_allclose(plain.sum(XP, a, axis=axis, keepdims=keepdims), y, rtol=3e-5)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.int64, np.float16, complex])
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_other_dtypes_are_as_numpy_has_them(dtype: Any, axis: Any) -> None:
    a = np.arange(80 * 3).reshape(80, 3).astype(dtype)
    for kernel in (XP.sum, lambda *args, **words: plain.sum(XP, *args, **words)):
        y, want = kernel(a, axis=axis), np.sum(a, axis=axis)
        np.testing.assert_array_equal(y, want)
        assert y.dtype == want.dtype
        if dtype is not complex:
            assert kernel(a, axis=axis, dtype="float32").dtype == np.float32


@pytest.mark.parametrize("values", [[np.inf, 1.0], [np.inf, -np.inf], [np.nan, 1.0], [3e38, -3e38]])
def test_special_values(values: list[float]) -> None:
    a = np.zeros((400, 3), np.float32)
    a[[5, 300], 1] = values
    with np.errstate(all="ignore"):
        for order in ("C", "F"):
            b = np.asarray(a, order=order)  # type: ignore[call-overload]
            np.testing.assert_array_equal(XP.sum(b, axis=0), [0, np.sum(np.float32(values)), 0])


LONG = (60_000, 32, 3)


def test_where_row_by_row_goes_wrong(device: str) -> None:
    """The shapes of reports: each was off in the first to fifth digit."""
    x = torch.tensor(np.random.default_rng(0).random(LONG, dtype=np.float32), device=device)
    exact = x.numpy().astype(float) if device == "cpu" else x.cpu().numpy().astype(float)
    for found, want in (
        (x.mean((0, 1)), exact.mean((0, 1))),
        (x.sum(0), exact.sum(0)),
        (x.var((0, 1)), exact.var((0, 1), ddof=1)),
        (x.std(0), exact.std(0, ddof=1)),
        (x.norm(dim=0), np.sqrt((exact**2).sum(0))),
        (x.logsumexp((0, 1)), np.log(np.exp(exact).sum((0, 1)))),
    ):
        np.testing.assert_allclose(found.cpu().numpy(), want, rtol=4e-7)


def test_what_stands_still_at_two_to_the_24th() -> None:
    assert torch.ones(17_000_000).cumsum(0)[-1].item() == 17_000_000
    assert torch.ones(18_000_000, 2).mean(0).tolist() == [1, 1]
    assert torch.ones(9_000_000, 2).expand(2, 9_000_000, 2).sum((0, 1)).tolist() == [18e6, 18e6]


def test_a_deviation_beside_a_large_mean() -> None:
    x = np.random.default_rng(0).normal(1e6, 1, (10_000, 2)).astype(np.float32)
    found = torch.tensor(x).var(0).numpy()
    np.testing.assert_allclose(found, x.astype(float).var(0, ddof=1), rtol=1e-6)


@pytest.mark.parametrize("shape", [(100_000,), (3, 40_000), (40_000, 3), (40, 1000, 3), (2, 5)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_running_sums(shape: tuple[int, ...], order: Any) -> None:
    x = np.random.default_rng(0).random(shape, dtype=np.float32)
    a = np.asarray(x, order=order)
    for axis in range(-1, a.ndim):
        want = np.cumsum(x, axis=axis, dtype=float)
        for y in (XP.cumsum(a, axis=axis), plain.cumsum(XP, a, axis=axis)):
            np.testing.assert_allclose(y, want, rtol=2 * EPS)
            assert y.dtype == np.float32
            assert y.flags.writeable
    backwards = np.cumsum(x[::-1], axis=0, dtype=float)
    np.testing.assert_allclose(XP.cumsum(a[::-1], axis=0), backwards, rtol=2 * EPS)


def test_gradients_over_many_rows(device: str) -> None:
    """Un-broadcasting in the walk, a linear layer's bias, and both normalisations."""
    rng = np.random.default_rng(0)
    n = 200_000
    x = torch.tensor(rng.random((n, 4), dtype=np.float32), device=device)
    g = rng.random((n, 4), dtype=np.float32)
    exact = g.astype(float).sum(0)
    b = torch.zeros(4, device=device, requires_grad=True)
    (x + b).backward(torch.tensor(g, device=device))
    assert b.grad is not None
    np.testing.assert_allclose(b.grad.cpu().numpy(), exact, rtol=4e-7)
    for layer in (nn.Linear(4, 4), nn.BatchNorm1d(4), nn.LayerNorm(4)):
        layer.to(device)(x).backward(torch.tensor(g, device=device))
        np.testing.assert_allclose(layer.bias.grad.cpu().numpy(), exact, rtol=4e-7)


def test_a_convolutions_bias_over_many_places() -> None:
    g = np.random.default_rng(0).random((40, 3, 100, 100), dtype=np.float32)
    x = torch.zeros(40, 2, 100, 100)
    for channels_last in (False, True):
        b = torch.zeros(3, requires_grad=True)
        y = F.conv2d(x, torch.zeros(3, 2, 1, 1), b)
        moved = np.moveaxis(np.ascontiguousarray(np.moveaxis(g, 0, -1)), -1, 0)
        y.backward(torch.tensor(moved if channels_last else g))
        assert b.grad is not None
        np.testing.assert_allclose(b.grad.numpy(), g.astype(float).sum((0, 2, 3)), rtol=3e-7)


def test_long_dot_products() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 3, 5 * sums.PIECE + 17), dtype=np.float32)
    exact = a.astype(float), b.astype(float)
    np.testing.assert_allclose(sums.row_sums(a), exact[0].sum(1), rtol=2 * EPS)
    np.testing.assert_allclose(sums.row_dots(a, b), (exact[0] * exact[1]).sum(1), rtol=2 * EPS)


def test_batch_norm_of_a_matrix_with_a_large_mean() -> None:
    """Its mean, rounded to float32, is all that is lost; PyTorch is off by 0.12 to 0.17 here."""
    rng = np.random.default_rng(0)
    x, g = rng.normal(1e6, 1, (256, 8)).astype(np.float32), rng.normal(size=(256, 8))
    found = {}
    for dtype in (np.float32, np.float64):
        a = torch.tensor(x.astype(dtype), requires_grad=True)
        F.batch_norm(a, None, None, training=True).backward(torch.tensor(g.astype(dtype)))
        assert a.grad is not None
        found[dtype] = a.grad.numpy()
    assert np.abs(found[np.float32] - found[np.float64]).max() < 0.2


def test_the_pieces_of_a_long_dot_product_are_added_up_in_float64() -> None:
    """A large one and a thousand that float32 would lose beside it."""
    a = np.zeros((2, (1 + 1000) * sums.PIECE + 3), np.float32)
    a[:, : sums.PIECE] = 2.0**24 / sums.PIECE
    a[:, sums.PIECE :: sums.PIECE] = 1  # the last of them behind the whole pieces
    expected = [2.0**24 + 1001] * 2
    np.testing.assert_allclose(sums.row_sums(a), expected, rtol=1e-7)
    np.testing.assert_allclose(sums.row_dots(a, np.ones_like(a)), expected, rtol=1e-7)


@pytest.mark.parametrize("far", [100, 1000, 10_000])
def test_a_mean_far_from_zero_is_as_near_as_float32_can_say(far: float) -> None:
    x = np.random.default_rng(0).standard_normal((32, 64, 8, 8)) + far
    rows = x.astype(np.float32)
    y, *_ = XP.batch_norm(rows.transpose(1, 0, 2, 3), None, None, 0.0)  # channels lie together
    exact = rows.astype(float)
    exact -= exact.mean((1, 2, 3), keepdims=True)
    exact /= exact.std((1, 2, 3), keepdims=True)
    half = np.spacing(np.float32(far)) / 2
    np.testing.assert_allclose(y.transpose(1, 0, 2, 3), exact, rtol=0, atol=1.2 * half + 1e-6)


def test_a_variance_far_from_zero_on_another_device() -> None:
    """In float32 throughout: what the mean was rounded by is taken out of the squares again."""
    x = (1e4 + 0.01 * np.random.default_rng(0).standard_normal(1000)).astype(np.float32)
    strict.install()
    found = torch.tensor(x, device="strict").var().item()
    assert found == pytest.approx(x.astype(np.float64).var(ddof=1), rel=1e-4)


def test_parts_of_long_rows_are_added_in_float64() -> None:
    """A part of 2²⁴, beside which float32 has no odd numbers, and 4,095 parts of 1."""
    a = np.full((1, 4096 * sums.PART), 1 / sums.PART, np.float32)
    a[0, : sums.PART] = 2**24 / sums.PART
    assert sums.row_sums(a)[0] == np.float32(2**24 + 4095)
    assert sums.row_dots(a, np.ones_like(a))[0] == np.float32(2**24 + 4095)


@pytest.mark.parametrize("length", [131072, 131071, 100_000, 99_991])
@pytest.mark.parametrize("gap", [0, 1])
def test_long_rows_of_any_length(length: int, gap: int) -> None:
    """In equal parts or not, and of rows that lie apart."""
    whole = np.random.default_rng(0).random((4, length + gap), np.float32)
    a, b = whole[:, :length], whole[::-1, :length]
    exact = a.astype(np.float64), b.astype(np.float64)
    np.testing.assert_allclose(sums.row_sums(a), exact[0].sum(1), rtol=2 * EPS)
    np.testing.assert_allclose(sums.row_dots(a, b), (exact[0] * exact[1]).sum(1), rtol=2 * EPS)


@pytest.mark.parametrize("chwn", [False, True])
@pytest.mark.parametrize(
    "shape", [(8, 64, 32, 32), (4, 3, 300, 200), (4, 3, 1, 1009), (2, 3, 4, 4)]
)
def test_means_of_whole_images(shape: tuple[int, ...], chwn: bool) -> None:
    """A product with a row of one number, which adds pixel by pixel, was 30 roundings off."""
    a = np.random.default_rng(0).random(shape, dtype=np.float32)
    if chwn:
        a = np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 0, -1)), -1, 0)
    found = F.adaptive_avg_pool2d(torch.tensor(a), 1).numpy()
    exact = a.astype(float).mean((2, 3), keepdims=True)
    np.testing.assert_allclose(found, exact, rtol=5 * EPS)
    halved = F.avg_pool2d(torch.tensor(a), shape[2:], divisor_override=2 * shape[2] * shape[3])
    np.testing.assert_allclose(halved.numpy(), exact / 2, rtol=5 * EPS)


def test_the_gradient_of_what_was_repeated() -> None:
    x = torch.zeros(3, 2, requires_grad=True)
    g = np.random.default_rng(0).random((300_000, 2), dtype=np.float32)
    x.repeat_interleave(100_000, 0).backward(torch.tensor(g))
    exact = g.astype(float).reshape(3, -1, 2).sum(1)
    np.testing.assert_allclose(x.grad.numpy(), exact, rtol=4 * EPS)
    y = torch.ones(2, 3)
    assert y.repeat_interleave(0, 1).shape == (2, 0)
    y.repeat_interleave(1, 1).mul_(2)  # a copy
    assert y.tolist() == [[1, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize("shape", [(64, 32, 28, 28), (40, 50, 300), (32, 16, 8, 8)])
def test_statistics_of_numbers_around_zero(shape: tuple[int, ...]) -> None:
    """A channel's mean and dL/dβ, in units of the mean size of all: PyTorch's are 2e-7 off."""
    off = []
    for seed in range(4):
        a = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
        axes = tuple(k for k in range(a.ndim) if k != 1)
        exact = a.astype(float).mean(axes)
        _, mean, _, rstd = XP.batch_norm(a, None, None, 1e-5)
        total = XP.batch_norm_gradient(a, a, mean, rstd, None)[2] / (a.size // shape[1])
        off += [np.abs(found - exact).max() / np.abs(exact).mean() for found in (mean, total)]
    assert np.mean(off) < 3.5e-7


@pytest.mark.parametrize("shape", [(32, 16, 8, 8), (5, 16, 40, 40)])
def test_the_gradient_of_batch_norms_weight(shape: tuple[int, ...]) -> None:
    """A sum of products around 0, in parts: in one piece it is 3.7e-7 and 5.6e-7 off."""
    off = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        x, g = rng.standard_normal((2, *shape), dtype=np.float32)
        exactly = [a.astype(float) for a in (g, x)]
        _, mean, _, rstd = XP.batch_norm(x, None, None, 1e-5)
        found = [XP.batch_norm_gradient(g, x, mean, rstd, None)[1]]
        found += [XP.batch_norm_sums(g, x, mean, rstd)[0]]
        _, mean, _, rstd = XP.batch_norm(exactly[1], None, None, 1e-5)
        exact = XP.batch_norm_gradient(*exactly, mean, rstd, None)[1]
        size = np.maximum(np.abs(exact), np.abs(exact).mean())
        off += [np.max(np.abs(a - exact) / size) for a in found]
    assert np.mean(off) < 3e-7


@pytest.mark.parametrize(
    ("shape", "axis", "bound"),
    [
        ((31, 5, 40, 50), (0, 2, 3), 1.2),
        ((30, 6, 300), (0, 2), 1.5),
        ((10_000, 3), 0, 1.15),
        ((200_000, 3), 0, 1),
    ],
)
def test_sums_of_sums_are_float64(shape: tuple[int, ...], axis: Any, bound: float) -> None:
    """In float32 they are off by 2.0, 2.3, 1.5 and 1.7 roundings here."""
    off = []
    for seed in range(10):
        x = np.random.default_rng(seed).random(shape, dtype=np.float32)
        exact = x.sum(axis, dtype=float)
        off.append(np.max(np.abs(XP.sum(x, axis) - exact) / exact))
    assert np.mean(off) < bound * 2**-24


@pytest.mark.parametrize("length", [512, 521, 1031, 4099, 8191, 8209])
def test_rows_of_any_length_in_short_parts(length: int) -> None:
    """Also such as no size between 32 and 64 divides, and those with a rest."""
    a, b = np.random.default_rng(0).standard_normal((2, 3, length), dtype=np.float32)
    near = {"rtol": 0, "atol": 2e-6 * length**0.5}
    np.testing.assert_allclose(sums.fine_sums(a, np.empty(3, np.float32)), a.sum(1), **near)
    found = sums.fine_dots(a, b, np.empty(3, np.float32))
    np.testing.assert_allclose(found, (a * b).sum(1), **near)
