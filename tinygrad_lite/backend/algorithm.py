"""Which algorithm convolution takes."""

from __future__ import annotations

from .window import Window

__all__ = ["get_conv_algorithm", "set_conv_algorithm"]

NAMES = ("auto", "im2col", "winograd", "implicit")
_chosen = "auto"

# Below so many tiles the products of F(4×4) are too small to pay for transforming the kernels:
# measured on two cores, 256→512 channels at 4² and batch 32 (32 tiles) lose, 256→256 at 8²
# (128 tiles) win.
LEAST_TILES = 64
LEAST_CHANNELS = 32  # fewer, and transforming the image costs more than it saves


def set_conv_algorithm(name: str) -> None:
    """Choose how convolutions run from now on: on the CPU those of 3×3 with stride 1.

    Args:
        name: "im2col"; "winograd", whose rounding errors are larger (of the order of 1e-6
            relative, against 1e-7); "implicit", for float32 on CUDA in TF32, without columns
            in memory, and as "auto" elsewhere; or "auto", the default, which takes whichever
            should be faster for the shapes. All are deterministic.

    Raises:
        ValueError: another name.
    """
    global _chosen
    if name not in NAMES:
        raise ValueError(
            f"set_conv_algorithm: expected one of {', '.join(NAMES)}, but got {name!r}"
        )
    _chosen = name


def get_conv_algorithm() -> str:
    """What `set_conv_algorithm` set."""
    return _chosen


def winograd_tile(
    window: Window, groups: int, shape: tuple[int, ...], weight_shape: tuple[int, ...]
) -> int:
    """The tile size m of Winograd's F(m×m, 3×3) for a convolution, or 0 for im2col.

    Args:
        window: of the convolution.
        groups: of the convolution.
        shape: of the input (N, C, H, W).
        weight_shape: (M, C, kh, kw).
    """
    fits = window.kernel == (3, 3) and window.stride == window.dilation == (1, 1) and groups == 1
    if not fits or _chosen == "im2col" or 0 in shape or max(window.padding) > 2:
        return 0
    height, width = window.positions(shape[2:])
    down, across = -(-height // 4), -(-width // 4)
    covered = height * width / (16 * down * across)  # of what whole tiles compute
    if _chosen == "winograd":
        return 4 if covered > 0.4 else 2
    large = shape[0] * down * across >= LEAST_TILES and covered > 0.7
    return 4 if large and min(weight_shape[:2]) >= LEAST_CHANNELS else 0
