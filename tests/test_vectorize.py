"""`vmap` and `stack_module_state` against the same done by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.func import functional_call, grad, stack_module_state, vmap

X = tg.arange(6.0).reshape(2, 3)


def test_dims() -> None:
    assert vmap(tg.dot)(X, X).tolist() == [5, 50]
    assert tg.vmap(tg.sum, in_dims=1)(X).tolist() == [3, 5, 7]
    assert vmap(lambda a, b: a * b, (0, None))(X, tg.ones(3)).tolist() == X.tolist()
    total, turned = vmap(lambda a: (a.sum(), a), out_dims=(0, 1))(X)
    assert total.tolist() == [3, 12]
    assert turned.tolist() == X.t().tolist()
    named = vmap(lambda d: d["a"] + d["b"], in_dims=({"a": 0, "b": None},))
    assert named({"a": X, "b": tg.ones(3)}).tolist() == (X + 1).tolist()
    assert vmap(lambda a, *, by: a * by)(X, by=tg.tensor([1.0, 2.0]))[1].tolist() == [6, 8, 10]
    assert vmap(vmap(lambda a: a * 2))(tg.ones(2, 3, 1)).shape == (2, 3, 1)
    assert vmap(lambda a: {"double": a * 2})(X)["double"].tolist() == (X * 2).tolist()


def test_draws() -> None:
    def noisy(x: tg.Tensor) -> tg.Tensor:
        return x * 0 + tg.rand(())

    for randomness in ("same", "different", "error"):
        found = vmap(noisy, randomness=randomness)(tg.ones(3))
        assert len({*found.tolist()}) == (1 if randomness == "same" else 3)
    assert tg.rand(()).item() not in found.tolist()
    with pytest.raises(
        RuntimeError, match="allowed values for randomness are 'error', 'different'"
    ):
        vmap(noisy, randomness="none")(tg.ones(3))


def test_gradients_of_each_sample() -> None:
    w, y = tg.ones(3), tg.tensor([1.0, 2.0])
    found = vmap(grad(lambda w, x, y: (x @ w - y) ** 2), (None, 0, 0))(w, X, y)
    np.testing.assert_allclose(found, (2 * (X @ w - y))[:, None] * X)
    w.requires_grad_()
    vmap(lambda x: x @ w)(X).sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == X.sum(0).tolist()


def test_an_ensemble() -> None:
    models = [nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval() for _ in range(4)]
    parameters, buffers = stack_module_state(models)
    assert parameters["0.weight"].shape == (4, 2, 3)
    assert parameters["0.weight"].is_leaf
    assert parameters["0.bias"].requires_grad
    assert buffers["1.running_mean"].shape == (4, 2)
    out = vmap(lambda p, b, x: functional_call(models[0], (p, b), (x,)), (0, 0, None))(
        parameters, buffers, X
    )
    np.testing.assert_allclose(out.detach(), tg.stack([m(X) for m in models]).detach(), atol=1e-6)
    with pytest.raises(RuntimeError, match="at least one model"):
        stack_module_state([])
    with pytest.raises(RuntimeError, match="same class"):
        stack_module_state([models[0], nn.Linear(1, 1).eval()])
    with pytest.raises(RuntimeError, match="same mode"):
        stack_module_state([models[0], nn.Sequential()])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: vmap(tg.dot)(X, tg.ones(3, 3)), "same size in the mapped dimension"),
        (lambda: vmap(lambda a: 3)(X), "must only return Tensors"),
        (lambda: vmap(tg.sum, None)(X), "at least one argument"),
        (lambda: vmap(tg.sum, (0, 0))(X), "in_dims is not compatible"),
        (lambda: vmap(tg.sum)(tg.ones(0, 2)), "no elements"),
        (
            lambda: vmap(lambda a: (a, a), out_dims=(0,))(X),
            "out_dims is not compatible with the structure of `outputs`",
        ),
    ],
)
def test_errors(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
