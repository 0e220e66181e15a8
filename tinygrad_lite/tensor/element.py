"""`dtype`, what a tensor's elements are: PyTorch's names and questions beside NumPy's dtypes.

Arrays keep NumPy's dtypes, and what calculates asks them: `x.array.dtype`. Users meet the objects
of this file, one for each dtype: `Tensor.dtype` looks one up by its array's (`DTYPES`), and
`backend.dtypes.as_dtype` reads it, and all else that stands for a dtype, as NumPy's again.

A rule that runs on tensors for second derivatives asks them what it asks arrays, and NumPy's users
compare with NumPy's dtypes. So `kind`, `name` and `itemsize` are NumPy's, equality and hash agree
with it, and NumPy takes one wherever it takes a dtype.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, TypeAlias

from ..backend import DType, numpy
from ..backend.dtypes import UNHELD, bfloat16

__all__ = ["BY_NAME", "DTYPES", "dtype", "dtype_of"]

Dtype: TypeAlias = "dtype"  # in whose body `dtype` is the property


class dtype:
    """What the elements of a tensor are, such as `torch.float32`; none can be made.

    Attributes:
        is_floating_point, is_complex, is_signed: of which numbers.
        itemsize: the bytes of an element.
        name, kind: NumPy's, such as "float32" and "f"; bfloat16 is of kind "V".

    Equal to NumPy's dtype of the same elements, and to what that is equal to: its scalar types,
    Python's `float` and `bool`, and the names.

    Example:
        >>> x = torch.ones(2)
        >>> x.dtype, x.dtype is torch.float32, x.dtype.is_floating_point
        (torch.float32, True, True)
        >>> x.numpy().dtype == torch.float32
        True
    """

    __module__ = "tinygrad_lite"  # as users import it, and types print
    __slots__ = (
        *("_numpy", "is_complex", "is_floating_point", "is_signed", "itemsize", "kind", "name"),
    )

    _numpy: DType | None  # None: bfloat16, whose package may be missing

    is_complex: bool
    is_floating_point: bool
    is_signed: bool
    itemsize: int
    kind: str
    name: str

    _COMPLEX: ClassVar = {
        "float16": "complex32",
        "bfloat16": "complex64",
        "float32": "complex64",
        "float64": "complex128",
    }

    def __new__(cls, *args: Any) -> Dtype:
        """Refuse.

        Raises:
            TypeError: always.
        """
        raise TypeError("cannot create 'torch.dtype' instances; use one such as torch.float32")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("type 'torch.dtype' is not an acceptable base type")

    @property
    def abbr(self) -> str:
        """Its short name, such as "f32", "i64", "b8" or "bf16"."""
        if self.kind == "q":
            return self.name
        letters = "bf" if self.name == "bfloat16" else self.kind
        return f"{letters}{8 * self.itemsize}{self.name.partition('_')[2]}"

    @property
    def dtype(self) -> DType:
        """NumPy's dtype of the same elements.

        Raises:
            RuntimeError: bfloat16 without the package ml_dtypes.
        """
        return bfloat16() if self._numpy is None else self._numpy

    __numpy_dtype__ = dtype  # what NumPy 2.4 asks; older ones ask for `dtype`

    def to_real(self) -> Dtype:
        """The dtype of the real part: itself unless it is complex."""
        return BY_NAME[f"float{4 * self.itemsize}"] if self.is_complex else self

    def to_complex(self) -> Dtype:
        """The complex dtype of such parts; complex32 is a name only, no tensor is of it.

        Raises:
            RuntimeError: of integers, bool and 8-bit floats there is none.
        """
        name = self.name if self.is_complex else self._COMPLEX.get(self.name)
        if name is None:
            raise RuntimeError(f"to_complex: there is no complex dtype for {self}")
        return BY_NAME[name]

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, numpy.dtype | type | str):
            return self is other
        try:
            return bool(self.dtype == other)
        except RuntimeError:  # bfloat16 without its package, so nothing else is of it
            return self.name == other

    def __hash__(self) -> int:
        try:
            return hash(self.dtype)
        except RuntimeError:
            return hash(self.name)

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> Any:  # to the same object
        return _named, (self.name,)


_UNHELD = {
    **{"complex32": ("c", 4), "float8_e4m3fn": ("f", 1), "float8_e4m3fnuz": ("f", 1)},
    **{"float8_e5m2": ("f", 1), "float8_e5m2fnuz": ("f", 1), "float8_e8m0fnu": ("f", 1)},
    **{"qint8": ("q", 1), "quint8": ("q", 1), "qint32": ("q", 4)},
}
"""Kind and bytes of what no tensor is of and NumPy has not: programs compare with them."""

_KINDS = {
    "c": "tensors of complex numbers of 16-bit parts",
    "f": "tensors of 8-bit floats",
    "q": "quantised tensors",
}


def _made(name: str, found: DType | None, kind: str = "") -> dtype:
    made: dtype = object.__new__(dtype)
    made.name, made._numpy = name, found
    made.itemsize = 2 if found is None else found.itemsize
    kind = kind or ("V" if found is None else found.kind)
    made.kind = kind
    made.is_floating_point, made.is_complex = kind in "fV", kind == "c"
    made.is_signed = kind not in "buq" and name != "float8_e8m0fnu"
    return made


_HELD = (
    *("float16", "float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64"),
    *("uint16", "uint32", "uint64", "complex64", "complex128"),
)
BY_NAME = {
    "bfloat16": _made("bfloat16", None),
    **{
        name: _made(name, numpy.dtype(f"V{size}", metadata={UNHELD: (name, _KINDS[kind])}), kind)
        for name, (kind, size) in _UNHELD.items()
    },
    **{name: _made(name, numpy.dtype(name)) for name in _HELD},
}
"""All dtypes, by their names."""


class _Table(dict[DType, dtype]):
    """The dtypes that tensors can be of, by NumPy's; bfloat16 comes with the first such array."""

    def admit(self, found: DType) -> dtype:
        """Take bfloat16 in.

        Raises:
            TypeError: another dtype, which no tensor can be of.
            ValueError: its numbers lie in another byte order than the machine's.
        """
        if found.name == "bfloat16":
            return self.setdefault(found, BY_NAME["bfloat16"])
        if not found.isnative and found.kind in "biufc":
            raise ValueError(
                f"can't hold elements of dtype {found.str}, which has another byte order than this "
                f"machine; use array.astype({found.name!r})"
            )
        raise TypeError(
            f"can't hold elements of dtype {found}; the supported types are floating point, "
            "complex64, complex128, integers and bool"
        )

    __missing__ = admit  # as an array may have come from a pickle


DTYPES = _Table({numpy.dtype(name): BY_NAME[name] for name in _HELD})


def _named(name: str) -> dtype:
    return BY_NAME[name]


def dtype_of(found: DType) -> dtype:
    """The dtype that users see, of NumPy's."""
    return BY_NAME[found.name]
