"""A siamese network: are two pictures of one class? As PyTorch's examples have it."""

import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset

from tests.ports.draws import fill, pictures


class Pairs(Dataset):
    def __init__(self, count):
        super(Pairs, self).__init__()
        images, labels = pictures(count, 12, seed=3)
        self.data = torch.from_numpy(images)
        self.targets = torch.from_numpy(labels)
        self.grouped = {i: (self.targets == i).nonzero(as_tuple=True)[0] for i in range(10)}

    def __len__(self):
        return self.data.shape[0]

    def __getitem__(self, index):
        own = self.targets[index].item()
        if index % 2 == 0:
            candidates, target = self.grouped[own], torch.tensor(1, dtype=torch.float)
        else:
            candidates, target = self.grouped[(own + 1 + index % 9) % 10], torch.tensor(0.0)
        other = candidates[index % len(candidates)]
        return self.data[index], self.data[other], target


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2))
        self.fc_in_features = 8 * 5 * 5
        self.fc = nn.Sequential(
            nn.Linear(self.fc_in_features * 2, 32), nn.ReLU(inplace=True), nn.Linear(32, 1)
        )
        self.sigmoid = nn.Sigmoid()
        self.fc.apply(self.init_weights)

    def init_weights(self, m):
        if isinstance(m, nn.Linear):
            torch.nn.init.xavier_uniform_(m.weight)
            m.bias.data.fill_(0.01)

    def forward_once(self, x):
        output = self.conv(x)
        return output.view(output.size()[0], -1)

    def forward(self, input1, input2):
        output = torch.cat((self.forward_once(input1), self.forward_once(input2)), 1)
        return self.sigmoid(self.fc(output))


def main():
    model = SiameseNetwork()
    fill(model)
    model.train()
    optimizer = optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    criterion = nn.BCELoss()
    losses = []
    for _ in range(9):
        for first, second, targets in DataLoader(Pairs(96), batch_size=32):
            optimizer.zero_grad()
            outputs = model(first, second).squeeze()
            loss = criterion(outputs, targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
    with torch.no_grad():
        a, b, target = next(iter(DataLoader(Pairs(96), batch_size=96)))
        pred = torch.where(model(a, b).squeeze() > 0.5, 1, 0)
        losses.append(pred.eq(target.view_as(pred)).sum().item() / 96)
    return losses
