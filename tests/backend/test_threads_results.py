"""What is computed does not depend on who else computes, interrupts, or can't be started."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.backend.cpu import blas, direct, im2col, threads, winograd, workspace
from tinygrad_lite.backend.cpu.threads import parallel
from tinygrad_lite.nn import functional as F

pytestmark = pytest.mark.skipif(blas.thread_functions()[1] is None, reason="NumPy without OpenBLAS")
Bits = list[bytes]


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def network(seed: int) -> tuple[nn.Module, Any, Any]:
    """A net with each algorithm of convolution, long products, and a batch for it."""
    rng = np.random.default_rng(seed)
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, stride=2, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 40, 3, padding=1),
        nn.Flatten(),
        nn.Linear(640, 70),
        nn.LayerNorm(70),
        nn.Linear(70, 10),
    )
    for p in net.parameters():
        p.array[...] = rng.standard_normal(p.shape) / 8
    x = torch.tensor(rng.standard_normal((16, 3, 16, 16)).astype(np.float32))
    return net, x, torch.tensor(rng.integers(0, 10, 16))


def step(net: nn.Module, x: Any, t: Any) -> Bits:
    net.zero_grad()
    loss = F.cross_entropy(net(x), t)
    loss.backward()
    return [loss.detach().numpy().tobytes(), *(p.grad.numpy().tobytes() for p in net.parameters())]


def test_networks_in_several_threads_have_the_bits_of_one() -> None:
    cases = [network(seed) for seed in range(3)]
    alone = [step(*case) for case in cases]
    found: list[list[Bits]] = [[] for _ in cases]

    def train(i: int) -> None:
        found[i] = [step(*cases[i]) for _ in range(10)]

    users = [threading.Thread(target=train, args=(i,)) for i in range(len(cases))]
    for user in users:
        user.start()
    for user in users:
        user.join(60)
    for want, steps in zip(alone, found, strict=True):
        assert len(steps) == 10
        assert all(got == want for got in steps)


def test_products_wait_while_blas_is_held_to_one_thread() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((290, 1655)), rng.standard_normal((1655, 517))
    getter, inside = blas.thread_functions()[0], threading.Event()
    counts: list[int] = []

    def product() -> None:
        inside.wait(10)
        torch.tensor(a) @ torch.tensor(b)
        counts.append(getter())

    other = threading.Thread(target=product)
    other.start()

    def part(start: int, stop: int) -> None:
        inside.set()
        other.join(0.2)
        assert not counts  # it has not come to an end: it would have had one thread

    parallel(part, 2)
    other.join(10)
    assert counts == [2]


@pytest.mark.parametrize("tile", [2, 4, None])
def test_a_pass_within_a_pass_takes_none_of_its_memory(
    tile: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a signal's handler or a finaliser may run one at any point, in the same thread."""
    name = "_add_up" if tile is None else "multiply_long"
    room: Any = direct if tile is None else winograd
    original: Callable[..., Any] = getattr(room, name)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 6, 12, 12)).astype(np.float32)
    w = rng.standard_normal((5, 6, 3, 3)).astype(np.float32)
    window = winograd.Tiling(4, x.shape, (1, 1), x.dtype).window

    def convolve(image: Any) -> Any:
        if tile is None:
            return direct.convolve(image, w, None, window)
        return winograd.convolve(image, w, None, (1, 1), tile)

    nested = []

    def interrupted(*arguments: Any) -> Any:
        if not nested:
            nested.append(None)
            nested[0] = convolve(x[::-1] * 3)
        return original(*arguments)

    want = convolve(x)
    other = convolve(x[::-1] * 3)
    monkeypatch.setattr(room, name, interrupted)
    np.testing.assert_array_equal(convolve(x), want)
    np.testing.assert_array_equal(nested[0], other)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_a_pass_in_a_signals_handler() -> None:
    case, visitor = network(0), network(1)
    alone, want = step(*case), visitor[0](visitor[1]).detach().numpy().copy()
    visits = []

    def handler(*_: Any) -> None:
        with torch.no_grad():
            visits.append(np.allclose(visitor[0](visitor[1]).numpy(), want, rtol=1e-3, atol=1e-3))

    before = signal.signal(signal.SIGALRM, handler)
    try:
        for delay in np.linspace(1e-4, 2e-2, 40):
            signal.setitimer(signal.ITIMER_REAL, delay)
            assert step(*case) == alone
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert visits
    assert all(visits)


def test_memory_that_is_held_is_not_given_out_again() -> None:
    first = workspace.scratch("a test's", (10,), np.float32)
    part_of_it = first[3:5].reshape(2, 1)
    del first
    second = workspace.scratch("a test's", (10,), np.float32)
    assert not np.shares_memory(part_of_it, second)
    address = part_of_it.base.ctypes.data
    del part_of_it
    third = workspace.scratch("a test's", (10,), np.float32)
    assert third.ctypes.data == address
    workspace._local.buffers.pop("a test's")


@pytest.mark.parametrize("name", ["auto", "winograd", "direct", "im2col"])
def test_a_steps_memory_is_used_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No loop holds a buffer while it asks for the next: fresh pages cost as much as the work."""
    case, fresh = network(0), []

    def new(count: int) -> Any:
        fresh.append(count)
        return np.empty(count, np.uint8)

    monkeypatch.setattr(winograd, "CHUNK", 1 << 16)  # loops of several rounds
    monkeypatch.setattr(im2col, "BLOCK", 1 << 14)
    monkeypatch.setattr(im2col, "PANEL", 1 << 14)
    torch.set_conv_algorithm(name)
    try:
        for _ in range(4):  # which thread takes which piece is chance, and so who has which buffer
            step(*case)
        monkeypatch.setattr(workspace, "_new", new)
        step(*case)
    finally:
        torch.set_conv_algorithm("auto")
    assert len(fresh) <= 2


def test_threads_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    case = network(0)
    want = step(*case)
    pool = threads._Pool()
    monkeypatch.setattr(threads, "pool", pool)

    def refuse(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert step(*case) == want
    assert not pool.workers


def test_an_error_in_a_part_leaves_no_cycle() -> None:
    class Held:
        pass

    def fail(which: int) -> weakref.ref[Held]:
        held = Held()

        def part(start: int, stop: int) -> None:
            if start == which:
                raise KeyError(held)

        with pytest.raises(KeyError):
            parallel(part, 2)
        return weakref.ref(held)

    gc.collect()
    gc.disable()
    try:
        assert fail(0)() is None
        assert fail(1)() is None
    finally:
        gc.enable()


FORK = """
import os, threading, time
import numpy as np
import tinygrad_lite
from tinygrad_lite.backend.cpu.threads import parallel
tinygrad_lite.set_num_threads(2)
begun, done = threading.Event(), threading.Event()
def long(a, b):
    begun.set()
    done.wait(20)
threading.Thread(target=lambda: parallel(long, 2), daemon=True).start()
begun.wait(20)
pid = os.fork()
if pid == 0:
    out = np.zeros(100)
    def part(a, b):
        out[a:b] += 1
    parallel(part, 100)
    os._exit(0 if (out == 1).all() else 1)
done.set()
for _ in range(200):
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        raise SystemExit(os.waitstatus_to_exitcode(status))
    time.sleep(0.05)
os.kill(pid, 9)
raise SystemExit("the forked child waits for a thread that it does not have")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_another_thread_has_its_turn() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
