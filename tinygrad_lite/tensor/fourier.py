"""`torch.fft`'s transforms: arguments as PyTorch reads them, sizes, and what is composed of rules.

Each transform over several dimensions is one of complex numbers over all of them, or over all but
the last, where numbers are real.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backend.dtypes import is_half
from ..ops import fourier as ops
from .apply import apply
from .check import tensor_of
from .dims import axis, whole
from .promote import as_float, to_dtype
from .real import conj

if TYPE_CHECKING:
    from .tensor import Tensor

_NORMS = ("backward", "ortho", "forward")
Sizes = Sequence[int] | None
Dims = Sequence[int] | int | None


def _norm(name: str, norm: Any) -> str:
    """A norm, "backward" if none is given.

    Raises:
        RuntimeError: there is none of that name.
    """
    if norm is None:
        return "backward"
    if norm not in _NORMS:
        raise RuntimeError(f'{name}: Invalid normalization mode: "{norm}"')
    return str(norm)


def _real(name: str, input: Tensor) -> Tensor:
    """A tensor of real numbers, as float32 or float64.

    Raises:
        RuntimeError: it is complex, or has 16 bits.
    """
    dtype = tensor_of(name, input).array.dtype
    if dtype.kind == "c":
        raise RuntimeError(f"{name} expects a real input tensor, but got {input.dtype}")
    if is_half(dtype):
        raise RuntimeError(f"{name}: Unsupported dtype {input.dtype}; use float32")
    return as_float(input)


def _complex(name: str, input: Tensor) -> Tensor:
    """A tensor as complex numbers.

    Raises:
        RuntimeError: it has 16 bits.
    """
    if tensor_of(name, input).array.dtype.kind == "c":
        return input
    x = _real(name, input)
    return to_dtype(x, x.dtype.to_complex().dtype)


def _dims(name: str, input: Tensor, s: Sizes, dim: Dims) -> tuple[list[int], list[int]]:
    """The axes of a transform over several dimensions, and how many points it has along each.

    Raises:
        RuntimeError: axes that are named twice, or as many sizes as there are not dimensions.
        IndexError: an axis out of range.
    """
    sizes = None if s is None else [whole(name, "s", n) for n in ([s] if isinstance(s, int) else s)]
    if dim is None:
        count = input.ndim if sizes is None else len(sizes)
        if count > input.ndim:
            raise RuntimeError(
                f"{name}: Got shape with {count} values but input tensor only has {input.ndim} "
                "dimensions."
            )
        dims = list(range(input.ndim - count, input.ndim))
    else:
        given = [dim] if isinstance(dim, int) else dim
        dims = [axis(name, input, d) for d in given]
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"{name}: FFT dims must be unique")
        if sizes is not None and len(sizes) != len(dims):
            raise RuntimeError(
                f"{name}: When given, dim and shape arguments must have the same length"
            )
    whole_sizes = [input.shape[d] for d in dims]
    if sizes is not None:
        whole_sizes = [n if n != -1 else own for n, own in zip(sizes, whole_sizes, strict=True)]
    return dims, whole_sizes


def _one(name: str, input: Tensor, n: int | None, dim: int) -> tuple[list[int], list[int]]:
    """The axis of a transform over one dimension, and how many points it has.

    Raises:
        IndexError: there is no such dimension.
    """
    if not tensor_of(name, input).ndim:
        raise IndexError(f"{name}: Dimension specified as {dim} but tensor has no dimensions")
    where = axis(name, input, dim)
    return [where], [input.shape[where] if n is None else whole(name, "n", n)]


def _sized(name: str, input: Tensor, dims: list[int], sizes: list[int]) -> Tensor:
    """The input, cut or padded with zeros behind along some dimensions.

    Raises:
        RuntimeError: a size is not positive.
    """
    for where, n in zip(dims, sizes, strict=True):
        if n < 1:
            raise RuntimeError(f"{name}: Invalid number of data points ({n}) specified")
        own = input.shape[where]
        if own > n:
            input = input.narrow(where, 0, n)
        elif own < n:
            rest = list(input.shape)
            rest[where] = n - own
            from .concatenate import cat

            input = cat([input, input.new_zeros(rest)], where)
    return input


def _between(name: str, input: Tensor, places: Any, norm: Any, forward: bool) -> Tensor:
    """From complex numbers to complex numbers."""
    scale = _norm(name, norm)
    x = _sized(name, _complex(name, input), *places)
    return apply(ops.fourier, x, axes=tuple(places[0]), forward=forward, norm=scale)


def _last(name: str, dims: list[int]) -> int:
    """The last of the axes, along which numbers are real.

    Raises:
        RuntimeError: there is none.
    """
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    return dims[-1]


def _from_real(name: str, input: Tensor, places: Any, norm: Any, forward: bool = True) -> Tensor:
    """From real numbers to half of a spectrum, of the last of the axes."""
    x, scale = _real(name, input), _norm(name, norm)
    (*rest, _), last = places[0] or [0], _last(name, places[0])
    x = _sized(name, x, *places)
    y = apply(ops.fourier_of_real, x, axis=last, norm=scale if forward else ops.OTHER[scale])
    if not forward:
        y = conj(y)  # the transform of the other direction, as x is real
    return apply(ops.fourier, y, axes=tuple(rest), forward=forward, norm=scale) if rest else y


def _to_real(name: str, input: Tensor, places: Any, norm: Any, forward: bool = False) -> Tensor:
    """From half of a spectrum, of the last of the axes, to real numbers."""
    dims, sizes = places
    scale = _norm(name, norm)
    (*rest, n), last = sizes or [0], _last(name, dims)
    if n < 1:
        raise RuntimeError(f"{name}: Invalid number of data points ({n}) specified")
    z = _sized(name, _complex(name, input), dims, [*rest, n // 2 + 1])
    if rest:
        z = apply(ops.fourier, z, axes=tuple(dims[:-1]), forward=forward, norm=scale)
    if forward:
        z = conj(z)
    scale = ops.OTHER[scale] if forward else scale
    return apply(ops.fourier_to_real, z, n=n, axis=last, norm=scale)


def _of_half(input: Tensor, sizes: list[int], given: bool) -> list[int]:
    """The sizes of a real result: the last one is 2 (m − 1) of m frequencies, if none is given."""
    return sizes if given or not sizes else [*sizes[:-1], 2 * (sizes[-1] - 1)]


def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """y_k = Σ_j x_j exp(−2πi j k / n) along a dimension, as complex numbers.

    Args:
        input: real or complex; integers become the default dtype.
        n: how many points: the input is cut, or padded with zeros; default: all it has.
        dim: the dimension.
        norm: "backward" (no factor; the inverse has 1/n), "ortho" (1/√n) or "forward" (1/n).

    Raises:
        RuntimeError: no points, a norm of another name, or 16-bit elements.
        IndexError: no such dimension.

    Example:
        >>> torch.fft.fft(torch.tensor([1.0, 2.0, 3.0, 4.0]))
        tensor([10.+0.j, -2.+2.j, -2.+0.j, -2.-2.j])
    """
    return _between("fft", input, _one("fft", input, n, dim), norm, True)


def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """x_j = Σ_k y_k exp(2πi j k / n) / n, the inverse of `fft`; arguments and errors as there."""
    return _between("ifft", input, _one("ifft", input, n, dim), norm, False)


def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The n // 2 + 1 first frequencies of a real signal's `fft`: the others are their conjugates.

    Args:
        input: real.
        n, dim, norm: as of `fft`.

    Raises:
        RuntimeError: a complex input, and as `fft`.

    Example:
        >>> torch.fft.rfft(torch.tensor([1.0, 2.0, 3.0, 4.0]))
        tensor([10.+0.j, -2.+2.j, -2.+0.j])
    """
    return _from_real("rfft", input, _one("rfft", _real("rfft", input), n, dim), norm)


def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real signal of such frequencies, the inverse of `rfft`.

    Args:
        input: m frequencies; the imaginary part of the first, and of that at n/2, does not count.
        n: how many points the result has; default: 2 (m − 1).
        dim, norm: as of `fft`.

    Raises:
        RuntimeError: as `fft`.
    """
    dims, sizes = _one("irfft", input, n, dim)
    return _to_real("irfft", input, (dims, _of_half(input, sizes, n is not None)), norm)


def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real spectrum of a signal of which half is given: the other half are conjugates.

    Arguments and errors as `irfft`.
    """
    dims, sizes = _one("hfft", input, n, dim)
    return _to_real("hfft", input, (dims, _of_half(input, sizes, n is not None)), norm, True)


def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Half of the signal of a real spectrum, the inverse of `hfft`; arguments as `rfft`."""
    return _from_real("ihfft", input, _one("ihfft", _real("ihfft", input), n, dim), norm, False)


def fftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """`fft` along several dimensions.

    Args:
        input: real or complex.
        s: the points along each; −1 for all there are; default: all.
        dim: the dimensions; default: the last len(s), or all.
        norm: as of `fft`, n being the product of the sizes.

    Raises:
        RuntimeError: a dimension named twice, another number of sizes than of dimensions, and as
            `fft`.
    """
    return _between("fftn", input, _dims("fftn", input, s, dim), norm, True)


def ifftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The inverse of `fftn`; arguments and errors as there."""
    return _between("ifftn", input, _dims("ifftn", input, s, dim), norm, False)


def rfftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """`rfft` along the last of several dimensions, `fft` along the others; arguments as `fftn`."""
    return _from_real("rfftn", input, _dims("rfftn", _real("rfftn", input), s, dim), norm)


def irfftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The inverse of `rfftn`; arguments as `fftn`, the last size as of `irfft`."""
    return _to_real("irfftn", input, _real_dims("irfftn", input, s, dim), norm)


def hfftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """`hfft` along the last of several dimensions, `fft` along the others; as `irfftn`."""
    return _to_real("hfftn", input, _real_dims("hfftn", input, s, dim), norm, True)


def ihfftn(input: Tensor, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The inverse of `hfftn`; arguments as `fftn`."""
    return _from_real("ihfftn", input, _dims("ihfftn", _real("ihfftn", input), s, dim), norm, False)


def _real_dims(name: str, input: Tensor, s: Sizes, dim: Dims) -> tuple[list[int], list[int]]:
    dims, sizes = _dims(name, input, s, dim)
    given = s is not None and (s if isinstance(s, int) else s[-1]) != -1
    return dims, _of_half(input, sizes, given)


def _two(function: Any, what: str) -> Any:
    """A transform over several dimensions as that over two."""

    def call(
        input: Tensor, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None
    ) -> Tensor:
        return function(input, s, dim, norm)  # type: ignore[no-any-return]

    call.__name__ = call.__qualname__ = what
    call.__doc__ = f"`{function.__name__}` along two dimensions, the last ones by default."
    return call


fft2 = _two(fftn, "fft2")
ifft2 = _two(ifftn, "ifft2")
rfft2 = _two(rfftn, "rfft2")
irfft2 = _two(irfftn, "irfft2")
hfft2 = _two(hfftn, "hfft2")
ihfft2 = _two(ihfftn, "ihfft2")
