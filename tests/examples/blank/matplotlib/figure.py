"""A figure that takes whatever is drawn, and is saved as no picture at all."""

from __future__ import annotations

from typing import Any

import numpy as np


class Figure:
    """Also its own axes, images and texts."""

    def __init__(self, *args: Any, **words: Any) -> None:
        pass

    def subplots(
        self, rows: int = 1, columns: int = 1, *, squeeze: bool = True, **words: Any
    ) -> Any:
        """Axes, as many as Matplotlib's method gives and in its shape."""
        grid = np.full((rows, columns), self, dtype=object)
        if not squeeze:
            return grid
        return self if grid.size == 1 else grid.squeeze()

    def savefig(self, file: Any, **words: Any) -> None:
        """The first bytes of a PNG."""
        file.write(b"\x89PNG\r\n\x1a\n blank")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # which NumPy asks for
            raise AttributeError(name)
        return lambda *args, **words: self
