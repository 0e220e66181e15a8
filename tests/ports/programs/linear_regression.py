"""A line fitted by hand-written gradient descent, then by `nn.Linear` and SGD."""

import torch
import torch.nn as nn

from tests.ports.draws import fill, normal

x = torch.from_numpy(normal(64, 1, seed=1))
y = 3 * x - 0.5 + 0.1 * torch.from_numpy(normal(64, 1, seed=2))


def by_hand():
    w = torch.zeros(1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    for _ in range(15):
        loss = ((x * w + b - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
            b -= 0.1 * b.grad
        w.grad.zero_()
        b.grad.zero_()
        yield loss.item()


def main():
    losses = list(by_hand())
    model = nn.Linear(1, 1)
    fill(model)
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    for _ in range(15):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
