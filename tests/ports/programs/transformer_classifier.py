"""Sequences classified by nn.TransformerEncoder with positions and a padding mask."""

import math

import numpy as np
import torch
import torch.nn as nn

from tests.ports.draws import fill


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.0, max_len=50):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len, dtype=torch.float).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(1e4) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe.unsqueeze(0))

    def forward(self, x):
        return self.dropout(x + self.pe[:, : x.size(1)])


class TransformerClassifier(nn.Module):
    def __init__(self, ntoken, d_model=16, nhead=4, nlayers=2, nclass=3):
        super().__init__()
        self.encoder = nn.Embedding(ntoken, d_model)
        self.pos_encoder = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(
            d_model, nhead, dim_feedforward=32, dropout=0.0, activation="gelu", batch_first=True
        )
        self.transformer_encoder = nn.TransformerEncoder(
            layer, num_layers=nlayers, enable_nested_tensor=False
        )
        self.decoder = nn.Linear(d_model, nclass)
        self.d_model = d_model

    def forward(self, src, padding):
        x = self.pos_encoder(self.encoder(src) * math.sqrt(self.d_model))
        x = self.transformer_encoder(x, src_key_padding_mask=padding)
        keep = (~padding).unsqueeze(-1).to(x.dtype)
        return self.decoder((x * keep).sum(1) / keep.sum(1).clamp(min=1))


def main():
    rng = np.random.default_rng(0)
    model = TransformerClassifier(12)
    fill(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LinearLR(optimizer, 0.2, total_iters=4),
            torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9),
        ],
        milestones=[4],
    )
    criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 1.0]))
    losses = []
    for _ in range(12):
        src = torch.as_tensor(rng.integers(0, 12, (16, 9)))
        lengths = torch.as_tensor(rng.integers(4, 10, 16))
        padding = torch.arange(9)[None, :] >= lengths[:, None]
        target = src[:, 0] % 3
        loss = criterion(model(src, padding), target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses
