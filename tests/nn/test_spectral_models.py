"""Models around a spectrum train as in PyTorch 2.13: losses of its steps, recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite

STEPS = 8
LOSSES = {
    "fnet": [1.788717, 1.689844, 1.600995, 1.520716, 1.447802, 1.381416, 1.320937, 1.265816],
    "fno": [1.099164, 1.065122, 1.03435, 1.006497, 0.9812253, 0.9582571, 0.9373525, 0.9182923],
    "fno2d": [
        0.7207322,
        0.7043932,
        0.6899691,
        0.6772325,
        0.6656125,
        0.6556135,
        0.646768,
        0.6383387,
    ],
    "rope": [0.9343068, 0.8617047, 0.8039755, 0.7565317, 0.7176492, 0.6861377, 0.660764, 0.6398956],
    "spectrogram": [3.620422, 3.460335, 3.335759, 3.246795, 3.188466, 3.150856, 3.122845, 3.096886],
}


def drawn(m: Any, seed: int, *shape: int) -> Any:
    """Numbers that both libraries get, float32."""
    return m.tensor(np.random.default_rng(seed).normal(size=shape).astype("float32"))


def pairs(m: Any, seed: int, *shape: int) -> Any:
    return m.view_as_complex(drawn(m, seed, *shape, 2))


def trained(m: Any, parameters: list[Any], loss: Callable[[], Any], **options: Any) -> list[float]:
    optimizer = m.optim.AdamW(parameters, lr=0.02, **options)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        m.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        losses.append(value.item())
    return losses


def fnet(m: Any) -> list[float]:
    """Lee-Thorp et al., "FNet: Mixing Tokens with Fourier Transforms": attention's place taken."""
    x, y = drawn(m, 0, 4, 10, 6), drawn(m, 1, 4, 10, 6)
    up, down = (m.nn.Parameter(drawn(m, k, *s) * 0.3) for k, s in ((2, (12, 6)), (3, (6, 12))))

    def loss() -> Any:
        mixed = m.fft.fft(m.fft.fft(x, dim=-1), dim=-2).real
        h = m.nn.functional.layer_norm(x + mixed, (6,))
        h = h + m.nn.functional.gelu(h @ up.T) @ down.T
        return m.nn.functional.mse_loss(m.fft.fft2(h).real * 0.1, y)

    return trained(m, [up, down], loss)


def fno(m: Any) -> list[float]:
    """Li et al., "Fourier Neural Operator": products with complex weights, of few frequencies."""
    x, y = drawn(m, 0, 5, 2, 16), drawn(m, 1, 5, 3, 16)
    weights = m.nn.Parameter(pairs(m, 2, 2, 3, 5) * 0.3)
    skip = m.nn.Parameter(drawn(m, 3, 3, 2) * 0.3)

    def loss() -> Any:
        spectrum = m.fft.rfft(x)
        out = m.zeros(5, 3, 9, dtype=m.cfloat)
        out[:, :, :5] = m.einsum("bix,iox->box", spectrum[:, :, :5], weights)
        h = m.fft.irfft(out, n=16) + m.einsum("bix,oi->box", x, skip)
        return m.nn.functional.mse_loss(m.nn.functional.gelu(h), y)

    return trained(m, [weights, skip], loss, weight_decay=0.1)


def fno2d(m: Any) -> list[float]:
    x, y = drawn(m, 0, 2, 3, 8, 7), drawn(m, 1, 2, 3, 8, 7)
    low, high = (m.nn.Parameter(pairs(m, k, 3, 3, 2, 3) * 0.2) for k in (2, 3))

    def loss() -> Any:
        spectrum = m.fft.rfft2(x, norm="ortho")
        out = m.zeros(2, 3, 8, 4, dtype=m.cfloat)
        out[:, :, :2, :3] = m.einsum("bixy,ioxy->boxy", spectrum[:, :, :2, :3], low)
        out[:, :, -2:, :3] = m.einsum("bixy,ioxy->boxy", spectrum[:, :, -2:, :3], high)
        return (m.fft.irfft2(out, s=(8, 7), norm="ortho") - y).abs().mean()

    return trained(m, [low, high], loss, amsgrad=True)


def rope(m: Any) -> list[float]:
    """Su et al., "RoFormer", as Llama writes it: pairs as complex numbers, turned by position."""
    x, y = drawn(m, 0, 2, 7, 8), drawn(m, 1, 2, 7, 8)
    q, k, v = (m.nn.Parameter(drawn(m, n, 8, 8) * 0.3) for n in (2, 3, 4))
    steps = 1.0 / (10000.0 ** (m.arange(0, 4, 2).float() / 4))
    angles = m.outer(m.arange(7).float(), steps)
    turns = m.polar(m.ones_like(angles), angles).view(1, 7, 1, 2)

    def turned(t: Any) -> Any:
        z = m.view_as_complex(t.float().reshape(2, 7, 2, -1, 2))
        return m.view_as_real(z * turns).flatten(3).type_as(t)

    def loss() -> Any:
        heads = [turned((x @ w).view(2, 7, 2, 4)).transpose(1, 2) for w in (q, k)]
        values = (x @ v).view(2, 7, 2, 4).transpose(1, 2)
        out = m.nn.functional.scaled_dot_product_attention(*heads, values, is_causal=True)
        return m.nn.functional.mse_loss(out.transpose(1, 2).reshape(2, 7, 8), y)

    return trained(m, [q, k, v], loss)


def spectrogram(m: Any) -> list[float]:
    """A filter that is learnt from magnitudes of short-time spectra."""
    x = drawn(m, 0, 3, 64)
    taps = m.nn.Parameter(drawn(m, 1, 9) * 0.3)
    window = m.hann_window(16)
    wanted = m.stft(drawn(m, 2, 3, 64), 16, window=window, return_complex=True).abs()

    def loss() -> Any:
        y = m.fft.irfft(m.fft.rfft(x, 72) * m.fft.rfft(taps, 72), 72)[:, :64]
        found = m.stft(y, 16, window=window, return_complex=True)
        back = m.istft(found * 0.5, 16, window=window, length=64)
        return (found.abs() - wanted).square().mean() + (back - x).square().mean()

    return trained(m, [taps], loss)


MODELS = {f.__name__: f for f in (fnet, fno, fno2d, rope, spectrogram)}


@pytest.mark.parametrize("name", MODELS)
def test_losses(name: str) -> None:
    np.testing.assert_allclose(MODELS[name](tinygrad_lite), LOSSES[name], rtol=1e-5)
