"""Mixed precision on the CPU, gradients accumulated, clipped by value and by norm."""

import torch
import torch.nn as nn
from torch.amp import GradScaler, autocast

from tests.ports.draws import fill, normal


def main():
    device_type = "cuda" if torch.cuda.device_count() > 7 else "cpu"
    model = nn.Sequential(
        nn.Linear(10, 32),
        nn.LayerNorm(32),
        nn.GELU(),
        nn.Linear(32, 32),
        nn.ReLU(),
        nn.Linear(32, 4),
    )
    fill(model)
    optimizer = torch.optim.NAdam(model.parameters(), lr=5e-3)
    scaler = GradScaler(enabled=device_type == "cuda")
    accumulation_steps = 2
    losses = []
    optimizer.zero_grad()
    for i in range(20):
        x = torch.from_numpy(normal(32, 10, seed=i))
        y = x[:, :4].argmax(dim=1)
        with autocast(device_type=device_type, dtype=torch.bfloat16, enabled=i >= 10):
            out = model(x)
            assert out.dtype == (torch.bfloat16 if i >= 10 else torch.float32)
            loss = nn.functional.cross_entropy(out.float(), y) / accumulation_steps
        scaler.scale(loss).backward()
        if (i + 1) % accumulation_steps == 0:
            scaler.unscale_(optimizer)
            if i < 10:
                nn.utils.clip_grad_value_(model.parameters(), clip_value=0.05)
            else:
                nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5, norm_type=2)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item() * accumulation_steps)
    return losses
