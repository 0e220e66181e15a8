"""Our own threads over NumPy, which releases the interpreter's lock in its loops and in BLAS.

`parallel` cuts a range into one part for each thread. Inside, BLAS is held to one thread, or
every part would start threads of its own. Handing a part over takes 20 to 70 µs, and between
NumPy's calls the threads wait for each other's hold on the interpreter: parts should be few, and
made of long calls. (More parts than threads, for balance, cost more than they gave.)

A worker that Linux wakes often starts on its waker's processor, which is busy with its own part,
and stays there for tens of milliseconds while another one is idle. So workers are kept off the
processor that hands the work out.

How a range is cut depends on the number of threads alone, and so do the results: if the pool is
in use, another thread waits for its turn; and what interrupts this thread in its own turn (a
signal's handler, a finaliser) or calls `parallel` from within a part does the same pieces itself.
BLAS's own threads cut products too, so a product outside of `parallel` takes a turn as well.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from queue import Empty, SimpleQueue

from ..num_threads import get_num_threads, on_change
from .blas import sleep_sooner, thread_functions
from .memory import keep_freed_memory

__all__ = ["here", "parallel", "pool"]

Part = Callable[[int, int], None]


class _Run:
    """One call of `parallel`: ranges (`pieces`), each taken by the next free thread.

    A worker may wake up late, when others have done its share; so nobody waits for a worker
    that has not started: it will find nothing left to take.
    """

    def __init__(
        self, part: Part, pieces: list[tuple[int, int]], failed: Callable[[], None] | None
    ) -> None:
        self.part = part
        self.pieces = pieces
        self.failed = failed
        self.turn = itertools.count()  # `next` is one step: no two threads get the same number
        self.stop = False
        self.complete = False  # whether the caller has come to the end of its pieces
        self.started: list[bool] = []  # of each worker that was told of it
        self.ended: list[bool] = []
        self.errors: list[BaseException] = []
        self.wake: SimpleQueue[None] = SimpleQueue()

    def taken(self) -> Iterator[tuple[int, int]]:
        """Take one piece after another that no other thread has taken, until none is left."""
        while (piece := next(self.turn)) < len(self.pieces) and not self.stop:
            yield self.pieces[piece]

    def work(self) -> None:
        """Call `part` on the pieces that this worker takes; keep what it raises for the caller."""
        try:
            for start, stop in self.taken():
                self.part(start, stop)
        except BaseException as error:  # the caller raises it
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Keep what was raised, and let the other threads come to an end."""
        self.errors.append(error)
        self.stop = True
        if self.failed is not None:
            self.failed()

    def wait(self) -> None:
        """Wait until every worker that has started has ended; an interrupt is kept for later.

        A second interrupt may have cut `fail` short: the others are told here too.
        """
        self.stop = True
        while any(a and not b for a, b in zip(self.started, self.ended, strict=True)):
            try:
                if not self.complete and self.failed is not None:
                    self.failed()
                self.wake.get(timeout=1)
            except Empty:
                continue  # an interrupt took the message: `ended` is what counts
            except BaseException as interrupt:
                self.errors.append(interrupt)

    def end(self) -> None:
        """Wait, let go of the part, and raise what was raised first."""
        self.wait()
        errors, self.errors, self.part, self.failed = self.errors, [], _nothing, None
        try:
            if errors:
                raise errors[0]
        finally:
            del errors  # its traceback leads here, and would lead back to it


Task = tuple[_Run, int]


def _nothing(start: int, stop: int) -> None:
    """The part of a run that is over: a worker about to let go of the run holds nothing more."""


class _Pool:
    """Worker threads, started when first needed, and the one caller that may use them."""

    def __init__(self) -> None:
        # What interrupts a product's turn (a signal's handler) comes before or behind the product
        # itself, and may take the turn too: hence an RLock. In the turn of `parallel` it would
        # disturb the pieces that are out; there `here.has_turn` keeps it from asking.
        self.turn = threading.RLock()
        self.tasks: list[SimpleQueue[Task]] = []
        self.workers: list[threading.Thread] = []
        # The last caller's processor, how many workers it had, and which processors it might use.
        self.place: tuple[int, int, set[int]] | None = None

    def forget(self) -> None:
        """Start again without workers, as a forked child must: threads don't survive a fork.

        The thread that had its turn is gone too: it would never release that lock.
        """
        self.turn = threading.RLock()
        self.tasks, self.workers, self.place = [], [], None
        if thread_functions.cache_info().currsize and thread_functions()[1] is not None:
            _tell_blas(get_num_threads())  # the parent may have been holding it to one thread

    def hand_out(self, run: _Run) -> None:
        """Tell the workers of a run that it has begun."""
        workers = self.hire(len(run.pieces) - 1)
        self.make_room(workers)
        run.started, run.ended = [False] * workers, [False] * workers
        for worker in range(workers):
            self.tasks[worker].put((run, worker))

    def hire(self, workers: int) -> int:
        """Start threads until there are so many; how many there are in fact, of these.

        The system may refuse more. Then the caller does what is left for them.
        """
        with suppress(RuntimeError):
            while len(self.tasks) < workers:
                tasks: SimpleQueue[Task] = SimpleQueue()
                thread = threading.Thread(target=_work, args=(tasks,), daemon=True)
                thread.start()
                self.tasks.append(tasks)
                self.workers.append(thread)
                self.place = None
        return min(workers, len(self.tasks))

    def make_room(self, workers: int) -> None:
        """Keep the workers off this thread's processor, if there are enough others."""
        here = _processor()
        if here is None:
            return
        allowed = os.sched_getaffinity(0)
        place = (here, workers, allowed)
        if place == self.place:
            return
        self.place = place
        others = allowed - {here} if len(allowed) > workers else allowed
        for worker in self.workers[:workers]:
            with suppress(OSError):  # that they may share a processor is no failure
                os.sched_setaffinity(worker.native_id or 0, others)


@cache
def _getcpu() -> Callable[[], int] | None:
    """The C library's function for the processor that the calling thread runs on: Linux alone."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    found: Callable[[], int] | None = getattr(ctypes.PyDLL(None), "sched_getcpu", None)
    return found


def _processor() -> int | None:
    """The processor that the calling thread runs on, None where that isn't known."""
    getcpu = _getcpu()
    return None if getcpu is None else getcpu()


def _work(tasks: SimpleQueue[Task]) -> None:
    """What a worker does; between tasks it holds on to nothing of the last one."""
    here.has_turn = True
    while True:
        run, worker = tasks.get()
        run.started[worker] = True
        run.work()
        run.ended[worker] = True
        run.wake.put(None)
        del run


class _Here(threading.local):
    """Of each thread: whether it is having its turn at the pool, or waits for it."""

    has_turn = False


sleep_sooner()
here = _Here()
pool = _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.forget)


@on_change
def _tell_blas(count: int) -> None:
    setter = thread_functions()[1]
    if setter is not None:
        setter(count)


def parallel(
    part: Part, count: int, least: int = 1, failed: Callable[[], None] | None = None
) -> None:
    """Call `part(start, stop)` on ranges that cover 0 … count, at once in several threads.

    Ranges depend on the number of threads, never on who else is using them. It runs in this
    thread alone if there is too little to share, or if BLAS can't be held to one thread. Whatever
    is raised, also an interrupt at any point, comes out only after every piece that was begun has
    ended: no thread is left writing into memory of ours.

    It is one long function, without helpers, so that no frame of ours lies between it and `part`:
    an interrupt there would come out before the pieces have ended.

    Args:
        part: must only write where no other part does.
        count: the end of the range.
        least: the fewest items worth a thread.
        failed: called once anything is raised while several threads work: parts that wait for
            each other must end then.
    """
    keep_freed_memory()
    threads = max(1, min(get_num_threads(), count // max(least, 1)))
    hold_blas = thread_functions()[1]
    if hold_blas is None or (here.has_turn and threads == 1):
        part(0, count)
        return
    if here.has_turn:
        for start, stop in _cut(count, threads):
            part(start, stop)
        return
    try:
        here.has_turn = True  # before it has: a signal's handler must not wait for this thread
        with pool.turn:
            if threads == 1:
                part(0, count)
                return
            run = _Run(part, _cut(count, threads), failed)
            try:
                hold_blas(1)
                pool.hand_out(run)
                for start, stop in run.taken():
                    part(start, stop)
                run.complete = True
            except BaseException as error:
                run.fail(error)
            finally:  # also if another interrupt came out of that
                try:
                    run.end()
                finally:
                    hold_blas(get_num_threads())  # another thread may have set it since
    finally:
        here.has_turn = False


def _cut(count: int, threads: int) -> list[tuple[int, int]]:
    """Cut 0 … count into as many ranges (start, stop) as there are threads."""
    return list(itertools.pairwise(count * i // threads for i in range(threads + 1)))
