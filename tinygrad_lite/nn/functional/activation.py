"""Activations as functions, with PyTorch's signatures. Each keeps its input's dtype."""

from __future__ import annotations

import warnings
from typing import Any

from ...backend.dtypes import FLOATING
from ...ops import activation as ops
from ...tensor import Tensor, apply
from ...tensor.apply import apply_keeping
from ...tensor.check import tensor_of
from ...tensor.compare import is_tensor
from ...tensor.inplace import change
from ...tensor.operation import refuse
from ...tensor.promote import coefficient
from ...tensor.source_line import user_level

__all__ = [
    "elu",
    "gelu",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "relu",
    "relu6",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]

sigmoid = Tensor.sigmoid
tanh = Tensor.tanh


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x), elementwise; the derivative at 0 is 0.

    Args:
        input: any shape and dtype but bool.
        inplace: overwrite the input.

    Raises:
        TypeError: the input is not a Tensor.
        RuntimeError: inplace, for a leaf that requires a gradient.

    Example:
        >>> F.relu(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    x = tensor_of("relu", input)
    return x.relu_() if inplace else x.relu()


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else negative_slope · x; the derivative at 0 is negative_slope.

    A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier Nonlinearities Improve Neural Network
    Acoustic Models", ICML 2013.

    Args:
        input: any shape, floating point.
        negative_slope: the slope below 0.
        inplace: overwrite the input.

    Raises:
        TypeError: the input is not a Tensor.
        NotImplementedError: it is not floating point.
        RuntimeError: inplace, for a leaf that requires a gradient.
    """
    return _apply(
        "leaky_relu", input, ops.leaky_relu, negative_slope=negative_slope, inplace=inplace
    )


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else α (eˣ − 1); the derivative at 0 is α.

    D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and Accurate Deep Network Learning by
    Exponential Linear Units (ELUs)", ICLR 2016.

    Args:
        input: any shape, floating point.
        alpha: α; y tends to −α far below 0.
        inplace: overwrite the input.

    Raises: as `leaky_relu`.
    """
    return _apply("elu", input, ops.elu, alpha=alpha, inplace=inplace)


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """y = x Φ(x), Φ the distribution function of the standard normal distribution.

    D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units (GELUs)", 2016.

    Args:
        input: any shape, floating point.
        approximate: "none", or "tanh" for x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.

    Raises:
        RuntimeError: another name; and as `leaky_relu`.

    Example:
        >>> F.gelu(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.1587,  0.0000,  0.8413])
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(
            f"gelu: approximate argument must be either none or tanh, but is {approximate!r}"
        )
    return _apply("gelu", input, ops.gelu if approximate == "none" else ops.gelu_tanh)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x σ(x), also called swish.

    S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-Weighted Linear Units for Neural Network Function
    Approximation in Reinforcement Learning", Neural Networks 107, 2018.

    Args:
        input: any shape, floating point.
        inplace: overwrite the input.

    Raises: as `leaky_relu`.
    """
    return _apply("silu", input, ops.silu, inplace=inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """y = ln(1 + e^(βx)) / β, a smooth max(0, x).

    C. Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option Pricing",
    NIPS 2000.

    Args:
        input: any shape, floating point.
        beta: β, how sharp the bend is.
        threshold: y = x where βx exceeds it.

    Raises: as `leaky_relu`.
    """
    return _apply("softplus", input, ops.softplus, beta=beta, threshold=threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """y = ln σ(x) = −ln(1 + e⁻ˣ), without overflow. Errors as `leaky_relu`."""
    return _apply("logsigmoid", input, ops.log_sigmoid)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """y = x limited to [min_val, max_val]; the derivative at both bounds is 0.

    Args:
        input: any shape, floating point or integers.
        min_val, max_val: the bounds.
        inplace: overwrite the input.

    Raises:
        ValueError: min_val > max_val.
        RuntimeError: unsigned integers with a negative bound.
        TypeError: the input is not a Tensor.
    """
    if min_val > max_val:
        raise ValueError(
            f"hardtanh: min_val must not exceed max_val, but they are {min_val} and {max_val}"
        )
    if is_tensor(input) and input.dtype.kind in "iu":
        if input.dtype.kind == "u" and int(min_val) < 0:
            raise RuntimeError(f"hardtanh: {input.dtype} has no numbers down to {min_val}")
        return (input.clamp_ if inplace else input.clamp)(int(min_val), int(max_val))
    return _apply(
        "hardtanh", input, ops.hardtanh, min_val=min_val, max_val=max_val, inplace=inplace
    )


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """y = min(max(0, x), 6); the derivative at 0 and at 6 is 0. Errors as `leaky_relu`.

    A. Krizhevsky, "Convolutional Deep Belief Networks on CIFAR-10", 2010.
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """eˣ / Σ eˣ along a dimension, without overflow.

    Args:
        input: any shape, floating point.
        dim: the dimension. Without one PyTorch's old rule picks it, with a warning: 0 for
            0, 1 or 3 dimensions, else 1.
        _stacklevel: without effect; that warning is shown at the line outside of this package.
        dtype: cast the input to it first.

    Raises:
        TypeError: the input is not a Tensor.
        IndexError: it has no such dimension.
        RuntimeError: it is not floating point.

    Example:
        >>> F.softmax(torch.tensor([[0.0, 1.0], [5.0, 5.0]]), dim=1)
        tensor([[0.2689, 0.7311],
                [0.5000, 0.5000]])
    """
    x = tensor_of("softmax", input)
    return x.softmax(implied_dim("softmax", x) if dim is None else dim, dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """ln softmax(x) along a dimension, without overflow. Arguments as `softmax`.

    Example:
        >>> F.log_softmax(torch.tensor([0.0, 0.0]), dim=0)
        tensor([-0.6931, -0.6931])
    """
    x = tensor_of("log_softmax", input)
    return x.log_softmax(implied_dim("log_softmax", x) if dim is None else dim, dtype)


def implied_dim(name: str, input: Tensor) -> int:
    """The dimension of a softmax that was given none, with a warning."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=user_level(),
    )
    return 0 if input.ndim in (0, 1, 3) else 1


def _apply(name: str, input: Any, rule: Any, *, inplace: bool = False, **constants: Any) -> Tensor:
    """An activation's rule on a tensor of floating point; errors have the function's name."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}: input must be a Tensor, not {type(input).__name__}")
    if input.dtype.kind not in FLOATING:
        refuse(name, input)
    for constant in constants.values():
        coefficient(name, constant, input)
    if inplace:
        return change(input, f"{name}_", lambda x: apply(rule, x, **constants))
    return apply_keeping(rule, input, **constants)
