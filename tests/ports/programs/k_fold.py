"""k-fold cross-validation over Subsets and samplers, random_split's lengths, a ConcatDataset."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset, random_split
from torch.utils.data.sampler import Sampler

from tests.ports.draws import fill, normal


class InOrder(Sampler):
    def __init__(self, indices):
        self.indices = indices

    def __iter__(self):
        return (self.indices[i] for i in range(len(self.indices)))

    def __len__(self):
        return len(self.indices)


def reset_weights(m):
    for layer in m.children():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()


def main():
    x = torch.from_numpy(normal(90, 6, seed=1))
    y = (x @ torch.from_numpy(normal(6, 3, seed=2))).argmax(1)
    dataset = ConcatDataset([TensorDataset(x[:50], y[:50]), TensorDataset(x[50:], y[50:])])
    generator = torch.Generator().manual_seed(42)
    parts = random_split(dataset, [0.7, 0.2, 0.1], generator=generator)
    assert [len(part) for part in parts] == [63, 18, 9]
    assert sorted(i for part in parts for i in part.indices) == list(range(90))

    losses = []
    network = nn.Sequential(nn.Linear(6, 16), nn.Dropout(p=0.0), nn.ReLU(), nn.Linear(16, 3))
    order = np.random.default_rng(3).permutation(90)
    for fold in range(3):
        test_ids = order[fold * 30 : (fold + 1) * 30].tolist()
        train_ids = [i for i in order.tolist() if i not in test_ids]
        trainloader = DataLoader(dataset, batch_size=20, sampler=InOrder(train_ids))
        testloader = DataLoader(Subset(dataset, test_ids), batch_size=30)
        network.apply(reset_weights)
        fill(network, seed=fold)
        optimizer = torch.optim.Adamax(network.parameters(), lr=0.02)
        loss_function = nn.MultiMarginLoss() if fold == 2 else nn.CrossEntropyLoss()
        for _ in range(2):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = loss_function(network(inputs), targets)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        correct, total = 0, 0
        with torch.no_grad():
            for inputs, targets in testloader:
                outputs = network(inputs)
                _, predicted = torch.max(outputs.data, 1)
                total += targets.size(0)
                correct += (predicted == targets).sum().item()
        losses.append(correct / total)
    return losses
