"""Copies of tensors and modules, states assigned, hooks called despite errors: as PyTorch's."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_copies_of_views_share_memory_as_the_views_do(how: str, device: str) -> None:
    x = tg.arange(12.0, device=device).reshape(3, 4).clone()
    turned, row = x.T, x[1].requires_grad_()
    group = [x, turned, row, x.detach()]
    again = copy.deepcopy(group) if how == "deepcopy" else pickle.loads(pickle.dumps(group))
    assert [t.requires_grad for t in again] == [False, False, True, False]
    assert [tuple(t.shape) for t in again] == [(3, 4), (4, 3), (4,), (3, 4)]
    with tg.no_grad():
        again[2].add_(100)
    if device == "cpu":  # elsewhere each is copied alone
        assert again[0].tolist()[1] == again[3].tolist()[1] == [104, 105, 106, 107]
        assert [r[1] for r in again[1].tolist()] == [104, 105, 106, 107]
        assert again[0]._storage.version == again[2]._storage.version
    assert x.tolist()[1] == [4, 5, 6, 7]


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_view_of_memory_in_either_order_comes_back(order: Any) -> None:
    x = tg.from_numpy(np.array(np.arange(24.0).reshape(4, 6), order=order))
    for view in (x[1:3, ::2], x.T[2], x[:, -1:], x[2:2]):
        assert copy.deepcopy(view).tolist() == view.tolist()
        assert pickle.loads(pickle.dumps(view)).tolist() == view.tolist()


def test_copies_of_what_was_computed() -> None:
    y = tg.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="only leaf tensors"):
        copy.deepcopy(y)
    found = pickle.loads(pickle.dumps(y))
    assert found.is_leaf
    assert found.requires_grad
    assert copy.copy(y.detach()).array is not None


def test_a_copied_parameter_owns_its_memory() -> None:
    x = tg.zeros(3)
    p = nn.Parameter(x)
    a, b = copy.deepcopy([x, p])
    a.add_(1)
    assert b.tolist() == [0, 0, 0]
    twice = copy.deepcopy([p, p])
    assert twice[0] is twice[1]


def test_a_state_may_be_assigned() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net[0].weight.requires_grad_(False)
    state = {k: v.double() if v.dtype.kind == "f" else v for k, v in net.state_dict().items()}
    state["0.bias"] = nn.Parameter(state["0.bias"])
    before = net[0].bias
    net.load_state_dict(state, assign=True)
    assert net[0].bias is state["0.bias"]
    assert net[0].bias is not before
    assert type(net[0].weight) is nn.Parameter
    assert not net[0].weight.requires_grad
    assert net[0].weight.dtype == net[1].running_var.dtype == tg.float64
    assert net[0].weight.array is state["0.weight"].array
    with pytest.raises(RuntimeError, match="size mismatch"):
        net.load_state_dict({**state, "0.bias": tg.ones(3)}, assign=True)
    assert str(net.load_state_dict({}, strict=False)).startswith("_IncompatibleKeys(missing_keys=")


class _Fails(nn.Module):
    def forward(self, x: Any) -> Any:
        raise ValueError("no")


def test_hooks_that_are_always_called() -> None:
    net, told = _Fails(), []
    net.register_forward_hook(lambda *args: told.append("usual"))
    net.register_forward_hook(lambda *args: told.append(args[2]), always_call=True)
    handle = net.register_forward_hook(lambda *args: 1 / 0, always_call=True)
    with (
        pytest.warns(UserWarning, match="always_call=True"),
        pytest.raises(ValueError, match="no"),
    ):
        net(1)
    assert told == [None]
    handle.remove()
    fine = nn.Identity()
    fine.register_forward_hook(lambda m, args, out: told.append(out) or out + 1, always_call=True)
    assert fine(1) == 2
    assert told == [None, 1]


def test_shuffles_and_cropped_pads_are_copies() -> None:
    x = tg.ones(1, 4, 2, 2)
    functions = nn.functional
    for y in (
        functions.pixel_shuffle(x, 1),
        functions.pixel_unshuffle(x, 1),
        functions.channel_shuffle(x, 1),
        functions.pad(x, (-1, 0)),
        functions.interpolate(x, scale_factor=1),
        functions.interpolate(x[:, :, :1, :1], scale_factor=2),
    ):
        y.mul_(3)
        assert x.max().item() == 1


def test_rows_of_gates_and_masks_do_not_multiply_infinities(device: str) -> None:
    # Larger than a block of the kernel, and strided, which takes another form.
    for x in (tg.ones(5000), tg.ones(2, 3000)[:, ::2]):
        x = (x * tg.tensor([-1.0])).to(device).requires_grad_()
        (grad,) = tg.autograd.grad(x.relu().sqrt().sum(), x)
        assert grad.abs().max().item() == 0


def test_recorded_passes_of_16_bits_compute_in_32() -> None:
    x = tg.tensor([300.0, 1e-6], dtype=tg.float16, requires_grad=True)
    for create in (False, True):
        (grad,) = tg.autograd.grad(x.norm(), x, create_graph=create)
        assert grad.tolist() == [1, 0]
    tiny = tg.full((3,), 1e-6, dtype=tg.float16).requires_grad_()
    (grad,) = tg.autograd.grad(tiny.norm(), tiny, create_graph=True)
    assert grad.tolist() == pytest.approx([3**-0.5] * 3, abs=1e-3)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adagrad", "RMSprop"])
def test_groups_have_every_option_of_pytorchs(name: str) -> None:
    p = nn.Parameter(tg.ones(2))
    made = getattr(tg.optim, name)([{"params": [p]}, {"params": [nn.Parameter(tg.ones(1))]}])
    group = made.state_dict()["param_groups"][0]
    assert group["foreach"] is None
    assert group["differentiable"] is False
    assert ("capturable" in group) == (name in ("Adam", "AdamW", "RMSprop"))
    assert ("fused" in group) == (name != "RMSprop")
    assert "\n\nParameter Group 1\n" in repr(made)
    with pytest.raises(RuntimeError, match="differentiable"):
        getattr(tg.optim, name)([p], differentiable=True)
    assert (p in made.state) == (name == "Adagrad")


def test_silu_of_what_is_far_below_zero() -> None:
    x = tg.tensor([-1e38, -100.0, 3.0], requires_grad=True)
    y = nn.functional.silu(x)
    (grad,) = tg.autograd.grad(y.sum(), x)
    assert y.tolist()[:2] == grad.tolist()[:2] == [0, 0]


def test_types_of_results_of_numbers() -> None:
    ints, halves = tg.ones(2, dtype=tg.int32), tg.ones(2, dtype=tg.float16)
    pairs = [(ints, 2), (ints, 2.5), (2.5, ints), (halves, 1.5), (ints, True), (1, 2.5), (True, 1)]
    assert [tg.result_type(a, b) for a, b in pairs] == [
        tg.int32, tg.float32, tg.float32, tg.float16, tg.int32, tg.float32, tg.int64,
    ]  # fmt: skip
    with pytest.raises(TypeError, match="expected tensors or numbers"):
        tg.result_type(ints, "x")


def test_integers_are_clamped_and_become_floats() -> None:
    x = tg.tensor([-4, 3, 9])
    assert nn.functional.hardtanh(x, -1.0, 4.0).tolist() == [-1, 3, 4]
    assert nn.functional.relu6(x).dtype == nn.ReLU6(inplace=True)(x).dtype == tg.int64
    assert x.tolist() == [0, 3, 6]
    assert nn.functional.softsign(x).tolist() == pytest.approx([0, 0.75, 6 / 7])


def test_a_replica_has_members_of_its_own() -> None:
    """As data-parallel programs make one: the attributes copied, the members replaced."""
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    first: Any = net[0]
    twin: Any = first.__new__(type(first))
    twin.__dict__ = first.__dict__.copy()
    twin._parameters = twin._parameters.copy()
    weight = tg.ones(2, 3) * 1.0  # no Parameter, as what a broadcast gives
    twin._parameters["weight"] = weight
    assert twin.weight is weight is not first.weight
    twin._parameters = {"bias": None}
    assert not hasattr(twin, "weight")
    assert twin.bias is None
    assert list(first._parameters) == ["weight", "bias"]
    first._buffers = {"mean": weight}
    assert list(net.state_dict())[:3] == ["0.weight", "0.bias", "0.mean"]
    net._modules = {"only": net[1]}
    assert [name for name, _ in net.named_children()] == ["only"]
