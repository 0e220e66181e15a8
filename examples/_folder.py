"""The folder of a run: its own, never another run's, and every file in it whole."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from _flags import fail

CHECKPOINT, MODEL = "checkpoint.npz", "model.npz"
RESULTS = (CHECKPOINT, MODEL, "metrics.csv", "summary.json", "curves.png")


def check_out(out: Path | None) -> None:
    """Leave with status 2 if `--out` can't be the folder of a new run."""
    if out is None:
        return
    try:
        if out.exists() and not out.is_dir():
            fail(f"--out {out}: is a file; give a folder")
        if any((out / name).exists() for name in RESULTS):
            fail(f"--out {out}: holds a run already; go on with it by --resume {out}, or give "
                 "another folder")  # fmt: skip
    except OSError as error:
        fail(f"--out {out}: {error.strerror or error}")


def new_folder(out: Path | None, name: str) -> Path:
    """Make the folder of a new run; leaves with status 2 if that can't be.

    Args:
        out: the folder asked for; it may exist, but may not hold a run.
        name: without one it is `runs/<name>`, or `runs/<name>-2` and so on if that exists.
    """
    check_out(out)
    path, number = out or Path("runs", name), 1
    while True:
        try:  # at once: another run may be starting as well
            path.mkdir(parents=True, exist_ok=out is not None)
            return path
        except OSError as error:
            if out is not None or not isinstance(error, FileExistsError):
                fail(f"--out {path}: {error.strerror or error}")
            number += 1
            path = Path("runs", f"{name}-{number}")


def checkpoint_of(run: Path) -> Path:
    """The checkpoint that `--resume` names: the file itself, or the one in a run's folder."""
    return run / CHECKPOINT if run.is_dir() else run


class Folder:
    """A run's folder, held by this process until it ends.

    Leaves with status 2 if another process trains there, if files can't be written, or if there
    is no room for the checkpoints.

    Args:
        path: the folder, which exists.
        size: bytes of a checkpoint.
        writes: False for a process that leaves all of this to another one.
    """

    def __init__(self, path: Path, size: int, writes: bool = True) -> None:
        self.path, self.writes = path, writes
        self._handle: int | None = None
        if not writes:
            return
        self._hold()
        for leftover in path.glob(".*.part"):  # of a process that was killed
            leftover.unlink(missing_ok=True)
        # For the checkpoint, the one before, and the one being written; some may be there.
        there = sum(file.stat().st_size for file in path.glob("checkpoint*.npz"))
        self._check_room(max(size, 3 * size - there))

    def _hold(self) -> None:
        try:
            import fcntl
        except ImportError:  # Windows: nobody holds a folder there
            return
        try:
            self._handle = os.open(self.path, os.O_RDONLY)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(f"{self.path}: another process is training there")
        except OSError:
            return  # a file system without locks

    def release(self) -> None:
        """Let others train there."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _check_room(self, size: int) -> None:
        probe = self.path / ".room.part"
        try:
            with probe.open("wb") as file:  # buffered: a raw write may be short and say nothing
                for start in range(0, size, 1 << 20):
                    file.write(bytes(min(1 << 20, size - start)))
        except OSError as error:
            fail(f"{self.path}: there must be room for three checkpoints, {size / 1e6:.1f} MB: "
                 f"{error.strerror}")  # fmt: skip
        finally:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file so that under its name there is the old one or the new one, whole.

        Raises:
            OSError: it can't be written.
        """
        if not self.writes:
            return
        part = self.path / f".{name}.part"
        data = content.encode() if isinstance(content, str) else content
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path / name)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
