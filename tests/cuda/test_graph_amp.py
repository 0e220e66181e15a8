"""Captured steps in mixed precision: the numbers are those without capture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tl
from tests import cuda_host, strict_graph
from tests.cuda.training import OPTIMIZERS, Training, assert_same, convnet
from tinygrad_lite.amp import GradScaler
from tinygrad_lite.cuda import CaptureError, graph
from tinygrad_lite.nn import functional as F

SHAPE = (5, 2, 4, 4)


class Mixed(Training):
    """Training with autocast and, for float16, a scaler that lowers and raises its scale."""

    def __init__(self, device: str, optimizer: str, dtype: str, scale: float = 2.0**4) -> None:
        super().__init__(device, optimizer, convnet)
        self.dtype = dtype
        self.scaler = GradScaler(
            "cuda" if device == "cuda" else "cpu",
            init_scale=scale,
            growth_factor=4.0,
            growth_interval=3,
            enabled=dtype == "float16",
        )

    def step(self, x: Any, t: Any) -> Any:
        """One training step."""
        self.optimizer.zero_grad()
        with tl.autocast(self.device, dtype=self.dtype):
            loss = F.cross_entropy(self.model(x), t)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        tl.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss

    def everything(self) -> dict[str, Any]:
        """All numbers, the scaler's among them."""
        return super().everything() | {"scaler": self.scaler.state_dict()}


def compare(device: str, optimizer: str, dtype: str, steps: int = 8, **options: Any) -> Mixed:
    eager, captured = (Mixed(device, optimizer, dtype, **options) for _ in range(2))
    tl.manual_seed(4)
    eager.run(eager.step, steps, SHAPE)
    wanted = eager.everything()
    tl.manual_seed(4)
    step = graph(captured.step, warmup=1)
    captured.run(step, steps, SHAPE)
    assert step.captured
    assert_same(captured.everything(), wanted)
    return captured


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_captured_is_eager_to_the_bit(device: str, optimizer: str, dtype: str) -> None:
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    compare(device, optimizer, dtype)


@pytest.mark.filterwarnings("ignore:invalid value encountered in reduce")  # of infinities
@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_skipped_steps_are_skipped_in_replays_too(device: str, optimizer: str) -> None:
    """The scale is raised too high; without a step count, to the bit."""
    captured = compare(device, optimizer, "float16", steps=16, scale=2.0**12)
    assert captured.scaler.get_scale() < 2.0**12 * 4**5  # which good steps alone would reach


def test_the_scale_must_be_there_before(device: str) -> None:
    training = Mixed(device, "sgd", "float16")
    training.run(training.step, 1, SHAPE)  # all else is there
    training.scaler = GradScaler("cuda" if device == "cuda" else "cpu")
    step = graph(lambda x: training.scaler.scale(x.sum()), warmup=1)
    x = tl.ones(3, device=device)
    step(x)
    training.scaler = GradScaler("cuda" if device == "cuda" else "cpu")
    with pytest.raises(CaptureError, match="GradScaler makes its scale here"):
        step(x)


@pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_kernels_of_cuda(dtype: str) -> None:
    """On the host, with 16-bit images and float32 parameters."""
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    plain = Mixed("strict", "adam", dtype)
    with strict_graph.capturable():
        tl.manual_seed(4)
        plain.run(plain.step, 3, SHAPE)
    with strict_graph.emulated():
        cuda_host.launched()
        trained = compare("strict", "adam", dtype, steps=3)
        launched = set(cuda_host.launched())
    assert {"normalise", "adam"} <= launched
    if dtype == "float16":
        assert {"unscale", "update"} <= launched
    np.testing.assert_allclose(trained.losses, plain.losses, rtol=2e-2)
