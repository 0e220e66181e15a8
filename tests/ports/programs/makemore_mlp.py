"""An MLP over characters after makemore: embedding, batch norm and the update by hand."""

import torch
import torch.nn.functional as F

from tests.ports.draws import TEXT, normal

block_size = 3


def build_dataset(words):
    chars = sorted(set("".join(words)))
    stoi = {s: i + 1 for i, s in enumerate(chars)}
    stoi["."] = 0
    X, Y = [], []
    for w in words:
        context = [0] * block_size
        for ch in w + ".":
            X.append(context)
            Y.append(stoi[ch])
            context = context[1:] + [stoi[ch]]
    return torch.tensor(X), torch.tensor(Y), len(stoi)


def main():
    words = sorted(set(TEXT.replace(",", "").replace(".", "").split()))
    Xtr, Ytr, vocab_size = build_dataset(words)
    n_embd, n_hidden = 6, 40
    C = torch.tensor(normal(vocab_size, n_embd, seed=1))
    W1 = torch.tensor(normal(n_embd * block_size, n_hidden, seed=2))
    W1 = W1 * (5 / 3) / ((n_embd * block_size) ** 0.5)
    W2 = torch.tensor(normal(n_hidden, vocab_size, seed=3)) * 0.01
    b2 = torch.zeros(vocab_size)
    bngain, bnbias = torch.ones((1, n_hidden)), torch.zeros((1, n_hidden))
    bnmean_running, bnstd_running = torch.zeros((1, n_hidden)), torch.ones((1, n_hidden))
    parameters = [C, W1, W2, b2, bngain, bnbias]
    for p in parameters:
        p.requires_grad = True
    losses = []
    for i in range(25):
        ix = torch.arange(i * 32, (i + 1) * 32) % Xtr.shape[0]
        Xb, Yb = Xtr[ix], Ytr[ix]
        emb = C[Xb]
        embcat = emb.view(emb.shape[0], -1)
        hpreact = embcat @ W1
        bnmeani = hpreact.mean(0, keepdim=True)
        bnstdi = hpreact.std(0, keepdim=True)
        hpreact = bngain * (hpreact - bnmeani) / bnstdi + bnbias
        with torch.no_grad():
            bnmean_running = 0.9 * bnmean_running + 0.1 * bnmeani
            bnstd_running = 0.9 * bnstd_running + 0.1 * bnstdi
        h = torch.tanh(hpreact)
        logits = h @ W2 + b2
        loss = F.cross_entropy(logits, Yb)
        for p in parameters:
            p.grad = None
        loss.backward()
        lr = 0.1 if i < 20 else 0.01
        for p in parameters:
            p.data += -lr * p.grad
        losses.append(loss.log10().item())
    with torch.no_grad():
        h = torch.tanh(bngain * (C[Xtr].view(-1, 18) @ W1 - bnmean_running) / bnstd_running)
        losses.append(F.cross_entropy(h @ W2 + b2, Ytr).item())
    return losses
