"""Other views of the training images: shifted by some pixels, half of them mirrored."""

from __future__ import annotations

import tinygrad_lite as torch
from tinygrad_lite.nn import functional as F

SHIFT = 4


class Augment:
    """Draws a view of each image of a batch; one gather, on either device and in captured steps.

    What is shifted in from outside is 0: the mean image, once that was subtracted.

    Args:
        size: of the square images.
        device: where the batches are.
    """

    def __init__(self, size: int, device: str) -> None:
        self.size, self.device = size, device
        self.rows = torch.arange(size, device=device).reshape(1, size, 1)
        self.columns = torch.arange(size, device=device).reshape(1, 1, size)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Views of images (N, C, size, size), of the same shape."""
        n, channels, size, wide = *images.shape[:2], self.size, self.size + 2 * SHIFT
        down, right = (self._draw(n) for _ in range(2))
        mirrored = torch.rand(n, 1, 1, device=self.device) < 0.5
        columns = torch.where(mirrored, size - 1 - self.columns, self.columns) + right
        places = ((self.rows + down) * wide + columns).reshape(n, 1, size * size)
        padded = F.pad(images, (SHIFT, SHIFT, SHIFT, SHIFT)).reshape(n, channels, wide * wide)
        views = padded.gather(2, places.expand(n, channels, size * size))
        return views.reshape(n, channels, size, size)

    def _draw(self, n: int) -> torch.Tensor:
        return torch.randint(0, 2 * SHIFT + 1, (n, 1, 1), device=self.device)


class Reflected:
    """Views of each image of a batch: shifted with reflection at the edges, mirrored as told.

    One gather, like `Augment`.

    Args:
        size: of the square images.
        shift: by at most so many pixels, in both directions.
        device: where the batches are.
    """

    def __init__(self, size: int, shift: int, device: str) -> None:
        self.last, self.shift, self.device = size - 1, shift, device
        self.places = torch.arange(size, device=device).reshape(1, size)

    def __call__(self, images: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
        """Views of images (N, C, size, size), of the same shape; mirrored is bool (N)."""
        n, channels, size = *images.shape[:2], self.last + 1
        rows, columns = (self._reflected(self.places + self._draw(n)) for _ in range(2))
        columns = torch.where(mirrored.reshape(n, 1), self.last - columns, columns)
        places = (rows.reshape(n, size, 1) * size + columns.reshape(n, 1, size)).reshape(n, 1, -1)
        views = images.reshape(n, channels, -1).gather(2, places.expand(n, channels, size * size))
        return views.reshape(n, channels, size, size)

    def _reflected(self, places: torch.Tensor) -> torch.Tensor:
        """−1 is 1, and so on: the outermost pixel is not repeated."""
        return self.last - (self.last - places.abs()).abs()

    def _draw(self, n: int) -> torch.Tensor:
        return torch.randint(-self.shift, self.shift + 1, (n, 1), device=self.device)
