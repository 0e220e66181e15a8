"""CuPy itself on the emulated CUDA, in a process of its own; needs CuPy's wheel but no GPU."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
import sys

import pytest

import tinygrad_lite

WANTED = "CuPy's wheel for CUDA 13 on x86-64 Linux, g++, gcc and nm"
pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("cupy_backends") is None
        or platform.system() != "Linux"
        or platform.machine() != "x86_64"
        or not all(shutil.which(tool) for tool in ("g++", "gcc", "nm")),
        reason=f"needs {WANTED}",
    ),
    pytest.mark.skipif(tinygrad_lite.cuda.is_available(), reason="there is a GPU"),
]


def run(code: str) -> subprocess.CompletedProcess[str]:
    """A process in which CuPy finds the emulated GPU."""
    text = f"import tests.cupy_host.plugin\nimport tinygrad_lite as tg\n{code}"
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)


def test_a_captured_step() -> None:
    done = run(
        "import numpy as np\n"
        "w = tg.ones(3, device='cuda', requires_grad=True)\n"
        "optimizer = tg.optim.SGD([w], lr=0.5)\n"
        "@tg.cuda.graph\n"
        "def step(x):\n"
        "    optimizer.zero_grad()\n"
        "    loss = (w * x).relu().sum()\n"
        "    loss.backward()\n"
        "    optimizer.step()\n"
        "    return loss\n"
        "print([step(tg.tensor([i, 1.0, -1.0])).item() for i in range(5)], step.captured)\n"
        "print(w.tolist(), w.device)\n"
    )
    # w₀ falls by i/2 in step i until it is negative, w₁ by 1/2 until it is 0.
    assert done.stdout == "[1.0, 1.5, 1.0, 0.0, 0.0] True\n[-0.5, 0.0, 1.0] cuda:0\n", done.stderr


def test_a_launch_that_a_gpu_refuses_is_refused() -> None:
    done = run(
        "import cupy\n"
        "kernel = cupy.RawKernel('extern \"C\" __global__ void k(int* x) { *x = 1; }', 'k')\n"
        "kernel((1,), (2048,), (cupy.zeros(1, 'int32'),))\n"
    )
    assert done.returncode != 0
    assert "k: launch of (1, 1, 1), (2048, 1, 1)" in done.stderr


def test_cupy_takes_no_host_memory_into_a_capture() -> None:
    done = run(
        "import cupy, numpy\n"
        "with cupy.cuda.Stream(non_blocking=True) as stream:\n"
        "    stream.begin_capture()\n"
        "    cupy.asarray(numpy.ones(3))\n"
    )
    assert "RuntimeError: the current stream is capturing, so H2D transfers" in done.stderr


def test_decompositions_do_without_cusolver() -> None:
    done = run(
        "x = tg.tensor([[[2.0, 1.0], [1.0, 3.0]]], device='cuda', requires_grad=True)\n"
        "y = tg.linalg.inv(x)\n"
        "y.sum().backward()\n"
        "print((5 * y).round().tolist(), (25 * x.grad).round().tolist())\n"
        "print(tg.linalg.inv(x.detach() * 0).isnan().all().item())\n"
    )
    wanted = "[[[3.0, -1.0], [-1.0, 2.0]]] [[[-4.0, -2.0], [-2.0, -1.0]]]\nTrue\n"
    assert done.stdout == wanted, done.stderr


CEILINGS = {  # Python's calls of an eager step, C's as the profiler sees them; launches if captured
    "MLP 100": (260, 300, 14),
    "MLP 400,600": (360, 420, 19),
    "ConvNet x32": (1920, 2100, 93),
}


def test_calls_and_launches_of_steps() -> None:
    """As many on every machine: what raises one makes each small step slower."""
    done = run(
        "from tests.cupy_host import steps\n"
        "steps.idle()\n"
        "for name in steps.NETS:\n"
        "    step = steps.step_of(name)\n"
        "    for _ in range(5): step()\n"
        "    found = min((steps.calls(step) for _ in range(3)), key=lambda c: c['Python'])\n"
        "    graph = tg.cuda.graph(step)\n"
        "    graph(), graph()\n"
        "    print(name, found['Python'], found['C'], len(steps.launched(graph)), sep=';')\n"
    )
    lines = [line.split(";") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == [*CEILINGS], done.stderr
    for name, *counts in lines:
        for count, most in zip(map(int, counts), CEILINGS[name], strict=True):
            assert most // 2 < count <= most, (name, counts)
