"""What a step costs in Python: calls, and frames between a model and its product.

The numbers of calls are the same on every machine, so they are ceilings: a change that raises one
should be worth it, and a change that lowers one lowers its ceiling here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.steps import profiled, step_of
from tinygrad_lite import nn
from tinygrad_lite.backend import Namespace, devices, kernel
from tinygrad_lite.backend.algorithm import set_conv_algorithm

ROOT = Path(torch.__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    threads, algorithm = torch.get_num_threads(), torch.get_conv_algorithm()
    yield
    torch.set_num_threads(threads)
    set_conv_algorithm(algorithm)


def frames_to_products(
    model: nn.Module, x: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[int, int]]:
    """For each product of `model(x)` on this thread its dimensions, and how many frames deep."""
    found = []
    matmul = np.matmul

    def spy(a: Any, b: Any, **words: Any) -> Any:
        frame, depth = sys._getframe(1), 1
        while frame is not None and frame.f_code is not nn.Module.__call__.__code__:
            frame, depth = frame.f_back, depth + 1
        if frame is not None:  # else it is a worker's
            found.append((a.ndim, depth))
        return matmul(a, b, **words)

    monkeypatch.setattr(np, "matmul", spy)
    space = devices._BY_TYPE[np.ndarray]
    if kernel.find("matmul", space.kernels) is None:  # else the kernel calls NumPy's
        monkeypatch.setitem(vars(space), "matmul", spy)
    model(x)
    return found


@pytest.fixture
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU without its fast kernels."""
    space = Namespace("cpu", np, np.ndarray, "plain")
    monkeypatch.setitem(devices._NAMESPACES, "cpu", space)
    monkeypatch.setitem(devices._BY_TYPE, np.ndarray, space)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("channels", [(8, 24), (3, 40)], ids=["many columns", "few columns"])
@pytest.mark.parametrize("algorithm", ["im2col", "direct", "winograd"])
def test_frames_from_a_convolution_to_its_product(
    algorithm: str, channels: tuple[int, int], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(threads)
    set_conv_algorithm(algorithm)
    model = nn.Conv2d(*channels, 3, padding=1)
    found = frames_to_products(model, torch.randn(8, channels[0], 16, 16), monkeypatch)
    if algorithm == "winograd":  # its transforms are products of matrices, and lie deeper
        found = [(ndim, depth) for ndim, depth in found if ndim == 3]
    assert found
    assert max(depth for _, depth in found) <= 8


def test_frames_from_a_convolution_in_groups_to_its_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = nn.Conv2d(8, 24, 3, padding=1, groups=2)
    found = frames_to_products(model, torch.randn(8, 8, 16, 16), monkeypatch)
    assert [depth for _, depth in found] == [8]


@pytest.mark.usefixtures("_plain")
@pytest.mark.parametrize("groups", [1, 2])
def test_frames_in_the_plain_form(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Conv2d(4, 6, 3, padding=1, groups=groups)
    found = frames_to_products(model, torch.randn(2, 4, 9, 9), monkeypatch)
    assert [depth for _, depth in found] == [7]


@pytest.mark.parametrize("plain", [False, True])
def test_frames_from_a_linear_layer_to_its_product(
    plain: bool, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if plain:
        request.getfixturevalue("_plain")
    found = frames_to_products(nn.Linear(300, 200), torch.randn(10, 300), monkeypatch)
    assert [depth for _, depth in found] == [6]


def calls_of(function: Callable[[], object]) -> int:
    """How many Python functions it calls, generators' turns and comprehensions among them."""
    count = 0

    def profile(frame: Any, event: str, _: Any) -> None:
        nonlocal count
        count += event == "call"

    profiled(profile, function)
    return count


def cpu_step(model: nn.Module, optimizer: Any, x: torch.Tensor) -> Callable[[], None]:
    return step_of(model, optimizer, x, torch.arange(len(x)) % 10, nn.CrossEntropyLoss())


def mlp_step() -> Callable[[], None]:
    """3072 → 100 → 10 by gradient descent, on 200 samples."""
    model = nn.Sequential(nn.Linear(3072, 100), nn.ReLU(), nn.Linear(100, 10))
    return cpu_step(model, torch.optim.SGD(model.parameters(), lr=1e-3), torch.randn(200, 3072))


def convnet_step() -> Callable[[], None]:
    """The report's ConvNet by Adam, on 4 images."""
    layers: list[nn.Module] = []
    channels = 3
    for out, pools in (
        *((64, True), (128, True), (256, False), (256, True)),
        *((512, False), (512, True), (512, False), (512, True)),
    ):
        layers += [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]
        layers += [nn.MaxPool2d(3, 2, 1)] * pools
        channels = out
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))
    return cpu_step(model, torch.optim.Adam(model.parameters()), torch.randn(4, 3, 32, 32))


@pytest.mark.parametrize(("make", "ceiling"), [(mlp_step, 299), (convnet_step, 4250)])
def test_calls_of_a_step(make: Callable[[], Callable[[], None]], ceiling: int) -> None:
    torch.set_num_threads(1)
    step = make()
    step()
    step()
    # What is left over from other tests may be finalised in a step: the least is the step's own.
    count = min(calls_of(step) for _ in range(5))
    assert ceiling // 2 < count <= ceiling


COUNT = """
import sys
import numpy
calls = 0
def profile(frame, event, _):
    global calls
    calls += event == "call" and frame.f_code.co_filename.startswith(sys.argv[1])
before = len(sys.modules)
sys.setprofile(profile)
import tinygrad_lite
sys.setprofile(None)
print(calls, len(sys.modules) - before)
"""


def test_calls_and_modules_of_an_import(tmp_path: Path) -> None:
    """From cached bytecode, NumPy being there already; Python's own calls are not ours to count."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    env |= {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", COUNT, str(ROOT / "tinygrad_lite")],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
    calls, modules = map(int, done.stdout.split())
    assert 500 < calls <= 2540  # three in ten read arguments as PyTorch does
    assert 50 < modules <= 150
