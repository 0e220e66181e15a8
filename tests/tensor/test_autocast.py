"""Mixed precision: what runs in which dtype, where casts are shared, and what gradients are."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tl
from tinygrad_lite import nn
from tinygrad_lite.backend import dtypes
from tinygrad_lite.nn import functional as F

HALF = ["float16", "bfloat16"]


@pytest.fixture(params=HALF)
def low(request: pytest.FixtureRequest) -> Any:
    """Each 16-bit dtype."""
    if request.param == "bfloat16":
        pytest.importorskip("ml_dtypes")
    return dtypes.as_dtype(request.param)


def draw(device: str, *shape: int, seed: int = 0, grad: bool = False) -> tl.Tensor:
    host = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return tl.tensor(host, device=device, requires_grad=grad)


LOW: dict[str, Callable[[Any], Any]] = {
    "linear": lambda d: F.linear(draw(d, 3, 4), draw(d, 2, 4), draw(d, 2)),
    "matmul": lambda d: draw(d, 3, 4) @ draw(d, 4, 2),
    "mm": lambda d: draw(d, 3, 4).mm(draw(d, 4, 2)),
    "bmm": lambda d: draw(d, 5, 3, 4).bmm(draw(d, 5, 4, 2)),
    "mv": lambda d: draw(d, 3, 4).mv(draw(d, 4)),
    "conv1d": lambda d: F.conv1d(draw(d, 2, 3, 8), draw(d, 4, 3, 3), draw(d, 4)),
    "conv2d": lambda d: F.conv2d(draw(d, 2, 3, 6, 6), draw(d, 4, 3, 3, 3), draw(d, 4)),
    "conv_transpose2d": lambda d: F.conv_transpose2d(draw(d, 2, 3, 4, 4), draw(d, 3, 4, 3, 3)),
}
WIDE: dict[str, Callable[[Any], Any]] = {
    "exp": lambda x: x.exp(),
    "expm1": lambda x: x.expm1(),
    "log": lambda x: x.log(),
    "log2": lambda x: x.log2(),
    "log10": lambda x: x.log10(),
    "log1p": lambda x: x.log1p(),
    "pow": lambda x: x**3,
    "pow of tensors": lambda x: x**x,
    "rpow": lambda x: 2**x,
    "reciprocal": lambda x: x.reciprocal(),
    "rdiv": lambda x: 2 / x,
    "rsqrt": lambda x: x.rsqrt(),
    "sum": lambda x: x.sum(0),
    "prod": lambda x: x.prod(0),
    "cumsum": lambda x: x.cumsum(0),
    "norm": lambda x: x.norm(),
    "logsumexp": lambda x: x.logsumexp(1),
    "softmax": lambda x: x.softmax(1),
    "log_softmax": lambda x: x.log_softmax(1),
    "softplus": F.softplus,
    "layer_norm": lambda x: F.layer_norm(x, (3,)),
    "cross_entropy": lambda x: F.cross_entropy(x, tl.tensor([0, 2], device=x.device)),
    "smoothed": lambda x: F.cross_entropy(
        x, tl.tensor([0, 2], device=x.device), label_smoothing=0.1
    ),
    "nll_loss": lambda x: F.nll_loss(x, tl.tensor([0, 2], device=x.device)),
    "mse_loss": lambda x: F.mse_loss(x, x * 2),
    "l1_loss": lambda x: F.l1_loss(x, x * 2),
    "smooth_l1_loss": lambda x: F.smooth_l1_loss(x, x * 2),
    "huber_loss": lambda x: F.huber_loss(x, x * 2),
    "kl_div": lambda x: F.kl_div(x, x, reduction="sum"),
    "with logits": lambda x: F.binary_cross_entropy_with_logits(x, x),
}
AS_GIVEN: dict[str, Callable[[Any], Any]] = {
    "relu": lambda x: x.relu(),
    "tanh": lambda x: x.tanh(),
    "sigmoid": lambda x: x.sigmoid(),
    "gelu": F.gelu,
    "abs": lambda x: x.abs(),
    "sqrt": lambda x: x.sqrt(),
    "mean": lambda x: x.mean(),
    "amax": lambda x: x.amax(1),
    "number": lambda x: x * 1.5 + 2,
    "clamp": lambda x: x.clamp(0.1, 0.9),
    "where": lambda x: x.masked_fill(x > 0.5, 0.25),
    "reshape": lambda x: x.reshape(3, 2),
    "cat": lambda x: tl.cat([x, x]),
    "dropout": lambda x: F.dropout(x, 0.5),
}


def positive(device: str, dtype: Any) -> tl.Tensor:
    return (draw(device, 2, 3).abs() + 0.3).to(dtype)


@pytest.mark.parametrize("name", LOW)
def test_products_run_in_the_low_dtype(name: str, device: str, low: Any) -> None:
    exact = LOW[name](device)
    with tl.autocast(device, dtype=low):
        y = LOW[name](device)
    assert y.dtype == low
    np.testing.assert_allclose(y.tolist(), exact.tolist(), rtol=3e-2, atol=6e-2)


@pytest.mark.parametrize("name", WIDE)
def test_what_needs_range_runs_in_float32(name: str, device: str, low: Any) -> None:
    x = positive(device, low)
    exact = WIDE[name](x.float())
    with tl.autocast(device, dtype=low):
        y = WIDE[name](x)
    assert y.dtype == "float32"
    np.testing.assert_array_equal(y.tolist(), exact.tolist())  # not rounded to 16 bits on the way


@pytest.mark.parametrize("name", AS_GIVEN)
def test_everything_else_keeps_the_dtype(name: str, device: str, low: Any) -> None:
    for dtype in (low, "float32"):
        with tl.autocast(device, dtype=low):
            assert AS_GIVEN[name](positive(device, dtype)).dtype == dtype


def test_a_sum_of_both_dtypes_is_float32(device: str, low: Any) -> None:
    x = positive(device, low)
    with tl.autocast(device, dtype=low):
        assert (x + x.float()).dtype == "float32"
        assert tl.cat([x, x.float()]).dtype == "float32"


def test_float64_and_integers_are_left_alone(device: str) -> None:
    x = draw(device, 3, 4)
    with tl.autocast(device, dtype="float16"):
        assert (x.double() @ x.double().t()).dtype == "float64"
        for other in (x.double().t(), x.long().t()):
            with pytest.raises(RuntimeError, match="matmul: expected both to have the same dtype"):
                x @ other
        with pytest.raises(RuntimeError, match="linear: input and weight must have the same dtype"):
            F.linear(x, x.double())
        with pytest.raises(RuntimeError, match=r"is torch\.float32 but weight is torch\.float64"):
            F.conv1d(x.unsqueeze(0), x.double().unsqueeze(0))
    with pytest.raises(RuntimeError, match="same dtype"):
        F.linear(x, x.half())


def test_both_16_bit_and_32_bit_operands_of_a_product_fit(device: str) -> None:
    x = draw(device, 3, 4)
    with tl.autocast(device, dtype="float16"):
        assert (x @ x.half().t()).dtype == F.linear(x.half(), x).dtype == "float16"


def test_probabilities_are_unsafe_on_a_gpu(device: str) -> None:
    x = draw(device, 4).sigmoid()
    exact = F.binary_cross_entropy(x.half().float(), x.half().float()).item()
    with tl.autocast(device, dtype="float16"):
        if device == "cpu":
            loss = F.binary_cross_entropy(x.half(), x.half())
            assert (loss.dtype, loss.item()) == ("float32", exact)
        else:
            with pytest.raises(RuntimeError, match=r"unsafe to autocast.*_with_logits"):
                F.binary_cross_entropy(x, x)
    assert F.binary_cross_entropy(x, x).dtype == "float32"


def net(device: str) -> nn.Module:
    tl.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 8),
        nn.LayerNorm(8),
        nn.Linear(8, 5),
    ).to(device)


@pytest.mark.parametrize("training", [True, False])
def test_gradients_arrive_in_float32_and_agree(device: str, low: Any, training: bool) -> None:
    t = tl.tensor([0, 1, 2, 3], device=device)
    found = []
    for cast in (False, True):
        model = net(device).train(training)
        x = draw(device, 4, 3, 8, 8, grad=True)
        with tl.autocast(device, dtype=low, enabled=cast):
            loss = F.cross_entropy(model(x), t)
        assert loss.dtype == "float32"
        loss.backward()
        grads = [p.grad for p in (x, *model.parameters())]
        assert {g.dtype for g in grads} == {tl.float32}
        found.append([np.array(g.tolist()) for g in grads])
        buffers = [b.dtype for b in model.buffers() if b.is_floating_point()]
        assert set(buffers) == {np.dtype("float32")}
    scale = max(np.abs(g).max() for g in found[0])
    tolerance = 0.01 if low == "float16" else 0.08
    for exact, close in zip(*found, strict=True):
        np.testing.assert_allclose(close, exact, atol=tolerance * scale)
    changed = [np.abs(a - b).max() for a, b in zip(*found, strict=True)]
    assert max(changed) > 1e-5 * scale  # 16 bits were really used


def weight_node(y: Any) -> Any:
    return y.grad_fn.parents[1]


def test_a_parameter_is_cast_once_in_a_region(device: str) -> None:
    x, w = draw(device, 3, 4), draw(device, 2, 4, grad=True)
    with tl.autocast(device, dtype="float16"):
        first, second = F.linear(x, w), F.linear(x, w)
        with tl.autocast(device, dtype="float16"):
            third = F.linear(x, w)
    assert weight_node(first) is weight_node(second) is weight_node(third)
    with tl.autocast(device, dtype="float16"):
        assert weight_node(F.linear(x, w)) is not weight_node(first)
    with tl.autocast(device, dtype="float16", cache_enabled=False):
        first, second = F.linear(x, w), F.linear(x, w)
    assert weight_node(first) is not weight_node(second)


def test_a_changed_parameter_is_cast_anew(device: str) -> None:
    x, w = draw(device, 3, 4), draw(device, 2, 4, grad=True)
    with tl.autocast(device, dtype="float16"):
        before = F.linear(x, w)
        with tl.no_grad():
            w.zero_()
        assert before.abs().sum().item() > 0
        assert F.linear(x, w).abs().sum().item() == 0


def test_a_cast_made_without_gradients_does_not_lose_them(device: str) -> None:
    x, w = draw(device, 3, 4), draw(device, 2, 4, grad=True)
    with tl.autocast(device, dtype="float16"):
        with tl.no_grad():
            F.linear(x, w)
        F.linear(x, w).sum().backward()
    assert w.grad is not None


def test_two_losses_of_one_region_go_backward_apart(device: str) -> None:
    x, w = draw(device, 3, 4), draw(device, 2, 4, grad=True)
    with tl.autocast(device, dtype="float16"):
        one, two = F.linear(x, w).sum(), F.linear(x * 2, w).sum()
    one.backward()
    once = np.array(w.grad.tolist())  # type: ignore[union-attr]
    two.backward()
    np.testing.assert_allclose(w.grad.tolist(), 3 * once, rtol=1e-2)  # type: ignore[union-attr]


def test_a_second_derivative_passes_through_casts(device: str) -> None:
    x = draw(device, 3, 4, grad=True)
    w = draw(device, 2, 4, grad=True)
    with tl.autocast(device, dtype="float16"):
        y = (F.linear(x, w) ** 3).sum()
    (first,) = tl.autograd.grad(y, [x], create_graph=True)
    (second,) = tl.autograd.grad(first.sum(), [w])
    exact = ((F.linear(x, w)) ** 3).sum()
    (one,) = tl.autograd.grad(exact, [x], create_graph=True)
    (want,) = tl.autograd.grad(one.sum(), [w])
    assert second.dtype == "float32"
    np.testing.assert_allclose(second.tolist(), want.tolist(), rtol=5e-2, atol=0.2)


def test_batch_norm_of_both_dtypes_is_differentiable_twice(device: str) -> None:
    x = draw(device, 4, 2, grad=True)
    w, b = draw(device, 2, grad=True), draw(device, 2, grad=True)
    y = F.batch_norm(x.half(), None, None, w, b, training=True)
    assert y.dtype == "float16"
    (first,) = tl.autograd.grad((y.float() ** 2).sum(), [x], create_graph=True)
    first.square().sum().backward()
    assert x.grad.dtype == w.grad.dtype == "float32"  # type: ignore[union-attr]


def test_regions_nest_and_end(device: str) -> None:
    x = draw(device, 3, 3)
    with tl.autocast(device, dtype="float16"):
        assert tl.is_autocast_enabled(device)
        assert tl.get_autocast_dtype(device) == "float16"
        with tl.autocast(device, enabled=False):
            assert (x @ x).dtype == "float32"
            assert not tl.is_autocast_enabled(device)
        assert (x @ x).dtype == "float16"
        with pytest.raises(ZeroDivisionError), tl.autocast(device, enabled=False):
            _ = 1 / 0
        assert (x @ x).dtype == "float16"
    assert (x @ x).dtype == "float32"


def test_as_a_decorator_and_used_again(device: str) -> None:
    region = tl.autocast(device, dtype="float16")

    @region
    def square(x: Any, depth: int = 0) -> Any:
        return square(x, depth - 1) if depth else x @ x

    x = draw(device, 3, 3)
    assert square(x, 2).dtype == "float16"
    with region, region:
        assert (x @ x).dtype == "float16"
    assert (x @ x).dtype == "float32"


def test_another_device_and_another_thread_are_not_cast(device: str) -> None:
    x = draw(device, 3, 3)
    found: list[Any] = []
    with tl.autocast("cpu", dtype="float16"):
        assert ((x @ x).dtype == "float32") == (device != "cpu")
        thread = threading.Thread(target=lambda: found.append((x @ x).dtype))
        thread.start()
        thread.join()
    assert found == ["float32"]


def test_defaults_and_names() -> None:
    pytest.importorskip("ml_dtypes")
    assert tl.autocast("cpu").fast_dtype == tl.bfloat16
    assert tl.get_autocast_dtype("cuda") == tl.float16
    assert tl.amp.autocast is tl.autocast
    with pytest.raises(RuntimeError, match="expected one of"):
        tl.autocast("tpu")
    with pytest.raises(ValueError, match="type `str`, got: `int`"):
        tl.autocast(0)  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match=r"supports float16 and bfloat16, not torch\.float64"):
        region = tl.autocast("cpu", dtype=tl.float64)
    x = draw("cpu", 2, 2)
    with region:
        assert (x @ x).dtype == "float32"


def test_the_older_name_for_the_cpu() -> None:
    x = draw("cpu", 2, 2)
    with tl.cpu.amp.autocast():
        assert (x @ x).dtype == "bfloat16"
    assert tl.cpu.amp.GradScaler(enabled=False).get_scale() == 1.0


@pytest.mark.skipif(tl.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_does_nothing() -> None:
    with pytest.warns(UserWarning, match="CUDA is not available"):
        region = tl.autocast("cuda")
    with region:
        assert not tl.is_autocast_enabled()
    with pytest.warns(UserWarning, match="CUDA is not available"), tl.cuda.amp.autocast():
        pass
    with tl.autocast("cuda", enabled=False):
        pass


def test_without_ml_dtypes_bfloat16_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    dtypes.bfloat16.cache_clear()
    try:
        assert (tl.bfloat16 == "bfloat16", tl.bfloat16 == np.float32) == (True, False)
        for use in (
            lambda: tl.autocast("cpu"),
            lambda: tl.ones(2).bfloat16(),
            lambda: nn.Linear(2, 2).bfloat16(),
        ):
            with pytest.raises(RuntimeError, match=r"bfloat16 needs .*pip install ml_dtypes"):
                use()
    finally:
        dtypes.bfloat16.cache_clear()


def test_a_sum_with_a_product_has_the_products_dtype() -> None:
    """Also where what it is added to has 32 bits."""
    x, v = tl.ones(2, 2, requires_grad=True), tl.ones(2)
    with tl.autocast("cpu", dtype=tl.float16):
        sums = tl.addmm(x, x, x), tl.addmv(v, x, v), tl.baddbmm(x[None], x[None], x[None])
    assert [y.dtype for y in sums] == [tl.float16] * 3
    sums[0].sum().backward()
    assert x.grad.dtype == tl.float32
    assert x.grad.tolist() == [[5.0, 5.0], [5.0, 5.0]]
