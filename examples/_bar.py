"""The progress bar of a run: tqdm's, or none where that is not installed."""

from __future__ import annotations

from typing import Any


class NoBar:
    """What a run asks of a bar, without one."""

    disable = True

    def update(self) -> None:
        """Nothing to move."""

    def close(self) -> None:
        """Nothing to end."""

    def set_postfix_str(self, text: str) -> None:
        """Nothing to write beside."""

    def write(self, text: str) -> None:
        """A line."""
        print(text)


def progress(**words: Any) -> Any:
    """A bar with tqdm's arguments."""
    try:
        from tqdm import tqdm
    except ImportError:
        return NoBar()
    return tqdm(**words)
