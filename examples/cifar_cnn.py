"""Train the assignment's ConvNet on CIFAR-10: `python examples/cifar_cnn.py`.

A small VGG (Simonyan & Zisserman 2015): 3×3 convolutions of stride 1, each followed by batch
normalisation and ReLU, and 3×3 max pools of stride 2; 9,231,114 parameters. Adam, learning rate
1e-4, batch 32. The defaults reach at least 0.75 test accuracy after 5,000 steps.

`--net small` has 242,826 parameters and a tenth of the work. The one in `examples/pretrained` is

    --net small --augment --batch_size 128 --learning_rate 2e-3 --max_steps 6000
    --lr_drop_step 5000
"""

# smoke: --max_steps 2 --batch_size 8 --eval_freq 2 --out $OUT

from __future__ import annotations

import argparse

from _flags import Parser, common_flags
from _training import Example

from tinygrad_lite import nn

# Output channels of each convolution; "pool" halves the image.
NETS = {
    "vgg": (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"),
    "small": (32, "pool", 64, "pool", 128, 128, "pool"),
}
SIZE, CLASSES = 32, 10


def build(net: str = "vgg", dropout: float = 0.0) -> nn.Sequential:
    """The ConvNet: images (N, 3, 32, 32) to logits (N, 10).

    Args:
        net: "vgg", the assignment's, or "small".
        dropout: the probability before the linear layer; 0 for no such layer.
    """
    layers: list[nn.Module] = []
    channels, size = 3, SIZE
    for layer in NETS[net]:
        if layer == "pool":
            layers.append(nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
            size //= 2
            continue
        layers += [
            nn.Conv2d(channels, layer, kernel_size=3, stride=1, padding=1),
            nn.BatchNorm2d(layer),
            nn.ReLU(),
        ]
        channels = layer
    layers += [nn.AvgPool2d(kernel_size=size), nn.Flatten()]
    layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(channels, CLASSES))


def add_flags(parser: Parser) -> None:
    """The command line."""
    parser.flag("net", default="vgg", choices=tuple(NETS), help="default %(default)s")
    common_flags(
        parser,
        learning_rate=1e-4,
        max_steps=5000,
        batch_size=32,
        eval_freq=500,
        optimizer="adam",
    )


def build_from(args: argparse.Namespace) -> nn.Sequential:
    """The model that the flags describe."""
    return build(args.net, args.dropout)


EXAMPLE = Example("cifar_cnn", __doc__, add_flags, build_from, eval_batch=200)
parse, main = EXAMPLE.parse, EXAMPLE.main

if __name__ == "__main__":
    raise SystemExit(main())
