"""Worker processes: each makes every n-th batch, ahead of time.

A worker is asked and answers through a pipe of its own, in order. So batches come in the order
that they were asked for without a queue to sort them, the end of a process is seen at once as
the end of its pipe, and a worker ends when the process that asks does.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import queue
import random as python_random
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.backend import root
from tinygrad_lite.backend.num_threads import set_num_threads
from tinygrad_lite.backend.random import manual_seed
from tinygrad_lite.tensor import Tensor

from .fetch import Fetch, Over

__all__ = ["WorkerInfo", "Workers", "get_worker_info"]


class WorkerInfo(NamedTuple):
    """What a worker may ask about itself.

    Attributes:
        id: its number, from 0.
        num_workers: how many there are.
        seed: that its generators were started from; another one for each worker and pass.
        dataset: its copy of the data set.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """About the worker that asks; None in the main process."""
    return _info


def _generate_state(base_seed: int, worker_id: int) -> list[int]:
    """Four numbers of 32 bits to seed NumPy with in a worker, as PyTorch's workers have them."""
    parts = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    drawn: list[int] = np.random.SeedSequence(parts).generate_state(4).tolist()
    return drawn


class _Failure(NamedTuple):
    """A worker's answer when it has failed: its exception, for the main process to raise."""

    kind: type[BaseException]
    text: str

    def again(self) -> BaseException:
        """The worker's exception, with its traceback in the message.

        A `RuntimeError` where no exception of its class can be made of a message alone.
        """
        if issubclass(self.kind, KeyError):
            return KeyError(_Text(self.text))
        try:
            return self.kind(self.text)
        except Exception:
            return RuntimeError(self.text)


class _Text(str):
    """A string that is its own repr, which a `KeyError` shows: so line ends stay line ends."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class _End(NamedTuple):
    """A worker's answer when its stream has no more batches."""


def _failure(error: Exception, where: str) -> _Failure:
    text = "".join(traceback.format_exception(error))
    return _Failure(type(error), f"Caught {type(error).__name__} {where}.\nOriginal {text}")


def _work(
    pipe: Any,
    others: list[Any],
    fetch: Fetch,
    place: tuple[int, int],
    ahead: int,
    init_fn: Callable[[int], object] | None,
) -> None:
    """What a worker process runs: it answers each order with a batch, until its pipe ends."""
    global _info
    for other in others:  # the main process's ends, which a fork copies: its end must be seen
        other.close()
    set_num_threads(1)
    number, count = place
    where = f"in DataLoader worker process {number}"
    answers: queue.Queue[Any] = queue.Queue(ahead)
    threading.Thread(target=_send, args=(pipe, answers), daemon=True).start()
    stream: Any = None
    broken: _Failure | None = None
    started = False
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            turn, order = pipe.recv()
            answer: Any
            try:
                if isinstance(order, _Begin):
                    _info = WorkerInfo(number, count, order.seed + number, fetch.dataset)
                    _seed(_info.seed)
                    broken = None
                    if not started and init_fn is not None:
                        init_fn(number)
                    started = True
                    stream = iter(fetch.dataset) if order.streams else None
                    continue
                if broken is not None:
                    answer, broken = broken, None
                elif stream is None:
                    answer = fetch.by_number(order)
                else:
                    answer = fetch.next_of(stream, order)
            except Over:
                answer = _End()
            except Exception as error:
                answer = _failure(error, where)
                if isinstance(order, _Begin):
                    broken = answer  # said at the first batch
                    continue
            answers.put((turn, _compact(answer)))


def _compact(value: Any) -> Any:
    """A batch ready to be pickled: small views of large memory are copied.

    A pickle of a view would hold all of its memory.
    """
    if isinstance(value, Tensor):
        large = root(value.array).nbytes > 2 * value.array.nbytes
        return value.detach().clone() if large else value
    if type(value) in (list, tuple):
        return type(value)(map(_compact, value))
    if type(value) is dict:
        return {key: _compact(part) for key, part in value.items()}
    return value


def _send(pipe: Any, answers: queue.Queue[Any]) -> None:
    """Send answers from a thread of its own, while the worker makes the next batch.

    A pipe holds less than a batch, so that sending waits for the main process to read.
    """
    with contextlib.suppress(OSError):
        while True:
            turn, answer = answers.get()
            try:
                pipe.send((turn, answer))
            except OSError:
                raise
            except Exception as error:  # what cannot be pickled
                where = "in a DataLoader worker, when it sent a batch"
                pipe.send((turn, _failure(error, where)))


def _seed(seed: int) -> None:
    python_random.seed(seed)
    np.random.seed(seed % 2**32)
    manual_seed(seed)


class _Begin(NamedTuple):
    """What a worker is sent to begin a pass over the data set."""

    seed: int
    streams: bool


class Workers:
    """The worker processes of a loader.

    Args:
        fetch: makes batches.
        count: how many processes.
        ahead: how many batches each makes before they are taken.
        timeout: seconds to wait for a batch; 0 for no limit.
        init_fn: called with each worker's number when it begins.
        context: of `multiprocessing`, or its name; None for the system's usual one.
    """

    def __init__(
        self,
        fetch: Fetch,
        count: int,
        ahead: int,
        timeout: float,
        init_fn: Callable[[int], object] | None,
        context: Any,
    ) -> None:
        if context is None or isinstance(context, str):
            context = multiprocessing.get_context(context)
        self._ahead, self._timeout, self._turn = ahead, timeout, 0
        self._pipes: list[Any] = []
        self._processes: list[Any] = []
        for number in range(count):
            ours, theirs = context.Pipe()
            forked = context.get_start_method() == "fork"
            others = [*self._pipes, ours] if forked else []
            process = context.Process(
                target=_work, args=(theirs, others, fetch, (number, count), ahead, init_fn),
                daemon=True,
            )  # fmt: skip
            with warnings.catch_warnings():  # our pool of threads starts anew in a forked child
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def run(self, orders: Iterable[Any], seed: int, streams: bool) -> Iterator[Any]:
        """The batches of a pass, in the order of `orders`.

        Args:
            orders: the indices of each batch; for streams the size of each, without end.
            seed: of the pass; the workers' generators start from it and their numbers.
            streams: whether the data set is one.

        Raises:
            RuntimeError: a worker ended, or took longer than `timeout`.
            Exception: whatever a worker raised.
        """
        self._turn = turn = self._turn + 1  # answers of a pass that was left are passed over
        for pipe in self._pipes:
            self._ask(pipe, (turn, _Begin(seed, streams)))
        waiting, workers = iter(orders), itertools.cycle(range(len(self._pipes)))
        active = {*range(len(self._pipes))}  # those whose streams have not ended
        due: deque[int] = deque()  # the workers that were asked, in order

        def ask() -> None:
            order = next(waiting, None) if active else None
            if order is not None:
                worker = next(w for w in workers if w in active)
                self._ask(self._pipes[worker], (turn, order))
                due.append(worker)

        for _ in range(self._ahead * len(self._pipes)):
            ask()
        while due:
            worker = due.popleft()
            answer = self._answer(worker, turn)
            if type(answer) is _End:
                active.discard(worker)
            ask()
            if type(answer) is _Failure:
                raise answer.again()
            if type(answer) is not _End:
                yield answer

    def _ask(self, pipe: Any, order: Any) -> None:
        try:
            pipe.send(order)
        except OSError:
            self._gone(self._pipes.index(pipe))

    def _answer(self, worker: int, turn: int) -> Any:
        pipe = self._pipes[worker]
        while True:
            if self._timeout and not pipe.poll(self._timeout):
                raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
            try:
                of, answer = pipe.recv()
            except (EOFError, OSError):
                self._gone(worker)
            if of == turn:
                return answer

    def _gone(self, worker: int) -> None:
        process = self._processes[worker]
        process.join(1)
        raise RuntimeError(
            f"DataLoader worker (pid {process.pid}) exited unexpectedly with exit code "
            f"{process.exitcode}"
        )

    def close(self) -> None:
        """End the processes."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(0.5)
            if process.is_alive():
                process.terminate()
                process.join()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()
