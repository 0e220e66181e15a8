"""Modules whose `train` or `_apply` is their own: it is called wherever they are in a model."""

from __future__ import annotations

from typing import Any

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
