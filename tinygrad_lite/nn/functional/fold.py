"""im2col and its transpose as functions, with PyTorch's signatures."""

from __future__ import annotations

from ...backend.dtypes import FLOATING
from ...ops import conv as ops
from ...tensor import Tensor, apply
from ...tensor.check import takes_tensors
from ...tensor.operation import refuse
from .sizes import Size, sizes, window_of

__all__ = ["fold", "unfold"]


@takes_tensors
def unfold(
    input: Tensor, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Tensor:
    """The patches of images as columns (im2col): (N, C, H, W) to (N, C·kh·kw, OH·OW).

    One image (C, H, W) gives (C·kh·kw, OH·OW).

    Args:
        input: floating point.
        kernel_size: the patches' size, (kh, kw), or one number for both.
        dilation: the distance between a patch's elements in the image.
        padding: zeros on each side.
        stride: the step from one patch to the next.

    Raises:
        RuntimeError: another rank, or a kernel larger than the padded image.
        TypeError: sizes that are not ints.
    """
    window = window_of("unfold", kernel_size, stride, padding, dilation)
    if input.ndim not in (3, 4) or min(window.positions(input.shape[-2:])) < 1:
        raise RuntimeError(
            f"unfold: expected a 3-D or 4-D input that the kernel {window.kernel} fits in, but got "
            f"shape {tuple(input.shape)} (padding {window.padding}, dilation {window.dilation})"
        )
    if input.dtype.kind not in FLOATING + "b":
        refuse("unfold", input)
    if input.ndim == 3:
        return unfold(input.unsqueeze(0), kernel_size, dilation, padding, stride).squeeze(0)
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
        input: (N, C·kh·kw, L) or (C·kh·kw, L), L the number of positions of the kernel on the
            output.
        output_size: (H, W) of the output, or one number for both.
        kernel_size, dilation, padding, stride: as `unfold`.

    Returns:
        (N, C, H, W), or (C, H, W).

    Raises:
        RuntimeError: sizes that do not fit.
        TypeError: sizes that are not ints.
    """
    window = window_of("fold", kernel_size, stride, padding, dilation)
    size = sizes("fold", "output_size", output_size, 2, 1)
    area, (high, wide) = window.kernel[0] * window.kernel[1], window.positions(size)
    if min(high, wide) < 1:
        raise RuntimeError(f"fold: kernel {window.kernel} does not fit in output size {size}")
    if input.ndim not in (2, 3) or (input.shape[-2] % area, input.shape[-1]) != (0, high * wide):
        raise RuntimeError(
            f"fold: expected (N, C·{area}, {high * wide}) for output size {size} and kernel "
            f"{window.kernel}, but got shape {tuple(input.shape)}"
        )
    if input.ndim == 2:
        one = fold(input.unsqueeze(0), size, kernel_size, dilation, padding, stride)
        return one.squeeze(0)
    shape = (input.shape[0], input.shape[1] // area, *size)
    return apply(ops.fold, input, shape=shape, window=window)
