"""Short-time Fourier transforms: of a signal's frames, each times a window, and their inverse."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ..backend import namespace, numpy
from ..ops import shape as ops
from .apply import apply
from .base import new
from .check import need_tensors
from .concatenate import cat
from .fourier import fft, ifft, irfft, rfft
from .padding import pad
from .real import view_as_real
from .source_line import user_level

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["istft", "stft"]


def _sizes(name: str, n_fft: int, hop_length: int | None, win_length: int | None) -> Any:
    """The distance of frames and the window's length, by default a quarter of n_fft, and n_fft.

    Raises:
        RuntimeError: one is out of range.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    if hop <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, but got win_length={length}")
    return hop, length


def _window(name: str, like: Tensor, window: Any, n_fft: int, length: int) -> Tensor:
    """A window in the middle of n_fft numbers; ones if none is given.

    Raises:
        RuntimeError: it has another shape.
    """
    if window is None:
        window = like.real.new_ones(length)
    if window.ndim != 1 or window.shape[0] != length:
        raise RuntimeError(
            f"{name}: expected a 1D window tensor of size equal to win_length={length}, but got "
            f"window with size {list(window.shape)}"
        )
    left = (n_fft - length) // 2
    parts = [window.new_zeros(left), window, window.new_zeros(n_fft - length - left)]
    return cat(parts) if n_fft > length else window


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """Y[k, t] = Σ_j w_j x[t h + j] exp(−2πi j k / n): the spectra of a signal's frames.

    Args:
        input: a signal (L), or several (B, L).
        n_fft: n, the samples of a frame.
        hop_length: h, from one frame to the next; default: n // 4.
        win_length: of the window, which lies in the middle of a frame; default: n.
        window: w; default: ones.
        center: pad the signal, so that frame t has sample t h in its middle.
        pad_mode: how: "reflect", "constant" (zeros), "replicate" or "circular".
        normalized: times 1/√n.
        onesided: the n // 2 + 1 first frequencies; default: of real signals with real windows.
        return_complex: must be given for real signals; False for a last dimension of parts.
        align_to_window: not supported.

    Returns:
        (B, K, T), or (K, T) of one signal: K frequencies of T frames.

    Raises:
        RuntimeError: sizes that don't fit, or arguments that contradict each other.

    Example:
        >>> torch.stft(torch.ones(8), 4, return_complex=True).shape
        torch.Size([3, 9])
    """
    need_tensors("stft", input=input)
    if align_to_window:
        raise NotImplementedError("stft: align_to_window is not supported")
    if input.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, but got shape {tuple(input.shape)}")
    is_complex = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None and not is_complex:
        raise RuntimeError("stft requires the return_complex parameter be given for real inputs")
    x = input if input.ndim == 2 else input.unsqueeze(0)
    if center:
        x = pad(x, (n_fft // 2, n_fft // 2), pad_mode)
    if not 0 < n_fft <= x.shape[1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {x.shape[1]}, but got n_fft={n_fft}")
    hop, length = _sizes("stft", n_fft, hop_length, win_length)
    weights = _window("stft", x, window, n_fft, length)
    half = not is_complex if onesided is None else onesided
    if half and is_complex:
        raise RuntimeError("stft: Cannot have onesided output if window or input is complex")
    frames = x.unfold(1, n_fft, hop) * weights
    y = (rfft if half else fft)(frames, norm="ortho" if normalized else None).transpose(1, 2)
    y = y if input.ndim == 2 else y.squeeze(0)
    return y if return_complex in (None, True) else view_as_real(y)


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal x of which `stft` gave Y: Σ_t w y_t over Σ_t w², for the frames y_t of Y.

    Args:
        input: Y, (K, T) or (B, K, T).
        n_fft, hop_length, win_length, window, center, normalized: as of `stft`.
        onesided: whether Y has the first frequencies alone; default: if it has not n_fft.
        length: of the result; default: as long as the frames reach, without what `center` added.
        return_complex: the signal is complex.

    Raises:
        RuntimeError: not complex, sizes that don't fit, or a sample that all windows miss.
    """
    need_tensors("istft", input=input)
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True."
        )
    if not input.numel():
        raise RuntimeError("istft: input tensor cannot be an empty tensor.")
    if input.ndim not in (2, 3):
        raise RuntimeError(f"istft: expected 2 or 3 dimensions, but got {tuple(input.shape)}")
    hop, width = _sizes("istft", n_fft, hop_length, win_length)
    if hop > width:
        raise RuntimeError(f"istft: expected hop_length <= win_length, but got {hop} > {width}")
    z = input if input.ndim == 3 else input.unsqueeze(0)
    half = z.shape[1] != n_fft if onesided is None else onesided
    if z.shape[1] != (n_fft // 2 + 1 if half else n_fft):
        raise RuntimeError(
            f"istft: expected the frequency dimension of the input to match n_fft"
            f"{' / 2 + 1' if half else ''} when onesided={half}, but got {z.shape[1]}"
        )
    if half and return_complex:
        raise RuntimeError("istft: cannot have onesided input if the result is to be complex")
    if window is not None and window.is_complex() and not return_complex:
        raise RuntimeError("istft: Complex windows are incompatible with return_complex=False")
    weights = _window("istft", z, window, n_fft, width)
    norm, spectra = "ortho" if normalized else None, z.transpose(1, 2)
    if return_complex:
        frames = ifft(spectra, norm=norm)
    else:
        frames = irfft(spectra[..., : n_fft // 2 + 1], n_fft, norm=norm)
    whole = n_fft + hop * (z.shape[2] - 1)
    start = n_fft // 2 if center else 0
    end = whole - start if length is None else start + length
    y = _added(frames * weights, whole, hop)[:, start:end]
    envelope = _added((weights * weights).expand(1, *frames.shape[1:]), whole, hop)[:, start:end]
    if bool((envelope.detach().abs() < 1e-11).any()):
        raise RuntimeError("istft: window overlap add min: 1")
    y = y / envelope
    if end > whole:
        warnings.warn(
            "The length of signal is shorter than the length parameter. Result is being padded "
            "with zeros in the tail. Please check your center, hop_length settings.",
            UserWarning,
            stacklevel=user_level(),
        )
        y = cat([y, y.new_zeros((y.shape[0], end - whole))], 1)
    return y if input.ndim == 3 else y.squeeze(0)


def _added(frames: Tensor, whole: int, hop: int) -> Tensor:
    """Frames (B, T, n), each `hop` after the one before, added up in (B, whole)."""
    count, size = frames.shape[1:]
    starts = numpy.arange(count)[:, None] * hop
    places = new(namespace(frames.array).asarray(starts + numpy.arange(size)))
    spec, indices = ops.split((slice(None), places))
    return apply(ops.scatter, frames, *indices, spec=spec, shape=(frames.shape[0], whole))
