"""`linalg.eig` and `eigvals`, of matrices that are not symmetric, with all their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import return_types


def _drawn(dtype: str, n: int = 3) -> Any:
    rng = np.random.default_rng(4)
    parts = rng.standard_normal((2, 2, n, n))
    return (parts[0] + 1j * parts[1]).astype(dtype) if dtype[0] == "c" else parts[0].astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_eigenvalues_and_vectors(dtype: str, device: str) -> None:
    a = _drawn(dtype)
    given = tg.tensor(a, device=device)
    values, vectors = tg.linalg.eig(given)
    wide = {"float32": tg.complex64, "complex64": tg.complex64}.get(dtype, tg.complex128)
    assert (values.dtype, vectors.dtype) == (wide, wide)
    v, e = vectors.cpu().numpy(), values.cpu().numpy()
    rough = 1e-5 if wide is tg.complex64 else 1e-13
    np.testing.assert_allclose(a @ v, v * e[:, None, :], atol=rough)
    np.testing.assert_allclose(np.linalg.norm(v, axis=-2), 1, rtol=rough)
    alone = tg.linalg.eigvals(given).cpu().numpy()
    np.testing.assert_allclose(alone, e)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_derivatives(dtype: str) -> None:
    """Of what does not depend on the eigenvectors' phases, with respect to each part."""
    parts = tg.tensor(_drawn(dtype, 3)[:1])
    given = tg.view_as_real(parts) if dtype[0] == "c" else parts
    weights = tg.tensor(np.random.default_rng(5).standard_normal((3, 3)))

    def loss(x: tg.Tensor) -> tg.Tensor:
        values, vectors = tg.linalg.eig(tg.view_as_complex(x) if dtype[0] == "c" else x)
        order = values.detach().real + values.detach().imag * 10  # LAPACK's may change
        at = order.argsort(-1)
        sizes = vectors.abs().square().gather(-1, at[:, None, :].expand(1, 3, 3))
        return (values.abs() + values.real).gather(-1, at).square().sum() + (sizes * weights).sum()

    x = given.clone().requires_grad_(True)
    assert tg.autograd.gradcheck(loss, (x,))
    assert tg.autograd.gradgradcheck(loss, (x,))


def test_a_spectral_radius_with_values_that_are_the_same(device: str) -> None:
    """What is PyTorch's: the eigenvalues alone do not divide by their differences."""
    x = tg.eye(3, device=device).requires_grad_(True)
    tg.linalg.eigvals(x).abs().sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_results_and_errors() -> None:
    found = tg.linalg.eig(tg.eye(2))
    assert isinstance(found, return_types.linalg_eig)
    assert (found.eigenvalues.tolist(), found._fields) == (
        [1, 1],
        ("eigenvalues", "eigenvectors"),
    )
    assert tg.linalg.eigvals(tg.ones(0, 0)).shape == (0,)
    with pytest.raises(RuntimeError, match="must be square"):
        tg.linalg.eig(tg.ones(2, 3))
    with pytest.raises(NotImplementedError, match="float16"):
        tg.linalg.eigvals(tg.ones(2, 2).half())
    with pytest.raises(tg.linalg.LinAlgError, match="tensor should not contain infs"):
        tg.linalg.eigvals(tg.full((2, 2), float("nan")))
    with pytest.raises(RuntimeError, match="floating-point"):
        tg.linalg.eig(tg.ones(2, 2, dtype=tg.int64))


def test_a_gradient_without_enough_eigenvectors_is_nan() -> None:
    """Of a matrix whose eigenvectors have no inverse; PyTorch raises there."""
    x = tg.tensor([[0.0, 1, 0], [0, 0, 1], [0, 0, 0]], requires_grad=True)
    values, vectors = tg.linalg.eig(x)
    assert values.tolist() == [0, 0, 0]
    vectors.abs().sum().backward()
    assert x.grad is not None
    assert x.grad.isnan().any()
