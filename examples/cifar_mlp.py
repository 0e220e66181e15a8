"""Train the assignment's MLP on CIFAR-10: `python examples/cifar_mlp.py`.

Linear layers with ReLU between, softmax cross entropy, mini-batch SGD; pixels 0…255 minus
the mean image; weights N(0, 1e-4²), biases 0. The defaults reach 0.46 to 0.50 test accuracy.
The report's experiments are flags away, for instance its best MLP:

    --dnn_hidden_units 400,600 --momentum 0.9 --learning_rate 8e-4 --max_steps 6000
    --lr_drop_step 3000
"""

# smoke: --max_steps 20 --eval_freq 10 --out $OUT

from __future__ import annotations

import argparse
import itertools
from typing import Any

import numpy as np
from _flags import Parser, common_flags, count, fail
from _training import Example

from tinygrad_lite import nn

PIXELS, CLASSES = 3 * 32 * 32, 10


def hidden_units(text: str) -> list[int]:
    """`400,600` as [400, 600]; the empty string as no hidden layer."""
    return [count(part) for part in text.split(",")] if text.strip() else []


def build(hidden: list[int], init: str, dropout: float = 0.0) -> nn.Sequential:
    """The MLP; with no hidden units it is multinomial logistic regression.

    Args:
        hidden: the width of each hidden layer.
        init: "normal" for weights N(0, 1e-4²) and biases 0, "default" for PyTorch's default.
        dropout: the probability after each hidden layer; 0 for no such layers.
    """
    sizes = [PIXELS, *hidden, CLASSES]
    layers: list[nn.Module] = [nn.Flatten()]
    for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        layers += [nn.ReLU()] if i else []
        layers += [nn.Dropout(dropout)] if i and dropout else []
        linear = nn.Linear(n_in, n_out)
        if init == "normal":
            nn.init.normal_(linear.weight, std=1e-4)
            nn.init.zeros_(linear.bias)
        layers.append(linear)
    return nn.Sequential(*layers)


def add_flags(parser: Parser) -> None:
    """The command line."""
    parser.flag(
        "dnn_hidden_units",
        type=hidden_units,
        default=[100],
        help="comma separated widths, '' for logistic regression; default 100",
    )
    parser.flag("init", default="normal", choices=("normal", "default"), help="%(default)s")
    common_flags(
        parser,
        learning_rate=2e-3,
        max_steps=1500,
        batch_size=200,
        eval_freq=100,
        optimizer="sgd",
    )


def check_rate(args: argparse.Namespace, data: Any) -> None:
    """Leave with status 2 if SGD on a linear model would overshoot from the first step.

    The cross entropy's Hessian at weights near 0, where p = 1/C, is (1/C)(I − 11ᵀ/C) ⊗ E[x xᵀ],
    its largest eigenvalue h = λ/C with λ that of E[x xᵀ]; gradient descent with momentum μ
    moves away from the minimum along that direction if the rate is above 2 (1 + μ)/h.
    """
    if args.dnn_hidden_units or args.optimizer != "sgd":
        return
    x = data.train.gather(np.arange(min(2000, len(data.train))))[0].reshape(-1, PIXELS)
    v = np.ones(PIXELS, np.float32) / PIXELS**0.5
    for _ in range(20):  # the power method
        v = x.T @ (x @ v)
        v /= np.linalg.norm(v)
    curvature = float(np.square(x @ v).mean()) / CLASSES
    limit = 2 * (1 + args.momentum) / curvature
    if args.learning_rate > limit:
        fail(
            f"--learning_rate {args.learning_rate}: without hidden units SGD overshoots from the "
            f"first step above {limit:.1g} on these images; try --learning_rate {limit / 4:.0e}"
        )


def build_from(args: argparse.Namespace) -> nn.Sequential:
    """The model that the flags describe."""
    return build(args.dnn_hidden_units, args.init, args.dropout)


EXAMPLE = Example("cifar_mlp", __doc__, add_flags, build_from, check=check_rate)
parse, main = EXAMPLE.parse, EXAMPLE.main

if __name__ == "__main__":
    raise SystemExit(main())
