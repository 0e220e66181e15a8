"""Fetching CIFAR-10 into a folder: sources in turn, verified files, atomic placement.

Everything happens in a staging folder beside the final one, under a lock that the operating
system releases if its process dies. The final folder appears by one rename once all six files
are verified, so a killed process or two at once leave it whole or absent.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from tinygrad_lite.files import StrPath

from .formats import BINARY_FILES, BINARY_FOLDER, Edition, Layout, read_file

STAGING = ".cifar10-download"


class SourceError(RuntimeError):
    """A source could not give the files; the message is one line that says why."""


class TooSlowError(SourceError):
    """A source answers, but so slowly that the others should be tried first."""


class Source(Protocol):
    """A place that CIFAR-10 can be had from."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def fetch(self, staging: Path, work: Path, edition: Edition, hurry: bool) -> None:
        """Write the six binary files into `work`; what a later call may resume from, and any
        scratch, goes to `staging`.

        Raises:
            SourceError, OSError, ValueError: it could not. TooSlowError only if `hurry`.
        """


def say(line: str) -> None:
    """Print one line for the user on stderr."""
    print(f"tinygrad_lite.data: {line}", file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """The text with every run of white space, line ends too, as one blank."""
    return " ".join(text.split())


def obtain(folder: StrPath, edition: Edition, sources: Sequence[Source]) -> Layout:
    """Fetch CIFAR-10 into `folder`/cifar-10-batches-bin from the first source that has it.

    Safe to run in several processes at once (one fetches, the others wait and find it) and to
    kill at any time. A source that fails costs one line on stderr.

    Raises:
        SourceError: no source gave the six files; the message has a line from each.
    """
    target = Path(folder) / BINARY_FOLDER
    done = Layout(target, ".bin", ())
    failures: list[str] = []
    queue = [(source, True) for source in sources]
    try:
        with _staging(Path(folder)) as staging:
            if _whole(target, edition):
                return done  # another process was first
            while queue:
                source, hurry = queue.pop(0)
                work = Path(tempfile.mkdtemp(dir=staging))
                try:
                    say(f"fetching CIFAR-10 from {source.name}")
                    source.fetch(staging, work, edition, hurry)
                    for name in BINARY_FILES:
                        read_file(work / name, edition)
                    _place(work, target)
                    _clear(staging, keep=())
                    return done
                except (SourceError, OSError, ValueError) as error:
                    if isinstance(error, TooSlowError):
                        queue.append((source, False))  # better than nothing, after the others
                    failures.append(f"{source.name}: {one_line(str(error))}")
                    say(failures[-1])
                finally:
                    shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        failures.append(one_line(f"{folder}: {error}"))
    raise SourceError("\n".join(failures) or "no source to fetch CIFAR-10 from")


def _whole(folder: Path, edition: Edition) -> bool:
    try:
        for name in BINARY_FILES:
            read_file(folder / name, edition)
    except (OSError, ValueError):
        return False
    return True


def _place(work: Path, target: Path) -> None:
    os.chmod(work, 0o755)  # a temporary folder is private; a cache may be shared
    try:
        os.rename(work, target)
    except OSError:
        # There is a folder already (damaged, or we would not be here). Each file is whole and
        # verified, and replaced in one step.
        target.mkdir(exist_ok=True)
        for name in BINARY_FILES:
            os.replace(work / name, target / name)


@contextlib.contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """The staging folder, ours alone until the block ends."""
    shared = folder / STAGING
    shared.mkdir(parents=True, exist_ok=True)
    with open(shared / "lock", "ab") as handle:
        if _lock(handle):
            _clear(shared, keep=(".part",))
            yield shared
            return
    with tempfile.TemporaryDirectory(dir=folder, prefix=STAGING) as private:
        yield Path(private)  # no locks on this file system: nothing is shared, nothing resumed


def _clear(staging: Path, keep: tuple[str, ...]) -> None:
    for entry in staging.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != "lock" and entry.suffix not in keep:
            with contextlib.suppress(OSError):  # a scratch file that stays does no harm
                entry.unlink()


def _lock(handle: BinaryIO) -> bool:
    """Wait for the lock, which goes with the handle; False if the file system has none."""
    waiting = False
    while True:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except (BlockingIOError, PermissionError):  # held by another process
            if not waiting:
                say("waiting for another process that is fetching CIFAR-10")
            waiting = True
            time.sleep(0.05)
        except OSError:
            return False
