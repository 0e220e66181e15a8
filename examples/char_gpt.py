"""Train a small GPT on the characters of a book: `python examples/char_gpt.py`.

A decoder-only transformer (Vaswani et al. 2017; Radford et al. 2018), its norms before each part
and its attention causal, on "Alice's Adventures in Wonderland" (`examples/texts`).

    --generate 1000                     write so many characters at the end (default 400)
    --resume runs/char_gpt --generate 1000    a finished run writes again, without more training

The model is PyTorch code: with `import torch` it trains to the same losses from the same weights.
"""

# smoke: --max_steps 4 --eval_freq 2 --width 16 --layers 1 --heads 2 --generate 20 --out $OUT

from __future__ import annotations

import argparse

from _flags import Parser, count, fail
from _text import TextRun, load_text, text_flags
from _training import Example

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F


class Block(nn.Module):
    """Attention to what came before, then a small MLP, each added to its input: (N, T, C)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.attention_norm = nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time, width = x.shape
        qkv = self.attention(self.attention_norm(x))
        qkv = qkv.view(batch, time, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        dropout = self.dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True)
        x = x + self.projection(seen.transpose(1, 2).reshape(batch, time, width))
        return x + self.mlp(x)


class GPT(nn.Module):
    """Codes (N, T) to logits (N, characters, T) of the character after each.

    Args:
        characters: how many there are.
        context: T at most.
    """

    def __init__(
        self, characters: int, context: int, width: int, layers: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.character = nn.Embedding(characters, width)
        self.place = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*[Block(width, heads, dropout) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, characters, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:  # GPT-2's: the parts that are added begin smaller
                small = (2 * layers) ** -0.5 if "projection" in name or "mlp.3" in name else 1.0
                nn.init.normal_(parameter, std=0.02 * small)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        places = torch.arange(codes.shape[1], device=codes.device)
        x = self.character(codes) + self.place(places)
        return self.head(self.norm(self.blocks(x))).transpose(1, 2)


def add_flags(parser: Parser) -> None:
    """The command line."""
    text_flags(parser, learning_rate=2e-3, max_steps=600, width=96, layers=3)
    parser.flag("heads", type=count, default=4, help="of attention, default %(default)s")


def build_from(args: argparse.Namespace) -> nn.Module:
    """The model that the flags describe; leaves with status 2 if they contradict each other."""
    if args.width % args.heads:
        fail(f"--width {args.width}: must be a multiple of --heads {args.heads}")
    return GPT(args.characters, args.context, args.width, args.layers, args.heads, args.dropout)


EXAMPLE = Example(
    "char_gpt", __doc__, add_flags, build_from, eval_batch=64, load=load_text, runner=TextRun
)
parse, main = EXAMPLE.parse, EXAMPLE.main

if __name__ == "__main__":
    raise SystemExit(main())
