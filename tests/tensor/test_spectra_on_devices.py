"""Complex tensors and transforms give each device's values and derivatives alike: the CPU's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg

RNG = np.random.default_rng(0)
REAL = RNG.standard_normal((3, 6))
Z = RNG.standard_normal((3, 6)) + 1j * RNG.standard_normal((3, 6))
W = RNG.standard_normal((6, 4)) + 1j * RNG.standard_normal((6, 4))


def _changed(z: Any, w: Any) -> Any:
    y = z * 1
    y.real.mul_(w.abs().sum())
    y[1, ::2] = w[:3, 0]
    y[:, 1] += 2j
    return y


CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "fft": (lambda z: tg.fft.fft(z, 5, norm="ortho"), (Z,)),
    "ifft": (lambda z: tg.fft.ifft(z, dim=0), (Z,)),
    "rfft": (lambda x: tg.fft.rfft(x, 7), (REAL,)),
    "irfft": (lambda z: tg.fft.irfft(z, 9), (Z,)),
    "hfft": (lambda z: tg.fft.hfft(z), (Z,)),
    "ihfft": (lambda x: tg.fft.ihfft(x), (REAL,)),
    "fft2": (lambda z: tg.fft.fft2(z), (Z,)),
    "rfftn, irfftn": (lambda x: tg.fft.irfftn(tg.fft.rfftn(x) * 1j, s=(3, 6)), (REAL,)),
    "fftshift": (lambda z: tg.fft.fftshift(z), (Z,)),
    "stft, istft": (
        lambda x: tg.istft(
            tg.stft(
                x,
                4,
                window=tg.hann_window(4, dtype=x.dtype, device=x.device),
                return_complex=True,
            ),
            4,
            window=tg.hann_window(4, dtype=x.dtype, device=x.device),
        ),
        (REAL,),
    ),
    "matmul": (lambda z, w: z @ w, (Z, W)),
    "einsum": (lambda z, w: tg.einsum("ij,jk->ki", z, w), (Z, W)),
    "products": (lambda z, w: z * w.T[:3] / (z - 4) + z**2 - 3 * z, (Z, W)),
    "real and complex": (lambda x, z: (x * z + x).cumsum(1), (REAL, Z)),
    "exp, sqrt, log": (lambda z: z.exp() + z.sqrt() + (z + 5).log() + z.sin(), (Z,)),
    "abs, angle": (lambda z: z.abs() * z.angle(), (Z,)),
    "sgn, conj": (lambda z: z.sgn() * z.conj().mT.mean(), (Z,)),
    "parts": (lambda z: tg.view_as_real(z)[..., 1] + z.real * z.imag, (Z,)),
    "complex": (lambda x: tg.complex(x, x * 2) * tg.polar(x.abs(), x), (REAL,)),
    "view_as_complex": (lambda x: tg.view_as_complex(x.reshape(3, 3, 2)), (REAL,)),
    "changed in place": (_changed, (Z, W)),
    "joined": (lambda z, w: tg.cat([z, w.T[:2].roll(1, 1)]).flip(0).norm(dim=1), (Z, W)),
    "gathered": (lambda z: z[[0, 2, 0]].where(z.real > 0, 0j), (Z,)),
}


def outcome(function: Callable[..., Any], given: tuple[Any, ...], device: str) -> list[Any]:
    """A call's result, its derivatives, and theirs."""
    inputs = [tg.tensor(x, device=device, requires_grad=True) for x in given]
    result = function(*inputs)
    parts = tg.view_as_real(result) if result.is_complex() else result
    weights = tg.arange(1.0, parts.numel() + 1, dtype=tg.float64, device=device)
    loss = (parts.reshape(-1).sin() * weights).sum()
    first = tg.autograd.grad(loss, inputs, create_graph=True)
    second = tg.autograd.grad(sum((g.abs() ** 2).sum() for g in first), inputs)
    return [t.detach().cpu().numpy() for t in (result, *first, *second)]


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name: str, device: str) -> None:
    function, given = CASES[name]
    found, expected = outcome(function, given, device), outcome(function, given, "cpu")
    for mine, its in zip(found, expected, strict=True):
        assert mine.dtype == its.dtype
        np.testing.assert_allclose(mine, its, rtol=1e-9, atol=1e-9)


def test_a_complex_parameter_learns(device: str) -> None:
    x, y = tg.tensor(Z, device=device), tg.tensor(Z @ W, device=device)
    w = tg.nn.Parameter(tg.zeros(6, 4, dtype=tg.complex128, device=device))
    optimizer = tg.optim.Adam([w], 0.1)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (x @ w - y).abs().square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 50


def test_which_complex_numbers_are_true(device: str) -> None:
    z, w = (tg.tensor(x, device=device) for x in ([1j, 0j, 0j, 2 + 0j], [0j, 0j, 1j, 1j]))
    assert z.logical_and(w).tolist() == [False, False, False, True]
    assert z.logical_or(w).tolist() == [True, False, True, True]
    assert z.logical_xor(w).tolist() == [True, False, True, False]
    assert z.logical_not().tolist() == [False, True, True, False]
