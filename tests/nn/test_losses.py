"""Losses of each element by itself: PyTorch's values, extremes, reductions, errors and layers.

The rows of `tests/op_table/loss.py` put them through the property tests.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests import strategies as some
from tests import strict
from tests.op_table import leaves, to_numpy
from tests.strategies import Array, examples, real
from tinygrad_lite import nn
from tinygrad_lite.autograd import gradcheck, gradgradcheck
from tinygrad_lite.nn import functional as F

P = np.array([[0.2, 0.9], [0.5, 0.4]])
T = np.array([[0.0, 1.0], [0.25, 0.7]])
LOGITS = np.array([[-2.0, 0.5], [3.0, 0.0]])
W, POS = np.array([1.0, 3.0]), np.array([2.0, 0.5])
Call = Callable[[tg.Tensor, tg.Tensor], tg.Tensor]


def on(x: tg.Tensor, array: Array) -> tg.Tensor:
    """An array as a tensor of x's dtype, on its device."""
    return tg.tensor(array, dtype=x.dtype, device=x.device)


# Computed with PyTorch 2.13: the loss, and its derivative with respect to the input.
PYTORCH: dict[str, tuple[Array, Call, float, Any]] = {
    "mse": (P, F.mse_loss, 0.050625, [[0.1, -0.05], [0.125, -0.15]]),
    "l1": (P, F.l1_loss, 0.2125, [[0.25, -0.25], [0.25, -0.25]]),
    "smooth_l1": (
        P,
        lambda x, t: F.smooth_l1_loss(x, t, beta=0.25),
        0.1,
        [[0.2, -0.1], [0.25, -0.25]],
    ),
    "huber": (
        P,
        lambda x, t: F.huber_loss(x, t, delta=0.25),
        0.025,
        [[0.05, -0.025], [0.0625, -0.0625]],
    ),
    "bce": (
        P,
        lambda x, t: F.binary_cross_entropy(x, t, on(x, W)),
        0.904081469293,
        [[0.3125, -0.833333333333], [0.25, -0.9375]],
    ),
    "logits": (
        LOGITS,
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, on(x, W), pos_weight=on(x, POS)),
        1.125103669718,
        [[0.029800730506, -0.141577750799], [0.172679414632, -0.01875]],
    ),
    "kl": (
        LOGITS,
        lambda x, t: F.kl_div(F.log_softmax(x, 1), t, reduction="batchmean"),
        0.814400833625,
        [[0.037929090011, -0.037929090011], [0.327472710241, -0.327472710241]],
    ),
    "kl_log": (
        LOGITS,
        lambda x, t: F.kl_div(x, t, reduction="batchmean", log_target=True),
        0.618848956784,
        [[-0.5, -1.35914091423], [-0.642012708344, -1.006876353735]],
    ),
}


@pytest.mark.parametrize("name", PYTORCH)
def test_values_and_derivatives_of_pytorch(name: str, device: str) -> None:
    array, call, value, slope = PYTORCH[name]
    (x, t) = leaves((array, T), device)
    loss = call(x, t.detach())
    loss.backward()
    assert loss.shape == ()
    assert loss.item() == pytest.approx(value, abs=2e-12)
    np.testing.assert_allclose(to_numpy(x.grad), slope, rtol=0, atol=2e-12)


@pytest.mark.parametrize("name", PYTORCH)
def test_derivatives(name: str, device: str) -> None:
    array, call, _, _ = PYTORCH[name]
    targets = np.array([[0.35, 0.72], [0.15, 0.55]])
    if name in ("smooth_l1", "huber"):  # away from the bend, where |x − t| is 0.25
        targets = np.array([[0.35, 0.2], [0.95, 0.55]])
    pair = leaves((array, targets), device)
    assert gradcheck(call, pair)
    assert gradgradcheck(call, pair)


SIMPLE: dict[str, Call] = {
    "mse_loss": F.mse_loss,
    "l1_loss": F.l1_loss,
    "smooth_l1_loss": F.smooth_l1_loss,
    "huber_loss": F.huber_loss,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    "kl_div": F.kl_div,
}
ALL = {**SIMPLE, "binary_cross_entropy": F.binary_cross_entropy}


@examples(0.5)
@given(data=st.data(), name=st.sampled_from(sorted(ALL)))
def test_reductions(device: str, data: Any, name: str) -> None:
    shape = data.draw(some.shapes())
    rng = data.draw(some.sources())
    x, t = leaves((rng.uniform(0, 1, shape), rng.uniform(0.1, 1, shape)), device)
    call: Any = ALL[name]
    each = call(x, t, reduction="none")
    assert each.shape == shape
    total = call(x, t, reduction="sum")
    assert total.shape == ()
    assert total.item() == pytest.approx(to_numpy(each).sum())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # kl_div's, tested below
        mean = call(x, t, reduction="mean")
    if math.prod(shape):
        assert mean.item() == pytest.approx(to_numpy(each).mean())
    else:
        assert math.isnan(mean.item())
    with pytest.raises(ValueError, match="average is not a valid value for reduction"):
        call(x, t, reduction="average")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SIMPLE)
def test_extreme_inputs(name: str, dtype: str, device: str) -> None:
    x = tg.tensor([-1e4, 1e4, -1e4, 1e4, 0], dtype=dtype, device=device, requires_grad=True)
    t = tg.tensor([0, 0, 1.0, 1.0, 0], dtype=dtype, device=device, requires_grad=True)
    call: Any = SIMPLE[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = call(x, t, reduction="none")
        loss.sum().backward(retain_graph=True)
        (slope,) = tg.autograd.grad(loss.sum(), x, create_graph=True)
        if slope.requires_grad:
            (slope * slope).sum().backward()
    assert loss.dtype == dtype
    for found in (loss, slope, x.grad, t.grad):
        assert np.isfinite(to_numpy(found)).all()
    if name == "binary_cross_entropy_with_logits":
        np.testing.assert_allclose(to_numpy(loss), [0, 1e4, 1e4, 0, math.log(2)], rtol=1e-6)
        np.testing.assert_allclose(to_numpy(slope), [0, 1, -1, 0, 0.5], rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_certain_probabilities_cost_at_most_100(dtype: str, device: str) -> None:
    x = tg.tensor([0, 1, 0, 1, 1e-45], dtype=dtype, device=device, requires_grad=True)
    t = tg.tensor([0, 1.0, 1.0, 0, 1.0], dtype=dtype, device=device, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = F.binary_cross_entropy(x, t, reduction="none")
        loss.sum().backward()
    assert to_numpy(loss).tolist() == [0, 0, 100, 100, 100]
    np.testing.assert_allclose(to_numpy(x.grad), [0, 0, -1e12, 1e12, -1e12], rtol=1e-6)
    assert to_numpy(t.grad).tolist() == [100, -100, 100, -100, 100]


def test_small_probabilities_keep_their_digits(device: str) -> None:
    x = tg.tensor([1e-8, 1e-8], device=device)
    t = tg.tensor([0.0, 1.0], device=device)
    found = to_numpy(F.binary_cross_entropy(x, t, reduction="none"))
    np.testing.assert_allclose(found, [1e-8, -math.log(1e-8)], rtol=1e-6)


def test_no_probability_is_no_divergence(device: str) -> None:
    x = tg.tensor([-1.0, -2.0], device=device, requires_grad=True)
    t = tg.tensor([0.0, 1.0], device=device)
    loss = F.kl_div(x, t, reduction="sum")
    loss.backward()
    assert loss.item() == 2
    assert to_numpy(x.grad).tolist() == [0, -1]


def test_integers_beside_a_weight(device: str) -> None:
    """They are squared as they are, and weighed in the weights' dtype; booleans do not subtract."""
    x, t = (tg.tensor(v, device=device) for v in ([1, 2, 5], [1, 4, 2]))
    weight = tg.tensor([1.0, 0.5, 2.5], device=device)
    assert F.mse_loss(x, t, weight=weight).item() == (0.5 * 4 + 2.5 * 9) / 4
    with pytest.raises(RuntimeError, match="boolean"):
        F.mse_loss(weight, t.bool(), weight=weight)
    with pytest.raises(NotImplementedError):
        F.mse_loss(x, t)


def test_at_equality_and_at_the_bend(device: str) -> None:
    t = tg.tensor([1.0, 1.0, 1.0], dtype="float64", device=device)
    for call, wanted in [
        (F.l1_loss, [0, 1, -1]),
        (F.mse_loss, [0, 1, -1]),
        (F.smooth_l1_loss, [0, 0.5, -0.5]),
        (lambda *a, **k: F.smooth_l1_loss(*a, beta=0, **k), [0, 1, -1]),
        (lambda *a, **k: F.smooth_l1_loss(*a, beta=0.5, **k), [0, 1, -1]),
        (lambda *a, **k: F.huber_loss(*a, delta=0.25, **k), [0, 0.25, -0.25]),
    ]:
        x = tg.tensor([1.0, 1.5, 0.5], dtype="float64", device=device, requires_grad=True)
        call(x, t, reduction="sum").backward()
        assert to_numpy(x.grad).tolist() == wanted
    (x,) = leaves((np.ones(3),), device)
    assert gradgradcheck(lambda x: F.smooth_l1_loss(x, t, beta=2.0, reduction="none"), x)


def test_equal_to_what_they_are_made_of(device: str) -> None:
    """Σ over logits: BCE with logits is BCE of the sigmoid; huber is δ times smooth L1."""
    rng = np.random.default_rng(0)
    x, t = leaves((3 * real(rng, (4, 3)), rng.uniform(0, 1, (4, 3))), device)
    one = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    two = F.binary_cross_entropy(x.sigmoid(), t, reduction="none")
    np.testing.assert_allclose(to_numpy(one), to_numpy(two), rtol=1e-11)
    huber = F.huber_loss(x, t, delta=0.7, reduction="none")
    smooth = F.smooth_l1_loss(x, t, beta=0.7, reduction="none")
    np.testing.assert_allclose(to_numpy(huber), 0.7 * to_numpy(smooth), rtol=1e-12)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_a_target_of_another_shape_brings_pytorchs_warning(name: str, device: str) -> None:
    x, t = leaves((np.ones((3, 1)), np.zeros(3)), device)
    call: Any = ALL[name]
    with pytest.warns(
        UserWarning, match=r"target size \(\(3,\)\).*input size \(\(3, 1\)\)"
    ) as found:
        loss = call(x, t, reduction="none")
    assert found[0].filename == __file__
    assert loss.shape == (3, 3)
    message = r"shapes \(3, 1\) and \(2, 2\) cannot be broadcast"
    bad = tg.zeros(2, 2, dtype="float64", device=device)
    with pytest.warns(UserWarning, match="target size"), pytest.raises(RuntimeError, match=message):
        call(x, bad)


def test_kl_div_warns_of_the_mean() -> None:
    with pytest.warns(UserWarning, match="'batchmean' divides only by the batch size"):
        F.kl_div(tg.zeros(2, 3), tg.ones(2, 3))
    assert F.kl_div(tg.ones(2, 3), tg.ones(2, 1), reduction="batchmean").item() == -3
    assert F.kl_div(tg.tensor(1.0), tg.tensor(1.0), reduction="batchmean").item() == -1


def test_dtypes(device: str) -> None:
    x, t = tg.ones(2, device=device), tg.tensor([1, 3], device=device)
    assert F.mse_loss(x, t).item() == 2
    assert F.mse_loss(x, t).dtype == "float32"
    assert F.mse_loss(x, t.double()).dtype == "float64"
    with pytest.raises(RuntimeError, match=r"mse_loss: .* floating point, but got torch\.int64"):
        F.mse_loss(t, t)


X, WIDE = tg.zeros(2, 1), tg.ones(3)
BAD = [
    (lambda: F.binary_cross_entropy(X, tg.zeros(2)), ValueError, r"\(\(2,\)\) must.*\(\(2, 1\)\)"),
    (lambda: F.binary_cross_entropy(X, X.double()), RuntimeError, "float32 and torch.float64"),
    (lambda: F.binary_cross_entropy(X + 2, X), RuntimeError, "of input should be between 0 and 1"),
    (lambda: F.binary_cross_entropy(X * math.nan, X), RuntimeError, "of input should be between"),
    (lambda: F.binary_cross_entropy(X, X - 1), RuntimeError, "of target should be between 0 and 1"),
    (
        lambda: F.binary_cross_entropy(X, X, WIDE),
        RuntimeError,
        r"weights of shape \(3,\).*\(2, 1\)",
    ),
    (lambda: F.binary_cross_entropy_with_logits(X, tg.zeros(2)), ValueError, r"\(\(2,\)\) must"),
    (lambda: F.binary_cross_entropy_with_logits(X, X.long()), RuntimeError, "and torch.int64"),
    (lambda: F.binary_cross_entropy_with_logits(X, X, WIDE), RuntimeError, r"shape \(3,\) do not"),
    (
        lambda: F.binary_cross_entropy_with_logits(X, X, pos_weight=WIDE),
        RuntimeError,
        r"weights of shape \(3,\) do not broadcast to shape \(2, 1\)",
    ),
    (lambda: F.smooth_l1_loss(X, X, beta=-0.5), RuntimeError, "beta must not be negative.*-0.5"),
    (lambda: F.huber_loss(X, X, delta=0), RuntimeError, "delta must be positive, but is 0"),
    (lambda: F.mse_loss(X, [0.0]), TypeError, "mse_loss: target must be a Tensor, not list"),
    (lambda: F.kl_div(X, 1.0, reduction="sum"), TypeError, "kl_div: target must be a Tensor"),
    (lambda: nn.MSELoss(reduction="batchmean"), ValueError, "batchmean is not a valid value"),
    (lambda: nn.KLDivLoss(reduction="all"), ValueError, "all is not a valid value"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_errors(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


LAYERS: dict[str, tuple[nn.Module, Call]] = {
    "MSELoss()": (nn.MSELoss(reduction="sum"), lambda x, t: F.mse_loss(x, t, reduction="sum")),
    "L1Loss()": (nn.L1Loss(), F.l1_loss),
    "SmoothL1Loss()": (nn.SmoothL1Loss(beta=0.3), lambda x, t: F.smooth_l1_loss(x, t, beta=0.3)),
    "HuberLoss()": (nn.HuberLoss(delta=0.3), lambda x, t: F.huber_loss(x, t, delta=0.3)),
    "BCELoss()": (
        nn.BCELoss(tg.tensor([1.0, 3.0]), reduction="none"),
        lambda x, t: F.binary_cross_entropy(x, t, on(x, W), reduction="none"),
    ),
    "BCEWithLogitsLoss()": (
        nn.BCEWithLogitsLoss(tg.tensor([1.0, 3.0]), pos_weight=tg.tensor([2.0, 0.5])),
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, on(x, W), pos_weight=on(x, POS)),
    ),
    "KLDivLoss()": (
        nn.KLDivLoss(reduction="batchmean", log_target=True),
        lambda x, t: F.kl_div(x, t, reduction="batchmean", log_target=True),
    ),
}


@pytest.mark.parametrize("text", LAYERS)
def test_layers(text: str, device: str) -> None:
    layer, function = LAYERS[text]
    assert repr(layer) == text
    x, t = (tg.tensor(a, dtype="float32", device=device) for a in (P, T))
    assert tg.equal(layer.to(device)(x, t), function(x, t))


def test_weights_are_buffers() -> None:
    layer = nn.BCEWithLogitsLoss(tg.ones(2), pos_weight=tg.zeros(2))
    assert list(layer.state_dict()) == ["weight", "pos_weight"]
    assert list(nn.BCELoss().state_dict()) == []
    assert list(layer.parameters()) == []


def test_only_the_check_of_probabilities_waits_for_the_device() -> None:
    strict.install()
    x, t = (tg.tensor(a, dtype="float32", device="strict") for a in (P, T))
    x.requires_grad_()
    one = tg.tensor(1.0, device="strict")
    with strict.forbid_sync():
        for call in SIMPLE.values():
            call(x, t, reduction="sum").backward(one)  # type: ignore[call-arg]
        with pytest.raises(strict.HiddenSync):
            F.binary_cross_entropy(x, t)
