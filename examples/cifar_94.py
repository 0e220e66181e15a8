"""Train a net to 94 % on CIFAR-10 in a few minutes of arithmetic: `python examples/cifar_94.py`.

The recipe of airbench94 (Jordan 2024, https://arxiv.org/abs/2404.00498): a net of 1.97 million
parameters whose first convolution is fixed and whitens 2×2 patches, while the others begin as the
identity; Nesterov's momentum with a triangular schedule; batch norm's biases learn 64 times as
fast; slow weights; views that are shifted, and mirrored in every other epoch; smoothed labels; in
the end six views of each test image vote. Nothing is chosen by the test set.

    --seeds 0 1 2      a run of each, and their mean
    --device cuda --precision bfloat16
"""

# smoke: --width 0.0625 --batch_size 50 --epochs 0.2 --out $OUT

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from _evaluation import tensors
from _flags import Parser, positive
from _recipe import Lookahead, RecipeRun, prepare, recipe_flags
from _recipe import main as recipe_main
from _training import Example

import tinygrad_lite as torch
from tinygrad_lite import nn, optim

WIDTHS = (64, 256, 256)
PATCH, WHITENED = 2, 2 * 3 * 2**2  # each direction of a patch and its opposite
SCALE = 1 / 9  # of the logits
BIAS_RATE = 64.0  # of batch norm's biases, times the others'
FREEZE = 3  # the first layer's bias learns for so many epochs
PEAK, START, END = 0.23, 0.2, 0.07  # the schedule: where it is highest; first and last, of that
EVERY, SLOWNESS = 5, 0.95**5  # steps between those of the slow weights, and their last decay
EPS = 5e-4  # added to the variances that whitening divides by


class Scale(nn.Module):
    """y = s x.

    Args:
        factor: s.
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


def convolution(channels: int, out: int) -> nn.Conv2d:
    """A 3×3 convolution whose first outputs are its inputs at first."""
    layer = nn.Conv2d(channels, out, kernel_size=3, padding=1, bias=False)
    with torch.no_grad():
        nn.init.dirac_(layer.weight[:channels])
    return layer


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm whose scale stays 1, and whose statistics follow quickly."""
    layer = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
    layer.weight.requires_grad_(False)
    return layer


def group(channels: int, out: int) -> list[nn.Module]:
    """Two convolutions, which halve the image."""
    return [
        convolution(channels, out), nn.MaxPool2d(2), norm(out), nn.GELU(),
        convolution(out, out), norm(out), nn.GELU(),
    ]  # fmt: skip


def build(width: float = 1.0) -> nn.Sequential:
    """The net: images (N, 3, 32, 32), pixels less their channel's mean, to logits (N, 10).

    Args:
        width: times the channels, for nets that train faster.
    """
    first = nn.Conv2d(3, WHITENED, kernel_size=PATCH)
    first.weight.requires_grad_(False)
    nn.init.zeros_(first.bias)
    layers: list[nn.Module] = [first, nn.GELU()]
    channels = WHITENED
    for wanted in WIDTHS:
        out = max(1, round(width * wanted))
        layers += group(channels, out)
        channels = out
    layers += [nn.MaxPool2d(3), nn.Flatten(), nn.Linear(channels, 10, bias=False), Scale(SCALE)]
    return nn.Sequential(*layers)


@torch.no_grad()
def whiten(layer: nn.Conv2d, images: Any) -> None:
    """Make a convolution's outputs uncorrelated and of variance 1, and as many their opposites.

    With eigenvalues λ and eigenvectors v of the patches' second moments, the kernels are
    ±v/√(λ + ε); they take pixels, and each channel's standard deviation is divided out.

    Args:
        layer: its weight is (24, 3, 2, 2).
        images: float32 (N, 3, H, W), pixels less their channel's mean.
    """
    spread = images.std(axis=(0, 2, 3), keepdims=True)
    patches = np.lib.stride_tricks.sliding_window_view(images / spread, (PATCH, PATCH), (2, 3))
    rows = patches.transpose(0, 2, 3, 1, 4, 5).reshape(-1, WHITENED // 2)
    variances, directions = np.linalg.eigh(rows.T @ rows / len(rows))
    kernels = (directions / np.sqrt(variances + EPS)).T[::-1].reshape(-1, 3, PATCH, PATCH) / spread
    layer.weight.copy_(torch.from_numpy(np.concatenate([kernels, -kernels]).astype(np.float32)))


def triangle(done: float) -> float:
    """The learning rate's factor after a part (0 … 1) of all steps."""
    if done < PEAK:
        return START + (1 - START) * done / PEAK
    return 1 - (1 - END) * (done - PEAK) / (1 - PEAK)


class Run94(RecipeRun):
    """The training: optimizer, schedule, slow weights, and when the first layer is done."""

    def prepare(self) -> None:
        """Make the optimizer and the schedule, and whiten by the first 5,000 images.

        Rate and decay are those of 1,024 images at a time, whatever the momentum is (which makes
        steps 1 + 1/(1 − μ) times as long) and the batch.
        """
        super().prepare()
        args = self.args
        images, _ = tensors(self.data.train.gather(np.arange(min(5000, len(self.data.train)))))
        whiten(self.model[0], images.numpy())
        rate = args.learning_rate * args.batch_size / 1024 / (1 + 1 / (1 - args.momentum))
        norms = [m.bias for m in self.model.modules() if isinstance(m, nn.BatchNorm2d)]
        known = {id(p) for p in norms}
        others = [p for p in self.model.parameters() if p.requires_grad and id(p) not in known]
        decay = args.weight_decay / args.learning_rate
        groups = [
            {"params": others, "lr": rate, "weight_decay": decay},
            {"params": norms, "lr": rate * BIAS_RATE, "weight_decay": decay / BIAS_RATE},
        ]
        self.optimizer = optim.SGD(groups, momentum=args.momentum, nesterov=args.momentum > 0)
        total = self.total
        self.schedule = optim.lr_scheduler.LambdaLR(self.optimizer, lambda t: triangle(t / total))
        self.lookahead = Lookahead(self.model)

    def _parts(self) -> dict[str, Any]:
        return super()._parts() | {"lookahead": self.lookahead}

    def take_step(self) -> None:
        """One training step; every fifth is followed by one of the slow weights."""
        self._freeze()
        super().take_step()
        step = self.step + 1
        if step % EVERY == 0:
            self.lookahead.update(SLOWNESS * (step / self.total) ** 3)
        if step == self.total:
            self.lookahead.update(1.0)

    def _freeze(self) -> None:
        """Whether the first layer's bias learns: without it the backward pass ends earlier."""
        bias = self.model[0].bias
        learns = self.step < FREEZE * (len(self.data.train) // self.args.batch_size)
        if bias.requires_grad != learns:
            bias.requires_grad_(learns)
            bias.grad = None
            if isinstance(self.compute, torch.cuda.CapturedStep):
                self.compute.reset()


def add_flags(parser: Parser) -> None:
    """The command line."""
    parser.flag("width", type=positive, default=1.0, help="times the channels, %(default)s")
    recipe_flags(
        parser,
        epochs=12,
        batch_size=1024,
        learning_rate=11.5,
        momentum=0.85,
        weight_decay=0.0153,
        label_smoothing=0.2,
        shift=2,
    )


def build_from(args: argparse.Namespace) -> nn.Sequential:
    """The model that the flags describe."""
    return build(args.width)


EXAMPLE = Example(
    "cifar_94", __doc__, add_flags, build_from, eval_batch=500, prepare=prepare, runner=Run94
)
parse = EXAMPLE.parse


def main(argv: list[str] | None = None) -> int:
    """Train; the exit status."""
    return recipe_main(EXAMPLE, argv)


if __name__ == "__main__":
    raise SystemExit(main())
