"""What comparing with PyTorch found in functions of `nn`; its values, for where it is not."""

from __future__ import annotations

import math
from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F


def test_zero_attention_stands_beside_given_keys() -> None:
    """A key of zeros is added to `static_k` as well: here it takes half of the attention."""
    x, eye = tg.zeros(1, 1, 1), tg.ones(1, 1)
    static = tg.full((1, 1, 1), 3.0)
    y, weights = F.multi_head_attention_forward(
        x, x, x, 1, 1, tg.ones(3, 1), None, None, None, True, 0.0, eye, None,
        static_k=tg.zeros(1, 1, 1), static_v=static,
    )  # fmt: skip
    assert (y.tolist(), weights.tolist()) == ([[[1.5]]], [[[0.5, 0.5]]])


def test_unbatched_ctc_targets_have_their_length() -> None:
    log_probs = tg.full((2, 3), math.log(1 / 3))
    loss = F.ctc_loss(log_probs, tg.tensor([1]), (2,), (1,))
    assert loss.item() == pytest.approx(1.0986123)
    with pytest.raises(RuntimeError, match="total length 1, but got 3"):
        F.ctc_loss(log_probs, tg.tensor([1, 1, 1]), (2,), (1,))


def test_unpooling_to_less_than_nothing() -> None:
    places: Any = tg.zeros(1, 1, 1, dtype=tg.int64)
    with pytest.raises(ValueError, match="must not be negative"):
        nn.MaxUnpool2d((1, 3), padding=1)(tg.ones(1, 1, 1), places)


def test_no_factor_of_what_is_no_number() -> None:
    with pytest.raises(tg.linalg.LinAlgError, match="NaN"):
        tg.linalg.cholesky(tg.tensor([[[math.nan, 0.0], [0.0, 1.0]]]))


def test_orthogonal_weights_without_a_base() -> None:
    """A map that nothing can be assigned to keeps what is there; reflections take its Q."""
    square = nn.Linear(3, 3)
    nn.utils.parametrizations.orthogonal(square, use_trivialization=False)
    product = square.weight @ square.weight.mT
    assert bool(((product - tg.eye(3)).abs() < 1e-5).all())
    with pytest.raises(NotImplementedError, match="matrix_exp"):
        square.weight = tg.eye(3)
    wide = nn.Linear(4, 2)
    nn.utils.parametrizations.orthogonal(wide, use_trivialization=False)
    given = tg.tensor([[0.6, 0.8, 0.0, 0.0], [0.0, 0.0, 0.0, -1.0]])
    wide.weight = given
    assert bool(((wide.weight - given).abs() < 1e-6).all())


def test_the_older_spectral_norm() -> None:
    """A vector is a matrix of one column; removing it moves nothing; no iteration is refused."""
    layer = nn.LayerNorm(2)
    with tg.no_grad():
        layer.weight.copy_(tg.tensor([3.0, 4.0]))
    nn.utils.spectral_norm(layer)
    layer.eval()
    layer(tg.ones(1, 2))
    assert layer.weight.tolist() == pytest.approx([0.6, 0.8])
    conv = nn.utils.spectral_norm(nn.Conv1d(2, 3, 2))
    conv(tg.ones(1, 2, 4))
    before, vector = conv.weight.tolist(), conv.weight_u
    kept = vector.tolist()
    nn.utils.remove_spectral_norm(conv)
    assert (conv.weight.tolist(), vector.tolist()) == (before, kept)
    assert conv.training
    with pytest.raises(ValueError, match="n_power_iterations to be positive"):
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0)
