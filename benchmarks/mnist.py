"""Step time of two well-known small nets, this library against PyTorch if it is installed.

The net of PyTorch's own MNIST example, without its dropout, and LeNet-5 (LeCun et al. 1998) with
ReLU and max pools; batch 64, Adam, float32, images 28×28. Both libraries start from the same
weights and see the same batch, and the script fails unless the loss and the last layer's gradients
agree to 1e-4, and all others to 1e-2, before it times anything. (Where rounding decides between
two equal maxima, or about the sign before a ReLU, a gradient goes another way.)

    python benchmarks/mnist.py [--threads N] [--instructions avx2] [--rounds N] [--json FILE]
"""

# smoke: --rounds 2 --calls 2 --json $OUT/mnist.json

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import _compare

THREADS = _compare.prepare()

import numpy as np  # noqa: E402 - after threads and instructions are set

import tinygrad_lite  # noqa: E402

BATCH = 64


def example(nn: Any) -> Any:
    """The net of https://github.com/pytorch/examples/tree/main/mnist."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def lenet(nn: Any) -> Any:
    """LeNet-5."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


CASES = {"PyTorch's MNIST example": example, "LeNet-5": lenet}


def stepper(framework: Any, model: Any, images: Any, labels: Any) -> Callable[[], Any]:
    """A whole training step as a call without arguments; it returns the loss."""
    optimizer = framework.optim.Adam(model.parameters())
    x, t = framework.from_numpy(images), framework.from_numpy(labels)

    def step() -> Any:
        optimizer.zero_grad()
        loss = framework.nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    return step


def run(case: str, torch: Any, args: argparse.Namespace) -> dict[str, Any]:
    """One row of the table."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((BATCH, 1, 28, 28)).astype(np.float32)
    labels = rng.integers(0, 10, BATCH)
    tinygrad_lite.manual_seed(0)
    model = CASES[case](tinygrad_lite.nn)
    steps = {"tinygrad_lite": stepper(tinygrad_lite, model, images, labels)}
    if torch is not None:
        other = CASES[case](torch.nn)
        state = {k: torch.from_numpy(v.numpy().copy()) for k, v in model.state_dict().items()}
        other.load_state_dict(state)
        steps["torch"] = stepper(torch, other, images, labels)
    losses = [step().item() for step in steps.values()]
    if torch is not None:
        assert abs(losses[0] - losses[1]) <= 1e-4 * abs(losses[1]), losses
        pairs = list(zip(model.parameters(), other.parameters(), strict=True))
        for a, b in pairs:
            want = b.grad.numpy()
            error = np.linalg.norm(a.grad.numpy() - want) / np.linalg.norm(want)
            limit = 1e-4 if any(a is last for last, _ in pairs[-2:]) else 1e-2
            assert error <= limit, f"gradients of shape {a.shape} differ by {error:.1e}"
    timings, ratios = _compare.alternate(steps, rounds=args.rounds, calls=args.calls)
    _compare.report(f"{case}, batch {BATCH}, Adam, whole step", timings, ratios)
    return _compare.record(case, timings, ratios)


def main() -> int:
    """Run both nets."""
    parser = _compare.parser(__doc__)
    _compare.add_arguments(parser, THREADS)
    _compare.add_turns(parser, rounds=10, calls=10, what="steps")
    args = parser.parse_args()
    torch, about = _compare.against_pytorch(THREADS)
    _compare.write_json(args.json, about, [run(case, torch, args) for case in CASES])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
