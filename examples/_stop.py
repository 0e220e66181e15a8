"""Ctrl-C and SIGTERM, and text for terminals that can't show all of it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType


class Stop:
    """The first signal asks to stop after the step, the second one stops at once.

    Attributes:
        signal: the number of the signal that came, 0 before.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._holds, self._urgent, self._told = 0, False, False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals while training; elsewhere than in the main thread they can't be."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._handle) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                # Once stopped, the process is about to end: it is not to be hit on the way out,
                # where Python itself takes no signals any more.
                ends = self.signal and not in_notebook()
                signal.signal(number, signal.SIG_IGN if ends else handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """While a file is written, stopping at once waits for its end."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        if self._urgent and not self._holds:
            raise KeyboardInterrupt

    def _handle(self, number: int, _: FrameType | None) -> None:
        if not self.signal:
            self.signal = number
            self._tell()
        elif not self._urgent:  # and a third one changes nothing any more
            self._urgent = True
            if not self._told:  # this one came before the first one had told
                self._tell()
            if self._holds:
                _say("stopping when the checkpoint is written")
            else:
                raise KeyboardInterrupt

    def _tell(self) -> None:
        _say("stopping after this step (once more: at once)")
        self._told = True


def _say(text: str) -> None:
    """Print from a signal handler, which may have interrupted a print."""
    if in_notebook():
        print(text, file=sys.stderr)
        return
    with contextlib.suppress(OSError, ValueError):
        os.write(2, f"\n{text}\n".encode())


def in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel, where output is no terminal and yet is watched."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def any_terminal() -> None:
    """Print what the terminal's encoding lacks (× or γ in ASCII) as `?`, in place of an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
