"""Jobs that one thread leaves to another: each once, all ended whatever is raised, same bits."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import blas, lstm, threads
from tinygrad_lite.backend.cpu.beside import Jobs, beside

needs_blas = pytest.mark.skipif(blas.thread_functions()[1] is None, reason="NumPy without OpenBLAS")


@pytest.fixture(autouse=True, params=[1, 2, 3])
def count(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_every_job_is_done_once_and_before_it_is_needed() -> None:
    done: list[tuple[int, int]] = []

    def part(jobs: Jobs, k: int) -> int:
        added = [jobs.add(lambda i=i: done.append((k, i))) for i in range(20)]
        jobs.need(added[7])
        assert (k, 7) in done
        return k

    for helpers in (0, 1, 2):
        done.clear()
        assert beside(part, [(0,), (1,)], helpers) == [0, 1]
        assert sorted(done) == [(k, i) for k in range(2) for i in range(20)]


def test_a_job_may_be_done_by_a_helper_meanwhile(count: int) -> None:
    if count == 1 or blas.thread_functions()[1] is None:
        pytest.skip("no helper")
    begun = threading.Event()

    def part(jobs: Jobs) -> bool:
        jobs.add(begun.set)
        return begun.wait(10)

    assert beside(part, [()], 1) == [True]


def test_what_a_job_or_a_part_raises_comes_out_after_the_jobs_that_were_begun() -> None:
    running: list[int] = []

    def slow() -> None:
        running.append(1)
        time.sleep(0.05)
        running.pop()

    def fail() -> None:
        raise KeyError("job")

    def with_job(jobs: Jobs) -> None:
        jobs.need(jobs.add(fail))

    def with_part(jobs: Jobs) -> None:
        jobs.add(slow)
        time.sleep(0.02)
        raise KeyError("part")

    for part, name in ((with_job, "job"), (with_part, "part")):
        with pytest.raises(KeyError, match=name):
            beside(part, [()], 1)
        assert not running
    test_every_job_is_done_once_and_before_it_is_needed()


def test_who_waits_for_a_job_that_fails_in_a_helper_gets_its_error(count: int) -> None:
    if count == 1 or blas.thread_functions()[1] is None:
        pytest.skip("no helper")
    begun = threading.Event()

    def fail() -> None:
        begun.set()
        time.sleep(0.02)
        raise KeyError("helper")

    def part(jobs: Jobs) -> None:
        job = jobs.add(fail)
        begun.wait(10)
        jobs.need(job)

    with pytest.raises(KeyError, match="helper"):
        beside(part, [()], 1)


def operands() -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    shapes = [(32 * 40, 64), (32, 128), (32, 128), (512, 64), (512, 128), (512,)]
    return tuple((rng.standard_normal(s) / 10).astype(np.float32) for s in shapes)


def passes(made: tuple[Any, ...]) -> list[bytes]:
    xp, sizes = namespace_for("cpu"), (32,) * 40
    y, kept = lstm.lstm(xp, *made, sizes, False)
    x, _, _, weight_in, weight, _ = made
    grads = lstm.lstm_gradient(xp, y, kept, x, weight_in, weight, sizes, False, True)
    return [a.tobytes() for a in (y, *grads)]


@needs_blas
def test_an_lstm_has_the_same_bits_each_time_and_where_no_helper_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = operands()
    want = passes(made)
    for _ in range(20):
        assert passes(made) == want
    pool = threads._Pool()
    monkeypatch.setattr(threads, "pool", pool)

    def refuse(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert passes(made) == want
    monkeypatch.setattr(threads.here, "has_turn", True)  # as within a part, or a signal's handler
    blas.thread_functions()[1](1)
    assert passes(made) == want


@needs_blas
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_an_interrupt_at_any_point_leaves_no_job_and_no_waiting_thread() -> None:
    made = operands()
    want = passes(made)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        for delay in np.linspace(2e-4, 1e-2, 20):
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                passes(made)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                pass
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert passes(made) == want
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
