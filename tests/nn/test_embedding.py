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
