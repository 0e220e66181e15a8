"""Constructors from before PyTorch had dtypes, such as `FloatTensor`, for older course code."""

from __future__ import annotations

from typing import Any

from ..backend import is_array, numpy
from .base import TensorBase
from .create import tensor, zeros
from .dtypes import LEGACY_NAMES
from .tensor import Tensor

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
]


class LegacyType:
    """Makes tensors of one dtype; also good for `isinstance` and `Tensor.type`.

    Args:
        dtype: its name.
    """

    def __init__(self, dtype: str) -> None:
        self.dtype = numpy.dtype(dtype)

    def __call__(self, *data: Any) -> Tensor:
        """A tensor of a list, an array or a tensor; or zeros of the sizes that are given."""
        if not data:
            return zeros(0, dtype=self.dtype)
        if len(data) == 1 and (isinstance(data[0], list | tuple | TensorBase) or is_array(data[0])):
            return tensor(data[0], dtype=self.dtype)
        return zeros(*data, dtype=self.dtype)

    def __instancecheck__(self, value: object) -> bool:
        return (
            isinstance(value, TensorBase)
            and value.dtype == self.dtype
            and value.device.type == "cpu"
        )

    def __repr__(self) -> str:
        return f"<class 'torch.{LEGACY_NAMES[self.dtype.name]}'>"


HalfTensor = LegacyType("float16")
FloatTensor = LegacyType("float32")
DoubleTensor = LegacyType("float64")
ByteTensor = LegacyType("uint8")
CharTensor = LegacyType("int8")
ShortTensor = LegacyType("int16")
IntTensor = LegacyType("int32")
LongTensor = LegacyType("int64")
BoolTensor = LegacyType("bool")
