"""PPO's clipped loss for a policy of Beta and Gamma distributions, with a value function."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Beta, Dirichlet, Gamma, Independent, biject_to, kl_divergence

from tests.ports.draws import fill, normal


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh())
        self.head, self.value = nn.Linear(24, 4), nn.Linear(24, 1)

    def forward(self, x):
        h = self.body(x)
        alpha, beta = F.softplus(self.head(h)).add(1.0).chunk(2, -1)
        return Independent(Beta(alpha, beta), 1), self.value(h).squeeze(-1)


def main():
    states = torch.from_numpy(normal(64, 5, seed=1))
    actions = torch.from_numpy(normal(64, 2, seed=2)).sigmoid()
    rewards = -((actions - states[:, :2].sigmoid()) ** 2).sum(-1)
    policy = Policy()
    fill(policy)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2, eps=1e-5)
    losses = []
    for _ in range(3):
        with torch.no_grad():
            before, values = policy(states)
            old = before.log_prob(actions)
            advantage = rewards - values
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        for _ in range(5):
            dist, value = policy(states)
            ratio = (dist.log_prob(actions) - old).exp()
            clipped = ratio.clamp(0.8, 1.2) * advantage
            loss = -torch.min(ratio * advantage, clipped).mean()
            loss = loss + 0.5 * F.mse_loss(value, rewards) - 0.01 * dist.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
            optimizer.step()
            losses.append(loss.item())
        losses.append(kl_divergence(before, policy(states)[0]).mean().item())
    # Variational parameters of a Gamma and a Dirichlet, through the transforms of their supports.
    free = torch.zeros(5, requires_grad=True)
    for _ in range(8):
        shape, rate = biject_to(Gamma.arg_constraints["rate"])(free[:2])
        q, p = Gamma(shape, rate), Gamma(torch.tensor(3.0), torch.tensor(2.0))
        weights = biject_to(Dirichlet.support)(free[2:4])
        loss = kl_divergence(q, p) - Dirichlet(torch.tensor([2.0, 3.0, 4.0])).log_prob(weights)
        (grad,) = torch.autograd.grad(loss, free)
        with torch.no_grad():
            free -= 0.1 * grad
        losses.append(loss.item())
    return losses
