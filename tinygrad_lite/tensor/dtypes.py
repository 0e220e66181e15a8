"""PyTorch's names of dtypes (`element.py`), and constants."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .element import BY_NAME

if TYPE_CHECKING:
    from . import Tensor

__all__ = [
    "bfloat16",
    "bool",
    "cdouble",
    "cfloat",
    "chalf",
    "complex128",
    "complex32",
    "complex64",
    "double",
    "e",
    "float",
    "float16",
    "float32",
    "float64",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "half",
    "inf",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "long",
    "nan",
    "newaxis",
    "pi",
    "qint32",
    "qint8",
    "quint8",
    "short",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
]

float16 = half = BY_NAME["float16"]
bfloat16 = BY_NAME["bfloat16"]
float32 = float = BY_NAME["float32"]
float64 = double = BY_NAME["float64"]
uint8 = BY_NAME["uint8"]
int8 = BY_NAME["int8"]
int16 = short = BY_NAME["int16"]
int32 = int = BY_NAME["int32"]
int64 = long = BY_NAME["int64"]
bool = BY_NAME["bool"]
uint16 = BY_NAME["uint16"]
uint32 = BY_NAME["uint32"]
uint64 = BY_NAME["uint64"]

complex64 = cfloat = BY_NAME["complex64"]
complex128 = cdouble = BY_NAME["complex128"]

# No tensor has these; programs have them in tables of dtypes, and compare `x.dtype` with them.
complex32 = chalf = BY_NAME["complex32"]
float8_e4m3fn = BY_NAME["float8_e4m3fn"]
float8_e4m3fnuz = BY_NAME["float8_e4m3fnuz"]
float8_e5m2 = BY_NAME["float8_e5m2"]
float8_e5m2fnuz = BY_NAME["float8_e5m2fnuz"]
float8_e8m0fnu = BY_NAME["float8_e8m0fnu"]
qint8 = BY_NAME["qint8"]
quint8 = BY_NAME["quint8"]
qint32 = BY_NAME["qint32"]

inf, nan, pi, e = math.inf, math.nan, math.pi, math.e
newaxis = None

# What PyTorch called tensors of a dtype before it had dtypes.
LEGACY_NAMES = {
    "bfloat16": "BFloat16Tensor",
    "float16": "HalfTensor",
    "float32": "FloatTensor",
    "float64": "DoubleTensor",
    "uint8": "ByteTensor",
    "int8": "CharTensor",
    "int16": "ShortTensor",
    "int32": "IntTensor",
    "int64": "LongTensor",
    "bool": "BoolTensor",
    "complex64": "ComplexFloatTensor",
    "complex128": "ComplexDoubleTensor",
}


def type_name(tensor: Tensor) -> str:
    """PyTorch's legacy name of a tensor's type, such as `"torch.cuda.LongTensor"`."""
    place = "" if tensor.device.type == "cpu" else f"{tensor.device.type}."
    return f"torch.{place}{LEGACY_NAMES.get(tensor.dtype.name, tensor.dtype.name)}"


def plain_dtype(dtype: Any) -> Any:
    """The dtype that a legacy name or constructor stands for; what is neither, unchanged."""
    if isinstance(dtype, str):
        name = dtype.removeprefix("torch.").removeprefix("cuda.")
        return next((d for d, legacy in LEGACY_NAMES.items() if legacy == name), name)
    return dtype if isinstance(dtype, type) else getattr(dtype, "dtype", dtype)


def legacy_place(dtype: Any) -> str | None:
    """The device that a legacy name or constructor stands for, such as `torch.cuda.FloatTensor`.

    None of what names a dtype alone.
    """
    if isinstance(dtype, str):
        place, _, name = dtype.removeprefix("torch.").rpartition(".")
        return (place or "cpu") if name in LEGACY_NAMES.values() else None
    if isinstance(dtype, type) or not hasattr(dtype, "device"):
        return None
    return dtype.device or "cpu"
