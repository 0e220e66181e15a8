"""Batch normalisation's running statistics, as PyTorch moves them, in layers and functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.nn.norms import axes, column, tensors
from tests.op_table import to_numpy
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F

# What PyTorch 2.13 gives.
Y = [
    -2.738563131601815, 0.7313259379715582, 3.194070413699868, 4.524838964784676,
    0.3843370310142209, -0.656629689857791, 2.1959940003862624, 1.8633018626150601,
    1.4253037518862328, 3.854226100587594, 2.1959940003862624, 4.025800758127873,
]  # fmt: skip
X_GRADIENT = [
    -0.08297605321107769, -1.3200664620718905, 0.7239442358885314, 0.38882280176860157,
    -0.12069180961806365, 0.7015208920847187, 0.18514148427187416, 0.060989256694855415,
    0.7920400234658406, 0.030173409350472875, -0.4802427912705297, -0.8786549873533328,
]  # fmt: skip


def test_as_pytorch(device: str) -> None:
    x = np.array([-9.0, 1, 2, -6, 0, -3, 8, 10, 3, 10, 8, -3]).reshape(3, 2, 2)
    layer = nn.BatchNorm1d(2, dtype=tg.float64, device=device)
    (t,) = tensors(device, np.float64, x)
    with tg.no_grad():
        layer.weight.copy_(tg.tensor([2.0, -1.0], dtype=tg.float64, device=device))
        layer.bias.copy_(tg.tensor([0.5, 3.0], dtype=tg.float64, device=device))
    y = layer(t)
    y.backward(tg.arange(1.0, 13.0).to(dtype=tg.float64, device=device).reshape(3, 2, 2))
    for found, expected in (
        (y, Y), (t.grad, X_GRADIENT),
        (layer.weight.grad, [15.787995266558845, 4.574516894354028]), (layer.bias.grad, [33, 45]),
        (layer.running_mean, [1 / 30, 0.95 / 3]), (layer.running_var, [73.3 / 15, 78.55 / 15]),
    ):  # fmt: skip
        np.testing.assert_allclose(to_numpy(found).ravel(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("momentum", [0.1, 0.5, None])
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (3, 3, 2, 2)])
def test_running_statistics(momentum: Any, shape: tuple[int, ...], device: str) -> None:
    rng = np.random.default_rng(0)
    layer: Any = (nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d)(
        3, momentum=momentum, device=device
    )
    mean, var = np.zeros(3), np.ones(3)
    total = int(np.prod(shape)) // 3
    for step in range(1, 5):
        x = rng.standard_normal(shape) * step + 1
        layer(tensors(device, np.float32, x)[0])
        share = 1 / step if momentum is None else momentum
        mean = (1 - share) * mean + share * x.mean(axes(x))
        var = (1 - share) * var + share * x.var(axes(x)) * total / (total - 1)
        np.testing.assert_allclose(to_numpy(layer.running_mean), mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(to_numpy(layer.running_var), var, rtol=1e-4)
        assert layer.num_batches_tracked.item() == step
    layer.eval()
    y = to_numpy(layer(tensors(device, np.float32, x)[0]))
    expected = (x - column(mean, x)) / np.sqrt(column(var, x) + 1e-5)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
    assert layer.num_batches_tracked.item() == 4  # evaluation moves nothing
    np.testing.assert_allclose(to_numpy(layer.running_mean), mean, rtol=1e-4, atol=1e-5)
    layer.reset_parameters()
    state = {k: to_numpy(v).tolist() for k, v in layer.state_dict().items()}
    assert state == {
        "weight": [1, 1, 1], "bias": [0, 0, 0], "running_mean": [0, 0, 0],
        "running_var": [1, 1, 1], "num_batches_tracked": 0,
    }  # fmt: skip


def test_without_running_statistics_evaluation_uses_the_batch() -> None:
    layer = nn.BatchNorm1d(2, track_running_stats=False, affine=False).eval()
    assert list(layer.state_dict()) == []
    y = layer(tg.tensor([[1.0, 0.0], [3.0, 1.0]]))
    np.testing.assert_allclose(to_numpy(y), [[-1, -1], [1, 1]], rtol=1e-4)
    assert layer.num_batches_tracked is None


def test_tracking_can_be_switched_off_later() -> None:
    layer = nn.BatchNorm1d(2)
    layer.track_running_stats = False
    layer(tg.randn(4, 2))
    assert layer.running_mean is not None
    assert layer.running_mean.tolist() == [0, 0]
    assert layer.num_batches_tracked.item() == 0


def test_a_change_of_the_running_mean_is_found_in_evaluation() -> None:
    layer = nn.BatchNorm1d(2)
    x = tg.randn(3, 2, requires_grad=True)
    y = layer.eval()(x)
    layer.train()(x)  # moves the statistics that y's gradient needs
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        y.sum().backward()


def test_a_refused_batch_leaves_the_running_statistics() -> None:
    mean = tg.zeros(3)
    with pytest.raises(RuntimeError, match="running_var"):
        F.batch_norm(tg.randn(4, 3), mean, tg.zeros(2), training=True)
    assert mean.tolist() == [0, 0, 0]
