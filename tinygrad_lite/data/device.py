"""A set of labelled images that lies on a device, where its batches are gathered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinygrad_lite.backend import Device, is_array
from tinygrad_lite.backend import numpy as np
from tinygrad_lite.tensor import Tensor
from tinygrad_lite.tensor.base import new
from tinygrad_lite.tensor.create import from_numpy

from .loader import Dataset


class DeviceImages(Dataset[tuple[Tensor, Tensor]]):
    """Images as bytes on a device, handed out as float32 with a mean image subtracted.

    Only indices go to the device for a batch, or nothing if they are there already. `dataset[i]`
    is (image float32 (C, H, W), label int64 ()); a `DataLoader` gathers whole batches.

    Args:
        pixels: uint8 (N, C, H, W).
        labels: int64 (N,).
        mean_image: float32 (C, H, W).
        device: where to copy them.

    Raises:
        RuntimeError: no such device.
    """

    def __init__(self, pixels: Any, labels: Any, mean_image: Any, device: str | Device) -> None:
        self.pixels, self.labels, self.mean_image = (
            from_numpy(array).to(device) for array in (pixels, labels, mean_image)
        )

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self._images(self.pixels[index]), self.labels[index]

    def __repr__(self) -> str:
        return f"DeviceImages({len(self)} images {self.pixels.shape[1:]} on {self.pixels.device})"

    def gather(self, indices: Any) -> tuple[Tensor, Tensor]:
        """The images and labels at `indices` (B,): float32 (B, C, H, W) and int64 (B,).

        Args:
            indices: integers, a tensor on any device or a NumPy array.

        Raises:
            IndexError: an index in host memory is outside the set. (To look at one on the
                device would wait for it.)
        """
        host = indices.array if isinstance(indices, Tensor) else indices
        if isinstance(host, np.ndarray) and host.size:
            low, high = host.min(), host.max()
            if low < -len(self) or high >= len(self):
                bad = high if high >= len(self) else low
                raise IndexError(f"gather: index {bad} is outside the set of {len(self)} images")
        rows = new(indices) if is_array(indices) else indices
        rows = rows.to(self.pixels.device)
        return self._images(self.pixels[rows]), self.labels[rows]

    def batches(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Go through the set once, in order; the last batch may be smaller.

        Raises:
            ValueError: batch_size is below 1.
        """
        if batch_size < 1:
            raise ValueError(f"batches: batch_size must be at least 1, but got {batch_size}")
        starts = range(0, len(self), batch_size)
        parts = (slice(start, start + batch_size) for start in starts)
        return ((self._images(self.pixels[part]), self.labels[part].clone()) for part in parts)

    def _images(self, pixels: Tensor) -> Tensor:
        return pixels.to(dtype="float32") - self.mean_image
