"""Two clouds told apart, by L-BFGS with a closure and by Adam with weight decay."""

import numpy as np
import torch
from torch import nn, optim

from tests.ports.draws import fill, normal


class LogisticRegression(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super(LogisticRegression, self).__init__()
        self.linear = nn.Linear(n_inputs, n_outputs)

    def forward(self, x):
        return torch.sigmoid(self.linear(x))


def main():
    labels = np.arange(80) % 2
    points = normal(80, 2, seed=3) + 1.5 * labels[:, None].astype(np.float32)
    X, y = torch.tensor(points), torch.tensor(labels, dtype=torch.float32).unsqueeze(1)
    losses = []

    model = LogisticRegression(2, 1)
    fill(model)
    optimizer = optim.LBFGS(model.parameters(), lr=0.5, max_iter=4)

    def closure():
        optimizer.zero_grad()
        loss = nn.BCELoss()(model(X), y)
        loss.backward()
        losses.append(loss.item())
        return loss

    for _ in range(3):
        optimizer.step(closure)

    model = nn.Linear(2, 1)
    fill(model, seed=1)
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))
    optimizer = optim.Adam(model.parameters(), lr=0.1, weight_decay=1e-3)
    for _ in range(12):
        loss = criterion(model(X), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    predicted = (torch.sigmoid(model(X)) > 0.5).float()
    losses.append((predicted == y).float().mean().item())
    return losses
