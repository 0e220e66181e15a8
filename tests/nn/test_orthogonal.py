"""Weights that stay orthogonal while they learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.backend import to_host
from tinygrad_lite.nn.utils.parametrizations import orthogonal


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder", None])
def test_it_stays_orthogonal(shape: tuple[int, int], kind: str | None, device: str) -> None:
    tg.manual_seed(0)
    layer = nn.Linear(shape[1], shape[0], bias=False).to(device=device)
    orthogonal(layer, orthogonal_map=kind)
    first = to_host(layer.weight.detach().array).copy()
    optimizer = tg.optim.SGD(layer.parameters(), lr=0.3)
    x = tg.randn(5, shape[1], device=device)
    for _ in range(3):
        optimizer.zero_grad()
        (layer(x) ** 3).sum().backward()
        optimizer.step()
    w = to_host(layer.weight.detach().array)
    assert np.abs(w - first).max() > 0.05
    gram = w @ w.T if shape[0] < shape[1] else w.T @ w
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-5)


@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
def test_as_pytorch(shape: tuple[int, int], kind: str) -> None:
    torch = pytest.importorskip("torch")
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    n, k = max(shape), min(shape)
    found = []
    for library in (tg, torch):
        layer = library.nn.Linear(shape[1], shape[0], bias=False).to(dtype=library.float64)
        library.nn.utils.parametrizations.orthogonal(layer, orthogonal_map=kind)
        inner: Any = layer.parametrizations.weight[0]
        inner.base = library.tensor(q[:n, :n] if n == 4 else np.eye(3))
        original = np.random.default_rng(1).normal(size=shape) * 0.3
        np.fill_diagonal(original, -1.0)
        layer.parametrizations.weight.original.data = library.tensor(original)
        weight = layer.weight
        (weight * library.tensor(np.cos(np.arange(n * k)).reshape(shape))).sum().backward()
        grad = layer.parametrizations.weight.original.grad
        found.append([weight.detach().numpy(), grad.numpy(), sorted(layer.state_dict())])
    for ours, theirs in zip(*(part[:2] for part in found), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    assert found[0][2] == found[1][2]


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="has no parameter or buffer"):
        orthogonal(nn.Linear(2, 2), "other")
    with pytest.raises(ValueError, match="Expected a matrix"):
        orthogonal(nn.Linear(2, 2), "bias")
    with pytest.raises(ValueError, match="orthogonal_map has to be one of"):
        orthogonal(nn.Linear(2, 2), orthogonal_map="other")
