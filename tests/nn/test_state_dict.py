"""state_dict and load_state_dict: PyTorch's keys, shared memory, all or nothing."""

from __future__ import annotations

import copy
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.nn.small_nets import Net, host
from tinygrad_lite import nn


def test_state_dict_has_the_keys_of_pytorch_and_shares_memory() -> None:
    net = Net()
    state = net.state_dict()
    assert isinstance(state, OrderedDict)
    assert list(state) == ["bias", "fc.weight", "fc.bias", "block.scale", "block.count"]
    assert state["fc.weight"].array is net.fc.weight.array
    assert not any(t.requires_grad for t in state.values())
    assert net.state_dict(keep_vars=True)["bias"] is net.bias
    assert list(net.fc.state_dict(prefix="p.")) == ["p.weight", "p.bias"]
    both = net.fc.state_dict(destination=OrderedDict(x=tg.ones(1)))
    assert list(both) == ["x", "weight", "bias"]


def test_state_dict_names_a_module_used_twice_twice() -> None:
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, layer)
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_load_state_dict_copies_in_place(device: str) -> None:
    net, other = Net().to(device), Net()
    other.block.count.add_(7)
    weight, array = net.fc.weight, net.fc.weight.array
    result = net.load_state_dict(other.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    assert net.fc.weight is weight
    assert weight.array is array
    assert weight.array.flags.f_contiguous
    assert weight.device.type == device
    for key, value in other.state_dict().items():
        np.testing.assert_array_equal(host(net.state_dict()[key]), host(value))
    other.bias.data.add_(1)
    np.testing.assert_array_equal(host(net.bias), 0)


def test_load_state_dict_lists_everything_wrong_and_changes_nothing() -> None:
    net = Net()
    before = copy.deepcopy(net.state_dict())
    state = net.state_dict() | {"fc.weight": tg.ones(4, 3), "x": tg.ones(1), "y": tg.ones(1)}
    state |= {"fc.bias": tg.ones(5), "block.scale": tg.ones(3) * 5}
    del state["bias"], state["block.count"]
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Net:\n"
        '\tMissing key(s) in state_dict: "bias", "block.count". \n'
        '\tUnexpected key(s) in state_dict: "x", "y". \n'
        "\tsize mismatch for fc.weight: copying a param with shape torch.Size([4, 3]) from "
        "checkpoint, the shape in current model is torch.Size([3, 4]).\n"
        "\tsize mismatch for fc.bias: copying a param with shape torch.Size([5]) from "
        "checkpoint, the shape in current model is torch.Size([3])."
    )
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(host(value), host(before[key]))
    with pytest.raises(RuntimeError, match=r'named "fc.bias", expected a Tensor .* <class'):
        net.load_state_dict(net.state_dict() | {"fc.bias": 3})
    with pytest.raises(TypeError, match="dict-like, got <class 'int'>"):
        net.load_state_dict(3)  # type: ignore[arg-type]


def test_load_state_dict_that_is_not_strict() -> None:
    net = Net()
    result = net.load_state_dict({"bias": tg.ones(3), "x": tg.ones(1)}, strict=False)
    missing, unexpected = result
    assert missing == ["fc.weight", "fc.bias", "block.scale", "block.count"]
    assert result.missing_keys is missing
    assert unexpected == result.unexpected_keys == ["x"]
    np.testing.assert_array_equal(host(net.bias), 1)
    with pytest.raises(RuntimeError, match="size mismatch for bias"):
        net.load_state_dict({"bias": tg.ones(4)}, strict=False)
