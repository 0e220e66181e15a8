"""An autoencoder whose decoder uses the encoder's weights, transposed, and noise is removed."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.ports.draws import fill, normal, pictures


class TiedAutoEncoder(nn.Module):
    def __init__(self, inp, out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out, inp))
        self.bias = nn.Parameter(torch.zeros(out))
        self.bias_out = nn.Parameter(torch.zeros(inp))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, input):
        encoded = F.leaky_relu(F.linear(input, self.weight, self.bias), 0.1)
        return F.linear(encoded, self.weight.t(), self.bias_out), encoded


class TiedLanguageModel(nn.Module):
    def __init__(self, ntoken=10, nhid=12):
        super().__init__()
        self.encoder = nn.Embedding(ntoken, nhid)
        self.rnn = nn.RNN(nhid, nhid, nonlinearity="tanh")
        self.decoder = nn.Linear(nhid, ntoken)
        self.decoder.weight = self.encoder.weight

    def forward(self, input):
        output, _ = self.rnn(self.encoder(input))
        return self.decoder(output)


def main():
    model = TiedAutoEncoder(144, 20)
    fill(model)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 144 * 20 + 20 + 144
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    images = torch.from_numpy(pictures(32, 12)[0]).flatten(start_dim=1)
    losses = []
    for epoch in range(15):
        noisy = images + 0.1 * torch.from_numpy(normal(32, 144, seed=epoch))
        output, code = model(noisy)
        loss = F.mse_loss(output, images) + 1e-3 * code.abs().mean() + 1e-4 * model.weight.norm()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    lm = TiedLanguageModel()
    fill(lm)
    assert len(list(lm.parameters())) == 6
    assert "decoder.weight" in lm.state_dict()
    optimizer = torch.optim.Adagrad(lm.parameters(), lr=0.1)
    tokens = torch.arange(60).remainder(7).view(12, 5)
    for _ in range(10):
        optimizer.zero_grad()
        loss = F.cross_entropy(lm(tokens[:-1]).flatten(0, 1), tokens[1:].reshape(-1))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
