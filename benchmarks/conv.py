"""The ConvNet's seven distinct convolutions: every algorithm we have, and PyTorch's.

For each layer (3×3, stride 1, padding 1) and batch size: milliseconds forward and forward plus
backward (the gradients of weight, bias and, but for the first layer, input), GFLOP/s, the fraction
of the matrix-product peak measured in the same run, and the peak of the memory allocated. All
results are compared with each other before anything is timed. The kernels are those that a
training step calls, on arrays in the memory orders that it has. FLOPs are the direct sum's,
padding included, whatever an algorithm does.

`--plot` draws forward plus backward as a roofline. `--errors` times nothing: it prints each
algorithm's rounding error (docs/numerics.md).

    python benchmarks/conv.py [--layers 2,5] [--batch 32,128] [--threads N]
                              [--instructions avx2] [--json FILE] [--plot FILE] [--errors]
    python benchmarks/conv.py --device cuda [--precision tf32] [--peak TFLOPS] [--batch 32,256]
"""

# smoke: --layers 7 --batch 2 --rounds 2 --calls 2 --json $OUT/conv.json --plot $OUT/conv.png

from __future__ import annotations

import argparse
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _compare
import _cuda
import _cuda_timing

THREADS = _compare.prepare()

import _roofline  # noqa: E402 - after threads and instructions are set
import numpy as np  # noqa: E402
from _conv_errors import by_algorithm, host, relative, table, taken  # noqa: E402

import tinygrad_lite  # noqa: E402
from tinygrad_lite.backend import Namespace, namespace_for  # noqa: E402
from tinygrad_lite.backend.dtypes import as_dtype  # noqa: E402
from tinygrad_lite.backend.layout import channels_last, from_chwn  # noqa: E402
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
        # Images come from a loader as N, C, H, W, everything else lies as our kernels leave it.
        inner = from_chwn(np, draw(c, size, size, batch))
        self.x = inner if self.needs_dx else np.ascontiguousarray(inner)
        self.g = from_chwn(np, draw(m, size, size, batch))
        self.w, self.b = _as_conv2d_has_it(draw(m, c, 3, 3) / np.float32(3 * c**0.5)), draw(m)
        self.device, self.dtype = device, dtype

    @property
    def passes(self) -> int:
        """How many times the forward's arithmetic forward plus backward takes."""
        return 3 if self.needs_dx else 2

    def traffic(self, backward: bool) -> int:
        """The fewest bytes to move: input, weight, output and their gradients, each once."""
        elements = self.x.size + self.w.size + self.g.size
        if backward:
            elements += self.w.size + self.g.size + (self.x.size if self.needs_dx else 0)
        return int(elements) * int(as_dtype(self.dtype).itemsize)

    def ours(self, xp: Namespace, dtype: str | None = None) -> tuple[Pass, Pass]:
        """Forward, and forward plus backward as a training step does it, on a namespace."""
        x, w, g, b = (
            self.put(xp, a, dtype or self.dtype) for a in (self.x, self.w, self.g, self.b)
        )

        def way() -> Any:
            return xp.conv2d_algorithm(x.dtype, x.shape, w.shape, WINDOW, 1)

        def forward() -> tuple[Any, ...]:
            return (way().recorded(x, w, b).y,)

        def both() -> tuple[Any, ...]:
            y, prepare, of_input, of_weight, of_bias = way().recorded(x, w, b)
            shared = prepare(g)
            dx = (of_input(g, shared),) if self.needs_dx else ()
            return (y, of_weight(g, shared), of_bias(g, shared), *dx)

        return forward, both

    @staticmethod
    def put(xp: Any, a: Any, dtype: str) -> Any:
        """An array on the device, in a dtype, in the same memory order."""
        order = sorted(range(a.ndim), key=lambda axis: -a.strides[axis])
        made = xp.asarray(a.transpose(order)).astype(as_dtype(dtype), copy=False)
        return xp.transpose(made, tuple(order.index(axis) for axis in range(a.ndim)))

    def pytorch(self, torch: Any, order: str = "contiguous_format") -> tuple[Pass, Pass]:
        """The same in PyTorch, in a memory order of its own."""

        def put(a: Any) -> Any:
            made = torch.from_numpy(np.ascontiguousarray(a))
            made = made.to(self.device, getattr(torch, self.dtype))
            return made.to(memory_format=getattr(torch, order)) if made.ndim == 4 else made

        x, g = put(self.x), put(self.g)
        w, b = put(self.w).requires_grad_(), put(self.b).requires_grad_()
        x.requires_grad_(self.needs_dx)

        def forward() -> tuple[Any, ...]:
            with torch.no_grad():
                y = torch.nn.functional.conv2d(x, w, b, padding=1)
            return (y,)

        def both() -> tuple[Any, ...]:
            y = torch.nn.functional.conv2d(x, w, b, padding=1)
            found = torch.autograd.grad(y, (w, b, x) if self.needs_dx else (w, b), g)
            return (y.detach(), *found)

        return forward, both


def _as_conv2d_has_it(weight: Any) -> Any:
    """A weight (M, C, kh, kw) whose memory is (M, kh, kw, C), as `nn.Conv2d` keeps it."""
    return channels_last(np, weight).transpose(0, 3, 1, 2)


def check(results: dict[str, tuple[Any, ...]], tolerance: float = 1e-4) -> dict[str, float]:
    """The largest relative error of each algorithm against the first; fails above 1e-4."""
    (_, reference), *others = results.items()
    errors = {}
    for name, arrays in others:
        errors[name] = max(
            relative(host(a), host(r)) for a, r in zip(arrays, reference, strict=True)
        )
        assert errors[name] <= tolerance, f"{name} is off by {errors[name]:.1e}"
    return errors


def peak_memory(call: Pass) -> float:
    """MiB that a call allocates at its peak, as NumPy reports it to tracemalloc."""
    tinygrad_lite.backend.cpu.workspace.release()
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
        ways |= {name: by_algorithm(name, kernels) for name in ("direct", "im2col", "winograd")}
        ways["auto"] = by_algorithm("auto", kernels)
        ways["im2col plain"] = layer.ours(Namespace("plain", np, np.ndarray))
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
        flops, traffic = layer.flops * (layer.passes if index else 1), layer.traffic(index == 1)
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
                    "takes": taken(layer, WINDOW) if args.device == "cpu" else None,
                    "algorithm": name,
                    "ms": timing.median,
                    "quartiles_ms": [timing.low, timing.high],
                    "rounds_ms": timing.rounds,
                    "gflops": rate,
                    "flop_per_byte": flops / traffic,
                    "of_peak": rate / peak,
                    "peak_mib": memory,
                    "ratio_auto_to_this": ratio,
                    "error": errors.get(name),
                }
            )
            if args.device == "cuda":
                rows[-1]["gigabytes_per_second_at_least"] = traffic / timing.median / 1e6
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


def main() -> int:
    """Run the layers and batch sizes that the command line asks for."""
    parser = _compare.parser(__doc__)
    numbers = lambda text: [int(part) for part in text.split(",")]  # noqa: E731
    parser.add_argument("--layers", type=numbers, default=list(range(1, len(LAYERS) + 1)))
    parser.add_argument("--batch", type=numbers, default=[32, 128])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    _compare.add_arguments(parser, THREADS)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each algorithm")
    parser.add_argument("--calls", type=int, default=5, help="counted calls a turn")
    parser.add_argument("--json", type=Path, default=None, help="also write the figures here")
    parser.add_argument("--plot", type=Path, default=None, help="also draw a roofline here")
    parser.add_argument("--errors", action="store_true", help="print rounding errors instead")
    _cuda.add_arguments(parser, device=False)
    args = parser.parse_args()
    dtype = "float32"
    if args.errors and args.device != "cpu":
        parser.error("--errors is of the CPU's algorithms")
    if args.device == "cuda":
        torch, about, peak = _cuda.prepare(parser, args)
        peak, gigabytes = peak * 1e3, _cuda_timing.bandwidth()
        dtype = args.precision if args.precision in ("float16", "bfloat16") else dtype
    else:
        torch = _compare.pytorch(THREADS)
        about = _compare.machine(torch, THREADS)
        if args.errors:
            _compare.print_machine(about)
            layers = (Layer(number, batch, "cpu") for batch in args.batch for number in args.layers)
            _compare.write_json(args.json, about, table(layers, WINDOW, torch))
            return 0
        peak, gigabytes = _roofline.gemm_peak(namespace_for("cpu")), _roofline.bandwidth(THREADS)
    _compare.print_machine(about)
    product = f"matrix product {8192 if args.device == 'cuda' else 2048}²: {peak:.0f} GFLOP/s"
    print(f"{product}; a copy moves {gigabytes:.0f} GB/s\n")
    print(
        "layer                 pass              algorithm            ms  GFLOP/s of peak       MiB"
    )
    rows = []
    for batch in args.batch:
        for number in args.layers:
            rows += run(Layer(number, batch, args.device, dtype), torch, peak, args)
    means = _roofline.geometric_means(rows, "torch")
    for mean in means:
        low, high = min(mean["rounds"]), max(mean["rounds"])
        print(
            f"batch {mean['batch']}, {mean['pass']}: geometric mean of auto ÷ torch over "
            f"{mean['layers']} layers {mean['ratio']:.2f} ({low:.2f} to {high:.2f} by round)"
        )
    figures = {"gemm_gflops": peak, "copy_gigabytes": gigabytes, "geometric_means": means}
    _compare.write_json(args.json, about | figures, rows)
    if args.plot is not None:
        _roofline.plot(rows, peak, gigabytes, args.plot)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
