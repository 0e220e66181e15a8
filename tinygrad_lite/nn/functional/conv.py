"""Convolutions as functions, with PyTorch's signatures."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from ...backend.window import Pair, Window
from ...ops import conv as ops
from ...tensor import Tensor, apply
from ...tensor._autocast import one_dtype
from ...tensor._create import full
from ...tensor._functions import cat

__all__ = ["conv1d", "conv2d", "conv_transpose2d", "pad"]

Size = int | Sequence[int]


def pair(op: str, name: str, value: Any, least: int = 0) -> Pair:
    """An int, or one int for each of height and width, checked.

    Raises:
        TypeError: not whole numbers.
        RuntimeError: not two of them, or below `least`.
    """
    try:
        both = (
            tuple(index(v) for v in value) if isinstance(value, Sequence) else (index(value),) * 2
        )
    except TypeError:
        raise TypeError(
            f"{op}: {name} must be an int or a pair of ints, but is {value!r}"
        ) from None
    if len(both) == 1:
        both *= 2
    if len(both) != 2 or min(both) < least:
        raise RuntimeError(f"{op}: {name} must be two ints of at least {least}, but is {value!r}")
    return both[0], both[1]


def make_window(op: str, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Window:
    """A checked window; see `pair`."""
    return Window(
        pair(op, "kernel_size", kernel, 1),
        pair(op, "stride", stride, 1),
        pair(op, "padding", padding),
        pair(op, "dilation", dilation, 1),
    )


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Pad the last dimensions with a number: (left, right, top, bottom, …), last dim first.

    Args:
        input: any shape and dtype, which the output keeps.
        pad: how many to add on each side; pairs of sizes, at most one for each dimension.
        mode: "constant".
        value: the number; None for 0.

    Raises:
        NotImplementedError: a mode other than "constant".
        TypeError: sizes that are not ints.
        RuntimeError: an odd number of sizes, more than the input has, or negative ones.
    """
    if mode != "constant":
        raise NotImplementedError(f"pad: mode {mode!r} is not supported, only 'constant'")
    try:
        pad = [index(n) for n in pad]
    except TypeError:
        raise TypeError(f"pad: sizes must be ints, but are {pad!r}") from None
    if len(pad) % 2 or len(pad) > 2 * input.ndim or min(pad, default=0) < 0:
        raise RuntimeError(
            f"pad: expected pairs of sizes of at least 0 for at most {input.ndim} dimensions, but "
            f"got {tuple(pad)}"
        )
    out = input
    for i in range(len(pad) // 2):
        dim, parts = input.ndim - 1 - i, [out]
        for n, place in zip(pad[2 * i : 2 * i + 2], (0, 2), strict=True):
            if n:
                shape = (*out.shape[:dim], n, *out.shape[dim + 1 :])
                parts.insert(place, full(shape, value or 0, out.dtype, out.device))
        out = cat(parts, dim) if len(parts) > 1 else out
    return out


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate images with kernels.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        weight: (M, C/groups, kh, kw).
        bias: (M) or None.
        stride: step of the kernel.
        padding: zeros on each side, "valid" (none) or "same" (as many as keep H and W).
        dilation: distance between the kernel's elements.
        groups: into how many independent parts the channels are split.

    Returns:
        (N, M, OH, OW) with OH = ⌊(H + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1.

    Raises:
        RuntimeError: channels, groups, ranks, dtypes or sizes that do not fit, padding that is
            another string, or "same" with a stride.
        TypeError: sizes that are not ints, or operands that are not Tensors.
    """
    _check_operands("conv2d", input, weight, bias, 2)
    if input.ndim == 3:
        one = conv2d(input.unsqueeze(0), weight, bias, stride, padding, dilation, groups)
        return one.squeeze(0)
    kernel = weight.shape[2:]
    if isinstance(padding, str):
        input, padding = _named_padding("conv2d", input, kernel, stride, padding, dilation)
    window = make_window("conv2d", kernel, stride, padding, dilation)
    operands = (input, weight) if bias is None else (input, weight, bias)
    return apply(ops.conv2d, *operands, window=window, groups=_int("conv2d", "groups", groups))


def _named_padding(
    op: str, input: Tensor, kernel: Sequence[int], stride: Any, padding: str, dilation: Any
) -> tuple[Tensor, Pair]:
    """The input and the padding that a name stands for; "same" may need one zero more behind."""
    if padding == "valid":
        return input, (0, 0)
    if padding != "same":
        raise RuntimeError(f"{op}: padding must be 'valid', 'same' or a size, but is {padding!r}")
    if pair(op, "stride", stride, 1) != (1, 1):
        raise RuntimeError(f"{op}: padding='same' is not supported for strided convolutions")
    total = [d * (k - 1) for k, d in zip(kernel, pair(op, "dilation", dilation, 1), strict=True)]
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

    Args, values and errors as `conv2d`, one dimension less.
    """
    _check_operands("conv1d", input, weight, bias, 1)
    wide = padding if isinstance(padding, str) else (0, single("conv1d", "padding", padding, 0))
    return conv2d(
        input.unsqueeze(-2),
        weight.unsqueeze(-2),
        bias,
        (1, single("conv1d", "stride", stride, 1)),
        wide,
        (1, single("conv1d", "dilation", dilation, 1)),
        groups,
    ).squeeze(-2)


def single(op: str, name: str, value: Any, least: int) -> int:
    """One int, which may stand in a tuple, checked.

    Raises:
        TypeError: not an int.
        RuntimeError: below `least`.
    """
    one = value[0] if isinstance(value, Sequence) and len(value) == 1 else value
    number = _int(op, name, one)
    if number < least:
        raise RuntimeError(f"{op}: {name} must be at least {least}, but is {value!r}")
    return number


def _int(op: str, name: str, value: Any) -> int:
    try:
        return index(value)
    except TypeError:
        raise TypeError(f"{op}: {name} must be an int, but is {value!r}") from None


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

    Args:
        input: (N, C, H, W), or (C, H, W).
        weight: (C, M/groups, kh, kw).
        bias: (M) or None.
        stride, padding, dilation, groups: of the convolution that this is the transpose of.
        output_padding: rows and columns added behind, fewer than stride or dilation.

    Returns:
        (N, M, OH, OW) with
        OH = (H − 1)·stride − 2·padding + dilation·(kh − 1) + output_padding + 1.

    Raises: as `conv2d`.
    """
    _check_operands("conv_transpose2d", input, weight, bias, 2)
    if input.ndim == 3:
        return conv_transpose2d(
            input.unsqueeze(0), weight, bias, stride, padding, output_padding, groups, dilation
        ).squeeze(0)
    window = make_window("conv_transpose2d", weight.shape[2:], stride, padding, dilation)
    extra = pair("conv_transpose2d", "output_padding", output_padding)
    if any(e >= max(s, d) for e, s, d in zip(extra, window.stride, window.dilation, strict=True)):
        raise RuntimeError(
            f"conv_transpose2d: output_padding {extra} must be smaller than stride "
            f"{window.stride} or dilation {window.dilation}"
        )
    size = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, k, s, p, d, e in zip(input.shape[2:], *window, extra, strict=True)
    )
    if min(size) < 1:
        raise RuntimeError(f"conv_transpose2d: the output would have size {size}")
    groups = _int("conv_transpose2d", "groups", groups)
    # From `stride` on, more rows would be room for a position that the input does not have.
    high, wide = (max(0, e - s + 1) for e, s in zip(extra, window.stride, strict=True))
    size = (size[0] - high, size[1] - wide)
    if bias is None or high or wide:
        y = apply(ops.conv_transpose2d, input, weight, window=window, groups=groups, size=size)
        y = pad(y, (0, wide, 0, high))
        return y if bias is None else y + bias.reshape(-1, 1, 1)
    return apply(ops.conv_transpose2d, input, weight, bias, window=window, groups=groups, size=size)


def _check_operands(op: str, input: Any, weight: Any, bias: Any, dims: int) -> None:
    """Check types, ranks (`dims` is how many a window has) and that the dtype is one."""
    for name, tensor in (("input", input), ("weight", weight), ("bias", bias)):
        if not isinstance(tensor, Tensor) and (name != "bias" or tensor is not None):
            raise TypeError(f"{op}: {name} must be a Tensor, not {type(tensor).__name__}")
    if input.ndim not in (dims + 1, dims + 2) or weight.ndim != dims + 2:
        raise RuntimeError(
            f"{op}: expected a {dims + 2}-D input (or {dims + 1}-D, for one sample) and a "
            f"{dims + 2}-D weight, but got shapes {input.shape} and {weight.shape}"
        )
    for name, other in (("weight", weight), ("bias", bias)):
        if other is not None and not one_dtype(input, other):
            raise RuntimeError(
                f"{op}: input is {input.dtype} but {name} is {other.dtype}; they should be the same"
            )
