"""How exactly float32 products are computed on CUDA: in float32 or in TF32.

TF32 keeps float32's range but rounds the factors to 10 bits of mantissa; sums are float32. It
is several times as fast. As in PyTorch, convolution uses it unless told otherwise and matrix
products do not. The CPU knows no TF32.
"""

from __future__ import annotations

__all__ = ["get_float32_matmul_precision", "set_float32_matmul_precision"]

NAMES = ("highest", "high", "medium")
_matmul = "highest"
_conv_tf32 = True


def set_float32_matmul_precision(precision: str) -> None:
    """Choose how float32 matrix products (`matmul`, `linear`) run on CUDA, from now on.

    Args:
        precision: "highest", the default: float32 throughout, relative errors near 1e-7;
            "high" or "medium": TF32 where the GPU has it, relative errors near 1e-3.

    Raises:
        RuntimeError: another name.
    """
    global _matmul
    if precision not in NAMES:
        raise RuntimeError(
            f"set_float32_matmul_precision: expected one of {', '.join(NAMES)}, but got "
            f"{precision!r}"
        )
    _matmul = precision


def get_float32_matmul_precision() -> str:
    """The name that `set_float32_matmul_precision` set; "highest" at first."""
    return _matmul


def matmul_tf32() -> bool:
    """Whether float32 matrix products may use TF32."""
    return _matmul != "highest"


def conv_tf32() -> bool:
    """Whether float32 convolutions may use TF32."""
    return _conv_tf32


def set_conv_tf32(allowed: bool) -> None:
    """Let float32 convolutions use TF32 (the default), or not."""
    global _conv_tf32
    _conv_tf32 = bool(allowed)
