"""Layers that draw, and initial values that do: what can be said of them."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F


def test_alpha_dropout_keeps_mean_and_variance(device: str) -> None:
    x = tg.randn(100_000, device=device, requires_grad=True)
    y = F.alpha_dropout(x, 0.3, training=True)
    assert abs(y.mean().item()) < 0.02
    assert abs(y.var().item() - 1) < 0.02
    (grad,) = tg.autograd.grad(y.sum(), x)
    assert 0.68 < (grad != 0).float().mean().item() < 0.72
    assert len(grad.unique()) == 2


def test_dropout_of_channels_drops_whole_ones(device: str) -> None:
    x = tg.ones(50, 4, 6, device=device)
    for layer in (nn.Dropout1d(), nn.FeatureAlphaDropout()):
        y = layer(x)
        assert (y == y[:, :, :1]).all()
        assert len(y.unique()) == 2
    assert len(nn.Dropout1d()(x[0])[:, 0].unique()) <= 2
    volume = nn.Dropout3d(0.5)(tg.ones(40, 2, 2, 2, 2, device=device))
    assert sorted(volume.unique().tolist()) == [0, 2]
    assert (volume == volume[:, :, :1, :1, :1]).all()


def test_rrelu_draws_slopes_in_training(device: str) -> None:
    x = -tg.ones(10_000, device=device)
    slopes = -nn.RReLU(0.1, 0.3)(x)
    assert 0.1 <= slopes.min().item() < 0.11
    assert 0.29 < slopes.max().item() <= 0.3


def test_gumbel_softmax_draws_classes(device: str) -> None:
    p = tg.tensor([0.1, 0.2, 0.7], device=device)
    logits = p.log().expand(20_000, 3).contiguous().requires_grad_()
    hard = F.gumbel_softmax(logits, hard=True)
    assert (hard.sum(1) == 1).all()
    np.testing.assert_allclose(hard.detach().mean(0).cpu().tolist(), [0.1, 0.2, 0.7], atol=0.02)
    soft = F.gumbel_softmax(logits, tau=0.5)
    np.testing.assert_allclose(soft.detach().sum(1).cpu().numpy(), 1, atol=1e-5)
    (hard * tg.tensor([1.0, 2.0, 3.0], device=device)).sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().sum() > 0


def test_dirac_passes_channels_on() -> None:
    layer = nn.Conv2d(3, 3, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight)
    x = tg.randn(2, 3, 4, 5)
    np.testing.assert_allclose(layer(x).detach().numpy(), x.numpy(), atol=1e-6)
    grouped = nn.init.dirac_(tg.zeros(4, 2, 3), groups=2)
    assert grouped[:, :, 1].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert grouped.sum() == 4
    with pytest.raises(ValueError, match="3, 4, or 5 dimensions"):
        nn.init.dirac_(tg.zeros(2, 2))


def test_sparse_leaves_a_share_of_each_column() -> None:
    w = nn.init.sparse_(tg.zeros(100, 7), 0.25, std=2.0)
    assert (w == 0).sum(0).tolist() == [25] * 7
    assert 1.8 < w[w != 0].std().item() < 2.2
    with pytest.raises(ValueError, match="2 dimensions"):
        nn.init.sparse_(tg.zeros(3), 0.1)
