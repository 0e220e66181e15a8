"""`torch.nn.grad`: the gradients of a convolution by its input and by its weight, as functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..absent import explain as _explain
from ..autograd import grad
from ..tensor import Tensor
from . import functional as F

__all__ = [
    "conv1d_input",
    "conv1d_weight",
    "conv2d_input",
    "conv2d_weight",
    "conv3d_input",
    "conv3d_weight",
]


def _of_input(conv: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def by_input(
        input_size: Any,
        weight: Tensor,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        """dL/dinput of a convolution.

        Args:
            input_size: the input's shape.
            weight: the kernels.
            grad_output: dL/doutput.
            stride, padding, dilation, groups: the convolution's.
        """
        x = grad_output.new_zeros(input_size).requires_grad_()
        y = conv(x, weight.detach(), None, stride, padding, dilation, groups)
        return grad(y, x, grad_output)[0]  # type: ignore[return-value]

    by_input.__name__ = by_input.__qualname__ = f"{conv.__name__}_input"
    return by_input


def _of_weight(conv: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def by_weight(
        input: Tensor,
        weight_size: Any,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        """dL/dweight of a convolution.

        Args:
            input: what it was of.
            weight_size: the kernels' shape.
            grad_output: dL/doutput.
            stride, padding, dilation, groups: the convolution's.
        """
        w = grad_output.new_zeros(weight_size).requires_grad_()
        y = conv(input.detach(), w, None, stride, padding, dilation, groups)
        return grad(y, w, grad_output)[0]  # type: ignore[return-value]

    by_weight.__name__ = by_weight.__qualname__ = f"{conv.__name__}_weight"
    return by_weight


conv1d_input, conv1d_weight = _of_input(F.conv1d), _of_weight(F.conv1d)
conv2d_input, conv2d_weight = _of_input(F.conv2d), _of_weight(F.conv2d)
conv3d_input, conv3d_weight = _of_input(F.conv3d), _of_weight(F.conv3d)


_explain(__name__)
