"""A soak: thousands of training steps, while memory, live tensors and open handles must stay flat.

The assignment's MLP, then its ConvNet, train on the bundled sample as a user's program does: a
shuffled `DataLoader` epoch after epoch, dropout-free steps, and at each sample an evaluation, a
checkpoint and its loading. Python's cyclic collector is off, so that what only it would free is
seen. A sample counts

    RSS       the process's memory in use
    tensors   living Tensor objects
    handles   open files, sockets and the like
    threads   of the process

The first tenth of the samples is for warming up (scratch memory, threads, caches). From then on
the counts may not change, and the last quarter's median of RSS may be 0.5 MB at most above that of
the quarter before. What was freed and the C library still keeps is given back first (`malloc_trim`
of glibc, where there is one): how its heaps fill depends on which thread was first, 10 MB more or
less, and hides what a program holds.

    python benchmarks/soak.py [--mlp 20000] [--convnet 2000] [--batch 8] [--out soak]

leaves `soak.csv` and `soak.png` in the folder; the exit status is 1 if something grows. 20,000
and 1,000 steps take about four minutes on two idle cores.
"""

# smoke: --mlp 60 --convnet 12 --batch 2 --samples 6 --out $OUT

from __future__ import annotations

import argparse
import csv
import ctypes
import gc
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import _compare

THREADS = _compare.prepare()

from convnet import build  # noqa: E402 - after threads are set

import tinygrad_lite as torch  # noqa: E402
from tinygrad_lite import nn, optim  # noqa: E402
from tinygrad_lite.data import cifar10_sample  # noqa: E402
from tinygrad_lite.utils.data import DataLoader  # noqa: E402

COUNTS = ("tensors", "handles", "threads")
TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None


class Sample(NamedTuple):
    """What the process held after a step."""

    phase: str
    step: int
    seconds: float
    rss: float  # MB
    tensors: int
    handles: int
    threads: int
    loss: float


def rss() -> float:
    """The memory in use, in MB; its highest so far where there is no /proc."""
    if TRIM is not None:
        TRIM(0)
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def handles() -> int:
    """How many files and the like are open; 0 where that isn't told."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        if os.path.isdir(folder):
            return len(os.listdir(folder)) - 1  # the folder itself is open meanwhile
    return 0


def tensors() -> int:
    """How many Tensors live."""
    return sum(isinstance(found, torch.Tensor) for found in gc.get_objects())


def batches(loader: DataLoader) -> Iterator[Any]:
    """Epoch after epoch."""
    while True:
        yield from loader


def soak(
    phase: str, model: nn.Module, optimizer: Any, batch: int, steps: int, samples: int, out: Path
) -> Iterator[Sample]:
    """Train, and look at the process from time to time."""
    data = cifar10_sample(seed=0)
    loader = DataLoader(data.train, batch, shuffle=True, drop_last=True, seed=0)
    parts = {"model": model, "optimizer": optimizer, "loader": loader}
    checkpoint, start = out / "checkpoint.npz", time.perf_counter()
    every = max(1, steps // samples)
    for step, (x, t) in enumerate(batches(loader), 1):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        if step % every == 0:
            seconds = time.perf_counter() - start
            model.eval()
            with torch.no_grad():
                model(torch.from_numpy(data.test.gather(range(batch))[0])).argmax(dim=1)
            model.train()
            torch.save_checkpoint(checkpoint, parts, keep_previous=False)
            torch.load_checkpoint(checkpoint, {"model": model, "optimizer": optimizer})
            value = loss.item()
            yield Sample(phase, step, seconds, rss(), tensors(), handles(),
                         threading.active_count(), value)  # fmt: skip
        if step == steps:
            break
    checkpoint.unlink(missing_ok=True)


def growth(samples: list[Sample]) -> list[str]:
    """What grew after the warm-up, in words."""
    kept = samples[max(1, len(samples) // 10) :]
    found = []
    for name in COUNTS:
        values = {getattr(sample, name) for sample in kept}
        if len(values) > 1:
            found.append(f"{name} from {min(values)} to {max(values)}")
    quarter = max(1, len(samples) // 4)
    parts = samples[-2 * quarter : -quarter] or samples, samples[-quarter:]
    first, last = (statistics.median(s.rss for s in part) for part in parts)
    if last - first > 0.5:
        found.append(f"RSS from {first:.1f} to {last:.1f} MB")
    return [f"{samples[0].phase}: {text}" for text in found]


def draw(phases: list[list[Sample]], path: Path) -> None:
    """Memory and counts against steps, a column a phase."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.5), layout="constrained")
    grid = figure.subplots(2, len(phases), squeeze=False, sharex="col")
    for (upper, lower), samples in zip(grid.T, phases, strict=True):
        steps = [sample.step for sample in samples]
        memory = [sample.rss for sample in samples]
        upper.plot(steps, memory, color="tab:blue")
        upper.set_ylim(0, 1.15 * max(memory))
        upper.set_ylabel("RSS, MB")
        upper.set_title(f"{samples[0].phase}, {steps[-1]:,} steps")
        for name, colour in zip(COUNTS, ("tab:orange", "tab:green", "tab:purple"), strict=True):
            values = [getattr(sample, name) for sample in samples]
            lower.plot(steps, values, color=colour, label=f"{name}: {values[-1]}")
        lower.set_ylim(bottom=0)
        lower.set_xlabel("step")
        lower.set_ylabel("count")
        lower.legend(loc="center right")
        for axis in (upper, lower):
            axis.grid(alpha=0.3)
            axis.ticklabel_format(style="plain")
    figure.suptitle("What a training process holds, with Python's cyclic collector off")
    figure.savefig(path, dpi=110)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mlp", type=int, default=20_000, help="steps; default %(default)s")
    parser.add_argument("--convnet", type=int, default=2000, help="steps; default %(default)s")
    parser.add_argument("--batch", type=int, default=8, help="of the ConvNet; default %(default)s")
    parser.add_argument("--samples", type=int, default=50, help="of each; default %(default)s")
    parser.add_argument("--out", type=Path, default=Path("soak"), help="default %(default)s")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    mlp = nn.Sequential(nn.Flatten(), nn.Linear(3072, 100), nn.ReLU(), nn.Linear(100, 10))
    net = build(torch)
    plan = (
        ("MLP", mlp, optim.SGD(mlp.parameters(), lr=1e-4, momentum=0.9), 200, args.mlp),
        ("ConvNet", net, optim.Adam(net.parameters(), lr=1e-4), args.batch, args.convnet),
    )
    gc.collect()
    gc.disable()
    phases: list[list[Sample]] = []
    with (args.out / "soak.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Sample._fields)
        for name, model, optimizer, batch, steps in plan:
            samples = []
            for sample in soak(name, model, optimizer, batch, steps, args.samples, args.out):
                samples.append(sample)
                writer.writerow([f"{v:.4g}" if isinstance(v, float) else v for v in sample])
                file.flush()
            last = samples[-1]
            print(f"{name}: {last.step:,} steps of {batch} in {last.seconds:.0f} s; RSS "
                  f"{last.rss:.1f} MB, {last.tensors} tensors, {last.handles} handles, "
                  f"{last.threads} threads")  # fmt: skip
            phases.append(samples)
    left = gc.collect()
    draw(phases, args.out / "soak.png")
    grown = [text for samples in phases for text in growth(samples)]
    print(f"the collector finds {left} objects")
    print("\n".join(grown) or "flat")
    return int(bool(grown))


if __name__ == "__main__":
    sys.exit(main())
