"""Lazy layers: what `test_beside` does not compare."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn.lazy import LazyModuleMixin
from tinygrad_lite.nn.parameter import is_lazy


def test_parameters_stay_the_same_objects(device: str) -> None:
    net = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(2)).to(device)
    before = list(net.parameters())
    net(tg.ones(3, 5, device=device)).sum().backward()
    assert all(a is b for a, b in zip(before, net.parameters(), strict=True))
    assert [type(p) for p in before] == [nn.Parameter] * 4
    assert before[0].shape == (4, 5)
    assert before[0].grad is not None
    assert before[0].device.type == device
    assert type(net[0]) is nn.Linear
    assert not net[0]._forward_pre_hooks


def test_a_state_dict_gives_the_shapes() -> None:
    real, lazy = nn.Linear(3, 2), nn.LazyLinear(2)
    lazy.load_state_dict(real.state_dict())
    assert not lazy.has_uninitialized_params()
    x = tg.randn(4, 3)
    assert lazy(x).tolist() == real(x).tolist()
    assert lazy.in_features == 3
    again = nn.LazyLinear(2)
    again.load_state_dict(nn.LazyLinear(2).state_dict())
    assert again.has_uninitialized_params()


def test_a_loaded_linear_layer_gives_the_same_bits() -> None:
    real, lazy = nn.Linear(256, 10), nn.LazyLinear(10)
    lazy.load_state_dict(
        {name: value.clone().contiguous() for name, value in real.state_dict().items()}
    )
    x = tg.randn(7, 256)
    assert (lazy(x) == real(x)).all()
    assert lazy.weight.stride() == real.weight.stride()


def test_copies_and_dtypes_before_the_first_call() -> None:
    lazy = nn.LazyConv2d(4, 3).double()
    other = copy.deepcopy(lazy)
    other(tg.ones(1, 2, 5, 5, dtype=tg.float64))
    assert other.weight.dtype == tg.float64
    assert lazy.has_uninitialized_params()


@pytest.mark.parametrize("convert", [nn.Module.double, lambda m: m.to("cpu", tg.float64)])
@pytest.mark.parametrize("kind", [nn.LazyBatchNorm1d, nn.LazyInstanceNorm1d])
def test_buffers_without_a_shape_are_converted(kind: Any, convert: Any) -> None:
    lazy = convert(nn.Sequential(kind(affine=True, track_running_stats=True)))[0]
    assert (lazy.running_mean.dtype, lazy.has_uninitialized_params()) == (tg.float64, True)
    lazy(tg.ones(2, 3, 4, dtype=tg.float64))
    assert all(held.shape == (3,) for held in (lazy.weight, lazy.running_mean, lazy.running_var))
    assert {held.dtype for held in (lazy.weight, lazy.running_mean)} == {tg.float64}
    lazy = nn.LazyBatchNorm2d().to_empty(device="cpu")
    lazy(tg.ones(2, 3, 4, 4))
    assert lazy.running_var.shape == (3,)


def test_a_lazy_module_of_ones_own() -> None:
    class Scale(LazyModuleMixin, nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.UninitializedParameter()

        def initialize_parameters(self, x: tg.Tensor) -> None:
            self.weight.materialize(x.shape[-1:])
            nn.init.ones_(self.weight)

        def forward(self, x: tg.Tensor) -> tg.Tensor:
            return x * self.weight

    scale = Scale()
    assert repr(scale.weight) == "<UninitializedParameter>"
    assert is_lazy(scale.weight)
    assert not is_lazy(nn.Linear(2, 3).weight)
    with pytest.raises(RuntimeError, match="Can't access the shape"):
        _ = scale.weight.shape
    assert scale(tg.ones(2, 3)).tolist() == [[1, 1, 1]] * 2
    assert scale.weight.shape == (3,)
