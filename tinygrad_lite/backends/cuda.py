"""`torch.backends.cuda`: `matmul.allow_tf32`."""

from __future__ import annotations

from ..backend import is_available, precision

__all__ = ["is_built", "matmul"]


def is_built() -> bool:
    """Whether CUDA can be used; nothing is built, CuPy is there or not."""
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
