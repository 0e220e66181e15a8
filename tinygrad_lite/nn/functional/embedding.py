"""Classes as vectors, with PyTorch's signatures."""

from __future__ import annotations

from ...backend import namespace, numpy
from ...tensor import Tensor
from ...tensor.base import new

__all__ = ["one_hot"]


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at the index that each element gives, else 0: shape (*tensor.shape, num_classes), int64.

    Args:
        tensor: int64, any shape.
        num_classes: the number of classes; −1 for the largest value plus one.

    Raises:
        RuntimeError: another dtype, a value that is negative or too large, or no elements
            to find the number of classes from.

    Example:
        >>> F.one_hot(torch.tensor([2, 0])).tolist()
        [[0, 0, 1], [1, 0, 0]]
    """
    if tensor.dtype != numpy.int64:
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type int64, but got {tensor.dtype}"
        )
    if num_classes <= 0 and (num_classes != -1 or not tensor.numel()):
        raise RuntimeError(
            f"one_hot: can not infer total number of classes from num_classes={num_classes} and "
            f"a tensor of {tensor.numel()} elements"
        )
    if tensor.numel():
        low, high = tensor.min().item(), tensor.max().item()
        if low < 0:
            raise RuntimeError(f"one_hot: Class values must be non-negative, but got {low}")
        if num_classes == -1:
            num_classes = high + 1
        elif high >= num_classes:
            raise RuntimeError(
                f"one_hot: Class values must be smaller than num_classes, but got {high} with "
                f"num_classes={num_classes}"
            )
    classes = new(namespace(tensor.array).arange(num_classes))
    return (tensor.unsqueeze(-1) == classes).to(dtype="int64")
