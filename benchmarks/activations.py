"""Activations, softmax, normalisations and topk of whole matrices, against PyTorch if installed.

Nearly all of the time goes to passes over memory: "forward" is the operation alone, under
`no_grad`; "both" records it and sends a gradient back to all of its inputs. The script fails
unless outputs and gradients agree to 1e-4 before it times anything.

    python benchmarks/activations.py [--only WORD] [--shapes 4096x256,128x256] [--rounds N]
                                     [--threads N] [--instructions avx2] [--json FILE]
"""

# smoke: --shapes 40x130 --rounds 1 --calls 1 --repeat 1 --json $OUT/activations.json

from __future__ import annotations

from typing import Any

import _compare

THREADS = _compare.prepare(2)


import _small  # noqa: E402
import numpy as np  # noqa: E402 - after threads and instructions are set
from _small import Rows  # noqa: E402

PAUSE = 0.02  # seconds before each block: the other library's idle threads spin for a while


def operations(framework: Any, shapes: list[tuple[int, int]]) -> Rows:
    """Name, leaves and the call of each operation; the same code for both libraries."""
    rng = np.random.default_rng(0)
    F = framework.nn.functional

    def leaf(*shape: int) -> Any:
        values = rng.standard_normal(shape).astype(np.float32)
        return framework.from_numpy(values).requires_grad_()

    for shape in shapes:
        x, weight, bias = leaf(*shape), leaf(shape[1]), leaf(shape[1])
        last = shape[1:]
        calls = {
            "sigmoid": lambda x=x: x.sigmoid(),
            "tanh": lambda x=x: x.tanh(),
            "silu": lambda x=x: F.silu(x),
            "gelu": lambda x=x: F.gelu(x),
            "softplus": lambda x=x: F.softplus(x),
            "softmax": lambda x=x: F.softmax(x, -1),
            "log_softmax": lambda x=x: F.log_softmax(x, -1),
        }
        size = "×".join(map(str, shape))
        for name, call in calls.items():
            yield f"{name} {size}", [x], call
        yield (
            f"layer_norm {size}",
            [x, weight, bias],
            lambda x=x, w=weight, b=bias, last=last: F.layer_norm(x, last, w, b),
        )
        yield (
            f"rms_norm {size}",
            [x, weight],
            lambda x=x, w=weight, last=last: F.rms_norm(x, last, w),
        )
    for k, n in ((1, 50), (5, 50), (5, 1000), (5, 100_000)):
        row = leaf(n).detach()
        yield f"topk {k} of {n}", [], lambda row=row, k=k: row.topk(k)[0]


def main() -> int:
    """Time what the command line asks for."""
    parser = _compare.parser(__doc__)
    _compare.add_arguments(parser, THREADS)
    _small.add_arguments(parser, rounds=9, calls=3, repeat=5, pause=PAUSE)
    parser.add_argument("--shapes", default="4096x256,128x256,2048x1024", help="of the matrices")
    args = parser.parse_args()
    shapes = [(int(a), int(b)) for a, b in (s.split("x") for s in args.shapes.split(","))]
    torch, about = _compare.against_pytorch(THREADS)
    frameworks = _small.frameworks(torch)
    results = _small.compare_operations(frameworks, lambda f: operations(f, shapes), args)
    _compare.write_json(args.json, about, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
