"""Which algorithm convolution takes."""

from __future__ import annotations

from .window import Window

__all__ = ["get_conv_algorithm", "set_conv_algorithm"]

NAMES = ("auto", "direct", "im2col", "winograd")
_chosen = "auto"

# Below so many tiles the products of F(4×4) are too small to pay for transforming the kernels:
# measured on two cores, 256→512 channels at 4² and batch 32 (32 tiles) lose, 256→256 at 8²
# (128 tiles) win.
LEAST_TILES = 64
# With fewer channels transforming the image costs more than it saves, and the products of the
# direct form are too small: 24→64 at 31² and batch 256 takes 0.45 of their time.
LEAST_CHANNELS = 24


def set_conv_algorithm(name: str) -> None:
    """Choose how convolutions run from now on.

    All are deterministic. A convolution that the one chosen can't do takes "im2col".

    Args:
        name: "auto", the default, takes whichever should be the fastest for the shapes. "im2col" is
            a product with the image's columns. On the CPU there are also "direct", a sum of
            products without columns, for stride 1, and "winograd", for 3×3 kernels with stride 1,
            whose relative rounding errors are larger (about 1e-6, against 1e-7). On CUDA "auto"
            is a kernel that writes no columns, where the GPU has one.

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
    """The name that `set_conv_algorithm` set; "auto" at first."""
    return _chosen


def choose(window: Window, shape: tuple[int, ...], weight_shape: tuple[int, ...]) -> str | int:
    """The algorithm of a convolution on the CPU: "im2col", "direct", or m for F(m×m, 3×3).

    F(m×m, 3×3) is Winograd's algorithm for tiles of m×m outputs, m 2 or 4 (`cpu/winograd.py`).

    Args:
        window: the convolution's.
        shape: the input's, (N, C, H, W).
        weight_shape: (M, C, kh, kw).
    """
    simple = window.stride == (1, 1)
    small = simple and window.kernel == (3, 3) and window.dilation == (1, 1)
    small = small and max(window.padding) <= 2
    if _chosen == "im2col" or not simple:
        return "im2col"
    if _chosen == "direct":
        return "direct"
    height, width = window.positions(shape[2:])
    down, across = -(-height // 4), -(-width // 4)
    covered = height * width / (16 * down * across)  # the part of the 4×4 tiles that is output
    if _chosen == "winograd":
        return (4 if covered > 0.4 else 2) if small else "im2col"
    if min(weight_shape[:2]) < LEAST_CHANNELS:
        return "im2col"
    large = shape[0] * down * across >= LEAST_TILES and covered > 0.7
    return 4 if small and large else "direct"
