"""What a small operation costs besides its arithmetic, against PyTorch if it is installed.

The tensors have a few elements, so that nearly all of the time goes to what surrounds the
arithmetic: checks, dispatch, recording, the backward walk. "forward" is the operation alone,
under `no_grad`; "both" records it and sends a gradient back to all of its inputs. The script
fails unless outputs and gradients agree to 1e-4 before it times anything. One thread, because
more have nothing to do here.

    python benchmarks/overhead.py [--only WORD] [--rounds N] [--threads N] [--instructions avx2]
                                  [--json FILE]
"""

# smoke: --rounds 1 --calls 1 --repeat 2 --json $OUT/overhead.json

from __future__ import annotations

from typing import Any

import _compare

THREADS = _compare.prepare(1)


import _small  # noqa: E402
import numpy as np  # noqa: E402 - after threads and instructions are set
from _small import Rows  # noqa: E402


def operations(framework: Any) -> Rows:
    """Name, leaves and the call of each operation; the same code for both libraries."""
    rng = np.random.default_rng(0)
    nn, F = framework.nn, framework.nn.functional

    def leaf(*shape: int) -> Any:
        values = rng.standard_normal(shape).astype(np.float32)
        return framework.from_numpy(values).requires_grad_()

    a, b = leaf(4), leaf(4)
    yield "a + b", [a, b], lambda: a + b
    yield "a * b", [a, b], lambda: a * b
    yield "a * 2", [a], lambda: a * 2
    yield "exp", [a], lambda: a.exp()
    yield "relu", [a], lambda: a.relu()
    yield "sum", [a], lambda: a.sum()
    m, n = leaf(8, 8), leaf(8, 8)
    yield "matmul 8×8", [m, n], lambda: m @ n
    yield "mean over a dim", [m], lambda: m.mean(1)
    yield "reshape", [m], lambda: m.reshape(4, 16)
    yield "transpose", [m], lambda: m.transpose(0, 1)
    yield "m[2:5, 1]", [m], lambda: m[2:5, 1]
    rows = framework.from_numpy(np.array([3, 0, 3]))
    yield "m[indices]", [m], lambda: m[rows]
    yield "cat of two", [m, n], lambda: framework.cat([m, n])
    logits, classes = leaf(4, 10), framework.from_numpy(np.array([1, 9, 0, 1]))
    yield "softmax", [logits], lambda: F.softmax(logits, 1)
    yield "cross_entropy", [logits], lambda: F.cross_entropy(logits, classes)
    x, weight, bias = leaf(4, 8), leaf(6, 8), leaf(6)
    yield "linear", [x, weight, bias], lambda: F.linear(x, weight, bias)
    images, kernels, shifts = leaf(1, 3, 8, 8), leaf(4, 3, 3, 3), leaf(4)
    yield (
        "conv2d 3→4 @8²",
        [images, kernels, shifts],
        lambda: F.conv2d(images, kernels, shifts, padding=1),
    )
    yield "max_pool2d", [images], lambda: F.max_pool2d(images, 2)
    gamma, beta = leaf(3), leaf(3)
    mean, var = framework.zeros(3), framework.ones(3)
    yield (
        "batch_norm",
        [images, gamma, beta],
        lambda: F.batch_norm(images, mean, var, gamma, beta, training=True),
    )
    model = mlp(framework, rng)
    yield "MLP of 2 layers", [x, *model.parameters()], lambda: model(x)
    identity = nn.Identity()
    yield "Module call alone", [], lambda: identity(x)


def mlp(framework: Any, rng: Any) -> Any:
    """8 → 6 → 10 with weights that depend on nothing but the generator."""
    nn = framework.nn
    model = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 10))
    with framework.no_grad():
        for p in model.parameters():
            p.copy_(framework.from_numpy(rng.standard_normal(tuple(p.shape)).astype(np.float32)))
    return model


def chores(framework: Any) -> Rows:
    """Name, parameters and the call of what a training loop does besides operations."""
    rng = np.random.default_rng(1)
    makers = {
        "SGD": lambda p: framework.optim.SGD(p, lr=1e-3),
        "SGD, momentum": lambda p: framework.optim.SGD(p, lr=1e-3, momentum=0.9),
        "Adam": lambda p: framework.optim.Adam(p, lr=1e-3),
    }
    for name, make in makers.items():
        values = rng.standard_normal((2, 10, 8, 8)).astype(np.float32)
        params = [framework.from_numpy(v).requires_grad_() for v in values[0].copy()]
        grads = [framework.from_numpy(v) for v in values[1].copy()]
        for p, g in zip(params, grads, strict=True):
            p.grad = g
        yield f"{name}: step, 10 parameters", params, make(params).step

    last = make(params)

    def assign_and_forget() -> None:
        for p, g in zip(params, grads, strict=True):
            p.grad = g
        last.zero_grad()

    yield "10 × .grad = g, zero_grad", params, assign_and_forget
    model = mlp(framework, rng)
    optimizer = framework.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    x = framework.from_numpy(rng.standard_normal((4, 8)).astype(np.float32))
    t = framework.from_numpy(np.array([1, 9, 0, 1]))

    def step() -> None:
        optimizer.zero_grad()
        framework.nn.functional.cross_entropy(model(x), t).backward()
        optimizer.step()

    yield "MLP of 2 layers: training step", list(model.parameters()), step


def main() -> int:
    """Time what the command line asks for."""
    parser = _compare.parser(__doc__)
    _compare.add_arguments(parser, THREADS)
    _small.add_arguments(parser, rounds=15, calls=5, repeat=100)
    args = parser.parse_args()
    torch, about = _compare.against_pytorch(THREADS)
    frameworks = _small.frameworks(torch)
    results = _small.compare_operations(frameworks, operations, args)
    results += _small.compare_chores(frameworks, chores, args)
    _compare.write_json(args.json, about, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
