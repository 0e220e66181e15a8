"""A set of labelled images in memory, given batch by batch, as the course's code asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from tinygrad_lite.backend import Device, random
from tinygrad_lite.backend import numpy as np
from tinygrad_lite.backend.random import Generator
from tinygrad_lite.backend.states import entries, integer, order

from .device import DeviceImages
from .formats import CLASSES, Bytes, Labels
from .loader import Dataset

Floats = np.ndarray[Any, np.dtype[np.float32]]


def mean_of(images: Bytes) -> Floats:
    """The per-pixel mean of images (N, 3, 32, 32) uint8 as float32 (3, 32, 32).

    The sums are integers, so only the last rounding, from float64 to float32, is not exact.
    """
    total = np.zeros(images.shape[1:], np.int64)
    for start in range(0, len(images), 256):  # 256 images of at most 255 fit into uint16: fastest
        total += images[start : start + 256].sum(axis=0, dtype=np.uint16)
    return (total / len(images)).astype(np.float32)


class ImageDataset(Dataset[tuple[Floats, int]]):
    """Images kept as bytes and handed out as float32 with a mean image subtracted.

    `dataset[i]` is (image float32 (3, 32, 32), label int). `next_batch` walks through the set;
    `batches` goes through it once, in order; a `DataLoader` gathers whole batches from it.

    Args:
        images: uint8 (N, 3, 32, 32), kept without a copy.
        labels: int64 (N,), from 0 to 9.
        mean_image: float32 (3, 32, 32), subtracted from every image handed out.
        seed: of this dataset's own generator, which reshuffles it; None draws one from the
            library's default generator, so that `manual_seed` decides.

    Raises:
        ValueError: the images and the labels differ in number.
    """

    def __init__(
        self, images: Bytes, labels: Labels, mean_image: Floats, seed: int | None = None
    ) -> None:
        if len(images) != len(labels):
            raise ValueError(f"ImageDataset: {len(images)} images but {len(labels)} labels")
        if seed is None:
            seed = int(random.integers(0, 2**63 - 1, (), np.int64))
        self.pixels = images
        self.labels = labels
        self.mean_image = mean_image
        self.generator = Generator(seed)
        self.epochs_completed = 0
        self._order = np.arange(len(images), dtype=np.int64)
        self._index = 0

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Floats, int]:
        return self.pixels[index] - self.mean_image, int(self.labels[index])

    def __repr__(self) -> str:
        return f"ImageDataset({len(self)} images {self.pixels.shape[1:]})"

    @property
    def num_examples(self) -> int:
        """How many images there are; `len` under the course's name."""
        return len(self)

    @cached_property
    def images(self) -> Floats:
        """All images preprocessed, float32 (N, 3, 32, 32): 614 MB for CIFAR-10's training set.

        Made at the first use and then kept.
        """
        return self._subtract_mean(self.pixels)

    @cached_property
    def one_hot(self) -> Floats:
        """The labels as rows of zeros with a one in the label's place, float32 (N, 10)."""
        return _one_hot(self.labels)

    def gather(self, indices: Labels) -> tuple[Floats, Labels]:
        """The images and labels at `indices` (B,): float32 (B, 3, 32, 32) and int64 (B,).

        Raises:
            IndexError: an index is outside the set.
        """
        # Rows are gathered as bytes, a quarter of the memory traffic of floats. The result is a
        # fresh array: measured as fast as a buffer used again, and the caller may keep it.
        return self._subtract_mean(np.take(self.pixels, indices, axis=0)), self.labels[indices]

    def next_batch(self, batch_size: int, one_hot: bool = False) -> tuple[Floats, Any]:
        """The next `batch_size` images, float32 (B, 3, 32, 32), and their labels.

        The first walk is in file order. When fewer than `batch_size` images are left, these are
        dropped, the whole set is reshuffled and the walk begins anew.

        Args:
            batch_size: B, from 1 to N.
            one_hot: labels as float32 (B, 10) instead of int64 (B,).

        Raises:
            ValueError: batch_size is below 1 or above N.
        """
        images, labels = self.gather(self.next_indices(batch_size))
        return images, _one_hot(labels) if one_hot else labels

    def next_indices(self, batch_size: int) -> Labels:
        """The walk of `next_batch`, but where its images are: int64 (B,).

        Raises:
            ValueError: as `next_batch`.
        """
        if not 1 <= batch_size <= len(self):
            raise ValueError(
                f"next_batch: batch_size must be from 1 to {len(self)}, but got {batch_size}"
            )
        start = self._index
        self._index += batch_size
        if self._index > len(self):
            self.generator.numpy.shuffle(self._order)
            self.epochs_completed += 1
            start, self._index = 0, batch_size
        return self._order[start : self._index].copy()

    def to(self, device: str | Device) -> DeviceImages:
        """The same images and labels on a device, to gather batches there.

        The walk stays here: `data.to("cuda").gather(data.next_indices(32))`.
        """
        return DeviceImages(self.pixels, self.labels, self.mean_image, device)

    def batches(self, batch_size: int, one_hot: bool = False) -> Iterator[tuple[Floats, Any]]:
        """Go through the set once, in file order, as for an evaluation.

        The walk of `next_batch` is not touched. Yields images float32 (B, 3, 32, 32) and labels,
        int64 (B,) or one-hot float32 (B, 10); the last batch may be smaller.

        Raises:
            ValueError: batch_size is below 1.
        """
        if batch_size < 1:
            raise ValueError(f"batches: batch_size must be at least 1, but got {batch_size}")

        def walk() -> Iterator[tuple[Floats, Any]]:
            for start in range(0, len(self), batch_size):
                rows = slice(start, start + batch_size)
                labels = self.labels[rows]
                yield (
                    self._subtract_mean(self.pixels[rows]),
                    _one_hot(labels) if one_hot else labels.copy(),
                )

        return walk()  # the check above is made at the call, not at the first batch

    def state_dict(self) -> dict[str, Any]:
        """Where the walk is: enough to go on in the middle of an epoch, bit for bit.

        `permutation` int64 (N,), `index`, `epochs_completed` and `generator` (plain numbers).
        """
        return {
            "permutation": self._order.copy(),
            "index": self._index,
            "epochs_completed": self.epochs_completed,
            "generator": self.generator.state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where `state_dict` was taken.

        Raises:
            TypeError, KeyError: an entry is missing, or of another kind.
            ValueError: the state is of a set of another size, or not a state at all. Nothing has
                changed.
        """
        own = "ImageDataset"
        entries(own, state, ["permutation", "index", "epochs_completed", "generator"])
        count = len(self)
        walk = order(own, "permutation", state["permutation"], count)
        epochs = integer(own, "epochs_completed", state["epochs_completed"], 0)
        index = integer(own, "index", state["index"], 0)
        if index > count:
            raise ValueError(f"{own}: the state's index {index} is outside the set")
        self.generator.state = state["generator"]  # which checks it
        self._order, self._index, self.epochs_completed = walk, index, epochs

    def _subtract_mean(self, pixels: Bytes) -> Floats:
        images = pixels.astype(np.float32)
        images -= self.mean_image
        return images


def _one_hot(labels: Labels) -> Floats:
    rows = np.zeros((len(labels), len(CLASSES)), np.float32)
    rows[np.arange(len(labels)), labels] = 1
    return rows
