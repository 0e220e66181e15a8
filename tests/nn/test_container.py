"""Modules that hold others: Sequential, lists and dicts of modules, lists of parameters."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.backend import to_host


def host(tensor: Any) -> np.ndarray[Any, Any]:
    return to_host(tensor.detach().array)


def test_an_empty_sequential_is_the_identity() -> None:
    for net in (nn.Sequential(), nn.Sequential(nn.Sequential())):
        x = tg.randn(2, 3, requires_grad=True)
        assert net(x) is x
    assert len(nn.Sequential()[:]) == len(nn.Sequential() + nn.Sequential()) == 0
    assert len(nn.ModuleList()[:]) == len(nn.ParameterList()[:]) == 0


def test_sequential_times_a_number_shares_its_modules() -> None:
    a, b = nn.Linear(2, 2), nn.ReLU()
    net = nn.Sequential(a, b)
    assert list(net * 2) == list(2 * net) == [a, b, a, b]
    assert len(net) == 2
    net *= 3
    assert list(net) == [a, b, a, b, a, b]
    with pytest.raises(ValueError, match="Non-positive multiplication factor 0"):
        net *= 0
    with pytest.raises(TypeError, match="unsupported operand"):
        net * 1.5


def test_sequential_runs_in_order_and_indexes() -> None:
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    net = nn.Sequential(a, b, c)
    x = tg.randn(4, 2)
    np.testing.assert_array_equal(host(net(x)), host(c(b(a(x)))))
    assert len(net) == 3
    assert list(net) == [a, b, c]
    assert net[0] is a
    assert net[-1] is c
    assert list(net[1:]) == [b, c]
    assert list(net[1:].state_dict()) == ["2.weight", "2.bias"]  # names stay, as in PyTorch
    with pytest.raises(IndexError, match="index 3 is out of range"):
        net[3]
    with pytest.raises(TypeError, match="int is not a Module"):
        nn.Sequential(3)


def test_sequential_of_names() -> None:
    net = nn.Sequential(OrderedDict(fc=nn.Linear(2, 2), act=nn.ReLU()))
    assert net.fc is net[0]
    assert list(net.state_dict()) == ["fc.weight", "fc.bias"]


@pytest.mark.parametrize("kind", [nn.Sequential, nn.ModuleList])
def test_lists_of_modules_change(kind: Any) -> None:
    a, b, c, d = (nn.Linear(i + 1, 1) for i in range(4))
    net = kind().append(a).extend([b, c])
    net.insert(1, d)
    assert list(net) == [a, d, b, c]
    assert [n for n, _ in net.named_children()] == ["0", "1", "2", "3"]
    assert net.pop() is c
    net[0] = c
    assert list(net) == [c, d, b]
    del net[0]
    assert list(net) == [d, b]
    assert [n for n, _ in net.named_children()] == ["0", "1"]
    del net[0:1]
    net += kind().append(a)
    assert list(net + kind().append(c)) == [b, a, c]
    assert list(net) == [b, a]
    assert type(net[:1]) is kind
    with pytest.raises(TypeError, match="should be called with an iterable, but got int"):
        net.extend(3)
    with pytest.raises(TypeError, match="int is not a Module"):
        net[0] = 3
    with pytest.raises(IndexError):
        net.insert(5, a)
    with pytest.raises(TypeError, match="int is not a Module"):
        net.insert(0, 3)


def test_module_list_has_no_forward() -> None:
    with pytest.raises(NotImplementedError):
        nn.ModuleList([nn.ReLU()])(1)


def test_module_dict() -> None:
    a, b = nn.Linear(1, 1), nn.ReLU()
    net = nn.ModuleDict({"x": a})
    net["y"] = b
    assert list(net) == list(net.keys()) == ["x", "y"]
    assert repr(net.keys()) == "dict_keys(['x', 'y'])"
    assert list(net.values()) == [a, b]
    assert dict(net.items()) == {"x": a, "y": b}
    assert "x" in net
    assert "weight" not in net
    assert list(net.state_dict()) == ["x.weight", "x.bias"]
    net.update([("x", b)])
    assert net["x"] is b
    assert net.pop("x") is b
    del net["y"]
    assert len(net) == 0
    net.update(nn.ModuleDict({"z": a}))
    net.clear()
    assert len(net) == 0
    with pytest.raises(KeyError):
        net["z"]
    with pytest.raises(KeyError, match="'keys' already exists"):
        net["keys"] = a
    with pytest.raises(TypeError, match="key/value pairs, but got int"):
        net.update(3)
    with pytest.raises(TypeError, match="expected pairs, but got int"):
        net.update([3])


def test_parameter_list() -> None:
    p = nn.Parameter(tg.ones(2))
    values = nn.ParameterList([p, tg.zeros(3)])
    assert values[0] is p
    assert isinstance(values[1], nn.Parameter)
    values.append(tg.ones(1))
    values[1] = tg.ones(4)
    assert [q.shape for q in values] == [(2,), (4,), (1,)]
    assert list(values.state_dict()) == ["0", "1", "2"]
    assert len(values[1:]) == 2
    values.append(3)  # anything goes along, as in PyTorch
    assert values[3] == 3
    assert len(list(values.parameters())) == 3
