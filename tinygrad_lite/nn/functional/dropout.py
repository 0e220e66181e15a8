"""Dropout as functions, with PyTorch's signatures."""

from __future__ import annotations

import warnings
from typing import Any

from ...backend import capture, namespace, random
from ...backend.dtypes import is_half
from ...tensor import Tensor
from ...tensor.base import new
from ...tensor.check import plain, takes_tensors, tensor_of
from ...tensor.source_line import user_level

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element 0 with probability p, else x / (1 − p); in evaluation the input itself.

    N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
    JMLR 15, 2014.

    Args:
        input: any shape, floating point.
        p: the probability of a 0; 1 gives zeros.
        training: False for the identity.
        inplace: overwrite the input.

    Raises:
        ValueError: p is not in [0, 1].
        TypeError: p is no number, or the input no Tensor.

    Example:
        >>> x = F.dropout(torch.ones(1000), p=0.2)
        >>> sorted(set(x.tolist()))
        [0.0, 1.25]
    """
    p = probability(p)
    tensor_of("dropout", input)
    return _drop(input, input.shape, p, inplace) if _drops(input, p, training) else input


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Each channel 0 with probability p, else x / (1 − p); in evaluation the input itself.

    Args:
        input: (N, C, H, W), floating point. Of other ranks from 2 on dimension 1 is taken for the
            channels too, with PyTorch's warning: a 3-D input is (N, C, L), no image (C, H, W).
        p: the probability that a channel is 0; 1 gives zeros.
        training: False for the identity.
        inplace: overwrite the input.

    Raises:
        ValueError: p is not in [0, 1].
        RuntimeError: fewer than 2 dimensions.
    """
    p = probability(p)
    drops = _drops(input, p, training)
    if drops:
        _need_channels("dropout2d", input, p)
    if input.ndim != 4:
        warnings.warn(
            f"dropout2d: received a {input.ndim}-D input; its dimension 1 is taken for the "
            "channels. Give it 4 dimensions, (N, C, H, W).",
            stacklevel=user_level(),
        )
    shape = (*input.shape[:2], *(1,) * (input.ndim - 2))
    return _drop(input, shape, p, inplace) if drops else input


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Each channel of signals (N, C, L) or (C, L) 0 with probability p, else x / (1 − p).

    Other arguments as `dropout2d`.

    Raises:
        RuntimeError: another rank.
        ValueError, TypeError: as `dropout`.
    """
    return _whole_channels("dropout1d", input, 1, p, training, inplace)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Each channel of (N, C, D, H, W) or (C, D, H, W) 0 with probability p, else x / (1 − p).

    Other ranks bring PyTorch's warning; other arguments as `dropout2d`.

    Raises:
        RuntimeError: no dimension.
        ValueError, TypeError: as `dropout`.
    """
    p = probability(p)
    if input.ndim not in (4, 5):
        warnings.warn(
            f"dropout3d: received a {input.ndim}-D input; give it (N, C, D, H, W) or (C, D, H, W).",
            stacklevel=user_level(),
        )
    if not _drops(input, p, training):
        return input
    _need_channels("dropout3d", input, p, 1)
    lead = 1 if input.ndim < 5 else 2
    return _drop(input, (*input.shape[:lead], *(1,) * (input.ndim - lead)), p, inplace)


def _whole_channels(
    name: str, input: Tensor, dims: int, p: float, training: bool, inplace: bool
) -> Tensor:
    """Dropout of whole channels, whose last `dims` dimensions lie within a channel."""
    p = probability(p)
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}: Expected {dims + 1}D or {dims + 2}D input, but received a {input.ndim}D input"
        )
    shape = (*input.shape[:-dims], *(1,) * dims)
    return _drop(input, shape, p, inplace) if _drops(input, p, training) else input


@takes_tensors
def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps mean 0 and variance 1, for `selu`: dropped elements become −λα.

    y = a (x or −λα) + b with a = ((1 − p)(1 + p λ²α²))^(−½) and b = a p λα, λ and α those of
    `selu`. (G. Klambauer et al., "Self-Normalizing Neural Networks", NIPS 2017.)

    Arguments and errors as `dropout`; `training` is False by default.
    """
    return _alpha(input, input.shape, p, training, inplace)


@takes_tensors
def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, …); arguments as there.

    Raises:
        RuntimeError: fewer than 2 dimensions.
    """
    p = probability(p)
    if _drops(input, p, training):
        _need_channels("feature_alpha_dropout", input, p)
    shape = (*input.shape[:2], *(1,) * (input.ndim - 2))
    return _alpha(input, shape, p, training, inplace)


def _alpha(
    input: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool
) -> Tensor:
    """`alpha_dropout` by a mask of a shape that broadcasts to the input's."""
    p = probability(p)
    if not _drops(input, p, training):
        return input
    if p == 1:
        return input.mul_(0) if inplace else input * 0
    _refuse_integers("alpha_dropout", input)
    low = 1.7580993408473766  # λα of `selu`
    a = ((1 - p) * (1 + p * low * low)) ** -0.5
    kept = drawn_kept(input, shape, p).to(dtype=input.dtype)  # 1, or 0 for what is dropped
    scale, shift = kept * a, (kept - 1) * low * a + a * p * low
    return input.mul_(scale).add_(shift) if inplace else input * scale + shift


def _drops(input: Tensor, p: float, training: bool) -> bool:
    """Whether anything can fall out."""
    return training and p > 0 and input.numel() > 0


def _need_channels(name: str, input: Tensor, p: float, least: int = 2) -> None:
    """At p = 1 all falls out, and nobody asks what a channel is."""
    if input.ndim < least and p < 1:
        raise RuntimeError(
            f"{name}: Feature dropout requires at least {least} dimensions in the input, but its "
            f"shape is {tuple(input.shape)}"
        )


def _refuse_integers(name: str, input: Tensor) -> None:
    if not input.is_floating_point():
        raise RuntimeError(f"{name}: the input must be floating point, but is {input.dtype}")


def _drop(input: Tensor, shape: tuple[int, ...], p: float, inplace: bool) -> Tensor:
    """The input times a mask of 0 and 1 / (1 − p), drawn on the host.

    The mask's shape broadcasts to the input's: sizes of 1 drop what lies along them as a whole.

    Raises:
        RuntimeError: the input is not floating point.
    """
    _refuse_integers("dropout", input)

    def draw() -> Any:
        scale = _kept(shape, p).astype(wide) * (1 / (1 - p) if p < 1 else 0.0)
        return scale.astype(dtype, copy=False)

    dtype = input.array.dtype
    wide = "float32" if is_half(dtype) else dtype
    mask = new(capture.feed(namespace(input.array), draw))
    return input.mul_(mask) if inplace else input * mask


def drawn_kept(like: Tensor, shape: tuple[int, ...], p: float) -> Tensor:
    """True for what dropout keeps, drawn on the host as for `dropout`.

    Raises:
        ValueError: p is not in [0, 1].
    """
    p = probability(p)
    return new(capture.feed(namespace(like.array), lambda: _kept(shape, p)))


def _kept(shape: tuple[int, ...], p: float) -> Any:
    """Host booleans, True with probability 1 − p, from the default generator."""
    return random.uniform(shape, "float32") >= p


def probability(p: Any) -> float:
    """A probability, checked: a number, also of NumPy or in a tensor without dimensions.

    Raises:
        ValueError: it is not in [0, 1].
        TypeError: it is no number.
    """
    number = plain("dropout", p)
    if not isinstance(number, int | float):
        raise TypeError(f"dropout: p must be a number, but got {type(p).__name__}")
    if not 0 <= number <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return number
