"""Convolutions as functions, with PyTorch's signatures."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from ..backend.window import Pair, Window
from ..ops import conv as ops
from ..tensor import Tensor, apply
from ..tensor._create import zeros
from ..tensor._functions import cat

__all__ = ["conv1d", "conv2d", "conv_transpose2d", "fold", "pad", "unfold"]

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


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float = 0.0) -> Tensor:
    """Pad the last dimensions with a number: (left, right, top, bottom, …), last dim first.

    Raises:
        NotImplementedError: a mode other than "constant".
        RuntimeError: an odd number of sizes, more than the input has, or negative ones.
    """
    if mode != "constant":
        raise NotImplementedError(f"pad: mode {mode!r} is not supported, only 'constant'")
    if len(pad) % 2 or len(pad) > 2 * input.ndim or min(pad, default=0) < 0:
        raise RuntimeError(
            f"pad: expected pairs of sizes of at least 0 for at most {input.ndim} dimensions, but "
            f"got {tuple(pad)}"
        )
    out = input
    for i in range(len(pad) // 2):
        dim = input.ndim - 1 - i
        sides = []
        for n in pad[2 * i : 2 * i + 2]:
            shape = (*out.shape[:dim], n, *out.shape[dim + 1 :])
            sides.append(zeros(shape, dtype=out.dtype, device=out.device) + value)
        if pad[2 * i] or pad[2 * i + 1]:
            out = cat([sides[0], out, sides[1]], dim)
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
        RuntimeError: channels, groups, ranks or sizes that do not fit.
        ValueError: padding is another string, or "same" with a stride.
    """
    if input.ndim == 3:
        one = conv2d(input.unsqueeze(0), weight, bias, stride, padding, dilation, groups)
        return one.squeeze(0)
    kernel = weight.shape[2:] if weight.ndim == 4 else (1, 1)
    if isinstance(padding, str):
        input, padding = _named_padding("conv2d", input, kernel, stride, padding, dilation)
    window = make_window("conv2d", kernel, stride, padding, dilation)
    _same_dtype("conv2d", input, weight, bias)
    operands = (input, weight) if bias is None else (input, weight, bias)
    return apply(ops.conv2d, *operands, window=window, groups=index(groups))


def _named_padding(
    op: str, input: Tensor, kernel: Sequence[int], stride: Any, padding: str, dilation: Any
) -> tuple[Tensor, Pair]:
    """The input and the padding that a name stands for; "same" may need one zero more behind."""
    if padding == "valid":
        return input, (0, 0)
    if padding != "same":
        raise ValueError(f"{op}: padding must be 'valid', 'same' or a size, but is {padding!r}")
    if pair(op, "stride", stride, 1) != (1, 1):
        raise ValueError(f"{op}: padding='same' is not supported for strided convolutions")
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

    Raises:
        RuntimeError: channels, groups, ranks or sizes that do not fit.
    """
    if input.ndim not in (2, 3) or weight.ndim != 3:
        raise RuntimeError(
            "conv1d: expected a 3-D input (N, C, L) and a 3-D weight, but got shapes "
            f"{input.shape} and {weight.shape}"
        )
    wide = padding if isinstance(padding, str) else (0, _one("conv1d", "padding", padding))
    return conv2d(
        input.unsqueeze(-2),
        weight.unsqueeze(-2),
        bias,
        (1, _one("conv1d", "stride", stride)),
        wide,
        (1, _one("conv1d", "dilation", dilation)),
        groups,
    ).squeeze(-2)


def _one(op: str, name: str, value: Any) -> Any:
    if isinstance(value, Sequence):
        if len(value) != 1:
            raise RuntimeError(f"{op}: {name} must be one int, but is {value!r}")
        return value[0]
    return value


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
        output_padding: rows and columns added to the output, less than stride or dilation.

    Returns:
        (N, M, OH, OW) with
        OH = (H − 1)·stride − 2·padding + dilation·(kh − 1) + output_padding + 1.

    Raises:
        RuntimeError: channels, groups, ranks or sizes that do not fit.
    """
    if input.ndim == 3:
        return conv_transpose2d(
            input.unsqueeze(0), weight, bias, stride, padding, output_padding, groups, dilation
        ).squeeze(0)
    kernel = weight.shape[2:] if weight.ndim == 4 else (1, 1)
    window = make_window("conv_transpose2d", kernel, stride, padding, dilation)
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
    _same_dtype("conv_transpose2d", input, weight, bias)
    operands = (input, weight) if bias is None else (input, weight, bias)
    return apply(ops.conv_transpose2d, *operands, window=window, groups=index(groups), size=size)


def unfold(
    input: Tensor, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Tensor:
    """The patches of images as columns (im2col): (N, C, H, W) to (N, C·kh·kw, OH·OW).

    Raises:
        RuntimeError: not 4-D, or a kernel larger than the padded image.
    """
    window = make_window("unfold", kernel_size, stride, padding, dilation)
    if input.ndim != 4 or min(window.positions(input.shape[2:])) < 1:
        raise RuntimeError(
            f"unfold: expected a 4-D input that the kernel {window.kernel} fits in, but got shape "
            f"{input.shape}"
        )
    return apply(ops.unfold, input, window=window)


def fold(
    input: Tensor,
    output_size: Size,
    kernel_size: Size,
    dilation: Size = 1,
    padding: Size = 0,
    stride: Size = 1,
) -> Tensor:
    """Columns added up to images (col2im), the transpose of `unfold`.

    Args:
        input: (N, C·kh·kw, L), L the number of positions of the kernel on the output.
        output_size: (H, W) of the output.
        kernel_size, dilation, padding, stride: as for `unfold`.

    Raises:
        RuntimeError: sizes that do not fit.
    """
    window = make_window("fold", kernel_size, stride, padding, dilation)
    size = pair("fold", "output_size", output_size, 1)
    area, places = window.kernel[0] * window.kernel[1], window.positions(size)
    if input.ndim != 3 or input.shape[1] % area or input.shape[2] != places[0] * places[1]:
        raise RuntimeError(
            f"fold: expected (N, C·{area}, {places[0] * places[1]}) for output size {size} and "
            f"kernel {window.kernel}, but got shape {input.shape}"
        )
    shape = (input.shape[0], input.shape[1] // area, *size)
    return apply(ops.fold, input, shape=shape, window=window)


def _same_dtype(op: str, input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    for name, other in (("weight", weight), ("bias", bias)):
        if other is not None and other.dtype != input.dtype:
            raise RuntimeError(
                f"{op}: input is {input.dtype} but {name} is {other.dtype}; they should be the same"
            )
