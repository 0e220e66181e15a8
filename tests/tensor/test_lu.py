"""Factors of matrices, what is solved with them, and forms that do not raise."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.backend import to_host

MATRIX = np.random.default_rng(0).normal(size=(2, 3, 3))


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 3), (2, 0, 0), (0, 3)])
@pytest.mark.parametrize("pivot", [True, False])
def test_the_factors_multiply_up(shape: tuple[int, ...], pivot: bool, device: str) -> None:
    a = tg.tensor(np.random.default_rng(1).normal(size=shape), device=device)
    p, low, up = tg.linalg.lu(a, pivot=pivot)
    np.testing.assert_allclose(to_host((p @ low @ up).array), to_host(a.array), atol=1e-12)
    assert tg.equal(low, low.tril())
    assert tg.equal(up, up.triu())
    if pivot:
        assert bool((low.abs() <= 1).all())  # that is what it is for
    both, pivots, info = tg.linalg.lu_factor_ex(a, pivot=pivot)
    assert pivots.dtype == info.dtype == "int32"
    for found, expected in zip(tg.lu_unpack(both, pivots), (p, low, up), strict=True):
        assert tg.equal(found, expected)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("adjoint", [True, False])
def test_solutions(left: bool, adjoint: bool, device: str) -> None:
    a = tg.tensor(MATRIX, device=device)
    b = tg.tensor(MATRIX[:, :2] if not left else MATRIX[:, :, :2], device=device)
    x = tg.linalg.lu_solve(*tg.linalg.lu_factor(a), b, left=left, adjoint=adjoint)
    own = a.mT if adjoint else a
    back = own @ x if left else x @ own
    np.testing.assert_allclose(to_host(back.array), to_host(b.array), atol=1e-10)


def test_gradients() -> None:
    for shape in ((3, 3), (4, 2), (2, 4), (2, 2, 2)):
        a = tg.tensor(np.random.default_rng(2).normal(size=shape), requires_grad=True)
        assert tg.autograd.gradcheck(lambda x: tg.linalg.lu(x)[1:], [a])
        assert tg.autograd.gradgradcheck(lambda x: tg.linalg.lu(x)[1:], [a])


def test_reflections_of_lapack(device: str) -> None:
    for shape in ((3, 3), (5, 3)):
        host = np.random.default_rng(3).normal(size=shape)
        h, tau = np.linalg.qr(host, mode="raw")
        q = tg.linalg.householder_product(tg.tensor(h.T.copy(), device=device),
                                          tg.tensor(tau, device=device))  # fmt: skip
        np.testing.assert_allclose(to_host(q.array), np.linalg.qr(host)[0], atol=1e-12)
    assert tg.autograd.gradcheck(
        tg.orgqr,
        [tg.tensor(h.T.copy(), requires_grad=True), tg.tensor(tau, requires_grad=True)],
    )
    with pytest.raises(RuntimeError, match="as many rows as columns"):
        tg.orgqr(tg.ones(2, 3), tg.ones(2))


def test_what_fails_is_numbered_and_the_others_are_there() -> None:
    bad = np.stack([np.eye(3), np.diag([1.0, -1.0, 1.0]), np.zeros((3, 3))])
    a = tg.tensor(bad, requires_grad=True)
    low, info = tg.linalg.cholesky_ex(a)
    assert info.tolist() == [0, 2, 1]
    assert low[0].tolist() == np.eye(3).tolist()
    assert bool(low[1:].isnan().all())
    inverse, info = tg.linalg.inv_ex(a)
    assert info.tolist() == [0, 0, 1]
    assert inverse[1].tolist() == bad[1].tolist()
    x, info = tg.linalg.solve_ex(a, tg.ones(3, 3, dtype=tg.float64))
    assert info.tolist() == [0, 0, 1]
    assert x[1].tolist() == [1, -1, 1]
    (grad,) = tg.autograd.grad(inverse[:2].sum(), a)
    assert bool(grad[:2].isfinite().all())
    for function in (tg.linalg.cholesky_ex, tg.linalg.inv_ex):
        with pytest.raises(tg.linalg.LinAlgError):
            function(a, check_errors=True)
    with pytest.raises(RuntimeError, match=r"U\[1,1\] is zero"):
        tg.linalg.lu_factor(a)
    assert tg.linalg.lu_factor_ex(a).info.tolist() == [0, 0, 1]
