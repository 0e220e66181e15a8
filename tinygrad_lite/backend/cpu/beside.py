"""A thread that takes many short calls leaves the long ones to another beside it.

Where two threads both make short calls, each waits for the interpreter's lock again and again,
and falls asleep over it. So one goes through the steps of a sequence, say, and *adds* the long
products that nothing in the next steps waits for; a helper does these *jobs* in the order in
which they came. A job that is needed and that nobody has begun is done by who needs it: no one
ever waits for a helper that has not started, and without helpers all is done in one thread.

Which jobs there are must not depend on who does them, and then the results don't either.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from .threads import parallel

__all__ = ["Job", "Jobs", "beside"]

PATIENCE = 0.05  # seconds, after which who waits looks whether another thread has failed


class Job:
    """Something that is done once, by who comes first; one thread at most waits for it."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._turn = itertools.count()  # `next` is one step: no two threads get the same number
        self.ended = False
        self.wake: SimpleQueue[None] = SimpleQueue()

    def take(self) -> None:
        """Do it, unless somebody has begun."""
        if next(self._turn):
            return
        work, self._work = self._work, _nothing  # which would keep its arrays alive
        work()
        self.ended = True
        self.wake.put(None)


def _nothing() -> None:
    """The work of a job that somebody has begun."""


class _Stopped(Exception):
    """Another thread has failed: what it raised comes out, this does not."""


class _Crew:
    """The threads of one call of `beside`: how many still add jobs, and those nobody has begun."""

    def __init__(self, mains: int) -> None:
        self.left: SimpleQueue[Job | None] = SimpleQueue()  # None: there won't be another one
        self.stopped = False
        self._mains, self._ended = mains, itertools.count(1)

    def stop(self) -> None:
        """Tell all who wait that a thread has failed."""
        self.stopped = True

    def end(self) -> None:
        """Say that one of those who add jobs adds no more."""
        if next(self._ended) == self._mains:
            self.left.put(None)

    def help(self) -> None:
        """Do one job after another, until there won't be more."""
        while not self.stopped:
            with suppress(Empty):
                job = self.left.get(timeout=PATIENCE)
                if job is None:
                    self.left.put(None)  # for the other helpers
                    return
                job.take()


class Jobs:
    """What one part of `beside` leaves to its helpers."""

    def __init__(self, crew: _Crew) -> None:
        self._crew = crew
        self._own: list[Job] = []

    def add(self, work: Callable[[], None]) -> Job:
        """Leave some work, which must not wait for what is added later, to a helper."""
        job = Job(work)
        self._own.append(job)
        self._crew.left.put(job)
        return job

    def need(self, job: Job) -> None:
        """Return when a job is done."""
        job.take()
        while not job.ended:
            if self._crew.stopped:
                raise _Stopped
            with suppress(Empty):
                job.wake.get(timeout=PATIENCE)

    def finish(self) -> None:
        """Return when all jobs are done that were added: those nobody has begun first."""
        for job in self._own:
            job.take()
        for job in self._own:
            self.need(job)
        self._own.clear()


def beside(part: Callable[..., Any], given: Sequence[tuple[Any, ...]], helpers: int) -> list[Any]:
    """What `part(jobs, *of)` returns for each of what is given, at once, with helpers for its jobs.

    All jobs have ended when it returns, and those that were begun when it raises, whatever that
    is (see `parallel`, whose ways it goes).

    Args:
        part: must only write where no other part does; its jobs, where nothing else does until
            it has asked for them (`Jobs.need`, `Jobs.finish`).
        given: the arguments of each part.
        helpers: how many threads beside those of the parts.
    """
    found: list[Any] = [None] * len(given)
    crew = _Crew(len(given))

    def some(first: int, last: int) -> None:
        for k in range(first, last):
            if k >= len(given):
                crew.help()
                continue
            jobs = Jobs(crew)
            found[k] = part(jobs, *given[k])
            jobs.finish()
            crew.end()

    parallel(some, len(given) + helpers, failed=crew.stop)
    return found
