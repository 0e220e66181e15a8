"""Hinton's forward-forward algorithm: each layer has its own optimizer and its own loss."""

import torch
import torch.nn as nn
from torch.optim import Adam

from tests.ports.draws import fill, pictures


def get_y_neg(y):
    y_neg = y.clone()
    for idx, y_samp in enumerate(y):
        allowed = [i for i in range(10) if i != y_samp.item()]
        y_neg[idx] = torch.tensor(allowed[idx % 9])
    return y_neg


def overlay_y_on_x(x, y, classes=10):
    x_ = x.clone()
    x_[:, :classes] *= 0.0
    x_[range(x.shape[0]), y] = x.max()
    return x_


class Layer(nn.Linear):
    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__(in_features, out_features, bias, device, dtype)
        self.relu = torch.nn.ReLU()
        self.opt = Adam(self.parameters(), lr=0.03)
        self.threshold = 2.0

    def forward(self, x):
        x_direction = x / (x.norm(2, 1, keepdim=True) + 1e-4)
        return self.relu(torch.mm(x_direction, self.weight.T) + self.bias.unsqueeze(0))

    def train_step(self, x_pos, x_neg):
        g_pos = self.forward(x_pos).pow(2).mean(1)
        g_neg = self.forward(x_neg).pow(2).mean(1)
        loss = torch.log(
            1 + torch.exp(torch.cat([-g_pos + self.threshold, g_neg - self.threshold]))
        ).mean()
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return self.forward(x_pos).detach(), self.forward(x_neg).detach(), loss.item()


class Net(torch.nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.layers = [Layer(dims[d], dims[d + 1]) for d in range(len(dims) - 1)]

    def predict(self, x):
        goodness_per_label = []
        for label in range(10):
            h = overlay_y_on_x(x, torch.full((x.shape[0],), label))
            goodness = []
            for layer in self.layers:
                h = layer(h)
                goodness = goodness + [h.pow(2).mean(1)]
            goodness_per_label += [sum(goodness).unsqueeze(1)]
        return torch.cat(goodness_per_label, 1).argmax(1)


def main():
    images, labels = map(torch.from_numpy, pictures(64, 10, seed=4))
    x = torch.flatten(images, 1)
    x_pos, x_neg = overlay_y_on_x(x, labels), overlay_y_on_x(x, get_y_neg(labels))
    net = Net([100, 40, 40])
    fill(*net.layers)
    losses = []
    h_pos, h_neg = x_pos, x_neg
    for layer in net.layers:
        for _ in range(12):
            p, n, loss = layer.train_step(h_pos, h_neg)
            losses.append(loss)
        h_pos, h_neg = p, n
    losses.append(net.predict(x).eq(labels).float().mean().item())
    return losses
