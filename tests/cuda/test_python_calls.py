"""How much Python an eager step on CUDA takes: calls and launches; no GPU is needed to count them.

Time is bound by Python where a net is small, so these are ceilings: what raises one of them makes
every small step slower. Kernels and products do nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests import steps
from tests.cuda_host import device as cuda_host
from tests.strict import StrictArray
from tinygrad_lite import nn
from tinygrad_lite.backend.cuda import cublas, source

PACKAGE = str(Path(tg.__file__).parent)


class Idle(cuda_host.EmulatedLibrary):
    """CuPy with a driver that only counts."""

    RawKernel = None
    launches = 0

    def __init__(self) -> None:
        super().__init__()
        self.RawModule = lambda code, options: SimpleNamespace(get_function=self._kernel)
        self.cuda = SimpleNamespace(
            driver=SimpleNamespace(launchKernel=self._launch),
            runtime=SimpleNamespace(memGetInfo=lambda: None),
            get_current_stream=lambda: SimpleNamespace(ptr=0),
        )

    def _kernel(self, name: str) -> Any:
        return SimpleNamespace(kernel=SimpleNamespace(ptr=0))

    def _launch(self, *numbers: int) -> None:
        self.launches += 1

    def gemm(self, product: cublas.Product, *places: int) -> None:
        self.launches += 1


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Idle]:
    idle = Idle()
    monkeypatch.setattr(cuda_host, "LIBRARY", idle)
    monkeypatch.setattr(source, "_local", source._Local())
    with cuda_host.emulated():
        monkeypatch.setattr(cublas, "handle", lambda: idle)
        yield idle
    source.function.cache_clear()
    source._module.cache_clear()


def mlp() -> tuple[Any, Any, tuple[int, ...]]:
    net = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 10)).to("strict")
    return net, tg.optim.SGD(net.parameters(), lr=0.1), (4, 12)


def convnet() -> tuple[Any, Any, tuple[int, ...]]:
    """The assignment's, with few channels: `benchmarks/convnet.py`."""
    net = steps.convnet((4, 0, 4, 0, 8, 8, 0, 8, 8, 0, 8, 8, 0)).to("strict")
    return net, tg.optim.Adam(net.parameters(), lr=1e-4), (2, 3, 32, 32)


NETS: dict[str, tuple[Callable[[], tuple[Any, Any, tuple[int, ...]]], int, int]] = {
    # A net, and how many calls of the package's functions and launches a step may take.
    # (Both biases are added by launches of our own: CuPy's, which they replace, do not count here.)
    "MLP": (mlp, 190, 13),
    "ConvNet": (convnet, 1800, 83),
}


@pytest.mark.parametrize("name", NETS)
def test_a_step_takes_few_calls(name: str, library: Idle) -> None:
    make, most_calls, most_launches = NETS[name]
    net, optimizer, shape = make()
    images = tg.tensor(np.zeros(shape, np.float32), device="strict")
    labels = tg.tensor(np.zeros(shape[0], np.int64), device="strict")
    assert type(images.array) is StrictArray
    step = steps.step_of(net, optimizer, images, labels, nn.functional.cross_entropy)
    for _ in range(3):  # until all plans are made
        step()
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename.startswith(PACKAGE)

    library.launches = 0
    steps.profiled(count, step)
    assert (calls <= most_calls, library.launches <= most_launches) == (True, True), (
        f"{name}: {calls} calls (at most {most_calls}), "
        f"{library.launches} launches (at most {most_launches})"
    )
