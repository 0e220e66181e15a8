"""`torch.utils.dlpack`: tensors as capsules, and back."""

from __future__ import annotations

from ..absent import explain as _explain
from ..tensor.exchange import from_dlpack
from ..tensor.export import to_dlpack as _of_values
from ..tensor.tensor import Tensor as _Tensor

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: _Tensor) -> object:
    """A capsule with a tensor's memory, for another library's `from_dlpack`.

    Unlike the method `__dlpack__` it asks not whether the tensor requires a gradient, as in
    PyTorch; none reaches it through the capsule.

    Raises:
        BufferError: its dtype is unknown to DLPack.
    """
    return _of_values(tensor.detach())


_explain(__name__)
