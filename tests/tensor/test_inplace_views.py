"""In-place changes of views inside the graph do what the out-of-place forms do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import Tensor, optim
from tinygrad_lite.autograd import gradcheck, gradgradcheck

from .test_inplace import every_change


def leaf(*shape: int) -> Tensor:
    """A float64 leaf of positive numbers."""
    array = np.random.default_rng(7).uniform(0.5, 2, shape)
    return tg.from_numpy(array).requires_grad_()


@every_change
def test_a_change_of_a_view_is_one_of_its_base(change: Callable[[Tensor], Any]) -> None:
    x = leaf(5)
    weights = tg.from_numpy(np.arange(1.0, 6.0))

    base = x * x
    tg.manual_seed(0)
    change(base[1:3])
    found = tg.autograd.grad((base * weights).sum(), x)[0]

    old = x * x
    middle = old[1:3].clone()
    tg.manual_seed(0)
    change(middle)
    expected = tg.cat([old[:1], middle, old[3:]])
    assert base.tolist() == expected.tolist()
    assert found.tolist() == tg.autograd.grad((expected * weights).sum(), x)[0].tolist()


# Of a base (3, 4): what a program does to it in place, and the base that comes out of it.
FORMS: dict[str, tuple[Callable[[Tensor], Any], Callable[[Tensor], Tensor]]] = {
    "slice +=": (
        lambda y: y.__setitem__(slice(1, 3), y[1:3].__iadd__(1)),
        lambda y: tg.cat([y[:1], y[1:3] + 1]),
    ),
    "row": (lambda y: y[0].mul_(y[1].clone()), lambda y: tg.stack([y[0] * y[1], y[1], y[2]])),
    "zeroed": (lambda y: y[1].zero_(), lambda y: y * tg.tensor([[1.0], [0.0], [1.0]]).double()),
    "copied": (lambda y: y[1:3].copy_(y[0]), lambda y: tg.stack([y[0], y[0], y[0]])),
    "view of view": (lambda y: y[1:][1].neg_(), lambda y: tg.cat([y[:2], -y[2:]])),
    "transposed": (lambda y: y.T[0].exp_(), lambda y: tg.cat([y[:, :1].exp(), y[:, 1:]], 1)),
    "reshaped": (
        lambda y: y.view(-1)[:6].sqrt_(),
        lambda y: tg.cat([y.reshape(-1)[:6].sqrt(), y.reshape(-1)[6:]]).reshape(3, 4),
    ),
    "diagonal": (
        lambda y: y.diagonal(-1).mul_(y[0, 0].clone()),
        lambda y: y + (y[0, 0] - 1) * y * (_one_at(1, 0) + _one_at(2, 1)),
    ),
    "windows": (
        lambda y: y.unfold(1, 2, 2)[1].neg_(),
        lambda y: y * tg.tensor([[1.0], [-1.0], [1.0]]).double(),
    ),
    "strided": (
        lambda y: y.as_strided((4,), (1,), 4).neg_(),
        lambda y: y * tg.tensor([[1.0], [-1.0], [1.0]]).double(),
    ),
    "unsqueezed": (lambda y: y.unsqueeze(0).mul_(3), lambda y: y * 3),
    "element": (lambda y: y[1, 2].add_(y[0, 0]), lambda y: y + y[0, 0] * _one_at(1, 2)),
    "twice": (
        lambda y: (y[0].mul_(2), y[0].mul_(y[2].clone())),
        lambda y: tg.stack([2 * y[0] * y[2], y[1], y[2]]),
    ),
    "assigned in a view": (
        lambda y: y[1:].__setitem__(0, y[0]),
        lambda y: tg.stack([y[0], y[0], y[2]]),
    ),
}


def _one_at(*place: int) -> Tensor:
    out = tg.zeros(3, 4, dtype="float64")
    out[place] = 1
    return out


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str, device: str) -> None:
    in_place, out_of_place = FORMS[form]
    x = leaf(3, 4)
    x = x.detach().to(device).requires_grad_()

    def run(x: Tensor) -> Tensor:
        y = x * x
        in_place(y)
        return y

    if device == "cpu":
        np.testing.assert_allclose(run(x).tolist(), out_of_place(x * x).tolist(), rtol=1e-15)
    assert gradcheck(run, (x,))
    assert gradgradcheck(run, (x,))


def test_a_view_follows_its_base() -> None:
    x = leaf(3)
    base = x * 1
    view, all_of_it = base[:2], base.view(3)
    base.mul_(3)
    assert view.requires_grad
    assert tg.autograd.grad(view.sum(), x, retain_graph=True)[0].tolist() == [3, 3, 0]
    view.mul_(x[2])  # recorded, through another view
    assert all_of_it.tolist() == base.tolist()
    grad = tg.autograd.grad(all_of_it.sum(), x)[0]
    np.testing.assert_allclose(
        grad.tolist(), [3 * x[2].item(), 3 * x[2].item(), 3 * (x[0] + x[1]).item() + 3], rtol=1e-15
    )


def test_a_constant_that_takes_a_gradient_gives_it_to_its_views() -> None:
    w = leaf(4)
    buffer = tg.zeros(3, 4, dtype="float64")
    before = buffer[2]
    for row in range(3):
        buffer[row].copy_(w * row)
    assert buffer.requires_grad
    assert before.requires_grad
    assert not before.is_leaf
    before.sum().backward()
    assert w.grad.tolist() == [2, 2, 2, 2]


def test_a_view_of_a_leaf_is_refused() -> None:
    x = leaf(3)
    with pytest.raises(RuntimeError, match=r"^add_: a view of a leaf Variable that requires grad"):
        x[0].add_(1)
    assert x.tolist() == leaf(3).tolist()


def test_a_view_made_without_recording_is_refused() -> None:
    y = leaf(3) * 1
    with tg.no_grad():
        view = y[:2]
    with pytest.raises(RuntimeError, match=r"^mul_: a view of shape \(2,\) that was made without"):
        view.mul_(2)


def test_old_elements_that_a_gradient_needs_are_guarded() -> None:
    y = leaf(3) * 1
    square = y * y
    y[0].add_(1)
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        square.sum().backward()


def test_a_failed_change_leaves_everything() -> None:
    x = leaf(3)
    y = x * 1
    node = y.grad_fn
    with pytest.raises(RuntimeError, match="mul"):
        y[:2].mul_(tg.ones(7))
    assert y.tolist() == x.tolist()
    assert y.grad_fn is node


def test_a_long_chain_of_views() -> None:
    x = leaf(3)
    y = x * 1
    view = y
    for _ in range(5000):
        view = view.view(3)
    view.mul_(2)
    assert tg.autograd.grad(y.sum(), x)[0].tolist() == [2, 2, 2]


def test_a_leaf_made_from_a_view_can_be_trained() -> None:
    for w in (tg.arange(6.0).reshape(2, 3), tg.randn(3, 2).T):
        w.requires_grad_()
        optimizer = optim.SGD([w], lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
        with tg.no_grad():
            w -= 0.1
        (w * w).sum().backward()


def test_data_from_a_view_can_be_trained() -> None:
    w = tg.ones(3, requires_grad=True)
    w.data = tg.arange(6.0).reshape(2, 3)[0]
    w.data.add_(1.0)
    (w * w).sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [2, 4, 6]


def test_a_view_from_before_a_recorded_change_is_no_constant() -> None:
    w = tg.tensor(2.0, requires_grad=True)
    buffer = tg.zeros(2, 2)
    view = buffer[0]
    buffer[0] = w * 3
    for row in (view, buffer[0]):
        (grad,) = tg.autograd.grad((row * w).sum(), w, retain_graph=True)  # of 2 · 3 w²
        assert grad.item() == 24


def test_a_view_of_a_plain_buffer_may_be_filled_and_used() -> None:
    buffer = tg.zeros(2, 2)
    view = buffer[0]
    buffer[0] = 5.0
    assert (view * 2).tolist() == [10, 10]


def test_changes_show_through_memory_that_is_not_numpys() -> None:
    x = tg.from_numpy(np.frombuffer(bytearray(np.ones(6, "f4").tobytes()), "f4"))
    w = tg.ones(4, requires_grad=True)
    y = (x[0:4] * w).sum()
    x.mul_(5.0)
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        y.backward()


def test_a_value_with_more_leading_ones_than_its_place() -> None:
    x, v = tg.zeros(2, 3), tg.ones(1, 3, requires_grad=True)
    x[0] = v * 2
    (x * x).sum().backward()
    assert v.grad is not None
    assert v.grad.tolist() == [[8, 8, 8]]


def test_a_recorded_fill_stays_in_the_graph() -> None:
    w = tg.tensor([1.0, float("nan")], requires_grad=True)
    h = w * 2
    h.zero_()
    assert h.tolist() == [0, 0]
    h.sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [0, 0]


def test_views_of_a_resized_tensor_are_known_as_such() -> None:
    x = tg.zeros(1)
    x.resize_(2, 3).zero_()
    y = (x * tg.ones(2, 3, requires_grad=True)).sum()
    x[0].add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        y.backward()


UNRECORDED: dict[str, Callable[[Tensor], Tensor]] = {
    "x[0]": lambda x: x[0],
    "expand": lambda x: x[:1].expand(1, 3),
    "reshape": lambda x: x.reshape(6),
    "transpose": lambda x: x.transpose(0, 1),
    "narrow": lambda x: x.narrow(0, 0, 1),
    "chunk": lambda x: x.chunk(2)[0],
    "view_as": lambda x: x.view_as(x),
}


@pytest.mark.parametrize("view", UNRECORDED)
def test_a_view_made_without_recording_is_not_changed_with(view: str) -> None:
    x = tg.ones(2, 3, requires_grad=True) * 2
    with tg.no_grad():
        v = UNRECORDED[view](x)
    with pytest.raises(RuntimeError, match="was made without recording"):
        v.add_(1.0)
    assert x.tolist() == [[2.0] * 3] * 2
