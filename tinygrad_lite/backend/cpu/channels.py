"""Work on arrays (C, …) in ranges of channels, so that the operands of each stay in the cache."""

from __future__ import annotations

from collections.abc import Callable

from .threads import parallel

BYTES = 1 << 21  # of the largest operand; less pays more for calls than the cache gives back
# Bytes that are worth another thread: two threads of Python wait for each other's hold on the
# interpreter between NumPy's calls, and longer where calls are short or keep that hold.
SHARED = 1 << 20
SMALL = 1 << 15  # bytes that take less time than cutting them up


def by_channels(
    task: Callable[[int, int], None], channels: int, bytes_each: int, shared: int = SHARED
) -> None:
    """Call `task(start, stop)` for ranges that cover all channels, on several threads.

    Args:
        task: works on a range of channels; calls do not depend on each other. It may multiply
            vectors, not matrices: so short a product BLAS does in one thread (see `threads`).
        channels: how many channels there are.
        bytes_each: the size of one channel of the largest operand.
        shared: bytes that are worth another thread.
    """
    if 0 < channels * bytes_each < SMALL:
        task(0, channels)
        return
    step = channels_at_once(channels, bytes_each)

    def part(first: int, last: int) -> None:
        for start in range(first, last, step):
            task(start, min(start + step, last))

    parallel(part, channels, least=-(-shared // max(bytes_each, 1)))


def channels_at_once(channels: int, bytes_each: int) -> int:
    """How many channels the largest range of `by_channels` has."""
    return max(1, min(channels, BYTES // max(bytes_each, 1)))
