"""The pool's threads after an interrupt, while idle, and when their number changes meanwhile."""

from __future__ import annotations

import gc
import signal
import threading
import time
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.backend.cpu import blas
from tinygrad_lite.backend.cpu.threads import parallel


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
def test_after_an_interrupt_every_part_still_ends_before_its_call(two_threads: None) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def slow(start: int, stop: int) -> None:
        time.sleep(0.01 if start == 0 else 0.3)  # the caller waits for the worker

    def interrupted() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        parallel(slow, 2)

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    for _ in range(3):
        out = np.zeros(2)

        def part(start: int, stop: int, out: np.ndarray = out) -> None:
            time.sleep(0.02 * start)
            out[start:stop] = 1

        parallel(part, 2)
        assert out.tolist() == [1, 1]


@pytest.mark.skipif(blas.thread_functions()[1] is None, reason="NumPy without OpenBLAS")
def test_an_idle_worker_holds_on_to_nothing(two_threads: None) -> None:
    x = torch.randn(1 << 20)
    memory = weakref.ref(x.array)
    x.relu()
    del x
    gc.collect()
    for _ in range(1000):  # on a busy machine the worker may come to its end later
        if memory() is None:
            break
        time.sleep(0.01)
    assert memory() is None


@pytest.mark.skipif(blas.thread_functions()[1] is None, reason="NumPy without OpenBLAS")
def test_a_number_set_meanwhile_stands(two_threads: None) -> None:
    started = threading.Event()

    def slow(start: int, stop: int) -> None:
        started.set()
        time.sleep(0.1)

    user = threading.Thread(target=parallel, args=(slow, 2))
    user.start()
    started.wait(5)
    torch.set_num_threads(1)
    user.join()
    assert blas.thread_functions()[0]() == 1
