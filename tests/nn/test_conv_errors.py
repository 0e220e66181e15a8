"""Padding, and what convolutions say of arguments that do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.nn.test_conv import naive, sides
from tests.op_table import leaves, to_numpy
from tinygrad_lite.autograd import gradcheck
from tinygrad_lite.nn import functional as F


def test_pad(device: str) -> None:
    x = np.arange(12.0).reshape(2, 2, 3)
    (t,) = leaves((x,), device)
    for sizes in [(), (1, 2), (0, 0), (0, 1, 2, 0), (1, 0, 0, 0, 3, 1)]:
        widths = [(0, 0)] * (3 - len(sizes) // 2)
        widths += [(sizes[i], sizes[i + 1]) for i in range(len(sizes) - 2, -1, -2)]
        wanted = np.pad(x, widths, constant_values=-1.5)
        assert to_numpy(F.pad(t, sizes, value=-1.5)).tolist() == wanted.tolist()
    assert gradcheck(lambda t: F.pad(t, (1, 0, 2, 1)), t)
    whole = F.pad(tg.tensor([[1, 2]], device=device), (1, 1))
    assert whole.dtype == np.int64
    assert whole.tolist() == [[0, 1, 2, 0]]


@pytest.mark.parametrize("kernel", [(2, 1), (1, 4), (4, 2), (3, 2)])
def test_same_padding_of_an_even_kernel_has_its_odd_zero_behind(
    kernel: tuple[int, int], device: str
) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 2, 5, 4)), rng.standard_normal((3, 2, *kernel))
    wanted = naive(x, w, None, (1, 1), sides("same", kernel, 1), (1, 1), 1)
    found = F.conv2d(*leaves((x, w), device), padding="same")
    assert found.shape == (2, 3, 5, 4)
    np.testing.assert_allclose(to_numpy(found), wanted, rtol=1e-11, atol=1e-12)


X, W = (2, 4, 5, 5), (6, 4, 3, 3)
BAD: dict[str, tuple[Any, Any, type[Exception], str]] = {
    "channels": (
        X,
        (6, 3, 3, 3),
        RuntimeError,
        r"input has 4 channels but weight expects 3 .*3, 3",
    ),
    "large kernel": ((2, 4, 2, 5), W, RuntimeError, r"kernel \(3, 3\).*larger than.*\(2, 5\)"),
    "rank": ((4, 5), W, RuntimeError, r"4-D input.*\(4, 5\) and \(6, 4, 3, 3\)"),
    "weight's rank": (X, (6, 4, 3), RuntimeError, r"4-D weight.*\(6, 4, 3\)"),
    "stride": (X, {"stride": 0}, RuntimeError, "stride must be two ints of at least 1, but is 0"),
    "stride's type": (X, {"stride": 1.5}, TypeError, "stride must be an int.*1.5"),
    "three": (X, {"stride": (1, 1, 1)}, RuntimeError, r"stride must be two ints.*\(1, 1, 1\)"),
    "padding": (X, {"padding": (0, -1)}, RuntimeError, r"padding must be.*at least 0.*-1"),
    "padding's type": (X, {"padding": (1, 0.5)}, TypeError, r"padding must be an int.*0\.5"),
    "padding's name": (X, {"padding": "full"}, RuntimeError, "padding must be.*'full'"),
    "same": (X, {"padding": "same", "stride": 2}, RuntimeError, "'same' is not.*strided"),
    "dilation": (X, {"dilation": 0}, RuntimeError, "dilation must be.*at least 1.*0"),
    "dilated": (X, {"dilation": 3}, RuntimeError, r"kernel \(7, 7\).*larger.*\(5, 5\)"),
    "dilated rows": (X, {"dilation": (3, 1)}, RuntimeError, r"kernel \(7, 3\).*larger.*\(5, 5\)"),
    "dilated columns": (X, {"dilation": (1, 3)}, RuntimeError, r"kernel \(3, 7\).*larger.*"),
    "few groups": ((2, 16, 5, 5), {"groups": 4}, RuntimeError, "groups.*4 with 16.*and 6 output"),
    "no groups": (X, {"groups": 0}, RuntimeError, "groups must be at least 1, but is 0"),
    "groups' type": (X, {"groups": 1.0}, TypeError, "groups must be an int, but is 1.0"),
    "bias": (X, {"bias": tg.zeros(5)}, RuntimeError, r"bias must have shape \(6,\).*\(5,\)"),
    "dtype": (X, {"bias": tg.zeros(6, dtype="float64")}, RuntimeError, "float32 but bias is"),
    "list": (X, {"bias": [0.0] * 6}, TypeError, "bias must be a Tensor, not list"),
}


@pytest.mark.parametrize("case", BAD)
def test_conv2d_says_what_does_not_fit(case: str) -> None:
    shape, change, kind, message = BAD[case]
    words = change if isinstance(change, dict) else {}
    weight = tg.zeros(change if isinstance(change, tuple) else W)
    with pytest.raises(kind, match=f"^conv2d: .*{message}"):
        F.conv2d(tg.zeros(shape), weight, **words)


def test_other_errors() -> None:
    x, w = tg.zeros(2, 4, 5, 5), tg.zeros(4, 2, 3, 3)
    for call, kind, message in [
        (lambda: F.conv1d(x, w), RuntimeError, "conv1d: expected a 3-D input"),
        (
            lambda: F.conv1d(x[0], w[0], stride=0),
            RuntimeError,
            "conv1d: stride must be one int of at least 1",
        ),
        (lambda: F.conv1d(x[0], w[0], stride=(1, 2)), RuntimeError, r"conv1d: stride .*\(1, 2\)"),
        (lambda: F.conv_transpose2d(x[0, 0], w), RuntimeError, "conv_transpose2d: expected a 4-D"),
        (lambda: F.conv_transpose2d(x[:, :3], w), RuntimeError, "3 channels but weight expects 4"),
        (lambda: F.conv_transpose2d(x, w, groups=3), RuntimeError, "groups must divide.*3 with 4"),
        (lambda: F.conv_transpose2d(x, w, output_padding=1), RuntimeError, "smaller than stride"),
        (lambda: F.conv_transpose2d(x, w, padding=4), RuntimeError, r"size \(-1, -1\)"),
        (lambda: F.unfold(x, 6), RuntimeError, r"unfold: .*\(6, 6\) fits in.*\(2, 4, 5, 5\)"),
        (lambda: F.unfold(x[0, 0], 2), RuntimeError, r"unfold: .*\(5, 5\)"),
        (lambda: F.unfold(x, 2, stride=0), RuntimeError, "unfold: stride must be"),
        (
            lambda: F.fold(x[0], (3, 3), 2),
            RuntimeError,
            r"fold: expected \(N, C·4, 4\).*\(4, 5, 5\)",
        ),
        (lambda: F.fold(x[0, :, :, 0], (1, 1), 2), RuntimeError, "fold: kernel .* does not fit"),
        (lambda: F.pad(x, (1,)), RuntimeError, r"pad: expected pairs.*\(1,\)|\[1\]"),
        (lambda: F.pad(x, (-3, -3)), RuntimeError, "pad: .*takes more away from dimension 3"),
        (lambda: F.pad(x, (1, 1.5)), TypeError, "pad: sizes must be ints"),
        (lambda: F.pad(x, (1, 1), "reflect"), NotImplementedError, "pad: mode 'reflect' pads all"),
    ]:
        with pytest.raises(kind, match=message):
            call()
