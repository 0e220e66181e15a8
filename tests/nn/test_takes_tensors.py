"""Layers' functions say which of their arguments should have been a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.nn import functional as F

X = torch.ones(2, 3, 4, 4)
CALLS: list[tuple[str, tuple[Any, ...], str]] = [
    ("avg_pool1d", (3, 2), "input must be a Tensor, but got int"),
    ("max_pool2d", (None, 2), "input must be a Tensor, but got NoneType"),
    ("max_pool2d", (np.ones((1, 1, 4, 4)), 9), "input must be a Tensor, but got ndarray"),
    ("max_pool3d", ([1.0], 2), "input must be a Tensor, but got list"),
    ("adaptive_max_pool1d", (2.5, 1), "input must be a Tensor, but got float"),
    ("alpha_dropout", ("a", 0.5, True), "input must be a Tensor, but got str"),
    ("conv3d", (X, 3), "weight must be a Tensor, but got int"),
    ("layer_norm", (3, (4,)), "input must be a Tensor, but got int"),
    ("rms_norm", (X, (4,), 3.0), "weight must be a Tensor, but got float"),
    ("grid_sample", (X, [1.0]), "grid must be a Tensor, but got list"),
    ("cosine_similarity", (X, 3), "x2 must be a Tensor, but got int"),
    ("huber_loss", (X, None), "target must be a Tensor, but got NoneType"),
    ("soft_margin_loss", (X, 1), "target must be a Tensor, but got int"),
    ("poisson_nll_loss", (1.0, X), "input must be a Tensor, but got float"),
    ("pixel_shuffle", (3, 2), "input must be a Tensor, but got int"),
    ("one_hot", (3,), "tensor must be a Tensor, but got int"),
    ("pad", (3, (1, 1)), "input must be a Tensor, but got int"),
    ("pdist", (3,), "input must be a Tensor, but got int"),
    ("scaled_dot_product_attention", (X, 1, X), "key must be a Tensor, but got int"),
    ("unfold", ("a", 2), "input must be a Tensor, but got str"),
]


@pytest.mark.parametrize(("name", "args", "words"), CALLS, ids=[f"{c[0]} {c[2]}" for c in CALLS])
def test_what_is_no_tensor(name: str, args: tuple[Any, ...], words: str) -> None:
    with pytest.raises(TypeError, match=f"{name}.*{words}"):
        getattr(F, name)(*args)


def test_other_errors_stay() -> None:
    with pytest.raises(RuntimeError, match="max_pool2d"):
        F.max_pool2d(torch.ones(2, 2), 9)
    x = torch.ones(1, 1, 4)
    assert F.avg_pool1d(x, 2).tolist() == [[[1, 1]]]
    with pytest.raises(TypeError, match="missing 1 required"):
        F.avg_pool1d(x)  # type: ignore[call-arg]
