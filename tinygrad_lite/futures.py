"""`torch.futures`: results that are not there yet, and what is to be done with them then.

Nothing here returns one, because `jit.fork` runs at once; programs make and pass on their own.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures as _futures
from typing import Any, Generic, TypeVar

from .absent import explain as _explain

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")
S = TypeVar("S")


class Future(Generic[T]):
    """A result that somebody sets once, from any thread.

    Args:
        devices: without effect; PyTorch synchronises with the streams of these.

    Example:
        >>> future = torch.futures.Future()
        >>> twice = future.then(lambda done: 2 * done.wait())
        >>> future.set_result(3)
        >>> twice.wait()
        6
    """

    def __init__(self, *, devices: Any = None) -> None:
        self._future: _futures.Future[T] = _futures.Future()

    def done(self) -> bool:
        """Whether there is a result, or an error."""
        return self._future.done()

    def wait(self) -> T:
        """The result, as soon as there is one. Raises the error if there is that instead."""
        return self._future.result()

    def value(self) -> T:
        """The result.

        Raises:
            RuntimeError: there is none yet.
        """
        if not self.done():
            raise RuntimeError("Future.value: it is not completed; wait() waits for it")
        return self.wait()

    def then(self, callback: Callable[[Future[T]], S]) -> Future[S]:
        """A future of what the callback makes of this one when it is completed.

        What the callback raises is a RuntimeError of that future.
        """
        made: Future[S] = Future()

        def run(_: Any) -> None:
            try:
                result = callback(self)
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                failed = RuntimeError(f"Got the following error when running the callback: {text}")
                failed.__cause__ = error
                made.set_exception(failed)
            else:
                made.set_result(result)

        self._future.add_done_callback(run)
        return made

    def add_done_callback(self, callback: Callable[[Future[T]], None]) -> None:
        """Call it with this future when it is completed; at once if it is."""
        self._future.add_done_callback(lambda _: callback(self))

    def set_result(self, result: T) -> None:
        """Complete it.

        Raises:
            RuntimeError: it is completed already.
        """
        self._check()
        self._future.set_result(result)

    def set_exception(self, result: BaseException) -> None:
        """Complete it with an error, which `wait` then raises.

        Raises:
            TypeError: no exception.
            RuntimeError: it is completed already.
        """
        if not isinstance(result, BaseException):
            raise TypeError(f"{result!r} is of type {type(result)}, not an Exception.")
        self._check()
        self._future.set_exception(result)

    def _check(self) -> None:
        if self.done():
            raise RuntimeError(
                "Attempting to mark a completed Future as complete again. Note that a Future can "
                "only be marked completed once."
            )


def collect_all(futures: list[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future of all these, completed when they are; with an error if one of them has one."""
    made: Future[list[Future[Any]]] = Future()
    left = len(futures)

    def one_is_done(_: Future[Any]) -> None:
        nonlocal left
        left -= 1
        if not left:
            _complete(made, futures)

    for future in futures:
        future.add_done_callback(one_is_done)
    if not futures:
        made.set_result([])
    return made


def _complete(made: Future[list[Future[Any]]], futures: list[Future[Any]]) -> None:
    for future in futures:
        if error := future._future.exception():
            made.set_exception(error)
            return
    made.set_result(futures)


def wait_all(futures: list[Future[Any]]) -> list[Any]:
    """The results of all, in their order. Raises the first error there is."""
    return [future.wait() for future in futures]


_explain(__name__)
