"""The ConvNet's seven distinct convolutions: every algorithm we have, and PyTorch's.

For each layer (3×3, stride 1, padding 1) and batch size: milliseconds forward and forward plus
backward (weight and, but for the first layer, input gradient), GFLOP/s, the fraction of the
matrix-product peak measured in the same run, and the peak of the memory allocated. All results
are compared with each other before anything is timed.

    python benchmarks/conv.py [--layers 2,5] [--batch 32,128] [--device cpu] [--threads N]
                              [--json FILE] [--plot FILE]
    python benchmarks/conv.py --device cuda [--precision tf32] [--peak TFLOPS] [--batch 32,256]
"""

# smoke: --layers 7 --batch 2 --rounds 2 --calls 2 --json $OUT/conv.json --plot $OUT/conv.png

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _compare
import _cuda

THREADS = _compare.threads_from_argv()
_compare.set_threads(THREADS)

import numpy as np  # noqa: E402 - after the number of threads is set

import tinygrad_lite  # noqa: E402
from tinygrad_lite.backend import Namespace, namespace_for, plain  # noqa: E402
from tinygrad_lite.backend.dtypes import as_dtype  # noqa: E402
from tinygrad_lite.backend.layout import from_chwn  # noqa: E402
from tinygrad_lite.backend.window import Window  # noqa: E402

# Input channels, output channels, height = width.
LAYERS = [
    (3, 64, 32),
    (64, 128, 16),
    (128, 256, 8),
    (256, 256, 8),
    (256, 512, 4),
    (512, 512, 4),
    (512, 512, 2),
]
WINDOW = Window((3, 3), padding=(1, 1))
Pass = Callable[[], tuple[Any, ...]]


class Layer:
    """The arrays of one layer at one batch size, and its passes by each algorithm."""

    def __init__(self, number: int, batch: int, device: str, dtype: str = "float32") -> None:
        c, m, size = LAYERS[number - 1]
        self.name = f"{number}: {c}→{m} @{size}² ×{batch}"
        self.number, self.batch = number, batch
        self.flops = 2 * batch * m * c * 9 * size * size  # of the forward pass
        self.needs_dx = number > 1
        rng = np.random.default_rng(0)
        draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731
        self.x, self.g = draw(c, size, size, batch), draw(m, size, size, batch)
        self.w, self.b = draw(m, c, 3, 3) / np.float32(3 * c**0.5), draw(m)
        self.device, self.dtype = device, dtype
        # The fewest elements that the forward pass must move.
        self.moved = self.x.size + self.g.size + self.w.size

    @property
    def passes(self) -> int:
        """How many times the forward's arithmetic forward plus backward takes."""
        return 3 if self.needs_dx else 2

    def ours(self, xp: Namespace) -> tuple[Pass, Pass]:
        """Forward, and forward plus backward, on a namespace's kernels."""
        x, g = (from_chwn(xp, self.put(xp, a)) for a in (self.x, self.g))
        w, b = self.put(xp, self.w), self.put(xp, self.b)

        def forward() -> tuple[Any, ...]:
            return (xp.conv2d(x, w, b, WINDOW, 1),)

        def both() -> tuple[Any, ...]:
            y = xp.conv2d(x, w, b, WINDOW, 1)
            dw = xp.conv2d_weight_gradient(g, x, w.shape, WINDOW, 1)
            dx = xp.conv2d_input_gradient(g, w, x.shape, WINDOW, 1) if self.needs_dx else None
            return (y, dw) if dx is None else (y, dw, dx)

        return forward, both

    def put(self, xp: Namespace, a: Any) -> Any:
        """An array on the device, in the layer's dtype."""
        return xp.asarray(a).astype(as_dtype(self.dtype), copy=False)

    def pytorch(self, torch: Any, order: str = "contiguous_format") -> tuple[Pass, Pass]:
        """The same in PyTorch, in a memory order of its own."""

        def put(a: Any) -> Any:
            made = torch.from_numpy(np.ascontiguousarray(a))
            made = made.to(self.device, getattr(torch, self.dtype))
            return made.to(memory_format=getattr(torch, order)) if made.ndim == 4 else made

        x, g = put(self.x.transpose(3, 0, 1, 2)), put(self.g.transpose(3, 0, 1, 2))
        w, b = put(self.w).requires_grad_(), put(self.b)
        x.requires_grad_(self.needs_dx)

        def forward() -> tuple[Any, ...]:
            with torch.no_grad():
                y = torch.nn.functional.conv2d(x, w, b, padding=1)
            return (y,)

        def both() -> tuple[Any, ...]:
            y = torch.nn.functional.conv2d(x, w, b, padding=1)
            found = torch.autograd.grad(y, (w, x) if self.needs_dx else (w,), g)
            return (y.detach(), *found)

        return forward, both


def host(array: Any) -> Any:
    """An array or tensor of any library on the host."""
    for name in ("float", "get", "cpu"):
        array = getattr(array, name)() if hasattr(array, name) else array
    return np.asarray(array).astype(np.float32, copy=False)


def check(results: dict[str, tuple[Any, ...]], tolerance: float = 1e-4) -> dict[str, float]:
    """The largest relative error of each algorithm against the first; fails above 1e-4."""
    (_, reference), *others = results.items()
    errors = {}
    for name, arrays in others:
        pairs = [(host(a), host(r)) for a, r in zip(arrays, reference, strict=True)]
        errors[name] = max(float(np.linalg.norm(a - r) / np.linalg.norm(r)) for a, r in pairs)
        assert errors[name] <= tolerance, f"{name} is off by {errors[name]:.1e}"
    return errors


def by_algorithm(name: str, passes: tuple[Pass, Pass]) -> tuple[Pass, Pass]:
    """The same passes with an algorithm chosen for convolution."""

    def choose(call: Pass) -> Pass:
        def chosen() -> tuple[Any, ...]:
            tinygrad_lite.set_conv_algorithm(name)
            return call()

        return chosen

    return choose(passes[0]), choose(passes[1])


def gemm_peak(xp: Any, n: int = 2048) -> float:
    """GFLOP/s of the best of some square float32 products."""
    a = xp.ones((n, n), dtype="float32")
    best = float("inf")
    for _ in range(8):
        start = time.perf_counter()
        xp.matmul(a, a)
        best = min(best, time.perf_counter() - start)
    return 2 * n**3 / best / 1e9


def peak_memory(call: Pass) -> float:
    """MiB that a call allocates at its peak, as NumPy reports it to tracemalloc."""
    tinygrad_lite.backend.workspace.release()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def run(layer: Layer, torch: Any, peak: float, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Check, time and print one layer; its figures."""
    kernels = layer.ours(namespace_for(args.device))
    ways = {"auto": kernels}
    if args.device == "cpu":
        ways |= {name: by_algorithm(name, kernels) for name in ("im2col", "winograd")}
        ways["auto"] = by_algorithm("auto", kernels)
        ways["im2col plain"] = layer.ours(Namespace("plain", np, np.ndarray, plain))
    if torch is not None:
        ways["torch"] = layer.pytorch(torch)
    alternate, tolerance = _compare.alternate, 1e-4
    if args.device == "cuda":
        alternate, tolerance = _cuda.alternate, _cuda.TOLERANCE[args.precision]
        if torch is not None:
            ways["torch c._last"] = layer.pytorch(torch, "channels_last")
    errors = check({name: both() for name, (_, both) in ways.items()}, tolerance)
    rows = []
    for index, what in enumerate(("forward", "forward+backward")):
        calls = {name: pair[index] for name, pair in ways.items()}
        timings, ratios = alternate(calls, rounds=args.rounds, calls=args.calls)
        flops = layer.flops * (layer.passes if index else 1)
        for name, timing in timings.items():
            rate = flops / timing.median / 1e6
            memory = peak_memory(calls[name]) if name != "torch" and args.device == "cpu" else None
            ratio = ratios.get(name, ratios.get(f"auto ÷ {name}"))
            rows.append(
                {
                    "layer": layer.name,
                    "number": layer.number,
                    "batch": layer.batch,
                    "pass": what,
                    "algorithm": name,
                    "ms": timing.median,
                    "quartiles_ms": [timing.low, timing.high],
                    "gflops": rate,
                    "of_peak": rate / peak,
                    "peak_mib": memory,
                    "ratio_auto_to_this": ratio,
                    "error": errors.get(name),
                }
            )
            if args.device == "cuda":
                moved = layer.moved * (layer.passes if index else 1)
                itemsize = as_dtype(layer.dtype).itemsize
                rows[-1]["gigabytes_per_second_at_least"] = moved * itemsize / timing.median / 1e6
            print(line(rows[-1]))
    return rows


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    memory = "" if row["peak_mib"] is None else f"{row['peak_mib']:7.1f}"
    ratio = row["ratio_auto_to_this"]
    return (
        f"{row['layer']:<22}{row['pass']:<18}{row['algorithm']:<14}{row['ms']:9.2f}"
        f"{row['gflops']:9.0f}{row['of_peak']:8.0%}{memory:>10}"
        + ("" if ratio is None else f"   auto ÷ this = {ratio:.2f}")
    )


def plot(rows: list[dict[str, Any]], peak: float, path: Path) -> None:
    """GFLOP/s of forward plus backward, a group of bars for each layer and batch."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [r for r in rows if r["pass"] == "forward+backward"]
    layers, names = (list(dict.fromkeys(r[k] for r in rows)) for k in ("layer", "algorithm"))
    figure, axis = plt.subplots(figsize=(max(6, 1.3 * len(layers)), 4.5), layout="constrained")
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        found = {r["layer"]: r["gflops"] for r in rows if r["algorithm"] == name}
        places = [j + (i - (len(names) - 1) / 2) * width for j in range(len(layers))]
        axis.bar(places, [found.get(layer, 0) for layer in layers], width, label=name)
    axis.axhline(peak, color="black", linestyle="--", label="matrix product, 2048²")
    axis.set_xticks(range(len(layers)), layers, rotation=30, ha="right")
    axis.set_ylabel("GFLOP/s, forward + backward")
    axis.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def main() -> int:
    """Run the layers and batch sizes that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    numbers = lambda text: [int(part) for part in text.split(",")]  # noqa: E731
    parser.add_argument("--layers", type=numbers, default=list(range(1, len(LAYERS) + 1)))
    parser.add_argument("--batch", type=numbers, default=[32, 128])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=THREADS, help="default: all cores")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each algorithm")
    parser.add_argument("--calls", type=int, default=5, help="counted calls a turn")
    parser.add_argument("--json", type=Path, default=None, help="also write the figures here")
    parser.add_argument("--plot", type=Path, default=None, help="also draw them here")
    _cuda.add_arguments(parser, device=False)
    args = parser.parse_args()
    dtype = "float32"
    if args.device == "cuda":
        torch, about, peak = _cuda.prepare(parser, args)
        peak *= 1e3
        dtype = args.precision if args.precision in ("float16", "bfloat16") else dtype
    else:
        torch = _compare.pytorch(THREADS)
        about = _compare.machine(torch, THREADS)
        peak = gemm_peak(namespace_for("cpu"))
    print(", ".join(f"{k} {v}" for k, v in about.items()))
    print(f"matrix product {8192 if args.device == 'cuda' else 2048}²: {peak:.0f} GFLOP/s\n")
    print(
        "layer                 pass              algorithm            ms  GFLOP/s of peak       MiB"
    )
    rows = []
    for batch in args.batch:
        for number in args.layers:
            rows += run(Layer(number, batch, args.device, dtype), torch, peak, args)
    _compare.write_json(args.json, about | {"gemm_gflops": peak}, rows)
    if args.plot is not None:
        plot(rows, peak, args.plot)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
