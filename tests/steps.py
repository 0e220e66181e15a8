"""Training steps for the tests that count what a step does, and the profiler that counts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_lite import nn


def step_of(
    model: nn.Module, optimizer: Any, x: Any, y: Any, loss_of: Callable[[Any, Any], Any]
) -> Callable[[], None]:
    """A training step on inputs x (N, …) and classes y (N)."""

    def step() -> None:
        optimizer.zero_grad()
        loss_of(model(x), y).backward()
        optimizer.step()

    return step


def convnet(widths: Sequence[int]) -> nn.Sequential:
    """The net of `benchmarks/convnet.py` with other widths, for images (N, 3, 32, 32).

    Args:
        widths: channels of the convolutions, 0 for a pooling layer, of which there are five.
    """
    layers: list[nn.Module] = []
    channels = 3
    for width in widths:
        if width:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        else:
            layers.append(nn.MaxPool2d(3, stride=2, padding=1))
    return nn.Sequential(*layers, nn.AvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def profiled(profile: Callable[[Any, str, Any], object], function: Callable[[], object]) -> None:
    """Call a function under a profiler (see `sys.setprofile`), and nothing else."""
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(before)
