"""Train, take the smallest channels out of the tensors themselves, and train on."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.ports.draws import fill, pictures


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 1
        for width in (8, 12):
            layers += [
                nn.Conv2d(channels, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(True),
                nn.MaxPool2d(2),
            ]
            channels = width
        self.backbone = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, 10)

    def forward(self, x):
        return self.classifier(self.backbone(x).mean([2, 3]))


@torch.no_grad()
def sort_channels(model):
    """Put the channels that the next convolution looks at most first."""
    first, norm, second = (model.backbone[i] for i in (0, 1, 4))
    importance = torch.stack([w.norm() for w in second.weight.unbind(1)])
    order = torch.argsort(importance, descending=True)
    for tensor in (first.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var):
        tensor.copy_(torch.index_select(tensor.detach(), 0, order))
    second.weight.copy_(torch.index_select(second.weight.detach(), 1, order))


@torch.no_grad()
def prune(model, ratio):
    model = copy.deepcopy(model)
    first, norm, second = (model.backbone[i] for i in (0, 1, 4))
    keep = round((1 - ratio) * first.out_channels)
    first.weight.set_(first.weight.detach()[:keep])
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(norm, name).set_(getattr(norm, name).detach()[:keep])
    second.weight.set_(second.weight.detach()[:, :keep])
    return model


@torch.no_grad()
def fine_grained(tensor, sparsity):
    importance = tensor.abs()
    threshold = importance.view(-1).kthvalue(round(tensor.numel() * sparsity))[0]
    mask = torch.gt(importance, threshold)
    tensor.mul_(mask)
    return mask


def train(model, x, y, steps, masks=None):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for name, mask in (masks or {}).items():
                model.get_parameter(name).mul_(mask)
        losses.append(loss.item())
    return losses


def main():
    images, labels = pictures(40, 12)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    model = Net()
    fill(model)
    losses = train(model, x, y, 8)
    sort_channels(model)
    small = prune(model, 0.25)
    assert small.backbone[1].weight.shape == (6,)
    losses += train(small, x, y, 6)
    masks = {n: fine_grained(p.data, 0.5) for n, p in small.named_parameters() if p.dim() > 1}
    losses += train(small, x, y, 6, masks)
    zeros = sum(int((p == 0).sum()) for p in small.parameters())
    return [*losses, zeros / 100]
