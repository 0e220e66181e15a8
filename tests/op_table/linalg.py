"""Rows of the matrix products and of the fused rules of a linear layer and cross entropy."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests import strategies as some
from tests.op_table._row import Row
from tests.strategies import Draw, real
from tinygrad_lite.ops import RULES
from tinygrad_lite.tensor import apply

_SIDE = st.integers(0, 3)


@st.composite
def _matrices(draw: Draw, left: int | None = None, right: int | None = None) -> some.Arguments:
    """Two operands of a product: of given ranks, or of any with batches that broadcast."""
    n, k, m = draw(_SIDE), draw(_SIDE), draw(_SIDE)
    if left is None or right is None:
        batches = draw(some.broadcastable(2, max_dims=2, max_side=2))
        kind = draw(st.sampled_from(["batch", "batch", "vector @", "@ vector", "2-D right"]))
        a, b = ((*batches[0], n, k), (*batches[1], k, m))
        if kind == "vector @":
            a = (k,)
        elif kind == "@ vector":
            b = (k,)
        elif kind == "2-D right":
            b = (k, m)
    else:
        batch = (draw(_SIDE),)
        a = {1: (k,), 2: (n, k), 3: (*batch, n, k)}[left]
        b = {1: (k,), 2: (k, m), 3: (*batch, k, m)}[right]
    rng = draw(some.sources())
    return (real(rng, a), real(rng, b)), {}


@st.composite
def _vectors(draw: Draw) -> some.Arguments:
    rng = draw(some.sources())
    return (real(rng, (draw(_SIDE),)), real(rng, (draw(_SIDE),))), {}


@st.composite
def _addmm(draw: Draw) -> some.Arguments:
    n, k, m = draw(_SIDE), draw(_SIDE), draw(_SIDE)
    rng = draw(some.sources())
    c = draw(st.sampled_from([(n, m), (m,), (n, 1), ()]))
    return (real(rng, c), real(rng, (n, k)), real(rng, (k, m))), {}


def _added(*sizes: tuple[int, ...]) -> Any:
    return some.sources().map(lambda rng: (tuple(real(rng, s) for s in sizes), {}))


@st.composite
def _inner(draw: Draw) -> some.Arguments:
    n, k, m = (draw(st.integers(1, 3)) for _ in range(3))
    rng = draw(some.sources())
    return (real(rng, (n, k)), real(rng, draw(st.sampled_from([(m, k), (k,)])))), {}


def _diagonal(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"diagonal": draw(st.integers(-3, 3))}


@st.composite
def _affine(draw: Draw, bias: bool) -> some.Arguments:
    """x (…, K), W (M, K) and maybe b (M)."""
    batch, k, m = draw(some.shapes(max_dims=2)), draw(_SIDE), draw(_SIDE)
    rng = draw(some.sources())
    arrays = (real(rng, (*batch, k)), real(rng, (m, k)), real(rng, (m,)))
    return arrays[: 2 + bias], {}


def _linear(x: Any, weight: Any, bias: Any = 0.0) -> Any:
    return np.einsum("...k,mk->...m", x, weight) + bias


@st.composite
def _labelled(draw: Draw, weights: bool) -> some.Arguments:
    """Logits (N, C) with classes (N) or weights (N, C), and how to reduce the losses."""
    reduction = draw(st.sampled_from(["none", "sum", "mean"]))
    n, c = draw(st.integers(reduction == "mean", 3)), draw(st.integers(1, 3))
    rng = draw(some.sources())
    target = some.positive(rng, (n, c)) if weights else rng.integers(0, c, n)
    return (real(rng, (n, c)), target), {"reduction": reduction}


def _cross_entropy(x: Any, target: Any, reduction: str) -> Any:
    one_hot = target if target.ndim == 2 else np.eye(x.shape[1])[target]
    log_p = x - np.log(np.exp(x).sum(1, keepdims=True))
    losses = -(log_p * one_hot).sum(1)
    return losses if reduction == "none" else getattr(np, reduction)(losses)


PRODUCTS = [
    Row("matmul", _matrices(), np.matmul),
    Row("__matmul__", _matrices(), np.matmul, rule="matmul"),
    Row("mm", _matrices(2, 2), np.matmul, rule="matmul"),
    Row("bmm", _matrices(3, 3), np.matmul, rule="matmul"),
    Row("mv", _matrices(2, 1), np.matmul, rule="matmul"),
    Row("dot", _matrices(1, 1), np.matmul, rule="matmul"),
    Row("outer", _vectors(), np.outer, rule="mul"),
    Row(
        "addmm",
        _addmm(),
        lambda c, a, b: 0.5 * c - 2 * (a @ b),
        call=lambda c, a, b: c.addmm(a, b, beta=0.5, alpha=-2),
        rule="matmul",
    ),
    Row("vdot", _matrices(1, 1), np.matmul, rule="matmul"),
    Row("ger", _vectors(), np.outer, rule="mul"),
    Row("kron", _vectors(), np.kron, rule="mul"),
    Row("inner", _inner(), np.inner, rule="matmul"),
    Row("addmv", _added((2,), (2, 3), (3,)), lambda c, a, b: 0.5 * c - 2 * (a @ b),
        lambda c, a, b: c.addmv(a, b, beta=0.5, alpha=-2), "matmul"),
    Row("baddbmm", _added((1, 2), (2, 1, 3), (2, 3, 2)), lambda c, a, b: 0.5 * c - 2 * (a @ b),
        lambda c, a, b: c.baddbmm(a, b, beta=0.5, alpha=-2), "matmul"),
    Row("diagonal", some.shaped(real, lambda draw, shape: {"offset": draw(st.integers(-2, 2))},
        min_dims=2, min_side=1),
        lambda x, offset: np.diagonal(x, offset),
        call=lambda x, offset: x.diagonal(offset) * 1),
    Row("tril", some.shaped(real, _diagonal, min_dims=2),
        lambda x, diagonal: np.tril(x, diagonal), rule="where"),
    Row("diag", some.shaped(real, lambda draw, shape: {"diagonal": draw(st.integers(-1, 1))},
        min_dims=1, max_dims=2, min_side=1),
        lambda x, diagonal: np.diag(x, diagonal),
        call=lambda x, diagonal: x.diag(diagonal) * 1, rule="mul"),
    Row("trace", some.shaped(real, lambda draw, shape: {}, min_dims=2, max_dims=2, min_side=1),
        np.trace, rule="sum"),
    Row("triu", some.shaped(real, _diagonal, min_dims=2),
        lambda x, diagonal: np.triu(x, diagonal), rule="where"),
]  # fmt: skip


def _apply(name: str) -> Any:
    return lambda *tensors, **words: apply(RULES[name], *tensors, **words)


FUSED = [
    Row("rule:linear", _affine(True), _linear, call=_apply("linear"), rule="linear"),
    Row("rule:linear[no bias]", _affine(False), _linear, call=_apply("linear")),
    Row(
        "rule:cross_entropy",
        _labelled(False),
        _cross_entropy,
        call=_apply("cross_entropy"),
        rule="cross_entropy",
    ),
    Row(
        "rule:cross_entropy_probabilities",
        _labelled(True),
        _cross_entropy,
        call=_apply("cross_entropy_probabilities"),
        rule="cross_entropy_probabilities",
    ),
]

ROWS = [*PRODUCTS, *FUSED]
