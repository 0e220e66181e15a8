"""What layers do is known to ONNX: needs neither onnx nor onnxruntime, unlike the other tests."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.onnx.nodes import RULES
from tinygrad_lite.onnx.trace import trace

IMAGE, ROW = (2, 4, 6, 6), (3, 4)
LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    **{name: (getattr(nn, name), ROW) for name in
       "ELU GELU Hardswish Hardtanh LeakyReLU LogSigmoid Mish PReLU ReLU ReLU6 SELU Sigmoid SiLU "
       "Softplus Tanh Identity Dropout Hardsigmoid Hardshrink Softshrink RReLU".split()},
    "Softmax": (lambda: nn.Softmax(1), ROW), "LogSoftmax": (lambda: nn.LogSoftmax(1), ROW),
    "Linear": (lambda: nn.Linear(4, 2), ROW), "LayerNorm": (lambda: nn.LayerNorm(4), ROW),
    "RMSNorm": (lambda: nn.RMSNorm(4), ROW), "Flatten": (nn.Flatten, IMAGE),
    "Conv2d": (lambda: nn.Conv2d(4, 2, 3, padding=1), IMAGE),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 2, 3, stride=2), IMAGE),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4), IMAGE),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), IMAGE),
    "AvgPool2d": (lambda: nn.AvgPool2d(2), IMAGE), "GroupNorm": (lambda: nn.GroupNorm(2, 4), IMAGE),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(1), IMAGE),
    "Upsample": (lambda: nn.Upsample(scale_factor=2), IMAGE),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), IMAGE),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(4), IMAGE),
    "ZeroPad2d": (lambda: nn.ZeroPad2d(1), IMAGE),
    "ReplicationPad2d": (lambda: nn.ReplicationPad2d(1), IMAGE),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layers_do_what_is_known(name: str) -> None:
    make, shape = LAYERS[name]
    seen, outputs = trace(make().eval(), [torch.randn(shape)], {})
    assert {call.rule for call in seen.calls} - set(RULES) == set()
    assert outputs[0].kind in ("value", "input")
