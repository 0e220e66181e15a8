"""A polynomial of degree 4 fitted by hand-made steps, from PyTorch's regression example."""

from itertools import count

import torch
import torch.nn.functional as F

from tests.ports.draws import fill, normal

POLY_DEGREE = 4
W_target = torch.from_numpy(normal(POLY_DEGREE, 1, seed=1)) * 5
b_target = torch.from_numpy(normal(1, seed=2)) * 5


def make_features(x):
    x = x.unsqueeze(1)
    return torch.cat([x**i for i in range(1, POLY_DEGREE + 1)], 1)


def f(x):
    return x.mm(W_target) + b_target.item()


def poly_desc(W, b):
    result = "y = "
    for i, w in enumerate(W):
        result += f"{w:+.2f} x^{i + 1} "
    return result + f"{b[0]:+.2f}"


def main():
    fc = torch.nn.Linear(W_target.size(0), 1)
    fill(fc)
    losses = []
    for batch_idx in count(1):
        x = make_features(torch.from_numpy(normal(32, seed=100 + batch_idx)))
        fc.zero_grad()
        output = F.smooth_l1_loss(fc(x), f(x))
        losses.append(output.item())
        output.backward()
        for param in fc.parameters():
            param.data.add_(-0.1 * param.grad)
        if losses[-1] < 1e-3 or batch_idx >= 40:
            break
    assert poly_desc(fc.weight.view(-1), fc.bias).count("x^") == 4
    return losses
