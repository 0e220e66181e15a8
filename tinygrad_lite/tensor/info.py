"""The limits of dtypes, names of types, and questions of PyTorch's that have one answer here."""

from __future__ import annotations

from typing import Any

from ..backend import get_default_device as get_default_device
from ..backend import numpy
from ..backend import set_default_device as set_default_device
from ..backend.dtypes import FLOATING, as_dtype
from ..graph import InferenceStorage
from . import modes
from .base import TensorBase
from .dtypes import plain_dtype, type_name
from .element import dtype
from .modes import default_dtype
from .storages import UntypedStorage

__all__ = [
    "can_cast",
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "legacy_contiguous_format",
    "dtype",
    "finfo",
    "get_default_device",
    "iinfo",
    "is_complex",
    "is_floating_point",
    "is_inference",
    "is_nonzero",
    "is_signed",
    "is_storage",
    "jagged",
    "layout",
    "memory_format",
    "preserve_format",
    "set_default_device",
    "set_default_tensor_type",
    "sparse_bsc",
    "sparse_bsr",
    "sparse_coo",
    "sparse_csc",
    "sparse_csr",
    "strided",
    "typename",
]


class layout:
    """How a tensor's elements lie in memory: `strided`, always."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class memory_format(layout):
    """An order of dimensions in memory; programs may ask for one, but the library chooses."""


strided = layout("strided")
# No tensor has these; programs compare `x.layout` with them.
sparse_coo, sparse_csr, sparse_csc = map(layout, ("sparse_coo", "sparse_csr", "sparse_csc"))
sparse_bsr, sparse_bsc, jagged = map(layout, ("sparse_bsr", "sparse_bsc", "jagged"))
contiguous_format = legacy_contiguous_format = memory_format("contiguous_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
preserve_format = memory_format("preserve_format")


class _Info:
    """The limits of a dtype."""

    _shown: tuple[str, ...]
    dtype: str

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self._say(getattr(self, name))}" for name in self._shown)
        return f"{type(self).__name__}({shown}, dtype={self.dtype})"

    @staticmethod
    def _say(value: Any) -> str:
        return f"{value:.6g}"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.dtype == getattr(other, "dtype", None)

    def __hash__(self) -> int:
        return hash(self.dtype)


class finfo(_Info):
    """The limits of a floating-point dtype, the default one if none is given.

    Args:
        type: the dtype.

    Raises:
        TypeError: it is not floating point.
    """

    _shown = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")

    def __init__(self, type: Any = None) -> None:
        if isinstance(type, dtype) and type.name in _EIGHT_BITS:
            self._set(type.name, 8, 1.0, *_EIGHT_BITS[type.name])
            return
        found = default_dtype() if type is None else as_dtype(plain_dtype(type))
        if found.kind == "c":
            found = numpy.finfo(found).dtype  # of the parts
        if found.kind not in FLOATING:
            raise TypeError(
                f"torch.finfo() requires a floating point input type, but got {found.name}; use "
                "torch.iinfo to handle integers"
            )
        limits: Any = _limits(found)
        four = (float(getattr(limits, name)) for name in ("eps", "min", "max", "smallest_normal"))
        self._set(found.name, 8 * found.itemsize, float(f"1e-{limits.precision}"), *four)

    def _set(self, name: str, bits: int, resolution: float, *limits: float) -> None:
        self.dtype, self.bits, self.resolution = name, bits, resolution
        self.eps, self.min, self.max, self.smallest_normal = limits
        self.tiny = self.smallest_normal


_EIGHT_BITS = {  # which no tensor is of; programs that could use it ask when they are imported
    "float8_e4m3fn": (2**-3, -448.0, 448.0, 2**-6),
    "float8_e4m3fnuz": (2**-3, -240.0, 240.0, 2**-7),
    "float8_e5m2": (2**-2, -57344.0, 57344.0, 2**-14),
    "float8_e5m2fnuz": (2**-3, -57344.0, 57344.0, 2**-15),
    "float8_e8m0fnu": (1.0, 2.0**-127, 2.0**127, 2.0**-127),
}
"""eps, min, max and the smallest normal number."""


def _limits(dtype: Any) -> Any:
    if dtype.kind == "f":
        return numpy.finfo(dtype)
    import ml_dtypes

    return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]


class iinfo(_Info):
    """The limits of an integer dtype.

    Args:
        type: the dtype.

    Raises:
        TypeError: it is not an integer's.
    """

    _shown = ("min", "max")

    def __init__(self, type: Any) -> None:
        found = as_dtype(plain_dtype(type))
        if found.kind not in "iu":
            raise TypeError(
                f"torch.iinfo() requires an integer input type, but got {found.name}; use "
                "torch.finfo to handle floating point"
            )
        limits = numpy.iinfo(found)
        self.dtype, self.bits = found.name, 8 * found.itemsize
        self.min, self.max = int(limits.min), int(limits.max)


def typename(obj: Any) -> str:
    """The name of an object's type: "torch.FloatTensor" of a tensor, else module and class."""
    if isinstance(obj, TensorBase):
        return type_name(obj)  # type: ignore[arg-type]
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(named, "__module__", None) or ""
    return named.__qualname__ if module in ("", "builtins") else f"{module}.{named.__qualname__}"


def is_floating_point(input: TensorBase) -> bool:
    """Whether a tensor's dtype is floating point, which complex numbers' is not."""
    return input.dtype.kind in FLOATING


def is_complex(input: TensorBase) -> bool:
    """Whether a tensor's dtype is complex64 or complex128."""
    return input.dtype.kind == "c"


def is_signed(input: TensorBase) -> bool:
    """Whether a tensor's dtype has negative numbers."""
    return input.dtype.kind not in "bu"


def is_inference(input: TensorBase) -> bool:
    """Whether a tensor's memory was made in an `inference_mode` block."""
    return isinstance(input._storage.counts, InferenceStorage)


def is_nonzero(input: TensorBase) -> bool:
    """Whether a tensor's only element is not zero.

    Raises:
        RuntimeError: there is not exactly one element.
    """
    return bool(input)


def is_storage(obj: object) -> bool:
    """Whether an object is a storage of a tensor: see `Tensor.untyped_storage`."""
    return isinstance(obj, UntypedStorage)


def can_cast(from_: Any, to: Any) -> bool:
    """Whether an in-place operation may put a result of one dtype into a tensor of another."""
    rank = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2, "c": 3}
    return rank[as_dtype(from_).kind] <= rank[as_dtype(to).kind]


def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype and device by a type's name, such as "torch.cuda.FloatTensor".

    Args:
        t: the name, or a legacy type such as `torch.DoubleTensor`.

    Raises:
        TypeError: not floating point.
    """
    modes.set_default_dtype(as_dtype(plain_dtype(t)))
    set_default_device("cuda" if "cuda." in (t if isinstance(t, str) else repr(t)) else None)
