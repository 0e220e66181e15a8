"""CIFAR-10's two official file layouts: finding them, reading them, checking them.

The *binary* layout is six files of 10,000 records, each one label byte and 3,072 pixel bytes
(1,024 red, 1,024 green, 1,024 blue, rows first). The *python* layout is six pickles of a dict
with `data`, uint8 (10000, 3072) in the same pixel order, and `labels`, a list of integers.

Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009, and
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.files import FileError, Malformed, StrPath, about, read_bytes, reading
from tinygrad_lite.files.arrays import ADMITTED, as_array
from tinygrad_lite.files.pickles import unpickle

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Labels = np.ndarray[Any, np.dtype[np.int64]]

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
PIXELS = 3 * 32 * 32
RECORD = 1 + PIXELS
BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")  # the last one is the test set
BINARY_FILES = tuple(f"{batch}.bin" for batch in BATCHES)
BINARY_FOLDER = "cifar-10-batches-bin"
PYTHON_FOLDER = "cifar-10-batches-py"


@dataclass(frozen=True)
class Edition:
    """What the files must be: how many records each holds and the MD5 sums.

    Attributes:
        records: records in each of the six files.
        md5: the sum of each file by name, of both layouts; a name that is absent is unchecked.
    """

    records: int = 10_000
    md5: Mapping[str, str] = field(default_factory=dict)


OFFICIAL = Edition(
    md5={
        "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
        "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
        "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
        "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
        "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
        "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    }
)


@dataclass(frozen=True)
class Layout:
    """One layout found in one folder.

    Attributes:
        folder: where the files are.
        suffix: ".bin" for the binary layout, "" for the python one.
        missing: which of the six are not there.
    """

    folder: Path
    suffix: str
    missing: tuple[str, ...]


def locate(root: StrPath) -> Layout | None:
    """Find CIFAR-10 in `root` or in the archive's own folder inside it.

    A complete layout wins over an incomplete one, then binary over python, then `root` itself
    over the folder inside. None if there is not one file of either layout.
    """
    found: list[Layout] = []
    for suffix, inner in ((".bin", BINARY_FOLDER), ("", PYTHON_FOLDER)):
        for folder in (Path(root), Path(root) / inner):
            names = [batch + suffix for batch in BATCHES]
            missing = tuple(name for name in names if not (folder / name).is_file())
            if len(missing) < len(names):
                found.append(Layout(folder, suffix, missing))
    return min(found, key=lambda layout: len(layout.missing), default=None)


def read(
    layout: Layout, edition: Edition = OFFICIAL, verify: bool = True
) -> tuple[Bytes, Labels, Bytes, Labels]:
    """Read all six files.

    Args:
        layout: where they are.
        edition: what they must be.
        verify: compare MD5 sums (0.2 s for the real files).

    Returns:
        train images (5 R, 3, 32, 32) uint8, train labels (5 R,) int64, test images
        (R, 3, 32, 32) uint8 and test labels (R,) int64, for R records a file.

    Raises:
        FileNotFoundError: some of the six are missing; the message says which.
        FileError: a file is truncated or corrupt; the message says which and how.
    """
    if layout.missing:
        raise FileNotFoundError(
            f"{layout.folder}: CIFAR-10 is incomplete, missing {', '.join(layout.missing)} "
            f"({len(layout.missing)} of {len(BATCHES)} files)"
        )
    count = edition.records
    images = np.empty((len(BATCHES) * count, PIXELS), np.uint8)
    labels = np.empty(len(BATCHES) * count, np.int64)
    for i, batch in enumerate(BATCHES):
        rows = slice(i * count, (i + 1) * count)
        records = read_file(layout.folder / (batch + layout.suffix), edition, verify)
        images[rows], labels[rows] = records[:, 1:], records[:, 0]
    pixels = images.reshape(-1, 3, 32, 32)
    split = (len(BATCHES) - 1) * count
    return pixels[:split], labels[:split], pixels[split:], labels[split:]


def read_file(path: Path, edition: Edition = OFFICIAL, verify: bool = True) -> Bytes:
    """One file of either layout as binary records, uint8 (R, 3073), checked.

    A sum that is known is compared before the content is read.

    Raises:
        FileError: wrong size, a label above 9, a wrong MD5 sum, or a pickle that is not a
            CIFAR-10 batch or asks for anything but arrays, lists, dicts, bytes and strings.
        OSError: the file cannot be read.
    """
    size = edition.records * RECORD
    binary = path.suffix == ".bin"
    # Text, as in the oldest pickles, takes four bytes for one; file names come on top.
    content = read_bytes(path, 2 * size if binary else 8 * size + (1 << 20))
    if binary and len(content) != size:
        raise FileError(
            f"{path}: expected {size:,} bytes ({edition.records:,} records of {RECORD:,}), "
            f"but it has {len(content):,}: truncated, or not CIFAR-10's binary layout"
        )
    expected = edition.md5.get(path.name) if verify else None
    actual = None if expected is None else md5(content)
    # A pickle written again by another Python differs in its bytes though not in its content:
    # it is right if its records are those of the binary layout.
    rewritten = None if binary or actual == expected else edition.md5.get(f"{path.name}.bin")
    wrong = f"{path}: MD5 is {actual}, expected {expected}: the file is corrupt"
    if actual != expected and rewritten is None:
        raise FileError(wrong)
    with reading(path, "a CIFAR-10 batch"):
        records = (
            np.frombuffer(content, np.uint8).reshape(edition.records, RECORD)
            if binary
            else _unpickled(content, edition.records)
        )
    labels = np.flatnonzero(records[:, 0] >= len(CLASSES))
    if labels.size:
        raise FileError(
            f"{path}: record {labels[0]} has label {records[labels[0], 0]}, but labels are 0 to 9"
        )
    if rewritten is not None and md5(records.data) != rewritten:
        raise FileError(wrong)
    return records


def md5(content: bytes | memoryview) -> str:
    """The MD5 sum of some bytes, in hexadecimal; a check against damage, not against attack."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _unpickled(content: bytes, count: int) -> Bytes:
    """The records of a batch of the python layout, uint8 (count, 3073)."""
    batch = unpickle(content, ADMITTED)
    if not isinstance(batch, dict):
        raise Malformed(f"expected a dict, but the pickle has {about(batch)}")
    # The keys are bytes if the file was written again after loading with encoding="bytes".
    entries = {k.decode("latin1") if isinstance(k, bytes) else k: v for k, v in batch.items()}
    data, labels = as_array(entries.get("data")), entries.get("labels")
    shape = (count, PIXELS)
    if data is None or data.dtype != np.uint8 or data.shape != shape:
        kind = about(entries.get("data")) if data is None else f"{data.dtype} {data.shape}"
        raise Malformed(f"expected data of uint8 {shape}, but it is {kind}")
    listed = as_array(labels)
    if listed is not None and listed.ndim == 1 and listed.dtype.kind in "iu":
        labels = listed.tolist()
    if not isinstance(labels, list) or len(labels) != count:
        raise Malformed(f"expected a list of {count} labels, but it is {about(labels)}")
    for i, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < len(CLASSES):
            raise Malformed(f"record {i} has label {about(label)}, but labels are 0 to 9")
    records = np.empty((count, RECORD), np.uint8)
    records[:, 0], records[:, 1:] = labels, data
    return records
