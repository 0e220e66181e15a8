"""Train a small MLP as well as we can on CIFAR-10: `python examples/cifar_mlp_best.py`.

Dense layers alone: 3072 pixels, hidden layers of 384 units with batch norm and GELU, which add to
what comes in after the first, and at most 1.5 million parameters. What helps it is what helps
convolutional nets: views that are shifted and mirrored, many epochs, smoothed labels, a decay of
the weights, and six views of each test image that vote. The defaults reach 0.67.
"""

# smoke: --units 16 --batch_size 50 --epochs 1 --out $OUT

from __future__ import annotations

import argparse
import itertools
import math

from _flags import Parser, count, fraction
from _recipe import RecipeRun, prepare, recipe_flags
from _recipe import main as recipe_main
from _training import Example

import tinygrad_lite as torch
from tinygrad_lite import nn, optim

PIXELS, CLASSES = 3 * 32 * 32, 10
SPREAD = 64.0  # about the standard deviation of pixels
WARM = 0.1  # the part of all steps in which the rate grows


class Hidden(nn.Module):
    """y = dropout(GELU(norm(W x))), plus x where both have one size.

    Args:
        n_in, n_out: the sizes of x and y.
        dropout: the probability.
    """

    def __init__(self, n_in: int, n_out: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_out, bias=False)
        self.norm = nn.BatchNorm1d(n_out)
        self.dropout = nn.Dropout(dropout)
        self.adds = n_in == n_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.dropout(nn.functional.gelu(self.norm(self.linear(x))))
        return x + y if self.adds else y


class Net(nn.Module):
    """The MLP: images (N, 3, 32, 32), pixels less their channel's mean, to logits (N, 10).

    Args:
        units: of each hidden layer.
        depth: how many there are.
        dropout: the probability after each.
    """

    def __init__(self, units: int, depth: int, dropout: float) -> None:
        super().__init__()
        sizes = [PIXELS] + [units] * depth
        pairs = itertools.pairwise(sizes)
        self.hidden = nn.Sequential(*(Hidden(a, b, dropout) for a, b in pairs))
        self.last = nn.Linear(units, CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.hidden(images.flatten(1) / SPREAD))


class MlpRun(RecipeRun):
    """The training: Nesterov's momentum, a rate that grows and falls along a cosine."""

    def prepare(self) -> None:
        """Make optimizer and schedule; only matrices decay."""
        super().prepare()
        args, total = self.args, self.total
        matrices = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": args.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        self.optimizer = optim.SGD(
            groups, lr=args.learning_rate, momentum=args.momentum, nesterov=args.momentum > 0
        )
        self.schedule = optim.lr_scheduler.LambdaLR(self.optimizer, lambda t: wave(t / total))


def wave(done: float) -> float:
    """The learning rate's factor after a part (0 … 1) of all steps."""
    if done < WARM:
        return 0.1 + 0.9 * done / WARM
    return 0.5 + 0.5 * math.cos(math.pi * (done - WARM) / (1 - WARM))


def add_flags(parser: Parser) -> None:
    """The command line."""
    parser.flag("units", type=count, default=384, help="of a hidden layer, %(default)s")
    parser.flag("depth", type=count, default=3, help="hidden layers, default %(default)s")
    parser.flag("dropout", type=fraction, default=0.0, help="probability, default %(default)s")
    recipe_flags(
        parser,
        epochs=100,
        batch_size=500,
        learning_rate=0.2,
        momentum=0.9,
        weight_decay=1e-3,
        label_smoothing=0.1,
        shift=4,
    )


def build_from(args: argparse.Namespace) -> Net:
    """The model that the flags describe."""
    return Net(args.units, args.depth, args.dropout)


EXAMPLE = Example("cifar_mlp_best", __doc__, add_flags, build_from, prepare=prepare, runner=MlpRun)
parse = EXAMPLE.parse


def main(argv: list[str] | None = None) -> int:
    """Train; the exit status."""
    return recipe_main(EXAMPLE, argv)


if __name__ == "__main__":
    raise SystemExit(main())
