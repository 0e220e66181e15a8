"""The thread pool: every item once, errors arrive, no oversubscription, safe to nest and fork."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.backend.cpu import blas as library
from tinygrad_lite.backend.cpu import threads
from tinygrad_lite.backend.cpu.threads import parallel


@pytest.fixture(autouse=True, params=[1, 2, 3])
def count(request: pytest.FixtureRequest) -> Iterator[int]:
    before, getter = torch.get_num_threads(), library.thread_functions()[0]
    blas = None if getter is None else getter()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)
    if blas is not None:
        library.thread_functions()[1](blas)


needs_blas = pytest.mark.skipif(
    library.thread_functions()[1] is None, reason="NumPy without OpenBLAS"
)


@pytest.mark.parametrize("size", [0, 1, 2, 5, 100])
@pytest.mark.parametrize("least", [1, 3, 1000])
def test_every_item_once(size: int, least: int) -> None:
    seen = np.zeros(size, int)
    calls = []

    def part(start: int, stop: int) -> None:
        seen[start:stop] += 1
        calls.append(stop - start)

    parallel(part, size, least)
    assert (seen == 1).all()
    assert len(calls) == 1 or min(calls) >= least


@needs_blas
def test_parts_run_at_once(count: int) -> None:
    barrier = threading.Barrier(count, timeout=10)
    parallel(lambda start, stop: barrier.wait() and None, count)


@needs_blas
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone")
def test_workers_are_kept_off_the_callers_processor(count: int) -> None:
    """Also after the caller has moved; or a worker waits while another processor is idle."""
    everywhere = os.sched_getaffinity(0)
    if len(everywhere) < count or count == 1:
        pytest.skip("no room for the workers")
    barrier = threading.Barrier(count, timeout=10)
    found: list[set[int]] = []

    def part(start: int, stop: int) -> None:
        barrier.wait()
        if threading.current_thread() is not threading.main_thread():
            found.append(os.sched_getaffinity(0))

    def masks_from(processor: int) -> list[set[int]]:
        """The workers' masks of a call that began and ended on a processor."""
        for _ in range(50):
            os.sched_setaffinity(0, {processor})  # moves this thread, which then stays for a while
            parallel(lambda start, stop: None, count)  # the workers may have no more than this
            os.sched_setaffinity(0, everywhere)
            found.clear()
            parallel(part, count)
            if threads.pool.place == (processor, count - 1, everywhere):
                return list(found)
        return pytest.fail("the caller was moved every time")

    for processor in sorted(everywhere)[:3]:
        assert masks_from(processor) == [everywhere - {processor}] * (count - 1)


def test_an_error_in_any_part_is_raised_and_the_pool_goes_on() -> None:
    for bad in (0, 99):

        def part(start: int, stop: int, bad: int = bad) -> None:
            if start <= bad < stop:
                raise KeyError(bad)

        with pytest.raises(KeyError, match=str(bad)):
            parallel(part, 100)
    test_every_item_once(100, 1)


@needs_blas
def test_an_interrupt_while_another_is_handled_waits_for_the_parts(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if count == 1:
        pytest.skip("no worker")
    main, begun, told = threading.current_thread(), threading.Event(), threading.Event()
    ended: list[bool] = []

    def part(start: int, stop: int) -> None:
        if threading.current_thread() is main:
            begun.wait(10)
            raise KeyboardInterrupt("first")
        begun.set()
        ended.append(told.wait(10))  # as one waits for a job that was interrupted

    def fail(run: object, error: BaseException) -> None:
        raise KeyboardInterrupt("second")

    monkeypatch.setattr(threads._Run, "fail", fail)
    with pytest.raises(KeyboardInterrupt, match="second"):
        parallel(part, 2, failed=told.set)
    assert ended == [True]


def test_a_part_may_use_the_pool_itself() -> None:
    seen = np.zeros((6, 50), int)

    def outer(start: int, stop: int) -> None:
        for i in range(start, stop):

            def inner(first: int, last: int, i: int = i) -> None:
                seen[i, first:last] += 1

            parallel(inner, 50)

    parallel(outer, 6)
    assert (seen == 1).all()


def test_users_threads_may_use_it_at_once() -> None:
    results = np.zeros((4, 1000), int)

    def user(i: int) -> None:
        for _ in range(20):

            def part(start: int, stop: int) -> None:
                results[i, start:stop] += 1

            parallel(part, 1000)

    users = [threading.Thread(target=user, args=(i,)) for i in range(4)]
    for u in users:
        u.start()
    for u in users:
        u.join(30)
    assert (results == 20).all()


@needs_blas
def test_blas_has_one_thread_inside_and_its_own_number_after(count: int) -> None:
    getter = library.thread_functions()[0]
    before, inside = getter(), []
    parallel(lambda start, stop: inside.append(getter()), 10)
    assert getter() == before == count
    assert set(inside) == ({1} if count > 1 else {before})


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2"])
def test_a_wrong_number(bad: object) -> None:
    with pytest.raises(RuntimeError, match="set_num_threads expects a positive integer, but got"):
        torch.set_num_threads(bad)


def test_the_environment_sets_the_number() -> None:
    code = "import tinygrad_lite as t; print(t.get_num_threads())"
    for variables, wanted in (
        ({"TINYGRAD_LITE_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}, "3"),
        ({"OMP_NUM_THREADS": "2"}, "2"),
    ):
        env = {k: v for k, v in os.environ.items() if "NUM_THREADS" not in k} | variables
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
        assert done.stdout.strip() == wanted, done.stderr


FORK = """
import os, time
import numpy as np
from tinygrad_lite.backend.cpu import threads
from tinygrad_lite.backend.cpu.threads import parallel
import tinygrad_lite
tinygrad_lite.set_num_threads(2)
def run():
    out = np.zeros(100)
    def part(a, b):
        out[a:b] += 1
    parallel(part, 100)
    return (out == 1).all()
assert run()
pid = os.fork()
if pid == 0:
    os._exit(0 if run() else 1)
for _ in range(200):
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        raise SystemExit(os.waitstatus_to_exitcode(status))
    time.sleep(0.05)
os.kill(pid, 9)
raise SystemExit("the forked child hangs")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_a_pool_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr  # a child that hangs is killed
