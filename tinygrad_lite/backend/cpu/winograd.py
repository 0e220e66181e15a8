"""Winograd's minimal filtering for 3×3 convolutions of stride 1 on NumPy.

F(m×m, 3×3) computes an m×m tile of outputs from an a×a tile of inputs, a = m + 2, with a²
instead of 9m² multiplications for each pair of channels (Lavin & Gray 2016, "Fast algorithms
for convolutional neural networks"):

    U = (G ⊗ G) w,   V = (Bᵀ ⊗ Bᵀ) x,   M = Σ_c U V,   y = (Aᵀ ⊗ Aᵀ) M,

tiles and kernels written as vectors. Each transform is one small matrix product; the sum over
channels is a batch of a² large ones. The gradients are the same products transposed:

    dM = (A ⊗ A) g,   dU = dM Vᵀ,   dw = (Gᵀ ⊗ Gᵀ) dU,   dV = Uᵀ dM,   dx = (B ⊗ B) dV,

where neighbouring tiles of dx overlap and add up. F(4×4) saves more multiplications, F(2×2)
has the smaller transforms and the smaller rounding error. Images in which a tile's magnitudes
differ too much for either, or may overflow or are not finite (`spread`), take the direct form;
if they are few, after the others, and what is found for them here is written over.

M and dM have one element more than the a² of a tile: what is there goes into all of the tile's
outputs, which makes it the place to add a bias, and in dM the sum of a tile's gradient.

Memory: images are (C, H, W, N); transformed tiles (a², C, T) with T = tiles · N. Tiles are cut out
of an image, or laid into one, by a single copy between a scratch array (row, column, C, tile row,
tile column, N) and a view of the image with the same axes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..layout import channels_last, empty_channels_last, from_chwn
from ..plain.conv import Recorded
from ..window import Window
from . import direct, spread
from .blas import multiply_long
from .channels import empty_chwn
from .threads import parallel
from .winograd_matrices import transform
from .workspace import scratch

Shape = tuple[int, ...]
CHUNK = 1 << 20  # bytes of tiles that a transform works on at a time
SHARE = 3  # a third of the images is worth doing twice: the direct form takes twice as long


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
        self.window = Window((3, 3), padding=padding)
        self.size = (shape[2] + 2 * padding[0] - 2, shape[3] + 2 * padding[1] - 2)
        self.down, self.across = (-(-extent // m) for extent in self.size)
        self.tiles = self.down * self.across * self.n
        self.full = (self.down * m, self.across * m)  # the output, rounded up to whole tiles
        self.input, self.kernel, self.output = (x.astype(dtype) for x in transform(m)[1:])

    def by_chunks(self, task: Callable[[int, int], None], channels: int) -> None:
        """Call `task(p, q)` for ranges of channels whose tiles fit a chunk, on all threads."""
        each = self.a**2 * self.tiles * self.dtype.itemsize

        def part(first: int, last: int) -> None:
            count = max(1, -(-(last - first) * each // CHUNK))
            step = -(-(last - first) // count)
            for p in range(first, last, step):
                task(p, min(p + step, last))

        parallel(part, channels)

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

        def task(p: int, q: int) -> None:
            padded = self.image(q - p, 2)
            padded[:, :top] = padded[:, top + h :] = 0
            padded[:, top : top + h, :left] = padded[:, top : top + h, left + w :] = 0
            padded[:, top : top + h, left : left + w] = image[p:q]
            d = self.buffer(self.a, q - p)
            d[...] = self.cut(padded, self.a)
            multiply_long(self.input, _flat(d), _flat(v[:, p:q]))

        self.by_chunks(task, c)
        return v

    def to_output(self, tiles: Any, bias: Any) -> Any:
        """The output (M, H, W, N) of M (a² + 1, M, T), whose last element it sets to the bias."""
        channels, (h, w), m = tiles.shape[1], self.size, self.m
        matrix = self.output
        if bias is None:
            tiles, matrix = tiles[:-1], np.ascontiguousarray(matrix[:, :-1])
        else:
            tiles[-1] = bias[:, None]
        y = np.empty((channels, h, w, self.n), self.dtype)
        whole = self.size == self.full

        def task(p: int, q: int) -> None:
            t = self.buffer(m, q - p)
            multiply_long(matrix, _flat(tiles[:, p:q]), _flat(t))
            image = y[p:q] if whole else self.image(q - p, 0)
            self.cut(image, m)[...] = t
            if not whole:
                y[p:q] = image[:, :h, :w]

        self.by_chunks(task, channels)
        return y

    def transform_gradient(self, g: Any) -> Any:
        """dM (a² + 1, M, T) of a gradient g (N, M, H, W)."""
        channels, (h, w), m = g.shape[1], self.size, self.m
        rows = g.transpose(1, 2, 3, 0)
        direct = self.size == self.full and rows.flags.c_contiguous
        out = np.empty((self.a**2 + 1, channels, self.tiles), self.dtype)
        transposed = np.ascontiguousarray(self.output.T)

        def task(p: int, q: int) -> None:
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

        self.by_chunks(task, channels)
        return out

    def to_input(self, tiles: Any) -> Any:
        """The gradient (C, H, W, N) of the input from dV (a², C, T): tiles added where they lay."""
        channels, (h, w), (top, left) = tiles.shape[1], self.inner, self.padding
        dx = empty_chwn((channels, h, w, self.n), self.dtype)
        transposed = np.ascontiguousarray(self.input.T)

        def task(p: int, q: int) -> None:
            d = self.buffer(self.a, q - p)
            multiply_long(transposed, _flat(tiles[:, p:q]), _flat(d))
            padded = self.image(q - p, 2)
            self._add_up(d, padded)
            dx[p:q] = padded[:, top : top + h, left : left + w]

        self.by_chunks(task, channels)
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


def _products(a: Any, b: Any, out: Any) -> Callable[[int, int], None]:
    """A part for `parallel`: the products of two batches of matrices, from one to another."""

    def part(p: int, q: int) -> None:
        np.matmul(a[p:q], b[p:q], out=out[p:q])

    return part


def convolve(x: Any, weight: Any, bias: Any, padding: tuple[int, int], m: int) -> Any:
    """The output (M, OH, OW, N) for x (N, C, H, W), weight (M, C, 3, 3), bias (M) or None."""
    tiling = Tiling(m, x.shape, padding, x.dtype)
    others = _not_trusted_inputs(tiling, x, spread.loudness(x), spread.largest(weight))
    if others is None:
        return direct.convolve(x, weight, bias, tiling.window)
    u = tiling.transform_kernel(weight, _scratch(tiling, "winograd U", *weight.shape[:2]))
    v = tiling.transform_input(x, _scratch(tiling, "winograd V", x.shape[1], tiling.tiles))
    product = _room_for_product(tiling, u)
    parallel(_products(u, v, product[:-1]), len(u))
    return _output(tiling, product, x, weight, bias, others)


def _room_for_product(tiling: Tiling, u: Any) -> Any:
    """Scratch for M (a² + 1, M, T): an element more a tile, for the bias."""
    return _scratch(tiling, "winograd M", u.shape[1], tiling.tiles, 1)


def _output(tiling: Tiling, product: Any, x: Any, weight: Any, bias: Any, others: Any) -> Any:
    """The output of all samples, the others' by the direct form."""
    y = tiling.to_output(product, bias)
    if others.size:
        part = _taken(x, others)
        y[..., others] = direct.convolve(part, weight, bias, tiling.window)
    return y


def _taken(x: Any, samples: Any) -> Any:
    """Some samples of an array (N, C, H, W), in its memory order."""
    return from_chwn(np, np.take(x.transpose(1, 2, 3, 0), samples, axis=3))


def _few(trusted: Any) -> Any:
    """The numbers of the samples that are not trusted; None if they are too many to be redone."""
    others = np.flatnonzero(~trusted)
    return others if others.size * SHARE <= trusted.size else None


def _not_trusted_inputs(tiling: Tiling, x: Any, loud: Any, weight: float) -> Any:
    """`_few` of the images whose outputs may be wrong: for x (N, C, H, W), its ℓ, and max |w|."""
    fit = spread.fits(spread.peaks(loud) * weight * 9 * x.shape[1], x.dtype)
    return _few(fit & spread.even_inputs(tiling, loud))


def _not_trusted_gradients(tiling: Tiling, g: Any, loud: Any, weight: float) -> Any:
    """The same of the input's gradient: for g (N, M, OH, OW), its ℓ, and max |w|."""
    fit = spread.fits(spread.peaks(loud) * weight * 9 * g.shape[1], g.dtype)
    return _few(fit & spread.even_gradients(tiling, loud))


def _sums_fit(g: Any, loud: Any, x: float) -> bool:
    """Whether nothing overflows in the weight's gradient: for g (N, M, OH, OW), its ℓ, max |x|."""
    most = float(np.maximum.reduce(loud, None))
    return all(spread.fits(size, g.dtype) for size in (most, x, most * x * g[:, 0].size))


def _scratch(tiling: Tiling, name: str, rows: int, columns: int, more: int = 0) -> Any:
    return scratch(name, (tiling.a**2 + more, rows, columns), tiling.dtype)


def weight_gradient(
    g: Any, x: Any, shape: tuple[int, ...], padding: tuple[int, int], m: int
) -> Any:
    """The gradient (M, C, 3, 3) of the weight for g (N, M, OH, OW) and x (N, C, H, W)."""
    tiling = Tiling(m, x.shape, padding, g.dtype)
    if not _sums_fit(g, spread.loudness(g), spread.largest(x)):
        return direct.weight_gradient(g, x, shape, tiling.window)
    v = tiling.transform_input(x, _scratch(tiling, "winograd V", x.shape[1], tiling.tiles))
    return _weight_gradient(tiling, tiling.transform_gradient(g), v)


def _weight_gradient(tiling: Tiling, dm: Any, v: Any) -> Any:
    du = _scratch(tiling, "winograd U", dm.shape[1], v.shape[1])
    parallel(_products(dm[:-1], v.swapaxes(1, 2), du), len(v))
    return tiling.gradient_of_kernel(du)


def input_gradient(
    g: Any, weight: Any, shape: tuple[int, ...], padding: tuple[int, int], m: int
) -> Any:
    """The gradient (C, H, W, N) of the input for g (N, M, OH, OW), weight (M, C, 3, 3)."""
    tiling = Tiling(m, shape, padding, g.dtype)
    others = _not_trusted_gradients(tiling, g, spread.loudness(g), spread.largest(weight))
    if others is None:
        return direct.input_gradient(g, weight, shape, tiling.window)
    u = tiling.transform_kernel(weight, _scratch(tiling, "winograd U", *weight.shape[:2]))
    return _input_gradient(tiling, tiling.transform_gradient(g), u, g, weight, others)


def _input_gradient(tiling: Tiling, dm: Any, u: Any, g: Any, weight: Any, others: Any) -> Any:
    dv = _scratch(tiling, "winograd V", u.shape[2], tiling.tiles)
    parallel(_products(u.swapaxes(1, 2), dm[:-1], dv), len(u))
    dx = tiling.to_input(dv)
    if others.size:
        shape = len(others), len(dx), *tiling.inner
        dx[..., others] = direct.input_gradient(_taken(g, others), weight, shape, tiling.window)
    return dx


def recorded(xp: Any, x: Any, weight: Any, bias: Any, padding: tuple[int, int], m: int) -> Recorded:
    """The output as of `convolve`; the gradients use U and V again, and dM is made once."""
    tiling = Tiling(m, x.shape, padding, x.dtype)
    window, shape, weight_shape = tiling.window, x.shape, weight.shape
    loud, heaviest = spread.loudness(x), spread.largest(weight)
    brightest = float(np.maximum.reduce(loud, None))
    others = _not_trusted_inputs(tiling, x, loud, heaviest)
    if others is None:
        return direct.recorded(xp, x, weight, bias, window)
    u, v = tiling.transform_kernel(weight), tiling.transform_input(x)
    product = _room_for_product(tiling, u)
    parallel(_products(u, v, product[:-1]), len(u))
    y = _output(tiling, product, x, weight, bias, others)

    def prepare(g: Any) -> Any:
        loud = spread.loudness(g)
        return (tiling.transform_gradient(g) if _sums_fit(g, loud, brightest) else None), loud

    def of_input(g: Any, made: Any) -> Any:
        dm, loud = made
        others = None if dm is None else _not_trusted_gradients(tiling, g, loud, heaviest)
        if others is None:
            return from_chwn(np, direct.input_gradient(g, weight, shape, window))
        return from_chwn(np, _input_gradient(tiling, dm, u, g, weight, others))

    def of_weight(g: Any, made: Any) -> Any:
        if made[0] is None:
            return direct.weight_gradient(g, x, weight_shape, window)
        return _weight_gradient(tiling, made[0], v)

    def of_bias(g: Any, made: Any) -> Any:
        return xp.conv2d_bias_gradient(g) if made[0] is None else np.sum(made[0][-1], axis=1)

    return Recorded(from_chwn(np, y), prepare, of_input, of_weight, of_bias)
