"""What random programs of training found; the values are PyTorch's."""

from __future__ import annotations

import pytest

import tinygrad_lite as torch
from tinygrad_lite import Tensor, nn, optim
from tinygrad_lite.nn.utils import parametrizations, parametrize
from tinygrad_lite.optim.swa_utils import AveragedModel


class Symmetric(nn.Module):
    """The upper triangle for both; of a value it keeps twice the upper triangle."""

    def forward(self, x: Tensor) -> Tensor:
        return x.triu() + x.triu(1).T

    def right_inverse(self, value: Tensor) -> Tensor:
        return value.triu() * 2


def linear() -> nn.Linear:
    layer = nn.Linear(2, 2, bias=False)
    layer.weight.data = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    return layer


def test_an_optimizer_trains_what_is_parametrized_and_restored_later() -> None:
    layer = linear()
    weight = layer.weight
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert next(layer.parameters()) is weight
    assert weight.tolist() == [[2, 4], [0, 8]]
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert layer.weight.flatten().tolist() == pytest.approx([1.9, 3.8, 3.8, 7.9])

    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is weight
    assert weight.flatten().tolist() == pytest.approx([1.9, 3.8, 3.8, 7.9])


def test_several_originals_are_new_to_an_optimizer() -> None:
    layer = linear()
    weight = layer.weight
    weight.grad = torch.ones(2, 2)
    parametrizations.weight_norm(layer)
    assert all(p is not weight and p.grad is None for p in layer.parameters())
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is not weight
    assert layer.weight.flatten().tolist() == pytest.approx([1, 2, 3, 4])


@pytest.mark.parametrize("use_buffers", [True, False])
def test_an_average_needs_the_parameters_that_it_began_with(use_buffers: bool) -> None:
    model = nn.BatchNorm1d(2)
    averaged = AveragedModel(model, use_buffers=use_buffers)
    model.register_buffer("other", torch.ones(1))
    with pytest.raises(RuntimeError, match="tensors to average, but had"):
        averaged.update_parameters(model)
    del model.other
    averaged.update_parameters(model)
    model.register_parameter("more", nn.Parameter(torch.ones(1)))
    with pytest.raises(RuntimeError, match="tensors to average, but had"):
        averaged.update_parameters(model)
