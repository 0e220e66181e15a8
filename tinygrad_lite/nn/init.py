"""Initial values. Each function fills a tensor in place, outside of the graph, and returns it.

Numbers are drawn on the host in row-major order of the tensor's shape, so they depend on
the seed alone, not on the memory order or the device. They come from the `generator` that is
given, or from the default one.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

from ..absent import explain as _explain
from ..backend import Array, namespace, numpy, random
from ..backend.random import Generator
from ..tensor import Tensor, no_grad
from ..tensor.base import new
from ..tensor.source_line import user_level

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights before a nonlinearity are larger, to keep variances through it.

    1 for linear layers, convolutions and sigmoid, 5/3 for tanh, √2 for relu, √(2 / (1 + a²)) for
    leaky_relu with negative slope a, 3/4 for selu.

    Args:
        nonlinearity: "linear", "conv1d" (and so on), "sigmoid", "tanh", "relu", "leaky_relu" or
            "selu".
        param: a of leaky_relu; default 0.01.

    Raises:
        ValueError: an unknown nonlinearity, or a slope that is not a number.
    """
    linear = ("linear", "sigmoid", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3)))
    gains = dict.fromkeys(linear, 1) | {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"negative_slope {slope} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in gains:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}; use one of {[*gains]}")
    return gains[nonlinearity]


@no_grad()
def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with draws uniform on [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with draws from N(mean, std²).

    Raises:
        RuntimeError: std is negative.
    """
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with draws from N(mean, std²) given that they lie in [a, b].

    One uniform draw an element goes through the inverse of the distribution function, which
    is tabulated by the trapezoidal rule; the table is as fine as float32 can tell.

    Args:
        tensor: any shape.
        mean, std: of the distribution that is cut off.
        a, b: the smallest and the largest value, not multiples of std.
        generator: the source of numbers.

    Raises:
        ValueError: std is not positive, or a is not below b.
    """
    if not (std > 0 and a < b):
        raise ValueError(f"trunc_normal_: needs std > 0 and a < b, but got {std=}, {a=}, {b=}")
    low, high = (a - mean) / std, (b - mean) / std
    peak = min(max(low, 0.0), high)  # where the density is highest; 10 away there is none
    z = numpy.linspace(max(low, peak - 10), min(high, peak + 10), 2**15 + 1)
    density = numpy.exp((peak - z) * (peak + z) / 2)
    below = numpy.concatenate([[0.0], numpy.cumsum(density[1:] + density[:-1])])
    drawn = random.uniform(tensor.shape, "float64", generator)
    values = numpy.interp(drawn * below[-1], below, z) * std + mean
    return _draws("trunc_normal_", tensor, numpy.clip(values, a, b))


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with a number.

    Example:
        >>> nn.init.constant_(torch.empty(2), 0.5)
        tensor([0.5000, 0.5000])
    """
    return tensor.fill_(val)


@no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return tensor.fill_(0)


@no_grad()
def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return tensor.fill_(1)


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity: 1 on the diagonal, else 0.

    Raises:
        ValueError: other dimensions.
    """
    if tensor.ndim != 2:
        raise ValueError(
            f"eye_: Only tensors with 2 dimensions are supported, not {tuple(tensor.shape)}"
        )
    return _fill(tensor, numpy.eye(tensor.shape[0], tensor.shape[1]))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill kernels (M, C, …) so that a convolution passes its channels on as they are.

    Kernel m has a 1 in the middle of channel m, of as many channels as there are, else 0.

    Args:
        tensor: the weight of a convolution.
        groups: the convolution's; each passes its own channels on.

    Raises:
        ValueError: not 3, 4 or 5 dimensions, or groups that do not divide M.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(
            f"dirac_: Only tensors with 3, 4, or 5 dimensions are supported, not {tensor.shape}"
        )
    if tensor.shape[0] % groups:
        raise ValueError(f"dirac_: dim 0 of {tensor.shape} must be divisible by groups {groups}")
    host = numpy.zeros(tensor.shape)
    out = tensor.shape[0] // groups
    middle = tuple(n // 2 for n in tensor.shape[2:])
    for g in range(groups):
        for d in range(min(out, tensor.shape[1])):
            host[(g * out + d, d, *middle)] = 1
    return _fill(tensor, host)


@no_grad()
def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Fill a matrix with draws from N(0, std²), but some elements of each column with 0.

    J. Martens, "Deep learning via Hessian-free optimization", ICML 2010.

    Args:
        tensor: a matrix.
        sparsity: the share of each column that is 0, rounded up; which elements, is drawn.
        std: the standard deviation of the others.
        generator: the source of numbers.

    Raises:
        ValueError: not 2 dimensions.
    """
    if tensor.ndim != 2:
        raise ValueError(
            f"sparse_: Only tensors with 2 dimensions are supported, not {tensor.shape}"
        )
    rows, columns = tensor.shape
    host = random.normal((rows, columns), "float64", generator) * std
    order = numpy.argsort(random.uniform((rows, columns), "float64", generator), axis=0)
    zeros = order[: math.ceil(sparsity * rows)]
    host[zeros, numpy.arange(columns)] = 0
    return _draws("sparse_", tensor, host)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """The inputs to an output element, and the outputs from an input element.

    For a weight (M, K) these are (K, M); for a kernel (M, K, h, w), (K h w, M h w).

    Raises:
        ValueError: fewer than 2 dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions "
            f"(shape {tuple(tensor.shape)})"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    """Fan in or fan out, as `mode` says: "fan_in" or "fan_out".

    Raises:
        ValueError: another mode, or fewer than 2 dimensions.
    """
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with draws uniform on ±gain √(6 / (fan_in + fan_out)).

    That keeps the variance of activations on the way forward, and of gradients on the way back,
    about the same from layer to layer. X. Glorot and Y. Bengio, "Understanding the difficulty of
    training deep feedforward neural networks", AISTATS 2010, equation 16.

    Args:
        tensor: a weight (M, K), fan_in = K and fan_out = M; of kernels (M, K, …) both times the
            size of a kernel.
        gain: see `calculate_gain`.
        generator: the source of numbers.

    Raises:
        ValueError: fewer than 2 dimensions.

    Example:
        >>> w = nn.init.xavier_uniform_(torch.empty(2, 4))
        >>> bool(w.abs().max() <= 1)  # √(6 / (4 + 2))
        True
    """
    bound = gain * math.sqrt(6 / max(sum(_calculate_fan_in_and_fan_out(tensor)), 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with draws from N(0, gain² · 2 / (fan_in + fan_out)).

    The variance is that of `xavier_uniform_`; arguments and errors as there.
    """
    std = gain * math.sqrt(2 / max(sum(_calculate_fan_in_and_fan_out(tensor)), 1))
    return normal_(tensor, 0.0, std, generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with draws uniform on ±gain √(3 / fan), which keeps variances through rectifiers.

    K. He et al., "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet
    Classification", ICCV 2015, equations 10 and 14.

    Args:
        tensor: a weight (M, K), fan_in = K and fan_out = M; of kernels (M, K, …) both times the
            size of a kernel.
        a: the negative slope of leaky_relu.
        mode: "fan_in" keeps the variance of the forward pass, "fan_out" of the backward pass.
        nonlinearity: gives the gain; see `calculate_gain`.
        generator: the source of numbers.

    Raises:
        ValueError: fewer than 2 dimensions, or an unknown mode or nonlinearity; of no elements
            nothing is wrong.

    Example:
        >>> layer = nn.Linear(100, 50)
        >>> nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu").shape
        torch.Size([50, 100])
    """
    if 0 in tensor.shape:
        return tensor
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / _calculate_correct_fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with draws from N(0, gain² / fan) (He et al. 2015).

    The variance is that of `kaiming_uniform_`; arguments and errors as there.
    """
    if 0 in tensor.shape:
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    return normal_(tensor, 0.0, std, generator)


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with a random matrix whose rows, or columns if they are fewer, are orthonormal.

    A. Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", ICLR 2014. It is Q of the QR decomposition of a matrix of normal draws, with signs
    that make it uniform among orthogonal matrices.

    Args:
        tensor: dimensions after the first count as one, the columns.
        gain: the length of the rows (or columns), in place of 1.
        generator: the source of numbers.

    Raises:
        ValueError: fewer than 2 dimensions.

    Example:
        >>> q = nn.init.orthogonal_(torch.empty(3, 3))
        >>> torch.allclose(q @ q.T, torch.eye(3), atol=1e-6)
        True
    """
    if tensor.ndim < 2:
        raise ValueError(
            "orthogonal_: Only tensors with 2 or more dimensions are supported, not "
            f"{tuple(tensor.shape)}"
        )
    if not tensor.numel():
        return tensor
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    drawn = random.normal((rows, columns), "float64", generator)
    q, r = numpy.linalg.qr(drawn.T if rows < columns else drawn)
    q = q * (numpy.sign(numpy.diag(r)) * gain)
    return _draws("orthogonal_", tensor, (q.T if rows < columns else q).reshape(tensor.shape))


def _draws(name: str, tensor: Tensor, host: Array) -> Tensor:
    """`_fill` of numbers that were drawn, which integers can't hold.

    Raises:
        NotImplementedError: a tensor of integers.
    """
    if not tensor.is_floating_point():
        raise NotImplementedError(f"{name}: not implemented for {tensor.dtype}")
    return _fill(tensor, host)


def _fill(tensor: Tensor, host: Array) -> Tensor:
    """Copy an array of the host into a tensor of any device and dtype."""
    return tensor.copy_(new(namespace(tensor.array).asarray(host)))


def _old(new: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A function under PyTorch's older name without underscore, with its deprecation warning."""
    name = new.__name__.removesuffix("_")

    @functools.wraps(new)
    def old(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.",
            FutureWarning,
            stacklevel=user_level(),
        )
        return new(*args, **kwargs)

    old.__name__ = name
    old.__doc__ = f"The old name of `{name}_`."
    return old


uniform, normal, constant = _old(uniform_), _old(normal_), _old(constant_)
eye, dirac, sparse, orthogonal = _old(eye_), _old(dirac_), _old(sparse_), _old(orthogonal_)
xavier_uniform, xavier_normal = _old(xavier_uniform_), _old(xavier_normal_)
kaiming_uniform, kaiming_normal = _old(kaiming_uniform_), _old(kaiming_normal_)


_explain(__name__)
