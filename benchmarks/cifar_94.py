"""A training step of the 94 % net on a CPU, this library against PyTorch if it is installed.

The net of `examples/cifar_94.py`, whose layers are initialised by chance here, on images by chance:
zero_grad, forward, cross entropy with smoothed labels, backward, Nesterov's momentum; float32. Both
libraries start from the same weights and see the same batch, and the script fails unless the losses
agree to 1e-4.

A step of 1,024 images takes seconds: so each library has few turns of one step, after one to warm
up.

    python benchmarks/cifar_94.py [--threads N] [--instructions avx2] [--batch 1024] [--rounds N]
                                  [--json FILE]
"""

# smoke: --batch 4 --rounds 1 --json $OUT/cifar_94.json

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import _compare

THREADS = _compare.prepare()

import numpy as np  # noqa: E402 - after threads and instructions are set

import tinygrad_lite  # noqa: E402

WHITENED, WIDTHS = 24, (64, 256, 256)
SMOOTHING, SCALE = 0.2, 1 / 9


def build(nn: Any) -> Any:
    """The layers before the logits' scale, as the example's `build` has them."""

    def norm(channels: int) -> Any:
        layer = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
        layer.weight.requires_grad_(False)
        return layer

    first = nn.Conv2d(3, WHITENED, 2)
    first.weight.requires_grad_(False)
    layers, channels = [first, nn.GELU()], WHITENED
    for out in WIDTHS:
        layers += [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.MaxPool2d(2)]
        layers += [norm(out), nn.GELU(), nn.Conv2d(out, out, 3, padding=1, bias=False)]
        layers += [norm(out), nn.GELU()]
        channels = out
    layers += [nn.MaxPool2d(3), nn.Flatten(), nn.Linear(channels, 10, bias=False)]
    return nn.Sequential(*layers)


def stepper(framework: Any, model: Any, images: Any, labels: Any) -> Callable[[], float]:
    """A training step as a call without arguments; it returns the loss."""
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = framework.optim.SGD(learning, lr=1e-4, momentum=0.85, nesterov=True)
    loss_of = framework.nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    x, t = framework.from_numpy(images), framework.from_numpy(labels)

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of(model(x) * SCALE, t)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def main() -> int:
    """Time what the command line asks for."""
    parser = _compare.parser(__doc__)
    _compare.add_arguments(parser, THREADS)
    parser.add_argument("--batch", type=int, default=1024, help="images a step")
    parser.add_argument("--rounds", type=int, default=3, help="steps of each library")
    parser.add_argument("--json", type=Path, default=None, help="also write the figures here")
    args = parser.parse_args()
    torch, about = _compare.against_pytorch(THREADS)
    rng = np.random.default_rng(0)
    images = rng.standard_normal((args.batch, 3, 32, 32)).astype(np.float32)
    labels = rng.integers(0, 10, args.batch)
    tinygrad_lite.manual_seed(0)
    model = build(tinygrad_lite.nn)
    steps = {"tinygrad_lite": stepper(tinygrad_lite, model, images, labels)}
    if torch is not None:
        other = build(torch.nn)
        state = {k: torch.from_numpy(v.numpy().copy()) for k, v in model.state_dict().items()}
        other.load_state_dict(state)
        steps["torch"] = stepper(torch, other, images, labels)
    losses = [step() for step in steps.values()]  # which warms up too
    assert max(losses) - min(losses) <= 1e-4 * abs(losses[0]), losses
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(args.rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - start)
    for name, found in seconds.items():
        print(f"{name:<16}{median(found):8.2f} s  ({min(found):.2f} to {max(found):.2f})")
    rows = [{"name": "step", "batch": args.batch, "seconds": seconds}]
    if torch is not None:
        ratio = median(a / b for a, b in zip(*seconds.values(), strict=True))
        print(f"ratio{ratio:19.2f}")
        rows[0]["ratio"] = ratio
    _compare.write_json(args.json, about, rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
