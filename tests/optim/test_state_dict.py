"""An optimizer's state_dict: PyTorch's structure, resuming to the bit, loading."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.optim.descent import FACTORS, FULL, NUMBERS, STATE, hosts, make_params, train
from tinygrad_lite.backend import to_host
from tinygrad_lite.optim import SGD


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FULL)
def test_resuming_from_a_state_dict_changes_no_bit(name: str, dtype: str, device: str) -> None:
    params = make_params(device, dtype)
    optimizer = FULL[name](params)
    train(optimizer, params, 0, 9)

    half = make_params(device, dtype)
    first = FULL[name](half)
    train(first, half, 0, 4)
    saved = first.state_dict()
    copies = [tg.tensor(p.detach()).requires_grad_() for p in half]
    second = FULL[name](copies)
    second.load_state_dict(saved)
    train(first, half, 4, 6)  # what was loaded is a copy: this must not reach it
    train(second, copies, 4, 9)
    for ours, expected in zip(hosts(copies), hosts(params), strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("name", FULL)
def test_resuming_from_a_file_changes_no_bit(name: str, tmp_path: Any) -> None:
    params, half = make_params(), make_params()
    train(FULL[name](params), params, 0, 7)
    first = FULL[name](half)
    train(first, half, 0, 4)
    tg.save({"params": half, "optimizer": first.state_dict()}, tmp_path / "checkpoint.npz")
    loaded = tg.load(tmp_path / "checkpoint.npz")
    copies = [p.requires_grad_() for p in loaded["params"]]
    second = FULL[name](copies)
    second.load_state_dict(loaded["optimizer"])
    train(second, copies, 4, 7)
    for ours, expected in zip(hosts(copies), hosts(params), strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("name", FULL)
def test_state_dict_has_pytorchs_structure(name: str) -> None:
    params = make_params()
    optimizer = FULL[name]([{"params": params[:1], "lr": 0.5}, {"params": params[1:]}])
    assert optimizer.state_dict()["state"].keys() <= {0, 1}
    train(optimizer, params, 0, 3)
    saved = optimizer.state_dict()
    assert list(saved) == ["state", "param_groups"]
    assert [group["params"] for group in saved["param_groups"]] == [[0], [1]]
    assert [group["lr"] for group in saved["param_groups"]] == [0.5, 0.1]
    assert saved["param_groups"][1].keys() == {*optimizer.defaults, "params"}
    assert set(saved["state"]) == {0, 1}
    for number, param in enumerate(params):
        state = saved["state"][number]
        left_out = set() if name != "Adafactor" else FACTORS if param.ndim < 2 else {"variance"}
        assert state.keys() == STATE[name] - left_out
        for key, value in state.items():
            shape, dtype = (tuple(param.shape), param.dtype)
            if key in NUMBERS:
                shape, dtype = (), "float32"
            elif key in FACTORS:
                shape = {"row_var": (4, 1), "col_var": (1, 3)}[key]
            assert (value.shape, value.dtype, value.requires_grad) == (shape, dtype, False)
            if key == "step":
                assert value.item() == 3
            elif key not in NUMBERS | FACTORS:
                assert value.array.strides == param.array.strides


@pytest.mark.parametrize("name", FULL)
def test_loading_casts_to_the_parameter(name: str, device: str) -> None:
    params = make_params()
    optimizer = FULL[name](params)
    train(optimizer, params, 0, 2)
    others = make_params(device, "float64", seed=1)
    other = FULL[name](others)
    other.load_state_dict(optimizer.state_dict())
    for old, new in zip(params, others, strict=True):
        for key, value in optimizer.state[old].items():
            loaded = other.state[new][key]
            assert loaded is not value
            np.testing.assert_array_equal(to_host(loaded.array), value.numpy())
            if key in NUMBERS:
                assert (loaded.dtype, loaded.device.type) == ("float32", "cpu")
                continue
            assert (loaded.dtype, loaded.device.type) == ("float64", device)
            if key not in FACTORS:
                assert loaded.array.strides == new.array.strides
    train(other, others, 2, 4)


def test_loading_takes_options_and_keeps_defaults_for_missing_ones() -> None:
    params = make_params()
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    saved = SGD(make_params(), lr=0.7, momentum=0.2).state_dict()
    del saved["param_groups"][0]["maximize"]
    saved["param_groups"][0]["foreign"] = [1]
    saved["state"]["note"] = {"deep": [2]}
    optimizer.load_state_dict(saved)
    group = optimizer.param_groups[0]
    assert (group["lr"], group["momentum"], group["maximize"]) == (0.7, 0.2, False)
    assert group["params"] == params
    saved["param_groups"][0]["foreign"].append(3)
    saved["state"]["note"]["deep"].append(4)
    assert group["foreign"] == [1]
    assert optimizer.state_dict()["state"]["note"] == {"deep": [2]}


def test_loading_refuses_other_groups() -> None:
    weight, bias = make_params()
    optimizer = SGD([weight, bias])
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match="different number of parameter groups: 2"):
        optimizer.load_state_dict(SGD([{"params": weight}, {"params": bias}]).state_dict())
    with pytest.raises(ValueError, match=r"doesn't match the size of optimizer's group 0: 1 "):
        optimizer.load_state_dict(SGD([weight]).state_dict())
    assert optimizer.state_dict() == before


def test_a_state_of_another_shape_is_refused() -> None:
    optimizer = tg.optim.SGD([tg.ones(2, requires_grad=True)], lr=0.1, momentum=0.9)
    state = optimizer.state_dict()
    state["state"] = {0: {"momentum_buffer": tg.ones(3)}}
    with pytest.raises(ValueError, match=r"has shape \(3,\), but must have \(2,\)"):
        optimizer.load_state_dict(state)
    assert not optimizer.state
