"""What a program sees of a graph, and hooks of what it keeps and sends."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.autograd import Function, graph
from tinygrad_lite.nn import functional as F


def leaf(*values: float, device: str = "cpu") -> tg.Tensor:
    return tg.tensor(values, device=device, requires_grad=True)


def test_nodes_lead_to_nodes() -> None:
    x = leaf(1.0, 2.0)
    node = (x * 2).sum().grad_fn
    assert isinstance(node, graph.Node)
    assert node.name() == "SumBackward0"
    ((inner, position),) = node.next_functions
    assert (inner.name(), position) == ("MulBackward0", 0)
    (end, _), constant = inner.next_functions
    assert end.name() == "torch::autograd::AccumulateGrad"
    assert end.variable is x
    assert end.next_functions == ()
    assert constant == (None, 0)
    assert (2 * x).grad_fn.next_functions == (x * 2).grad_fn.next_functions
    assert (tg.ones(2) * x).grad_fn.next_functions == (constant, (end, 0))
    with tg.no_grad():
        assert not x[0].requires_grad
    loss = (x * 2).exp()
    loss.sum().backward()
    ((inner_of_loss, _),) = loss.grad_fn.next_functions  # edges stay behind a pass
    assert inner_of_loss.next_functions == ((end, 0), (None, 0))
    node.metadata["seen"] = True
    assert node.metadata == {"seen": True}
    assert inner.metadata == {}


def test_nodes_of_a_function_with_several_outputs() -> None:
    x = leaf(1.0)
    first, second = Two.apply(x)
    assert first.grad_fn.name() == "TwoBackward"
    assert first.grad_fn.next_functions == second.grad_fn.next_functions
    assert first.grad_fn.next_functions[0][0].variable is x


class Two(Function):
    @staticmethod
    def forward(ctx: Any, x: tg.Tensor) -> Any:
        return x * 1, x * 2

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] + 2 * grads[1]


def test_hooks_of_nodes(device: str) -> None:
    x = tg.ones(3, device=device, requires_grad=True)
    log: list[Any] = []
    y = x * tg.ones(2, 3, device=device)  # whose gradient is summed: a hook sees the sum
    before = y.grad_fn.register_prehook(lambda out: (out[0] * 3,))
    behind = y.grad_fn.register_hook(lambda inner, out: log.append((inner, out)))
    changing = y.grad_fn.register_hook(lambda inner, _: (inner[0] * 10, None))
    y.sum().backward(retain_graph=True)
    ((inner, (out,)),) = log
    assert inner[0].tolist() == [6, 6, 6]
    assert inner[1] is None
    assert out.tolist() == [[3] * 3] * 2
    assert x.grad.tolist() == [60] * 3
    (recorded,) = tg.autograd.grad(y.sum(), x, create_graph=True)
    assert recorded.tolist() == [60] * 3
    for handle in (before, behind, changing):
        handle.remove()
    x.grad = None
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [2] * 3
    y.grad_fn.register_hook(lambda inner, _: inner[:1])
    with pytest.raises(RuntimeError, match="gave 1 gradients for 2 inputs"):
        y.sum().backward()


def test_a_node_is_a_function_of_the_gradient(device: str) -> None:
    x = tg.tensor([2.0, 3.0], device=device, requires_grad=True)
    y = x * tg.ones(3, 1, device=device)
    own, other = y.grad_fn(tg.full((3, 2), 5.0, device=device))
    assert own.tolist() == [15, 15]
    assert other is None
    assert (x**2).exp().grad_fn.next_functions[0][0](tg.ones(2, device=device))[0].tolist() == [
        4,
        6,
    ]
    assert x.grad is None


def test_a_prehook_of_a_leaf() -> None:
    x = leaf(1.0)
    (x * 1).grad_fn.next_functions[0][0].register_prehook(lambda grads: (grads[0] * 5,))
    (x * 2).backward()
    assert x.grad.tolist() == [10]


def test_hooks_of_several_tensors(device: str) -> None:
    a, b = leaf(1.0, device=device), leaf(2.0, device=device)
    whole: list[Any] = []
    first: list[Any] = []
    handle = graph.register_multi_grad_hook(
        (a, b), lambda found: whole.append([None if g is None else g.item() for g in found])
    )
    graph.register_multi_grad_hook((a, b), lambda grad: first.append(grad.item()), mode="any")
    (a * 2 + b * 3).backward()
    (a * 4).backward()
    tg.autograd.grad(a * 5 + b * 6, [b])
    assert whole == [[2, 3], [4, None], [None, 6]]
    assert len(first) == 3
    handle.remove()
    (a * 2 + b * 3).backward()
    assert len(whole) == 3
    with pytest.raises(ValueError, match="mode"):
        graph.register_multi_grad_hook((a,), print, mode="some")  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="tensor 1 does not require"):
        graph.register_multi_grad_hook((a, tg.ones(1)), print)


def test_hooks_hold_nothing() -> None:
    gone = []
    enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(3):
            a = leaf(1.0)
            b = a * 2
            graph.register_multi_grad_hook((a, b), lambda found: None)
            b.grad_fn.register_hook(lambda inner, out: None)
            b.grad_fn.metadata["noted"] = True
            gone += [weakref.ref(a), weakref.ref(b.grad_fn)]
            (b * b).sum().backward()
        del a, b
        assert [ref() for ref in gone] == [None] * 6
    finally:
        if enabled:
            gc.enable()


def test_what_is_kept_goes_through_hooks(device: str) -> None:
    a, b = leaf(1.0, 2.0, device=device), leaf(3.0, 4.0, device=device)
    log: list[str] = []

    def pack(tensor: tg.Tensor) -> Any:
        log.append("in")
        return tensor.detach().cpu().numpy().copy()

    def unpack(kept: Any) -> tg.Tensor:
        log.append("out")
        return tg.tensor(kept, device=device)

    with graph.saved_tensors_hooks(pack, unpack):
        y = a * b
        z = y.exp()
        w = z.sum()  # keeps nothing
    assert log == ["in"] * 3
    z.detach().zero_()  # not seen: it is elsewhere
    w.backward()
    assert log == ["in"] * 3 + ["out"] * 3
    found = np.exp([3.0, 8.0])
    np.testing.assert_allclose(a.grad.cpu(), found * [3, 4], rtol=1e-6)
    np.testing.assert_allclose(b.grad.cpu(), found * [1, 2], rtol=1e-6)
    with pytest.raises(RuntimeError, match="second time"):
        w.backward()
    with graph.saved_tensors_hooks(pack, unpack):
        nothing = a.sum()
    nothing.backward()
    nothing.backward()  # as it saved nothing


def test_hooks_get_the_inputs_themselves() -> None:
    x = leaf(2.0)
    given: list[Any] = []
    with graph.saved_tensors_hooks(lambda t: given.append(t) or t, lambda kept: kept):  # type: ignore[func-returns-value]
        x * x
    assert [t is x for t in given] == [True]


def test_layers_and_functions_keep_through_hooks(device: str) -> None:
    tg.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    ).to(device)
    x = tg.randn(4, 2, 6, 6, device=device, requires_grad=True)

    def gradients() -> list[Any]:
        loss = (Square.apply(model(x)) * tg.arange(12.0, device=device)).sum()
        return [g.cpu().numpy() for g in tg.autograd.grad(loss, [x, *model.parameters()])]

    wanted = gradients()
    with graph.save_on_cpu(pin_memory=True):
        found = gradients()
    for w, f in zip(wanted, found, strict=True):
        np.testing.assert_allclose(f, w, rtol=1e-5, atol=1e-5)


def test_a_second_derivative_through_what_hooks_kept(device: str) -> None:
    x = leaf(2.0, 3.0, device=device)
    with graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda kept: kept):
        y = (Square.apply(x) * x).sum()  # x³
        (once,) = tg.autograd.grad(y, x, create_graph=True)
        (twice,) = tg.autograd.grad((once * x).sum(), x, create_graph=True)
        (thrice,) = tg.autograd.grad(twice.sum(), x)
    assert once.tolist() == [12, 27]
    assert twice.tolist() == [36, 81]
    assert thrice.tolist() == [36, 54]


class Square(Function):
    @staticmethod
    def forward(ctx: Any, x: tg.Tensor) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return 2 * ctx.saved_tensors[0] * grads[0]


def test_what_a_hook_calculates_is_not_kept_through_it() -> None:
    calls = []

    def pack(tensor: tg.Tensor) -> tg.Tensor:
        calls.append(tensor)
        if len(calls) < 5:
            with tg.enable_grad():
                tensor.detach().requires_grad_().exp()
        return tensor

    with graph.saved_tensors_hooks(pack, lambda kept: kept):
        leaf(1.0).exp()
    assert len(calls) == 1


def test_hooks_that_are_wrong() -> None:
    x = leaf(2.0)
    with (
        graph.saved_tensors_hooks(lambda t: t.add_(1), lambda kept: kept),
        pytest.raises(RuntimeError, match="modifying its input"),
    ):
        (x * 1).exp()
    with graph.saved_tensors_hooks(lambda t: 7, lambda kept: kept):  # type: ignore[arg-type, return-value]
        y = x.exp()
    with pytest.raises(TypeError, match="expected to be a Tensor but got result of type int"):
        y.backward()
    message = "not here"
    with (
        graph.disable_saved_tensors_hooks(message),
        pytest.raises(RuntimeError, match=message),
        graph.save_on_cpu(),
    ):
        pass
    with (
        graph.save_on_cpu(),
        pytest.raises(RuntimeError, match=message),
        graph.disable_saved_tensors_hooks(message),
    ):
        pass
    with graph.save_on_cpu():  # both are back
        x.exp().backward()


def test_what_is_kept_may_be_changed() -> None:
    x = leaf(2.0)
    y = x * 1
    with graph.allow_mutation_on_saved_tensors():
        z = y**2
        y.zero_()
    z.backward()
    assert x.grad.tolist() == [4]


def test_versions() -> None:
    x = tg.ones(3)
    row = x[1:]
    row.add_(1)
    x.mul_(2)
    assert (x._version, row._version, x.detach()._version) == (2, 2, 2)
    graph.increment_version([x, row])
    assert x._version == 4
    y = leaf(1.0) * 1
    z = y.exp() * y
    graph.increment_version(y)
    with pytest.raises(RuntimeError, match="modified by an in-place"):
        z.backward()


def test_nodes_have_pytorchs_names_where_the_rule_tells() -> None:
    x, y = tg.rand(3, 4, requires_grad=True), tg.rand(3, 4)
    image, labels = tg.rand(2, 3, 8, 8, requires_grad=True), tg.tensor([0, 1, 2])
    found = {
        "RsubBackward1": 1 - x,
        "SubBackward0": y - x,
        "MulBackward0": 2 / x,
        "DivBackward0": x / 2,
        "PowBackward0": x**2,
        "PowBackward1": x**y,
        "PowBackward2": 2**x,
        "MmBackward0": x @ y.t(),
        "AddmmBackward0": nn.Linear(4, 2)(y),
        "ViewBackward0": nn.Linear(4, 2)(y[None]),
        "SelectBackward0": x[1:, 0],
        "SliceBackward0": x[:, 1:],
        "IndexBackward0": x[[0, 2]],
        "UnsqueezeBackward0": x[:, None],
        "SumBackward1": x.sum(0),
        "MeanBackward1": x.mean(1),
        "MeanBackward0": x.mean(),
        "ClampBackward1": x.clamp(min=0),
        "MaxBackward1": x.max(),
        "AminBackward0": x.amin(),
        "CatBackward0": tg.cat([x, x]),
        "ConvolutionBackward0": nn.Conv2d(3, 1, 3)(image),
        "MseLossBackward0": F.mse_loss(x, y),
        "BinaryCrossEntropyBackward0": F.binary_cross_entropy(x, y, reduction="sum"),
        "NllLossBackward0": F.cross_entropy(x, labels),
    }
    for name, result in found.items():
        assert result.grad_fn is not None
        assert result.grad_fn.name() == name
    loss = F.mse_loss(x, y)
    loss.backward()
    assert repr(loss).endswith("grad_fn=<MseLossBackward0>)")


def test_a_leaf_that_was_let_go_of_has_its_tensor() -> None:
    """PyTorch's graph keeps it; programs that draw graphs ask for it."""
    y = leaf(1.0, 2.0).clone()
    ((end, _),) = y.grad_fn.next_functions
    gc.collect()
    found = end.variable
    assert (found.tolist(), found.requires_grad, found.is_leaf) == ([1, 2], True, True)
    assert end.variable is found
    (y * 3).sum().backward()
    assert found.grad.tolist() == [3, 3]
    watched = weakref.ref(found)
    del found
    assert watched() is None  # the graph holds no more than before
    assert end.variable.tolist() == [1, 2]


def test_views_know_their_base() -> None:
    x, w = tg.ones(2, 3), leaf(1.0, 2.0)
    y = w * 2
    for view, base in [(x[0], x), (x.t(), x), (x[0][1:], x), (w[:1], w), (y.view(2, 1), y)]:
        assert view._is_view()
        assert view._base is base
    for tensor in (x, w, y, y.clone(), w.detach(), y.data, x.contiguous()):
        assert not tensor._is_view()
        assert tensor._base is None
    with tg.no_grad():
        assert y[0]._base is y
