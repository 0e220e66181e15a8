"""Times several ways to do the same work, in turn, within one process.

Machines are noisy and drift, so only ratios measured in one run mean something. Each round
runs a block of calls of every way. Before a block there is a pause, because the other library's
idle threads spin for a while (OpenBLAS's for some 25 ms) and would take a core from this one;
the first calls of a block are not counted. A figure is the median over all counted calls, its
spread the quartiles; a ratio is the median over rounds of the blocks' medians.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

# What limits libraries to older instructions than the processor has. One set for a single library
# would make a ratio mean nothing.
LIMITS = {
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "DNNL_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}
UNCOUNTED = 3  # calls at the start of each block
PAUSE = 0.1  # seconds before each block


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_threads(count: int) -> None:
    """Hold BLAS, OpenMP and us to a number of threads. Must come before NumPy is imported."""
    libraries = ("OPENBLAS", "OMP", "MKL", "TINYGRAD_LITE")
    wanted = {f"{library}_NUM_THREADS": str(count) for library in libraries}
    if all(os.environ.get(name) == value for name, value in wanted.items()):
        return
    if "numpy" in sys.modules:
        raise RuntimeError("set_threads: NumPy is imported already")
    os.environ.update(wanted)


def set_instructions(choice: str) -> None:
    """Let both libraries use the same instructions. Must come before NumPy is imported.

    Args:
        choice: "all" that the processor has, whatever the environment says; "avx2" at most; or
            what the environment says ("env").
    """
    if choice == "env":
        return
    for name, limit in LIMITS.items():
        os.environ.pop(name, None)
        if choice == "avx2":
            os.environ[name] = limit


def prepare(threads: int | None = None) -> int:
    """Read `--threads` and `--instructions` from the command line, before NumPy is imported.

    Args:
        threads: the default; None for the cores that we may use.

    Returns:
        The number of threads.
    """
    early = argparse.ArgumentParser(add_help=False)
    add_arguments(early, threads or usable_cores())
    args, _ = early.parse_known_args()
    set_threads(args.threads)
    set_instructions(args.instructions)
    return int(args.threads)


def parser(about: str | None) -> argparse.ArgumentParser:
    """A parser that says the first line of a docstring (None under `python -OO`).

    What a terminal's encoding lacks (× or ÷ in ASCII) is printed as `?` from here on.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    return argparse.ArgumentParser(description=(about or "").partition("\n")[0])


def add_arguments(parser: argparse.ArgumentParser, threads: int) -> None:
    """The options that `prepare` has read, for a script's own parser."""
    parser.add_argument("--threads", type=int, default=threads, help=f"default: {threads}")
    parser.add_argument(
        "--instructions",
        choices=("all", "avx2", "env"),
        default="all",
        help="what both libraries may use: all that the processor has, AVX2 at most, or what "
        "$OPENBLAS_CORETYPE and PyTorch's own variables say",
    )


def add_turns(
    parser: argparse.ArgumentParser, rounds: int, calls: int, what: str = "calls"
) -> None:
    """The options of a comparison by turns; `what` is counted in one."""
    parser.add_argument("--rounds", type=int, default=rounds, help="turns of each library")
    parser.add_argument("--calls", type=int, default=calls, help=f"counted {what} a turn")
    parser.add_argument("--json", type=Path, default=None, help="also write the figures here")


def add_only(parser: argparse.ArgumentParser) -> None:
    """The option that picks rows, for scripts with many."""
    parser.add_argument("--only", default="", help="only the rows with this word in their name")


@dataclass
class Timing:
    """Milliseconds a call: median and quartiles over all calls, and each round's median."""

    name: str
    median: float
    low: float
    high: float
    calls: int
    rounds: list[float]

    def __str__(self) -> str:
        return f"{self.median:9.3f} ms  ({self.low:.3f} to {self.high:.3f})"


def alternate(
    ways: dict[str, Callable[[], Any]],
    *,
    rounds: int = 20,
    calls: int = 10,
    pause: float = PAUSE,
) -> tuple[dict[str, Timing], dict[str, float]]:
    """Time the ways in turn.

    Args:
        ways: what to call, by name; the first is the one that ratios are of.
        rounds: how often each has its turn.
        calls: counted calls a turn.
        pause: seconds before each turn; 0 where everything runs on one thread.

    Returns:
        The timings by name, and for every other way the ratio first ÷ other.
    """
    samples: dict[str, list[list[float]]] = {name: [] for name in ways}
    for call in ways.values():
        for _ in range(UNCOUNTED):
            call()
    for _ in range(rounds):
        for name, call in ways.items():
            block = []
            time.sleep(pause)
            for i in range(calls + UNCOUNTED):
                start = time.perf_counter()
                call()
                if i >= UNCOUNTED:
                    block.append((time.perf_counter() - start) * 1e3)
            samples[name].append(block)
    timings = {name: _timing(name, blocks) for name, blocks in samples.items()}
    first, *others = ways
    ratios = {
        other: median(
            median(a) / median(b) for a, b in zip(samples[first], samples[other], strict=True)
        )
        for other in others
    }
    return timings, ratios


def _timing(name: str, blocks: list[list[float]]) -> Timing:
    flat = [t for block in blocks for t in block]
    low, middle, high = quantiles(flat, n=4) if len(flat) > 1 else flat * 3
    return Timing(name, middle, low, high, len(flat), [median(block) for block in blocks])


def pytorch(threads: int) -> Any:
    """PyTorch held to a number of threads, or None if it isn't installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(threads)
    return torch


def openblas_kernels() -> str:
    """The processor whose kernels NumPy's OpenBLAS took ($OPENBLAS_CORETYPE overrides it)."""
    maps = Path("/proc/self/maps")
    lines = maps.read_text(errors="replace").splitlines() if maps.exists() else []
    for path in {line.split()[-1] for line in lines if "openblas" in line}:
        library = ctypes.CDLL(path)
        for name in ("scipy_openblas_get_corename64_", "openblas_get_corename"):
            function = getattr(library, name, None)
            if function is not None:
                function.restype = ctypes.c_char_p
                return str(function().decode())
    return "unknown"


def machine(torch: Any, threads: int) -> dict[str, Any]:
    """What a table of figures must say besides the figures."""
    import numpy

    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(errors="replace").splitlines()
        names = [x for x in lines if x.startswith("model name")]
        processor = names[0].partition(":")[2].strip() if names else processor
    return {
        "processor": processor,
        "threads": threads,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "OpenBLAS kernels": openblas_kernels(),
        "PyTorch's": None if torch is None else torch.backends.cpu.get_cpu_capability(),
        "torch": None if torch is None else torch.__version__,
    }


def against_pytorch(threads: int) -> tuple[Any, dict[str, Any]]:
    """PyTorch or None, and what `machine` says, which is printed too: how a script begins."""
    torch = pytorch(threads)
    about = machine(torch, threads)
    print_machine(about)
    return torch, about


def print_machine(about: dict[str, Any]) -> None:
    """Print what `machine` gave, in one line."""
    print(", ".join(f"{key} {value}" for key, value in about.items()))


def report(title: str, timings: dict[str, Timing], ratios: dict[str, float]) -> None:
    """Print a table of one comparison."""
    print(title)
    for name, timing in timings.items():
        ratio = f"   ours ÷ {name} = {ratios[name]:.2f}" if name in ratios else ""
        print(f"  {name:<14}{timing}{ratio}")


def write_json(path: Path | None, about: dict[str, Any], results: list[dict[str, Any]]) -> None:
    """Write all figures to a file, if one is asked for."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"machine": about, "results": results}, indent=2) + "\n"
        path.write_text(text, encoding="utf-8")


def record(case: str, timings: dict[str, Timing], ratios: dict[str, float]) -> dict[str, Any]:
    """One comparison as JSON."""
    return {
        "case": case,
        "milliseconds": {name: asdict(t) for name, t in timings.items()},
        "ratio_ours_to": ratios,
    }
