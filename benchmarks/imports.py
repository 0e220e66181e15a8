"""Import time of this library, of NumPy, and of PyTorch if it is installed.

Each import is a process of its own; the time is that of the whole process less that of one
which imports nothing. The processes take turns.

    python benchmarks/imports.py [--rounds N] [--json FILE]
"""

# smoke: --rounds 2 --json $OUT/imports.json

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median, quantiles

import _compare

MODULES = ("tinygrad_lite", "numpy", "torch")


def start(statement: str) -> float:
    """Milliseconds that a Python process takes for a statement."""
    # Users' Pythons keep bytecode; without it each start would compile every file anew.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", statement]
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, env=env)
    return (time.perf_counter() - begin) * 1e3


def main() -> int:
    """Time the imports in turn and print a table."""
    parser = _compare.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="processes of each kind")
    parser.add_argument("--json", type=Path, default=None, help="also write the figures here")
    args = parser.parse_args()
    modules = [m for m in MODULES if importlib.util.find_spec(m) is not None]
    statements = {"": "pass"} | {m: f"import {m}" for m in modules}
    for statement in statements.values():  # once uncounted: bytecode and disk caches
        start(statement)
    times: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(max(args.rounds, 2)):
        for name, statement in statements.items():
            times[name].append(start(statement))
    empty = times.pop("")
    own = {m: [a - b for a, b in zip(ts, empty, strict=True)] for m, ts in times.items()}
    results = []
    for module, samples in own.items():
        low, middle, high = quantiles(samples, n=4)
        results.append({"module": module, "median_ms": middle, "quartiles_ms": [low, high]})
        print(f"import {module:<14}{middle:8.1f} ms  ({low:.1f} to {high:.1f})")
    extra = median(a - b for a, b in zip(own["tinygrad_lite"], own["numpy"], strict=True))
    print(f"tinygrad_lite − numpy: {extra:.1f} ms")
    _compare.write_json(args.json, _compare.machine(None, 1), results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
