"""REINFORCE on a cart and a pole, whose physics are written out; NumPy draws the actions."""

from collections import deque

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

from tests.ports.draws import fill


class CartPole:
    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.state = self.rng.uniform(-0.05, 0.05, 4)
        return self.state.astype(np.float32)

    def step(self, action):
        x, v, angle, turn = self.state
        force = 10.0 if action == 1 else -10.0
        push = (force + 0.05 * turn**2 * np.sin(angle)) / 1.1
        a = (9.8 * np.sin(angle) - np.cos(angle) * push) / (
            0.5 * (4.0 / 3.0 - 0.1 * np.cos(angle) ** 2 / 1.1)
        )
        b = push - 0.05 * a * np.cos(angle) / 1.1
        self.state = np.array([x + 0.02 * v, v + 0.02 * b, angle + 0.02 * turn, turn + 0.02 * a])
        done = abs(self.state[0]) > 2.4 or abs(self.state[2]) > 0.21
        return self.state.astype(np.float32), 1.0, bool(done)


class Policy(nn.Module):
    def __init__(self):
        super(Policy, self).__init__()
        self.affine1 = nn.Linear(4, 32)
        self.dropout = nn.Dropout(p=0.0)
        self.affine2 = nn.Linear(32, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.dropout(self.affine1(x)))
        return F.softmax(self.affine2(x), dim=1)


policy = Policy()
eps = np.finfo(np.float32).eps.item()


def select_action(state, u):
    probs = policy(torch.from_numpy(state).float().unsqueeze(0))
    m = Categorical(probs)
    action = torch.tensor([int(u > probs[0, 0].item())])
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item()


def finish_episode(optimizer):
    R, policy_loss, returns = 0, [], deque()
    for r in policy.rewards[::-1]:
        R = r + 0.99 * R
        returns.appendleft(R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    for log_prob, R in zip(policy.saved_log_probs, returns):
        policy_loss.append(-log_prob * R)
    optimizer.zero_grad()
    policy_loss = torch.cat(policy_loss).sum()
    policy_loss.backward()
    optimizer.step()
    del policy.rewards[:]
    del policy.saved_log_probs[:]
    return policy_loss.item()


def main():
    fill(policy)
    rng = np.random.default_rng(1)
    env, optimizer, losses = CartPole(rng), optim.Adam(policy.parameters(), lr=1e-2), []
    for _ in range(15):
        state, total = env.reset(), 0
        for _ in range(1, 60):
            state, reward, done = env.step(select_action(state, rng.random()))
            policy.rewards.append(reward)
            total += reward
            if done:
                break
        losses += [finish_episode(optimizer), total]
    return losses
