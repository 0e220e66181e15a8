"""The GPU, under `torch.cuda`'s names."""

from .backend.cuda import (
    device_count,
    empty_cache,
    get_device_name,
    is_available,
    memory_allocated,
    synchronize,
)

__all__ = [
    "device_count",
    "empty_cache",
    "get_device_name",
    "is_available",
    "memory_allocated",
    "synchronize",
]
