"""What random programs of views, in-place changes and passes found; the values are PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import Tensor, nn


def doubled(*shape: int) -> tuple[Tensor, Tensor]:
    """A leaf of ones, and twice that."""
    x = torch.ones(shape, requires_grad=True)
    return x, x * 2


def test_a_change_of_one_repeat_of_an_expanded_tensor() -> None:
    x, y = doubled(3, 4)
    e = y.expand(2, 3, 4)
    e[0, 1] *= 3
    assert y[:, 0].tolist() == [2, 6, 2]
    e.sum().backward()
    assert x.grad is not None
    assert x.grad[:, 0].tolist() == [4, 12, 4]

    x, y = doubled(4)
    e = y.view(2, 2).expand(3, 2, 2)
    e[0] = 5.0
    assert y.tolist() == [5] * 4
    assert torch.autograd.grad(e.sum(), x)[0].tolist() == [0] * 4


def test_a_change_of_one_repeat_has_a_second_derivative() -> None:
    x, y = doubled(4)
    e = y.expand(3, 4)
    e[1] **= 2
    (slope,) = torch.autograd.grad((e**2).sum(), x, create_graph=True)
    assert slope.tolist() == [192] * 4  # e = 4 x², so Σ e² = 48 x⁴ for each x
    assert torch.autograd.grad(slope.sum(), x)[0].tolist() == [576] * 4


def test_repeats_are_not_written_at_once() -> None:
    _, y = doubled(1, 4)
    with pytest.raises(RuntimeError, match="single memory location"):
        y.expand(3, 4)[1:] = 1.0


@pytest.mark.parametrize("function", [torch.add, torch.mul])
def test_out_is_no_tensor_of_the_graph(function: Callable[..., Any]) -> None:
    x, y = doubled(3)
    for place in (x, y):
        with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
            function(torch.ones(3), 1, out=place)
        with torch.no_grad():
            assert function(torch.ones(3), 0.5, out=place) is place


def test_a_view_of_memory_that_its_base_left_is_not_changed() -> None:
    _, y = doubled(4)
    part = y[:2]
    y.data = torch.arange(4.0)
    with pytest.raises(RuntimeError, match="make the view again"):
        part.add_(1)
    assert part.tolist() == [2, 2]


def test_what_backward_reaches_keeps_its_gradient() -> None:
    _, y = doubled(3)
    y.sum().backward(inputs=[y], retain_graph=True)
    assert y.retains_grad
    (y * 3).sum().backward()
    assert y.grad is not None
    assert y.grad.tolist() == [4, 4, 4]


@pytest.mark.parametrize("of_base", [True, False])
def test_a_view_keeps_its_gradient_after_a_change(of_base: bool) -> None:
    _, y = doubled(4)
    part = y[:2]
    part.retain_grad()
    before = part * 7
    (y if of_base else part).mul_(3)
    (part * 5).sum().backward(retain_graph=True)
    assert part.retains_grad
    assert part.grad is not None
    assert part.grad.tolist() == [5, 5]
    before.sum().backward()
    assert part.grad.tolist() == [5, 5]  # that was its place in the graph before the change


MADE: dict[str, Callable[[Tensor], Tensor]] = {
    "a cell's state": lambda x: nn.LSTMCell(4, 2)(x)[0],
    "a cell's output": lambda x: nn.RNNCell(4, 2)(x),
    "repeat": lambda x: x.repeat(2, 1),
    "max": lambda x: x.max(0)[0],
    "mv": lambda x: x @ torch.ones(4),
    "roll": lambda x: x.roll(1),
    "conv1d": lambda x: nn.functional.conv1d(x[None], torch.ones(2, 3, 2)),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_results_leave_the_graph_in_place(make: Callable[[Tensor], Tensor]) -> None:
    made = make(torch.ones(3, 4, requires_grad=True))
    assert made.detach_() is made
    assert made.is_leaf
    assert not made.requires_grad
    version = made._version
    made.add_(1)  # is not recorded
    assert made.is_leaf
    assert made._version == version + 1


def test_a_view_of_a_leaf_does_not_leave_the_graph() -> None:
    with pytest.raises(RuntimeError, match="Can't detach views"):
        torch.ones(3, requires_grad=True)[0].detach_()


def test_a_leaf_alone_has_a_flag_to_set() -> None:
    x, y = doubled(2)
    for value in (True, False):
        with pytest.raises(RuntimeError, match="leaf variables"):
            y.requires_grad = value
    x.requires_grad = False
    assert not x.requires_grad


def test_a_leaf_is_not_set_to_other_memory() -> None:
    x, _ = doubled(2)
    with pytest.raises(RuntimeError, match="leaf Variable"):
        x.set_(torch.zeros(2))
    with torch.no_grad():
        assert x.set_(torch.zeros(2)).tolist() == [0, 0]


def test_nothing_to_flatten_is_the_tensor_itself() -> None:
    x = torch.ones(2, 3)
    assert x[0].flatten().shape == (3,)
    assert x.flatten(1) is x
    assert torch.flatten(x, 0, 0) is x
    assert x.flatten() is not x


nan = float("nan")


def test_a_matrix_of_a_nan_is_not_singular() -> None:
    a = torch.tensor([[[nan, 1.0], [1.0, 1.0]], [[1.0, 1.0], [2.0, 3.0]], [[1.0, 1.0], [1.0, 1.0]]])
    np.testing.assert_equal(torch.det(a).numpy(), [nan, 1, 0])
    np.testing.assert_equal(torch.slogdet(a)[0].numpy(), [0, 1, 0])
    np.testing.assert_equal(torch.slogdet(a)[1].numpy(), [nan, 0, -float("inf")])
    np.testing.assert_equal(torch.logdet(a).numpy(), [nan, 0, -float("inf")])
    np.testing.assert_equal(torch.inverse(a[:2]).numpy(), [[[nan] * 2] * 2, [[3, -1], [-2, 1]]])
    right = torch.tensor([[1.0], [2.0]]).expand(2, 2, 1)
    np.testing.assert_allclose(torch.linalg.solve(a[:2], right)[1].numpy(), [[1], [0]], atol=1e-6)
    assert torch.linalg.solve(a[0], right[0]).isnan().all()
    with pytest.raises(torch.linalg.LinAlgError, match="Singular"):
        torch.inverse(a)


@pytest.mark.parametrize("order", [None, 2, -2, "fro", 1])
def test_the_condition_of_nothing_is_zero(order: Any) -> None:
    assert torch.linalg.cond(torch.zeros(0, 0), order).item() == 0
    assert torch.linalg.cond(torch.zeros(2, 0, 0), order).tolist() == [0, 0]
    if order == "fro":
        with pytest.raises(RuntimeError, match="must be square"):
            torch.linalg.cond(torch.zeros(0, 3), order)


@pytest.mark.parametrize("order", [1, float("inf")])
def test_the_norm_of_matrices_without_sums_is_zero(order: float) -> None:
    for shape in ((0, 0), (3, 0, 0)):
        assert not torch.linalg.matrix_norm(torch.zeros(shape), order).any()
        with pytest.raises(IndexError, match="non-zero size"):
            torch.linalg.matrix_norm(torch.zeros(shape), -order)
    assert torch.linalg.matrix_norm(torch.zeros(3, 0, 0), order, keepdim=True).shape == (3, 1, 1)


@pytest.mark.parametrize("share", [torch.from_numpy, torch.as_tensor, torch.asarray])
def test_the_shape_of_an_array_is_the_programs_own(share: Callable[[Any], Tensor]) -> None:
    array = np.arange(6.0)
    x = share(array)
    array.shape = (2, 3)
    array[0] = 7
    assert x.tolist() == [7, 7, 7, 3, 4, 5]
    for made in (x.numpy(), x.numpy(force=True), np.asarray(x)):
        made.shape = (3, 2)
        made.flags.writeable = False
    assert x.shape == (6,)
    x.numpy()[0] = 1
    x.add_(1)
    assert array.flatten().tolist() == [2, 8, 8, 4, 5, 6]


CHANGED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "linear": lambda x, w: nn.functional.linear(x, w),
    "linear, biased": lambda x, w: nn.functional.linear(x, w, torch.ones(4)),
    "matmul": lambda x, w: x @ w.T,
    "matmul of a batch": lambda x, w: x.reshape(1, 2, 3) @ w.T,
    "layer": lambda x, w: nn.functional.conv1d(x[:, :, None], w[:, :, None]),
}


@pytest.mark.parametrize("product", CHANGED.values(), ids=CHANGED)
def test_a_weight_that_its_own_gradient_does_not_need(
    product: Callable[[Tensor, Tensor], Tensor],
) -> None:
    """As when a second loss is differentiated after the first one's step."""
    weight = torch.ones(4, 3, requires_grad=True)
    y = product(torch.ones(2, 3), weight)
    with torch.no_grad():
        weight.add_(1)
    y.sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [[2] * 3] * 4
