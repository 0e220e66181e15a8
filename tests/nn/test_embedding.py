"""Tables of vectors: what `test_beside` does not compare. Values and gradients are its cases."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.autograd import gradgradcheck
from tinygrad_lite.nn import functional as F


def test_starts_with_normal_draws_and_a_padding_row_of_zeros(device: str) -> None:
    layer = nn.Embedding(400, 50, padding_idx=3, device=device)
    table = layer.weight.detach().cpu()
    assert table[3].tolist() == [0.0] * 50
    rest = np.delete(table.numpy(), 3, 0)
    assert abs(rest.mean()) < 0.03
    assert abs(rest.std() - 1) < 0.03


def test_a_pretrained_table_is_shared(device: str) -> None:
    table = tg.randn(4, 2, device=device)
    layer = nn.Embedding.from_pretrained(table)
    assert not layer.weight.requires_grad
    with tg.no_grad():
        table.mul_(2)
    assert layer.weight.tolist() == table.tolist()
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    bag = nn.EmbeddingBag.from_pretrained(table, mode="sum")
    assert bag(tg.tensor([[0, 1]], device=device)).tolist() == [(table[0] + table[1]).tolist()]


@pytest.mark.parametrize("padding", [None, 3])
def test_second_derivatives(padding: int | None, device: str) -> None:
    weight = tg.randn(4, 2, dtype=tg.float64, device=device, requires_grad=True)
    index = tg.tensor([[0, 1, 1], [2, 1, 0]], device=device)

    def function(weight: tg.Tensor) -> tg.Tensor:
        return F.embedding(index, weight, padding).tanh()

    assert gradgradcheck(function, [weight])


def test_float16_adds_up_in_float32(device: str) -> None:
    weight = tg.zeros(1, 1, dtype=tg.float16, device=device, requires_grad=True)
    index = tg.zeros(5000, dtype=tg.int64, device=device)
    F.embedding(index, weight).sum().backward()
    assert weight.grad is not None
    assert weight.grad.item() == 5000


def test_sparse_gradients_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="sparse=True"):
        nn.Embedding(2, 2, sparse=True)(tg.tensor([0]))


def test_a_padding_row_counted_from_the_end_gets_no_gradient(device: str) -> None:
    """In the function and in the layer, whose row starts at 0."""
    table = tg.ones(3, 2, device=device).requires_grad_()
    index = tg.tensor([2, 0, 2], device=device)
    F.embedding(index, table, padding_idx=-1).sum().backward()
    assert table.grad is not None
    assert table.grad.tolist() == [[1, 1], [0, 0], [0, 0]]
    layer = nn.Embedding(3, 2, padding_idx=-1, device=device)
    assert layer.padding_idx == 2
    assert layer.weight[2].tolist() == [0, 0]
    layer(index).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.tolist() == [[1, 1], [0, 0], [0, 0]]


def test_gradients_divided_by_how_often_a_row_was_looked_up(device: str) -> None:
    table = tg.ones(3, 1, device=device).requires_grad_()
    index = tg.tensor([1, 0, 1, 1], device=device)
    F.embedding(index, table, scale_grad_by_freq=True).sum().backward()
    assert table.grad is not None
    assert table.grad.tolist() == [[1], [1], [0]]


def test_only_rows_that_are_too_long_are_shortened() -> None:
    table = tg.tensor([[3.0, 4.0], [0.3, 0.4], [30.0, 40.0]])
    found = F.embedding(tg.tensor([0, 1]), table, max_norm=1.0)
    np.testing.assert_allclose(found.numpy(), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-5)
    np.testing.assert_allclose(table.numpy(), [[0.6, 0.8], [0.3, 0.4], [30, 40]], rtol=1e-5)


def test_what_comes_back_for_padding_is_left_out_even_if_it_is_nan(device: str) -> None:
    table = tg.ones(3, 2, device=device).requires_grad_()
    rows = F.embedding(tg.tensor([0, 1, 1, 2], device=device), table, padding_idx=1)
    nan = float("nan")
    rows.backward(tg.tensor([[1.0, 1], [nan, 1], [2, nan], [3, 4]], device=device))
    assert table.grad is not None
    assert table.grad.tolist() == [[1, 1], [0, 0], [3, 4]]
