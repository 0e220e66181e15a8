"""`torch.sparse`: matrices of which few elements are not zero, as their places and numbers.

There is PyTorch's layout `torch.sparse_coo`, made by `sparse_coo_tensor` and `Tensor.to_sparse`:
products with dense matrices, sums, softmax, and gradients of the numbers and of what is dense.
"""

from typing import Any

from .absent import explain as _explain
from .tensor.base import TensorBase as _TensorBase
from .tensor.sparse_operations import addmm, log_softmax, mm, softmax, sparse_coo_tensor, sum

__all__ = ["addmm", "log_softmax", "mm", "softmax", "sum"]


def _maker(name: str) -> Any:
    """PyTorch's former makers of sparse tensors, of indices, values and a size."""

    def make(*parts: Any) -> Any:
        tensors = parts and isinstance(parts[0], _TensorBase)
        return sparse_coo_tensor(*parts) if tensors else sparse_coo_tensor(size=parts)

    make.__name__ = name
    make.__doc__ = f"{make.__doc__ or ''}A sparse tensor of indices, values and a size."
    return make


FloatTensor, DoubleTensor, LongTensor = map(_maker, ("FloatTensor", "DoubleTensor", "LongTensor"))

_explain(__name__)
