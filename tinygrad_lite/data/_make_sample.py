"""How `sample.npz` was drawn from the real files; run again only to change the sample.

    python -m tinygrad_lite.data._make_sample FOLDER_OF_CIFAR_10 [TARGET.npz]

Deterministic: the first 100 images of each class in the training files (data_batch_1 onwards) and
the first 25 of each class in test_batch, kept in the order of the files, so that the classes are
mixed and a walk in order sees all of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.files import StrPath

from . import formats
from .formats import CLASSES, Bytes, Labels

TRAIN_PER_CLASS, TEST_PER_CLASS = 100, 25


def first_per_class(labels: Labels, count: int) -> Labels:
    """The indices of the first `count` of each class, in ascending order, int64 (10 count,)."""
    picked = [np.flatnonzero(labels == label)[:count] for label in range(len(CLASSES))]
    return np.sort(np.concatenate(picked)).astype(np.int64)


def draw(root: StrPath) -> dict[str, Bytes]:
    """The sample's arrays from the real files: images uint8 (N, 3, 32, 32), labels uint8 (N,).

    Raises:
        FileNotFoundError, ValueError: the files are not there, or not the official ones.
    """
    layout = formats.locate(root)
    if layout is None:
        raise FileNotFoundError(f"{root}: has no CIFAR-10 files")
    images, labels, test_images, test_labels = formats.read(layout)
    train, test = (
        first_per_class(labels, TRAIN_PER_CLASS),
        first_per_class(test_labels, TEST_PER_CLASS),
    )
    return {
        "train_images": images[train],
        "train_labels": labels[train].astype(np.uint8),
        "test_images": test_images[test],
        "test_labels": test_labels[test].astype(np.uint8),
    }


def make_sample(root: StrPath, target: StrPath) -> None:
    """Draw the sample from the files under `root` and write it to `target`, an .npz file."""
    np.savez_compressed(target, **draw(root))  # type: ignore[arg-type]


if __name__ == "__main__":
    beside = Path(__file__).with_name("sample.npz")
    make_sample(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else beside)
