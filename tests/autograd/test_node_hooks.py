"""Hooks of a leaf's node, and what nodes of Functions show and allow, as in PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as torch
from tinygrad_lite.autograd import Function, grad


def test_a_leafs_node_calls_after_what_was_added() -> None:
    """The way in which older data-parallel packages wait for a parameter."""
    x, seen = torch.ones(2, requires_grad=True), []
    node = x.expand_as(x).grad_fn.next_functions[0][0]
    handle = node.register_hook(
        lambda inputs, outputs: seen.append(("node", inputs, outputs[0].tolist(), x.grad.tolist()))
    )
    x.register_post_accumulate_grad_hook(lambda p: seen.append(("after", p.grad.tolist())))
    x.register_hook(lambda g: seen.append(("tensor", g.tolist())))
    (x * 2).sum().backward()
    assert seen == [("tensor", [2, 2]), ("after", [2, 2]), ("node", (), [2, 2], [2, 2])]
    (x * 3).sum().backward()
    assert seen[-1] == ("node", (), [3, 3], [5, 5])
    grad((x * 2).sum(), x)  # adds to nothing
    handle.remove()
    (x * 2).sum().backward()
    assert [what for what, *_ in seen].count("node") == 2


class Scaled(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, factor: float) -> Any:
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        names.append(ctx.name())
        assert ctx.next_functions == node.next_functions
        return g * ctx.factor, None


names: list[str] = []
node: Any = None


def test_what_a_functions_node_shows() -> None:
    global node
    x = torch.ones(2, requires_grad=True)
    y = Scaled.apply(x, 3.0)
    node = y.grad_fn
    assert (node.factor, node.needs_input_grad) == (3, (True, False))
    assert len(node.next_functions) == 1  # the number is no tensor
    assert node.next_functions[0][0].variable is x
    assert repr(node).startswith("<torch.autograd.function.ScaledBackward object at 0x")
    with pytest.raises(AttributeError, match="else"):
        _ = node.anything_else
    loss = y.sum()
    loss.backward()
    loss.backward()  # nothing was saved
    assert (x.grad.tolist(), names) == ([6, 6], ["ScaledBackward"] * 2)


class Saving(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, read: bool) -> Any:
        ctx.save_for_backward(x)
        ctx.read = read
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        if ctx.read:
            _ = ctx.saved_tensors
        return g * 2, None


def test_a_second_pass_is_refused_where_it_reads_what_was_saved() -> None:
    x = torch.ones(2, requires_grad=True)
    loss = Saving.apply(x, False).sum()
    loss.backward()
    loss.backward()
    assert x.grad.tolist() == [4, 4]
    loss = Saving.apply(x, True).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"Saving: trying to backward .* a second time"):
        loss.backward()


def _at_an_index(ctx: Any, g: Any) -> Any:
    g[0] = 0
    return g


def _in_place(ctx: Any, g: Any) -> Any:
    return g.mul_(0)


def _augmented(ctx: Any, g: Any) -> Any:
    g *= 0
    return g


def _within(ctx: Any, g: Any) -> Any:
    return (lambda: g.zero_())()


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("backward", [_at_an_index, _in_place, _augmented, _within])
def test_backward_may_change_the_gradient_it_is_given(backward: Any, create_graph: bool) -> None:
    """As straight-through estimators do; the other operand of the sum has its own, unchanged."""

    class Writer(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

    Writer.backward = staticmethod(backward)  # type: ignore[method-assign]
    x, w = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    found = grad((Writer.apply(x * 1) + w).sum(), [x, w], create_graph=create_graph)
    assert [g.tolist()[0] for g in found] == [0, 1]


class Pair(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return x * y, x + y

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        x, y = ctx.saved_tensors
        return g * y + h, g * x + h


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_behind_a_function_of_two_outputs(create_graph: bool) -> None:
    x, y = torch.tensor([2.0], requires_grad=True), torch.tensor([3.0], requires_grad=True)
    product, total = Pair.apply(x, y)
    seen: list[Any] = []
    product.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
    found = grad(product + total * 10, [x, y], create_graph=create_graph)
    assert [g.tolist() for g in found] == [[13], [12]]
    ((inputs, outputs),) = seen
    assert [g.tolist() for g in inputs] == [[13], [12]]
    assert [g.tolist() for g in outputs] == [[1], [10]]


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_before_a_function_of_two_outputs(create_graph: bool) -> None:
    """It is given both gradients, and may change both; a hook behind sees what it left."""
    x, y = torch.tensor([2.0], requires_grad=True), torch.tensor([3.0], requires_grad=True)
    product, total = Pair.apply(x, y)
    seen: list[Any] = []
    handle = product.grad_fn.register_prehook(lambda grads: tuple(g and g * 5 for g in grads))
    total.grad_fn.register_hook(lambda _, outputs: seen.append(outputs))
    both = product + total * 10
    found = grad(both, [x, y], create_graph=create_graph, retain_graph=True)
    assert [g.tolist() for g in found] == [[65], [60]]
    assert [g.tolist() for g in seen[0]] == [[5], [50]]
    assert grad(total, x, retain_graph=True)[0].tolist() == [5]
    handle.remove()
    assert grad(both, x)[0].tolist() == [13]


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_output_that_a_recorded_change_overwrote_is_there_for_the_second(
    create_graph: bool,
) -> None:
    """Its node holds a copy of what it was: forward can't be run again."""
    x = torch.tensor([2.0, 0.5], requires_grad=True)
    y = Saving.apply(x, False)
    before = y * 1
    y.exp_()
    z, w = Pair.apply(x, x)
    z[0] = 7.0
    out = y.sum() + before.exp().sum() + (z * w).sum()
    (found,) = grad(out, x, create_graph=create_graph)
    # e^(2x) twice; of z w 7 · 2x, and x² · 2x of the second
    expected = 4 * (2 * x).exp() + torch.stack([torch.tensor(14.0), 6 * x[1] ** 2])
    assert torch.allclose(found, expected)
    if create_graph:
        (second,) = grad(found.sum(), x)
        assert torch.allclose(second, 8 * (2 * x).exp() + torch.tensor([0.0, 6.0]))


class _Sum(torch.nn.Module):
    def forward(self, *args: Any) -> Any:
        return sum(x for x in args if isinstance(x, torch.Tensor))


def test_a_modules_hook_sees_zeros_of_tensors_that_want_no_gradient() -> None:
    a, still = torch.ones(2, requires_grad=True), torch.ones(2)
    counts = torch.ones(2, dtype=torch.int64)
    for args, expected in (
        ((a, still), [[1, 1], [0, 0]]),
        ((counts, a, 3), [[0, 0], [1, 1], None]),
    ):
        module, seen = _Sum(), []
        module.register_full_backward_hook(lambda m, i, o, seen=seen: seen.append(i))
        module(*args).sum().backward()
        ((grads,),) = [seen]
        assert [None if g is None else g.tolist() for g in grads] == expected
        dtypes = [x.dtype for x in args if isinstance(x, torch.Tensor)]
        assert [g.dtype for g in grads if g is not None] == dtypes
