"""Normalisation on NumPy: a few rows at a time go through all passes while in the cache.

Row sums are dot products (`vecdot`), which run at the speed of the cache. The result's own
memory holds what is on the way; nothing else of its size is made. A small batch is normalised in
float64, and its μ and 1 / √(σ² + ε) stay so: its gradient is a difference that cancels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel
from ..layout import channel_rows, from_channel_rows, lies_by_sample
from ..plain import norm as plain
from .channels import by_channels
from .sums import fine_dots, fine_sums, row_dots, row_sums
from .wide import few, widened
from .workspace import scratch

__all__ = [
    "batch_norm",
    "batch_norm_apply",
    "batch_norm_gradient",
    "batch_norm_sums",
    "layer_norm",
    "layer_norm_gradient",
]

Array = np.ndarray[Any, Any]

RUN = 64  # rows whose products are added in the dtype
OUTER = 1 << 16  # elements of outer products that OpenBLAS makes fast, without packing
LONG = 1 << 12  # elements of a row, of which several are no more than that
MANY = 1 << 14  # elements, of which fewer take longer by so many calls
FAR = 16.0  # a mean of so many variances, squared, has lost digits that its variance needs


def _is_plain(x: Array) -> bool:
    """Whether `plain.norm` does it: for arrays that lie sample by sample, or of 16-bit floats."""
    return lies_by_sample(x) or x.itemsize == 2


def _is_small(x: Array) -> bool:
    """Whether so few numbers (N, C, …) have a channel that sums in float64 show.

    Of more, PyTorch is at most 1.6 times closer, and calls take longer.
    """
    return few(x) and x.size <= plain.TERMS * x.shape[1]


def _standardise(rows: Array, eps: float, t: Array, mean: Array, var: Array, rstd: Array) -> None:
    """Of rows (R, L), all written to given memory: t = rows − mean, mean, var and 1 / √(var + ε).

    var is the mean of t² (R). Where a mean is large beside its variance, its rounding error would
    show in the variance; then the mean of t, which should be 0, corrects it, and t is made anew.
    """
    m = max(rows.shape[1], 1)
    np.divide(fine_sums(rows, mean), m, out=mean)
    np.subtract(rows, mean[:, None], out=t)
    np.divide(row_dots(t, t, var), m, out=var)
    if (mean * mean > FAR * var).any():  # what the mean was rounded by counts
        np.add(mean, row_sums(t) / m, out=mean)
        np.subtract(rows, mean[:, None], out=t)
        np.divide(row_dots(t, t, var), m, out=var)
    np.sqrt(var + eps, out=rstd)
    np.divide(1, rstd, out=rstd)


@kernel("cpu")
def batch_norm(
    xp: Any, x: Array, weight: Array | None, bias: Array | None, eps: float, relu: bool = False
) -> tuple[Array, Array, Array, Array]:
    """See `plain.norm.batch_norm`; the statistics of few elements are float64."""
    if _is_small(x):
        y, *statistics = widened(plain.batch_norm, xp, x, weight, bias, eps, relu)
        return y.astype(x.dtype), *statistics
    if _is_plain(x):
        return plain.batch_norm(xp, x, weight, bias, eps, relu)
    rows = channel_rows(xp, x)
    y = np.empty_like(rows)
    mean, var, rstd = np.empty((3, len(rows)), x.dtype)
    zeros = np.zeros(rows.shape[1], x.dtype) if relu else None

    def task(start: int, stop: int) -> None:
        of = slice(start, stop)
        t, r = y[of], rstd[of]
        _standardise(rows[of], eps, t, mean[of], var[of], r)
        np.multiply(t, (r if weight is None else r * weight[of])[:, None], out=t)
        if bias is not None:
            np.add(t, bias[of, None], out=t)
        if zeros is not None:
            np.maximum(zeros, t, out=t)

    by_channels(task, len(rows), rows.shape[1] * x.itemsize)
    return from_channel_rows(xp, y, x.shape), mean, var, rstd


@kernel("cpu")
def batch_norm_apply(
    xp: Any,
    x: Array,
    mean: Array | None,
    rstd: Array,
    weight: Array | None,
    bias: Array | None,
    relu: bool = False,
) -> Any:
    """See `plain.norm.batch_norm_apply`; γ r x + (β − γ r μ), in two passes."""
    if _is_plain(x):
        return plain.batch_norm_apply(xp, x, mean, rstd, weight, bias, relu)
    rows = channel_rows(xp, x)
    zeros = np.zeros(rows.shape[1], x.dtype) if relu else None
    y = np.empty_like(rows)
    scale = (rstd if weight is None else rstd * weight)[:, None]
    shift = None if mean is None else -mean[:, None] * scale
    if bias is not None:
        shift = bias[:, None] if shift is None else bias[:, None] + shift

    def task(start: int, stop: int) -> None:
        of = slice(start, stop)
        np.multiply(rows[of], scale[of], out=y[of])
        if shift is not None:
            np.add(y[of], shift[of], out=y[of])
        if zeros is not None:
            np.maximum(zeros, y[of], out=y[of])

    by_channels(task, len(rows), rows.shape[1] * x.itemsize)
    return from_channel_rows(xp, y, x.shape)


@kernel("cpu")
def batch_norm_sums(
    xp: Any,
    g: Array,
    x: Array,
    mean: Array,
    rstd: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    relu: bool = False,
) -> tuple[Array, Array]:
    """See `plain.norm.batch_norm_sums`."""
    if _is_small(x):
        given = (g, x, mean, rstd, weight, bias, relu)
        return tuple(a.astype(x.dtype) for a in widened(plain.batch_norm_sums, xp, *given))
    g = plain.behind_relu(xp, g, x, mean, rstd, weight, bias) if relu else g
    if _is_plain(x):
        return plain.batch_norm_sums(xp, g, x, mean, rstd)
    rows, h = channel_rows(xp, x), channel_rows(xp, g)
    moment, total = np.empty(len(rows), x.dtype), np.empty(len(rows), x.dtype)

    def task(start: int, stop: int) -> None:
        of = slice(start, stop)
        fine_sums(h[of], total[of])
        fine_dots(h[of], rows[of] - mean[of, None], moment[of])

    by_channels(task, len(rows), rows.shape[1] * x.itemsize)
    return np.multiply(moment, rstd, out=moment), total


@kernel("cpu")
def batch_norm_gradient(
    xp: Any,
    g: Array,
    x: Array,
    mean: Array,
    rstd: Array,
    weight: Array | None,
    bias: Array | None = None,
    relu: bool = False,
    zeros: Any = None,
) -> tuple[Any, ...]:
    """See `plain.norm.batch_norm_gradient`."""
    if _is_small(x):
        given = (g, x, mean, rstd, weight, bias, relu)
        return tuple(a.astype(x.dtype) for a in widened(plain.batch_norm_gradient, xp, *given))
    if _is_plain(x):
        return plain.batch_norm_gradient(xp, g, x, mean, rstd, weight, bias, relu)
    rows, h = channel_rows(xp, x), channel_rows(xp, g)
    dx = np.empty_like(rows)
    moment, total = np.empty(len(rows), x.dtype), np.empty(len(rows), x.dtype)
    m = max(rows.shape[1], 1)
    scale = rstd if weight is None else rstd * weight

    def task(start: int, stop: int) -> None:
        of = slice(start, stop)
        t, r, into = dx[of], rstd[of], h[of]
        np.subtract(rows[of], mean[of, None], out=t)
        if relu:
            into = _passed(into, t, scale[of], None if bias is None else bias[of])
        fine_sums(into, total[of])
        fine_dots(into, t, moment[of])
        rounded = row_sums(t) / m if m <= plain.TERMS and t.itemsize == 4 else None
        if rounded is not None:
            np.subtract(moment[of], rounded * total[of], out=moment[of])
        slope, level = moment[of] * r * r / m, total[of] / m
        np.multiply(t, -slope[:, None], out=t)
        np.add(t, into, out=t)
        np.subtract(t, (level if rounded is None else level - rounded * slope)[:, None], out=t)
        np.multiply(t, scale[of, None], out=t)

    by_channels(task, len(rows), rows.shape[1] * x.itemsize)
    return from_channel_rows(xp, dx, x.shape), np.multiply(moment, rstd, out=moment), total


def _passed(g: Array, t: Array, scale: Array, bias: Array | None) -> Array:
    """The gradient g (C, L) behind a ReLU: g where the ReLU's input was above 0, else 0.

    That input is scale · t + bias, with t = x − mean, and rounded as in the forward pass, so that
    both passes agree about each element.
    """
    out: Array = scratch("behind relu", t.shape, t.dtype)
    np.multiply(t, scale[:, None], out=out)
    np.copyto(out, out > (0 if bias is None else -bias[:, None]))
    return np.multiply(out, g, out=out)


@kernel("cpu")
def layer_norm(
    xp: Any, x: Array, weight: Array | None, bias: Array | None, shape: tuple[int, ...], eps: float
) -> tuple[Array, Array, Array]:
    """See `plain.norm.layer_norm`; y = x (r ⊗ γ) + (β − μ r ⊗ γ), where no mean is large."""
    if x.itemsize == 2:
        return plain.layer_norm(xp, x, weight, bias, shape, eps)
    rows: Array = plain.sample_rows(xp, x, shape)
    whole = np.empty(x.shape, x.dtype)
    y = whole.reshape(rows.shape)
    mean, var, rstd = np.empty((3, len(rows)), x.dtype)
    by_outer = _fits(rows)
    if by_outer:
        gamma, affine = np.zeros((2, 2, rows.shape[1]), x.dtype)
        gamma[0] = affine[0] = 1 if weight is None else weight.reshape(-1)
        affine[1] = 0 if bias is None else bias.reshape(-1)

    def task(start: int, stop: int) -> None:
        of = slice(start, stop)
        t, r = y[of], rstd[of]
        if by_outer and _moments(rows[of], eps, mean[of], var[of], r):
            pairs = np.zeros((stop - start, 2), x.dtype)
            pairs[:, 0] = r
            np.multiply(_outer(pairs, gamma, t), rows[of], out=t)
            np.multiply(mean[of], -r, out=pairs[:, 0])
            pairs[:, 1] = 1
            np.add(t, _outer(pairs, affine, scratch("layer norm", t.shape, t.dtype)), out=t)
            return
        _standardise(rows[of], eps, t, mean[of], var[of], r)
        np.multiply(t, r[:, None], out=t)
        if weight is not None:
            np.multiply(t, weight.reshape(-1), out=t)
        if bias is not None:
            np.add(t, bias.reshape(-1), out=t)

    by_channels(task, len(rows), rows.shape[1] * x.itemsize)
    return whole, mean, rstd


def _fits(rows: Array) -> bool:
    """Whether rows (R, L) are such that `_outer` is fast."""
    return len(rows) > 1 and 1 < rows.shape[1] <= LONG and rows.size >= MANY


def _outer(pairs: Array, of: Array, out: Array) -> Array:
    """out (R, L) = pairs (R, 2) · of (2, L), as one call for products of some rows each.

    Half of the time that NumPy takes to multiply each row with its number.
    """
    (rows, length), some = out.shape, max(1, OUTER // out.shape[1])
    whole = rows - rows % some
    if whole:
        several = -1, some
        np.matmul(pairs[:whole].reshape(*several, 2), of, out=out[:whole].reshape(*several, length))
    if whole < rows:
        np.matmul(pairs[whole:], of, out=out[whole:])
    return out


def _moments(rows: Array, eps: float, mean: Array, var: Array, rstd: Array) -> bool:
    """Of rows (R, L), written to given memory: mean, and 1 / √(var + ε), by Σ x² − (Σ x)² / L.

    Returns:
        Whether it is right: that difference cancels where a mean is large beside its variance.
    """
    m = rows.shape[1]
    np.divide(fine_sums(rows, mean), m, out=mean)
    np.divide(row_dots(rows, rows, var), m, out=var)
    squares = mean * mean
    np.subtract(var, squares, out=var)
    if not (squares <= var).all():
        return False
    np.add(var, eps, out=rstd)
    np.sqrt(rstd, out=rstd)
    np.divide(1, rstd, out=rstd)
    return True


@kernel("cpu")
def layer_norm_gradient(
    xp: Any,
    g: Array,
    x: Array,
    mean: Array,
    rstd: Array,
    weight: Array | None,
    shape: tuple[int, ...],
    eps: float = 0.0,
) -> tuple[Array, Array, Array]:
    """See `plain.norm.layer_norm_gradient`.

    Where no mean is large x̂ is never made. With p = g x, a = mean(γ g), b = mean(γ g x̂) of a row,
    L b = r (Σ γ p − μ Σ γ g), it is dx = g (r ⊗ γ) − x r² b + (μ r² b − r a), and over the rows
    dγ = Σ r p − Σ μ r g, by products of a few rows with matrices.
    """
    if x.itemsize == 2:
        return plain.layer_norm_gradient(xp, g, x, mean, rstd, weight, shape)
    rows, h = plain.sample_rows(xp, x, shape), plain.sample_rows(xp, g, shape)
    whole = np.empty(x.shape, x.dtype)  # no view: the walk copies those
    dx = whole.reshape(rows.shape)
    sums: dict[int, tuple[Array, Array]] = {}
    m = max(rows.shape[1], 1)
    near = _fits(rows) and g.dtype == x.dtype and _are_small(mean, rstd, eps)
    if near:
        gamma = np.zeros((2, m), x.dtype)
        gamma[0] = 1 if weight is None else weight.reshape(-1)

    def task(start: int, stop: int) -> None:
        of = slice(start, stop)
        if near:
            sums[start] = _near_gradient(h[of], rows[of], mean[of], rstd[of], gamma, dx[of])
            return
        t, scaled = dx[of], np.empty((stop - start, rows.shape[1]), x.dtype)
        np.subtract(rows[of], mean[of, None], out=t)
        np.multiply(t, rstd[of, None], out=t)
        np.multiply(h[of], t, out=scaled)
        sums[start] = xp.sum(scaled, axis=0), xp.sum(h[of], axis=0)
        np.multiply(h[of], 1 if weight is None else weight.reshape(-1), out=scaled)
        total = row_sums(scaled)
        np.multiply(t, (row_dots(scaled, t) / -m)[:, None], out=t)
        np.add(t, scaled, out=t)
        np.subtract(t, (total / m)[:, None], out=t)
        np.multiply(t, rstd[of, None], out=t)

    by_channels(task, len(rows), rows.shape[1] * x.itemsize)
    weights, biases = np.zeros((2, rows.shape[1]))
    for start in sorted(sums):  # always in one order
        weights += sums[start][0]
        biases += sums[start][1]
    of_weight, of_bias = (a.astype(x.dtype).reshape(shape) for a in (weights, biases))
    return whole, of_weight, of_bias


def _are_small(mean: Array, rstd: Array, eps: float) -> bool:
    """Whether no row's μ² is larger than its σ², which 1 / √(σ² + ε) in float32 is sure to show."""
    share = np.square(mean, dtype=np.float64) + eps
    return bool((share * np.square(rstd, dtype=np.float64) <= 1 - 2.0**-22).all())


def _near_gradient(
    g: Array, x: Array, mean: Array, rstd: Array, gamma: Array, dx: Array
) -> tuple[Array, Array]:
    """dx of some rows, written, and their part of dγ and dβ: `layer_norm_gradient` without x̂."""
    m = x.shape[1]
    p: Array = scratch("layer norm", x.shape, x.dtype)
    np.multiply(g, x, out=p)
    a, b = np.vecdot(g, gamma[0]), np.vecdot(p, gamma[0])
    a /= m
    b /= m
    pairs = np.zeros((len(x), 2), x.dtype)
    pairs[:, 0] = rstd
    of_p = _column_sums(pairs, p)
    np.multiply(_outer(pairs, gamma, dx), g, out=dx)
    np.multiply(mean, -rstd, out=pairs[:, 0])
    pairs[:, 1] = 1
    of_g = _column_sums(pairs, g)
    b -= mean * a
    b *= rstd * rstd * rstd
    ones = np.zeros_like(gamma)
    ones[0] = 1
    pairs[:, 0] = b
    np.subtract(dx, np.multiply(_outer(pairs, ones, p), x, out=p), out=dx)
    pairs[:, 0] = mean * b - rstd * a
    np.add(dx, _outer(pairs, ones, p), out=dx)
    return of_p[0] + of_g[0], of_g[1]


def _column_sums(pairs: Array, a: Array) -> Array:
    """pairsᵀ · a for pairs (R, 2), a (R, L): float64 sums (2, L) of products of a few rows each."""
    rows, length = a.shape
    whole = rows - rows % RUN
    parts = pairs[:whole].reshape(-1, RUN, 2).swapaxes(1, 2)
    found: Array = np.matmul(parts, a[:whole].reshape(-1, RUN, length)).sum(0, dtype=np.float64)
    return found + np.matmul(pairs[whole:].T, a[whole:]) if whole < rows else found
