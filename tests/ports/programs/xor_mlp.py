"""XOR by a small MLP, printed as tutorials do, with `nn.init` and RMSprop."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.ports.draws import fill


class Net(nn.Module):
    def __init__(self, hidden=8):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.fc2 = nn.Linear(hidden, 1)

    def forward(self, x):
        x = F.tanh(self.fc1(x))
        return self.fc2(x).squeeze(-1)


def init_weights(m):
    if isinstance(m, nn.Linear):
        m.weight.data.mul_(1.5)
        nn.init.zeros_(m.bias)


def main():
    X = torch.Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    Y = torch.logical_xor(X[:, 0], X[:, 1]).to(torch.float32)
    net = Net()
    fill(net)
    net.apply(init_weights)
    optimizer = torch.optim.RMSprop(net.parameters(), lr=0.02, alpha=0.9)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(net(X), Y, reduction="sum")
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
