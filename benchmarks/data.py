"""Where Python meets data: small tensors joined, indexed and looked up, against PyTorch.

What a training loop does before and between the arithmetic: the samples of a batch are stacked,
windows of a text are cut out, embeddings gathered, the largest of many found. "forward" is the
operation alone, under `no_grad`; "both" records it and sends a gradient back. The script fails
unless results and gradients agree to 1e-4 before it times anything.

    python benchmarks/data.py [--only WORD] [--rounds N] [--threads N] [--json FILE]
"""

# smoke: --rounds 1 --calls 1 --repeat 1 --json $OUT/data.json

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import _compare

THREADS = _compare.prepare(2)


import numpy as np  # noqa: E402 - after threads and instructions are set
from _small import Call, check_agreement, compare, with_backward  # noqa: E402

import tinygrad_lite  # noqa: E402


def operations(framework: Any) -> Iterator[tuple[str, list[Any], Call]]:
    """Name, leaves and the call of each operation; the same code for both libraries."""
    rng = np.random.default_rng(0)
    F = framework.nn.functional

    def array(*shape: int) -> Any:
        return framework.from_numpy(rng.standard_normal(shape).astype(np.float32))

    vectors = [array(8) for _ in range(256)]
    yield "stack of 256 vectors of 8", [], lambda: framework.stack(vectors)
    yield "cat of 256 vectors of 8", [], lambda: framework.cat(vectors)
    leaves = [v.clone().requires_grad_() for v in vectors[:64]]
    yield "stack of 64 vectors", leaves, lambda: framework.stack(leaves)
    text = framework.from_numpy(rng.integers(0, 64, 10_000))
    starts = rng.integers(0, 9_000, 64).tolist()
    yield (
        "stack of 64 slices of a text",
        [],
        lambda: framework.stack([text[i : i + 128] for i in starts]),
    )
    many = array(100, 10_000)
    yield "topk: 5 of 10,000", [], lambda: many.topk(5).values
    yield "topk: 5 of 50", [], lambda: many[:, :50].topk(5).values
    yield "x[3]", [], lambda: many[3]
    yield "x[3, 5]", [], lambda: many[3, 5]
    yield "x[2:5]", [], lambda: many[2:5]
    table = array(5_000, 128).requires_grad_()
    words = framework.from_numpy(rng.integers(0, 5_000, (32, 128)))
    yield "embedding 32×128 of 5,000×128", [table], lambda: F.embedding(words, table)
    images, kernels = array(32, 64, 28, 28).requires_grad_(), array(64, 1, 3, 3).requires_grad_()
    yield (
        "depthwise conv 64 @28²",
        [images, kernels],
        lambda: F.conv2d(images, kernels, padding=1, groups=64),
    )


def main() -> int:
    """Time what the command line asks for."""
    parser = _compare.parser(__doc__)
    _compare.add_arguments(parser, THREADS)
    parser.add_argument("--rounds", type=int, default=11, help="turns of each library")
    parser.add_argument("--calls", type=int, default=3, help="counted samples a turn")
    parser.add_argument("--repeat", type=int, default=10, help="calls a sample")
    parser.add_argument("--only", default="", help="only the rows with this word in their name")
    parser.add_argument("--json", type=Path, default=None, help="also write the figures here")
    args = parser.parse_args()
    torch = _compare.pytorch(THREADS)
    about = _compare.machine(torch, THREADS)
    print(", ".join(f"{k} {v}" for k, v in about.items()))
    frameworks = {"tinygrad_lite": tinygrad_lite} | ({} if torch is None else {"torch": torch})
    print(f"{'µs a call (quartiles)':<34}" + "".join(f"{name:<28}" for name in frameworks))
    results = []
    for rows in zip(*(operations(f) for f in frameworks.values()), strict=True):
        name, leaves, calls = rows[0][0], [r[1] for r in rows], [r[2] for r in rows]
        if args.only not in name:
            continue
        if torch is not None:
            check_agreement(name, calls, leaves, output=True)
        results.append(compare(f"{name}: forward", frameworks, calls, False, args))
        if leaves[0]:
            both = [
                with_backward(f, r[1], r[2]) for f, r in zip(frameworks.values(), rows, strict=True)
            ]
            results.append(compare(f"{name}: both", frameworks, both, True, args))
            if torch is not None:
                check_agreement(name, calls, leaves, output=True)
    _compare.write_json(args.json, about, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
