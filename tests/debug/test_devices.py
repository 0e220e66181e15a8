"""The tools on other devices than the CPU: what they look at is there, and nothing is converted."""

from __future__ import annotations

import tinygrad_lite as torch
from tinygrad_lite import debug, nn
from tinygrad_lite.debug import check, doctor


def net(device: str) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16, 3),
    ).to(device)  # fmt: skip


def test_tools(device: str) -> None:
    model = net(device)
    x, y = torch.ones(2, 2, 4, 4, device=device), torch.tensor([0, 2], device=device)
    here, there = debug.summary(model, (2, 2, 4, 4)), debug.summary(net("cpu"), (2, 2, 4, 4))
    assert [r.flops for r in here.rows] == [r.flops for r in there.rows]
    assert [r.shape for r in here.rows] == [r.shape for r in there.rows]
    assert all(p.device.type == device for p in model.parameters())

    def loss() -> torch.Tensor:
        return nn.functional.cross_entropy(model(x), y)

    svg = debug.draw(loss, model=model).svg
    assert "conv2d · 0" in svg
    assert f"scalar = {loss().item():.4g}" in svg
    with debug.profile() as prof:
        loss().backward()
    assert {(e.name, e.layer) for e in prof.events if e.backward} >= {
        ("conv2d", "0 Conv2d"), ("linear", "5 Linear"),
    }  # fmt: skip


def test_gradients_on_the_device_are_compared(device: str) -> None:
    values = [check.numpy.ones((2, 3))]
    assert check._on(torch.exp, values, device).startswith("at most")


def test_speeds_are_those_of_what_is_there() -> None:
    found = [f.subject for f in doctor._speeds()]
    assert found == ["speed, cpu"] + ["speed, cuda"] * torch.cuda.is_available()
