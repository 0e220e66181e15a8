"""The loss scaler: what it scales, when it skips, how the scale moves, and what is saved."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tl
from tests import cuda_host
from tests.cuda_host.device import emulated
from tinygrad_lite import nn, optim
from tinygrad_lite.amp import GradScaler, grad_scaler
from tinygrad_lite.backend import namespace_for, to_host
from tinygrad_lite.backend.cuda import source
from tinygrad_lite.nn import functional as F


def parameter(device: str, *values: float) -> tl.Tensor:
    return tl.tensor(list(values), device=device, requires_grad=True)


def make(device: str, **options: Any) -> GradScaler:
    """A scaler; its device only says that there must be a GPU, which "cpu" does not."""
    return GradScaler("cuda" if device == "cuda" else "cpu", **options)


def test_it_scales_losses_and_lists_of_them(device: str) -> None:
    scaler = make(device, init_scale=8.0)
    a, b = tl.tensor(2.0, device=device), tl.tensor(3.0, device=device)
    assert scaler.scale(a).item() == 16
    assert [x.item() for x in scaler.scale([a, b])] == [16, 24]
    nested = scaler.scale((a, [b]))
    assert (type(nested), nested[1][0].item()) == (tuple, 24)
    half = scaler.scale(a.half())
    assert (half.item(), half.dtype) == (16, "float32")
    with pytest.raises(ValueError, match="must be a Tensor or an iterable"):
        scaler.scale(3)


def test_steps_are_those_without_it(device: str) -> None:
    found = []
    for enabled in (True, False):
        w = parameter(device, 1.0, -2.0)
        optimizer = optim.Adam([w], lr=0.1)
        scaler = make(device, enabled=enabled)
        for _ in range(5):
            optimizer.zero_grad()
            scaler.scale((w * w).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
        found.append(w.tolist())
    np.testing.assert_array_equal(*found)  # the scale is a power of two: nothing is rounded


def test_the_optimizer_sees_unscaled_gradients(device: str) -> None:
    w = parameter(device, 1.0, 2.0)
    scaler = make(device)
    scaler.scale((w * tl.tensor([3.0, 4.0], device=device)).sum()).backward()
    assert w.grad.tolist() == [3.0 * 2**16, 4.0 * 2**16]  # type: ignore[union-attr]
    optimizer = optim.SGD([w], lr=1.0)
    scaler.unscale_(optimizer)
    assert w.grad.tolist() == [3.0, 4.0]  # type: ignore[union-attr]
    assert nn.utils.clip_grad_norm_([w], 1.0).item() == pytest.approx(5.0)
    scaler.step(optimizer)
    np.testing.assert_allclose(w.tolist(), [1 - 0.6, 2 - 0.8], rtol=1e-5)


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_a_gradient_that_is_not_finite_skips_the_step(device: str, bad: float) -> None:
    w, v = parameter(device, 1.0, 2.0), parameter(device, 3.0)
    optimizer = optim.SGD([w, v], lr=1.0, momentum=0.9)
    scaler = make(device, init_scale=64.0, backoff_factor=0.25)
    scaler.scale((w * tl.tensor([1.0, bad], device=device)).sum() + v.sum()).backward()
    assert scaler.step(optimizer) is None
    assert (w.tolist(), v.tolist(), len(optimizer.state)) == ([1.0, 2.0], [3.0], 0)
    scaler.update()
    assert scaler.get_scale() == 16.0


def test_the_flag_is_one_optimizers_own(device: str) -> None:
    w, v = parameter(device, 1.0), parameter(device, 1.0)
    one, two = optim.SGD([w], lr=1.0), optim.SGD([v], lr=1.0)
    scaler = make(device, init_scale=2.0)
    scaler.scale(w.sum() * math.inf + v.sum()).backward()
    scaler.step(one)
    scaler.step(two)
    assert (w.item(), v.item()) == (1.0, 0.0)
    scaler.update()
    assert scaler.get_scale() == 1.0  # lowered, though the second was finite


def test_the_scale_grows_after_good_steps_in_a_row(device: str) -> None:
    w = parameter(device, 1.0)
    optimizer = optim.SGD([w], lr=0.0)
    scaler = make(device, init_scale=4.0, growth_factor=3.0, growth_interval=2)
    seen = []
    for slope in (1.0, 1.0, 1.0, math.inf, 1.0, 1.0):
        optimizer.zero_grad()
        scaler.scale(w.sum() * slope).backward()
        scaler.step(optimizer)
        scaler.update()
        seen.append((scaler.get_scale(), scaler.state_dict()["_growth_tracker"]))
    assert seen == [(4, 1), (12, 0), (12, 1), (6, 0), (6, 1), (18, 0)]


def test_the_scale_stays_finite(device: str) -> None:
    w = parameter(device, 1e-30)
    optimizer = optim.SGD([w], lr=0.0)
    scaler = make(device, init_scale=2.0**127, growth_interval=1)
    scaler.scale((w * 1e-30).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == 2.0**127


def test_calls_in_the_wrong_order(device: str) -> None:
    w = parameter(device, 1.0)
    optimizer = optim.SGD([w], lr=1.0)
    scaler = make(device)
    for call in (lambda: scaler.unscale_(optimizer), scaler.update):
        with pytest.raises(AssertionError, match="no loss was scaled yet"):
            call()
    loss = scaler.scale(w.sum())
    with pytest.raises(AssertionError, match="No inf checks were recorded"):
        scaler.update()
    with pytest.raises(AssertionError, match="have no gradients"):
        scaler.step(optimizer)
    scaler = make(device)
    scaler.scale(w.sum()).backward()
    del loss
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="Closure use is not"):
        scaler.step(optimizer, closure=lambda: None)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="after step"):
        scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called"):
        scaler.step(optimizer)
    scaler.update()
    half = w.detach().half().requires_grad_()
    (half * 2).sum().backward()
    with pytest.raises(ValueError, match="Attempting to unscale FP16 gradients"):
        scaler.unscale_(optim.SGD([half]))


def test_arguments(device: str) -> None:
    with pytest.raises(AssertionError, match="growth_factor must be above 1, but is 1"):
        make(device, growth_factor=1)
    with pytest.raises(AssertionError, match="backoff_factor must be below 1, but is 2"):
        make(device, backoff_factor=2)
    scaler = make(device, growth_factor=3.0)
    scaler.set_growth_factor(5.0)
    scaler.set_backoff_factor(0.1)
    scaler.set_growth_interval(7)
    assert (scaler.get_growth_factor(), scaler.get_backoff_factor()) == (5.0, 0.1)
    assert (scaler.get_growth_interval(), scaler.is_enabled()) == (7, True)
    scaler.scale(tl.tensor(1.0, device=device))
    scaler.update(32.0)
    assert scaler.get_scale() == 32.0


def test_disabled_it_passes_everything_on(device: str) -> None:
    scaler = make(device, enabled=False, growth_factor=0)
    w = parameter(device, 1.0)
    loss = w.sum()
    assert scaler.scale(loss) is loss
    loss.backward()
    optimizer = optim.SGD([w], lr=1.0)
    scaler.unscale_(optimizer)
    assert scaler.step(optimizer, closure=lambda: 5) == 5
    scaler.update()
    assert (scaler.get_scale(), scaler.state_dict(), w.item()) == (1.0, {}, 0.0)
    scaler.load_state_dict({"scale": 2.0})


@pytest.mark.parametrize("used", [True, False])
def test_its_state_goes_to_another(device: str, used: bool) -> None:
    first = make(device, init_scale=4.0, growth_factor=3.0, growth_interval=5)
    w = parameter(device, 1.0)
    optimizer = optim.SGD([w], lr=0.1)

    def step(scaler: GradScaler) -> None:
        scaler.scale(w.sum()).backward()
        scaler.step(optimizer)
        scaler.update()

    step(first)
    saved = first.state_dict()
    assert saved == {"scale": 4.0, "growth_factor": 3.0, "backoff_factor": 0.5,
                     "growth_interval": 5, "_growth_tracker": 1}  # fmt: skip
    second = make(device)
    if used:
        step(second)
    second.load_state_dict(saved)
    assert second.state_dict() == saved
    for _ in range(4):
        step(second)
    assert second.get_scale() == 12.0
    with pytest.raises(RuntimeError, match="source state dict is empty"):
        second.load_state_dict({})


def test_small_gradients_survive_in_float16(device: str) -> None:
    """The case that scaling is for: without it every gradient of w is 0."""
    x = tl.full((4, 1), 1e-4, device=device)
    grads = []
    for scale in (1.0, 2.0**16):
        w = parameter(device, 1e-4).reshape(1, 1).detach().requires_grad_()
        scaler = make(device, init_scale=scale)
        with tl.autocast(device, dtype="float16"):
            loss = (F.linear(x, w).float() * 1e-5).sum()
        scaler.scale(loss).backward()
        scaler.unscale_(optim.SGD([w]))
        grads.append(w.grad.item())  # type: ignore[union-attr]
    assert grads[0] == 0
    assert grads[1] == pytest.approx(4e-9, rel=1e-2)


def train(device: str, dtype: Any, steps: int = 60) -> tuple[float, list[bool]]:
    tl.manual_seed(1)
    rng = np.random.default_rng(2)
    t_host = rng.integers(0, 3, 24)
    x_host = rng.standard_normal((24, 2, 8, 8)) * 0.5 + t_host[:, None, None, None]
    x = tl.tensor(x_host.astype(np.float32), device=device)
    t = tl.tensor(t_host, device=device)
    model = nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(96, 3),
    ).to(device)
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    scaler = make(device, enabled=dtype is not None, init_scale=2.0**24, growth_interval=40)
    skipped = []
    for _ in range(steps):
        optimizer.zero_grad()
        with tl.autocast(device, dtype=dtype, enabled=dtype is not None):
            loss = F.cross_entropy(model(x), t)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        before = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        skipped.append(scaler.get_scale() < before)
    return loss.item(), skipped


@pytest.mark.filterwarnings("ignore:invalid value encountered in reduce")  # of infinities
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_training_reaches_the_loss_of_float32(device: str, name: str) -> None:
    if name == "bfloat16":
        pytest.importorskip("ml_dtypes")
    exact, _ = train(device, None)
    loss, skipped = train(device, tl.float16 if name == "float16" else tl.bfloat16)
    assert exact < 0.05
    assert loss < 0.06
    if name == "float16":  # 2²⁴ overflows it: the first steps only lower the scale
        assert skipped[0]
        assert not any(skipped[-10:])


@pytest.mark.parametrize("bad", [False, True])
def test_a_captured_step_is_put_back_on_the_device(
    device: str, bad: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While recording it can't ask whether to skip; the same numbers must come out."""
    found = []
    for recording in (False, True):
        monkeypatch.setattr(grad_scaler, "capturing", lambda r=recording: r)
        w = parameter(device, 1.0, 2.0)
        optimizer = optim.SGD([w], lr=0.5, momentum=0.9)
        scaler = make(device, init_scale=4.0)
        for slope in (1.0, math.inf if bad else 2.0, 3.0):
            optimizer.zero_grad()
            scaler.scale((w * slope).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
        buffer = optimizer.state[w]["momentum_buffer"]
        found.append((w.tolist(), buffer.tolist(), scaler.get_scale()))
    assert found[0] == found[1]


@pytest.mark.skipif(tl.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_does_nothing() -> None:
    for make_one in (GradScaler, tl.cuda.amp.GradScaler):
        with pytest.warns(UserWarning, match="CUDA is not available"):
            scaler = make_one()
        assert not scaler.is_enabled()


@pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("bad", [None, 0, 1000])
@pytest.mark.parametrize("blocks", [1, 1 << 16])
def test_cuda_kernel_of_unscaling(
    dtype: str, bad: int | None, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a thread goes over several elements, of which only the first is bad."""
    monkeypatch.setattr(source, "MOST_BLOCKS", blocks)
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    host = np.random.default_rng(0).standard_normal((7, 143))
    if bad is not None:
        host.flat[bad] = np.inf if bad else np.nan
    with emulated() as xp:
        for order in ("C", "F"):
            g = xp.array(host, order=order).astype(dtype or "float32")
            inverse, found = xp.asarray(np.float32([0.25])), xp.asarray(np.float32([0]))
            exact = to_host(g).astype(np.float64) / 4
            xp.amp_unscale(g, inverse, found)
            np.testing.assert_array_equal(to_host(g).astype(np.float64), exact)
            assert to_host(found).tolist() == [float(bad is not None)]
        strided = xp.asarray(host.astype(np.float32))[:, ::2]
        xp.amp_unscale(strided, inverse, found)
        np.testing.assert_array_equal(to_host(strided), host.astype(np.float32)[:, ::2] / 4)


@pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")
@pytest.mark.parametrize("found", [0.0, 1.0])
@pytest.mark.parametrize("scale", [8.0, 2.0**127])
@pytest.mark.parametrize("tracker", [0.0, 2.0])
def test_cuda_kernel_of_the_scale(found: float, scale: float, tracker: float) -> None:
    results = []
    with emulated() as xp:
        for space in (xp, namespace_for("cpu")):
            arrays = [space.asarray(np.float32([v])) for v in (scale, tracker, found)]
            space.amp_update(*arrays, 2.0, 0.5, 3)
            results.append([to_host(a).tolist() for a in arrays])
    assert results[0] == results[1]


def test_a_graph_that_needs_a_gradient_notices_that_it_was_unscaled() -> None:
    weight, other = (tl.ones(2).requires_grad_() for _ in range(2))
    optimizer = optim.SGD([weight], lr=0.1)
    scaler = GradScaler("cpu")
    scaler.scale(weight.sum()).backward()
    assert weight.grad is not None
    loss = (weight.grad * other).sum()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        loss.backward()


def test_a_bad_step_begins_the_count_of_good_ones_anew(device: str) -> None:
    weight = tl.ones(1, device=device).requires_grad_()
    optimizer = optim.SGD([weight], lr=0.0)
    scaler = GradScaler("cpu", init_scale=8.0, growth_interval=3)
    scales = []
    for factor in (1.0, math.inf, 1.0, 1.0):
        optimizer.zero_grad()
        scaler.scale((weight * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
    assert scales == [8.0, 4.0, 4.0, 4.0]
