"""Train the assignment's ConvNet on CIFAR-10: `python examples/cifar_cnn.py`.

A small VGG (Simonyan & Zisserman 2015): 3×3 convolutions of stride 1, each followed by batch
normalisation and ReLU, and 3×3 max pools of stride 2; 9,231,114 parameters. Adam, learning rate
1e-4, batch 32. The defaults reach at least 0.75 test accuracy after 5,000 steps.
"""

# smoke: --max_steps 2 --batch_size 8 --eval_freq 2 --out $OUT

from __future__ import annotations

import argparse

from _training import Run, choose_device, common_flags, load_data

import tinygrad_lite as torch
from tinygrad_lite import nn

# Output channels of each convolution; "pool" halves the image.
LAYERS = (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool")
CLASSES = 10


def build() -> nn.Sequential:
    """The ConvNet: images (N, 3, 32, 32) to logits (N, 10)."""
    layers: list[nn.Module] = []
    channels = 3
    for layer in LAYERS:
        if layer == "pool":
            layers.append(nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
            continue
        layers += [
            nn.Conv2d(channels, layer, kernel_size=3, stride=1, padding=1),
            nn.BatchNorm2d(layer),
            nn.ReLU(),
        ]
        channels = layer
    layers += [nn.AvgPool2d(kernel_size=1), nn.Flatten(), nn.Linear(channels, CLASSES)]
    return nn.Sequential(*layers)


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    common_flags(
        parser,
        learning_rate=1e-4,
        max_steps=5000,
        batch_size=32,
        eval_freq=500,
        optimizer="adam",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Train as the command line says; the exit status."""
    args = parse(argv)
    device = choose_device(args.device, args.capture)
    data = load_data(args)
    torch.manual_seed(args.seed)
    model = build().to(device)
    print(f"{data.source}: {len(data.train)} training and {len(data.test)} test images; {device}")
    return Run("cifar_cnn", model, data, args, device, eval_batch=200).train()


if __name__ == "__main__":
    raise SystemExit(main())
