"""Actor-critic after PyTorch's example, on a chain of states; NumPy draws the actions."""

from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

from tests.ports.draws import fill

SavedAction = namedtuple("SavedAction", ["log_prob", "value"])
eps = np.finfo(np.float32).eps.item()


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(6, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)
        self.saved_actions = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


def finish_episode(model, optimizer):
    R = 0
    policy_losses, value_losses, returns = [], [], deque()
    for r in model.rewards[::-1]:
        R = r + 0.95 * R
        returns.appendleft(R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    for (log_prob, value), R in zip(model.saved_actions, returns, strict=True):
        advantage = R - value.item()
        policy_losses.append(-log_prob * advantage)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    del model.rewards[:]
    del model.saved_actions[:]
    return loss.item()


def main():
    rng = np.random.default_rng(0)
    model = Policy()
    fill(model)
    optimizer = optim.Adam(model.parameters(), lr=3e-2)
    losses = []
    for _ in range(12):
        place = 2
        for _ in range(10):
            state = np.eye(6, dtype=np.float32)[place]
            probs, value = model(torch.from_numpy(state).float())
            m = Categorical(probs)
            action = torch.tensor(int(rng.random() < m.probs[1].item()))
            model.saved_actions.append(SavedAction(m.log_prob(action), value))
            losses.append(m.entropy().item())
            place = min(5, max(0, place + 2 * action.item() - 1))
            model.rewards.append(float(place == 5))
        losses.append(finish_episode(model, optimizer))
    return losses
