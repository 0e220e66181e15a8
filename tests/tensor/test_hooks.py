"""Hooks on gradients, gradients kept for tensors in the middle, and where gradients are added."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite import Tensor


def leaf() -> Tensor:
    """(1, 2), which requires a gradient."""
    return tg.tensor([1.0, 2.0], requires_grad=True)


def values(tensor: Tensor | None) -> Any:
    """Its elements, or None."""
    return None if tensor is None else tensor.tolist()


def test_retain_grad_twice_keeps_one_gradient_and_sees_later_hooks() -> None:
    x = leaf()
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert (values(y.grad), values(x.grad)) == ([10, 10], [20, 20])


def test_retain_grad_follows_in_place_changes_and_hooks_do_not() -> None:
    x = leaf()
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)  # of the gradient before the change
    y.mul_(3)
    y.sum().backward()
    assert (values(y.grad), values(x.grad)) == ([1, 1], [60, 60])
    assert y.retains_grad
    assert not x.retains_grad


def test_retain_grad_adds_up() -> None:
    x = leaf()
    y = x * 2
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert values(y.grad) == [2, 2]


def test_grad_of_a_hooked_tensor_is_what_the_hook_makes() -> None:
    x = leaf()
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    assert values(tg.autograd.grad(y.sum(), y)[0]) == [10, 10]
    assert values(y.grad) == [10, 10]


def test_inputs_of_backward() -> None:
    x = leaf()
    y = x * 2
    (y * 3).sum().backward(inputs=[x, y])
    assert (values(x.grad), values(y.grad)) == ([6, 6], [3, 3])
    with pytest.raises(RuntimeError, match="inputs= can't be empty"):
        x.sum().backward(inputs=[])


def test_a_frozen_parameter_gets_no_gradient_and_keeps_its_hooks() -> None:
    x, w = leaf(), leaf()
    w.register_hook(lambda g: g * 10)
    y = (x * w).sum()
    w.requires_grad_(False)
    y.backward()
    assert (values(x.grad), values(w.grad)) == ([1, 2], None)
    w.requires_grad_()
    (w * 2).sum().backward()
    assert values(w.grad) == [20, 20]


def test_handles_remove_hooks() -> None:
    x = leaf()
    handle = x.register_hook(lambda g: g * 10)
    handle.remove()
    handle.remove()
    with x.register_hook(lambda g: g * 100):
        (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert values(x.grad) == [202, 202]


def test_a_hook_that_returns_no_tensor_is_named() -> None:
    x = leaf()
    x.register_hook(lambda g: 3)  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="a hook must return a Tensor or None, not int"):
        (x * 2).sum().backward()


def test_a_hook_after_the_gradient_was_added() -> None:
    seen = []
    x = leaf()
    x.register_post_accumulate_grad_hook(lambda t: seen.append(values(t.grad)))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert seen == [[2, 2], [4, 4]]


def test_it_is_called_while_the_pass_goes_on() -> None:
    """As soon as the gradient is whole: then it can be sent away, or used and let go."""
    events: list[str] = []
    first, last, unused = leaf(), leaf(), leaf()
    for name, x in (("first", first), ("last", last)):
        x.register_post_accumulate_grad_hook(lambda t, name=name: events.append(name))
    unused.register_post_accumulate_grad_hook(lambda t: events.append("unused"))

    def seen(h: Tensor) -> Tensor:
        h.register_hook(lambda g: events.append("h"))
        return h

    (seen(first * 2) * last).sum().backward()
    assert events == ["last", "h", "first"]
    events.clear()
    (seen(first * last) * last).sum().backward()  # h's own rule has a share of it
    assert events == ["h", "last", "first"]
    assert values(last.grad) == [2 + 2, 4 + 8]

    class Silent(tg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            return None

    events.clear()
    (first * 3 + Silent.apply(first) * last).sum().backward()  # one share never comes
    assert events == ["last", "first"]
    last.backward(tg.ones(2))
    assert events[2:] == ["last"]


def test_a_second_pass_through_what_saved_nothing() -> None:
    x = leaf()
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert values(x.grad) == [2, 2]
    z = (x * x + 1).sum()
    z.backward()
    with pytest.raises(RuntimeError, match=r"^mul: trying to backward .* a second time"):
        z.backward()


def test_threads_lose_no_first_gradient() -> None:
    for _ in range(200):
        x = leaf()
        start = threading.Barrier(2)

        def run(x: Tensor = x, start: threading.Barrier = start) -> None:
            y = (x * 2).sum()
            start.wait()
            y.backward()

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert values(x.grad) == [4, 4]


def test_a_gradient_that_a_hook_kept_stays_as_it_was() -> None:
    w, kept = tg.ones(2, requires_grad=True), []
    w.register_hook(lambda g: kept.append(g))
    (w * 2).sum().backward()
    (w * 2).sum().backward()
    assert kept[0].tolist() == [2, 2]
    assert w.grad is not None
    assert w.grad.tolist() == [4, 4]


def test_a_gradient_is_one_tensor_for_all_hooks() -> None:
    x, seen = leaf(), []

    def mark(grad: Any) -> Any:
        seen.append(getattr(grad, "mark", None))
        grad.mark = len(seen)

    def double(grad: Any) -> Any:
        mark(grad)
        made: Any = grad * 2
        made.mark = "made"
        return made

    for hook in (mark, double, mark):
        x.register_hook(hook)
    for create_graph in (False, True):
        (x * 3).sum().backward(create_graph=create_graph)
    assert seen == [None, 1, "made", None, 4, "made"]
    assert values(x.grad) == [12, 12]


def test_a_hook_that_changes_the_shape_is_an_error() -> None:
    w = tg.ones(2, requires_grad=True)
    w.register_hook(lambda g: g.sum())
    with pytest.raises(RuntimeError, match=r"a hook gave a gradient of shape \(\)"):
        (w * 2).sum().backward()
