"""Early stopping that keeps the best weights in a file; a checkpoint of everything resumed."""

import os
import tempfile

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from tests.ports.draws import fill, normal


def make():
    # No bias before batch norm: its gradient is rounding alone, which Adam turns into steps.
    model = nn.Sequential(
        nn.Linear(8, 32, bias=False),
        nn.BatchNorm1d(32),
        nn.PReLU(),
        nn.Linear(32, 1),
        nn.Flatten(0),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[3, 6], gamma=0.5)
    return model, optimizer, scheduler


class EarlyStopping:
    def __init__(self, path, patience=3):
        self.path, self.patience = path, patience
        self.best, self.counter, self.early_stop = float("inf"), 0, False

    def __call__(self, val_loss, model):
        if val_loss < self.best:
            self.best, self.counter = val_loss, 0
            torch.save(model.state_dict(), self.path)
        else:
            self.counter += 1
            self.early_stop = self.counter >= self.patience


def run_epoch(model, optimizer, loader):
    model.train()
    running_loss = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = nn.L1Loss()(model(inputs), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * inputs.size(0)
    return running_loss / len(loader.dataset)


def main():
    x = torch.from_numpy(normal(96, 8, seed=1))
    y = torch.from_numpy(normal(96, 8, seed=1)).prod(dim=1).sign() + x[:, 0]
    train = DataLoader(TensorDataset(x[:64], y[:64]), batch_size=16)
    model, optimizer, scheduler = make()
    fill(model)
    losses = []
    with tempfile.TemporaryDirectory() as folder:
        best, last = os.path.join(folder, "best.pt"), os.path.join(folder, "last.pth")
        stopper = EarlyStopping(best)
        for epoch in range(8):
            losses.append(run_epoch(model, optimizer, train))
            model.eval()
            with torch.no_grad():
                val_loss = (model(x[64:]) - y[64:]).abs().mean().item()
            losses.append(val_loss)
            scheduler.step()
            stopper(val_loss, model)
            if stopper.early_stop:
                break
        checkpoint = {
            "epoch": epoch + 1,
            "model_state_dict": model.state_dict(),
            "optimizer_state_dict": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
        }
        torch.save(checkpoint, last)

        model, optimizer, scheduler = make()
        checkpoint = torch.load(last, map_location=torch.device("cpu"), weights_only=True)
        model.load_state_dict(checkpoint["model_state_dict"])
        optimizer.load_state_dict(checkpoint["optimizer_state_dict"])
        scheduler.load_state_dict(checkpoint["scheduler"])
        for _ in range(checkpoint["epoch"], checkpoint["epoch"] + 4):
            losses.append(run_epoch(model, optimizer, train))
            scheduler.step()
        print(model.load_state_dict(torch.load(best)))
    model.eval()
    with torch.no_grad():
        losses.append(nn.functional.l1_loss(model(x[64:]), y[64:]).item())
    assert abs(losses[-1] - stopper.best) < 1e-5
    return losses
