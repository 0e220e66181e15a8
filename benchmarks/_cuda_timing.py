"""Timing on a GPU, and what the figures are measured against.

Work on a GPU runs on while Python goes on, so what is timed is a block of calls with the device
idle before and after it: a sample is the block's time over its calls. Blocks of all ways take
turns within one process; a figure is the median over rounds, and a ratio the median over rounds
of the blocks' ratios.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import _compare

FEW = 3  # calls before a block, not counted

Ways = dict[str, Callable[[], Any]]


def idle() -> None:
    """Wait until the GPU has done everything, on all streams of this process."""
    import cupy

    cupy.cuda.runtime.deviceSynchronize()


def alternate(
    ways: Ways, *, rounds: int, calls: int, wait: Callable[[], None] = idle
) -> tuple[dict[str, _compare.Timing], dict[str, float]]:
    """Time blocks of calls of the ways in turn.

    Args:
        ways: what to call, by name.
        rounds: blocks of each.
        calls: calls a block.
        wait: returns when the device is idle.

    Returns:
        The timings by name, and the ratio of every way but the last to every other after it,
        named "a ÷ b".
    """
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for call in ways.values():
        for _ in range(FEW):
            call()
    for _ in range(rounds):
        for name, call in ways.items():
            for _ in range(FEW):
                call()
            wait()
            start = time.perf_counter()
            for _ in range(calls):
                call()
            wait()
            samples[name].append((time.perf_counter() - start) * 1e3 / calls)
    timings = {
        name: _compare._timing(name, [[t] for t in found]) for name, found in samples.items()
    }
    names = list(ways)
    ratios = {
        f"{a} ÷ {b}": median(x / y for x, y in zip(samples[a], samples[b], strict=True))
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    }
    return timings, ratios


def gemm_peak(torch: Any, precision: str, n: int = 8192) -> float:
    """TFLOP/s of the best of some large square products, in PyTorch or in our own."""
    import numpy as np

    import tinygrad_lite

    framework = tinygrad_lite if torch is None else torch
    half = precision if precision in ("float16", "bfloat16") else "float32"
    host = np.random.default_rng(0).standard_normal((n, n)).astype(np.float32)  # zeros run faster
    a = framework.from_numpy(host).to("cuda").to(getattr(framework, half))
    timings, _ = alternate({"product": lambda: a @ a}, rounds=5, calls=10)
    return 2 * n**3 / timings["product"].low / 1e9


def bandwidth(size: int = 1 << 30) -> float:
    """GB/s of a large copy on the device, reading and writing counted."""
    import cupy

    a = cupy.arange(size // 4, dtype="float32")
    b = cupy.empty_like(a)
    timings, _ = alternate({"copy": lambda: cupy.copyto(b, a)}, rounds=5, calls=10)
    return 2 * size / timings["copy"].low / 1e6


def report(
    title: str,
    timings: dict[str, _compare.Timing],
    ratios: dict[str, float],
    *,
    flops: float,
    bytes_moved: float | None,
    peak: float,
    gigabytes: float,
) -> dict[str, Any]:
    """Print a table of one comparison, and give it as JSON.

    Args:
        title: what was done.
        timings, ratios: as `alternate` gives them.
        flops: floating-point operations of a call.
        bytes_moved: the fewest bytes that it must move, or None.
        peak: TFLOP/s that the device can do.
        gigabytes: GB/s that it can move.
    """
    print(title)
    rates = {}
    for name, timing in timings.items():
        rate = flops / timing.median / 1e9
        rates[name] = {"tflops": rate, "of_peak": rate / peak}
        traffic = ""
        if bytes_moved is not None:
            moved = bytes_moved / timing.median / 1e6
            rates[name] |= {"gigabytes_per_second": moved, "of_bandwidth": moved / gigabytes}
            traffic = f"  at least {moved:6.0f} GB/s ({moved / gigabytes:.0%})"
        print(f"  {name:<32}{timing}  {rate:7.2f} TFLOP/s ({rate / peak:.1%}){traffic}")
    for name, ratio in ratios.items():
        if name.startswith("tinygrad_lite"):
            print(f"  {name}: {ratio:.2f}")
    return {
        **_compare.record(title, timings, ratios),
        "flops": flops,
        "bytes_at_least": bytes_moved,
        "rates": rates,
    }
