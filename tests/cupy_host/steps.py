"""Python's share of an eager step on CUDA, on a machine without a GPU: calls, and µs.

    python -m tests.cupy_host.steps [--net NAME] [--rounds N] [--launches]
                                    [--profile calls|tottime|cumtime]

The real CuPy runs on the emulated CUDA, whose kernels and cuBLAS return at once: what is left of
a step is Python, CuPy and ctypes. It prints for each net the calls of a step (Python functions;
C functions and methods as the profiler sees them; `empty`, `transpose` and `ascontiguousarray`
among them), launches and products, and the least time of a step.
"""

from __future__ import annotations

import argparse
import collections
import cProfile
import ctypes
import pstats
import time
from collections.abc import Callable
from typing import Any

import tinygrad_lite as tg
from tests import steps
from tests.cupy_host.plugin import EMULATED
from tests.cupy_host.plugin import cublas as cublas_room
from tinygrad_lite import nn

LIBRARY = EMULATED._driver


class _Idle:
    """cuBLAS's library, whose functions return 0 at once."""

    def __getattr__(self, name: str) -> Any:
        asks = name.startswith("cublasGemm")
        function = LIBRARY["emulated_product" if asks else "emulated_cublas"]  # a new object
        setattr(self, name, function)
        return function


def idle() -> None:
    """From here on nothing is computed."""
    LIBRARY.emulated_idle(1)
    library = _Idle()
    cublas_room._library = lambda: library  # type: ignore[assignment]
    handle = cublas_room.Cublas()
    cublas_room.handle = lambda: handle


def mlp(*widths: int, **options: float) -> tuple[Any, Any, tuple[int, ...], int]:
    """Layers with ReLUs in between, gradient descent, 200 samples."""
    layers: list[nn.Module] = []
    for before, after in zip((3072, *widths), (*widths, 10), strict=True):
        layers += [nn.Linear(before, after), nn.ReLU()]
    net = nn.Sequential(*layers[:-1]).to("cuda")
    return net, tg.optim.SGD(net.parameters(), lr=1e-3, **options), (200, 3072), 200


def convnet() -> tuple[Any, Any, tuple[int, ...], int]:
    """That of `benchmarks/convnet.py`."""
    net = steps.convnet((64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0)).to("cuda")
    return net, tg.optim.Adam(net.parameters(), lr=1e-4), (32, 3, 32, 32), 32


NETS: dict[str, Callable[[], Any]] = {
    "MLP 100": lambda: mlp(100),
    "MLP 400,600": lambda: mlp(400, 600, momentum=0.9),
    "ConvNet x32": convnet,
}


def step_of(name: str) -> Callable[[], None]:
    """A training step of a net."""
    net, optimizer, shape, count = NETS[name]()
    x = tg.zeros(shape).to("cuda")
    y = (tg.arange(count) % 10).to("cuda")
    return steps.step_of(net, optimizer, x, y, nn.functional.cross_entropy)


def launched(step: Callable[[], object]) -> list[str]:
    """The kernels, products, copies and fills that a call asks for."""
    names = ctypes.create_string_buffer(1 << 16)
    LIBRARY.emulated_noted(names, ctypes.c_size_t(len(names)))
    step()
    LIBRARY.emulated_noted(names, ctypes.c_size_t(len(names)))
    return names.value.decode().split()


def calls(step: Callable[[], None]) -> collections.Counter[str]:
    """How often a step calls what; see above."""
    found: collections.Counter[str] = collections.Counter()

    def profile(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            found["Python"] += 1
            if (
                frame.f_code.co_name in ("empty", "empty_like")
                and "creation" in frame.f_code.co_filename
            ):
                found["empty"] += 1
        elif event == "c_call":
            found["C"] += 1
            name = getattr(argument, "__name__", "")
            if name in ("transpose", "ascontiguousarray", "reshape"):
                found[name] += 1
            found["launch"] += name == "launchKernel"

    steps.profiled(profile, step)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--net", choices=NETS)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--profile", choices=("calls", "tottime", "cumtime"))
    parser.add_argument(
        "--launches", action="store_true", help="name those of a step, captured too"
    )
    given = parser.parse_args()
    idle()
    for name in [given.net] if given.net else NETS:
        step = step_of(name)
        for _ in range(5):
            step()
        found = calls(step)
        least = float("inf")
        for _ in range(given.rounds):
            start = time.perf_counter()
            step()
            least = min(least, time.perf_counter() - start)
        print(f"{name}: {least * 1e3:.2f} ms; calls {dict(found)}")
        if given.launches:
            names = launched(step)
            print(f"{len(names)} eager: {' '.join(names)}")
            graph = tg.cuda.graph(step)
            graph(), graph()
            names = launched(graph)
            print(f"{len(names)} captured: {' '.join(names)}")
        if given.profile:
            profile = cProfile.Profile()
            profile.enable()
            for _ in range(20):
                step()
            profile.disable()
            pstats.Stats(profile).sort_stats(given.profile).print_stats(70)


if __name__ == "__main__":
    main()
