"""Rows of decompositions and linear systems. What has two signs is compared as squares."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests import strategies as some
from tests.op_table._row import Row
from tests.strategies import Draw


@st.composite
def _matrix(draw: Draw, square: bool = True, definite: bool = False) -> some.Arguments:
    """Well-conditioned matrices of singular values that differ."""
    m = draw(st.integers(1, 3))
    n = m if square else draw(st.integers(1, 3))
    batch = draw(st.sampled_from([(), (2,), (1, 2)]))
    rng = draw(some.sources())
    array = rng.uniform(-0.3, 0.3, (*batch, m, n)) + np.eye(m, n) * [1.0, 2.0, 3.5][:n]
    return (array @ np.swapaxes(array, -1, -2) if definite else array,), {}


@st.composite
def _system(draw: Draw) -> some.Arguments:
    (a,), _ = draw(_matrix())
    rng = draw(some.sources())
    return (a, some.real(rng, (*a.shape[:-1], draw(st.integers(1, 2))))), {}


def _svd(x: Any) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return u * u, s, vh * vh


def _our_svd(x: Any) -> Any:
    u, s, vh = tg.linalg.svd(x, full_matrices=False)
    return u * u, s, vh * vh


def _qr(x: Any) -> Any:
    q, r = np.linalg.qr(x)
    return q * q, r * r


def _our_qr(x: Any) -> Any:
    q, r = tg.linalg.qr(x)
    return q * q, r * r


def _eigh(x: Any) -> Any:
    values, v = np.linalg.eigh(x)
    return values, v * v


def _our_eigh(x: Any) -> Any:
    values, v = tg.linalg.eigh((x + x.mT) / 2)
    return values, v * v


def _lu(x: Any) -> Any:
    """L and U by elimination, the largest number of a column first."""
    m, n = x.shape[-2:]
    k, low, up = min(m, n), np.zeros((*x.shape[:-1], min(m, n))), np.array(x)
    for place in np.ndindex(*x.shape[:-2]):
        a, factors = up[place], low[place]
        for i in range(k):
            best = i + int(np.argmax(abs(a[i:, i])))
            a[[i, best]], factors[[i, best]] = a[[best, i]], factors[[best, i]]
            factors[i, i] = 1
            factors[i + 1 :, i] = a[i + 1 :, i] / a[i, i]
            a[i + 1 :] -= factors[i + 1 :, i : i + 1] * a[i]
    return low, up[..., :k, :]


def _symmetric(x: Any) -> Any:
    return (x + np.swapaxes(x, -1, -2)) / 2


def _exponential(x: Any) -> Any:
    y = term = np.broadcast_to(np.eye(x.shape[-1]), x.shape)
    for k in range(1, 40):
        term = term @ x / k
        y = y + term
    return y


ROWS = [
    Row("inverse", _matrix(), np.linalg.inv, rule="inv", syncs=True, repeats=False),
    Row("det", _matrix(), np.linalg.det, syncs=True),
    Row("logdet", _matrix(definite=True), lambda x: np.linalg.slogdet(x)[1],
        lambda x: (x @ x.mT).logdet() / 2, "logabsdet", syncs=True, repeats=False),
    Row("slogdet", _matrix(), lambda x: np.linalg.slogdet(x)[1],
        lambda x: x.slogdet().logabsdet, "logabsdet", syncs=True, repeats=False),
    Row("rule:solve", _system(), np.linalg.solve, tg.linalg.solve, "solve",
        syncs=True, repeats=False),
    Row("cholesky", _matrix(definite=True), lambda x: np.linalg.cholesky(_symmetric(x)),
        lambda x: ((x + x.mT) / 2).cholesky(), syncs=True, repeats=False),
    Row("cholesky_solve", _system(), lambda a, b: np.linalg.solve(
        np.tril(a) @ np.swapaxes(np.tril(a), -1, -2), b),
        lambda a, b: b.cholesky_solve(a), "solve", syncs=True),
    Row("cholesky_inverse", _matrix(), lambda a: np.linalg.inv(
        np.tril(a) @ np.swapaxes(np.tril(a), -1, -2)), rule="solve", syncs=True),
    Row("lu", _matrix(square=False), _lu, lambda x: tg.linalg.lu(x)[1:], repeats=False),
    Row("lu_solve", _system(), np.linalg.solve,
        lambda a, b: b.lu_solve(*tg.linalg.lu_factor(a)), syncs=True, repeats=False, rule="lu"),
    Row("triangular_solve", _system(), lambda a, b: np.linalg.solve(np.triu(a), b),
        lambda a, b: b.triangular_solve(a).solution, "solve", syncs=True, repeats=False),
    Row("qr", _matrix(square=False), _qr, _our_qr, syncs=True),
    Row("rule:eigh", _matrix(), lambda x: _eigh(_symmetric(x)), _our_eigh, "eigh", syncs=True),
    Row("svd", _matrix(square=False), _svd, _our_svd, syncs=True),
    Row("pinverse", _matrix(square=False), np.linalg.pinv, rule="pinv", syncs=True),
    Row("matrix_power", _matrix(), lambda x: np.linalg.matrix_power(x, 3),
        lambda x: x.matrix_power(3), "matmul", syncs=True),
    Row("matrix_exp", _matrix(), _exponential, rule="matmul", syncs=True),
    Row("rule:full_svd", _matrix(square=False), lambda x: np.linalg.svd(x)[1],
        lambda x: tg.linalg.svd(x)[1], "svd", syncs=True),
]  # fmt: skip
