"""PyTorch's `torch.backends.cuda`, a front: `matmul.allow_tf32`, and switches without effect.

Which attention kernels are allowed is kept for programs that ask, but changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..absent import explain as _explain
from ..backend import is_available, precision

__all__ = [
    "cudnn_sdp_enabled",
    "enable_cudnn_sdp",
    "enable_flash_sdp",
    "enable_math_sdp",
    "enable_mem_efficient_sdp",
    "flash_sdp_enabled",
    "is_built",
    "is_flash_attention_available",
    "matmul",
    "math_sdp_enabled",
    "mem_efficient_sdp_enabled",
    "preferred_linalg_library",
    "sdp_kernel",
]

_allowed = dict.fromkeys(("flash", "math", "mem_efficient", "cudnn"), True)


def is_built() -> bool:
    """Whether CUDA can be used: whether CuPy is installed and sees a GPU."""
    return is_available("cuda")


class _Matmul:
    """Settings of matrix products."""

    __slots__ = ()

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 products use TF32; see `set_float32_matmul_precision`."""
        return precision.matmul_tf32()

    @allow_tf32.setter
    def allow_tf32(self, allowed: bool) -> None:
        precision.set_float32_matmul_precision("high" if allowed else "highest")


matmul = _Matmul()


def flash_sdp_enabled() -> bool:
    """What `enable_flash_sdp` was told last."""
    return _allowed["flash"]


def math_sdp_enabled() -> bool:
    """What `enable_math_sdp` was told last."""
    return _allowed["math"]


def mem_efficient_sdp_enabled() -> bool:
    """What `enable_mem_efficient_sdp` was told last."""
    return _allowed["mem_efficient"]


def cudnn_sdp_enabled() -> bool:
    """What `enable_cudnn_sdp` was told last."""
    return _allowed["cudnn"]


def enable_flash_sdp(enabled: bool) -> None:
    """Kept for `flash_sdp_enabled`, without effect: there is one kernel of attention here."""
    _allowed["flash"] = enabled


def enable_math_sdp(enabled: bool) -> None:
    """Kept, without effect; see `enable_flash_sdp`."""
    _allowed["math"] = enabled


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Kept, without effect; see `enable_flash_sdp`."""
    _allowed["mem_efficient"] = enabled


def enable_cudnn_sdp(enabled: bool) -> None:
    """Kept, without effect; see `enable_flash_sdp`."""
    _allowed["cudnn"] = enabled


@contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:
    """A `with` block in which these attention kernels count as allowed; without effect."""
    before = _allowed.copy()
    _allowed.update(
        flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn
    )
    try:
        yield
    finally:
        _allowed.update(before)


def is_flash_attention_available() -> bool:
    """False: attention in blocks is a kernel of our own."""
    return False


def preferred_linalg_library(backend: str | None = None) -> str:
    """Return "default", whatever is asked for: decompositions are NumPy's and CuPy's."""
    return "default"


_explain(__name__)
