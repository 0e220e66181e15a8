"""Rows of the reductions, of running sums and of softmax."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests import strategies as some
from tests.op_table._row import Row
from tests.strategies import Draw, distinct, nonzero, real, shaped, truth, whole
from tinygrad_lite.ops import RULES
from tinygrad_lite.tensor import apply


def _axis(x: Any, dim: Any) -> Any:
    """PyTorch's dim as NumPy's axis: a 0-d array has no axis to name."""
    return None if dim is None or x.ndim == 0 else dim


def _over(function: Any, **fixed: Any) -> Any:
    """NumPy's reduction with PyTorch's arguments."""

    def reference(x: Any, dim: Any = None, keepdim: bool = False, **words: Any) -> Any:
        return function(x, axis=_axis(x, dim), keepdims=keepdim, **fixed, **words)

    return reference


def _spread(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    """Arguments of var and std, for which enough elements are left to divide by."""
    words = some.reduction(draw, shape)
    over = np.zeros(shape)
    n = over.size if _axis(over, words["dim"]) is None else 0
    if not n:
        named = words["dim"] if isinstance(words["dim"], tuple) else (words["dim"],)
        n = math.prod(shape[d] for d in named)
    corrections = [c for c in (0, 0.5, 1, 2) if c < n] or [0]
    return words | {"correction": draw(st.sampled_from(corrections))}


def _var(x: Any, dim: Any, keepdim: bool, correction: float) -> Any:
    return np.var(x, axis=_axis(x, dim), keepdims=keepdim, ddof=correction)


def _said(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    """Arguments of what wants its dimensions to be said: all of them by number."""
    words = some.reduction(draw, shape)
    return words | ({"dim": tuple(range(len(shape)))} if words["dim"] is None else {})


def _logsumexp(x: Any, dim: Any, keepdim: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=_axis(x, dim), keepdims=keepdim))


def _softmax(x: Any, dim: int) -> Any:
    e = np.exp(x)
    return e / e.sum(axis=_axis(x, dim), keepdims=bool(x.ndim))


def _extreme(take: Any, arg: Any) -> Any:
    def reference(x: Any, dim: int, keepdim: bool) -> Any:
        words = {"axis": _axis(x, dim), "keepdims": keepdim and x.ndim > 0}
        return take(x, **words), arg(x, **words)

    return reference


def _magnitudes(rng: Any, shape: tuple[int, ...]) -> Any:
    """No two magnitudes are equal."""
    return np.exp(distinct(rng, shape) / 4) * rng.choice([-1.0, 1.0], shape)


def _norms(orders: list[Any]) -> Any:
    def keywords(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
        return some.reduction(draw, shape) | {"p": draw(st.sampled_from(orders))}

    return keywords


def _norm(x: Any, dim: Any, keepdim: bool, p: Any) -> Any:
    size, axis = np.abs(x), _axis(x, dim)
    if p == math.inf:
        return size.max(axis=axis, keepdims=keepdim)
    if p == -math.inf:
        return size.min(axis=axis, keepdims=keepdim)
    p = 2 if p == "fro" else p
    if p == 0:
        return (x != 0.0).sum(axis=axis, keepdims=keepdim).astype(float)
    return (size**p).sum(axis=axis, keepdims=keepdim) ** (1 / p)


def _bounded(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    orders = st.sampled_from([1, 2, 3, math.inf])
    return {
        "p": draw(orders),
        "dim": some.dim(draw, shape),
        "maxnorm": draw(st.sampled_from([1, 99])),
    }


def _renorm(x: Any, p: float, dim: int, maxnorm: float) -> Any:
    axis = tuple(k for k in range(x.ndim) if k != dim % x.ndim)
    size = _norm(x, axis, True, p)
    return np.where(size > maxnorm, x * (maxnorm / (size + 1e-7)), x)


def _prod_dim(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    words = some.reduction_of_one(draw, shape)
    return words | ({"dim": None} if draw(st.booleans()) else {})


def _kth(place: Any) -> Any:
    """One place of the order along a dimension, and where the element was."""

    def reference(x: Any, dim: int, keepdim: bool) -> Any:
        if not x.ndim:
            return x, np.int64(0)
        k = place(x.shape[dim])
        parts = (f(x, axis=dim).take([k], axis=dim) for f in (np.sort, np.argsort))
        return tuple(p if keepdim else p.squeeze(dim) for p in parts)

    return reference


def _running(extreme: Any) -> Any:
    def reference(x: Any, dim: int) -> Any:
        if not x.ndim:
            return x, np.int64(0)
        y = extreme.accumulate(x, axis=dim)
        behind = -(dim + 1) % x.ndim
        place = np.where(y == x, np.arange(x.shape[dim]).reshape(-1, *[1] * behind), 0)
        return y, np.maximum.accumulate(place, axis=dim)

    return reference


def _an_axis(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"axis": draw(st.integers(0, len(shape) - 1))}


def _full(domain: Any, keywords: Any) -> Any:
    """Shapes without a size of 0, for what has no value for no elements."""
    return shaped(domain, keywords, min_side=1)


SUMS = [
    Row("sum", shaped(real, some.reduction), _over(np.sum)),
    Row("mean", _full(real, some.reduction), _over(np.mean)),
    Row("var", _full(real, _spread), _var),
    Row("std", shaped(distinct, _spread, min_side=2), lambda *a, **k: np.sqrt(_var(*a, **k))),
    Row("prod", shaped(nonzero, _prod_dim), _over(np.prod)),
    Row("prod[zeros]", shaped(whole, _prod_dim), _over(np.prod)),
    Row("norm", _full(nonzero, _norms([2])), _norm),
    Row("norm[other]", _full(_magnitudes, _norms([1, math.inf])), _norm, rule="abs"),
    Row("norm[p]", _full(_magnitudes, _norms([3, 1.5, 0.5])), _norm, rule="p_norm"),
    Row("rule:farthest", _full(_magnitudes, lambda draw, shape: {}),
        lambda x: np.abs(np.atleast_1d(x)).max(-1),
        lambda x: apply(RULES["farthest"], x if x.ndim else x.unsqueeze(0)), "farthest"),
    Row("renorm", shaped(nonzero, _bounded, min_side=1, min_dims=2), _renorm),
    Row("norm[zeroth]", shaped(nonzero, _norms([0])), _norm, rule="sign"),
    Row("cumsum", shaped(real, some.only_dim),
        lambda x, dim: np.cumsum(x, axis=dim) if x.ndim else x),
    Row("cumprod", shaped(nonzero, some.only_dim),
        lambda x, dim: np.cumprod(x, axis=dim) if x.ndim else x),
    Row("cumprod[zeros]", shaped(whole, some.only_dim),
        lambda x, dim: np.cumprod(x, axis=dim) if x.ndim else x, rule="cumprod"),
    Row("rule:cumprod", shaped(whole, _an_axis, min_dims=1), np.cumprod,
        call=lambda x, axis: apply(RULES["cumprod"], x, axis=axis), rule="cumprod"),
    Row("median", _full(distinct, some.only_dim), lambda x, dim: np.sort(x, axis=None)[
        (x.size - 1) // 2], lambda x, dim: x.median()),
    Row("median[dim]", _full(distinct, some.reduction_of_one), _kth(lambda n: (n - 1) // 2),
        rule="gather"),
    Row("nanmedian", _full(distinct, some.reduction_of_one), _kth(lambda n: (n - 1) // 2),
        rule="gather"),
    Row("kthvalue", _full(distinct, some.reduction_of_one), _kth(lambda n: 0),
        lambda x, dim, keepdim: x.kthvalue(1, dim, keepdim), "gather"),
    Row("mode", _full(distinct, some.reduction_of_one), _kth(lambda n: 0), rule="gather"),
    Row("cummax", shaped(distinct, some.only_dim), _running(np.maximum), rule="gather"),
    Row("cummin", shaped(distinct, some.only_dim), _running(np.minimum), rule="gather"),
    Row("logcumsumexp", shaped(real, some.only_dim),
        lambda x, dim: np.log(np.cumsum(np.exp(x), axis=dim)) if x.ndim else x),
    Row("rule:log_running_sum", shaped(real, _an_axis, min_dims=1, min_side=1),
        lambda x, axis: np.log(np.cumsum(np.exp(x), axis=axis)),
        call=lambda x, axis: apply(RULES["log_running_sum"], x, axis=axis), rule="log_running_sum"),
    Row("logcumsumexp[far apart]", shaped(real, some.only_dim),
        lambda x, dim: np.logaddexp.accumulate(x * 700, axis=dim) if x.ndim else x * 700,
        lambda x, dim: (x * 700).logcumsumexp(dim), rule="logaddexp"),
    Row("msort", shaped(distinct, lambda draw, shape: {}, min_dims=1),
        lambda x: np.sort(x, axis=0), rule="gather"),
    Row("quantile", _full(distinct, some.reduction_of_one), lambda x, dim, keepdim: np.quantile(
        x, 0.3, axis=_axis(x, dim), keepdims=keepdim),
        lambda x, dim, keepdim: x.quantile(0.3, dim, keepdim), "lerp"),
    Row("nanquantile", _full(distinct, some.reduction_of_one),
        lambda x, dim, keepdim: np.quantile(x, 0.3, axis=_axis(x, dim), keepdims=keepdim),
        lambda x, dim, keepdim: x.nanquantile(0.3, dim, keepdim), "lerp"),
    Row("nanmean", _full(real, some.reduction), _over(np.mean), rule="sum"),
    Row("nansum", shaped(real, some.reduction), _over(np.nansum), rule="without_nan"),
    Row("var_mean", _full(real, _spread), lambda x, dim, keepdim, correction: (
        _var(x, dim, keepdim, correction), np.mean(x, axis=_axis(x, dim), keepdims=keepdim))),
    Row("std_mean", shaped(distinct, _spread, min_side=2), lambda x, dim, keepdim, correction: (
        np.sqrt(_var(x, dim, keepdim, correction)),
        np.mean(x, axis=_axis(x, dim), keepdims=keepdim))),
    Row("logsumexp", _full(real, _said), _logsumexp),
]  # fmt: skip

EXTREMES = [
    Row(
        "aminmax",
        _full(distinct, some.reduction_of_one),
        lambda x, dim, keepdim: tuple(
            f(x, axis=_axis(x, dim), keepdims=keepdim and x.ndim > 0) for f in (np.min, np.max)
        ),
        rule="amin",
    ),
    Row("amax", _full(distinct, some.reduction), _over(np.max)),
    Row("amin", _full(distinct, some.reduction), _over(np.min)),
    Row("max", _full(distinct, some.reduction_of_one), _extreme(np.max, np.argmax), rule="gather"),
    Row("min", _full(distinct, some.reduction_of_one), _extreme(np.min, np.argmin), rule="gather"),
    Row(
        "sort",
        _full(distinct, some.only_dim),
        lambda x, dim: (np.sort(x, dim), np.argsort(x, dim)) if x.ndim else (x, np.array(0)),
        rule="gather",
    ),
    Row(
        "topk",
        _full(distinct, some.only_dim),
        lambda x, dim: (
            (-np.sort(-x, dim).take([0], dim), np.argsort(-x, dim).take([0], dim))
            if x.ndim
            else (x, np.array(0))
        ),
        call=lambda x, dim: x.topk(1, dim),
        rule="gather",
    ),
    Row("max[all]", _full(distinct, lambda draw, shape: {}), np.max, rule="amax"),
    Row("min[all]", _full(distinct, lambda draw, shape: {}), np.min, rule="amin"),
]

SOFT = [
    Row("softmax", shaped(real, some.only_dim), _softmax),
    Row(
        "rule:softmax",
        shaped(real, lambda draw, shape: {"axis": some.dim(draw, shape)}, min_dims=1, min_side=1),
        lambda x, axis: _softmax(x, axis),
        call=lambda x, axis: apply(RULES["softmax"], x, axis=axis),
        rule="softmax",
    ),
    Row("log_softmax", shaped(real, some.only_dim), lambda x, dim: np.log(_softmax(x, dim))),
]

PLAIN = [
    Row("argmax", _full(whole, _prod_dim), _over(np.argmax), differentiable=False),
    Row("argmin", _full(whole, _prod_dim), _over(np.argmin), differentiable=False),
    Row("all", shaped(truth, some.reduction), _over(np.all), differentiable=False),
    Row("any", shaped(truth, some.reduction), _over(np.any), differentiable=False),
]

ROWS = [*SUMS, *EXTREMES, *SOFT, *PLAIN]
