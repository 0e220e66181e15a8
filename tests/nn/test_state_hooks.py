"""Hooks around states and around every module's calls, and states of a subclass's own."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn.modules import module as everywhere


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.BatchNorm1d(3)))


def test_saving_is_watched() -> None:
    model, seen = net(), []
    before = model[1].register_state_dict_pre_hook(lambda *args: seen.append(args))
    after = model.register_state_dict_post_hook(
        lambda module, state, prefix, metadata: state.update({f"{prefix}more": metadata["version"]})
    )
    state = model.state_dict(prefix="net.", keep_vars=True)
    assert seen == [(model[1], "net.1.", True)]
    assert list(state)[-1] == "net.more"
    assert state["net.more"] == 1
    before.remove()
    after.remove()
    assert list(model.state_dict()) == list(net().state_dict())
    assert len(seen) == 1
    model[0].register_state_dict_post_hook(lambda *_: {})
    with pytest.raises(RuntimeError, match="state_dict post-hook must return None"):
        model.state_dict()


def test_what_an_old_hook_returns_is_the_state() -> None:
    model = nn.Linear(2, 2)
    model._register_state_dict_hook(lambda module, state, *_: {"n": len(state)})
    assert model.state_dict() == {"n": 2}


def test_old_names_are_read() -> None:
    model, source = net(), net()
    old = {key.replace("weight", "gamma"): value for key, value in source.state_dict().items()}
    rename = lambda state, prefix, *_: state.update(  # noqa: E731
        {f"{prefix}weight": state.pop(f"{prefix}gamma")}
    )
    for layer in (model[0], model[1][0]):
        layer._register_load_state_dict_pre_hook(rename)
    seen: list[Any] = []
    model[1].register_load_state_dict_pre_hook(lambda *args: seen.append((args[0], args[2])))
    model.load_state_dict(old, strict=False)
    assert seen == [(model[1], "1.")]
    assert (model[0].weight == source[0].weight).all()
    assert list(old) != list(source.state_dict())  # the caller's dict is as it was


def test_a_later_hook_decides_what_is_missing() -> None:
    model = net()
    model.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    partial = {k: v for k, v in net().state_dict().items() if not k.startswith("0.")}
    assert model.load_state_dict(partial).missing_keys == []
    model.register_load_state_dict_post_hook(lambda module, keys: keys)
    with pytest.raises(AssertionError, match="not expected to return new values"):
        model.load_state_dict(partial)


def test_nothing_is_taken_when_a_hook_complains() -> None:
    model, other = net(), net()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model[1].register_load_state_dict_pre_hook(lambda *args: args[-1].append("too old"))
    with pytest.raises(RuntimeError, match="too old"):
        model.load_state_dict(other.state_dict())
    assert all((model.state_dict()[k] == v).all() for k, v in before.items())


def test_extra_state_goes_along() -> None:
    class Counting(nn.Linear):
        calls = 0

        def get_extra_state(self) -> Any:
            return {"calls": self.calls}

        def set_extra_state(self, state: Any) -> None:
            self.calls = state["calls"]

    model = nn.Sequential(Counting(1, 1))
    model[0].calls = 7
    state = model.state_dict()
    assert list(state) == ["0.weight", "0.bias", "0._extra_state"]
    other = nn.Sequential(Counting(1, 1))
    other.load_state_dict(state)
    assert other[0].calls == 7
    del state["0._extra_state"]
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "0._extra_state"'):
        other.load_state_dict(state)
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\) in state_dict: "_extra_state"'):
        nn.Linear(1, 1).load_state_dict({**nn.Linear(1, 1).state_dict(), "_extra_state": 1})


def test_assigned_tensors_are_the_module_s() -> None:
    model = nn.BatchNorm1d(2)
    model.weight.requires_grad_(False)
    state = {k: v.clone() for k, v in nn.BatchNorm1d(2).double().state_dict().items()}
    model.load_state_dict(state, assign=True)
    assert model.running_mean is state["running_mean"]
    assert model.weight.array is state["weight"].array
    assert (model.weight.dtype, model.weight.requires_grad) == ("float64", False)
    assert list(dict(model.named_parameters())) == ["weight", "bias"]


def test_a_module_may_load_its_own_way() -> None:
    class Doubling(nn.Linear):
        def _load_from_state_dict(self, state: Any, prefix: str, *args: Any) -> None:
            state[f"{prefix}bias"] = state[f"{prefix}bias"] * 2
            super()._load_from_state_dict(state, prefix, *args)

    model = nn.Sequential(Doubling(1, 2))
    state = model.state_dict()
    expected = (state["0.bias"] * 2).tolist()
    model.load_state_dict(state)
    assert model[0].bias.tolist() == expected


def test_hooks_of_states_are_copied_with_the_module() -> None:
    model = nn.Linear(1, 1)
    model.register_state_dict_pre_hook(print)
    assert copy.deepcopy(model)._hooks_of("before saving") == [(print, False)]
    assert pickle.loads(pickle.dumps(model))._hooks_of("before saving") == [(print, False)]
    assert nn.Linear(1, 1)._hooks_of("before saving") == []


def test_hooks_of_every_module() -> None:
    model, seen = nn.Sequential(nn.Linear(2, 2), nn.ReLU()), []
    note = lambda what: lambda module, *_: seen.append((what, type(module).__name__))  # noqa: E731
    own = model[0].register_forward_hook(note("own"))
    handles = [
        everywhere.register_module_forward_pre_hook(note("before")),
        everywhere.register_module_forward_hook(note("after")),
        everywhere.register_module_full_backward_pre_hook(note("behind")),
        everywhere.register_module_full_backward_hook(note("back")),
    ]
    model(tg.ones(1, 2, requires_grad=True)).sum().backward()
    assert seen == [
        ("before", "Sequential"),
        ("before", "Linear"),
        ("after", "Linear"),
        ("own", "Linear"),
        ("before", "ReLU"),
        ("after", "ReLU"),
        ("after", "Sequential"),
        *(("behind", "Sequential"), ("behind", "ReLU"), ("back", "ReLU")),
        *(("behind", "Linear"), ("back", "Linear"), ("back", "Sequential")),
    ]
    for handle in [own, *handles]:
        handle.remove()
    seen.clear()
    model(tg.ones(1, 2))
    assert seen == []
    assert not model._is_hooked()
    always = everywhere.register_module_forward_hook(note("always"), always_call=True)
    with pytest.raises(RuntimeError, match=r"multiply|shape|size"):
        model[0](tg.ones(1, 5))
    always.remove()
    assert seen == [("always", "Linear")]
    nn.Module._listened_to = False  # as it was


def test_hooks_on_registrations() -> None:
    seen: list[tuple[str, str, str]] = []

    def note(what: str) -> Any:
        return lambda module, name, value: seen.append((what, type(module).__name__, name))

    with (
        everywhere.register_module_parameter_registration_hook(note("parameter")),
        everywhere.register_module_buffer_registration_hook(note("buffer")),
        everywhere.register_module_module_registration_hook(note("module")),
    ):
        norm = nn.BatchNorm1d(2, affine=False)
        model = nn.Sequential(nn.Linear(1, 2, bias=False), norm)
        model[1] = model.last = nn.ReLU()
        model.last = None
        norm.running_mean = tg.ones(2)
        nn.ParameterList([tg.ones(1)]).append(tg.ones(1))
        nn.ModuleDict({"a": nn.ReLU()})
    assert seen == [
        *(("buffer", "BatchNorm1d", name) for name in norm.state_dict()),
        ("parameter", "Linear", "weight"),
        *(("module", "Sequential", name) for name in ("0", "1", "1", "last", "last")),
        ("buffer", "BatchNorm1d", "running_mean"),
        *(("parameter", "ParameterList", name) for name in ("0", "1")),
        ("module", "ModuleDict", "a"),
    ]
    frozen = everywhere.register_module_parameter_registration_hook(
        lambda module, name, value: nn.Parameter(value.detach(), requires_grad=name == "bias")
    )
    swap = everywhere.register_module_module_registration_hook(lambda *_: nn.Identity())
    layer, outer = nn.Linear(1, 1), nn.Sequential(nn.ReLU())
    frozen.remove()
    swap.remove()
    assert (layer.weight.requires_grad, layer.bias.requires_grad) == (False, True)
    assert type(outer[0]) is nn.Identity
    assert nn.Linear(1, 1).weight.requires_grad


class Two(nn.Module):
    def forward(self, x: tg.Tensor) -> tuple[tg.Tensor, tg.Tensor]:
        return x * 2, x * 3


def test_backward_hooks_are_called_once_for_all_outputs() -> None:
    module, seen = Two(), []
    module.register_full_backward_pre_hook(lambda m, grad_output: seen.append(len(grad_output)))
    module.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append("all"))
    x = tg.ones(1, requires_grad=True)
    first, second = module(x)
    (first + second).sum().backward()
    assert (seen, x.grad.tolist()) == ([2, "all"], [5])
    seen.clear()
    w = tg.ones(1, requires_grad=True)
    module.forward = lambda x: (x * w, x + w)  # no input wants a gradient
    first, second = module(tg.ones(1))
    (first + second).sum().backward()
    assert (seen, w.grad.tolist()) == ([2, "all"], [2])


def test_compile_says_that_nothing_is_compiled() -> None:
    model = nn.Linear(1, 1)
    with pytest.warns(UserWarning, match="there is no compiler"):
        model.compile(mode="max-autotune")
    assert model(tg.ones(1, 1)).shape == (1, 1)


def test_hooks_are_shown_as_pytorchs() -> None:
    layer = nn.Linear(1, 1)
    assert repr(layer._forward_hooks) == repr(OrderedDict())
    handle = layer.register_forward_pre_hook(len)
    assert repr(layer._forward_pre_hooks) == repr(OrderedDict({handle.id: len}))
