"""Layers that normalise: what they print, their state, and batch norm joined with its ReLU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.op_table import to_numpy
from tinygrad_lite import nn
from tinygrad_lite.graph import Node
from tinygrad_lite.nn import functional as F


@pytest.mark.parametrize(
    ("layer", "text", "names"),
    [
        (nn.BatchNorm1d(4), "BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, "
         "track_running_stats=True)", "weight bias running_mean running_var num_batches_tracked"),
        (nn.BatchNorm2d(4, momentum=None, affine=False), "BatchNorm2d(4, eps=1e-05, momentum=None, "
         "affine=False, bias=False, track_running_stats=True)",
         "running_mean running_var num_batches_tracked"),
        (nn.BatchNorm2d(4, track_running_stats=False, bias=False), "BatchNorm2d(4, eps=1e-05, "
         "momentum=0.1, affine=True, bias=False, track_running_stats=False)", "weight"),
        (nn.LayerNorm((3, 4)), "LayerNorm((3, 4), eps=1e-05, elementwise_affine=True, bias=True)",
         "weight bias"),
        (nn.LayerNorm(4, 0.1, bias=False),
         "LayerNorm((4,), eps=0.1, elementwise_affine=True, bias=False)", "weight"),
        (nn.LayerNorm(4, elementwise_affine=False),
         "LayerNorm((4,), eps=1e-05, elementwise_affine=False, bias=False)", ""),
    ],
)  # fmt: skip
def test_layers_print_and_name_their_state_as_pytorch(
    layer: nn.Module, text: str, names: str
) -> None:
    assert repr(layer) == text
    assert list(layer.state_dict()) == names.split()
    if "num_batches_tracked" in names:
        assert layer.num_batches_tracked.dtype == np.int64
        assert layer.num_batches_tracked.shape == ()


def test_layer_norm_layer() -> None:
    layer = nn.LayerNorm((3, 4), eps=0.5, dtype=tg.float64)
    x = tg.randn(2, 3, 4, dtype=tg.float64)
    expected = F.layer_norm(x, (3, 4), layer.weight, layer.bias, 0.5)
    np.testing.assert_array_equal(to_numpy(layer(x)), to_numpy(expected))
    with tg.no_grad():
        layer.weight.mul_(3)
    layer.reset_parameters()
    assert to_numpy(layer.weight).min() == to_numpy(layer.weight).max() == 1


def _net(norm: type, channels: int, inplace: bool) -> nn.Sequential:
    return nn.Sequential(norm(channels), nn.ReLU(inplace))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.BatchNorm2d])
def test_batch_norm_joined_with_its_relu(norm: type, training: bool, device: str) -> None:
    """`Sequential` runs the two as one rule; values, gradients and statistics stay."""
    shape = (6, 5) if norm is nn.BatchNorm1d else (6, 5, 4, 3)
    found = []
    for joined in (True, False):
        tg.manual_seed(1)
        net = _net(norm, 5, joined).to(device)
        nn.init.normal_(net[0].weight)  # of either sign
        nn.init.normal_(net[0].bias)
        nn.init.normal_(net[0].running_mean)
        net.train(training)
        if not joined:
            net[1].register_forward_hook(lambda *_: None)
        x = tg.randn(*shape).to(device).requires_grad_()
        y = net(x)
        assert isinstance(y.grad_fn, Node)
        assert y.grad_fn.operation.startswith("batch_norm" if joined else "relu")
        (y * y + y).sum().backward()
        arrays = (y, x.grad, net[0].weight.grad, net[0].bias.grad, net[0].running_var)
        found.append([to_numpy(a.detach()) for a in arrays])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)
    assert (found[0][0] == 0).any()
    assert (found[0][0] > 0).any()


def test_what_stands_between_keeps_batch_norm_and_relu_apart() -> None:
    class Mine(nn.BatchNorm2d):
        def forward(self, input: Any) -> Any:
            return super().forward(input) + 1

    class Sub(nn.ReLU):
        pass

    plain = nn.BatchNorm2d(2)
    assert plain._joined_with([nn.ReLU()]) is not None
    assert plain._joined_with([Sub()]) is None
    assert plain._joined_with([nn.GELU()]) is None
    assert plain._joined_with([]) is None
    assert Mine(2)._joined_with([nn.ReLU()]) is None
    hooked = nn.ReLU()
    handle = hooked.register_forward_pre_hook(lambda *_: None)
    assert plain._joined_with([hooked]) is None
    handle.remove()
    assert plain._joined_with([hooked]) is not None
    plain.register_forward_hook(lambda *_: None)
    assert plain._joined_with([hooked]) is None


def test_a_state_dict_without_the_count_of_batches_is_whole() -> None:
    """PyTorch's older versions did not have it."""
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    state = dict(net.state_dict())
    del state["1.num_batches_tracked"]
    assert net.load_state_dict(state).missing_keys == []
    del state["1.running_mean"]
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "1.running_mean"\. '):
        net.load_state_dict(state)


def test_sync_batch_norm_without_a_bias() -> None:
    layer = tg.nn.SyncBatchNorm(3, bias=False)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    x = tg.randn(8, 3)
    want = tg.nn.BatchNorm1d(3)(x)
    np.testing.assert_allclose(layer(x).detach().numpy(), want.detach().numpy(), atol=1e-6)
