"""Modules whose `train` or `_apply` is their own: it is called wherever they are in a model."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


class Frozen(nn.Module):
    """A norm that stays in evaluation mode, and a tensor that is no buffer but goes along."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(2)
        self.scale = tg.ones(2)

    def train(self, mode: bool = True) -> Any:
        super().train(mode)
        self.norm.eval()
        return self

    def _apply(self, convert: Any, recurse: bool = True) -> Any:
        super()._apply(convert, recurse)
        self.scale = convert(self.scale)
        return self


def test_train_is_asked_of_each_module() -> None:
    model = nn.Sequential(nn.Dropout(), nn.Sequential(Frozen()))
    frozen: Any = model[1][0]
    assert model.train() is model
    assert [m.training for m in (model, model[0], frozen, frozen.norm)] == [True, True, True, False]
    model.eval()
    assert not any(m.training for m in model.modules())


def test_apply_is_asked_of_each_module() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(Frozen()))
    frozen: Any = model[1][0]
    assert model.double() is model
    assert frozen.scale.dtype == frozen.norm.weight.dtype == model[0].weight.dtype == tg.float64
    model.to(tg.float32)
    assert frozen.scale.dtype == frozen.norm.weight.dtype == tg.float32
    model.to_empty(device="cpu", recurse=False)
    assert frozen.scale.tolist() == [1, 1]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_check_by_methods(kind: Any) -> None:
    layer = kind(3, 4, 2, bidirectional=True)
    sizes = tg.tensor([2, 1])
    assert layer.get_expected_hidden_size(tg.zeros(5, 2, 3), None) == (4, 2, 4)
    assert layer.get_expected_cell_size(tg.zeros(3, 3), sizes) == (4, 2, 4)
    state = tg.arange(32.0).reshape(4, 2, 4)
    hidden = (state, state) if kind is nn.LSTM else state
    turned = layer.permute_hidden(hidden, tg.tensor([1, 0]))
    assert (turned[0] if kind is nn.LSTM else turned)[0, 0].tolist() == [4, 5, 6, 7]
    assert layer.permute_hidden(hidden, None) is hidden
    layer.check_forward_args(tg.zeros(5, 2, 3), hidden, None)
    with pytest.raises(RuntimeError, match=r"Expected hidden(\[0\])? size \(4, 1, 4\), got"):
        layer.check_forward_args(tg.zeros(5, 1, 3), hidden, None)
    with pytest.raises(RuntimeError, match="input must have 2 dimensions, got 3"):
        layer.check_input(tg.zeros(5, 2, 3), sizes)
    with pytest.raises(RuntimeError, match="no: 1"):
        layer.check_hidden_size(state, (1, 2, 4), "no: {0[0]}")


def test_a_derived_layer_says_what_it_takes() -> None:
    asked = []

    class Mine(nn.GRU):
        def check_forward_args(self, input: Any, hidden: Any, batch_sizes: Any) -> None:
            asked.append((tuple(input.shape), tuple(hidden.shape), batch_sizes))

    Mine(3, 4)(tg.zeros(5, 2, 3))
    assert asked == [((5, 2, 3), (1, 2, 4), None)]


def test_members_by_a_function_of_ones_own() -> None:
    """As models of meta-learning ask for the parameters of some of their modules."""
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2, bias=False))
    model.append(model[0])

    def given(module: Any) -> Any:
        return module._parameters.items() if isinstance(module, nn.Linear) else []

    found = [name for name, _ in model._named_members(given, prefix="net")]
    assert found == ["net.0.weight", "net.0.bias", "net.2.weight"]
    twice = model._named_members(given, remove_duplicate=False)
    assert [name for name, _ in twice][-2:] == ["3.weight", "3.bias"]
    assert [*model._named_members(given, recurse=False)] == []
    assert model._get_item_by_idx(model._modules.values(), -2) is model[2]
    assert model._get_item_by_idx(iter(model._modules.keys()), 1) == "1"
    with pytest.raises(IndexError, match="index 4 is out of range"):
        model._get_item_by_idx(iter(model), 4)
    assert nn.ModuleList([nn.ReLU(), nn.ReLU()])._get_abs_string_index(-1) == "1"
