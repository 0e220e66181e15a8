"""Complex arrays and their parts; the views are views of memory in every array library."""

from __future__ import annotations

from typing import Any

from ..kernel import kernel

_COMPLEX = {"float32": "complex64", "float64": "complex128"}
_REAL = {"complex64": "float32", "complex128": "float64"}


@kernel("plain")
def view_as_real(xp: Any, z: Any) -> Any:
    """z (…) as its memory lies: (…, 2), real and imaginary parts; a view."""
    return z[..., None].view(_REAL[z.dtype.name])


@kernel("plain")
def view_as_complex(xp: Any, x: Any) -> Any:
    """x (…, 2) as complex numbers (…); a view where the pairs lie in one piece, else a copy."""
    if x.strides[-1] != x.dtype.itemsize or x.shape[-1] != 2:
        x = xp.array(x, order="C")
    return x.view(_COMPLEX[x.dtype.name])[..., 0]


@kernel("plain")
def real(xp: Any, z: Any) -> Any:
    """The real parts, a view; of real numbers themselves."""
    return view_as_real(xp, z)[..., 0] if z.dtype.kind == "c" else z


@kernel("plain")
def imag(xp: Any, z: Any) -> Any:
    """The imaginary parts of complex numbers, a view."""
    return view_as_real(xp, z)[..., 1]


@kernel("plain")
def sgn(xp: Any, z: Any) -> Any:
    """z / |z| of complex numbers, 0 at 0."""
    size = xp.abs(z)
    return z / xp.where(size == 0, 1.0, size)


@kernel("plain")
def complex_of(xp: Any, a: Any, b: Any) -> Any:
    """a + i b, of one shape and dtype; NaN and infinities stay where they are."""
    z = xp.empty(a.shape, dtype=_COMPLEX[a.dtype.name])
    parts = view_as_real(xp, z)
    parts[..., 0] = a
    parts[..., 1] = b
    return z


@kernel("plain")
def logical_and(xp: Any, a: Any, b: Any) -> Any:
    """Where both are true."""
    return xp.library.logical_and(_truth(a), _truth(b))


@kernel("plain")
def logical_or(xp: Any, a: Any, b: Any) -> Any:
    """Where either is true."""
    return xp.library.logical_or(_truth(a), _truth(b))


@kernel("plain")
def logical_xor(xp: Any, a: Any, b: Any) -> Any:
    """Where one alone is true."""
    return xp.library.logical_xor(_truth(a), _truth(b))


@kernel("plain")
def logical_not(xp: Any, a: Any) -> Any:
    """Where zero or False."""
    return xp.library.logical_not(_truth(a))


def _truth(a: Any) -> Any:
    """What says whether a number is true: complex ones CuPy's functions of truth do not take."""
    return a != 0 if a.dtype.kind == "c" else a
