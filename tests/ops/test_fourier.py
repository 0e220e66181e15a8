"""Transforms: values by their sums, gradients as PyTorch 2.13 gives them, second derivatives."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.autograd import gradcheck, gradgradcheck

SCALE = {"backward": 1.0, "ortho": 0.5, "forward": 0.25}


def by_sums(x: Any, n: int, sign: int) -> Any:
    k = np.arange(n)
    return np.exp(sign * 2j * np.pi * np.outer(k, k) / n) @ x


@pytest.mark.parametrize("norm", SCALE)
def test_values(norm: str) -> None:
    x, z = np.arange(4.0) ** 2, np.array([1, 2 - 1j, -1j, 3])
    forward, back = SCALE[norm], 0.25 / SCALE[norm]
    close = functools.partial(np.testing.assert_allclose, atol=1e-12)
    close(tg.fft.fft(tg.tensor(z), norm=norm).numpy(), by_sums(z, 4, -1) * forward)
    close(tg.fft.ifft(tg.tensor(z), norm=norm).numpy(), by_sums(z, 4, 1) * back)
    close(tg.fft.rfft(tg.tensor(x), norm=norm).numpy(), by_sums(x, 4, -1)[:3] * forward)
    half = np.array([1 + 5j, 2 - 1j, 3 + 7j])  # of which two imaginary parts don't count
    whole = np.array([1, 2 - 1j, 3, 2 + 1j])
    close(tg.fft.irfft(tg.tensor(half), norm=norm).numpy(), by_sums(whole, 4, 1).real * back)
    close(tg.fft.hfft(tg.tensor(half), norm=norm).numpy(), by_sums(whole, 4, -1).real * forward)
    close(tg.fft.ihfft(tg.tensor(x), norm=norm).numpy(), by_sums(x, 4, 1)[:3] * back)
    close(tg.fft.fft(tg.tensor(z), 2, norm="forward").numpy(), [1.5 - 0.5j, -0.5 + 0.5j])
    close(tg.fft.fft(tg.tensor(z[:1]), 3).numpy(), [1, 1, 1])


X = [0.5, -1.0, 2.0, 1.5, -0.5]
Z = [1 + 2j, -1 + 0.5j, 0.5 - 1j, 2 + 1j]
GRADIENTS: list[tuple[Any, list[complex], list[complex]]] = [
    # of Σ (k + 1) re y_k + (k + 2) im y_k, or of Σ (k + 1) y_k where that is real
    (lambda x: tg.fft.rfft(x), X, [6.0, -6.0133276, 2.3498873, -1.7318533, 4.3952936]),
    (lambda x: tg.fft.rfft(x, 4), X[:4], [6.0, -5.0, 2.0, 1.0]),
    (lambda x: tg.fft.rfft(x, 3), X, [3.0, -2.5980762, 2.5980762, 0.0, 0.0]),
    (lambda x: tg.fft.rfft(x, 6), X, [10.0, -9.5621778, 3.3660254, -2.0, 1.6339746]),
    (lambda z: tg.fft.irfft(z), Z, [3.5 + 0j, -1 + 1.7320508j, -1 + 0.5773503j, -0.5 + 0j]),
    (lambda z: tg.fft.irfft(z, 7), Z, [4 + 0j, -1 + 2.0765214j, -1 + 0.7974734j, -1 + 0.2282435j]),
    (lambda z: tg.fft.irfft(z, 4), Z, [2.5 + 0j, -1 + 1j, -0.5 + 0j, 0j]),
    (
        lambda z: tg.fft.hfft(z, 9),
        Z,
        [45 + 0j, -9 - 24.7272968j, -9 - 10.7257823j, -9 - 5.1961524j],
    ),
    (lambda x: tg.fft.ihfft(x), X, [1.2, 0.8790587, -0.3463707, 0.4699775, -1.2026655]),
    (
        lambda z: tg.fft.fft(z, 3, norm="ortho"),
        Z,
        [3.4641016 + 5.1961524j, -0.3660254 - 1.3660254j, -1.3660254 - 0.3660254j, 0j],
    ),
    (
        lambda z: tg.fft.ifft(z, 5),
        Z,
        [3 + 4j, -1.188191 + 0.188191j, -0.6624598 - 0.3375402j, -0.3375402 - 0.6624598j],
    ),
    (
        lambda z: tg.fft.irfft2(z.reshape(2, 2), (2, 3)),
        Z,
        [3.5 + 0j, -1 + 0.5773503j, -1.5 + 0j, 0j],
    ),
]


def slope(m: Any, function: Any, given: list[complex]) -> Any:
    leaf = m.tensor(given, dtype=m.float64 if isinstance(given[0], float) else m.cdouble)
    leaf.requires_grad_()
    y = function(leaf).reshape(-1)
    k = m.arange(1, y.numel() + 1)
    loss = (k * y.real).sum() + ((k + 1) * y.imag).sum() if y.is_complex() else (k * y).sum()
    loss.backward()
    return leaf.grad.numpy()


@pytest.mark.parametrize("case", range(len(GRADIENTS)))
def test_gradients(case: int) -> None:
    function, given, wanted = GRADIENTS[case]
    np.testing.assert_allclose(slope(tg, function, given), wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 9])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_derivatives(name: str, n: int) -> None:
    real = name in ("rfft", "ihfft")
    x = tg.randn(2, 6, dtype=tg.float64 if real else tg.cdouble, requires_grad=True)
    for norm in ("backward", "ortho", "forward"):

        def transform(x: tg.Tensor, norm: str = norm) -> tg.Tensor:
            return getattr(tg.fft, name)(x, n, norm=norm)  # type: ignore[no-any-return]

        assert gradcheck(transform, x)
        assert gradgradcheck(lambda x: transform(x) * transform(x), x)


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn"])
def test_several_dimensions(name: str) -> None:
    real = name in ("rfftn", "ihfftn")
    x = tg.randn(3, 4, 2, dtype=tg.float64 if real else tg.cdouble, requires_grad=True)
    for words in ({}, {"s": (5, 3)}, {"dim": (2, 0)}, {"s": (2, -1), "dim": (0, 1)}):

        def transform(x: tg.Tensor, words: Any = words) -> tg.Tensor:
            return getattr(tg.fft, name)(x, **words)  # type: ignore[no-any-return]

        assert gradgradcheck(lambda x: transform(x) * 2, x)
        two = getattr(tg.fft, f"{name[:-1]}2")
        wanted = getattr(tg.fft, name)(x, dim=(-2, -1))
        assert tg.equal(two(x), wanted)


def test_dtypes() -> None:
    pairs = {tg.float32: tg.complex64, tg.float64: tg.complex128, tg.int64: tg.complex64}
    for real, wanted in pairs.items():
        x = tg.ones(4, dtype=real)
        assert tg.fft.rfft(x).dtype is tg.fft.fft(x).dtype is wanted
        assert tg.fft.irfft(x).dtype is wanted.to_real()
    with pytest.raises(RuntimeError, match=r"fft.rfft: Unsupported dtype torch.float16"):
        tg.fft.rfft(tg.ones(4).half())


ERRORS: dict[str, tuple[Any, type[Exception], str]] = {
    "a complex signal": (lambda x: tg.fft.rfft(x * 1j), RuntimeError, "rfft expects a real input"),
    "no points": (lambda x: tg.fft.fft(x, 0), RuntimeError, r"number of data points \(0\)"),
    "a norm": (lambda x: tg.fft.fft(x, norm="o"), RuntimeError, 'normalization mode: "o"'),
    "no dimension": (lambda x: tg.fft.fft(x[0, 0]), IndexError, "tensor has no dimensions"),
    "dimensions twice": (lambda x: tg.fft.fftn(x, dim=(0, 0)), RuntimeError, "must be unique"),
    "sizes": (lambda x: tg.fft.fftn(x, (1, 2), (0,)), RuntimeError, "must have the same length"),
    "many sizes": (lambda x: tg.fft.fftn(x, (1, 2, 3)), RuntimeError, "only has 2 dimensions"),
    "no axis": (lambda x: tg.fft.rfftn(x, dim=()), RuntimeError, "transform at least one axis"),
    "no tensor": (lambda x: tg.fft.fft([1.0]), TypeError, "must be a Tensor"),
}


@pytest.mark.parametrize("what", ERRORS)
def test_errors(what: str) -> None:
    call, error, words = ERRORS[what]
    with pytest.raises(error, match=words):
        call(tg.ones(3, 4))


def test_shapes_without_memory() -> None:
    x = tg.ones(2, 6, device="meta")
    with pytest.raises(NotImplementedError, match="meta"):
        tg.fft.rfft(x)


@pytest.mark.parametrize(
    ("mode", "ends"),
    [
        ("reflect", (4.0, 20.0)),
        ("constant", (1.0, 15.0)),
        ("replicate", (1.0, 21.0)),
        ("circular", (12.0, 15.0)),
    ],
)
def test_a_signal_is_padded_in_each_mode(mode: str, ends: tuple[float, float], device: str) -> None:
    """Sums of the first and the last frame, of 0, 1, 2 … 6 in frames of 4."""
    x = tg.arange(7.0, device=device)
    y = tg.stft(x, 4, 2, window=tg.ones(4, device=device), pad_mode=mode, return_complex=True)
    assert [y[0, 0].real.item(), y[0, -1].real.item()] == list(ends)
