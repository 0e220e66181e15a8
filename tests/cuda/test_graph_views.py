"""Captured steps and flat views of memory that the library lays out in its own order (`twins`)."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.backend import root
from tinygrad_lite.cuda import graph
from tinygrad_lite.tensor import twins


def _training(device: str) -> tuple[torch.Tensor, Any]:
    """A weight that does not lie row by row, and a step that takes 1 from each of its elements."""
    weight = nn.Conv2d(2, 3, 3, device=device).weight
    assert not weight.array.flags.c_contiguous
    with torch.no_grad():
        weight.copy_(torch.arange(54.0, device=device).reshape(3, 2, 3, 3))
    optimizer = torch.optim.SGD([weight], 1.0)

    def step() -> Any:
        optimizer.zero_grad()
        loss = weight.sum()
        loss.backward()
        optimizer.step()
        return loss

    return weight, step


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_flat_view_follows_replays(device: str, when: str) -> None:
    weight, step = _training(device)
    captured = graph(step, warmup=1, device=device)
    flat = weight.data.view(-1) if when == "before" else None
    for _ in range(2):
        captured()
    if flat is None:
        flat = weight.data.view(-1)
    for done in (3, 4):
        captured()
        assert flat.tolist() == [i - done for i in range(54)]
        assert weight.flatten().tolist() == flat.tolist()
    flat[:2] = 100.0
    captured()
    assert flat[:3].tolist() == [99, 99, -3]
    assert weight.flatten()[:3].tolist() == [99, 99, -3]


def test_a_flat_view_that_replays_write_to_lives_on(device: str) -> None:
    weight, step = _training(device)
    captured = graph(step, warmup=1, device=device)
    flat = weight.data.view(-1)
    memory = weakref.ref(root(flat.array))
    for _ in range(2):
        captured()
    del flat
    gc.collect()
    assert memory() is not None
    captured.reset()
    gc.collect()
    assert memory() is None
    assert not twins.known


def test_a_flat_view_on_the_host_is_no_part_of_it(device: str) -> None:
    weight = nn.Conv2d(2, 3, 3).weight
    flat = weight.data.view(-1)

    def step(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            weight[0, 0, 0, 0] = 5.0  # each time that Python runs it
        return x + 1

    captured = graph(step, warmup=1)
    for _ in range(3):
        assert captured(torch.zeros(1, device=device)).tolist() == [1]
    assert flat[0] == weight[0, 0, 0, 0] == 5
