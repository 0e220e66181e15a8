"""`utils.tensorboard`: tensorboardX's writer, given what it knows."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn


def test_tensors_go_to_tensorboard_as_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    class Writer:
        def add_scalar(self, tag: str, value: Any, step: int = 0) -> None:
            seen.append(value)

        def add_scalars(self, tag: str, values: dict[str, Any]) -> None:
            seen.append(values["a"])

        def close(self) -> None:
            seen.append(None)

    stand_in = ModuleType("tensorboardX")
    stand_in.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboardX", stand_in)
    monkeypatch.delitem(sys.modules, "tinygrad_lite.utils.tensorboard", raising=False)
    writer = importlib.import_module("tinygrad_lite.utils.tensorboard").SummaryWriter()
    monkeypatch.delitem(sys.modules, "tinygrad_lite.utils.tensorboard")
    loss = torch.ones(2, requires_grad=True).sum()
    writer.add_scalar("loss", loss, step=3)
    writer.add_scalars("losses", {"a": loss.bfloat16()})
    writer.add_scalar("rate", 0.5)
    with pytest.warns(UserWarning, match="Linear is not written"):
        writer.add_graph(nn.Linear(1, 1), torch.ones(1))
    writer.close()
    assert [type(value) for value in seen[:2]] == [np.ndarray] * 2
    assert seen == [2.0, 2.0, 0.5, None]
