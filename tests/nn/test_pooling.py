"""Pooling as functions and layers: values, derivatives, errors, and what they keep and own."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests import strict
from tests.nn.pools import chwn, naive, windows
from tests.op_table import leaves, to_numpy
from tests.strategies import LAYOUTS, examples
from tinygrad_lite import nn
from tinygrad_lite.autograd import grad, gradcheck, gradgradcheck
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.nn import functional as F

# The literal values below are PyTorch 2.13's, for this image and gradients 1, 2, 3, …
IMAGE = [[-9, 1, 2, -6, 0], [-3, 8, 10, 3, 10], [8, -3, 0, -6, 2], [1, -9, -5, 13, -1]]


def image(device: str, dtype: Any = np.float64) -> tg.Tensor:
    return leaves((np.array([[IMAGE]], dtype=np.float64),), device, dtype)[0]


def numbered(y: tg.Tensor) -> tg.Tensor:
    """Gradients 1, 2, 3, … of y's shape."""
    return tg.arange(1.0, y.numel() + 1).to(dtype=y.dtype, device=y.device).reshape(y.shape)


@given(windows("max"), st.booleans(), st.sampled_from([np.float32, np.float64]), st.integers(0, 99))
def test_max_pool2d_is_its_definition(
    device: str, case: Any, ties: bool, dtype: Any, seed: int
) -> None:
    shape, window = case
    rng = np.random.default_rng(seed)
    x = (rng.integers(-1, 2, shape) if ties else rng.standard_normal(shape)).astype(dtype)
    x = x.astype(np.float64)
    (t,) = leaves((x,), device, dtype)
    y, places = F.max_pool2d(t, **window, return_indices=True)
    g = rng.standard_normal(y.shape).astype(dtype)
    expected, dx, indices = naive("max", x, g, window)
    y.backward(tg.as_tensor(namespace_for(device).asarray(g)))
    np.testing.assert_array_equal(to_numpy(y), expected)
    np.testing.assert_array_equal(to_numpy(places), indices)
    np.testing.assert_allclose(to_numpy(t.grad), dx, rtol=1e-5, atol=1e-6)
    assert y.dtype == t.grad.dtype == dtype
    assert places.dtype == np.int64
    assert chwn(y.array)


@given(
    windows("avg"), st.booleans(), st.sampled_from([None, None, 3, -2]),
    st.sampled_from([np.float32, np.float64]), st.integers(0, 99),
)  # fmt: skip
def test_avg_pool2d_is_its_definition(
    device: str, case: Any, include: bool, divisor: Any, dtype: Any, seed: int
) -> None:
    shape, window = case
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    (t,) = leaves((x,), device, dtype)
    average = {"count_include_pad": include, "divisor_override": divisor}
    y = F.avg_pool2d(t, **{k: v for k, v in window.items() if k != "dilation"}, **average)
    g = rng.standard_normal(y.shape)
    expected, dx, _ = naive("avg", x, g, window, **average)
    y.backward(tg.as_tensor(namespace_for(device).asarray(g.astype(dtype))))
    np.testing.assert_allclose(to_numpy(y), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(to_numpy(t.grad), dx, rtol=1e-5, atol=1e-6)
    assert y.dtype == t.grad.dtype == dtype
    assert chwn(y.array)


@given(
    st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
def test_adaptive_avg_pool2d_is_its_definition(
    device: str, shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal(shape), rng.standard_normal((*shape[:2], *size))
    (t,) = leaves((x,), device)
    y = F.adaptive_avg_pool2d(t, size)
    y.backward(tg.as_tensor(namespace_for(device).asarray(g)))
    expected, dx = np.zeros(g.shape), np.zeros(shape)
    for i, j in itertools.product(range(size[0]), range(size[1])):
        bin = (..., *(
            slice(a * n // m, -(-(a + 1) * n // m))
            for a, n, m in zip((i, j), shape[2:], size, strict=True)
        ))  # fmt: skip
        if shape[0]:
            expected[..., i, j] = x[bin].mean(axis=(-2, -1))
            dx[bin] += g[..., i, j, None, None] / x[0, 0][bin].size
    np.testing.assert_allclose(to_numpy(y), expected, atol=1e-12)
    np.testing.assert_allclose(to_numpy(t.grad), dx, atol=1e-12)
    assert chwn(y.array)


POOLS: dict[str, Any] = {
    "max": lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    "max, dilated": lambda x: F.max_pool2d(x, 2, 1, 1, (2, 1)),
    "avg": lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 0)),
    "avg, border not counted": lambda x: F.avg_pool2d(x, 3, 2, 1, True, False),
    "avg, tiles": lambda x: F.avg_pool2d(x, (2, 1)),
    "adaptive": lambda x: F.adaptive_avg_pool2d(x, (3, 2)),
    "adaptive, one": lambda x: F.adaptive_avg_pool2d(x, 1),
}


@pytest.mark.parametrize("name", POOLS)
def test_gradients_and_second_derivatives(name: str, device: str) -> None:
    rng = np.random.default_rng(0)
    x = (rng.permutation(2 * 2 * 4 * 5) * 0.25).reshape(2, 2, 4, 5)  # no ties within ε
    inputs = leaves((x,), device)
    assert gradcheck(POOLS[name], inputs)
    assert gradgradcheck(POOLS[name], inputs)
    # The gradient is a function of g alone; of a square it is one of x as well.
    assert gradgradcheck(lambda x: POOLS[name](x * x) * 0.01, inputs)


@pytest.mark.parametrize("name", POOLS)
def test_third_derivatives(name: str, device: str) -> None:
    (x,) = leaves((np.random.default_rng(0).standard_normal((1, 2, 4, 5)),), device)

    def gradient(g: tg.Tensor) -> tg.Tensor:
        with tg.enable_grad():
            return grad(POOLS[name](x), [x], g, create_graph=True)[0] ** 2

    g = tg.randn(POOLS[name](x).shape, dtype=tg.float64, device=device, requires_grad=True)
    assert gradcheck(gradient, [g])
    assert gradgradcheck(gradient, [g])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", POOLS)
def test_any_memory_order(name: str, layout: str, device: str) -> None:
    xp = namespace_for(device)
    host = np.random.default_rng(1).standard_normal((3, 2, 4, 6))
    array = LAYOUTS[layout](xp, host)
    x = tg.as_tensor(array).requires_grad_()
    (same,) = leaves((to_numpy(x.detach()),), device)
    y, expected = POOLS[name](x), POOLS[name](same)
    g = tg.as_tensor(LAYOUTS["two axes swapped"](xp, np.random.default_rng(2).random(y.shape)))
    y.backward(g)
    expected.backward(g.clone())
    np.testing.assert_array_equal(to_numpy(y), to_numpy(expected))
    np.testing.assert_array_equal(to_numpy(x.grad), to_numpy(same.grad))
    assert chwn(y.array)


def test_max_pool2d_as_pytorch_at_the_border(device: str) -> None:
    x = image(device)
    y, places = F.max_pool2d(x, 3, 2, 1, ceil_mode=True, return_indices=True)
    y.backward(numbered(y))
    assert y.tolist() == [[[[8, 10, 10], [8, 13, 13], [1, 13, 13]]]]
    assert places.tolist() == [[[[6, 7, 9], [6, 18, 18], [15, 18, 18]]]]
    assert to_numpy(x.grad)[0, 0].tolist() == [
        [0, 0, 0, 0, 0], [0, 5, 2, 0, 3], [0, 0, 0, 0, 0], [7, 0, 0, 28, 0],
    ]  # fmt: skip
    y, places = F.max_pool2d(x, (2, 3), (1, 2), (1, 0), (2, 1), return_indices=True)
    assert y.tolist() == [[[[10, 10], [8, 2], [10, 13], [8, 2]]]]
    assert places.tolist() == [[[[7, 7], [10, 2], [7, 18], [10, 14]]]]


@pytest.mark.parametrize(
    ("words", "y", "gradient"),
    [
        (
            {"count_include_pad": True},
            [[-1 / 3, 2, 7 / 9], [2 / 9, 11 / 9, 7 / 3], [-4 / 3, -1 / 6, 2]],
            [1 / 9, 1 / 3, 2 / 9, 5 / 9, 1 / 3],
        ),
        (
            {"count_include_pad": False},
            [[-0.75, 3, 1.75], [1 / 3, 11 / 9, 3.5], [-4, -1 / 3, 6]],
            [0.25, 0.5833333, 1 / 3, 1.0833333, 0.75],
        ),
    ],
)
def test_avg_pool2d_as_pytorch_at_the_border(
    words: Any, y: Any, gradient: Any, device: str
) -> None:
    x = image(device)
    out = F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, **words)
    out.backward(numbered(out))
    np.testing.assert_allclose(to_numpy(out)[0, 0], y, atol=1e-6)
    np.testing.assert_allclose(to_numpy(x.grad)[0, 0, 0], gradient, atol=1e-6)


def test_adaptive_avg_pool2d_as_pytorch(device: str) -> None:
    y = F.adaptive_avg_pool2d(image(device), (3, 2))
    expected = [[1.5, 19 / 6], [10 / 3, 19 / 6], [-4 / 3, 0.5]]
    np.testing.assert_allclose(to_numpy(y)[0, 0], expected, atol=1e-12)
    assert F.adaptive_avg_pool2d(image(device), (None, 2)).shape == (1, 1, 4, 2)


@pytest.mark.parametrize(
    ("size", "arguments", "shape"),
    [(4, (5, 2), (1, 1)), (5, (2, 2, 1), (3, 3)), (4, (1, 3), (2, 2)), (4, (3, 2), (2, 2))],
)
def test_ceil_mode_counts_as_pytorch(size: int, arguments: Any, shape: Any) -> None:
    x = tg.zeros(1, 1, size, size)
    assert F.max_pool2d(x, *arguments, ceil_mode=True).shape == (1, 1, *shape)
    assert F.avg_pool2d(x, *arguments, ceil_mode=True).shape == (1, 1, *shape)


def test_nan_and_infinities(device: str) -> None:
    nan, inf = np.nan, np.inf
    (x,) = leaves((np.array([[[[nan, 1.0, 2.0], [2.0, nan, -inf]]]]),), device)
    y, places = F.max_pool2d(x, 2, 1, return_indices=True)
    assert np.isnan(to_numpy(y)).all()
    assert places.tolist() == [[[[4, 4]]]]  # PyTorch's: the last NaN
    (x,) = leaves((np.full((1, 1, 3, 3), -inf),), device)
    y, places = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    assert (to_numpy(y) == -inf).all()
    assert places.tolist() == [[[[0, 1], [3, 4]]]]
    y.sum().backward()
    assert to_numpy(x.grad)[0, 0].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    (x,) = leaves((np.array([[[[inf, 1.0], [2.0, 3.0]]]]),), device)
    assert F.avg_pool2d(x, 1).tolist() == [[[[inf, 1], [2, 3]]]]
    # An infinite gradient stays where it belongs.
    y = F.max_pool2d(x, 2, 1, 1)
    y.backward(tg.as_tensor(namespace_for(device).asarray(np.full((1, 1, 3, 3), inf))))
    assert to_numpy(x.grad)[0, 0].tolist() == [[inf, inf], [inf, inf]]


def test_a_window_that_meets_no_pixel(device: str) -> None:
    (x,) = leaves((np.arange(4.0).reshape(1, 1, 2, 2),), device)
    y = F.max_pool2d(x, (2, 1), 1, (1, 0), (3, 1))  # rows −1 and 2
    y.sum().backward()
    assert y.tolist() == [[[[-np.inf, -np.inf]]]]
    assert not to_numpy(x.grad).any()


def test_integers_have_maxima(device: str) -> None:
    x = tg.arange(9, device=device).reshape(1, 1, 3, 3) - 20
    y = F.max_pool2d(x, 2, 1, 1)
    assert y.tolist()[0][0] == [
        [-20, -19, -18, -18], [-17, -16, -15, -15], [-14, -13, -12, -12], [-14, -13, -12, -12],
    ]  # fmt: skip
    assert y.dtype == np.int64


def test_large_windows_need_a_wider_index(device: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 1, 18, 17))
    x[..., 16, 15] = 9  # tap 271 of the first window
    (t,) = leaves((x,), device)
    y, places = F.max_pool2d(t, (17, 16), 1, return_indices=True)
    window = {"kernel_size": (17, 16), "stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
    expected, dx, indices = naive("max", x, None, {**window, "ceil_mode": False})
    y.sum().backward()
    np.testing.assert_array_equal(to_numpy(y), expected)
    np.testing.assert_array_equal(to_numpy(places), indices)
    np.testing.assert_array_equal(to_numpy(t.grad), dx)


@pytest.mark.parametrize("shape", [(2, 9), (1, 2, 9)])
def test_one_dimension_and_single_images(shape: tuple[int, ...], device: str) -> None:
    (x,) = leaves((np.random.default_rng(0).standard_normal(shape),), device)
    as_image = x.unsqueeze(-2).reshape(1, 2, 1, 9)
    for row, whole in (
        (F.max_pool1d(x, 3, 2, 1, 2, True), F.max_pool2d(as_image, (1, 3), 2, (0, 1), 2, True)),
        (F.avg_pool1d(x, 3, 2, 1, True, False),
         F.avg_pool2d(as_image, (1, 3), 2, (0, 1), True, False)),
        (F.max_pool1d(x, (2,)), F.max_pool2d(as_image, (1, 2))),
    ):  # fmt: skip
        np.testing.assert_array_equal(to_numpy(row).ravel(), to_numpy(whole).ravel())
        assert row.shape == (*shape[:-1], whole.shape[-1])
    y, places = F.max_pool1d(x, 2, return_indices=True)
    np.testing.assert_array_equal(to_numpy(x.gather(-1, places)), to_numpy(y))
    single = tg.randn(2, 4, 5, device=device)
    for name in POOLS:
        np.testing.assert_array_equal(
            to_numpy(POOLS[name](single)), to_numpy(POOLS[name](single.unsqueeze(0)))[0]
        )


def test_empty_batch(device: str) -> None:
    x = tg.zeros(0, 2, 4, 5, device=device, requires_grad=True)
    for name in POOLS:
        y = POOLS[name](x)
        assert y.shape[:2] == (0, 2)
        y.sum().backward()
    assert x.grad is not None
    assert x.grad.shape == x.shape


def test_gradients_share_no_memory_and_inputs_stay(device: str) -> None:
    for name in POOLS:
        x = leaves((np.random.default_rng(0).standard_normal((2, 1, 4, 6)),), device)[0]
        before = to_numpy(x)
        y = POOLS[name](x)
        g = tg.ones_like(y)
        y.backward(g, retain_graph=True)
        first = to_numpy(x.grad)
        y.backward(g)
        np.testing.assert_allclose(to_numpy(x.grad), 2 * first)  # nothing kept was written to
        assert to_numpy(g).min() == to_numpy(g).max() == 1
        np.testing.assert_array_equal(to_numpy(x), before)
        if device == "cpu":
            assert not any(np.shares_memory(x.grad.array, t.array) for t in (x, y, g))


def test_max_pool2d_keeps_one_byte_an_output(device: str) -> None:
    (x,) = leaves((np.random.default_rng(0).standard_normal((2, 3, 8, 8)),), device)
    y = F.max_pool2d(x, 2)
    (vjp,) = y.grad_fn.vjps  # type: ignore[misc, union-attr]
    kept = [c.cell_contents for c in vjp.__closure__]  # type: ignore[union-attr]
    assert [a.nbytes for a in kept if hasattr(a, "nbytes")] == [y.numel()]
    x.data.mul_(0)  # x itself is not needed
    y.sum().backward()


def test_nothing_waits_for_the_device() -> None:
    strict.install()
    (x,) = leaves((np.random.default_rng(0).standard_normal((2, 3, 6, 6)),), "strict")
    with strict.forbid_sync():
        for name in POOLS:
            POOLS[name](x).sum().backward()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.max_pool2d(x, 5), RuntimeError,
         r"max_pool2d: kernel \(5, 5\) is larger than the padded input \(4, 4\)"),
        (lambda x: F.avg_pool2d(x, (2, 7), 1, 1), RuntimeError,
         r"avg_pool2d: kernel \(2, 7\) is larger than the padded input \(6, 6\)"),
        (lambda x: F.max_pool2d(x, 3, padding=2), RuntimeError,
         r"max_pool2d: pad should be at most half of kernel size, but padding is \(2, 2\)"),
        (lambda x: F.avg_pool2d(x, 1, padding=(0, 1)), RuntimeError, "avg_pool2d: pad should be"),
        (lambda x: F.max_pool2d(x, 2, stride=0), RuntimeError, "max_pool2d: stride .* is 0"),
        (lambda x: F.max_pool2d(x, 0), RuntimeError, "max_pool2d: kernel_size .* is 0"),
        (lambda x: F.max_pool2d(x, 2, padding=-1), RuntimeError, "max_pool2d: padding .* is -1"),
        (lambda x: F.max_pool2d(x, 2.0), TypeError, "max_pool2d: kernel_size .* is 2.0"),
        (lambda x: F.max_pool2d(x[0, 0], 2), RuntimeError, r"max_pool2d: expected .* \(4, 4\)"),
        (lambda x: F.max_pool1d(x, 2), RuntimeError, r"max_pool1d: expected .* \(1, 2, 4, 4\)"),
        (lambda x: F.avg_pool1d(x[0], (2, 2)), RuntimeError, "avg_pool1d: kernel_size .* one int"),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=0), RuntimeError, "divisor_override"),
        (lambda x: F.max_pool2d(x[:, :0], 2), RuntimeError, "max_pool2d: only the batch"),
        (lambda x: F.adaptive_avg_pool2d(x[..., :0], 2), RuntimeError, "image must not be empty"),
        (lambda x: F.adaptive_avg_pool2d(x, (1, 2, 3)), RuntimeError, r"2 sizes.*\(1, 2, 3\)"),
        (lambda x: F.adaptive_avg_pool2d(x, -1), RuntimeError, "output_size .* at least 0"),
        (lambda x: F.avg_pool2d(x.to(dtype="int32"), 2), RuntimeError, "avg_pool2d: .*torch.int32"),
    ],
)  # fmt: skip
def test_refuses(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(tg.zeros(1, 2, 4, 4))


@pytest.mark.parametrize(
    ("layer", "text", "call"),
    [
        (nn.MaxPool1d(3, 2, 1), "MaxPool1d(kernel_size=3, stride=2, padding=1, dilation=1, "
         "ceil_mode=False)", lambda x: F.max_pool1d(x[0], 3, 2, 1)),
        (nn.MaxPool2d(3, 2, 1, 1, False, True), "MaxPool2d(kernel_size=3, stride=2, padding=1, "
         "dilation=1, ceil_mode=True)", lambda x: F.max_pool2d(x, 3, 2, 1, 1, True)),
        (nn.AvgPool1d(2), "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))",
         lambda x: F.avg_pool1d(x[0], 2)),
        (nn.AvgPool2d((2, 3), None, (1, 0), True, False, 5), "AvgPool2d(kernel_size=(2, 3), "
         "stride=(2, 3), padding=(1, 0))",
         lambda x: F.avg_pool2d(x, (2, 3), None, (1, 0), True, False, 5)),
        (nn.AdaptiveAvgPool2d((None, 3)), "AdaptiveAvgPool2d(output_size=(None, 3))",
         lambda x: F.adaptive_avg_pool2d(x, (None, 3))),
    ],
)  # fmt: skip
def test_layers(layer: nn.Module, text: str, call: Any) -> None:
    x = tg.randn(2, 3, 5, 7)
    found = layer(x if "2d" in text else x[0])
    assert repr(layer) == text
    np.testing.assert_array_equal(to_numpy(found), to_numpy(call(x)))


def test_layer_returns_indices() -> None:
    y, places = nn.MaxPool2d(2, return_indices=True)(tg.arange(16.0).reshape(1, 1, 4, 4))
    assert places.tolist() == [[[[5, 7], [13, 15]]]]
    assert y.tolist() == [[[[5, 7], [13, 15]]]]


@examples(0.4)
@given(windows("max"))
def test_without_recording_the_values_are_the_same(device: str, case: Any) -> None:
    shape, window = case
    x = leaves((np.random.default_rng(0).standard_normal(shape),), device)[0]
    with tg.no_grad():
        free = F.max_pool2d(x, **window)
    np.testing.assert_array_equal(to_numpy(free), to_numpy(F.max_pool2d(x, **window)))
