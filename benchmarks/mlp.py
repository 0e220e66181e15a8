"""Step time of the assignment's MLPs, this library against PyTorch if it is installed.

A step is zero_grad, forward, cross entropy, backward, optimizer; batch 200, float32. Both
libraries start from the same weights and see the same batch, and the script fails unless
loss and gradients agree to 1e-4 before it times anything.

    python benchmarks/mlp.py [--threads N] [--instructions avx2] [--rounds N] [--json FILE]
    python benchmarks/mlp.py --device cuda [--precision tf32] [--peak TFLOPS] [--json FILE]
"""

# smoke: --rounds 2 --calls 2 --json $OUT/mlp.json

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from typing import Any

import _compare
import _cuda

THREADS = _compare.prepare()


import numpy as np  # noqa: E402 - after threads and instructions are set

import tinygrad_lite  # noqa: E402

BATCH, PIXELS, CLASSES = 200, 3072, 10
CASES: dict[str, tuple[list[int], dict[str, float]]] = {
    "MLP 100, SGD": ([100], {"lr": 2e-3}),
    "MLP 400,600, SGD with momentum": ([400, 600], {"lr": 8e-4, "momentum": 0.9}),
}


def make(framework: Any, weights: list[Any], options: dict[str, float]) -> tuple[Any, Any]:
    """The net with the given weights, and its optimizer; the same code for both libraries."""
    nn, layers = framework.nn, []
    for w in weights:
        linear = nn.Linear(w.shape[1], w.shape[0])
        with framework.no_grad():
            linear.weight.copy_(framework.from_numpy(w))
            linear.bias.zero_()
        layers += [linear, nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    return model, framework.optim.SGD(model.parameters(), **options)


def stepper(framework: Any, model: Any, optimizer: Any, x: Any, t: Any) -> Callable[[], Any]:
    """A whole training step as a call without arguments; it returns the loss."""
    x, t = framework.from_numpy(x), framework.from_numpy(t)
    cross_entropy = framework.nn.functional.cross_entropy

    def step() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    return step


def check_agreement(ours: Any, theirs: Any, losses: tuple[float, float]) -> None:
    """Fail unless the losses and all gradients agree to 1e-4."""
    assert abs(losses[0] - losses[1]) <= 1e-4 * abs(losses[1]), losses
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        want = b.grad.numpy()
        error = np.linalg.norm(a.grad.numpy() - want) / np.linalg.norm(want)
        assert error <= 1e-4, f"gradients of shape {a.shape} differ by {error:.1e}"


def run(case: str, torch: Any, args: argparse.Namespace) -> dict[str, Any]:
    """One row of the table."""
    x, t, weights = material(case)
    options = CASES[case][1]
    frameworks = {"tinygrad_lite": tinygrad_lite} | ({} if torch is None else {"torch": torch})
    models = {name: make(f, weights, options) for name, f in frameworks.items()}
    steps = {name: stepper(frameworks[name], *models[name], x, t) for name in frameworks}
    losses = [step().item() for step in steps.values()]
    if torch is not None:
        check_agreement(models["tinygrad_lite"][0], models["torch"][0], (losses[0], losses[1]))
    timings, ratios = _compare.alternate(steps, rounds=args.rounds, calls=args.calls)
    _compare.report(f"{case}, batch {BATCH}, whole step", timings, ratios)
    return _compare.record(case, timings, ratios)


def material(case: str) -> tuple[Any, Any, list[Any]]:
    """Images, labels and initial weights of a case."""
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 256, (BATCH, PIXELS)) - 128).astype(np.float32)
    t = rng.integers(0, CLASSES, BATCH)
    sizes = itertools.pairwise([PIXELS, *CASES[case][0], CLASSES])
    weights = [(rng.standard_normal((m, n)) * 1e-2 / n**0.5).astype(np.float32) for n, m in sizes]
    return x, t, weights


def build_on_cuda(name: str, framework: Any, case: str, precision: str) -> Callable[[], Any]:
    """A training step of a fresh net on the GPU; `name` is one of `_cuda.names_of_ways`."""
    *data, weights = material(case)
    model, optimizer = make(framework, weights, CASES[case][1])
    data = [framework.from_numpy(a).to("cuda") for a in data]
    step = _cuda.trainer(framework, model.to("cuda"), optimizer, data, precision)
    return _cuda.as_named(name, framework, step)


def run_on_cuda(
    case: str, torch: Any, args: argparse.Namespace, peak: float, gigabytes: float
) -> dict[str, Any]:
    """One row of the table on a GPU: eager, and captured as a graph."""
    hidden, options = CASES[case]
    sizes = list(itertools.pairwise([PIXELS, *hidden, CLASSES]))
    ways = {}
    for name in _cuda.names_of_ways(torch, args.precision, False):
        framework = torch if name.startswith("torch") else tinygrad_lite
        ways[name] = build_on_cuda(name, framework, case, args.precision)
    _cuda.check_losses(ways, args.precision)
    timings, ratios = _cuda.alternate(ways, rounds=args.rounds, calls=args.calls)
    count = sum(n * m for n, m in sizes)
    first = PIXELS * sizes[0][1]
    # Weights: read in both passes (the first layer's only forward), gradient written and read,
    # weights read and written, velocity too; the images are read in both passes.
    moved = (6 + 2 * ("momentum" in options)) * count - first + 2 * BATCH * PIXELS
    return _cuda.report(
        f"{case}, batch {BATCH}, whole step, {args.precision}",
        timings,
        ratios,
        flops=2 * BATCH * (3 * count - first),
        bytes_moved=4 * moved,
        peak=peak,
        gigabytes=gigabytes,
    )


def main() -> int:
    """Run the cases that the command line asks for."""
    parser = _compare.parser(__doc__)
    _compare.add_arguments(parser, THREADS)
    _compare.add_turns(parser, rounds=40, calls=20, what="steps")
    _cuda.add_arguments(parser)
    args = parser.parse_args()
    if args.device == "cuda":
        return _cuda.compare(parser, args, run_on_cuda, list(CASES))
    torch, about = _compare.against_pytorch(THREADS)
    results = [run(case, torch, args) for case in CASES]
    _compare.write_json(args.json, about, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
