"""A learning-rate finder that puts the weights back, then training by OneCycleLR."""

import copy
import math

import torch
import torch.nn as nn
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR, _LRScheduler

from tests.ports.draws import fill, normal


class ExponentialRamp(_LRScheduler):
    """Increases the rate between two boundaries over a number of iterations."""

    def __init__(self, optimizer, end_lr, num_iter, last_epoch=-1):
        self.end_lr = end_lr
        self.num_iter = num_iter
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        r = self.last_epoch / (self.num_iter - 1)
        return [base_lr * (self.end_lr / base_lr) ** r for base_lr in self.base_lrs]


def main():
    x = torch.from_numpy(normal(64, 5, seed=1))
    y = (x[:, :1] * x[:, 1:2]).sin() + 0.1 * x.sum(dim=1, keepdim=True)
    model = nn.Sequential(
        nn.Linear(5, 24), nn.ELU(), nn.Linear(24, 24), nn.SiLU(), nn.Linear(24, 1)
    )
    fill(model)
    saved = copy.deepcopy(model.state_dict())
    criterion = nn.HuberLoss(delta=0.5)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    ramp = ExponentialRamp(optimizer, end_lr=0.3, num_iter=10)
    losses, history = [], []

    def step(scheduler):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        history.append(scheduler.get_last_lr()[0])

    for _ in range(10):
        step(ramp)
    model.load_state_dict(saved)
    steepest = min(range(1, 10), key=lambda i: losses[i] - losses[i - 1])
    best = history[max(steepest, 5)]

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, amsgrad=True)
    one_cycle = OneCycleLR(
        optimizer, max_lr=min(best, 0.02), total_steps=14, pct_start=0.3, anneal_strategy="cos"
    )
    for _ in range(14):
        step(one_cycle)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    cyclic = CyclicLR(optimizer, base_lr=0.01, max_lr=0.1, step_size_up=3, mode="triangular2")
    for _ in range(6):
        step(cyclic)
    return losses + [math.log10(lr) for lr in history]
