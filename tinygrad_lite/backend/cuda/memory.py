"""Device memory that is in use, and the most that was.

Nothing is counted at allocations: CuPy's pools know what is in use now and what they have taken
from the driver. The latter falls only where we give memory back, so its peak costs nothing.
"""

from __future__ import annotations

from typing import Any

from . import graph as cuda_graph

_peak = 0  # bytes taken from the driver at the last time before some were given back


def _pools(cupy: Any = None) -> list[Any]:
    from . import library

    return [(cupy or library()).get_default_memory_pool(), *cuda_graph.pools()]


def memory_allocated() -> int:
    """Bytes of device memory that arrays hold now, those of captured steps among them."""
    return sum(int(pool.used_bytes()) for pool in _pools())


def memory_reserved() -> int:
    """Bytes of device memory taken from the driver: held by arrays, or kept for the next ones."""
    return _reserved(_pools())


def _reserved(pools: list[Any]) -> int:
    return sum(int(pool.total_bytes()) for pool in pools)


def give_back(cupy: Any = None) -> None:
    """Give memory of CuPy's own pool that no array uses back to the driver."""
    global _peak
    pools = _pools(cupy)
    _peak = max(_peak, _reserved(pools))
    pools[0].free_all_blocks()


def max_memory_reserved() -> int:
    """The most that `memory_reserved` was since `reset_peak_memory_stats`, or the start."""
    return max(_peak, memory_reserved())


def max_memory_allocated() -> int:
    """At least the most that arrays held at once since `reset_peak_memory_stats`.

    It is `max_memory_reserved`: the pools don't count what arrays hold at each moment. What it
    is above the exact figure is what lay free in the pools at the moment of the peak.
    """
    return max_memory_reserved()


def reset_peak_memory_stats() -> None:
    """Start the peaks anew; memory that no array uses goes back to the driver first."""
    global _peak
    empty_cache()
    _peak = 0


def empty_cache() -> None:
    """Give memory that no array uses back to the driver."""
    give_back()
