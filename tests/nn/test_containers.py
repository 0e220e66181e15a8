"""Lists with gaps, lists of parameters with anything in them, buffers by assignment."""

from __future__ import annotations

import copy

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


def test_a_list_of_modules_keeps_places_without_one() -> None:
    held = nn.ModuleList([nn.Linear(1, 2), None])
    held.append(None)
    assert len(held) == 3
    assert held[1] is None
    assert [m is None for m in held] == [False, True, True]
    assert [name for name, _ in held.named_modules()] == ["", "0"]
    assert [*held.children()] == [held[0]]
    assert list(held.state_dict()) == ["0.weight", "0.bias"]
    assert "None" in repr(held)
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        held.append(3)
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        nn.Sequential(nn.ReLU(), None)(tg.ones(1))


def test_a_list_of_parameters_holds_anything() -> None:
    inner = nn.ParameterList([tg.zeros(1)])
    held = nn.ParameterList([tg.ones(2, 3), inner, 3, "a", None])
    assert [name for name, _ in held.named_parameters()] == ["0", "1.0"]
    assert isinstance(held[0], nn.Parameter)
    assert held[1] is inner
    assert held[2:][0] == 3
    assert "(2): Object of type: int" in repr(held)
    held[0] = tg.zeros(2)
    assert isinstance(held[0], nn.Parameter)
    assert held[0].shape == (2,)
    held.append(nn.Linear(1, 1))
    assert "5.weight" in held.state_dict()
    assert "5.weight" in copy.deepcopy(held).state_dict()
    assert held.pop(1) is inner
    assert next(name for name, _ in held.named_parameters()) == "0"
    assert len(held) == 5
    assert held[-1].weight.shape == (1, 1)


def test_empty_containers() -> None:
    x = tg.ones(2)
    assert nn.Sequential()(x) is x
    for empty in (nn.Sequential(), nn.ModuleList(), nn.ParameterList()):
        assert len(empty) == 0
        assert list(empty) == []
        assert len(empty[:]) == 0
        assert repr(empty) == f"{type(empty).__name__}()"
        assert not empty.state_dict()
        with pytest.raises(IndexError):
            empty[0]


def test_buffers_by_assignment() -> None:
    module = nn.Module()
    module.mean = nn.Buffer(tg.ones(2))
    module.draft = nn.Buffer(tg.zeros(1), persistent=False)
    assert [name for name, _ in module.named_buffers()] == ["mean", "draft"]
    assert list(module.state_dict()) == ["mean"]
    module.mean = nn.Buffer(tg.zeros(3), persistent=False)
    assert list(module.state_dict()) == []
    assert isinstance(module.mean, nn.Buffer)
    assert not isinstance(tg.ones(1), nn.Buffer)
    assert not isinstance(module.mean + 1, nn.Buffer)
    shared = tg.zeros(2)
    nn.Buffer(shared).add_(1)
    assert shared.tolist() == [1, 1]
    assert copy.deepcopy(module).mean.tolist() == [0, 0, 0]
