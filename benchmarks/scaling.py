"""How training scales over processes: measured on the cores at hand, and predicted for GPUs.

The script begins itself under `mpiexec`, with 1 and 2 processes (or those of `--ranks`), each of
one thread, and measures in them all-reduces of 1 KB to 64 MB and training steps: of a rank's share
of one batch (strong scaling) and of a batch for each rank (weak scaling). To the all-reduces it
fits

    T(n, p) = latency · steps + n · 2(p−1) / (p · bandwidth)

n bytes, p ranks; a ring takes 2(p−1) steps (Patarasuk & Yuan 2009), recursive halving and doubling
2 log₂ p with as many bytes (Thakur, Rabenseifner & Gropp 2005). With that, and links and step times
of GPUs as stated in the table, it predicts larger machines. It takes about two minutes, and prints
the tables of `docs/scaling.md`.

    python benchmarks/scaling.py [--ranks 1 2] [--steps N] [--page docs/scaling.md] [--json FILE]
"""

# smoke: --steps 1 --largest 65536 --nets MLP --json $OUT/scaling.json

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import _compare

_compare.set_threads(1)

import numpy as np  # noqa: E402 - after threads are set

import tinygrad_lite as torch  # noqa: E402
from tinygrad_lite import distributed as dist  # noqa: E402
from tinygrad_lite import nn, optim  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

SMALLEST, LARGEST = 1 << 10, 64 << 20  # bytes of an all-reduce


def mlp() -> nn.Module:
    """The report's smaller MLP."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 100), nn.ReLU(), nn.Linear(100, 10))


def convnet() -> nn.Module:
    """The report's ConvNet."""
    import cifar_cnn

    return cifar_cnn.build()


def net94() -> nn.Module:
    """The net that reaches 94 %."""
    import cifar_94

    return cifar_94.build()


class Net(NamedTuple):
    """A net, the batch of one process, and whether batch norm looks at all ranks."""

    build: Callable[[], nn.Module]
    batch: int
    sync: bool = False


NETS = {
    "MLP 100": Net(mlp, 200),
    "ConvNet": Net(convnet, 32),
    "ConvNet, SyncBatchNorm": Net(convnet, 32, sync=True),
    "94 % net": Net(net94, 64),
}


# What each rank measures.


def all_reduces(largest: int) -> dict[int, float]:
    """Seconds of an all-reduce by its bytes, as a bucket of gradients has it."""
    transport = dist.group.current().transports["cpu"]
    found, size = {}, SMALLEST
    while size <= largest:
        array = np.zeros(size // 4, np.float32)
        calls = max(2, min(50, (8 << 20) // size))
        times = []
        for _ in range(7):
            dist.barrier()
            start = time.perf_counter()
            for _ in range(calls):
                transport.all_reduce(array, dist.ReduceOp.SUM).wait(None)
            times.append((time.perf_counter() - start) / calls)
        found[size] = median(times)
        size *= 4
    return found


def step_seconds(net: Net, batch: int, steps: int) -> dict[str, Any]:
    """Seconds of a step with gradients brought together ("all") and without ("alone")."""
    torch.manual_seed(0)
    ranks = dist.get_world_size()
    model = net.build()
    if net.sync:
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    ddp = nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)
    optimizer = optim.SGD(model.parameters(), lr=1e-6, momentum=0.9)
    rng = np.random.default_rng(dist.get_rank())
    x = torch.from_numpy(rng.standard_normal((batch, 3, 32, 32)).astype(np.float32))
    t = torch.from_numpy(rng.integers(0, 10, batch))

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(ddp(x), t).backward()
        optimizer.step()

    def silent() -> None:
        with ddp.no_sync():
            step()

    ways = {"all": step, "alone": silent} if ranks > 1 else {"alone": silent}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for call in ways.values():
        call()
    for _ in range(steps):
        for name, call in ways.items():
            dist.barrier()
            start = time.perf_counter()
            call()
            dist.barrier()
            seconds[name].append(time.perf_counter() - start)
    found: dict[str, Any] = {name: median(times) for name, times in seconds.items()}
    found["buckets"] = [int(bucket.flat.nbytes) for bucket in ddp._buckets]
    norms = sum(isinstance(module, nn.SyncBatchNorm | nn.BatchNorm2d) for module in model.modules())
    return found | {"norms": norms}


def measure(args: argparse.Namespace) -> int:
    """One rank's part; the first one writes what came of it."""
    dist.init_process_group("mpi")
    ranks = dist.get_world_size()
    found: dict[str, Any] = {"ranks": ranks, "nets": {}}
    found["all_reduce"] = all_reduces(args.largest) if ranks > 1 else {}
    for name in args.nets:
        net = NETS[name]
        count = args.steps * (20 if name == "MLP 100" else 1)
        found["nets"][name] = {
            "strong": step_seconds(net, max(1, net.batch // ranks), count),
            "weak": step_seconds(net, net.batch, count),
        }
    if dist.get_rank() == 0:
        args.child.write_text(json.dumps(found))
    dist.destroy_process_group()
    return 0


# What is made of it.


def steps_of(ranks: int, ring: bool = True) -> float:
    """Messages behind one another in an all-reduce."""
    return 2 * (ranks - 1) if ring else 2 * math.ceil(math.log2(ranks))


def cost(size: float, ranks: int, latency: float, bandwidth: float, ring: bool = True) -> float:
    """T(n, p), in seconds."""
    return latency * steps_of(ranks, ring) + size * 2 * (ranks - 1) / (ranks * bandwidth)


def fit(seconds: dict[int, dict[int, float]]) -> tuple[float, float, float]:
    """Latency (s) and bandwidth (bytes/s) of a ring, and the typical error, a ratio.

    Relative errors count, so that small messages do as well as large ones.

    Args:
        seconds: by ranks and bytes.
    """
    rows, spans = [], []
    for ranks, by_size in seconds.items():
        for size, span in by_size.items():
            rows.append((steps_of(ranks) / span, size * 2 * (ranks - 1) / ranks / span))
            spans.append(span)
    (latency, inverse), *_ = np.linalg.lstsq(np.array(rows), np.ones(len(rows)), rcond=None)
    latency, bandwidth = max(float(latency), 0.0), 1 / max(float(inverse), 1e-15)
    logs = [
        abs(math.log(cost(size, ranks, latency, bandwidth) / span))
        for ranks, by_size in seconds.items()
        for size, span in by_size.items()
    ]
    return latency, bandwidth, math.exp(median(logs))


class Machine(NamedTuple):
    """GPUs that are joined: how many, a step's latency (s), what a link carries (bytes/s)."""

    gpus: int
    latency: float
    bandwidth: float


SHARE = 0.8  # of what a link's data sheet says
MACHINES = {
    "8 GPUs of one host, NVLink 4 (450 GB/s each way)": Machine(8, 2e-6, SHARE * 450e9),
    "64 GPUs, 8 hosts, 400 Gb/s a GPU": Machine(64, 5e-6, SHARE * 8 * 50e9),
    "64 GPUs, 8 hosts, 100 Gb/s a host": Machine(64, 10e-6, SHARE * 12.5e9),
}
# Milliseconds of one H200, captured (benchmarks/README.md, docs/results/cifar_94.md).
STEPS = {
    "ConvNet": (256, 1.94, "TF32"),
    "94 % net": (1024, 4.1, "bfloat16"),
}
BACKWARD = 0.6  # of a step, in which buckets are on their way
SMALL = 4096  # bytes: sums of a batch norm
SMALL_STRONG = ("ConvNet", 32, 0.69)


def together(machine: Machine, buckets: list[int], step: float, norms: int) -> tuple[float, float]:
    """Seconds that a step takes longer: with gradients hidden where they can be, and with none.

    The last bucket is full only when the backward pass ends. Sums of batch norm (two forward, one
    backward) are waited for.
    """
    times = [best(size, machine) for size in buckets]
    waits = 3 * norms * best(SMALL, machine)
    hidden = max(sum(times) - BACKWARD * step, times[-1]) + waits
    return hidden, sum(times) + waits


def best(size: float, machine: Machine) -> float:
    """Of the two ways the faster one, as libraries choose."""
    gpus, latency, bandwidth = machine
    return min(cost(size, gpus, latency, bandwidth, ring) for ring in (True, False))


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]


def measured(found: dict[int, dict[str, Any]], line: tuple[float, float, float]) -> list[str]:
    """The tables of what was measured."""
    latency, bandwidth, error = line
    rows = []
    for ranks, one in found.items():
        for size, seconds in one["all_reduce"].items():
            model = cost(int(size), ranks, latency, bandwidth)
            rows.append([
                str(ranks), f"{int(size) // 1024:,} KB", f"{1e6 * seconds:,.0f}",
                f"{1e6 * model:,.0f}",
            ])  # fmt: skip
    text = table(["ranks", "all-reduce", "measured, µs", "T(n, p), µs"], rows) if rows else []
    if rows:
        text += [
            f"Fitted: latency {1e6 * latency:.1f} µs a step, bandwidth {bandwidth / 1e9:.2f} GB/s; "
            f"the typical error is a factor of {error:.2f}.",
            "",
        ]
    rows = []
    for name in found[min(found)]["nets"]:
        first = found[min(found)]["nets"][name]
        for ranks, one in found.items():
            for kind in ("strong", "weak") if ranks > 1 else ("weak",):
                here = one["nets"][name][kind]
                seconds, base = here.get("all", here["alone"]), first["weak"]["alone"]
                ideal = base / ranks if kind == "strong" else base
                alone = here["alone"]
                span = sum(cost(size, ranks, latency, bandwidth) for size in here["buckets"])
                rows.append([
                    name, str(ranks), kind if ranks > 1 else "–",
                    str(NETS[name].batch // (ranks if kind == "strong" else 1)),
                    f"{1e3 * seconds:.1f}", f"{ideal / seconds:.2f}" if ranks > 1 else "–",
                    f"{1e3 * (seconds - alone):.1f}" if ranks > 1 else "–",
                    f"{1e3 * span:.1f}" if ranks > 1 else "–",
                ])  # fmt: skip
    return text + table(
        ["net", "ranks", "scaling", "batch a rank", "step, ms", "efficiency",
         "longer than without all-reduce, ms", "T of its gradients, ms"], rows,
    )  # fmt: skip


def predicted(found: dict[str, Any]) -> list[str]:
    """The table of what is predicted."""
    rows = []
    for name, (batch, milliseconds, precision) in STEPS.items():
        if name not in found["nets"]:
            continue
        about = found["nets"][name]["weak"]
        for where, machine in MACHINES.items():
            for norms in (0, about["norms"]):
                step = milliseconds / 1e3
                spans = together(machine, about["buckets"], step, norms)
                cells = [f"{step / (step + span):.2f}" for span in spans]
                what = f"{name}, {batch} a GPU, {precision}" + (", SyncBatchNorm" if norms else "")
                total = sum(about["buckets"]) / 1e6
                all_reduce = 1e6 * sum(best(size, machine) for size in about["buckets"])
                rows.append([what, where, f"{total:.0f} MB in {all_reduce:,.0f} µs", *cells])
        if name == SMALL_STRONG[0]:
            machine, alone = next(iter(MACHINES.values())), SMALL_STRONG[2] / 1e3
            spans = together(machine, about["buckets"], alone, 0)
            cells = [f"{milliseconds / 1e3 / (8 * (alone + span)):.2f}" for span in spans]
            rows.append([f"{name}, {SMALL_STRONG[1]} a GPU of {batch} in all, {precision}",
                         next(iter(MACHINES)), "as above", *cells])  # fmt: skip
    if not rows:
        return []
    return table(["net", "GPUs", "gradients", "efficiency, all-reduce hidden", "not hidden"], rows)


def replaced(page: str, parts: dict[str, list[str]]) -> str:
    """A page with other text between `<!-- NAME -->` and `<!-- end -->`."""
    for name, lines in parts.items():
        before, mark, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not mark or not end:
            raise ValueError(f"the page has no <!-- {name} --> with an end")
        page = f"{before}{mark}\n" + "\n".join(lines) + f"{end}{after}"
    return page


def begin(ranks: int, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure with so many ranks."""
    beside = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    mpiexec = shutil.which("mpiexec", path=os.pathsep.join(beside))
    if mpiexec is None:
        raise SystemExit("scaling.py needs mpiexec and mpi4py: pip install -e '.[distributed]'")
    out = folder / f"{ranks}.json"
    command = [mpiexec, "-n", str(ranks), sys.executable, __file__, "--child", str(out)]
    command += ["--steps", str(args.steps), "--largest", str(args.largest), "--nets", *args.nets]
    if subprocess.run(command).returncode:
        raise SystemExit(f"scaling.py: {ranks} ranks ended with an error")
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def main() -> int:
    """Measure, fit, predict."""
    parser = _compare.parser(__doc__)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2], help="default: 1 2")
    parser.add_argument("--steps", type=int, default=7, help="timed steps of a ConvNet")
    parser.add_argument("--largest", type=int, default=LARGEST, help="bytes of an all-reduce")
    parser.add_argument("--nets", nargs="+", default=[*NETS], help="words in their names")
    parser.add_argument("--page", type=Path, default=None, help="put the tables into this page")
    parser.add_argument("--json", type=Path, default=None, help="also write the figures here")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.nets = [name for name in NETS if any(word in name for word in args.nets)]
    if args.child:
        return measure(args)
    about = _compare.machine(None, 1) | {"cores": _compare.usable_cores()}
    about = {key: value for key, value in about.items() if value is not None and "orch" not in key}
    with tempfile.TemporaryDirectory() as folder:
        found = {ranks: begin(ranks, args, Path(folder)) for ranks in sorted({1, *args.ranks})}
    spans = {
        ranks: {int(size): seconds for size, seconds in one["all_reduce"].items()}
        for ranks, one in found.items()
        if one["all_reduce"]
    }
    line = fit(spans) if spans else (0.0, math.inf, 1.0)
    parts = {
        "measured": [
            ", ".join(f"{key} {value}" for key, value in about.items()),
            "",
            *measured(found, line),
        ],
        "predicted": predicted(found[1]),
    }
    for lines in parts.values():
        print("\n".join(lines))
    if args.page is not None:
        page = args.page.read_text(encoding="utf-8")
        args.page.write_text(replaced(page, parts), encoding="utf-8")
    keys = ("latency", "bandwidth", "error")
    _compare.write_json(args.json, about, [*found.values(), dict(zip(keys, line, strict=True))])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
