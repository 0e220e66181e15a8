"""`torch.backends.cuda`: `matmul.allow_tf32`."""

from __future__ import annotations

from ..backend import precision

__all__ = ["matmul"]


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
