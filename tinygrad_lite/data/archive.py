"""CIFAR-10 from an archive behind HTTP: resumed, verified, safely extracted."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import tarfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .download import SourceError, TooSlowError, one_line, say
from .formats import BINARY_FILES, Edition, md5


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
        extract(part, work, BINARY_FILES)


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
        SourceError: unreachable, no progress, or a wrong MD5 sum of a fresh copy (discarded).
        TooSlowError: under `slow` bytes a second after `patience` seconds.
    """
    resumed = _size(part) > 0
    if resumed and md5(part.read_bytes()) == expected:
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
        actual = md5(part.read_bytes())
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
        length = response.headers.get("Content-Length")
        total = None if length is None else have + int(length)
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


def extract(archive: Path, folder: Path, wanted: Collection[str]) -> None:
    """Write the regular files called `wanted` of a gzipped tar into `folder`, flat.

    Nothing else is written. An archive with a link, a device or a path that leads out of it is
    refused as a whole, since the real one has none.

    Raises:
        ValueError: refused, damaged, or one of the wanted files is absent or there twice.
    """
    left = set(wanted)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                path = PurePosixPath(member.name.replace("\\", "/"))
                if path.is_absolute() or ".." in path.parts or ":" in member.name:
                    raise ValueError(f"{archive}: refused: {member.name!r} leads out of the folder")
                if not (member.isreg() or member.isdir()):
                    raise ValueError(f"{archive}: refused: {member.name!r} is not a regular file")
                if path.name not in wanted or member.isdir():
                    continue
                if path.name not in left:
                    raise ValueError(f"{archive}: refused: {path.name!r} is there twice")
                content = tar.extractfile(member)
                assert content is not None  # it is a regular file
                with content, open(folder / path.name, "xb") as target:
                    shutil.copyfileobj(content, target, 1 << 20)
                left.discard(path.name)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ValueError(f"{archive}: damaged archive: {error}") from error
    if left:
        raise ValueError(f"{archive}: has no {', '.join(sorted(left))}")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
