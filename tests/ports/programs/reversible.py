"""A reversible residual network: the backward pass makes each block's inputs from its outputs.

Gomez et al., "The Reversible Residual Network", 2017.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import Function
from torch.utils.checkpoint import get_device_states, set_device_states

from tests.ports.draws import fill, pictures


class Replayed(nn.Module):
    """A module that can be run again with the draws of its first run."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any, again: bool = False) -> Any:
        if not again:
            self.state = torch.get_rng_state()
            self.devices, self.states = get_device_states(x)
            return self.inner(x)
        with torch.random.fork_rng(devices=self.devices):
            torch.set_rng_state(self.state)
            set_device_states(self.devices, self.states)
            return self.inner(x)


class Block(nn.Module):
    """y₁ = x₁ + f(x₂), y₂ = x₂ + g(y₁), of the two halves of the channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.f, self.g = (
            Replayed(nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.Tanh()))
            for _ in range(2)
        )

    def forward(self, x: Any) -> Any:
        first, second = x.chunk(2, dim=1)
        with torch.no_grad():
            first = first + self.f(second)
            second = second + self.g(first)
        return torch.cat([first, second], dim=1)

    def back(self, y: Any, grad: Any) -> tuple[Any, Any]:
        """The inputs and their gradient, from the outputs and theirs; parameters' are added."""
        (first, second), (d_first, d_second) = y.chunk(2, dim=1), grad.chunk(2, dim=1)
        with torch.enable_grad():
            first = first.detach().requires_grad_()
            made = self.g(first, again=True)
            torch.autograd.backward(made, d_second)
        with torch.no_grad():
            second = second - made
            d_first = d_first + first.grad
        with torch.enable_grad():
            second.requires_grad_()
            made = self.f(second, again=True)
            torch.autograd.backward(made, d_first, retain_graph=False)
        with torch.no_grad():
            first = first - made
            d_second = d_second + second.grad
            second = second.detach()
        return torch.cat([first, second], dim=1), torch.cat([d_first, d_second], dim=1)


class Reversible(Function):
    """All blocks, of whose values only the last are kept."""

    @staticmethod
    def forward(ctx: Any, x: Any, blocks: Any) -> Any:
        for block in blocks:
            x = block(x)
        ctx.y, ctx.blocks = x.detach(), blocks
        return x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        y = ctx.y
        for block in reversed(ctx.blocks):
            y, grad = block.back(y, grad)
        return grad, None


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(64, 48)
        self.blocks = nn.ModuleList(Block(24) for _ in range(4))
        self.head = nn.Linear(48, 10)

    def forward(self, x: Any) -> Any:
        return self.head(Reversible.apply(self.embed(x.flatten(1)), self.blocks))


def main() -> list[float]:
    images, labels = (torch.from_numpy(a) for a in pictures(64, 8))
    net = Net()
    fill(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
