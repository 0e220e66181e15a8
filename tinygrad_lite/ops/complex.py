"""Rules between complex numbers and their parts, which are not analytic.

A gradient of z = a + i b is dL/da + i dL/db, as PyTorch's: see `tensor/complex.py`.
"""

from __future__ import annotations

from typing import Any

from .rule import rule

Out = tuple[Any, Any]


@rule(half="free", complex="own")
def view_as_real(xp: Any, z: Any) -> Out:
    """y = [a, b] in a last dimension, a view, for z = a + i b: dL/dz = g₀ + i g₁."""
    return xp.view_as_real(z), (lambda g: xp.view_as_complex(g),)


@rule(half="free", complex="own")
def view_as_complex(xp: Any, x: Any) -> Out:
    """z = a + i b, a view, for x = [a, b] in its last dimension: dL/dx = [re g, im g]."""
    return xp.view_as_complex(x), (lambda g: xp.view_as_real(g),)


@rule(half="free", complex="own")
def real(xp: Any, z: Any) -> Out:
    """y = a, a view, for z = a + i b: dL/dz = g."""
    return xp.real(z), (lambda g: xp.complex_of(g, xp.zeros_like(g)),)


@rule(half="free", complex="own")
def imag(xp: Any, z: Any) -> Out:
    """y = b, a view, for z = a + i b: dL/dz = i g."""
    return xp.imag(z), (lambda g: xp.complex_of(xp.zeros_like(g), g),)


@rule(half="free", complex="own", shown="complex")
def complex_of(xp: Any, a: Any, b: Any) -> Out:
    """z = a + i b: dL/da = re g, dL/db = im g."""
    return xp.complex_of(a, b), (lambda g: xp.real(g), lambda g: xp.imag(g))


@rule(half="free", complex="own")
def conj(xp: Any, z: Any) -> Out:
    """y = a − i b for z = a + i b: dL/dz is the conjugate of g."""
    return xp.conj(z), (lambda g: xp.conj(g),)


@rule(half="free", complex="own", shown="abs")
def modulus(xp: Any, z: Any) -> Out:
    """y = |z| = √(a² + b²): dL/dz = g z / |z|, which is 0 at 0."""
    return xp.abs(z), (lambda g: g * xp.sgn(z),)


@rule(half="free", complex="own")
def sgn(xp: Any, z: Any) -> Out:
    """y = z / |z|, 0 at 0: dL/dz = (g − y re(g ȳ)) / |z|, 0 at 0."""
    y, size = xp.sgn(z), xp.abs(z)
    own = xp.where(size == 0, 1.0, size)

    def vjp(g: Any) -> Any:
        along = xp.real(g * xp.conj(y))
        return xp.where(size == 0, 0.0, (g - y * along) / own)

    return y, (vjp,)


@rule(half="free")
def polar(xp: Any, r: Any, t: Any) -> Out:
    """z = r (cos t + i sin t): dL/dr = re(ḡ z / |z|), dL/dt = re(ḡ i z).

    So for r ≥ 0; below, the first has the other sign, as in PyTorch.
    """
    z = xp.complex_of(r * xp.cos(t), r * xp.sin(t))
    return z, (
        lambda g: xp.real(xp.conj(g) * xp.sgn(z)),
        lambda g: xp.real(xp.conj(g) * (z * 1j)),
    )
