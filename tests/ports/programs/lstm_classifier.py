"""Sequences of different lengths classified by a packed, bidirectional LSTM."""

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

from tests.ports.draws import fill


class LSTMClassifier(nn.Module):
    def __init__(self, vocab_size, embedding_dim, hidden_dim, num_classes):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=0)
        self.lstm = nn.LSTM(
            embedding_dim, hidden_dim, num_layers=2, batch_first=True, bidirectional=True
        )
        self.fc = nn.Linear(2 * hidden_dim, num_classes)

    def forward(self, text, text_lengths):
        embedded = self.embedding(text)
        packed = pack_padded_sequence(
            embedded, text_lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        packed_output, (hidden, _cell) = self.lstm(packed)
        output, lengths = pad_packed_sequence(packed_output, batch_first=True)
        assert output.size(0) == text.size(0)
        assert lengths.tolist() == text_lengths.tolist()
        hidden = torch.cat((hidden[-2, :, :], hidden[-1, :, :]), dim=1)
        return self.fc(hidden + output.mean(dim=1))


def collate_batch(batch):
    label_list, text_list, lengths = [], [], []
    for text, label in batch:
        label_list.append(label)
        text_list.append(torch.tensor(text, dtype=torch.int64))
        lengths.append(len(text))
    padded = pad_sequence(text_list, batch_first=True, padding_value=0)
    return padded, torch.tensor(label_list), torch.tensor(lengths)


def main():
    rng = np.random.default_rng(0)
    data = []
    for _ in range(96):
        text = rng.integers(1, 20, int(rng.integers(3, 11))).tolist()
        data.append((text, int(sum(t > 10 for t in text) * 2 > len(text))))
    loader = DataLoader(data, batch_size=16, shuffle=False, collate_fn=collate_batch)
    model = LSTMClassifier(20, 12, 16, 2)
    fill(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    criterion = nn.CrossEntropyLoss()
    losses = []
    for _ in range(3):
        for text, label, lengths in loader:
            optimizer.zero_grad()
            loss = criterion(model(text, lengths), label)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5)
            optimizer.step()
            losses.append(loss.item())
    return losses
