"""Train an LSTM on the characters of a book: `python examples/char_lstm.py`.

Layers of LSTM (Hochreiter & Schmidhuber 1997) on "Alice's Adventures in Wonderland"
(`examples/texts`), after Karpathy's char-rnn (2015).

    --generate 1000                     write so many characters at the end (default 400)
    --resume runs/char_lstm --generate 1000   a finished run writes again, without more training

The model is PyTorch code: with `import torch` it trains to the same losses from the same weights.
"""

# smoke: --max_steps 4 --eval_freq 2 --width 16 --layers 1 --generate 20 --out $OUT

from __future__ import annotations

import argparse

from _flags import Parser
from _text import TextRun, load_text, text_flags
from _training import Example

import tinygrad_lite as torch
from tinygrad_lite import nn


class CharLSTM(nn.Module):
    """Codes (N, T) to logits (N, characters, T) of the character after each.

    Args:
        characters: how many there are.
    """

    def __init__(self, characters: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.character = nn.Embedding(characters, width)
        between = dropout if layers > 1 else 0.0
        self.lstm = nn.LSTM(width, width, num_layers=layers, dropout=between, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, characters)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        hidden, _ = self.lstm(self.character(codes))
        return self.head(self.dropout(hidden)).transpose(1, 2)


def add_flags(parser: Parser) -> None:
    """The command line."""
    text_flags(parser, learning_rate=5e-3, max_steps=600, width=128, layers=1)


def build_from(args: argparse.Namespace) -> nn.Module:
    """The model that the flags describe."""
    return CharLSTM(args.characters, args.width, args.layers, args.dropout)


EXAMPLE = Example(
    "char_lstm", __doc__, add_flags, build_from, eval_batch=64, load=load_text, runner=TextRun
)
parse, main = EXAMPLE.parse, EXAMPLE.main

if __name__ == "__main__":
    raise SystemExit(main())
