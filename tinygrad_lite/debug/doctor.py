"""`python -m tinygrad_lite doctor`: what there is here, how fast, and what to do about problems."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import distributions
from time import perf_counter
from typing import NamedTuple

from ..backend import Namespace, namespace_for, numpy, why_unavailable
from ..backend.num_threads import get_num_threads
from ..data import cache_folder
from ..nn import functional
from ..tensor import Tensor
from ..tensor.draw import randn
from ..tensor.linalg import matmul

__all__ = ["Finding", "findings", "main"]

LIMITS = (
    "TINYGRAD_LITE_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
SLOW = 5e9  # FLOP/s of a product on one thread, below which NumPy has no fast BLAS


class Finding(NamedTuple):
    """One line of the report.

    Attributes:
        subject, text: what was looked at, and what was found.
        remedy: what mends it, if it is a problem: a command, as it is typed.
        fatal: the library does not work as it is.
    """

    subject: str
    text: str
    remedy: str = ""
    fatal: bool = False


def findings() -> Iterator[Finding]:
    """Look at everything, in turn."""
    for look in (_python, _numpy, _threads, _cuda, _speeds, _data):
        try:
            yield from look()
        except Exception as error:  # whatever fails is what the user wants to know
            text = f"{type(error).__name__}: {error}"
            yield Finding(look.__name__.strip("_"), text, "report this text", fatal=True)


def main() -> int:
    """Print the report; 1 if something does not work, else 0."""
    problems = fatal = 0
    for found in findings():
        print(f"{'!' if found.remedy else ' '} {found.subject:<12} {found.text}", flush=True)
        if found.remedy:
            print(f"  {'':<12} -> {found.remedy}")
        problems += bool(found.remedy)
        fatal += found.fatal
    print(f"\n{problems} problem{'s' * (problems != 1)} found" if problems else "\nAll is well.")
    return 1 if fatal else 0


def _python() -> Iterator[Finding]:
    build = f"{platform.python_implementation()} {platform.python_version()}"
    yield Finding("Python", f"{build}, {sys.executable}")
    yield Finding("machine", f"{platform.platform()}, {platform.machine()}")


def _numpy() -> Iterator[Finding]:
    text, remedy = f"NumPy {numpy.__version__}", ""
    try:
        blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
        name = f"{blas.get('name', '')} {blas.get('version', '')}".strip()
    except (KeyError, TypeError):
        name = ""
    if not name or name == "none":
        remedy = "pip install --force-reinstall --only-binary :all: numpy   (it comes with a BLAS)"
    yield Finding("NumPy", f"{text}, BLAS: {name or 'none named'}", remedy)


def _threads() -> Iterator[Finding]:
    machine = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else machine
    text = f"{get_num_threads()} in use; {allowed} of the machine's {machine} cores are ours"
    limits = [f"{name}={os.environ[name]}" for name in LIMITS if os.environ.get(name)]
    quota = _quota()
    remedy = ""
    if get_num_threads() < allowed:
        names = " ".join(limit.partition("=")[0] for limit in limits)
        remedy = f"unset {names}" if names else f"torch.set_num_threads({allowed})"
    elif quota and quota < get_num_threads() - 0.5:
        count = max(1, round(quota))
        text += f"; a container lets us have {quota:g}"
        remedy = f"export TINYGRAD_LITE_NUM_THREADS={count}"
    yield Finding("threads", "; ".join([text, *limits]), remedy)


def _quota() -> float:
    """The cores' worth of time that a Linux container may take; 0 for no limit."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            limit, period = file.read().split()
        return 0.0 if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError):
        return 0.0


def _cuda() -> Iterator[Finding]:
    wheels = sorted(
        f"{name} {found.version}"
        for found in distributions()
        if (name := (found.metadata["Name"] or "").lower()).startswith("cupy")
    )
    names = {wheel.partition(" ")[0] for wheel in wheels}
    if len(names) > 1:
        remedy = f"pip uninstall -y {' '.join(sorted(names))}, then install one of them"
        yield Finding("CuPy", f"several are installed: {', '.join(wheels)}", remedy, fatal=True)
        return
    driver = _driver()
    reason = why_unavailable("cuda")
    if reason is None:
        space = namespace_for("cuda")
        yield Finding("CuPy", f"{', '.join(wheels) or 'installed'}; driver {driver or 'found'}")
        yield Finding("GPU", ", ".join(space.device_name(i) for i in range(space.device_count())))
    elif driver or wheels:  # a GPU without the library, or the library without a GPU
        yield Finding("CUDA", f"driver {driver or 'not found'}; CuPy {wheels or 'not installed'}",
                      reason)  # fmt: skip
    else:
        yield Finding("CUDA", "no NVIDIA driver here, and no CuPy: the CPU is used")


def _driver() -> str:
    """The version of NVIDIA's kernel driver; "" if there is none."""
    try:
        with open("/proc/driver/nvidia/version", encoding="utf-8") as file:
            words = file.readline().split()
        return next((word for word in words if word[:1].isdigit() and "." in word), "of NVIDIA")
    except OSError:
        return ""


def _speeds() -> Iterator[Finding]:
    for device in ("cpu", "cuda"):
        if why_unavailable(device) is not None:
            continue
        space = namespace_for(device)
        side = 768 if device == "cpu" else 4096
        a = randn(side, side, device=device)
        product = 2 * side**3 / _best(partial(matmul, a, a), space)
        x, w = randn(8, 64, 32, 32, device=device), randn(64, 64, 3, 3, device=device)
        work = 2 * 8 * 32 * 32 * 64 * 64 * 9
        conv = work / _best(partial(functional.conv2d, x, w, padding=1), space)
        remedy = ""
        if device == "cpu" and product < SLOW * get_num_threads() ** 0.5:
            remedy = "look at NumPy's BLAS and the threads above, and at what else runs here"
        text = f"product of {side}² matrices {product / 1e9:.0f}, 3×3 convolution {conv / 1e9:.0f}"
        yield Finding(f"speed, {device}", f"{text} GFLOP/s", remedy)


def _best(work: Callable[[], Tensor], space: Namespace, rounds: int = 7) -> float:
    """The seconds of the fastest of some calls."""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        work()
        if space.name == "cuda":
            space.synchronize()
        times.append(perf_counter() - start)
    return min(times)


def _data() -> Iterator[Finding]:
    folder = cache_folder()
    kept = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    text = f"{', '.join(kept)} in {folder}" if kept else f"nothing in {folder} yet"
    yield Finding("data", f"{text}; a sample is bundled")
