"""A roofline: what the machine can do at most, and where the convolutions lie under it.

A program that does I operations for each byte that it must move can do no more than
min(peak, I · bandwidth) operations a second (Williams, Waterman & Patterson 2009, "Roofline: an
insightful visual performance model for multicore architectures").
"""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

Row = dict[str, Any]


def gemm_peak(xp: Any, n: int = 2048) -> float:
    """GFLOP/s of the best of some square float32 products."""
    a = xp.ones((n, n), dtype="float32")
    best = math.inf
    for _ in range(8):
        start = time.perf_counter()
        xp.matmul(a, a)
        best = min(best, time.perf_counter() - start)
    return 2 * n**3 / best / 1e9


def bandwidth(threads: int, size: int = 1 << 29) -> float:
    """GB/s of the best of some copies, reading and writing counted, a part in each thread.

    Args:
        threads: how many copy at once; NumPy releases the interpreter's lock meanwhile.
        size: bytes of the array that is copied, far more than any cache holds.
    """
    import numpy as np

    a, b = np.ones(size // 4, np.float32), np.zeros(size // 4, np.float32)
    parts = [slice(len(a) * i // threads, len(a) * (i + 1) // threads) for i in range(threads)]
    best = math.inf
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(8):
            start = time.perf_counter()
            list(pool.map(lambda part: np.copyto(b[part], a[part]), parts))
            best = min(best, time.perf_counter() - start)
    return 2 * size / best / 1e9


def geometric_means(rows: list[Row], other: str) -> list[Row]:
    """The ratio auto ÷ other over all layers, for each batch size and pass that has both.

    Returns:
        Rows with `batch`, `pass`, `layers` (how many), `rounds` (the geometric mean over layers
        in each round) and `ratio` (the median over rounds).
    """
    means = []
    for batch, what in dict.fromkeys((r["batch"], r["pass"]) for r in rows):
        here = [r for r in rows if (r["batch"], r["pass"]) == (batch, what)]
        ours, theirs = (
            {r["number"]: r["rounds_ms"] for r in here if r["algorithm"] == name}
            for name in ("auto", other)
        )
        if not theirs:
            continue
        ratios = [[a / b for a, b in zip(ours[k], theirs[k], strict=True)] for k in ours]
        rounds = [geometric_mean(of_round) for of_round in zip(*ratios, strict=True)]
        shared = {"batch": batch, "pass": what, "layers": len(ratios)}
        means.append({**shared, "ratio": median(rounds), "rounds": rounds})
    return means


def spread(wanted: list[float], gap: float) -> list[float]:
    """Places at least `gap` apart for ascending numbers, each near to its own."""
    right, left = list(wanted), list(wanted)
    for i in range(1, len(wanted)):
        right[i] = max(right[i], right[i - 1] + gap)
        left[-1 - i] = min(left[-1 - i], left[-i] - gap)
    return [(a + b) / 2 for a, b in zip(left, right, strict=True)]


def plot(rows: list[Row], peak: float, gigabytes: float, path: Path) -> None:
    """Draw forward plus backward: a line for each layer, on it our marker and PyTorch's.

    Args:
        rows: of conv.py.
        peak: GFLOP/s of the matrix product.
        gigabytes: GB/s of the copy.
        path: of the picture.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    layers = _by_layer([r for r in rows if r["pass"] == "forward+backward"])
    reached = [rate for _, rates in layers.values() for rate in rates.values()]
    ridge = peak / gigabytes
    start = min(min(i for i, _ in layers.values()) / 2, ridge / 2)
    stop = max(max(i for i, _ in layers.values()) * 2, ridge * 4)
    low, high = 0.7 * min(*reached, start * gigabytes), 1.7 * max(peak, *reached)

    figure, axis = plt.subplots(figsize=(9, 7.5), layout="constrained")
    roof = [min(peak, i * gigabytes) for i in (start, ridge, stop)]
    words = f"roof: matrix product {peak:.0f} GFLOP/s, copy {gigabytes:.0f} GB/s"
    axis.plot([start, ridge, stop], roof, "k-", linewidth=1.5, zorder=1, label=words)
    for name, (shape, colour, label) in _MARKERS.items():
        found = [(i, rates[name]) for i, rates in layers.values() if name in rates]
        if found:
            x, y = zip(*found, strict=True)
            axis.scatter(x, y, marker=shape, color=colour, label=label, s=45, zorder=3)
    # Layers of nearly the same intensity: their names stand apart, above, with lines to them.
    ordered = sorted(layers.items(), key=lambda item: item[1][0])
    gap = 0.023 * math.log10(stop / start)
    places = spread([math.log10(i) for _, (i, _) in ordered], gap)
    for place, (name, (i, rates)) in zip(places, ordered, strict=True):
        bend = [min(rates.values()), high / 1.2, high]
        axis.plot([i, i, 10**place], bend, color="0.75", linewidth=0.8, zorder=0)
        axis.text(10**place, high * 1.02, name, rotation=90, ha="center", va="bottom", fontsize=8)
    axis.set(xscale="log", yscale="log", xlim=(start, stop), ylim=(low, high))
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter("{x:g}")
        side.set_minor_formatter(lambda x, _: f"{x:g}" if f"{x:g}"[0] in "25" else "")
    figure.suptitle("Convolutions of the ConvNet, forward + backward")
    axis.set_xlabel(
        "FLOP of the direct sum for each byte of least traffic\n"
        "(input, weight, output and their gradients, each moved once)"
    )
    axis.set_ylabel("GFLOP/s reached")
    place = {"loc": "outside lower center", "ncols": 3, "frameon": False}
    figure.legend(title=_CAPTION, title_fontsize=8, fontsize=9, **place)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


_MARKERS = {"auto": ("o", "tab:blue", "ours (auto)"), "torch": ("s", "tab:orange", "PyTorch")}
_CAPTION = (
    "FLOPs are the direct sum's, whatever is done. An algorithm that does fewer may lie above the "
    "roof:\nF(4×4) multiplies 36 times, not 144, for a tile of 16 outputs; our direct form leaves "
    "out products with padding."
)


def _by_layer(rows: list[Row]) -> dict[str, tuple[float, dict[str, float]]]:
    """FLOP per byte, and GFLOP/s of the algorithms that are drawn, by layer."""
    found: dict[str, tuple[float, dict[str, float]]] = {}
    for r in rows:
        if r["algorithm"] in _MARKERS:
            name = r["layer"] if r["takes"] is None else f"{r['layer']}, {r['takes']}"
            _, rates = found.setdefault(name, (r["flop_per_byte"], {}))
            rates[r["algorithm"]] = r["gflops"]
    return found
