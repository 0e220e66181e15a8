"""Normalisation as functions: values, derivatives, edges, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests import strict
from tests.nn.norms import axes, batches, column, tensors
from tests.op_table import to_numpy
from tests.strategies import LAYOUTS, Array
from tinygrad_lite import nn
from tinygrad_lite.autograd import grad, gradcheck, gradgradcheck
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.graph import Node
from tinygrad_lite.nn import functional as F

CLOSE: dict[Any, dict[str, float]] = {
    np.float32: {"rtol": 1e-3, "atol": 1e-3},
    np.float64: {"rtol": 1e-9, "atol": 1e-9},
}
DTYPES = st.sampled_from([np.float32, np.float64])


def equation_81(x: Array, g: Array, gamma: Array, eps: float) -> Array:
    """The report's gradient of batch normalisation, term by term."""
    total = x.size // x.shape[1]
    mu = column(x.mean(axes(x)), x)
    var = column(x.var(axes(x)), x)
    sum_g = column(g.sum(axes(x)), x)
    sum_gx = column((g * (x - mu)).sum(axes(x)), x)
    inner = total * g - sum_g - (x - mu) * (var + eps) ** -1 * sum_gx
    return column(gamma, x) / total * (var + eps) ** -0.5 * inner


@given(batches(), DTYPES, st.integers(0, 99))
def test_batch_norm_and_equation_81(
    device: str, shape: tuple[int, ...], dtype: Any, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, g = rng.standard_normal(shape) * 3 + 1, rng.standard_normal(shape)
    gamma, beta = rng.standard_normal((2, shape[1]))
    eps = 0.01
    t, w, b = tensors(device, dtype, x, gamma, beta)
    y = F.batch_norm(t, None, None, w, b, training=True, eps=eps)
    y.backward(tg.as_tensor(namespace_for(device).asarray(g.astype(dtype))))
    normal = (x - column(x.mean(axes(x)), x)) / np.sqrt(column(x.var(axes(x)), x) + eps)
    near = CLOSE[dtype]
    expected = column(gamma, x) * normal + column(beta, x)
    np.testing.assert_allclose(to_numpy(y), expected, **near)
    np.testing.assert_allclose(to_numpy(t.grad), equation_81(x, g, gamma, eps), **near)
    np.testing.assert_allclose(to_numpy(w.grad), (g * normal).sum(axes(x)), **near)  # 56
    np.testing.assert_allclose(to_numpy(b.grad), g.sum(axes(x)), **near)  # 59
    assert y.dtype == t.grad.dtype == w.grad.dtype == b.grad.dtype == dtype
    if y.ndim > 2:
        assert y.array.transpose(*range(1, y.ndim), 0).flags.c_contiguous


@given(batches(), DTYPES, st.booleans())
def test_batch_norm_in_evaluation(
    device: str, shape: tuple[int, ...], dtype: Any, affine: bool
) -> None:
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal(shape), rng.standard_normal(shape)
    mean, var = rng.standard_normal(shape[1]), rng.random(shape[1]) + 0.1
    gamma, beta = rng.standard_normal((2, shape[1])) if affine else (np.ones(1), np.zeros(1))
    t, m, v, w, b = tensors(device, dtype, x, mean, var, gamma, beta)
    y = F.batch_norm(t, m, v, *((w, b) if affine else ()))
    y.backward(tg.as_tensor(namespace_for(device).asarray(g.astype(dtype))))
    scale = column(1 / np.sqrt(var + 1e-5), x)
    normal = (x - column(mean, x)) * scale
    expected = column(gamma, x) * normal + column(beta, x)
    np.testing.assert_allclose(to_numpy(y), expected, **CLOSE[dtype])
    np.testing.assert_allclose(to_numpy(t.grad), g * scale * column(gamma, x), **CLOSE[dtype])
    if affine:
        np.testing.assert_allclose(to_numpy(w.grad), (g * normal).sum(axes(x)), **CLOSE[dtype])
        np.testing.assert_allclose(to_numpy(b.grad), g.sum(axes(x)), **CLOSE[dtype])
    assert m.grad is v.grad is None
    np.testing.assert_array_equal(to_numpy(m), mean.astype(dtype))  # not moved


@given(batches(), st.integers(1, 3), DTYPES, st.booleans())
def test_layer_norm(
    device: str, shape: tuple[int, ...], dims: int, dtype: Any, affine: bool
) -> None:
    rng = np.random.default_rng(0)
    last = shape[-min(dims, len(shape)) :]
    over = tuple(range(-len(last), 0))
    x, g = rng.standard_normal(shape) + 1, rng.standard_normal(shape)
    gamma, beta = rng.standard_normal((2, *last))
    t, w, b = tensors(device, dtype, x, gamma, beta)
    y = F.layer_norm(t, last, *((w, b) if affine else ()), eps=0.1)
    y.backward(tg.as_tensor(namespace_for(device).asarray(g.astype(dtype))))
    r = 1 / np.sqrt(x.var(over, keepdims=True) + 0.1)
    normal = (x - x.mean(over, keepdims=True)) * r
    expected = normal * gamma + beta if affine else normal
    np.testing.assert_allclose(to_numpy(y), expected, **CLOSE[dtype])
    h = g * gamma if affine else g
    moment = (h * normal).mean(over, keepdims=True)
    dx = r * (h - h.mean(over, keepdims=True) - normal * moment)
    np.testing.assert_allclose(to_numpy(t.grad), dx, **CLOSE[dtype])
    if affine:
        samples = tuple(range(len(shape) - len(last)))
        np.testing.assert_allclose(to_numpy(w.grad), (g * normal).sum(samples), **CLOSE[dtype])
        np.testing.assert_allclose(to_numpy(b.grad), g.sum(samples), **CLOSE[dtype])


def _evaluate(x: Any, *affine: Any, **words: Any) -> Any:
    mean, var = (
        tg.full((2,), 0.3, dtype=x.dtype, device=x.device),
        tg.full((2,), 1.7, dtype=x.dtype, device=x.device),
    )
    return F.batch_norm(x, mean, var, *affine, **words)


def _train(x: Any, *affine: Any, **words: Any) -> Any:
    return F.batch_norm(x, None, None, *affine, training=True, **words)


NORMS: dict[str, tuple[Any, tuple[int, ...], tuple[int, ...]]] = {
    "batch, matrix": (_train, (4, 2), (2,)),
    "batch, images": (_train, (3, 2, 2, 2), (2,)),
    "evaluation": (_evaluate, (3, 2, 2), (2,)),
    "layer": (lambda x, *a, **k: F.layer_norm(x, (2, 3), *a, **k), (2, 2, 3), (2, 3)),
}  # fmt: skip


def draw(name: str, device: str) -> list[tg.Tensor]:
    _, shape, affine = NORMS[name]
    rng = np.random.default_rng(0)
    arrays = (rng.standard_normal(s) for s in (shape, affine, affine))
    return tensors(device, np.float64, *arrays)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", NORMS)
def test_gradients_and_second_derivatives(name: str, count: int, device: str) -> None:
    inputs = draw(name, device)[:count]
    assert gradcheck(NORMS[name][0], inputs)
    assert gradgradcheck(NORMS[name][0], inputs)


@pytest.mark.parametrize("name", NORMS)
def test_any_subset_of_gradients(name: str, device: str) -> None:
    inputs = draw(name, device)
    y = NORMS[name][0](*inputs)
    g = tg.randn(y.shape, dtype=tg.float64, device=device)
    whole = [to_numpy(t) for t in grad(y, inputs, g, retain_graph=True)]
    for mask in range(1, 8):
        wanted = [i for i in range(3) if mask >> i & 1]
        some = [t if i in wanted else t.detach() for i, t in enumerate(inputs)]
        again = NORMS[name][0](*some)
        for _ in range(2):  # a second pass over the same graph, with the same g
            found = grad(again, [some[i] for i in wanted], g, retain_graph=True)
            for i, t in zip(wanted, found, strict=True):
                np.testing.assert_allclose(to_numpy(t), whole[i], atol=1e-12)


@pytest.mark.parametrize("name", NORMS)
def test_second_derivatives_are_of_the_same_function(name: str, device: str) -> None:
    function, inputs = NORMS[name][0], draw(name, device)
    y = function(*inputs, eps=0.5)  # large, so that it can be seen
    g = tg.randn(y.shape, dtype=tg.float64, device=device)
    fused = grad(y, inputs, g, retain_graph=True)
    composed = grad(y, inputs, g, create_graph=True)
    for a, b in zip(fused, composed, strict=True):
        np.testing.assert_allclose(to_numpy(a), to_numpy(b.detach()), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NORMS)
def test_shared_sums_are_of_the_gradient_at_hand(name: str, device: str) -> None:
    inputs = draw(name, device)
    y = NORMS[name][0](inputs[0].detach(), *inputs[1:])
    one, two = (tg.randn(y.shape, dtype=tg.float64, device=device) for _ in range(2))
    assert isinstance(y.grad_fn, Node)
    vjps: Any = y.grad_fn.vjps
    wanted = (*(False for _ in y.grad_fn.parents[:-2]), True, True)
    next(g for g in vjps(one.array, wanted) if g is not None)  # a walk that stopped half-way
    *_, found = vjps(two.array, wanted)
    np.testing.assert_allclose(to_numpy(tg.as_tensor(found)), to_numpy(grad(y, inputs[2], two)[0]))


def test_accumulation_without_a_gradient_of_x(device: str) -> None:
    for name in NORMS:
        x, *affine = draw(name, device)
        y = NORMS[name][0](x.detach(), *affine)
        g = tg.randn(y.shape, dtype=tg.float64, device=device)
        y.backward(g, retain_graph=True)
        once = [to_numpy(t.grad) for t in affine]
        y.backward(g, retain_graph=True)
        y.backward(g)
        for t, first in zip(affine, once, strict=True):
            np.testing.assert_allclose(to_numpy(t.grad), 3 * first)


@pytest.mark.parametrize("name", NORMS)
def test_gradients_own_their_memory(name: str, device: str) -> None:
    inputs = draw(name, device)
    before = [to_numpy(t) for t in inputs]
    y = NORMS[name][0](*inputs)
    g = tg.randn(y.shape, dtype=tg.float64, device=device)
    kept = to_numpy(g)
    y.backward(g, retain_graph=True)
    first = [to_numpy(t.grad) for t in inputs]
    y.backward(g)
    for t, once, old in zip(inputs, first, before, strict=True):
        np.testing.assert_allclose(to_numpy(t.grad), 2 * once)
        np.testing.assert_array_equal(to_numpy(t), old)
        if device == "cpu":
            held = (*inputs, y, g)
            assert not any(np.shares_memory(t.grad.array, o.array) for o in held)
    np.testing.assert_array_equal(to_numpy(g), kept)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NORMS)
def test_any_memory_order(name: str, layout: str, device: str) -> None:
    function, shape, _ = NORMS[name]
    x, w, b = draw(name, device)
    odd = tg.as_tensor(LAYOUTS[layout](namespace_for(device), to_numpy(x))).requires_grad_()
    (same,) = tensors(device, np.float64, to_numpy(odd))
    g = np.random.default_rng(1).standard_normal(shape)
    strange = tg.as_tensor(LAYOUTS["two axes swapped"](namespace_for(device), g))
    y, expected = function(odd, w, b), function(same, w, b)
    y.backward(strange)
    expected.backward(strange.clone())
    np.testing.assert_allclose(to_numpy(y), to_numpy(expected), atol=1e-12)
    np.testing.assert_allclose(to_numpy(odd.grad), to_numpy(same.grad), atol=1e-12)


def test_batch_norm_keeps_x_and_two_numbers_a_channel() -> None:
    x, w, b = tensors("cpu", np.float64, np.random.default_rng(0).standard_normal((4, 3, 2, 2)),
                      np.ones(3), np.ones(3))  # fmt: skip
    y = F.batch_norm(x, None, None, w, b, training=True)
    assert isinstance(y.grad_fn, Node)
    found: list[Any] = []

    def gather(value: Any) -> None:
        for cell in getattr(value, "__closure__", None) or ():
            gather(cell.cell_contents)
        if isinstance(value, np.ndarray) and not any(value is f for f in found):
            found.append(value)

    joint = y.grad_fn.vjps
    for vjp in (joint.prepare, *joint.parts):
        gather(vjp)
    assert any(f is x.array for f in found)
    assert sorted(f.size for f in found if f is not x.array) == [3, 3, 3]  # μ, r and γ


def test_change_of_x_in_place_is_found(device: str) -> None:
    for name in NORMS:
        inputs = draw(name, device)
        x = inputs[0] * 1
        y = NORMS[name][0](x, *inputs[1:])
        x.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an in-place operation"):
            y.sum().backward()


def test_frozen_weights_and_constant_input(device: str) -> None:
    x = tg.randn(4, 3, 2, 2, device=device)
    layer = nn.BatchNorm2d(3, device=device)
    layer(x).sum().backward()  # x needs no gradient
    np.testing.assert_allclose(to_numpy(layer.bias.grad), 16)
    np.testing.assert_allclose(to_numpy(layer.weight.grad), 0, atol=1e-4)
    layer.requires_grad_(False)
    x.requires_grad_()
    layer(x).sum().backward()
    assert to_numpy(layer.bias.grad).max() == 16
    np.testing.assert_allclose(to_numpy(x.grad), 0, atol=1e-5)


def test_far_from_zero_and_constant_channels(device: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 2, 4, 4)) + 1000
    x[:, 1] = 7
    (t,) = tensors(device, np.float32, x)
    y = to_numpy(F.batch_norm(t, None, None, training=True))
    exact = x.astype(np.float32).astype(np.float64)
    expected = (exact - column(exact.mean(axes(x)), x)) / np.sqrt(
        column(exact.var(axes(x)), x) + 1e-5
    )
    np.testing.assert_allclose(y, expected, atol=2e-3)  # E x² − μ² would be off by 0.06
    assert not y[:, 1].any()


def test_empty_batch(device: str) -> None:
    layer = nn.BatchNorm2d(2, device=device)
    x = tg.zeros(0, 2, 3, 3, device=device, requires_grad=True)
    layer(x).sum().backward()
    F.layer_norm(x, (3, 3)).sum().backward()
    assert x.grad is not None
    assert to_numpy(layer.weight.grad).tolist() == [0, 0]
    assert to_numpy(layer.running_var).tolist() == [1, 1]


def test_half_precision_is_computed_in_float32(device: str) -> None:
    x = np.random.default_rng(0).standard_normal((300, 2, 8, 8)) * 20 + 100
    (t,) = tensors(device, np.float16, x)
    w, b = tensors(device, np.float16, np.ones(2), np.zeros(2))
    y = F.batch_norm(t, None, None, w, b, training=True)
    y.sum().backward()  # Σ x² is far above the largest float16
    exact = x.astype(np.float16).astype(np.float64)
    expected = (exact - column(exact.mean(axes(x)), x)) / column(exact.std(axes(x)), x)
    np.testing.assert_allclose(to_numpy(y), expected, atol=5e-3)
    assert y.dtype == t.grad.dtype == w.grad.dtype == np.float16
    y = F.layer_norm(t, (8, 8))
    y.sum().backward()
    assert y.dtype == np.float16
    assert np.isfinite(to_numpy(y)).all()


def test_nothing_waits_for_the_device() -> None:
    strict.install()
    for name in NORMS:
        inputs = draw(name, "strict")
        with strict.forbid_sync():
            NORMS[name][0](*inputs).sum().backward()


def _zeros(*shape: int, dtype: Any = None) -> tg.Tensor:
    return tg.zeros(*shape, dtype=dtype)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.BatchNorm1d(3)(_zeros(1, 3)), ValueError,
         "Expected more than 1 value per channel when training, got input size"),
        (lambda: nn.BatchNorm2d(3, track_running_stats=False).eval()(_zeros(1, 3, 1, 1)),
         ValueError, "Expected more than 1 value per channel"),
        (lambda: nn.BatchNorm2d(3)(_zeros(2, 3)), ValueError, r"expected 4D input \(got 2D input"),
        (lambda: nn.BatchNorm1d(3)(_zeros(2, 3, 1, 1)), ValueError,
         r"expected 2D or 3D input \(got 4D input\)"),
        (lambda: nn.BatchNorm2d(3)(_zeros(2, 4, 2, 2)), RuntimeError,
         r"BatchNorm2d: expected 3 channels, but the input's shape is \(2, 4, 2, 2\)"),
        (lambda: F.batch_norm(_zeros(2, 3), None, None), RuntimeError, "running_mean and"),
        (lambda: F.batch_norm(_zeros(3), None, None, training=True), RuntimeError, r"\(3,\)"),
        (lambda: F.batch_norm(_zeros(2, 3), _zeros(4), _zeros(3)), RuntimeError,
         r"batch_norm: running_mean must have shape \(3,\) .* has \(4,\)"),
        (lambda: F.batch_norm(_zeros(2, 3), None, _zeros(4), training=True), RuntimeError,
         r"batch_norm: running_var must have shape \(3,\) .* has \(4,\)"),
        (lambda: F.batch_norm(_zeros(2, 3), None, None, _zeros(2), training=True), RuntimeError,
         r"batch_norm: weight must have shape \(3,\) .* has \(2,\)"),
        (lambda: F.batch_norm(_zeros(2, 3), None, None, _zeros(3, dtype="float64"), training=True),
         RuntimeError, "batch_norm: input and weight must have the same dtype.*float32.*float64"),
        (lambda: F.layer_norm(_zeros(2, 3), 4), RuntimeError,
         r"normalized_shape=\(4,\), expected input with shape \(\*, 4\), but got \(2, 3\)"),
        (lambda: F.layer_norm(_zeros(3), (2, 3)), RuntimeError, r"but got \(3,\)"),
        (lambda: F.layer_norm(_zeros(2, 3), 3, _zeros(2)), RuntimeError,
         r"layer_norm: weight must have shape \(3,\)"),
        (lambda: F.layer_norm(_zeros(2, 3), ()), RuntimeError, "at least one dimension"),
    ],
)  # fmt: skip
def test_refuses(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("groups", [0, 2, 3])
def test_groups_divide_the_channels(groups: int) -> None:
    with pytest.raises(RuntimeError, match="divisible by num_groups"):
        F.group_norm(tg.ones(1, 5, 2), groups)


def test_channels_are_those_of_the_parameters() -> None:
    """Programs prune channels by giving the tensors other memory; `num_features` stays."""
    norm, x = nn.BatchNorm2d(4), tg.randn(3, 2, 5, 5)
    for name in ("weight", "bias", "running_mean", "running_var"):
        tensor = getattr(norm, name)
        tensor.data = tensor.detach()[:2]
    assert tg.equal(norm(x), nn.BatchNorm2d(2)(x))
    with pytest.raises(RuntimeError, match="expected 2 channels"):
        norm(tg.randn(3, 4, 5, 5))


def test_normalize_into_out() -> None:
    v, u = tg.tensor([3.0, 4.0]), tg.zeros(2)
    assert F.normalize(v, dim=0, out=u) is u
    assert u.tolist() == F.normalize(v, dim=0).tolist() == pytest.approx([0.6, 0.8])
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        F.normalize(v.requires_grad_(), dim=0, out=u)
