"""A model, its optimizer and a schedule, and the step that trains it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_lite as torch
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F

OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: optim.Adam(p, lr=0.01),
    "amsgrad": lambda p: optim.Adam(p, lr=0.01, amsgrad=True, weight_decay=0.1),
    "adamw": lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.3),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.5),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1),
    "radam": lambda p: optim.RAdam(p, lr=0.01, betas=(0.8, 0.9), weight_decay=0.1),
    "adamax": lambda p: optim.Adamax(p, lr=0.01),
    "adadelta": lambda p: optim.Adadelta(p, lr=0.5),
    "rprop": lambda p: optim.Rprop(p, lr=0.01),
}


def mlp() -> nn.Sequential:
    """A net with all that changes from step to step: statistics, dropout, parameters."""
    return nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 3)
    )


class Training:
    """A model, its optimizer and a schedule, and the step that trains it."""

    def __init__(
        self, device: str, optimizer: str = "adam", build: Callable[[], nn.Module] = mlp
    ) -> None:
        torch.manual_seed(3)
        self.device = device
        self.model = build().to(device)
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())
        self.schedule = optim.lr_scheduler.StepLR(self.optimizer, 2, 0.5)
        self.losses: list[float] = []

    def step(self, x: Any, t: Any) -> Any:
        """One training step."""
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(x), t)
        loss.backward()
        self.optimizer.step()
        return loss

    def run(self, step: Callable[..., Any], steps: int, shape: tuple[int, ...] = (6, 5)) -> None:
        """Steps on fresh data, with the schedule in between."""
        rng = np.random.default_rng(0)
        for _ in range(steps):
            x = torch.from_numpy(rng.standard_normal(shape).astype("float32"))
            t = torch.from_numpy(rng.integers(0, 3, shape[0]))
            loss = step(x.to(self.device), t.to(self.device))
            self.schedule.step()
            self.losses.append(loss.item())

    def everything(self) -> dict[str, Any]:
        """All numbers that a checkpoint would hold."""
        found: dict[str, Any] = {"losses": self.losses, "random": torch.get_rng_state().numpy()}
        for name, tensor in self.model.state_dict().items():
            found[name] = tensor.cpu().numpy()
        state = self.optimizer.state_dict()
        found["groups"] = state["param_groups"]
        for number, entries in state["state"].items():
            for name, value in entries.items():
                found[f"{number}.{name}"] = value.cpu().numpy()
        for name, p in self.model.named_parameters():
            found[f"{name}.grad"] = None if p.grad is None else p.grad.cpu().numpy()
        return found


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """The same entries, to the bit."""
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(found[name], value, err_msg=name)
            assert found[name].dtype == value.dtype
        else:
            assert found[name] == value, name


def convnet() -> nn.Sequential:
    """Convolution, statistics and pooling."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.MaxPool2d(2), nn.Dropout2d(0.3), nn.Flatten(), nn.Linear(4 * 4, 3),
    )  # fmt: skip
