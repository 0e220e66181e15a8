"""Self-supervised features: two views of a picture correlate dimension by dimension, no others."""

import torch
from torch import nn, optim

from tests.ports.draws import fill, normal, pictures


def off_diagonal(x):
    n, m = x.shape
    assert n == m
    return x.flatten()[:-1].view(n - 1, n + 1)[:, 1:].flatten()


class BarlowTwins(nn.Module):
    def __init__(self, size=8, lambd=0.02):
        super().__init__()
        self.lambd = lambd
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(3),
            nn.Flatten(),
        )
        self.projector = nn.Sequential(
            nn.Linear(72, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, size)
        )
        self.bn = nn.BatchNorm1d(size, affine=False)

    def forward(self, y1, y2):
        z1, z2 = self.projector(self.backbone(y1)), self.projector(self.backbone(y2))
        c = self.bn(z1).T @ self.bn(z2)
        c.div_(y1.size(0))  # in place in the graph, and so are the diagonal's views
        on_diag = torch.diagonal(c).add_(-1).pow_(2).sum()
        return on_diag + self.lambd * off_diagonal(c).pow_(2).sum()


def adjust_learning_rate(optimizer, step, steps, base=0.05, warmup=3):
    if step < warmup:
        lr = base * (step + 1) / warmup
    else:
        lr = base * (1 + torch.cos(torch.tensor(step / steps * torch.pi)).item()) / 2
    for group in optimizer.param_groups:
        group["lr"] = lr


def exclude_bias_and_norm(p):
    return p.ndim == 1


def main():
    model = BarlowTwins()
    fill(model)
    weights = [p for p in model.parameters() if not exclude_bias_and_norm(p)]
    biases = [p for p in model.parameters() if exclude_bias_and_norm(p)]
    optimizer = optim.SGD(
        [{"params": weights}, {"params": biases, "weight_decay": 0}],
        lr=0,
        momentum=0.9,
        weight_decay=1e-4,
    )
    images = torch.from_numpy(pictures(48, 12)[0])
    losses = []
    for step in range(16):
        noise = torch.from_numpy(normal(2, 24, 1, 12, 12, seed=step)) * 0.1
        x = images[step % 2 * 24 :][:24]
        adjust_learning_rate(optimizer, step, 20)
        optimizer.zero_grad()
        loss = model(x + noise[0], x.flip(-1) * 1.1 + noise[1])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
