"""Three small nets trained side by side: `vmap` over stacked parameters, `grad` of each."""

import torch
from torch import nn
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from tests.ports.draws import fill, normal


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Buffer(torch.full((1,), 0.5))
        self.layers = nn.ModuleList([nn.Linear(4, 16), None, nn.Linear(16, 1)])
        self.gains = nn.ParameterList([torch.ones(16), nn.ParameterList([torch.ones(1)])])

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(x * self.gains[0]) if layer is None else layer(x)
        return x * self.scale * self.gains[1][0]


def main():
    nets = [Net() for _ in range(3)]
    for seed, net in enumerate(nets):
        fill(net, seed=seed)
    parameters, buffers = stack_module_state(nets)
    shell = Net()
    x = torch.from_numpy(normal(32, 4, seed=5))
    y = torch.sin(2 * x[:, :1]) + x[:, 1:2]

    def loss_of(p, b, x, y):
        return nn.functional.mse_loss(functional_call(shell, (p, b), (x,)), y)

    step = vmap(grad_and_value(loss_of), in_dims=(0, 0, None, None))
    losses = []
    for _ in range(12):
        grads, found = step(parameters, buffers, x, y)
        with torch.no_grad():
            for name, p in parameters.items():
                torch.sub(p, grads[name], alpha=0.2, out=p)
        losses.append(found.mean().item())
    return losses
