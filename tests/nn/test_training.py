"""Training as a whole: memory stays flat, a small net learns, threads and seeds behave."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

import tinygrad_lite as torch
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F

FLAT = """
import resource, sys
import tinygrad_lite as torch
from tinygrad_lite import nn, optim
model = nn.Sequential(nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
x, t = torch.randn(64, 512), torch.randint(0, 10, (64,))

def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

import gc
gc.disable()
torch.set_num_threads(1)
for step in range(500):
    if step == 100:
        before = rss()
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), t).backward()
    optimizer.step()
print(rss() - before)
"""


def test_hundreds_of_steps_leave_memory_flat_without_the_collector() -> None:
    if not os.path.exists("/proc/self/statm"):
        return
    done = subprocess.run([sys.executable, "-c", FLAT], capture_output=True, text=True, check=True)
    # One step's activations and gradients are 0.4 MB: a leak of them all would be 160 MB.
    assert int(done.stdout) < 1 << 20


def test_a_small_net_learns(device: str) -> None:
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], device=device)
    t = torch.tensor([0, 1, 1, 0], device=device)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2)).to(device)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert model(x).argmax(dim=1).tolist() == [0, 1, 1, 0]


def test_one_seed_gives_the_same_weights_and_steps_on_every_device(device: str) -> None:
    def train(where: str) -> list[np.ndarray]:
        torch.manual_seed(7)
        model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3))
        model.to(where)
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(5):
            x = torch.randn(4, 6, device=where)
            t = torch.randint(0, 3, (4,), device=where)
            optimizer.zero_grad()
            F.cross_entropy(model(x), t).backward()
            optimizer.step()
        return [p.detach().cpu().numpy() for p in model.parameters()]

    for a, b in zip(train("cpu"), train(device), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_two_runs_with_one_seed_are_bit_identical() -> None:
    def train() -> list[bytes]:
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 4))
        optimizer = optim.Adam(model.parameters())
        for _ in range(10):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(16, 20)), torch.randint(0, 4, (16,))).backward()
            optimizer.step()
        return [p.detach().numpy().tobytes() for p in model.parameters()]

    assert train() == train()
