"""Layers fused with the batch norm behind them, norms of many tensors, skip_init."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import utils


def used(norm: Any, x: Any) -> Any:
    """A norm in evaluation, with statistics of its own."""
    norm(x * 2 + 1)
    with tg.no_grad():
        for p in norm.parameters():
            p.copy_(tg.randn(p.shape) + 1)
    return norm.eval()


@pytest.mark.parametrize(
    ("make", "size", "transpose"),
    [
        (lambda: nn.Conv2d(4, 6, 3, groups=2), (2, 4, 5, 5), False),
        (lambda: nn.Conv1d(4, 6, 3, bias=False), (2, 4, 5), False),
        (lambda: nn.Conv3d(4, 6, 2), (2, 4, 3, 3, 3), False),
        (lambda: nn.ConvTranspose2d(4, 6, 3), (2, 4, 5, 5), True),
    ],
)
@pytest.mark.parametrize("affine", [True, False])
def test_a_fused_convolution_does_what_both_do(
    make: Any, size: Any, transpose: bool, affine: bool
) -> None:
    tg.manual_seed(0)
    conv, x = make().eval(), tg.randn(size)
    norm: Any = {3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[len(size)]
    norm = used(norm(6, affine=affine), conv(x))
    fused = utils.fuse_conv_bn_eval(conv, norm, transpose)
    np.testing.assert_allclose(
        fused(x).detach().numpy(), norm(conv(x)).detach().numpy(), rtol=1e-4, atol=1e-5
    )
    assert fused.weight is not conv.weight
    assert isinstance(fused.bias, nn.Parameter)


def test_a_fused_linear_layer_does_what_both_do() -> None:
    tg.manual_seed(0)
    linear, x = nn.Linear(3, 5).eval(), tg.randn(4, 3)
    norm = used(nn.BatchNorm1d(5), linear(x))
    fused = utils.fuse_linear_bn_eval(linear, norm)
    np.testing.assert_allclose(
        fused(x).detach().numpy(), norm(linear(x)).detach().numpy(), rtol=1e-4, atol=1e-5
    )
    with pytest.raises(AssertionError, match="Fusion only for eval"):
        utils.fuse_linear_bn_eval(linear, nn.BatchNorm1d(5))
    with pytest.raises(AssertionError, match="must not be None"):
        utils.fuse_linear_bn_eval(linear, nn.BatchNorm1d(5, track_running_stats=False).eval())
    with pytest.raises(AssertionError, match=r"linear\.out_features=5"):
        utils.fuse_linear_bn_eval(linear, nn.BatchNorm1d(4).eval())


def test_total_norms() -> None:
    tensors = [tg.tensor([3.0, 0.0]), tg.tensor([[4.0]])]
    assert utils.get_total_norm(tensors) == 5
    assert utils.get_total_norm(tensors, float("inf")) == 4
    assert utils.get_total_norm([]) == 0
    with pytest.raises(RuntimeError, match=r"the total norm of order 2\.0"):
        utils.get_total_norm([tg.tensor([float("nan")])], error_if_nonfinite=True)
    weight = tg.ones(2, requires_grad=True)
    weight.grad = tg.tensor([3.0, 4.0])
    utils.clip_grads_with_norm_(weight, 1.0, tg.tensor(10.0))
    np.testing.assert_allclose(weight.grad.tolist(), [0.3, 0.4], rtol=1e-6)
    with pytest.warns(FutureWarning, match="now deprecated in favor of"):
        assert utils.clip_grad_norm(weight, 9.0).item() == pytest.approx(0.5)


def test_skip_init() -> None:
    made = utils.skip_init(nn.Linear, 2, 3, bias=False)
    assert made.weight.shape == (3, 2)
    with pytest.raises(RuntimeError, match="Expected a Module"):
        utils.skip_init(int)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="must support a 'device' arg"):
        utils.skip_init(nn.ReLU)
