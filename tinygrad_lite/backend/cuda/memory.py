"""Device memory that is in use, and the most that was.

Nothing is counted at allocations: CuPy's pools know what is in use now and what they have taken
from the driver. The latter falls only where we give memory back, so its peak costs nothing.
"""

from __future__ import annotations

import weakref
from typing import Any

from ..kernel import kernel

_peak = 0  # bytes taken from the driver at the last time before some were given back
_owners: weakref.WeakSet[Any] = weakref.WeakSet()  # of further pools: captured steps


def count_pool_of(owner: Any) -> None:
    """Count the memory of `owner.pool` too, for as long as the owner lives."""
    _owners.add(owner)


def _pools(cupy: Any) -> list[Any]:
    return [cupy.get_default_memory_pool(), *(owner.pool for owner in _owners)]


@kernel("cuda")
def memory_allocated(xp: Any) -> int:
    """Bytes of device memory that arrays hold now, those of captured steps among them."""
    return sum(int(pool.used_bytes()) for pool in _pools(xp.library))


@kernel("cuda")
def memory_reserved(xp: Any) -> int:
    """Bytes of device memory taken from the driver: held by arrays, or kept for the next ones."""
    return _reserved(_pools(xp.library))


def _reserved(pools: list[Any]) -> int:
    return sum(int(pool.total_bytes()) for pool in pools)


def give_back(cupy: Any) -> None:
    """Give memory of CuPy's own pool that no array uses back to the driver."""
    global _peak
    pools = _pools(cupy)
    _peak = max(_peak, _reserved(pools))
    pools[0].free_all_blocks()


@kernel("cuda")
def max_memory_reserved(xp: Any) -> int:
    """The most that `memory_reserved` was since `reset_peak_memory_stats`, or the start."""
    return max(_peak, memory_reserved(xp))


@kernel("cuda")
def reset_peak_memory_stats(xp: Any) -> None:
    """Start the peaks anew; memory that no array uses goes back to the driver first."""
    global _peak
    empty_cache(xp)
    _peak = 0


@kernel("cuda")
def empty_cache(xp: Any) -> None:
    """Give memory that no array uses back to the driver."""
    give_back(xp.library)
