"""`out=`, `layout=`, `pin_memory=`, `memory_format=`: where results lie, as PyTorch is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg

X = tg.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda **out: tg.add(X, X, **out),
        lambda **out: tg.maximum(X, X - 1, **out),
        lambda **out: tg.exp(X, **out),
        lambda **out: tg.matmul(X, X.t(), **out),
        lambda **out: tg.cat([X, X], **out),
        lambda **out: tg.sum(X, 0, **out),
        lambda **out: tg.clamp(X, 0, 1, **out),
        lambda **out: tg.pow(X, 2, **out),
        lambda **out: tg.where(X > 1, X, -X, **out),
        lambda **out: tg.arange(3, **out),
        lambda **out: tg.zeros(2, 3, **out),
    ],
)
def test_a_result_is_in_out(call: Callable[..., Any]) -> None:
    plain = call()
    out = tg.full(tuple(plain.shape), 7, dtype=plain.dtype)
    alias = out[...]
    assert call(out=out) is out
    np.testing.assert_array_equal(out.numpy(), plain.numpy())
    np.testing.assert_array_equal(alias.numpy(), plain.numpy())  # in its memory


def test_several_results() -> None:
    values, places = tg.empty(3), tg.empty(3, dtype=tg.int64)
    found = tg.max(X, 0, out=(values, places))
    assert found.values is values
    assert found.indices is places
    assert values.tolist() == [3, 4, 5]
    assert places.tolist() == [1, 1, 1]


def test_out_of_another_shape_is_resized_and_of_another_dtype_refused() -> None:
    out = tg.empty(0)
    assert tg.add(X, 1, out=out) is out
    assert out.shape == (2, 3)
    assert tg.add(tg.tensor([1]), 1, out=tg.empty(1)).tolist() == [2.0]
    with pytest.raises(RuntimeError, match=r"add: .*can't be cast"):
        tg.add(X, 1, out=tg.empty(2, 3, dtype=tg.int64))
    with pytest.raises(RuntimeError, match="automatic differentiation"):
        tg.add(tg.ones(2, requires_grad=True), 1, out=tg.empty(2))
    with pytest.raises(TypeError, match=r"max: out must be as the result, 2 tensor"):
        tg.max(X, 0, out=(tg.empty(3),))


def test_words_without_effect() -> None:
    assert tg.zeros(2, layout=tg.strided, pin_memory=False).shape == (2,)
    assert tg.empty(2, memory_format=tg.contiguous_format).shape == (2,)
    assert tg.rand(2, 3, layout=tg.strided, pin_memory=True).shape == (2, 3)
    assert tg.full((2,), 1.0, layout=tg.strided).tolist() == [1, 1]
    assert tg.zeros_like(X, memory_format=tg.preserve_format).shape == (2, 3)
    assert X.clone(memory_format=tg.preserve_format).tolist() == X.tolist()
    assert X.new_zeros(2, layout=tg.strided, pin_memory=False).tolist() == [0, 0]
    with pytest.raises(NotImplementedError, match="no sparse tensors"):
        tg.zeros(2, layout="sparse_coo")


def test_other_errors_stay() -> None:
    with pytest.raises(TypeError, match="frob"):
        tg.zeros(2, frob=1, layout=tg.strided)
    with pytest.raises(TypeError, match=r"exp: .*Tensor, but got str"):
        tg.exp("a", out=tg.empty(1))
