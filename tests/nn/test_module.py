"""Module: registration, walks, state dicts, conversion, hooks, printing."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import sys
import weakref
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.nn.small_nets import Block, Net, host
from tinygrad_lite import nn

# Registration


def test_members_are_plain_attributes() -> None:
    net = Net()
    assert vars(net)["bias"] is net.bias
    assert vars(net.fc)["weight"] is net.fc.weight
    assert list(net._parameters) == ["bias"]
    assert list(net._modules) == ["fc", "block"]
    assert dict(net.block._buffers) == {"count": net.block.count, "scratch": net.block.scratch}
    assert net._modules["fc"] is net.fc
    with pytest.raises(KeyError):
        net._modules["bias"]
    with pytest.raises(KeyError):
        del net._parameters["fc"]


def test_writing_the_private_dicts_registers() -> None:
    net = Net()
    net._modules["fc"] = nn.Identity()
    net._modules["0"] = nn.ReLU()
    assert isinstance(net.fc, nn.Identity)
    assert [name for name, _ in net.named_children()] == ["fc", "block", "0"]
    del net._modules["fc"]
    assert not hasattr(net, "fc")


def test_setattr_changes_kinds_and_delattr_forgets() -> None:
    net = Net()
    net.bias = None
    assert "bias" in net._parameters
    assert [n for n, _ in net.named_parameters(recurse=False)] == []
    net.bias = nn.Parameter(tg.ones(1))
    assert [n for n, _ in net.named_parameters(recurse=False)] == ["bias"]
    net.extra = 3
    net.extra = nn.Parameter(tg.ones(1))  # a plain attribute becomes a parameter
    assert list(net._parameters) == ["bias", "extra"]
    net.block.count = nn.Parameter(tg.ones(1))  # a buffer becomes a parameter
    assert list(net.block._parameters) == ["scale", "shift", "count"]
    net.block.scratch = tg.zeros(5)  # and stays a buffer, and unsaved, with a tensor
    assert net.block._buffers["scratch"].shape == (5,)
    assert "block.scratch" not in net.state_dict()
    del net.block.scale
    assert "scale" not in net.block._parameters
    assert not hasattr(net.block, "scale")


def test_setattr_refuses_the_wrong_kind() -> None:
    net = Net()
    with pytest.raises(TypeError, match="cannot assign 'Tensor' as parameter 'bias'"):
        net.bias = tg.zeros(3)
    with pytest.raises(TypeError, match="as parameter 'bias'"):
        net.bias = nn.ReLU()
    with pytest.raises(TypeError, match="cannot assign 'int' as child module 'fc'"):
        net.fc = 3
    with pytest.raises(TypeError, match="cannot assign 'list' as buffer 'count'"):
        net.block.count = [1]


@pytest.mark.parametrize(
    ("what", "value"),
    [("parameters", nn.Parameter(tg.ones(1))), ("module", nn.ReLU())],
)
def test_assignment_needs_init(what: str, value: Any) -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.x = value

    with pytest.raises(AttributeError, match=rf"cannot assign {what} before Module.__init__\(\)"):
        Early()


def test_names_are_checked() -> None:
    net = Net()
    p = nn.Parameter(tg.ones(1))
    with pytest.raises(KeyError, match=r"name can.*t contain"):
        net.register_parameter("a.b", p)
    with pytest.raises(KeyError, match=r"name can.*t be empty"):
        net.add_module("", net)
    with pytest.raises(KeyError, match="'forward' already exists"):
        net.register_parameter("forward", p)
    with pytest.raises(KeyError, match="'fc' already exists"):
        net.register_buffer("fc", tg.ones(1))
    with pytest.raises(TypeError, match=r"should be a string\. Got int"):
        net.add_module(3, net)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        net.register_module("x", 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'Tensor' object to parameter 'x'"):
        net.register_parameter("x", tg.ones(1))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'int' object to buffer 'x'"):
        net.register_buffer("x", 3)  # type: ignore[arg-type]


def test_missing_attributes_are_named() -> None:
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'foo'"):
        Net().foo  # noqa: B018


def test_getattr_called_by_name_finds_members() -> None:
    net = Net()
    net.register_buffer("none", None)
    assert net.__getattr__("fc") is net.fc
    assert net.fc.__getattr__("weight") is net.fc.weight
    assert net.__getattr__("none") is None
    with pytest.raises(AttributeError, match="'training'"):
        net.__getattr__("training")


def test_a_module_goes_with_its_last_reference() -> None:
    gc.disable()
    try:
        net = Net()
        ref = weakref.ref(net.fc.weight)
        net(tg.ones(2, 4)).sum().backward()
        del net
        assert ref() is None
    finally:
        gc.enable()


# Walks


def test_walks_go_in_order_of_registration_and_give_shared_things_once() -> None:
    net = Net()
    net.again = net.fc
    net.tied = nn.Parameter(tg.ones(1))
    net.block.tied = net.tied
    names = ["bias", "tied", "fc.weight", "fc.bias", "block.scale"]
    assert [n for n, _ in net.named_parameters()] == names
    assert [id(p) for p in net.parameters()] == [id(p) for _, p in net.named_parameters()]
    every = [n for n, _ in net.named_parameters(remove_duplicate=False)]
    assert every == [*names, "block.tied", "again.weight", "again.bias"]
    assert [n for n, _ in net.named_parameters("net", recurse=False)] == ["net.bias", "net.tied"]
    assert [n for n, _ in net.named_modules()] == ["", "fc", "block"]
    assert [n for n, _ in net.named_children()] == ["fc", "block"]
    assert [n for n, _ in net.named_buffers()] == ["block.count", "block.scratch"]
    assert [type(m) for m in net.modules()] == [Net, nn.Linear, Block]


def test_get_by_dotted_name() -> None:
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("block") is net.block
    assert net.get_parameter("fc.weight") is net.fc.weight
    assert net.get_buffer("block.count") is net.block.count
    with pytest.raises(AttributeError, match="Net has no attribute `x`"):
        net.get_submodule("x")
    with pytest.raises(AttributeError, match=r"`weight` is not an nn\.Module"):
        net.get_submodule("fc.weight")
    with pytest.raises(AttributeError, match="Linear has no attribute `x`"):
        net.get_parameter("fc.x")
    with pytest.raises(AttributeError, match=r"`in_features` is not an nn\.Parameter"):
        net.get_parameter("fc.in_features")
    with pytest.raises(AttributeError, match="`scale` is not a buffer"):
        net.get_buffer("block.scale")


def test_apply_calls_children_first() -> None:
    seen: list[str] = []
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "ReLU", "Sequential", "Sequential"]


def test_train_and_eval_reach_everything() -> None:
    net = Net()
    assert net.training
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    net.train()
    assert all(m.training for m in net.modules())
    with pytest.raises(ValueError, match="expected to be boolean"):
        net.train(1)  # type: ignore[arg-type]


# Conversion


def test_to_keeps_parameters_and_their_memory_order_and_moves_gradients(device: str) -> None:
    net = Net()
    net.register_buffer("index", tg.tensor([1, 2]))
    net(tg.ones(2, 4)).sum().backward()
    parameters = list(net.parameters())
    before = [host(p).copy() for p in parameters]
    gradients = [host(p.grad).copy() for p in parameters]
    for place, dtype in ((device, None), (None, tg.float64), ("cpu", tg.float32), (device, None)):
        assert net.to(place, dtype) is net
        assert all(a is b for a, b in zip(net.parameters(), parameters, strict=True))
        assert net.fc.weight.array.flags.f_contiguous
        assert net.fc.weight.grad.array.flags.f_contiguous
        for p, value, gradient in zip(parameters, before, gradients, strict=True):
            assert p.dtype == p.grad.dtype == (dtype or "float32")
            assert p.device.type == p.grad.device.type == (place or device)
            assert p.is_leaf
            np.testing.assert_array_equal(host(p), value)
            np.testing.assert_array_equal(host(p.grad), gradient)
        assert net.block.count.dtype == p.dtype
        assert net.index.dtype == "int64"
        assert net.index.device.type == net.block.count.device.type == (place or device)
    net(tg.ones(2, 4, device=device)).sum().backward()
    np.testing.assert_array_equal(host(net.bias.grad), 4)


def test_dtype_methods() -> None:
    net = Net()
    array = net.fc.weight.array
    assert net.float().cpu().fc.weight.array is array  # nothing to do, nothing copied
    assert net.double().fc.weight.dtype == "float64"
    assert net.half().fc.weight.dtype == "float16"
    assert net.type("float64").fc.weight.dtype == "float64"
    assert net.type(tg.FloatTensor).fc.weight.dtype == "float32"
    assert net.type("torch.DoubleTensor").fc.weight.dtype == "float64"
    assert net.float().fc.weight.dtype == "float32"
    assert net.to(tg.ones(1, dtype=tg.float64)).cpu().fc.weight.dtype == "float64"
    with pytest.raises(TypeError, match="only accepts floating point or complex dtypes"):
        net.to(tg.int64)
    with pytest.raises(RuntimeError, match="must have a floating-point or complex dtype"):
        net.type(tg.LongTensor)
    norm = tg.nn.BatchNorm1d(2).type(tg.DoubleTensor)
    assert norm.num_batches_tracked.dtype == "float64"  # unlike double(), buffers of integers too


def test_to_takes_what_has_no_effect_here() -> None:
    net = Net()
    array = net.fc.weight.array
    assert net.to("cpu", tg.float32, True).fc.weight.array is array
    assert net.to(memory_format=tg.channels_last, non_blocking=True).fc.weight.array is array
    if not tg.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):  # a device, and no dtype
            net.to(0)
    x = tg.ones(1, 2, 3, 3)
    assert x.contiguous(memory_format=tg.channels_last) is x


def test_cuda_without_a_gpu_says_what_is_missing() -> None:
    if tg.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(RuntimeError, match="CUDA is not available"):
        Net().cuda()


def test_requires_grad_and_zero_grad() -> None:
    net = Net()
    net(tg.ones(2, 4)).sum().backward()
    grad = net.bias.grad
    net.zero_grad(set_to_none=False)
    assert net.bias.grad is grad
    np.testing.assert_array_equal(host(grad), 0)
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert net.bias.grad is None
    assert net.requires_grad_(False) is net
    assert not any(p.requires_grad for p in net.parameters())


def test_deepcopy_keeps_sharing_and_is_independent() -> None:
    net = Net()
    net.tied = net.fc.weight
    twin = copy.deepcopy(net)
    assert twin.tied is twin.fc.weight
    assert twin.fc.weight is not net.fc.weight
    assert twin.fc.weight.array.flags.f_contiguous
    twin(tg.ones(2, 4)).sum().backward()
    assert net.fc.weight.grad is None
    assert twin.fc.weight.grad is not None
    revived = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(host(revived.fc.weight), host(net.fc.weight))


# Calls and hooks


def test_forward_must_be_defined() -> None:
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] .* "forward"'):
        nn.Module()(1)


def test_hooks_see_and_replace() -> None:
    net = nn.Identity()
    seen: list[Any] = []
    net.register_forward_hook(lambda m, args, out: seen.append((m, args, out)))
    assert net(3) == 3
    assert seen == [(net, (3,), 3)]
    first = net.register_forward_pre_hook(lambda m, args: args[0] + 1)
    second = net.register_forward_pre_hook(lambda m, args: (args[0] * 10,))
    third = net.register_forward_hook(lambda m, args, out: (args, out))
    assert net(3) == ((40,), 40)
    first.remove()
    first.remove()
    assert net(3) == ((30,), 30)
    with second:
        pass
    third.remove()
    assert net(3) == 3


def test_hooks_can_go_first_and_take_keywords() -> None:
    class Add(nn.Module):
        def forward(self, x: int, y: int = 0) -> int:
            return x + y

    net = Add()
    net.register_forward_pre_hook(lambda m, args: args[0] * 2)
    net.register_forward_pre_hook(lambda m, args: args[0] + 1, prepend=True)
    net.register_forward_pre_hook(lambda m, args, kw: (args, {"y": 100}), with_kwargs=True)
    net.register_forward_hook(lambda m, args, kw, out: (args, kw, out), with_kwargs=True)
    assert net(1, y=5) == ((4,), {"y": 100}, 104)
    net.register_forward_pre_hook(lambda m, args, kw: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="None or a tuple of"):
        net(1)


# Printing


def test_repr_is_that_of_pytorch() -> None:
    net = nn.Sequential(
        nn.Linear(2, 3, bias=False),
        nn.Sequential(nn.ReLU(inplace=True), nn.Dropout(0.1)),
        nn.ModuleDict({"a": nn.Softmax(dim=1)}),
        nn.ModuleList([nn.Linear(2, 3), nn.Linear(2, 3), nn.ReLU()]),
        nn.ModuleList(),
        nn.Unflatten(1, (2, 3)),
    )
    # values from PyTorch 2.13
    assert repr(net) == (
        "Sequential(\n"
        "  (0): Linear(in_features=2, out_features=3, bias=False)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU(inplace=True)\n"
        "    (1): Dropout(p=0.1, inplace=False)\n"
        "  )\n"
        "  (2): ModuleDict(\n"
        "    (a): Softmax(dim=1)\n"
        "  )\n"
        "  (3): ModuleList(\n"
        "    (0-1): 2 x Linear(in_features=2, out_features=3, bias=True)\n"
        "    (2): ReLU()\n"
        "  )\n"
        "  (4): ModuleList()\n"
        "  (5): Unflatten(dim=1, unflattened_size=(2, 3))\n"
        ")"
    )
    assert repr(nn.ParameterList([tg.ones(2, 3), tg.ones(())])) == (
        "ParameterList(\n    (0): Parameter containing: [torch.float32 of size 2x3]\n"
        "    (1): Parameter containing: [torch.float32 of size ]\n)"
    )
    assert repr(nn.ParameterList([tg.ones(1)])) == (
        "ParameterList(  (0): Parameter containing: [torch.float32 of size 1])"
    )


def test_extra_repr_and_children() -> None:
    class Both(nn.Sequential):
        def extra_repr(self) -> str:
            return "one\ntwo"

    assert repr(Both(nn.ReLU())) == "Both(\n  one\n  two\n  (0): ReLU()\n)"

    class Named(nn.ModuleList):
        def _get_name(self) -> str:
            return "Other"

    assert repr(Named([nn.ReLU()])) == "Other(\n  (0): ReLU()\n)"
    assert nn.Linear(1, 1)._get_name() == "Linear"


# Calls


def test_a_layer_reaches_its_rule_in_five_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """`__call__`, `forward`, the function, `apply`, the rule: nothing else stands between."""

    def frames(layer: nn.Module, x: tg.Tensor) -> list[str]:
        found: list[str] = []

        def look(frame: Any, event: str, arg: Any) -> None:
            file = frame.f_code.co_filename
            if event == "call" and not found and f"{os.sep}ops{os.sep}" in file:
                while frame.f_code is not nn.Module.__call__.__code__:
                    found.append(frame.f_code.co_name)
                    frame = frame.f_back
                found.append("__call__")

        sys.setprofile(look)
        try:
            layer(x)
        finally:
            sys.setprofile(None)
        return found[::-1]

    start, end = ["__call__", "forward"], ["apply"]
    for layer, x, name in [
        (nn.Conv2d(2, 3, 3), tg.randn(1, 2, 4, 4), "conv2d"),
        (nn.ConvTranspose2d(2, 3, 3), tg.randn(1, 2, 4, 4), "conv_transpose2d"),
        (nn.Linear(2, 3), tg.randn(1, 2), "linear"),
        (nn.LayerNorm(2), tg.randn(1, 2), "layer_norm"),
    ]:
        assert frames(layer, x) == [*start, name, *end, name]


def test_hooks_are_the_values_of_the_modules_dicts() -> None:
    """Programs look hooks up there, and take them away there."""
    net, seen = nn.Linear(2, 2), []
    net.register_forward_hook(lambda *given: seen.append(len(given)), with_kwargs=True)
    first = net.register_forward_hook(lambda *given: seen.append(-len(given)), prepend=True)
    before = net.register_forward_pre_hook(lambda *given: seen.append(0))
    (hook,) = net._forward_pre_hooks.values()
    hook(net, ())
    net(tg.ones(2))
    assert seen == [0, 0, -3, 4]
    net._forward_hooks.pop(next(iter(net._forward_hooks)))
    first.remove()  # gone already
    before.remove()
    seen.clear()
    net(tg.ones(2))
    assert (seen, len(net._forward_hooks), len(net._forward_pre_hooks)) == ([4], 1, 0)


def test_the_mode_reaches_modules_at_every_depth() -> None:
    inner = nn.Dropout()
    net = nn.Sequential(nn.Sequential(nn.Sequential(inner, nn.ReLU())), nn.BatchNorm1d(2))
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert not inner.training
    net.train()
    assert all(module.training for module in net.modules())
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        net.train(1)  # type: ignore[arg-type]
