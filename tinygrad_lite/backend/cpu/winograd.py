"""Winograd's minimal filtering for 3×3 convolutions of stride 1 on NumPy.

F(m×m, 3×3) computes an m×m tile of outputs from an a×a tile of inputs, a = m + 2, with a²
instead of 9m² multiplications for each pair of channels (Lavin & Gray 2016, "Fast algorithms
for convolutional neural networks"):

    U = (G ⊗ G) w,   V = (Bᵀ ⊗ Bᵀ) x,   M = Σ_c U V,   y = (Aᵀ ⊗ Aᵀ) M,

tiles and kernels written as vectors. Each transform is one small matrix product; the sum over
channels is a batch of a² large ones. The gradients are the same products transposed:

    dM = (A ⊗ A) g,   dU = dM Vᵀ,   dw = (Gᵀ ⊗ Gᵀ) dU,   dV = Uᵀ dM,   dx = (B ⊗ B) dV,

where neighbouring tiles of dx overlap and add up. F(4×4) saves more multiplications, F(2×2)
has the smaller transforms and the smaller rounding error.

Memory: images are (C, H, W, N); transformed tiles (a², C, T) with T = tiles · N. Tiles are cut out
of an image, or laid into one, by a single copy between a scratch array (row, column, C, tile row,
tile column, N) and a view of the image with the same axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layout import channels_last, empty_channels_last, from_chwn
from ..plain.conv import Recorded
from .blas import multiply_long
from .threads import parallel
from .winograd_matrices import TRANSFORMS
from .workspace import scratch

Shape = tuple[int, ...]
CHUNK = 1 << 20  # bytes of tiles that a transform works on at a time


class Tiling:
    """How F(m×m, 3×3) cuts an image into tiles.

    Args:
        m: 2 or 4.
        shape: (N, C, H, W) of the input.
        padding: of the convolution.
        dtype: of the image.
    """

    def __init__(self, m: int, shape: Shape, padding: tuple[int, int], dtype: Any) -> None:
        self.m, self.a, self.n, self.dtype = m, m + 2, shape[0], np.dtype(dtype)
        self.padding, self.inner = padding, shape[2:]
        self.size = (shape[2] + 2 * padding[0] - 2, shape[3] + 2 * padding[1] - 2)
        self.down, self.across = (-(-extent // m) for extent in self.size)
        self.tiles = self.down * self.across * self.n
        self.full = (self.down * m, self.across * m)  # the output, rounded up to whole tiles
        # The element of a tile that goes into all of its outputs, as Aᵀ's second column is ones:
        # the place to add a bias, and in dM the sum of a tile's gradient.
        self.one = self.a + 1
        self.input, self.kernel, self.output = (x.astype(dtype) for x in TRANSFORMS[m][1:])

    def chunks(self, first: int, last: int) -> list[tuple[int, int]]:
        """Ranges of channels whose tiles fit a chunk."""
        each = self.a**2 * self.tiles * self.dtype.itemsize
        count = max(1, -(-(last - first) * each // CHUNK))
        step = -(-(last - first) // count)
        return [(p, min(p + step, last)) for p in range(first, last, step)]

    def cut(self, image: Any, side: int) -> Any:
        """A view of a contiguous image (c, H, W, N) as tiles (side, side, c, down, across, N).

        Tiles begin m pixels apart; where side > m they overlap.
        """
        c, _, _, n = image.shape
        pixel, row, column, element = image.strides
        strides = (row, column, pixel, self.m * row, self.m * column, element)
        shape = (side, side, c, self.down, self.across, n)
        return np.ndarray(shape, image.dtype, image, 0, strides)

    def buffer(self, side: int, channels: int) -> Any:
        """Scratch tiles (side, side, channels, down, across, N)."""
        shape = (side, side, channels, self.down, self.across, self.n)
        return scratch("winograd tiles", shape, self.dtype)

    def image(self, channels: int, margin: int) -> Any:
        """Scratch images (channels, H, W, N) of whole tiles and a margin."""
        high, wide = self.full
        shape = (channels, high + margin, wide + margin, self.n)
        return scratch("winograd image", shape, self.dtype)

    def transform_kernel(self, weight: Any, out: Any = None) -> Any:
        """U (a², M, C) of a weight (M, C, 3, 3)."""
        m, c = weight.shape[:2]
        kernels = channels_last(np, weight).reshape(m, 9, c)
        u = np.empty((self.a**2, m, c), self.dtype) if out is None else out

        def part(p: int, q: int) -> None:
            np.matmul(self.kernel, kernels[p:q], out=u[:, p:q].transpose(1, 0, 2))

        parallel(part, m, least=1 + 4096 // c)
        return u

    def gradient_of_kernel(self, du: Any) -> Any:
        """The gradient (M, C, 3, 3) of the weight from dU (a², M, C)."""
        _, m, c = du.shape
        gradient = empty_channels_last(np, (m, c, 3, 3), self.dtype)
        dw = channels_last(np, gradient).reshape(m, 9, c)
        transposed = np.ascontiguousarray(self.kernel.T)

        def part(p: int, q: int) -> None:
            np.matmul(transposed, du[:, p:q].transpose(1, 0, 2), out=dw[p:q])

        parallel(part, m, least=1 + 4096 // c)
        return gradient

    def transform_input(self, x: Any, out: Any = None) -> Any:
        """V (a², C, T) of an image x (N, C, H, W) with zeros around it."""
        c, (top, left), (h, w) = x.shape[1], self.padding, self.inner
        image = x.transpose(1, 2, 3, 0)
        v = np.empty((self.a**2, c, self.tiles), self.dtype) if out is None else out

        def part(first: int, last: int) -> None:
            for p, q in self.chunks(first, last):
                padded = self.image(q - p, 2)
                padded[:, :top] = padded[:, top + h :] = 0
                padded[:, top : top + h, :left] = padded[:, top : top + h, left + w :] = 0
                padded[:, top : top + h, left : left + w] = image[p:q]
                d = self.buffer(self.a, q - p)
                d[...] = self.cut(padded, self.a)
                multiply_long(self.input, _flat(d), _flat(v[:, p:q]))

        parallel(part, c)
        return v

    def to_output(self, tiles: Any, bias: Any) -> Any:
        """The output (M, H, W, N) of M (a², M, T), which it overwrites."""
        channels, (h, w), m = tiles.shape[1], self.size, self.m
        if bias is not None:
            tiles[self.one] += bias[:, None]
        y = np.empty((channels, h, w, self.n), self.dtype)
        whole = self.size == self.full

        def part(first: int, last: int) -> None:
            for p, q in self.chunks(first, last):
                t = self.buffer(m, q - p)
                multiply_long(self.output, _flat(tiles[:, p:q]), _flat(t))
                image = y[p:q] if whole else self.image(q - p, 0)
                self.cut(image, m)[...] = t
                if not whole:
                    y[p:q] = image[:, :h, :w]

        parallel(part, channels)
        return y

    def transform_gradient(self, g: Any) -> Any:
        """dM (a², M, T) of a gradient g (N, M, H, W)."""
        channels, (h, w), m = g.shape[1], self.size, self.m
        rows = g.transpose(1, 2, 3, 0)
        direct = self.size == self.full and rows.flags.c_contiguous
        out = np.empty((self.a**2, channels, self.tiles), self.dtype)
        transposed = np.ascontiguousarray(self.output.T)

        def part(first: int, last: int) -> None:
            for p, q in self.chunks(first, last):
                if direct:
                    image = rows[p:q]
                else:
                    image = self.image(q - p, 0)
                    image[:, h:] = 0
                    image[:, :h, w:] = 0
                    image[:, :h, :w] = rows[p:q]
                t = self.buffer(m, q - p)
                t[...] = self.cut(image, m)
                multiply_long(transposed, _flat(t), _flat(out[:, p:q]))

        parallel(part, channels)
        return out

    def to_input(self, tiles: Any) -> Any:
        """The gradient (C, H, W, N) of the input from dV (a², C, T): tiles added where they lay."""
        channels, (h, w), (top, left) = tiles.shape[1], self.inner, self.padding
        dx = np.empty((channels, h, w, self.n), self.dtype)
        transposed = np.ascontiguousarray(self.input.T)

        def part(first: int, last: int) -> None:
            for p, q in self.chunks(first, last):
                d = self.buffer(self.a, q - p)
                multiply_long(transposed, _flat(tiles[:, p:q]), _flat(d))
                padded = self.image(q - p, 2)
                self._add_up(d, padded)
                dx[p:q] = padded[:, top : top + h, left : left + w]

        parallel(part, channels)
        return dx

    def _add_up(self, d: Any, image: Any) -> None:
        """Tiles (a, a, c, down, across, N) that overlap by two pixels, added up in an image.

        First each tile's last two rows and columns go to the next tile, whose first two lie
        in the same place; then nothing overlaps, and what is left is copied.
        """
        m, (high, wide) = self.m, self.full
        d[:2, :, :, 1:] += d[m:, :, :, :-1]
        bottom = d[m:, :, :, -1]  # (2, a, c, across, N): rows below the last tiles
        d[:m, :2, :, :, 1:] += d[:m, m:, :, :, :-1]
        bottom[:, :2, :, 1:] += bottom[:, m:, :, :-1]
        self.cut(image, m)[...] = d[:m, :m]
        c, n = image.shape[0], self.n
        right = image[:, :high, wide:].reshape(c, self.down, m, 2, n)
        right.transpose(2, 3, 0, 1, 4)[...] = d[:m, m:, :, :, -1]
        below = image[:, high:, :wide].reshape(c, 2, self.across, m, n)
        below.transpose(1, 3, 0, 2, 4)[...] = bottom[:, :m]
        image[:, high:, wide:].transpose(1, 2, 0, 3)[...] = bottom[:, m:, :, -1]


def _flat(tiles: Any) -> Any:
    """Tiles (side, side, …) or (side², …) as a matrix with a row for each element of a tile."""
    rows = tiles.shape[0] if tiles.ndim == 3 else tiles.shape[0] ** 2
    return tiles.reshape(rows, tiles.size // rows)


def _products(a: Any, b: Any, out: Any) -> Any:
    """The a² products of two batches of matrices."""

    def part(p: int, q: int) -> None:
        np.matmul(a[p:q], b[p:q], out=out[p:q])

    parallel(part, len(a))
    return out


def convolve(x: Any, weight: Any, bias: Any, padding: tuple[int, int], m: int) -> Any:
    """The output (M, OH, OW, N) for x (N, C, H, W), weight (M, C, 3, 3), bias (M) or None."""
    tiling = Tiling(m, x.shape, padding, x.dtype)
    a2, (out, c) = tiling.a**2, weight.shape[:2]
    u = tiling.transform_kernel(weight, scratch("winograd U", (a2, out, c), x.dtype))
    v = tiling.transform_input(x, scratch("winograd V", (a2, c, tiling.tiles), x.dtype))
    return tiling.to_output(_multiply(u, v), bias)


def _multiply(u: Any, v: Any) -> Any:
    """M = Σ_c U V, in scratch memory."""
    shape = (len(u), u.shape[1], v.shape[2])
    return _products(u, v, scratch("winograd M", shape, v.dtype))


def weight_gradient(
    g: Any, x: Any, shape: tuple[int, ...], padding: tuple[int, int], m: int
) -> Any:
    """The gradient (M, C, 3, 3) of the weight for g (N, M, OH, OW) and x (N, C, H, W)."""
    tiling = Tiling(m, x.shape, padding, g.dtype)
    v = tiling.transform_input(
        x, scratch("winograd V", (tiling.a**2, x.shape[1], tiling.tiles), g.dtype)
    )
    return _weight_gradient(tiling, tiling.transform_gradient(g), v)


def _weight_gradient(tiling: Tiling, dm: Any, v: Any) -> Any:
    du = scratch("winograd U", (len(v), dm.shape[1], v.shape[1]), v.dtype)
    return tiling.gradient_of_kernel(_products(dm, v.swapaxes(1, 2), du))


def input_gradient(
    g: Any, weight: Any, shape: tuple[int, ...], padding: tuple[int, int], m: int
) -> Any:
    """The gradient (C, H, W, N) of the input for g (N, M, OH, OW), weight (M, C, 3, 3)."""
    tiling = Tiling(m, shape, padding, g.dtype)
    u = tiling.transform_kernel(
        weight, scratch("winograd U", (tiling.a**2, *weight.shape[:2]), g.dtype)
    )
    return _input_gradient(tiling, tiling.transform_gradient(g), u)


def _input_gradient(tiling: Tiling, dm: Any, u: Any) -> Any:
    dv = scratch("winograd V", (len(u), u.shape[2], tiling.tiles), u.dtype)
    return tiling.to_input(_products(u.swapaxes(1, 2), dm, dv))


def recorded(x: Any, weight: Any, bias: Any, padding: tuple[int, int], m: int) -> Recorded:
    """The output as of `convolve`; the gradients use U and V again, and dM is made once."""
    tiling = Tiling(m, x.shape, padding, x.dtype)
    u, v = tiling.transform_kernel(weight), tiling.transform_input(x)

    def of_input(g: Any, dm: Any) -> Any:
        return from_chwn(np, _input_gradient(tiling, dm, u))

    def of_weight(g: Any, dm: Any) -> Any:
        return _weight_gradient(tiling, dm, v)

    def of_bias(g: Any, dm: Any) -> Any:
        return np.sum(dm[tiling.one], axis=1)

    y = from_chwn(np, tiling.to_output(_multiply(u, v), bias))
    return Recorded(y, tiling.transform_gradient, of_input, of_weight, of_bias)
