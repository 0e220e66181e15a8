"""CIFAR-10's two official file layouts: finding them, reading them, checking them.

The *binary* layout is six files of 10,000 records, each one label byte and 3,072 pixel bytes
(1,024 red, 1,024 green, 1,024 blue, rows first). The *python* layout is six pickles of a dict
with `data`, uint8 (10000, 3072) in the same pixel order, and `labels`, a list of integers.

Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009, and
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinygrad_lite.backend import numpy as np

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Labels = np.ndarray[Any, np.dtype[np.int64]]
StrPath = str | os.PathLike[str]

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
        ValueError: a file is truncated or corrupt; the message says which and how.
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

    Raises:
        ValueError: wrong size, a label above 9, a wrong MD5 sum, or a pickle that is not a
            CIFAR-10 batch or asks for anything but arrays, lists, dicts, bytes and strings.
    """
    content = path.read_bytes()
    binary = path.suffix == ".bin"
    records = _records(path, content, edition) if binary else _unpickle(path, content, edition)
    wrong = np.flatnonzero(records[:, 0] >= len(CLASSES))
    if wrong.size:
        raise ValueError(
            f"{path}: record {wrong[0]} has label {records[wrong[0], 0]}, but labels are 0 to 9"
        )
    expected = edition.md5.get(path.name)
    if not verify or expected is None or (actual := md5(content)) == expected:
        return records
    # A pickle written again by another Python differs in its bytes though not in its content:
    # it is right if its records are those of the binary layout.
    if not binary and md5(records.tobytes()) == edition.md5.get(f"{path.name}.bin"):
        return records
    raise ValueError(f"{path}: MD5 is {actual}, expected {expected}: the file is corrupt")


def md5(content: bytes) -> str:
    """The MD5 sum of some bytes, in hexadecimal; a check against damage, not against attack."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _records(path: Path, content: bytes, edition: Edition) -> Bytes:
    expected = edition.records * RECORD
    if len(content) != expected:
        raise ValueError(
            f"{path}: expected {expected:,} bytes ({edition.records:,} records of {RECORD:,}), "
            f"but it has {len(content):,}: truncated, or not CIFAR-10's binary layout"
        )
    return np.frombuffer(content, np.uint8).reshape(edition.records, RECORD)


def _unpickle(path: Path, content: bytes, edition: Edition) -> Bytes:
    try:
        # latin1 is the one encoding that maps the str of a Python 2 pickle to its bytes.
        batch = _ArraysOnly(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # pickle documents no bound on what malformed input may raise
        what = f"{type(error).__name__}: {error}"
        raise ValueError(f"{path}: not a CIFAR-10 batch that can be read ({what})") from error
    if not isinstance(batch, dict):
        raise ValueError(f"{path}: expected a dict, but the pickle has {type(batch).__name__}")
    # The keys are bytes if the file was written again after loading with encoding="bytes".
    entries = {k.decode("latin1") if isinstance(k, bytes) else k: v for k, v in batch.items()}
    data, labels = entries.get("data"), entries.get("labels")
    shape = (edition.records, PIXELS)
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape != shape:
        kind = f"{data.dtype} {data.shape}" if isinstance(data, np.ndarray) else repr(type(data))
        raise ValueError(f"{path}: expected data of uint8 {shape}, but it is {kind}")
    if isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype.kind in "iu":
        labels = labels.tolist()
    if not isinstance(labels, list) or len(labels) != edition.records:
        size = len(labels) if isinstance(labels, list) else type(labels).__name__
        raise ValueError(f"{path}: expected a list of {edition.records} labels, but it is {size}")
    for i, label in enumerate(labels):
        if not isinstance(label, int) or not 0 <= label < len(CLASSES):
            raise ValueError(f"{path}: record {i} has label {label!r}, but labels are 0 to 9")
    records = np.empty((edition.records, RECORD), np.uint8)
    records[:, 0], records[:, 1:] = labels, data
    return records


def _encode(text: str, encoding: str) -> bytes:
    # How Python 3 writes bytes in protocol 2. Only latin1, which is what it uses there.
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"refused the encoding {encoding!r}")
    return text.encode("latin1")


def _admitted() -> dict[tuple[str, str], Callable[..., Any]]:
    # NumPy's own reconstructors have no public name; an array's reduction hands them out.
    # Old files say numpy.core, new ones numpy._core, whatever NumPy is installed.
    array: Any = np.zeros(1, np.uint8)
    found: dict[tuple[str, str], Callable[..., Any]] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encode,
    }
    for core in ("numpy.core", "numpy._core"):
        found[f"{core}.multiarray", "_reconstruct"] = array.__reduce__()[0]
        found[f"{core}.numeric", "_frombuffer"] = array.__reduce_ex__(5)[0]
    return found


_ADMITTED = _admitted()


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that builds NumPy arrays, lists, dicts, bytes and strings, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"refused {module}.{name}: only arrays, lists, dicts, bytes and str are admitted"
            ) from None
