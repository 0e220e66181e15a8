"""What the benchmarks share on a GPU: options, precision, ways to train, memory."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import _compare
from _cuda_timing import Ways, alternate, bandwidth, gemm_peak, report

__all__ = ["alternate", "report"]  # and what is defined here

PRECISIONS = ("float32", "tf32", "float16", "bfloat16")
# How far losses, and the last layer's gradients, may be from the other library's.
TOLERANCE = {"float32": 1e-4, "tf32": 5e-3, "float16": 1e-2, "bfloat16": 5e-2}


def add_arguments(parser: argparse.ArgumentParser, device: bool = True) -> None:
    """The options of a benchmark on a GPU; `device` unless the script has that one itself."""
    group = parser.add_argument_group("on a GPU")
    if device:
        group.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="tf32",
        help="of products and convolutions; 16 bits with autocast (default: tf32)",
    )
    group.add_argument(
        "--peak", type=float, default=None, help="TFLOP/s; default: a large product, measured"
    )


def require(parser: argparse.ArgumentParser, precision: str) -> None:
    """Leave with exit code 2 and a line that says what is missing, unless there is a GPU."""
    from tinygrad_lite.backend import dtypes, why_unavailable

    reason = why_unavailable("cuda")
    if reason is None and precision == "bfloat16":
        try:
            dtypes.bfloat16()
        except RuntimeError as error:
            reason = str(error)
    if reason is not None:
        parser.exit(2, f"{parser.prog}: --device cuda: {reason}\n")


def pytorch() -> Any:
    """PyTorch with CUDA; None (and a line that says so) without."""
    torch = _compare.pytorch(_compare.usable_cores())
    if torch is None or not torch.cuda.is_available():
        print("PyTorch with CUDA is not installed: only our own figures")
        return None
    torch.backends.cudnn.benchmark = True
    return torch


def machine(torch: Any) -> dict[str, Any]:
    """What a table of figures on a GPU must say besides the figures."""
    import cupy

    import tinygrad_lite

    major, minor = tinygrad_lite.cuda.get_device_capability()
    return {
        "GPU": tinygrad_lite.cuda.get_device_name(),
        "capability": f"{major}.{minor}",
        "driver": cupy.cuda.runtime.driverGetVersion(),
        "runtime": cupy.cuda.runtime.runtimeGetVersion(),
        "cupy": cupy.__version__,
        "cudnn": None if torch is None else torch.backends.cudnn.version(),
        **_compare.machine(torch, _compare.usable_cores()),
    }


def set_precision(framework: Any, precision: str) -> None:
    """Whether float32 products and convolutions of a library use TF32."""
    framework.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    framework.backends.cudnn.allow_tf32 = precision == "tf32"


def region(framework: Any, precision: str) -> Any:
    """The library's autocast for 16 bits, else a context that does nothing."""
    if precision in ("float32", "tf32"):
        return contextlib.nullcontext()
    return framework.autocast("cuda", dtype=getattr(framework, precision))


def trainer(framework: Any, model: Any, optimizer: Any, data: Any, precision: str) -> Any:
    """A whole training step as a call without arguments; it returns the loss."""
    x, t = data
    cross_entropy = framework.nn.functional.cross_entropy
    scaler = framework.amp.GradScaler("cuda", enabled=precision == "float16")

    def step() -> Any:
        optimizer.zero_grad(set_to_none=True)
        with region(framework, precision):
            loss = cross_entropy(model(x), t)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return loss

    return step


def names_of_ways(torch: Any, precision: str, images: bool) -> list[str]:
    """The ways to train: ours and PyTorch's, as they are and as graphs, in each memory format.

    A name is the library's, with "captured" (ours), "columns" (ours, convolution through columns),
    "graph" or "channels_last" behind it.
    """
    names = ["tinygrad_lite captured", "tinygrad_lite"]
    if images:
        names.append("tinygrad_lite captured columns")
    if torch is None:
        return names
    for suffix in ["", " channels_last"] if images else [""]:
        names.append(f"torch{suffix}")
        if precision != "float16":  # its scaler asks the device whether to skip a step
            names.append(f"torch graph{suffix}")
    return names


def as_named(name: str, framework: Any, step: Callable[[], Any]) -> Callable[[], Any]:
    """The step, with the algorithm and captured or as a graph if its name says so."""
    if "columns" in name:
        step = with_columns(framework, step)
    if "captured" in name:
        captured: Callable[[], Any] = framework.cuda.graph(step)
        return captured
    return torch_graph(framework, step) if "graph" in name else step


def with_columns(framework: Any, step: Callable[[], Any]) -> Callable[[], Any]:
    """The step with convolutions through columns; a capture keeps what it was made with."""

    def with_algorithm() -> Any:
        before = framework.get_conv_algorithm()
        framework.set_conv_algorithm("im2col")
        try:
            return step()
        finally:
            framework.set_conv_algorithm(before)

    return with_algorithm


def torch_graph(torch: Any, step: Callable[[], Any]) -> Callable[[], Any]:
    """The step as PyTorch's own CUDA graph, captured as its documentation says.

    What is returned holds the step: the graph reads its tensors where they lay, and knows of none.
    """
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()

    def replay() -> Any:
        graph.replay()
        return loss

    replay.held = step  # type: ignore[attr-defined]
    return replay


def check_losses(ways: Ways, precision: str, steps: int = 6) -> None:
    """Take some steps; fail unless the losses agree to what the precision allows.

    Between libraries and algorithms that is the first loss: rounding makes later ones drift apart.
    Our captured steps must follow our eager ones all the way. (PyTorch's graph took its first steps
    before.)
    """
    losses = {name: [float(call().item()) for _ in range(steps)] for name, call in ways.items()}
    want = losses["tinygrad_lite"]
    for name, found in losses.items():
        assert all(map(math.isfinite, found)), f"{name}: losses {found}"
        if "graph" not in name:
            ours = name.startswith("tinygrad_lite") and "columns" not in name
            same = slice(None) if ours else slice(1)
            worst = max(abs(a - b) / abs(b) for a, b in zip(found[same], want[same], strict=True))
            assert worst <= TOLERANCE[precision], f"{name}: losses {found}, not {want}"


def prepare(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> tuple[Any, dict[str, Any], float]:
    """PyTorch or None, what is said about the machine, and its peak in TFLOP/s.

    Leaves if there is no GPU (`require`), and sets the precision of both libraries.
    """
    require(parser, args.precision)
    import tinygrad_lite

    torch = pytorch()
    for framework in (tinygrad_lite, torch):
        if framework is not None:
            set_precision(framework, args.precision)
    peak = args.peak or gemm_peak(torch, args.precision)
    about = machine(torch) | {"precision": args.precision, "peak TFLOP/s": peak}
    return torch, about, peak


def compare(
    parser: argparse.ArgumentParser,
    args: argparse.Namespace,
    run: Callable[..., dict[str, Any]],
    cases: list[Any],
) -> int:
    """A script's `main` on a GPU: run all cases, print and write the figures.

    Args:
        parser: the script's, to leave with if there is no GPU.
        args: its options.
        run: `run(case, torch, args, peak, gigabytes)` gives a case's figures.
        cases: what to run.
    """
    torch, about, peak = prepare(parser, args)
    _compare.print_machine(about)
    gigabytes = bandwidth()
    given = "given" if args.peak else "of a product of 8192²"
    print(f"{args.precision}: {peak:.1f} TFLOP/s {given}; a copy moves {gigabytes:.0f} GB/s\n")
    results = [run(case, torch, args, peak, gigabytes) for case in cases]
    about |= {"copy_gigabytes": gigabytes}
    _compare.write_json(args.json, about, results)
    return 0


def peak_memory(script: str, name: str, words: list[str]) -> dict[str, float]:
    """MiB of device memory of a few steps, in a process of its own (`child` prints it)."""
    command = [sys.executable, script, "--device", "cuda", "--child", name, *words]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found


def child(framework: Any, step: Callable[[], Any]) -> None:
    """What `peak_memory` runs: five steps, then the peaks that the library knows."""
    framework.cuda.reset_peak_memory_stats()
    for _ in range(5):
        step()
    framework.cuda.synchronize()
    mib = {
        "allocated": framework.cuda.max_memory_allocated() / 2**20,
        "reserved": framework.cuda.max_memory_reserved() / 2**20,
    }
    print(json.dumps(mib))
