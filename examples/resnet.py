"""Train a residual net on CIFAR-10: `python examples/resnet.py`.

The CIFAR nets of He et al. (2015, section 4.2): a 3×3 convolution, then three groups of `--blocks`
blocks at 32×32, 16×16 and 8×8, of `--width`, 2 and 4 times as many channels; 6 · blocks + 2
layers: ResNet-8 by default, ResNet-14 and -20 with `--blocks 2` and `3`. SGD with momentum 0.9.

The model is PyTorch code: with `import torch` it trains to the same losses from the same weights.
"""

# smoke: --max_steps 2 --batch_size 8 --eval_freq 2 --width 4 --out $OUT

from __future__ import annotations

import argparse

from _flags import Parser, common_flags, count
from _training import Example

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F


class BasicBlock(nn.Module):
    """Two 3×3 convolutions, to which the input is added."""

    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(planes),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    """Images (N, 3, 32, 32) to logits (N, 10)."""

    def __init__(self, blocks: int = 1, width: int = 16, num_classes: int = 10) -> None:
        super().__init__()
        self.in_planes = width
        self.conv1 = nn.Conv2d(3, width, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = self._make_layer(width, blocks, stride=1)
        self.layer2 = self._make_layer(2 * width, blocks, stride=2)
        self.layer3 = self._make_layer(4 * width, blocks, stride=2)
        self.linear = nn.Linear(4 * width, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def _make_layer(self, planes: int, blocks: int, stride: int) -> nn.Sequential:
        layers = []
        for s in [stride] + [1] * (blocks - 1):
            layers.append(BasicBlock(self.in_planes, planes, s))
            self.in_planes = planes
        return nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        out = F.adaptive_avg_pool2d(out, 1)
        out = torch.flatten(out, 1)
        return self.linear(out)


def add_flags(parser: Parser) -> None:
    """The command line."""
    parser.flag("blocks", type=count, default=1, help="in each group, default %(default)s")
    parser.flag("width", type=count, default=16, help="channels at first, default %(default)s")
    common_flags(
        parser,
        learning_rate=0.05,
        max_steps=1000,
        batch_size=64,
        eval_freq=250,
        optimizer="sgd",
    )
    parser.set_defaults(momentum=0.9, weight_decay=5e-4)


def build_from(args: argparse.Namespace) -> nn.Module:
    """The model that the flags describe."""
    return ResNet(args.blocks, args.width)


EXAMPLE = Example("resnet", __doc__, add_flags, build_from, eval_batch=500)
parse, main = EXAMPLE.parse, EXAMPLE.main

if __name__ == "__main__":
    raise SystemExit(main())
