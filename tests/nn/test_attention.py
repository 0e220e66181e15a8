"""Attention in blocks. What the functions and layers give is compared in `test_beside`."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.autograd import gradgradcheck
from tinygrad_lite.backend.plain.attention import Attention
from tinygrad_lite.nn import functional as F
from tinygrad_lite.nn.functional import attention
from tinygrad_lite.ops.attention import attention as rule
from tinygrad_lite.tensor import apply


def draw(*shape: int, device: str) -> tg.Tensor:
    return tg.randn(*shape, dtype=tg.float64, device=device, requires_grad=True)


def masks(device: str) -> dict[str, Any]:
    look = np.random.default_rng(0).random((35, 50)) > 0.3
    look[3] = False
    add = np.where(look, np.random.default_rng(1).standard_normal((35, 50)), -np.inf)
    return {
        "none": {},
        "causal": {"is_causal": True},
        "look": {"attn_mask": tg.from_numpy(look).to(device)},
        "add": {"attn_mask": tg.from_numpy(add).to(device), "scale": 0.7},
        "row": {"attn_mask": tg.from_numpy(look[:1]).to(device)},
        "column": {"attn_mask": tg.from_numpy(look[:, :1]).to(device)},
    }


@pytest.mark.parametrize("name", masks("cpu"))
def test_blocks_give_what_the_whole_matrix_gives(
    name: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = masks(device)[name]
    q, k, v = (draw(2, n, 4, device=device) for n in (35, 50, 50))
    g = tg.randn(2, 35, 4, dtype=tg.float64, device=device)
    whole = F.scaled_dot_product_attention(q, k, v, **words)
    expected = [whole, *tg.autograd.grad(whole, [q, k, v], g)]
    monkeypatch.setattr(attention, "LARGEST", 10)
    blocks = F.scaled_dot_product_attention(q, k, v, **words)
    assert blocks.grad_fn.operation == "attention"
    found = [blocks, *tg.autograd.grad(blocks, [q, k, v], g)]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a.detach().cpu().numpy(), b.detach().cpu().numpy(), atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_second_derivatives_of_blocks(causal: bool, device: str) -> None:
    q, k, v = (draw(n, 2, device=device) for n in (3, 4, 4))
    function = lambda q, k, v: apply(rule, q, k, v, how=Attention(0.5, causal, 2))  # noqa: E731
    assert gradgradcheck(function, [q, k, v])


def test_the_matrix_is_never_written_where_it_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "LARGEST", 1 << 20)  # elements
    length = 2000  # a matrix of 16 MB in float32
    q = tg.randn(length, 8, requires_grad=True)
    tracemalloc.start()
    F.scaled_dot_product_attention(q, q, q, is_causal=True).sum().backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6


def test_dropout_drops_weights() -> None:
    q, v = tg.zeros(1, 4), tg.ones(4000, 1)
    kept = F.scaled_dot_product_attention(q, tg.zeros(4000, 4), v, dropout_p=0.25)
    assert 0.9 < kept.item() < 1.1
    assert F.scaled_dot_product_attention(q, tg.zeros(4000, 4), v, dropout_p=1.0).item() == 0
    layer = nn.MultiheadAttention(4, 2, dropout=1.0)
    x = tg.randn(3, 1, 4)
    assert layer(x, x, x)[0].tolist() == layer.out_proj.bias.expand(3, 1, 4).tolist()
    assert layer.eval()(x, x, x)[0].abs().sum() > 0


def test_a_mask_may_be_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "LARGEST", 1)
    mask = tg.zeros(3, 3, requires_grad=True)
    F.scaled_dot_product_attention(tg.randn(3, 2), tg.randn(3, 2), tg.randn(3, 2), mask)[
        0, 0
    ].backward()
    assert mask.grad is not None
    assert mask.grad.abs().sum() > 0


def test_float16_and_autocast(device: str) -> None:
    q = tg.randn(2, 5, 4, device=device)
    half = F.scaled_dot_product_attention(q.half(), q.half(), q.half())
    assert half.dtype == tg.float16
    full = F.scaled_dot_product_attention(q, q, q)
    np.testing.assert_allclose(half.cpu().float().numpy(), full.cpu().numpy(), atol=5e-3)


def test_a_transformer_learns() -> None:
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), 1)
    x, t = tg.randn(4, 5, 8), tg.randn(4, 5, 8)
    first = last = ((net(x) - t) ** 2).mean()
    for _ in range(30):
        net.zero_grad()
        last = ((net(x) - t) ** 2).mean()
        last.backward()
        with tg.no_grad():
            for p in net.parameters():
                p.sub_(p.grad * 0.1)
    assert last.item() < 0.9 * first.item()


def test_causal_is_a_triangle_of_a_mask(device: str) -> None:
    """Query i looks at keys up to i, itself among them: as a whole and in blocks."""
    q, k, v = (draw(2, 5, 3, device=device) for _ in range(3))
    triangle = tg.from_numpy(np.tri(5, dtype=bool)).to(device)
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=triangle).detach().cpu().numpy()
    whole = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    np.testing.assert_allclose(whole.detach().cpu().numpy(), expected)
    blocks = apply(rule, q, k, v, how=Attention(3**-0.5, True, 2))
    np.testing.assert_allclose(blocks.detach().cpu().numpy(), expected)
