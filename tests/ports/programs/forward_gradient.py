"""A net trained without a backward pass, by derivatives in random directions.

Baydin et al., "Gradients without Backpropagation", 2022.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import forward_ad
from torch.func import functional_call

from tests.ports.draws import fill, normal, pictures


def main() -> list[float]:
    images, labels = (torch.from_numpy(a) for a in pictures(48, 8))
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10))
    fill(net)
    weights: dict[str, Any] = {name: p.detach() for name, p in net.named_parameters()}
    losses = []
    for step in range(30):
        tangents = {
            name: torch.from_numpy(normal(*w.shape, seed=100 * step + i))
            for i, (name, w) in enumerate(weights.items())
        }
        with forward_ad.dual_level():
            duals = {name: forward_ad.make_dual(w, tangents[name]) for name, w in weights.items()}
            loss, slope = forward_ad.unpack_dual(
                F.cross_entropy(functional_call(net, duals, (images,)), labels)
            )
        torch._foreach_add_(
            list(weights.values()),
            torch._foreach_mul(list(tangents.values()), -0.01 * slope.clamp(-3, 3).item()),
        )
        losses.append(loss.item())
    return losses
