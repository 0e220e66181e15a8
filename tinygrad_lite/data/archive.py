"""CIFAR-10 from an archive behind HTTP: resumed, verified, safely extracted."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tinygrad_lite.files.tar import extract

from .download import SourceError, TooSlowError, one_line, say
from .formats import BINARY_FILES, RECORD, Edition

LARGEST = 1 << 30  # bytes of an archive; CIFAR-10's has 170 million


@dataclass(frozen=True)
class Archive:
    """A gzipped tar of the binary layout behind HTTP.

    Attributes:
        url: its address.
        md5: its MD5 sum.
        timeout: seconds to wait for a connection, and for each further piece.
        slow: bytes a second under which a hurried download gives up after `patience` seconds;
            what it has is kept.
    """

    url: str
    md5: str
    timeout: float = 10.0
    slow: float = 100_000.0
    patience: float = 30.0

    @property
    def name(self) -> str:
        """The address."""
        return self.url

    def fetch(self, staging: Path, work: Path, edition: Edition, hurry: bool) -> None:
        """Download (or go on with) the archive and extract the six files; see `Source`."""
        part = staging / f"{self.url.rpartition('/')[2]}.part"
        download(self.url, part, self.md5, self.timeout, self.slow if hurry else 0.0, self.patience)
        extract(part, work, dict.fromkeys(BINARY_FILES, 2 * edition.records * RECORD))


def download(
    url: str,
    part: Path,
    expected: str,
    timeout: float = 10.0,
    slow: float = 0.0,
    patience: float = 30.0,
) -> None:
    """Download `url` into `part`, going on from what `part` already has, and verify it.

    A dropped connection is resumed for as long as each attempt brings new bytes. A wrong sum
    after a resumption discards the file and starts once more from zero.

    Raises:
        SourceError: unreachable, no progress, endless, or a wrong MD5 sum of a fresh copy
            (discarded).
        TooSlowError: under `slow` bytes a second after `patience` seconds.
    """
    resumed = _size(part) > 0
    if resumed and _md5(part) == expected:
        return  # whole already: its process died between the download and the extraction
    restarted = False
    while True:
        before = _size(part)
        try:
            _transfer(url, part, timeout, slow, patience)
        except (OSError, http.client.HTTPException) as error:
            if _size(part) <= before:
                reason = getattr(error, "reason", None) or error
                raise SourceError(one_line(f"{type(error).__name__}: {reason}")) from error
            resumed = True
            continue
        actual = _md5(part)
        if actual == expected:
            return
        part.unlink()
        if restarted or not resumed:
            raise SourceError(f"MD5 is {actual}, expected {expected}; discarded")
        say(f"{url}: wrong MD5 after resuming; starting again from zero")
        restarted = True


def _transfer(url: str, part: Path, timeout: float, slow: float, patience: float) -> None:
    """One request, for what `part` lacks; every byte goes to the file as it comes."""
    have = _size(part)
    request = urllib.request.Request(
        url, headers={"Accept-Encoding": "identity", "User-Agent": "tinygrad_lite"}
    )
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            return  # nothing beyond what we have: the sum decides whether that is the file
        raise
    with response:
        partial = response.status == 206
        # Whether it is the range that was asked for, the sum will tell.
        if not partial:
            have = 0  # a server that ignores Range sends the whole file
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() and len(length) < 20 else None
        began, got = time.monotonic(), 0
        # Unbuffered, so that what has come survives a kill.
        with (
            open(part, "ab" if partial else "wb", buffering=0) as file,
            _progress(url.rpartition("/")[2], have, total) as advance,
        ):
            while chunk := response.read1(1 << 16):
                file.write(chunk)
                advance(len(chunk))
                got += len(chunk)
                if have + got > LARGEST:
                    raise SourceError(f"sends more than {LARGEST:,} bytes")
                passed = time.monotonic() - began
                if passed > patience and got < slow * passed:
                    raise TooSlowError(
                        f"only {got / passed / 1000:.0f} KB a second; kept what came so far"
                    )
    if total is not None and have + got != total:
        raise ConnectionError(f"the connection ended at {have + got:,} of {total:,} bytes")


@contextlib.contextmanager
def _progress(name: str, initial: int, total: int | None) -> Iterator[Callable[[int], object]]:
    try:
        from tqdm import tqdm
    except ImportError:  # the bar is an extra
        yield lambda count: None
        return
    # disable=None: no bar where stderr is a file.
    with tqdm(
        desc=name, initial=initial, total=total, unit="B", unit_scale=True, disable=None
    ) as bar:
        yield bar.update


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        made = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return made.hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
