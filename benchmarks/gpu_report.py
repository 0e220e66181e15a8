"""What docs/gpu-checks.md asks for, in one run of about two minutes on a GPU.

Every part is a process of its own with a limit of its own, so that one that hangs costs no other:

- `tests`: the suite's GPU tests, in as many processes as there are cores (pytest-xdist);
- `steps`: training steps against PyTorch's, as they are and as graphs, with few rounds;
- `memory`: peak memory of the largest step, each library in a process;
- `profile`: where the GPU's time goes in that step, kernel by kernel (CUPTI, by torch.profiler);
- `sanitizer`, with `--sanitizer` alone: memcheck and racecheck over the kernels' tests.

Figures and logs go to a folder, and `gpu_report.md` there holds the tables.

    python benchmarks/gpu_report.py --out DIR [--parts steps,profile] [--sanitizer]
With `--page` nothing runs: the page is written again from what lies in the folder.
"""

# smoke: --out $OUT --page

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import _compare
import _cuda

_compare.prepare()

ROOT = Path(__file__).resolve().parent.parent
LIMITS = {"tests": 110, "steps": 75, "memory": 40, "profile": 45, "sanitizer": 150}  # seconds
ROUNDS = 5
TOP = 16  # kernels of a profile

CAPTURED, EAGER = "tinygrad_lite captured", "tinygrad_lite"
THEIRS, GRAPH, LAST = "torch", "torch graph", "torch graph channels_last"

# Case: the net, its options, precision, and what captured ÷ PyTorch's best graph, and eager ÷
# PyTorch eager, are to be at most.
CASES: dict[str, tuple[str, Any, str, float, float | None]] = {
    "MLP 100": ("mlp", "MLP 100, SGD", "tf32", 0.70, 1.2),
    "MLP 400,600": ("mlp", "MLP 400,600, SGD with momentum", "tf32", 0.70, None),
    "ConvNet ×32": ("convnet", 32, "tf32", 0.55, 1.3),
    "ConvNet ×256": ("convnet", 256, "tf32", 0.85, None),
    "ConvNet ×256, bfloat16": ("convnet", 256, "bfloat16", 0.60, None),
}
MEMORY = 0.75  # of PyTorch's graph's reserved memory, at most
CHECKED = {  # by compute-sanitizer
    "pooling": "tests/nn/test_pooling.py", "norm": "tests/nn/test_norm.py",
    "statistics": "tests/nn/test_running_statistics.py",
    "conv": "tests/nn/test_conv.py", "losses": "tests/nn/test_losses.py",
    "hopper": "tests/backend/test_cuda_hopper.py",
}  # fmt: skip


def steps(out: Path) -> dict[str, Any]:
    """Milliseconds of each way to do each step."""
    torch = _cuda.pytorch()
    found: dict[str, Any] = {"machine": _cuda.machine(torch)}
    for case, (_, _, precision, _, _) in CASES.items():
        ways = {name: build(name, case) for name in names_of(case, torch)}
        _cuda.check_losses(ways, precision)
        timings, ratios = _cuda.alternate(ways, rounds=ROUNDS, calls=16)
        found[case] = {
            "ms": {name: timing.median for name, timing in timings.items()},
            "ratios": ratios,
        }
        print(case, json.dumps(found[case]["ms"]), flush=True)
        (out / "steps.json").write_text(json.dumps(found))
    return found


def names_of(case: str, torch: Any) -> list[str]:
    """The ways to do a step that are compared."""
    names = [CAPTURED, EAGER]
    if torch is not None:
        names += [THEIRS, GRAPH]
        names += [LAST] if CASES[case][0] == "convnet" else []
    return names


def build(name: str, case: str) -> Callable[[], Any]:
    """A step of a case as a call without arguments; every way starts from the same weights."""
    import convnet
    import mlp
    import numpy as np

    script, which, precision, _, _ = CASES[case]
    framework = convnet.load(name.split()[0])
    _cuda.set_precision(framework, precision)
    if script == "mlp":
        step: Callable[[], Any] = mlp.build_on_cuda(name, framework, which, precision)
        return step
    ours = convnet.load("tinygrad_lite")
    ours.manual_seed(0)
    state = {k: np.asarray(v) for k, v in convnet.build(ours).state_dict().items()}
    args: Any = SimpleNamespace(batch=which, precision=precision)
    step = convnet.build_on_cuda(name, args, state)
    return step


def memory(out: Path) -> dict[str, Any]:
    """MiB at the peak of a few steps of the largest net, by the library's own count."""
    script = str(ROOT / "benchmarks" / "convnet.py")
    words = ["--batch", "256", "--precision", "tf32"]
    names = names_of("ConvNet ×256", _cuda.pytorch())
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda name: _cuda.peak_memory(script, name, words), names))
    return dict(zip(names, found, strict=True))


def profile(out: Path) -> dict[str, Any]:
    """Microseconds and launches of each kernel, a step."""
    torch = _cuda.pytorch()
    if torch is None:
        return {}
    found: dict[str, Any] = {}
    for case, names in {
        "ConvNet ×256": [CAPTURED, LAST], "ConvNet ×256, bfloat16": [CAPTURED, LAST],
        "ConvNet ×32": [CAPTURED], "MLP 100": [CAPTURED, GRAPH],
        "MLP 400,600": [CAPTURED, GRAPH],
    }.items():  # fmt: skip
        for name in names:
            found[f"{case}: {name}"] = kernels_of(torch, build(name, case))
            (out / "profile.json").write_text(json.dumps(found))
    return found


def kernels_of(torch: Any, step: Callable[[], Any], calls: int = 8) -> list[Any]:
    """Rows (microseconds a step, launches a step, name), the longest first."""
    for _ in range(6):
        step()
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
        for _ in range(calls):
            step()
        torch.cuda.synchronize()
    rows: dict[str, tuple[float, int]] = {}
    for event in seen.events():
        if "CUDA" in str(event.device_type):
            time_, count = rows.get(event.name, (0.0, 0))
            rows[event.name] = (time_ + event.device_time, count + 1)
    found = [(t / calls, n / calls, short(name)) for name, (t, n) in rows.items()]
    return sorted(found, reverse=True)


def short(name: str) -> str:
    """A kernel's name without its arguments and most of its template's."""
    name = re.sub(r"\(.*", "", name.replace("(anonymous namespace)", "").replace("void ", ""))
    return name if len(name) <= 70 else name[:67] + "..."


PARTS = {"steps": steps, "memory": memory, "profile": profile}


def commands(parts: list[str], out: Path) -> Iterator[tuple[str, list[str]]]:
    """What each part runs."""
    pytest = [sys.executable, *"-m pytest -q -m gpu --durations=8".split()]
    pytest += "-p no:cacheprovider -p no:benchmark".split()
    for part in parts:
        if part == "tests":
            workers = str(max(1, (os.cpu_count() or 2) - 2))
            yield part, [*pytest, "-n", workers, "--maxfail=40", str(ROOT / "tests")]
        elif part == "sanitizer":
            for tool in ("memcheck", "racecheck"):
                checker = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "9"]
                for subject, test in CHECKED.items():
                    yield f"sanitizer-{tool}-{subject}", [*checker, *pytest, str(ROOT / test)]
        else:
            yield part, [sys.executable, __file__, "--out", str(out), "--child", part]


def run(name: str, command: list[str], out: Path) -> dict[str, Any]:
    """Run a part; its output goes to a log, and what it lasted and how it ended comes back."""
    limit, start = LIMITS[name.split("-")[0]], time.perf_counter()
    log = out / f"{name}.log"
    with log.open("w") as file:
        try:
            code = subprocess.run(
                command, stdout=file, stderr=subprocess.STDOUT, timeout=limit, cwd=ROOT
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    seconds = time.perf_counter() - start
    lines = log.read_text(errors="replace").strip().splitlines() or [""]
    print(f"{name}: code {code}, {seconds:.0f} s of {limit}: {lines[-1][:200]}", flush=True)
    return {"code": code, "seconds": seconds, "last": lines[-1]}


def read(out: Path, part: str) -> dict[str, Any]:
    """The figures that a part left, if it came so far."""
    path = out / f"{part}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def report(ends: dict[str, dict[str, Any]], out: Path) -> str:
    """The page."""
    figures, peaks, kernels = (read(out, part) for part in ("steps", "memory", "profile"))
    about = figures.pop("machine", {})
    lines = ["# GPU report", "", ", ".join(f"{k} {v}" for k, v in about.items()), ""]
    lines += ["| part | ended | seconds | last line |", "| --- | --- | --- | --- |"]
    for name, end in ends.items():
        ended = {0: "well", -1: "at its limit"}.get(end["code"], f"with code {end['code']}")
        lines.append(f"| {name} | {ended} | {end['seconds']:.0f} | `{end['last'][:160]}` |")
    lines += [
        "",
        "| step, ms | ours captured | ours eager | torch eager | torch graph "
        "| torch graph channels_last | captured ÷ best graph | at most | eager ÷ eager | at most |",
        "| " + " | ".join(["---"] * 10) + " |",
    ]
    for case, found in figures.items():
        ms, (*_, captured_most, eager_most) = found["ms"], CASES[case]
        row = [case] + [f"{ms[n]:.3f}" if n in ms else "–"
                        for n in (CAPTURED, EAGER, THEIRS, GRAPH, LAST)]  # fmt: skip
        if THEIRS in ms:
            best = min((n for n in (GRAPH, LAST) if n in ms), key=ms.__getitem__)
            row += [f"{found['ratios'][f'{CAPTURED} ÷ {best}']:.2f}", f"{captured_most:.2f}"]
            row += [f"{found['ratios'][f'{EAGER} ÷ {THEIRS}']:.2f}", f"{eager_most or '–'}"]
        lines.append("| " + " | ".join(row) + " |")
    if peaks:
        lines += ["", "| peak memory at ×256, MiB | allocated | reserved |", "| --- | --- | --- |"]
        lines += [f"| {name} | {mib['allocated']:.0f} | {mib['reserved']:.0f} |"
                  for name, mib in peaks.items()]  # fmt: skip
        if GRAPH in peaks:
            ratio = peaks[CAPTURED]["reserved"] / peaks[GRAPH]["reserved"]
            lines.append(f"\nCaptured ÷ PyTorch's graph, reserved: {ratio:.2f} (at most {MEMORY})")
    for title, rows in kernels.items():
        total, count = sum(r[0] for r in rows), sum(r[1] for r in rows)
        lines += ["", f"## {title}: {total:.0f} µs in {count:.0f} launches a step", ""]
        lines += ["| µs | launches | kernel |", "| --- | --- | --- |"]
        lines += [f"| {t:.1f} | {n:.1f} | `{name}` |" for t, n, name in rows[:TOP]]
        rest = sum(r[0] for r in rows[TOP:])
        lines.append(f"| {rest:.1f} | {sum(r[1] for r in rows[TOP:]):.1f} | all others |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the parts that are asked for, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the page and the logs")
    parser.add_argument("--parts", default="tests,steps,memory,profile", help="default: all four")
    parser.add_argument("--sanitizer", action="store_true", help="also run compute-sanitizer")
    parser.add_argument("--page", action="store_true", help="only write the page again")
    parser.add_argument("--child", choices=PARTS, default=None, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.child:
        sys.argv = sys.argv[:1]
        found = PARTS[args.child](args.out)
        (args.out / f"{args.child}.json").write_text(json.dumps(found))
        return 0
    parts = [] if args.page else args.parts.split(",")
    if parts:
        _cuda.require(parser, "bfloat16")
    if args.sanitizer and shutil.which("compute-sanitizer"):
        parts.append("sanitizer")
    alone, beside = [], []
    for part in commands(parts, args.out):
        (beside if part[0].startswith("sanitizer") else alone).append(part)
    ends = {name: run(name, command, args.out) for name, command in alone}
    with ThreadPoolExecutor() as pool:  # nothing is timed here
        found = pool.map(lambda part: run(*part, args.out), beside)
        ends |= dict(zip((name for name, _ in beside), found, strict=True))
    page = report(ends, args.out)
    (args.out / "gpu_report.md").write_text(page)
    print(page)
    return int(any(end["code"] for end in ends.values()))


if __name__ == "__main__":
    raise SystemExit(main())
