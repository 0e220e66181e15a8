"""Convolutions as functions, with PyTorch's signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ops import conv as ops
from ...tensor import Tensor, apply
from ...tensor.autocast import one_dtype
from ...tensor.operation import refuse
from ...tensor.padding import pad
from .sizes import Size, plane, sizes, whole, window_of

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """y_m = b_m + Σ_c W_mc ⋆ x_c: images cross-correlated with kernels.

    At each position of a kernel, y is the sum of the products of its elements with the image's.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        weight: (M, C/groups, kh, kw).
        bias: (M) or None.
        stride: the step from one position of the kernel to the next.
        padding: how many zeros on each side; or "valid", none; or "same", as many as keep H and W.
        dilation: the distance between the kernel's elements in the image.
        groups: into how many parts the channels are split; each makes its part of the output.

    Returns:
        (N, M, OH, OW) with OH = ⌊(H + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1.

    Raises:
        RuntimeError: channels, groups, ranks, dtypes or sizes that do not fit, padding that is
            another string, or "same" with a stride.
        TypeError: sizes that are not ints, or operands that are not Tensors.

    Example:
        >>> F.conv2d(torch.zeros(8, 3, 32, 32), torch.zeros(16, 3, 3, 3), padding=1).shape
        torch.Size([8, 16, 32, 32])
    """
    _check_operands("conv2d", input, weight, bias, 2)
    if input.array.ndim == 3:
        one = conv2d(input.unsqueeze(0), weight, bias, stride, padding, dilation, groups)
        return one.squeeze(0)
    kernel = weight.array.shape[2:]
    if isinstance(padding, str):
        input, padding = _named_padding("conv2d", input, kernel, stride, padding, dilation)
    window = window_of("conv2d", kernel, stride, padding, dilation)
    operands = (input, weight) if bias is None else (input, weight, bias)
    groups = groups if type(groups) is int else whole("conv2d", "groups", groups)
    return apply(ops.conv2d, *operands, window=window, groups=groups)


def _named_padding(
    op: str, input: Tensor, kernel: Sequence[int], stride: Any, padding: str, dilation: Any
) -> tuple[Tensor, tuple[int, ...]]:
    """The input, and the zeros on each side that "valid" or "same" stands for.

    Where "same" needs an odd number of zeros, the input gets one behind it beforehand.

    Raises:
        RuntimeError: another name, or "same" with a stride.
    """
    if padding == "valid":
        return input, (0, 0)
    if padding != "same":
        raise RuntimeError(f"{op}: padding must be 'valid', 'same' or a size, but is {padding!r}")
    if sizes(op, "stride", stride, 2, 1) != (1, 1):
        raise RuntimeError(f"{op}: padding='same' is not supported for strided convolutions")
    apart = sizes(op, "dilation", dilation, 2, 1)
    total = [d * (k - 1) for k, d in zip(kernel, apart, strict=True)]
    odd = [n % 2 for n in total]
    if any(odd):
        input = pad(input, (0, odd[1], 0, odd[0]))
    return input, (total[0] // 2, total[1] // 2)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate signals (N, C, L) with kernels (M, C/groups, k): `conv2d` of height 1.

    Arguments, results and errors as `conv2d`, one dimension less.
    """
    _check_operands("conv1d", input, weight, bias, 1)
    wide = padding if isinstance(padding, str) else plane("conv1d", "padding", padding, 1)
    return conv2d(
        input.unsqueeze(-2),
        weight.unsqueeze(-2),
        bias,
        plane("conv1d", "stride", stride, 1, 1),
        wide,
        plane("conv1d", "dilation", dilation, 1, 1),
        groups,
    ).squeeze(-2)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """The gradient of `conv2d` with respect to its input, as an operation of its own.

    Each element of the input adds itself times the kernel to the output, at the positions that
    the convolution would read for it.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        weight: (C, M/groups, kh, kw).
        bias: (M) or None.
        stride, padding, dilation, groups: of the convolution that this is the transpose of.
        output_padding: rows and columns added at the output's end, fewer than stride or dilation.

    Returns:
        (N, M, OH, OW) with
        OH = (H − 1)·stride − 2·padding + dilation·(kh − 1) + output_padding + 1.

    Raises: as `conv2d`.
    """
    op = "conv_transpose2d"
    _check_operands(op, input, weight, bias, 2)
    if input.ndim == 3:
        return conv_transpose2d(
            input.unsqueeze(0), weight, bias, stride, padding, output_padding, groups, dilation
        ).squeeze(0)
    window = window_of(op, weight.shape[2:], stride, padding, dilation)
    extra = sizes(op, "output_padding", output_padding, 2)
    if any(e >= max(s, d) for e, s, d in zip(extra, window.stride, window.dilation, strict=True)):
        raise RuntimeError(
            f"{op}: output_padding {extra} must be smaller than stride {window.stride} or "
            f"dilation {window.dilation}"
        )
    size = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, k, s, p, d, e in zip(input.shape[2:], *window, extra, strict=True)
    )
    if min(size) < 1:
        raise RuntimeError(f"{op}: the output would have size {size}")
    # Where output_padding is a stride or more (dilation allows it), the output has room for
    # positions that the input lacks; the rule wants zeros there.
    high, wide = (e // s for e, s in zip(extra, window.stride, strict=True))
    if wide or high:
        input = pad(input, (0, wide, 0, high))
    operands = (input, weight, *(() if bias is None else (bias,)))
    groups = whole(op, "groups", groups)
    return apply(ops.conv_transpose2d, *operands, window=window, groups=groups, size=size)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """`conv_transpose2d` of height 1: signals (N, C, L), kernels (C, M/groups, k).

    Arguments, results and errors as `conv_transpose2d`, one dimension less.
    """
    op = "conv_transpose1d"
    _check_operands(op, input, weight, bias, 1)
    return conv_transpose2d(
        input.unsqueeze(-2),
        weight.unsqueeze(-2),
        bias,
        plane(op, "stride", stride, 1, 1),
        plane(op, "padding", padding, 1),
        plane(op, "output_padding", output_padding, 1),
        groups,
        plane(op, "dilation", dilation, 1, 1),
    ).squeeze(-2)


def _check_operands(op: str, input: Any, weight: Any, bias: Any, dims: int) -> None:
    """Refuse operands that are no tensors, or have other ranks or different dtypes.

    `dims` is the number of a kernel's dimensions.
    """
    for name, tensor in (("input", input), ("weight", weight), ("bias", bias)):
        if not isinstance(tensor, Tensor) and (name != "bias" or tensor is not None):
            raise TypeError(f"{op}: {name} must be a Tensor, not {type(tensor).__name__}")
    if input.array.ndim not in (dims + 1, dims + 2) or weight.array.ndim != dims + 2:
        raise RuntimeError(
            f"{op}: expected a {dims + 2}-D input (or {dims + 1}-D, for one sample) and a "
            f"{dims + 2}-D weight, but got shapes {tuple(input.shape)} and {tuple(weight.shape)}"
        )
    if input.array.dtype.kind == "b":
        refuse(op, input)
    for name, other in (("weight", weight), ("bias", bias)):
        if other is None or other.array.dtype == input.array.dtype:
            continue
        if not one_dtype(input, other):
            raise RuntimeError(
                f"{op}: input is {input.dtype} but {name} is {other.dtype}; they should be the same"
            )
