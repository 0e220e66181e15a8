"""Complex numbers and their parts: real, imaginary, conjugate, magnitude and angle.

A conjugate is made at once, as a tensor of its own: in PyTorch it is a view with a note, which
`resolve_conj` acts upon.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..ops import complex as ops
from ..ops import rounding
from .apply import KEEP_ORDER, apply
from .check import need_tensors, tensor_of
from .elementwise import atan2
from .index import common_shape
from .operation import public
from .promote import as_float

if TYPE_CHECKING:
    from .tensor import Tensor

KEEP_ORDER.update({ops.conj, ops.modulus, ops.sgn})


def real(input: Tensor) -> Tensor:
    """The real parts, a view; of a real tensor, itself."""
    return apply(ops.real, input) if input.array.dtype.kind == "c" else input


def imag(input: Tensor) -> Tensor:
    """The imaginary parts, a view.

    Raises:
        RuntimeError: the tensor is real.
    """
    if tensor_of("imag", input).array.dtype.kind != "c":
        raise RuntimeError("imag: is not implemented for tensors with non-complex dtypes.")
    return apply(ops.imag, input)


def conj(input: Tensor) -> Tensor:
    """y = a − i b of a + i b, a tensor of its own; of a real tensor, itself."""
    return apply(ops.conj, input) if input.array.dtype.kind == "c" else input


def conj_physical(input: Tensor) -> Tensor:
    """`conj`."""
    return conj(input)


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: conjugates are made at once."""
    return input


resolve_neg = resolve_conj


def is_conj(input: Tensor) -> bool:
    """False: nothing is conjugated later."""
    return False


is_neg = is_conj


def turned(name: str, input: Tensor, most: float = math.inf) -> Tensor:
    """The last two dimensions exchanged; of no dimension, the tensor itself.

    Raises:
        RuntimeError: one dimension, or more than `most`.
    """
    if input.ndim == 1 or input.ndim > most:
        raise RuntimeError(
            f"{name}: expected a matrix{'' if most == 2 else ' or a batch of them'}, but the "
            f"shape is {tuple(input.shape)}"
        )
    return input.transpose(-2, -1) if input.ndim else input


def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged, and conjugated; of no dimension, the conjugate."""
    return conj(turned("adjoint", input))


def angle(input: Tensor) -> Tensor:
    """The angle of a complex number, from −π to π; its gradient at 0 is 0.

    Of real numbers 0 for what is not negative, else π; NaN stays NaN.
    """
    if input.array.dtype.kind == "c":
        return atan2(imag(input), real(input))
    x = as_float(input)
    return (x * 0).masked_fill(x >= 0, 0.0).masked_fill(x < 0, math.pi)


def sgn(input: Tensor) -> Tensor:
    """y = x / |x|, 0 at 0: of real numbers their `sign`."""
    return apply(ops.sgn if input.array.dtype.kind == "c" else rounding.sign, input)


def view_as_real(input: Tensor) -> Tensor:
    """A complex tensor (…) as a view (…, 2) of its real and imaginary parts.

    Raises:
        RuntimeError: the tensor is real.

    Example:
        >>> torch.view_as_real(torch.tensor([1 + 2j]))
        tensor([[1., 2.]])
    """
    if tensor_of("view_as_real", input).array.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return apply(ops.view_as_real, input)


def view_as_complex(input: Tensor) -> Tensor:
    """A real tensor (…, 2) as a view (…) of complex numbers, whose parts are in the last dimension.

    Raises:
        RuntimeError: neither float32 nor float64, or its pairs don't lie so in memory.

    Example:
        >>> torch.view_as_complex(torch.tensor([[1.0, 2.0]]))
        tensor([1.+2.j])
    """
    array = tensor_of("view_as_complex", input).array
    if array.dtype.char not in "fd":
        raise RuntimeError(
            "view_as_complex is only supported for floating point tensors of 32 and 64 bits, but "
            f"got a tensor of dtype {input.dtype}"
        )
    size = array.dtype.itemsize
    *steps, last = [s // size for s in array.strides] or [0]
    if not array.shape:
        raise RuntimeError("view_as_complex: input tensor must have one or more dimensions")
    if array.shape[-1] != 2:
        raise RuntimeError("view_as_complex: tensor must have a last dimension of size 2")
    if last != 1:
        raise RuntimeError("view_as_complex: tensor must have a last dimension with stride 1")
    if any(s % 2 for s, n in zip(steps, array.shape, strict=False) if n > 1):
        raise RuntimeError(
            "view_as_complex: tensor must have a stride divisible by 2 for all but last dimension"
        )
    return apply(ops.view_as_complex, input)


def complex(real: Tensor, imag: Tensor) -> Tensor:
    """z = real + i imag, of two tensors of one dtype, float32 or float64, that broadcast.

    Raises:
        RuntimeError: other dtypes, or shapes that do not broadcast.

    Example:
        >>> torch.complex(torch.tensor([1.0, 2.0]), torch.tensor([3.0, -4.0]))
        tensor([1.+3.j, 2.-4.j])
    """
    a, b = _parts("complex", real=real, imag=imag)
    return apply(ops.complex_of, a, b)


def _parts(name: str, **parts: Tensor) -> tuple[Tensor, Tensor]:
    """Two tensors of one dtype as of one shape."""
    need_tensors(name, **parts)
    a, b = parts.values()
    for x in (a, b):
        if x.array.dtype.char not in "fd":
            raise RuntimeError(
                "Expected both inputs to be Half, Float or Double tensors but got "
                f"{a.dtype} and {b.dtype}, and there is no complex32 here"
            )
    if a.array.dtype != b.array.dtype:
        raise RuntimeError(
            f"{name}: expected both to have the same dtype, but got {a.dtype} and {b.dtype}"
        )
    shape = common_shape(name, a.shape, b.shape)
    return a.expand(shape), b.expand(shape)


def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """z = abs · (cos angle + i sin angle), of two tensors of one dtype that broadcast.

    Raises:
        RuntimeError: other dtypes than float32 and float64, or shapes that do not broadcast.
    """
    size, turn = _parts("polar", abs=abs, angle=angle)
    return apply(ops.polar, size, turn)


if not TYPE_CHECKING:
    __all__ = [name for name in public(globals()) if name != "turned"]
