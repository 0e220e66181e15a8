"""Which kernel attention is to take, as PyTorch lets programs say; here there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(IntEnum):
    """PyTorch's kernels of `scaled_dot_product_attention`, by their numbers there."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(
    backends: SDPBackend | Sequence[SDPBackend], set_priority: bool = False
) -> Iterator[None]:
    """A `with` block in which PyTorch's attention would choose among these kernels; no effect here.

    Args:
        backends: one, or a list.
        set_priority: whether they are in order of preference.

    Raises:
        AssertionError: something that is no `SDPBackend`.
    """
    named = [backends] if isinstance(backends, SDPBackend) else list(backends)
    if not all(isinstance(backend, SDPBackend) for backend in named):
        raise AssertionError("Backend must be an instance of SDPBackend or a list of SDPBackend")
    yield
