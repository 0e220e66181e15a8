"""Small nets with what a module can hold."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.backend import to_host


def host(tensor: Any) -> np.ndarray[Any, Any]:
    return to_host(tensor.detach().array)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", tg.zeros(2))
        self.register_buffer("scratch", tg.ones(1), persistent=False)
        self.scale = nn.Parameter(tg.ones(3))
        self.register_parameter("shift", None)

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        return x * self.scale


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.block = Block()
        self.bias = nn.Parameter(tg.zeros(3))

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        return self.block(self.fc(x)) + self.bias
