"""The namespace `xp` for tensors: NumPy's names, so that a rule can run on tensors.

A rule runs on tensors for second derivatives (`rerun.py`). The functions that a row made
(`operation.py`) are found by their NumPy names; here are the other names that rules call.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from ..backend import namespace
from ..backend.dtypes import as_dtype
from ..backend.kernel import find
from ..ops import complex as complexes
from ..ops import conv, decompose, pool, special
from ..ops import fourier as transforms
from ..ops import reduce as reductions
from ..ops import shape as shapes
from ..ops.elementwise import where as where_rule
from ..ops.rounding import div_floor
from .apply import apply
from .base import TensorBase, new
from .operation import BY_LIBRARY_NAME
from .promote import scalar_tensor, to_dtype


def _where(condition: Any, a: Any, b: Any) -> Any:
    like = a if isinstance(a, TensorBase) else b
    if not isinstance(like, TensorBase):  # two numbers: a mask, which has no gradient
        array = condition.array
        return new(namespace(array).where(array, a, b))
    sides = (x if isinstance(x, TensorBase) else scalar_tensor(x, like) for x in (a, b))
    return apply(where_rule, condition, *sides)


def _expand_dims(x: Any, axis: Any) -> Any:
    axis = axis if isinstance(axis, tuple) else (axis,)
    sizes = iter(x.shape)
    rank = x.ndim + len(axis)
    where = {a % rank for a in axis}
    return x.reshape(tuple(1 if a in where else next(sizes) for a in range(rank)))


def _squeeze(x: Any, axis: Any) -> Any:
    where = axis if isinstance(axis, tuple) else (axis,)
    return x.reshape(tuple(n for a, n in enumerate(x.shape) if a not in where))


def _reduction(rule: Any) -> Any:
    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        axis = tuple(range(x.ndim)) if axis is None else axis
        axis = axis if isinstance(axis, tuple) else (axis,)
        axis = tuple(a % x.ndim for a in axis)
        return apply(rule, x, axis=axis, keepdims=keepdims)

    return reduce


def _scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    spec, arrays = shapes.split(index)
    return apply(shapes.scatter, g, *arrays, spec=spec, shape=shape)


def _like(x: Any, value: float) -> Any:
    return new(namespace(x.array).full_like(x.array, value))


def _arrays(index: Any) -> tuple[Any, ...]:
    return tuple(part.array if isinstance(part, TensorBase) else part for part in index)


def _scatter_reduce(x: Any, src: Any, index: Any, ufunc: str) -> Any:
    """The extremes, detached: second derivatives only compare elements with them."""
    return new(namespace(x.array).scatter_reduce(x.array, src.array, _arrays(index), ufunc))


def _turns(index: Any, shape: tuple[int, ...]) -> tuple[Any, int]:
    arrays = _arrays(index)
    kind = next(part for part in arrays if hasattr(part, "dtype"))
    turn, rounds = namespace(kind).turns(arrays, shape)
    return new(turn), rounds


def _max_pool2d(x: Any, window: Any, indexed: bool) -> tuple[Any, Any]:
    """The maxima, detached, and their places: second derivatives only use the places."""
    y, index = namespace(x.array).max_pool2d(x.array, window, indexed)
    return new(y), new(index)


def _bessel_i(x: Any, order: int, scaled: bool = False) -> Any:
    rules = (special.i0e, special.i1e) if scaled else (special.i0, special.i1)
    return apply(rules[order], x)


def _cofactors(a: Any) -> Any:
    """(−1)ⁱ⁺ʲ det of a without row i and column j: polynomials, whatever the rank of a is."""
    xp, n = namespace(a.array), a.shape[-1]
    kept = xp.asarray([[k for k in range(n) if k != i] for i in range(n)], dtype="int64")
    kept = kept.reshape(n, max(n - 1, 0))
    minors = a[..., new(kept[:, None, :, None]), new(kept[None, :, None, :])]
    signs = (-1.0) ** (xp.arange(n)[:, None] + xp.arange(n))
    return apply(decompose.det, minors) * to_dtype(new(signs), a.array.dtype)


def _wide(x: Any) -> Any:
    """As the kernels of a variance have it: it may overflow, or be 0, where its root does not."""
    wide = namespace(x.array).name == "cpu" and x.array.dtype == "float32"
    return to_dtype(x, as_dtype("float64")) if wide else x


def _variance(x: Any, axis: tuple[int, ...], free: float, keepdims: bool) -> Any:
    n = math.prod(x.shape[a] for a in axis)
    return apply(reductions.var, _wide(x), axis=axis, correction=n - free, keepdims=keepdims)


def _variance_and_mean(x: Any, axis: tuple[int, ...], free: float, keepdims: bool) -> Any:
    n = math.prod(x.shape[a] for a in axis)
    return apply(reductions.var_mean, _wide(x), axis=axis, correction=n - free, keepdims=keepdims)


def _on_tensors(name: str) -> Any:
    """A kernel's plain form, for tensors; its file is read when that is first needed."""

    def function(*given: Any) -> Any:
        form: Any = find(name, "plain")
        return form(space, *given)

    return function


class Space(SimpleNamespace):
    """The names below, and those of the functions that rows made (`operation`)."""

    def __getattr__(self, name: str) -> Any:
        try:
            return BY_LIBRARY_NAME[name]
        except KeyError:
            raise AttributeError(
                f"{name}: no function of tensors has this name of the array libraries, so a rule "
                "that uses it can't run on tensors for second derivatives"
            ) from None


space = Space(
    inf=math.inf,
    nan=math.nan,
    rint=lambda x: x.round(),
    floor_divide=lambda a, b: apply(div_floor, a, b),  # a step: its derivative is 0
    conj=lambda x: apply(complexes.conj, x) if x.dtype.kind == "c" else x,
    real=lambda x: apply(complexes.real, x) if x.dtype.kind == "c" else x,
    imag=lambda x: apply(complexes.imag, x),
    sgn=lambda z: apply(complexes.sgn, z),
    complex_of=lambda a, b: apply(complexes.complex_of, a, b),
    view_as_real=lambda x: apply(complexes.view_as_real, x),
    view_as_complex=lambda x: apply(complexes.view_as_complex, x.contiguous()),
    fourier=lambda x, axes, forward, norm: apply(
        transforms.fourier, x, axes=axes, forward=forward, norm=norm
    ),
    fourier_of_real=lambda x, axis, norm, inner: apply(
        transforms.fourier_of_real, x, axis=axis, norm=norm, inner=inner
    ),
    fourier_to_real=lambda z, n, axis, norm, inner: apply(
        transforms.fourier_to_real, z, n=n, axis=axis, norm=norm, inner=inner
    ),
    device_of=lambda x: x.device.type,
    to_device=lambda x, device: x.to(device=device),
    plus=lambda a, b: a + b,
    minus=lambda a, b: a - b,
    softmax_gradient=lambda g, y, axis: y * (g - (g * y).sum(axis, keepdim=True)),
    log_softmax_gradient=lambda g, y, axis: g - y.exp() * g.sum(axis, keepdim=True),
    sigma=_on_tensors("sigma"),
    sigmoid_gradient=_on_tensors("sigmoid_gradient"),
    silu=_on_tensors("silu"),
    silu_gradient=_on_tensors("silu_gradient"),
    softplus=_on_tensors("softplus"),
    softplus_gradient=_on_tensors("softplus_gradient"),
    relu_gradient=lambda g, y: _where(y != 0, g, 0.0),
    power=lambda a, b: a**b,
    where=_where,
    astype=lambda x, dtype: to_dtype(x, as_dtype(dtype)),
    array=lambda x, order="K": x.clone(),
    zeros_like=lambda x: _like(x, 0),
    ones_like=lambda x: _like(x, 1),
    sum=_reduction(reductions.sum),
    variance=_variance,
    variance_and_mean=_variance_and_mean,
    cumsum=lambda x, axis: x.cumsum(axis),
    cumprod=lambda x, axis: x.cumprod(axis),
    reshape=lambda x, shape: x.reshape(shape),
    transpose=lambda x, axes: x.permute(axes) if axes else x,
    swapaxes=lambda x, a, b: x.transpose(a, b),
    broadcast_to=lambda x, shape: x.expand(shape),
    expand_dims=_expand_dims,
    squeeze=_squeeze,
    flip=lambda x, axis: apply(shapes.flip, x, axis=axis if isinstance(axis, tuple) else (axis,)),
    concatenate=lambda xs, axis: apply(shapes.concatenate, *xs, axis=axis % xs[0].ndim),
    join=lambda xs: apply(shapes.concatenate, *xs, axis=0),
    stack=lambda xs, axis: apply(shapes.stack, *xs, axis=axis),
    in_float64=lambda form, axis, *tensors: form(*tensors),
    name="tensors",
    diagonal=lambda x, offset, a, b: x.diagonal(offset, a, b),
    matmul=lambda a, b: a.matmul(b),
    scatter=_scatter,
    scatter_reduce=_scatter_reduce,
    turns=_turns,
    as_strided=lambda x, size, stride, offset: apply(
        shapes.as_strided, x, size=size, stride=stride, offset=offset
    ),
    strided_places=lambda x, *how: namespace(x.array).strided_places(x.array, *how),
    windows=lambda x, axis, size, step: x.unfold(axis, size, step),
    scatter_along=lambda g, index, axis, shape: apply(
        shapes.scatter_along, g, index, axis=axis, shape=shape
    ),
    take_rows=lambda x, index: x[index],
    take_along_axis=lambda x, index, axis: apply(shapes.gather, x, index, axis=axis % x.ndim),
    unfold=lambda x, window: apply(conv.unfold, x, window=window),
    fold=lambda x, shape, window: apply(conv.fold, x, shape=shape, window=window),
    tril=lambda x, k: x.tril(k),
    triu=lambda x, k: x.triu(k),
    solve=lambda a, b: apply(decompose.solve, a, b),
    inv=lambda a: apply(decompose.inv, a),
    det=lambda a: apply(decompose.det, a),
    cofactors=_cofactors,
    slogdet=lambda a: (None, apply(decompose.logabsdet, a)),
    cholesky=lambda a: apply(decompose.cholesky, a),
    packed_qr=lambda a: apply(decompose.qr, a),
    packed_eigh=lambda a, upper: apply(decompose.eigh, a, upper=upper),
    packed_eig=lambda a: apply(decompose.eig, a),
    packed_lu=lambda a, pivot: apply(decompose.lu, a, pivot=pivot),
    packed_svd=lambda a: apply(decompose.svd, a),
    pinv=lambda a, tolerance: apply(decompose.pinv, a, tolerance),
    zeta=lambda x, q: apply(special.zeta, x, q),
    polygamma=lambda x, n: apply(special.polygamma, x, n=n),
    bessel_i=_bessel_i,
    gamma_slope=lambda a, x: apply(special.gamma_slope, a, x),
    max_pool2d=_max_pool2d,
    max_pool2d_gradient=lambda g, index, shape, window: apply(
        pool.max_pool2d_gradient, g, index, shape=shape, pool=window
    ),
    max_pool2d_pick=lambda x, index, window: apply(pool.max_pool2d_pick, x, index, pool=window),
    avg_pool2d=lambda x, window: apply(pool.avg_pool2d, x, pool=window),
    avg_pool2d_gradient=lambda g, shape, window: apply(
        pool.avg_pool2d_gradient, g, shape=shape, pool=window
    ),
    adaptive_avg_pool2d=lambda x, size: apply(pool.adaptive_avg_pool2d, x, size=size),
    adaptive_avg_pool2d_gradient=lambda g, shape: apply(
        pool.adaptive_avg_pool2d_gradient, g, shape=shape
    ),
)
