"""Layers, their functions, and gradient utilities."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.autograd import gradcheck, gradgradcheck
from tinygrad_lite.backend import to_host
from tinygrad_lite.nn import functional as F


def host(tensor: Any) -> np.ndarray[Any, Any]:
    return to_host(tensor.detach().array)


def draw(*shape: int, device: str = "cpu") -> tg.Tensor:
    return tg.randn(*shape, dtype=tg.float64, device=device, requires_grad=True)


# Linear


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_x_w_transposed_plus_b(shape: tuple[int, ...], bias: bool, device: str) -> None:
    layer = nn.Linear(4, 5, bias=bias, device=device, dtype=tg.float64)
    assert layer.weight.shape == (5, 4)
    x = draw(*shape, device=device)
    expected = host(x) @ host(layer.weight).T
    expected += host(layer.bias) if layer.bias is not None else 0
    np.testing.assert_allclose(host(layer(x)), expected, atol=1e-12)


def test_linear_keeps_fortran_order_for_weight_and_gradient(device: str) -> None:
    layer = nn.Linear(4, 5, device=device)
    layer(tg.randn(3, 4, device=device)).sum().backward()
    for array in (layer.weight.array, layer.weight.grad.array):
        assert array.flags.f_contiguous
        assert not array.flags.c_contiguous


@pytest.mark.parametrize("order", ["C", "F"])
def test_linear_gradients(order: Any, device: str) -> None:
    x, b = draw(2, 3, 4, device=device), draw(5, device=device)
    w = draw(5, 4, device=device) if order == "C" else draw(4, 5, device=device)
    f = lambda x, w, b: F.linear(x, w if order == "C" else w.T, b)  # noqa: E731
    assert gradcheck(f, [x, w, b])
    assert gradgradcheck(f, [x, w, b])


def test_linear_refuses() -> None:
    layer = nn.Linear(4, 5)
    with pytest.raises(RuntimeError, match="linear: input has 3 features but weight expects 4"):
        layer(tg.ones(2, 3))
    with pytest.raises(
        RuntimeError, match=r"same dtype, but got torch\.float64 and torch\.float32"
    ):
        layer(tg.ones(2, 4, dtype=tg.float64))
    with pytest.raises(RuntimeError, match=r"same dtype, but got torch\.int64"):
        layer(tg.ones(2, 4, dtype=tg.int64))
    with pytest.raises(TypeError, match="must be a Tensor, not list"):
        layer([1.0])


def test_linear_without_bias_has_the_keys_of_pytorch() -> None:
    layer = nn.Linear(2, 3, bias=False)
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight"]
    assert layer.extra_repr() == "in_features=2, out_features=3, bias=False"


# Shapes and activations


def test_shape_modules(device: str) -> None:
    x = tg.arange(24, device=device).reshape(2, 3, 4)
    assert nn.Identity(1, a=2)(x) is x
    np.testing.assert_array_equal(host(nn.Flatten()(x)), np.arange(24).reshape(2, 12))
    assert nn.Flatten(0, 1)(x).shape == (6, 4)
    assert nn.Unflatten(1, (3, 1))(x).shape == (2, 3, 1, 4)
    assert nn.Unflatten(-1, (2, -1))(x).shape == (2, 3, 2, 2)
    with pytest.raises(IndexError, match="out of range"):
        nn.Flatten()(tg.ones(3))


ACTIVATIONS: list[tuple[nn.Module, Callable[..., tg.Tensor], Any]] = [
    (nn.ReLU(), F.relu, lambda x: np.maximum(x, 0)),
    (nn.Sigmoid(), F.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    (nn.Tanh(), F.tanh, np.tanh),
    (
        nn.Softmax(dim=1),
        lambda x: F.softmax(x, 1),
        lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True),
    ),
    (
        nn.LogSoftmax(dim=-1),
        lambda x: F.log_softmax(x, dim=-1),
        lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
    ),
]


@pytest.mark.parametrize(("module", "function", "expected"), ACTIVATIONS)
def test_activations(module: Any, function: Any, expected: Any, device: str) -> None:
    x = draw(3, 4, 2, device=device)
    np.testing.assert_allclose(host(module(x)), expected(host(x)), atol=1e-12)
    np.testing.assert_allclose(host(function(x)), expected(host(x)), atol=1e-12)
    assert gradcheck(module, [x])
    assert gradgradcheck(module, [x])


def test_softmax_dtype_and_implicit_dim() -> None:
    x = tg.randn(2, 3)
    assert F.softmax(x, 1, dtype=tg.float64).dtype == "float64"
    for shape, dim in (((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 5), 1)):
        x = tg.randn(*shape)
        for module, name in ((nn.Softmax(), "softmax"), (nn.LogSoftmax(), "log_softmax")):
            with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name}"):
                y = module(x)
            np.testing.assert_array_equal(host(y), host(getattr(x, name)(dim)))
    for call, name in (
        *((F.softmax, "softmax"), (F.log_softmax, "log_softmax"), (F.softmin, "softmin")),
        *((nn.Softmax(), "softmax"), (nn.LogSoftmax(), "log_softmax"), (nn.Softmin(), "softmin")),
    ):
        with pytest.warns(UserWarning, match=f"choice for {name} ") as caught:
            call(x)
        assert caught[0].filename == __file__  # the line that left the dimension out


def test_relu_in_place() -> None:
    x = tg.tensor([-1.0, 2.0])
    y = nn.ReLU(inplace=True)(x)
    assert y is x
    np.testing.assert_array_equal(host(x), [0, 2])
    leaf = tg.ones(2, requires_grad=True)
    hidden = leaf * tg.tensor([-1.0, 3.0])
    nn.ReLU(inplace=True)(hidden).sum().backward()
    np.testing.assert_array_equal(host(leaf.grad), [0, 3])
    assert repr(nn.ReLU(inplace=True)) == "ReLU(inplace=True)"


# Dropout


def test_dropout_scales_what_it_keeps(device: str) -> None:
    x = tg.ones(100, 100, device=device, requires_grad=True)
    y = nn.Dropout(0.2)(x)
    values = host(y)
    assert set(np.unique(values)) == {np.float32(0), np.float32(1.25)}
    assert abs((values == 0).mean() - 0.2) < 5 * math.sqrt(0.2 * 0.8 / 10000)
    y.sum().backward()
    np.testing.assert_array_equal(host(x.grad), values)
    assert y.dtype == "float32"


def test_dropout_drops_the_same_on_every_device(device: str) -> None:
    tg.manual_seed(5)
    first = host(F.dropout(tg.ones(50, device=device)))
    tg.manual_seed(5)
    np.testing.assert_array_equal(host(F.dropout(tg.ones(50, dtype=tg.float64))), first)
    assert not np.array_equal(host(F.dropout(tg.ones(50))), first)


def test_dropout_is_the_identity_in_evaluation_and_for_p_0() -> None:
    x = tg.ones(3)
    assert nn.Dropout(0.9).eval()(x) is x
    assert nn.Dropout(0.0)(x) is x
    assert F.dropout(x, training=False) is x


def test_dropout_of_everything() -> None:
    x = tg.ones(3, requires_grad=True)
    y = nn.Dropout(1.0)(x)
    y.sum().backward()
    np.testing.assert_array_equal(host(y), 0)
    np.testing.assert_array_equal(host(x.grad), 0)


def test_dropout_in_place_and_its_errors() -> None:
    x = tg.ones(1000)
    assert nn.Dropout(0.5, inplace=True)(x) is x
    assert set(np.unique(host(x))) == {0, 2}
    for p in (1.5, -0.1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1, but got"):
            nn.Dropout(p)
        with pytest.raises(ValueError, match="between 0 and 1, but got"):
            F.dropout(x, p)


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_dropout_gradients(p: float) -> None:
    def f(x: tg.Tensor) -> tg.Tensor:
        tg.manual_seed(1)
        return F.dropout(x, p) ** 2

    x = draw(4, 3)
    assert gradcheck(f, [x])
    assert gradgradcheck(f, [x])


# one_hot


def test_one_hot(device: str) -> None:
    labels = tg.tensor([[0, 2], [1, 0]], device=device)
    y = F.one_hot(labels, 4)
    assert y.dtype == "int64"
    np.testing.assert_array_equal(host(y), np.eye(4)[host(labels)])
    assert F.one_hot(labels).shape == (2, 2, 3)
    assert F.one_hot(tg.tensor([], dtype=tg.int64), 3).shape == (0, 3)
    with pytest.raises(RuntimeError, match="smaller than num_classes, but got 2"):
        F.one_hot(labels, 2)
    with pytest.raises(RuntimeError, match="non-negative, but got -1"):
        F.one_hot(tg.tensor([-1]), 3)
    with pytest.raises(RuntimeError, match=r"type int64, but got torch\.float32"):
        F.one_hot(tg.tensor([1.0]), 3)
    with pytest.raises(RuntimeError, match="can not infer"):
        F.one_hot(tg.tensor([], dtype=tg.int64))


# Utilities


def parameters(device: str) -> list[nn.Parameter]:
    out = [nn.Parameter(tg.zeros(2, device=device)), nn.Parameter(tg.zeros(1, 2, device=device))]
    out[0].grad = tg.tensor([3.0, 0.0], device=device)
    out[1].grad = tg.tensor([[0.0, -4.0]], device=device)
    return [*out, nn.Parameter(tg.zeros(7, device=device))]


@pytest.mark.parametrize(
    ("p", "norm"), [(2.0, 5.0), (1.0, 7.0), (math.inf, 4.0), (3.0, 91 ** (1 / 3))]
)
def test_clip_grad_norm(p: float, norm: float, device: str) -> None:
    ps = parameters(device)
    total = nn.utils.clip_grad_norm_(ps, 2.0, norm_type=p)
    assert total.shape == ()
    assert total.item() == pytest.approx(norm, rel=1e-6)
    np.testing.assert_allclose(host(ps[0].grad), np.array([3, 0]) * 2 / norm, rtol=1e-6)
    np.testing.assert_allclose(host(ps[1].grad), np.array([[0, -4]]) * 2 / norm, rtol=1e-6)
    assert ps[2].grad is None


def test_clip_grad_norm_leaves_small_gradients_alone(device: str) -> None:
    ps = parameters(device)
    grad = ps[0].grad
    nn.utils.clip_grad_norm_(iter(ps), 5.1)
    assert ps[0].grad is grad
    np.testing.assert_array_equal(host(ps[0].grad), [3, 0])
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0
    assert nn.utils.clip_grad_norm_(ps[0], 1.0).item() == 3


def test_clip_grad_norm_of_nonfinite_gradients() -> None:
    ps = parameters("cpu")
    ps[0].grad = tg.tensor([math.nan, 0])
    with pytest.raises(RuntimeError, match=r"norm of order 2\.0 of .* is nan"):
        nn.utils.clip_grad_norm_(ps, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(host(ps[1].grad), [[0, -4]])
    assert math.isnan(nn.utils.clip_grad_norm_(ps, 1.0).item())


def test_clip_grad_value(device: str) -> None:
    ps = parameters(device)
    nn.utils.clip_grad_value_(ps, 3.5)
    np.testing.assert_array_equal(host(ps[0].grad), [3, 0])
    np.testing.assert_array_equal(host(ps[1].grad), [[0, -3.5]])


def test_parameters_to_vector_and_back(device: str) -> None:
    layer = nn.Linear(3, 2, device=device)
    vector = nn.utils.parameters_to_vector(layer.parameters())
    expected = np.concatenate([host(layer.weight).ravel(), host(layer.bias)])
    np.testing.assert_array_equal(host(vector), expected)
    (vector * vector).sum().backward()
    np.testing.assert_allclose(host(layer.weight.grad), 2 * host(layer.weight))
    weight, given = layer.weight, tg.arange(9.0, device=device)
    nn.utils.vector_to_parameters(given, layer.parameters())
    assert layer.weight is weight
    np.testing.assert_array_equal(host(layer.weight), [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(host(layer.bias), [6, 7])
    given[1] = 9  # the memory is shared, either way
    with tg.no_grad():
        layer.bias.fill_(-1)
    np.testing.assert_array_equal(host(layer.weight), [[0, 9, 2], [3, 4, 5]])
    np.testing.assert_array_equal(host(given), [0, 9, 2, 3, 4, 5, -1, -1, 8])
    with pytest.raises(RuntimeError, match="more than the 7 elements"):
        nn.utils.vector_to_parameters(tg.zeros(7, device=device), layer.parameters())
    with pytest.raises(TypeError, match="got int"):
        nn.utils.vector_to_parameters(3, layer.parameters())  # type: ignore[arg-type]


def test_a_net_learns(device: str) -> None:
    """Layers, loss and gradients together: XOR, by plain gradient descent."""
    tg.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2)).to(device)
    x = tg.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]], device=device)
    y = tg.tensor([0, 1, 1, 0], device=device)
    for _ in range(300):
        net.zero_grad()
        loss = nn.CrossEntropyLoss()(net(x), y)
        loss.backward()
        with tg.no_grad():
            for p in net.parameters():
                p -= p.grad * 0.5
    assert loss.item() < 0.1
    np.testing.assert_array_equal(host(net(x).argmax(1)), host(y))
